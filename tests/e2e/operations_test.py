# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs a portal from outside: health, metrics, the OpenAPI document, status, signals, one process per directory, and
nothing left behind; and what the portal does while Redis is away."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import unittest

from prometheus_client.parser import text_string_to_metric_families

from harness import (PASSWORD, Client, Portal, PortalTest, Redis, add_user, folder, patience, run,
                     wait_until)


def children_of(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


class EndpointsTest(PortalTest):
    def test_the_ready_line(self):
        self.assertRegex(self.portal.ready_line,
                         r"^portoland: serving http://127\.0\.0\.1:\d+ \(tier wide, redis embedded, database sqlite\)$")

    def test_health_and_ready(self):
        health = Client(self.portal.url).get("/health")
        self.assertEqual((health.status, health.json["status"]), (200, "healthy"), health)
        self.assertEqual(set(health.json["checks"]), {"redis", "database", "queue"})
        self.assertTrue(health.json["timestamp"].endswith("Z"))
        self.assertTrue(health.json["version"])
        self.assertEqual(Client(self.portal.url).get("/ready").status, 200)

    def test_metrics_are_what_prometheus_reads(self):
        client = self.new_client("metrics@example.org")
        client.wait_for_task(client.start_analysis(paths=1000))
        client.get("/no/such/path/12345")
        for _ in range(2):
            self.assertEqual(client.get("/api/quotes?symbols=AAPL").status, 200)
        wait_until(lambda: b"portal_sessions " in client.get("/metrics").body, "the first count of sessions", 10)
        text = client.get("/metrics").body.decode()
        families = {family.name: family for family in text_string_to_metric_families(text)}
        for name in ("portal_http_requests", "portal_http_request_duration_seconds", "portal_http_connections",
                     "portal_redis_used_bytes", "portal_redis_connections", "portal_redis_commands", "portal_queue_depth",
                     "portal_queue_unacked", "portal_tasks", "portal_task_duration_seconds", "portal_workers",
                     "portal_db_pool_connections", "portal_db_query_duration_seconds", "portal_cache_requests",
                     "portal_sessions", "portal_zone"):
            with self.subTest(name=name):
                self.assertIn(name, families)
        self.assertNotIn("12345", text)  # routes are templates, never paths

    def test_unknown_paths_are_one_row_and_refusals_are_counted(self):
        client = Client(self.portal.url)
        for number in range(3):
            self.assertEqual(client.get(f"/no/such/path/{number}").status, 404)

        def rows():
            snapshot = json.loads(run("status", "--json", "--data-dir", self.portal.data_dir).stdout)
            return snapshot["http"]["routes"]

        def other():
            return [route for route in rows() if route["route"] == "other"]
        wait_until(lambda: other() and other()[0]["traffic"]["not_found"] >= 3, "the unknown paths", 10)
        self.assertEqual(len(other()), 1)
        self.assertNotIn("/no/such", json.dumps(rows()))

    def test_the_api_is_described(self):
        document = Client(self.portal.url).get("/openapi.json").json
        self.assertTrue(document["openapi"].startswith("3."))
        for path, method in [("/auth/login", "post"), ("/api/me", "get"), ("/start-analysis", "post"), ("/api/tasks/{id}", "get"),
                             ("/api/admin/users/{id}", "patch")]:
            self.assertIn(method, document["paths"][path])

    def test_the_page_is_served(self):
        page = Client(self.portal.url).get("/")
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.headers["Content-Type"])

    def test_head_has_no_body(self):
        answer = Client(self.portal.url).request("HEAD", "/health")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["Content-Length"]), 0)

    def test_a_large_body_is_refused_without_being_read(self):
        client = self.new_client("large@example.org")
        answer = client.post("/start-analysis", headers={"Content-Length": str(200 * 1024 * 1024), "Expect": "100-continue",
                                                         "Content-Type": "application/json"})
        self.assertProblem(answer, 413)

    def test_status_in_the_terminal(self):
        text = run("status", "--data-dir", self.portal.data_dir)
        self.assertEqual(text.returncode, 0, text)
        for word in ("memory", "connections", "response", "error"):
            self.assertIn(word, text.stdout.lower())
        self.assertRegex(text.stdout.lower(), "green|yellow|red|unknown")
        machine = run("status", "--json", "--data-dir", self.portal.data_dir)
        self.assertEqual(machine.returncode, 0, machine)
        self.assertIsInstance(json.loads(machine.stdout), dict)


