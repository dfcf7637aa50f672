# SPDX-License-Identifier: GPL-3.0-or-later
"""What measuring needs on both sides: child processes that never outlive us, a private Redis, wrk, memory of a process."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import redis

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Failed(Exception):
    """A measurement could not be made; the text says why."""


def die_with_parent():
    """For preexec_fn: the kernel kills the child when this process ends, however it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(condition, seconds, what):
    """Polls until condition() is true and returns its value; Failed after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Child:
    """A process in a group of its own, with its output in a file; stopped by SIGTERM, then SIGKILL."""

    def __init__(self, command, log, env=None, cwd=None, stdout=None, stdin=subprocess.DEVNULL):
        self.name = os.path.basename(str(command[0]))
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                [str(part) for part in command], env=env, cwd=cwd, stdin=stdin, stderr=out,
                stdout=out if stdout is None else stdout, start_new_session=True, preexec_fn=die_with_parent)

    @property
    def pid(self):
        return self.process.pid

    def check(self):
        if self.process.poll() is not None:
            tail = pathlib.Path(self.log).read_text(errors="replace").splitlines()[-15:]
            raise Failed(f"{self.name} ended with {self.process.returncode}:\n" + "\n".join(tail))
        return True

    def stop(self, seconds=15):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # whoever of its group is left
        self.process.wait()
        return self.process.returncode


class Folder:
    """A temporary folder with a short path (Unix sockets have at most 107 bytes), removed at the end."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="pb-"))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class PrivateRedis:
    """redis-server on a free loopback port, without persistence unless options say so."""

    def __init__(self, folder, *options):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.child = Child(
            ["redis-server", "--bind", "127.0.0.1", "--port", self.port, "--dir", folder, "--save", "", *options],
            folder / f"redis-{self.port}.log")
        self.client = redis.Redis(port=self.port)
        wait_until(self.answers, 10, "redis-server")

    def answers(self):
        self.child.check()
        try:
            return self.client.ping()
        except redis.ConnectionError:
            return False

    def stop(self):
        self.client.close()
        self.child.stop()


class ConnectionWatch:
    """The most connections a Redis had since the start of the watch, without the watch's own."""

    def __init__(self, client):
        self.client = client
        self.most = 0

    def sample(self):
        self.most = max(self.most, len(self.client.client_list(_type="normal")) + len(self.client.client_list(_type="pubsub")) - 1)


def wrk(url, seconds, connections=64, threads=1, headers=(), sample=None):
    """One run of wrk: {"rate", "p50", "p95", "p99", "max" (ms)}. Failed if any answer was not 2xx or a connection broke."""
    command = ["wrk", "-t", threads, "-c", connections, "-d", f"{seconds}s", "--latency", "--timeout", "10s",
               "-s", HERE / "wrk_report.lua", url, "--", *headers]
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               preexec_fn=die_with_parent)
    while True:
        try:
            output, _ = process.communicate(timeout=1)
            break
        except subprocess.TimeoutExpired:
            if sample:
                sample()
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if process.returncode != 0 or not lines:
        raise Failed(f"wrk {url}: {output.strip()}")
    result = json.loads(lines[-1])
    if result["requests"] == 0 or result["not_2xx"] or result["broken"]:
        raise Failed(f"wrk {url}: {result['not_2xx']} answers were not 2xx, {result['broken']} connections broke, "
                     f"of {result['requests']} requests")
    result["rate"] = result["requests"] / result["seconds"]
    return result


def http(method, url, body=None, headers=None, timeout=20):
    """(status, headers, body bytes); an HTTP error is an answer, not an exception."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def cookie_of(headers, name):
    for line in headers.get_all("Set-Cookie") or []:
        pair = line.split(";", 1)[0]
        if pair.startswith(name + "="):
            return pair
    raise Failed(f"no cookie {name} was set")


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise Failed(f"no resident size of {pid}")
