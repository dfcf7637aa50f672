# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the real portoland for end-to-end tests, and speaks HTTP and WebSocket to it.

The program under test is named by the environment variable PORTOLAND (CTest sets it). Everything listens on free
loopback ports and lives in a temporary folder; every child dies with this process. Only Debian's python3-websockets,
python3-redis, python3-celery and python3-prometheus-client are used beside the standard library. What speaks to the
portal is in clients.py, and can be imported from here too.
"""

import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

import redis

from clients import PASSWORD, PROBLEM, Answer, Client, Socket, patience, wait_until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# A tier that never refuses, for tests that are not about limits.
WIDE_TIER = """\
name = "wide"
title = "Wide open, for tests"

[redis]
maxmemory = "64MB"
connections = 30
commands_per_second = 0
traffic_per_month = 0

[results]
expiry = "24h"

[ceilings]
users = 0
analysis = 0
upload = 0
automation = 0

[limits]
default = "1000000 per minute"
api = "1000000 per day; 1000000 per hour; 1000000 per minute"
auth = "1000000 per minute"
upload = "1000000 per minute"
analysis = "1000000 per day; 1000000 per hour; 1000000 per minute"
automation = "1000000 per minute"
"""

_libc = ctypes.CDLL(None)


def die_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def portoland():
    path = os.environ.get("PORTOLAND")
    if not path or not os.access(path, os.X_OK):
        raise unittest.TestCase.failureException(f"PORTOLAND names no program to test: {path!r}")
    return path


def clean_environment(**more):
    """What the program sees: nothing of the caller's settings."""
    keep = {name: os.environ[name] for name in ("PATH", "TMPDIR", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
            if name in os.environ}
    return {**keep, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", **more}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


SANITIZED = bool(os.environ.get("PORTOLAN_SANITIZED"))


@contextlib.contextmanager
def folder():
    """A temporary folder with a short path: a Unix socket's has at most 107 bytes."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="pe-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Redis:
    """A redis-server on a free loopback port, with the append-only file a queue wants."""

    def __init__(self, where, *options):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(where), "--save", "",
                        "--appendonly", "yes", *options]
        self.client = redis.Redis(port=self.port)
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True, preexec_fn=die_with_parent)
        wait_until(self.answers, "redis-server answers")

    def answers(self):
        try:
            return self.client.ping()
        except redis.AuthenticationError:
            return True  # it answers: that it wants a password
        except (redis.ConnectionError, redis.BusyLoadingError):
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()


def signal_twice(process, number):
    """At once, but so that the second is one of its own: the first was taken. As of a supervisor that signals a process
    and its group."""

    def taken():
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        return not int(re.search(r"^ShdPnd:\s*(\w+)", status, re.MULTILINE)[1], 16) >> (number - 1) & 1

    process.send_signal(number)
    wait_until(taken, "the first signal is taken")
    process.send_signal(number)


def run(*arguments, stdin="", env=None, seconds=30, prefix=()):
    """One call of portoland that ends by itself: a CompletedProcess with text."""
    return subprocess.run([*prefix, portoland(), *map(str, arguments)], input=stdin, capture_output=True, text=True,
                          timeout=patience(seconds), env=clean_environment(**(env or {})), preexec_fn=die_with_parent)


def add_user(data_dir, email, role, *arguments):
    done = run("user", "add", email, "--role", role, "--data-dir", data_dir, *arguments, stdin=PASSWORD + "\n")
    if done.returncode != 0:
        raise AssertionError(f"user add {email}: exit {done.returncode}: {done.stderr}")


def drain(pipe):
    """Reads to the end, and closes: what is left open is warned of by the garbage collector, which may be in the middle of
    an import, and that fails then (CPython gh-91351)."""
    with pipe:
        while pipe.read(65536):
            pass


class Portal:
    """A running `portoland serve`. `tier`: "wide" as above, a built-in one, or a path."""

    READY = re.compile(r"portoland: serving (https?://\S+) \(tier (\S+), redis (\S+), database (\S+)\)")

    def __init__(self, where, *arguments, tier="wide", env=None, listen="127.0.0.1:0", name="data", prefix=()):
        self.where = pathlib.Path(where)
        self.data_dir = self.where / name
        if tier == "wide":
            tier = self.where / "wide.toml"
            tier.write_text(WIDE_TIER)
        # `prefix`: a program that becomes this one, such as unshare.
        self.command = [*prefix, portoland(), "serve", "--tier", str(tier), "--listen", listen, "--data-dir", str(self.data_dir),
                        *map(str, arguments)]
        self.env = clean_environment(**(env or {}))
        self.log = self.where / f"{name}.log"
        self.process = None
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            text=True, env=self.env, start_new_session=True, preexec_fn=die_with_parent)
        killer = threading.Timer(patience(30), self.process.kill)
        killer.start()
        try:
            self.ready_line = self.process.stdout.readline().strip()
        finally:
            killer.cancel()
        match = self.READY.fullmatch(self.ready_line)
        if not match:
            self.kill()
            self.process.stdout.close()
            raise AssertionError(f"no ready line but {self.ready_line!r}; the log ends:\n{self.log_tail()}")
        self.url, self.tier, self.redis_kind, self.database_kind = match.groups()
        # Whatever else comes on standard output must not fill the pipe.
        threading.Thread(target=drain, args=(self.process.stdout,), daemon=True).start()
        self.port = urllib.parse.urlsplit(self.url).port

    def log_tail(self, lines=20):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def pid(self):
        return self.process.pid

    def stop(self, seconds=30):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(patience(seconds))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop within {patience(seconds)} s of SIGTERM:\n{self.log_tail()}") from None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def client(self):
        return Client(self.url)


class PortalTest(unittest.TestCase):
    """A test class with one portal for all its tests. Override `arguments` and `tier`."""

    arguments = ()
    tier = "wide"
    users = ()  # (email, role), made before the portal starts

    @classmethod
    def setUpClass(cls):
        cls._stack = contextlib.ExitStack()
        try:
            cls.where = cls._stack.enter_context(folder())
            cls.prepare()
            for email, role in cls.users:
                add_user(cls.where / "data", email, role)
            cls.portal = Portal(cls.where, *cls.arguments, tier=cls.tier)
            cls._stack.callback(cls.portal.kill)
        except BaseException:
            cls._stack.close()
            raise

    @classmethod
    def prepare(cls):
        """Before the portal starts; may enter things into cls._stack."""

    @classmethod
    def tearDownClass(cls):
        try:
            code = cls.portal.stop()
            if code != 0:
                raise AssertionError(f"exit code {code} after SIGTERM:\n{cls.portal.log_tail()}")
        finally:
            cls._stack.close()

    def new_client(self, email=None):
        """A signed-in client of a new user, or, without an address, one that is not signed in."""
        client = self.portal.client()
        return client.sign_up(email) if email else client

    def assertProblem(self, answer, status, name=None):
        self.assertEqual(answer.status, status, answer)
        self.assertIsNotNone(answer.problem, f"not problem+json: {answer}")
        body = answer.json
        self.assertEqual(body["status"], status)
        self.assertTrue(body["title"])
        self.assertEqual(body["request_id"], answer.headers["X-Request-Id"])
        if name is not None:
            self.assertEqual(answer.problem, name, answer)


def self_signed(where):
    """(certificate, key, a context that trusts it) for 127.0.0.1"""
    certificate, key = where / "cert.pem", where / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
                   check=True, capture_output=True)
    return certificate, key, ssl.create_default_context(cafile=str(certificate))
