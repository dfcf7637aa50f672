#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures Portolan and its peer side by side, prints one table with the requirements, and fails when one is missed.
run.sh builds everything and calls this."""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "peer")]

import console  # noqa: E402
import price  # noqa: E402
from peer import Peer  # noqa: E402
from portal import Portal, send_large_body  # noqa: E402
from tools import (ROOT, Child, ConnectionWatch, Failed, Folder, die_with_parent, http, resident_bytes,  # noqa: E402
                   wrk)

MIB = 1024 * 1024
CONNECTIONS = 64
IO_THREADS = 2  # of both, where ours is measured against bare Beast
SLOW_CLIENTS = 1500
LARGE_BODY = 200 * MIB


class Row:
    """One line of the table. `required` compares `value`, or `ours / peer` when the requirement is a ratio."""

    def __init__(self, name, unit, ours, peer=None, at_least=None, at_most=None, ratio_at_least=None, note=""):
        self.name, self.unit, self.ours, self.peer, self.note = name, unit, ours, peer, note
        self.ratio = ours / peer if peer else None
        self.required, self.passed = "", None
        if ratio_at_least is not None:
            self.required, self.passed = f"≥ {ratio_at_least:g}×", self.ratio is not None and self.ratio >= ratio_at_least
        elif at_least is not None:
            self.required, self.passed = f"≥ {at_least:g}", ours >= at_least
        elif at_most is not None:
            self.required, self.passed = f"≤ {at_most:g}", ours <= at_most

    def cells(self):
        verdict = {None: "", True: "ok", False: "MISSED"}[self.passed]
        return [self.name, figure(self.ours), "" if self.peer is None else figure(self.peer), self.unit,
                "" if self.ratio is None else f"{self.ratio:.2f}×", self.required, verdict, self.note]


def figure(value):
    if isinstance(value, int) or value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}"


def print_table(rows):
    lines = [["", "Portolan", "peer", "unit", "ratio", "required", "", ""]] + [row.cells() for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [cell.rjust(width) if column in (1, 2, 4) else cell.ljust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


def say(text):
    print(f"-- {text}", file=sys.stderr, flush=True)


def program(build, folder, name):
    path = pathlib.Path(build).resolve() / "tests" / "bench" / folder / name
    if not path.exists():
        raise Failed(f"{path} is not built")
    return path


def run_json(command, seconds):
    """A bench program: its last line of standard output is a JSON object."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=seconds, preexec_fn=die_with_parent)
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise Failed(f"{pathlib.Path(command[0]).name} ended with {done.returncode}: {done.stderr.strip()[-800:]}")
    return json.loads(lines[-1])