class StatusByUrlTest(PortalTest):
    users = (("ops@example.org", "operator"),)

    def test_with_a_token(self):
        client = self.portal.client()
        token = client.login("ops@example.org").json["access_token"]
        done = run("status", "--url", self.portal.url, env={"PORTAL_TOKEN": token})
        self.assertEqual(done.returncode, 0, done)
        refused = run("status", "--url", self.portal.url, env={"PORTAL_TOKEN": "nonsense"})
        self.assertNotEqual(refused.returncode, 0, refused)
        self.assertTrue(refused.stderr.strip())


class ProcessTest(unittest.TestCase):
    def test_one_process_per_directory(self):
        with folder() as where:
            portal = Portal(where)
            try:
                second = run("serve", "--listen", "127.0.0.1:0", "--data-dir", portal.data_dir)
                self.assertEqual(second.returncode, 2, second)
                self.assertIn(str(portal.pid), second.stderr)
            finally:
                portal.kill()

    def test_nothing_is_left_behind(self):
        for end in ("stop", "kill"):
            with self.subTest(end=end), folder() as where:
                portal = Portal(where)
                try:
                    servers = [pid for pid in children_of(portal.pid) if "redis-server" in command_of(pid)]
                    self.assertEqual(len(servers), 1)
                    getattr(portal, end)()
                    wait_until(lambda: "redis-server" not in command_of(servers[0]), "redis-server is gone", 5)
                finally:
                    portal.kill()

    def test_a_redis_that_dies_is_started_again(self):
        with folder() as where:
            portal = Portal(where)
            try:
                client = portal.client().sign_up("phoenix@example.org")
                server = next(pid for pid in children_of(portal.pid) if "redis-server" in command_of(pid))
                os.kill(server, signal.SIGKILL)
                wait_until(lambda: any("redis-server" in command_of(pid) for pid in children_of(portal.pid) if pid != server),
                           "a new redis-server", 10)
                accepted = wait_until(lambda: client.post("/start-analysis", {"symbol": "AAPL"}).json.get("task_id"),
                                      "tasks are accepted again", 5)
                self.assertEqual(client.wait_for_task(accepted)["state"], "SUCCESS")
                self.assertEqual(client.get("/api/me").status, 200)
                wait_until(lambda: client.get("/health").json["status"] == "healthy", "healthy again", 5)
            finally:
                portal.kill()

    def test_sigterm_finishes_or_requeues_what_runs(self):
        with folder() as where:
            portal = Portal(where, "--workers", "1")
            try:
                client = portal.client().sign_up("patient@example.org")
                ids = [client.start_analysis(horizon_days=250, paths=100_000) for _ in range(6)]
                self.assertEqual(portal.stop(60), 0)
                portal.start()
                again = Client(portal.url)
                again.cookies = client.cookies
                for task_id in ids:
                    self.assertEqual(again.wait_for_task(task_id, 60)["state"], "SUCCESS")
            finally:
                portal.kill()

    def test_every_log_line_is_json_and_names_no_secret(self):
        with folder() as where:
            portal = Portal(where, env={"PORTAL_SECRET_KEY": "a-secret-key-that-is-long-enough-0123456789"})
            try:
                client = portal.client().sign_up("quiet@example.org")
                client.get("/api/me")
                sid = client.cookies["sid"]
                token = client.post("/auth/token").json["access_token"]
                portal.stop()
                log = portal.log.read_text()
                for line in log.splitlines():
                    json.loads(line)
                for secret in ("a-secret-key-that", sid, token, "correct horse"):
                    self.assertNotIn(secret, log)
            finally:
                portal.kill()

    def test_commands_beside_a_running_portal_see_and_keep_everything(self):
        with folder() as where:
            portal = Portal(where)
            try:
                commands = lambda *words, **more: run(*words, "--data-dir", portal.data_dir, **more)
                for number in range(3):
                    self.assertEqual(commands("user", "list").returncode, 0)
                    client = portal.client().sign_up(f"web{number}@example.org")
                    add_user(portal.data_dir, f"shell{number}@example.org", "operator")
                    listed = commands("user", "list").stdout
                    for other in range(number + 1):
                        self.assertIn(f"web{other}@example.org", listed)
                        self.assertIn(f"shell{other}@example.org", listed)
                    portal.client().login(f"shell{number}@example.org")
                deleted = [os.readlink(link) for link in pathlib.Path(f"/proc/{portal.pid}/fd").iterdir()
                           if os.path.lexists(link) and os.readlink(link).endswith("(deleted)")]
                self.assertEqual([name for name in deleted if "portal.db" in name], [])
                done = commands("user", "disable", "web0@example.org")
                self.assertEqual(done.returncode, 0, done)
                self.assertEqual(portal.client().post("/auth/login", {"email": "web0@example.org", "password": PASSWORD}).status, 403)
                self.assertEqual(client.get("/api/me").status, 200)
                portal.kill()
                portal.start()
                for number in range(1, 3):
                    portal.client().login(f"web{number}@example.org")
                    portal.client().login(f"shell{number}@example.org")
            finally:
                portal.kill()

    def test_a_backup_goes_to_a_new_machine_but_not_under_a_running_portal(self):
        with folder() as where:
            portal = Portal(where)
            try:
                portal.client().register("kept@example.org")
                backup = where / "backup.db"
                self.assertEqual(run("backup", backup, "--data-dir", portal.data_dir).returncode, 0)
                refused = run("restore", backup, "--force", "--data-dir", portal.data_dir)
                self.assertEqual(refused.returncode, 1, refused)
                self.assertIn(str(portal.pid), refused.stderr)
                portal.client().login("kept@example.org")
                self.assertEqual(run("restore", backup, "--data-dir", where / "new" / "place").returncode, 0)
                self.assertEqual((where / "new" / "place").stat().st_mode & 0o777, 0o700)
                listed = run("user", "list", "--data-dir", where / "new" / "place")
                self.assertIn("kept@example.org", listed.stdout)
                mistyped = run("user", "list", "--data-dir", where / "nowhere")
                self.assertEqual(mistyped.returncode, 1, mistyped)
                self.assertIn("no database", mistyped.stderr)
                self.assertFalse((where / "nowhere").exists())
            finally:
                portal.kill()

    def test_nonsense_is_not_the_portals_error(self):
        with folder() as where:
            portal = Portal(where)
            try:
                client = portal.client()
                for _ in range(30):
                    self.assertEqual(client.request("BREW", "/").status, 501)
                shown = lambda: json.loads(run("status", "--json", "--data-dir", portal.data_dir).stdout)
                rate = wait_until(lambda: next((r for r in shown()["readings"] if r["resource"] == "error_rate"
                                                and r["value"] is not None), None), "an error rate")
                self.assertEqual((rate["value"], rate["zone"]), (0, "green"))
            finally:
                portal.kill()

    def test_a_browser_gets_errors_as_a_page(self):
        with folder() as where:
            portal = Portal(where)
            try:
                page = portal.client().get("/no/such/page", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
                self.assertEqual(page.status, 404)
                self.assertTrue(page.headers["Content-Type"].startswith("text/html"))
                self.assertIn(page.headers["X-Request-Id"], page.body.decode())
                self.assertEqual(portal.client().get("/no/such/page").problem, "not-found")
            finally:
                portal.kill()

    def test_check_config_says_where_each_value_comes_from(self):
        done = run("check-config", "--redis", "redis://user:hidden-password@127.0.0.1:1/0", "--set", "tasks.concurrency=3",
                   env={"APP_ENV": "development"})
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("tasks.concurrency", done.stdout)
        zones = run("check-config", "--set", "zones.queue.yellow=5", "--set", "zones.queue.red=10")
        self.assertEqual(zones.returncode, 0, zones)
        self.assertRegex(zones.stdout, r"zones\.queue\.enter +5s")
        self.assertEqual(run("check-config", "--set", "limits.api=nonsense").returncode, 2)
        self.assertNotIn("hidden-password", done.stdout + done.stderr)


class Caller(threading.Thread):
    """Asks /api/me without a pause, each time on a new connection, and notes how long each answer took and what it was."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client = client
        self.done = threading.Event()
        self.answers = []  # (asked at, seconds, status, has Retry-After)
        self.failures = []

    def run(self):
        while not self.done.is_set():
            start = time.monotonic()
            try:
                answer = self.client.get("/api/me")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                continue
            self.answers.append((start, time.monotonic() - start, answer.status, "Retry-After" in answer.headers))


class RedisAwayTest(unittest.TestCase):
    """Redis is away for 10 s under load: no crash, no hang, sessions are not lost, and all is well 2 s after its return."""

    AWAY = 10
    LONGEST = 5  # seconds an answer may take meanwhile
    RECOVERY = 2

    def outage(self, begin, end):
        with folder() as where:
            server = Redis(where)
            portal = Portal(where, "--redis", server.url)
            callers = []
            try:
                signed_in = portal.client().sign_up("steady@example.org")
                for _ in range(4):
                    client = portal.client()
                    client.cookies = dict(signed_in.cookies)
                    callers.append(Caller(client))
                    callers[-1].start()
                time.sleep(1)
                began = time.monotonic()
                begin(server)
                time.sleep(self.AWAY / 2)
                health = signed_in.get("/health")
                self.assertEqual(health.json["status"], "degraded", health)
                time.sleep(self.AWAY / 2)
                end(server)
                ended = time.monotonic()
                time.sleep(patience(self.RECOVERY) + 1)
                for caller in callers:
                    caller.done.set()
                for caller in callers:
                    caller.join(patience(30))
                self.assertEqual([failure for caller in callers for failure in caller.failures], [])
                answers = [answer for caller in callers for answer in caller.answers]
                during = [answer for answer in answers if began < answer[0] < ended]
                self.assertGreater(len(during), 0)
                self.assertLessEqual({status for _, _, status, _ in answers}, {200, 503})  # never 401: nothing is lost
                self.assertTrue(all(retry for _, _, status, retry in answers if status == 503), "503 without Retry-After")
                self.assertLess(max(seconds for _, seconds, _, _ in answers), patience(self.LONGEST))
                late = [answer for answer in answers if answer[0] > ended + patience(self.RECOVERY)]
                self.assertGreater(len(late), 0)
                self.assertEqual({status for _, _, status, _ in late}, {200})
                signed_in.wait_for_task(signed_in.start_analysis(paths=1000))
                self.assertEqual(portal.stop(), 0)
            finally:
                for caller in callers:
                    caller.done.set()
                portal.kill()
                server.stop()

    def test_redis_is_killed_and_comes_back(self):
        self.outage(Redis.kill, Redis.start)

    def test_it_stops_when_it_is_told_to_while_redis_is_away(self):
        with folder() as where:
            server = Redis(where)
            portal = Portal(where, "--redis", server.url)
            try:
                client = portal.client().sign_up("leaving@example.org")
                server.kill()
                wait_until(lambda: client.get("/health").json["status"] == "degraded", "degraded")
                self.assertIn(client.get("/api/me").status, (200, 503))
                self.assertEqual(portal.stop(), 0)
            finally:
                portal.kill()
                server.stop()

    def test_redis_stands_still_and_goes_on(self):
        self.outage(lambda server: server.signal(signal.SIGSTOP), lambda server: server.signal(signal.SIGCONT))


if __name__ == "__main__":
    unittest.main()
