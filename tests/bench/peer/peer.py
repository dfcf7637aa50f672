# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and stops the peer on loopback, and measures it. On its own: /usr/bin/python3 tests/bench/peer/peer.py"""

import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from tools import Child, ConnectionWatch, Failed, Folder, PrivateRedis, cookie_of, free_port, http, wait_until, wrk  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"


class Peer:
    """gunicorn with 2 eventlet workers and Celery with 2 prefork workers, on one Redis of its own."""

    def __init__(self, folder):
        self.children = []
        # Without an append-only file, which ours writes: what difference that makes is to the peer's advantage.
        self.redis = PrivateRedis(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = dict(os.environ, REDIS_URL=self.redis.url, PYTHONDONTWRITEBYTECODE="1", PYTHONWARNINGS="ignore")
        try:
            web = Child(["/usr/bin/gunicorn", "--worker-class", "eventlet", "--workers", 2, "--bind",
                         f"127.0.0.1:{self.port}", "--chdir", HERE, "portal:app"], folder / "gunicorn.log", self.env, HERE)
            self.children.append(web)
            worker = Child([PYTHON, "-m", "celery", "-A", "tasks", "worker", "--concurrency", 2, "--loglevel", "WARNING",
                            "--hostname", "peer@localhost"], folder / "celery.log", self.env, HERE)
            self.children.append(worker)
            wait_until(lambda: web.check() and self.is_up(), 90, "gunicorn")
            wait_until(lambda: worker.check() and self.control("ping"), 90, "celery worker")
        except BaseException:
            self.stop()
            raise

    def is_up(self):
        try:
            return http("GET", self.url + "/health", timeout=2)[0] == 200
        except OSError:
            return False

    def control(self, *command):
        """celery inspect/control, answered by the worker: true if it did."""
        kind = "inspect" if command[0] == "ping" else "control"
        done = subprocess.run([PYTHON, "-m", "celery", "-A", "tasks", kind, "--timeout", "5", "--destination",
                               "peer@localhost", *command], cwd=HERE, env=self.env, capture_output=True, text=True, timeout=60)
        return done.returncode == 0

    def stop(self):
        for child in reversed(self.children):
            child.stop()
        self.redis.stop()

    def sign_in(self):
        status, headers, _ = http("POST", self.url + "/auth/login", {"email": "bench@example.org", "password": "x"})
        if status != 200:
            raise Failed(f"peer: login answered {status}")
        return cookie_of(headers, "session")

    def queue(self, count):
        """(enqueued a second, executed a second): first everything is enqueued, then the workers are let at it."""
        if not self.control("cancel_consumer", "celery"):
            raise Failed("peer: the worker did not pause")
        done = subprocess.run([PYTHON, "enqueue.py", str(count)], cwd=HERE, env=self.env, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise Failed("peer: enqueue.py: " + done.stderr.strip()[-500:])
        enqueued = float(done.stdout)
        waiting = self.redis.client.llen("celery")
        if waiting != count + 1:
            raise Failed(f"peer: {waiting} tasks wait, not {count + 1}")
        start_keys = self.redis.client.dbsize()
        begin = None
        control = subprocess.Popen([PYTHON, "-m", "celery", "-A", "tasks", "control", "--destination", "peer@localhost",
                                    "add_consumer", "celery"], cwd=HERE, env=self.env, stdout=subprocess.DEVNULL)
        # The clock starts when the first task is taken, so that the control command's own start-up is not counted.
        wait_until(lambda: self.redis.client.llen("celery") < count + 1, 30, "peer: the worker resumes")
        begin = time.monotonic()
        # A result is a key of its own; the few keys besides (bindings, unacked) come and go.
        wait_until(lambda: self.redis.client.dbsize() >= start_keys + count - 1, 120, "peer: all tasks done")
        seconds = time.monotonic() - begin
        control.wait(30)
        return enqueued, count / seconds


def main():
    with Folder() as folder:
        peer = Peer(folder)
        try:
            watch = ConnectionWatch(peer.redis.client)
            cookie = peer.sign_in()
            headers = ["Cookie: " + cookie]
            wrk(peer.url + "/api/me", 3, headers=headers)
            print("api/me", wrk(peer.url + "/api/me", 10, headers=headers, sample=watch.sample))
            print("enqueued/s %.0f executed/s %.0f" % peer.queue(10000))
            watch.sample()
            print("connections", watch.most)
        finally:
            peer.stop()


if __name__ == "__main__":
    main()