class Bench:
    def __init__(self, options):
        self.build = options.build
        self.quick = options.quick
        self.rounds = options.rounds or (1 if options.quick else 3)
        self.seconds = 3 if options.quick else 10
        self.tasks = 2000 if options.quick else 10000
        self.portoland = pathlib.Path(options.build).resolve() / "app" / "portoland"
        self.portolan = self.portoland.with_name("portolan")

    @contextlib.contextmanager
    def peer(self):
        with Folder() as folder:
            peer = Peer(folder)
            try:
                yield peer
            finally:
                peer.stop()

    @contextlib.contextmanager
    def portal(self, *arguments):
        with Folder() as folder:
            portal = Portal(folder, self.portoland, *arguments)
            try:
                yield portal
            finally:
                portal.stop()

    def me(self, url, cookie, watch):
        headers = ["Cookie: " + cookie]
        wrk(url + "/api/me", 1 if self.quick else 3, CONNECTIONS, headers=headers)
        return wrk(url + "/api/me", self.seconds, CONNECTIONS, headers=headers, sample=watch.sample)

    def side_by_side(self):
        """/api/me, the queue, and Redis connections: peer and ours in turn, the median of the rounds."""
        peer_me, peer_queue, our_me, our_queue = [], [], [], []
        peer_connections = our_connections = 0
        for number in range(self.rounds):
            say(f"round {number + 1} of {self.rounds}: peer")
            with self.peer() as peer:
                watch = ConnectionWatch(peer.redis.client)
                peer_me.append(self.me(peer.url, peer.sign_in(), watch))
                peer_queue.append(peer.queue(self.tasks))
                watch.sample()
                peer_connections = max(peer_connections, watch.most)
            say(f"round {number + 1} of {self.rounds}: Portolan")
            with self.portal() as portal:
                watch = ConnectionWatch(portal.redis)
                our_me.append(self.me(portal.url, portal.sign_in(), watch))
                watch.sample()
                our_connections = max(our_connections, watch.most)
            our_queue.append(self.our_queue())
        def middle(results, key):
            return statistics.median(result[key] for result in results)
        rounds = f"median of {self.rounds}" if self.rounds > 1 else "one round"
        return [
            Row("/api/me, signed in, three windows, 64 connections", "requests/s", middle(our_me, "rate"), middle(peer_me, "rate"),
                ratio_at_least=25, note=rounds),
            Row("  p50", "ms", middle(our_me, "p50"), middle(peer_me, "p50")),
            Row("  p99", "ms", middle(our_me, "p99"), middle(peer_me, "p99"), at_most=5),
            Row("Redis connections, most seen", "", our_connections, peer_connections, at_most=3),
            Row("tasks enqueued by one process", "tasks/s", middle(our_queue, 0), middle(peer_queue, 0), ratio_at_least=10,
                note="ours: 256 calls under way; peer: delay() in a loop"),
            Row("no-op tasks executed, results stored", "tasks/s", middle(our_queue, 1), middle(peer_queue, 1), ratio_at_least=10),
        ]

    def our_queue(self):
        # Five times as many as the peer's, so that it takes more than an instant.
        result = run_json([program(self.build, "queue", "queue_bench"), "--tasks", 5 * self.tasks], 180)
        return result["enqueued_per_second"], result["executed_per_second"]

    def health(self):
        """Our whole server against a bare Beast responder that does nothing but answer, in turn."""
        bare, ours = [], []
        server = program(self.build, "http", "http_bench_server")
        for _ in range(self.rounds):
            with Folder() as folder:
                child = Child([server, "bare", IO_THREADS], folder / "bare.log", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                try:
                    port = int(child.process.stdout.readline().split()[-1])
                    wrk(f"http://127.0.0.1:{port}/health", 1, CONNECTIONS)
                    bare.append(wrk(f"http://127.0.0.1:{port}/health", self.seconds, CONNECTIONS)["rate"])
                finally:
                    child.stop()
            with self.portal("--io-threads", IO_THREADS) as portal:
                wrk(portal.url + "/health", 1, CONNECTIONS)
                ours.append(wrk(portal.url + "/health", self.seconds, CONNECTIONS)["rate"])
        return [Row("/health, 64 connections (peer: a bare Beast responder)", "requests/s", statistics.median(ours),
                    statistics.median(bare), ratio_at_least=0.6)]

    def memory(self):
        result = run_json([program(self.build, "admission", "memory_bench")], 600)
        return [Row("used_memory: 100,000 sessions, 15,000 users' windows", "MiB", result["used_memory"] / MIB, at_most=20)]

    def slow(self):
        """Slow clients from several addresses, while others go on."""
        with self.portal() as portal:
            cookie = portal.sign_in()
            slow = subprocess.Popen(["/usr/bin/python3", str(HERE / "slow_clients.py"), str(portal.port), str(SLOW_CLIENTS)],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
            try:
                held = int(slow.stdout.readline().split()[-1])
                result = wrk(portal.url + "/api/me", self.seconds, CONNECTIONS, headers=["Cookie: " + cookie])
            finally:
                slow.stdin.close()
                slow.wait(10)
        return [Row("slow clients held with half-sent headers", "clients", held, at_least=SLOW_CLIENTS),
                Row("  others' p99 on /api/me meanwhile", "ms", result["p99"], at_most=50)]

    def large(self):
        with self.portal() as portal:
            portal.sign_in()
            before = resident_bytes(portal.pid)
            most, sent = before, 0
            for chunked in (False, True):
                for _ in range(5):
                    answer, bytes_sent = send_large_body(portal.port, portal.bearer, LARGE_BODY, chunked)
                    sent = max(sent, bytes_sent)
                    if answer and " 413 " not in answer + " ":
                        raise Failed(f"a body of 200 MB was answered {answer!r}, not 413")
                    most = max(most, resident_bytes(portal.pid))
            if http("GET", portal.url + "/health")[0] != 200:
                raise Failed("not healthy after large bodies")
        return [Row("growth of memory while a body of 200 MB is refused", "MiB", (most - before) / MIB, at_most=8,
                    note=f"{sent / MIB:.0f} MiB thrown away behind the answer")]

    def kills(self):
        instants = 5 if self.quick else 50
        done = subprocess.run(["/usr/bin/python3", "-B", str(ROOT / "tests" / "e2e" / "kill_test.py"), "--instants", str(instants)],
                              env=dict(os.environ, PORTOLAND=str(self.portoland)), stdout=subprocess.PIPE, text=True,
                              timeout=3600, preexec_fn=die_with_parent)
        for line in done.stdout.splitlines():
            say(line)
        if done.returncode not in (0, 1) or not done.stdout:
            raise Failed("kill_test.py failed")
        return [Row(f"kill -9 at {instants} instants under load, twice: runs that lost a task", "", done.returncode, at_most=0)]

    def console(self):
        """The window, beside transmission-qt's, in turn; then each alone while nobody touches it."""
        starts, idle_seconds = console.StartTimes(), 6 if self.quick else 60
        with Folder() as folder, contextlib.ExitStack() as stack:
            screen = console.Screen(folder)
            stack.callback(screen.stop)
            for _ in range(2 if self.quick else 9):
                shown = console.start_portolan(screen, folder, self.portolan)
                starts.ours.append(shown.mapped)
                starts.painted.append(shown.mark("window"))
                starts.sample.append(shown.mark("sample"))
                shown.stop()
                shown = console.start_transmission(screen, folder)
                starts.peer.append(shown.mapped)
                shown.stop()
            idle = {}
            for page in ("overview", "redis"):
                shown = console.start_portolan(screen, folder, self.portolan, "--page", page)
                idle[page] = shown.idle(idle_seconds)
                shown.stop()
            shown = console.start_transmission(screen, folder)
            peer_cpu, peer_memory = shown.idle(idle_seconds)
            shown.stop()
        rows = [
            Row("console: window mapped after start (peer: transmission-qt)", "ms", starts.middle("ours"), starts.middle("peer")),
            Row("  window painted", "ms", starts.middle("painted"), at_most=300),
            Row("  first live sample painted, portal started with it", "ms", starts.middle("sample"), at_most=1000),
        ]
        for page, (cpu, memory) in idle.items():
            rows += [Row(f"  {page} page, idle: of one core", "%", 100 * cpu, 100 * peer_cpu or None, at_most=2),
                     Row("    resident, portal embedded", "MiB", memory / MIB, peer_memory / MIB, at_most=130)]
        inside = run_json([program(self.build, "console", "console_bench")], 600)
        return rows + [
            Row("  a frame of a chart with a million points", "ms", inside["frame"], at_most=16),
            Row("  users page opened, a million users in SQLite", "ms", inside["users_open"], at_most=200),
            Row("  users page, a search among them", "ms", inside["users_search"], at_most=200),
        ]

    def charts(self):
        """Our chart beside Qt Charts: the same points, the same picture, in turn in one process."""
        rows = []
        for one in run_json([program(self.build, "console", "chart_bench"), 3_600, 100_000, 1_000_000], 300):
            ours, peer = one["ours"], one["qt_charts"]
            rows += [
                Row(f"a chart of {one['points']:,} points: a frame while it is resized (peer: Qt Charts)", "ms",
                    ours["resized"], peer["resized"], at_most=16),
                Row("  a frame with one point more", "ms", ours["second"], peer["second"]),
                Row("  on the heap", "MiB", ours["heap"] / MIB, peer["heap"] / MIB),
            ]
        return rows

    def price(self):
        """What a Redis with a plan is asked: by a portal that nobody uses, by three of them, and with the queue page open."""
        say("a portal alone")
        commands, sent = price.idle(self.portoland)
        say("three instances of it")
        together, told = price.idle(self.portoland, instances=3)
        say("its queue page")
        watched, _ = price.queue_page(self.portolan)
        return [Row("idle on a named Redis, tier small: commands, those in scripts too", "1/s", commands, at_most=10),
                Row("  bytes Redis sends", "bytes/s", sent, at_most=200),
                Row("three instances of it, idle, together: commands", "1/s", together, at_most=20),
                Row("  bytes Redis sends", "bytes/s", told, at_most=200),
                Row("queue page open, 200,000 keys of others: commands", "1/s", watched, at_most=20)]


PARTS = ["side_by_side", "health", "memory", "slow", "large", "kills", "price", "console", "charts"]


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description="Measures Portolan and its peer side by side.")
    parser.add_argument("--build", default=str(ROOT / "build" / "release"), help="build folder (default: build/release)")
    parser.add_argument("--quick", action="store_true", help="short runs: shows that everything works, not how fast it is")
    parser.add_argument("--rounds", type=int, help="rounds of the side-by-side part (default 3)")
    parser.add_argument("--only", help="some of: " + ", ".join(PARTS))
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    options = parser.parse_args()
    parts = options.only.split(",") if options.only else PARTS
    for part in parts:
        if part not in PARTS:
            parser.error(f"no part '{part}'; there are: {', '.join(PARTS)}")

    bench, rows, failures = Bench(options), [], []
    start = time.monotonic()
    for part in parts:
        say(part.replace("_", " "))
        try:
            rows += getattr(bench, part)()
        except (Failed, OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
            failures.append(f"{part}: {type(error).__name__}: {error}")
    print(f"\nPortolan and its peer (Flask, Flask-Session, Flask-Limiter, gunicorn with 2 eventlet workers, Celery with 2 workers),\n"
          f"side by side on {os.cpu_count()} cores shared with the load generator, {time.monotonic() - start:.0f} s\n")
    print_table(rows)
    for failure in failures:
        print(f"\nnot measured: {failure}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps([vars(row) for row in rows], indent=1, ensure_ascii=False) + "\n")
    missed = [row for row in rows if row.passed is False]
    print(f"\n{len(missed)} of {sum(row.passed is not None for row in rows)} requirements missed" + (f", {len(failures)} parts not measured" if failures else ""))
    return 2 if failures else 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
