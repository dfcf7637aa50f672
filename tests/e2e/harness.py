# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the real portoland for end-to-end tests, and speaks HTTP and WebSocket to it.

The program under test is named by the environment variable PORTOLAND (CTest sets it). Everything listens on free
loopback ports and lives in a temporary folder; every child dies with this process. Only Debian's python3-websockets,
python3-redis, python3-celery and python3-prometheus-client are used beside the standard library.
"""

import asyncio
import collections
import contextlib
import ctypes
import http.client
import inspect
import json
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
import time
import unittest
import urllib.parse

import redis
import websockets

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PASSWORD = "correct horse battery staple"
PROBLEM = "https://portolan.invalid/problems/"

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


def patience(seconds):
    """A deadline for something that takes well under a second; sanitizers and busy machines are slow."""
    return seconds * float(os.environ.get("PORTOLAN_PATIENCE", "1"))


def wait_until(condition, what, seconds=20):
    """Polls until condition() is true, and returns what it returned."""
    deadline = time.monotonic() + patience(seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience(seconds)} s: {what}")
        time.sleep(0.02)


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
            raise AssertionError(f"no ready line but {self.ready_line!r}; the log ends:\n{self.log_tail()}")
        self.url, self.tier, self.redis_kind, self.database_kind = match.groups()
        # Whatever else comes on standard output must not fill the pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
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


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    @property
    def problem(self):
        """The name of an RFC 9457 problem, or None."""
        if not self.headers.get("Content-Type", "").startswith("application/problem+json"):
            return None
        kind = self.json["type"]
        return kind[len(PROBLEM):] if kind.startswith(PROBLEM) else kind

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


class Client:
    """A browser's behaviour: keeps cookies and, once signed in, sends the CSRF token. Or `bearer`: an API client's."""

    def __init__(self, url, bearer=None, context=None):
        self.url = url
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.context = parts.hostname, parts.port, context
        self.cookies = {}
        self.csrf = None
        self.bearer = bearer

    def request(self, method, path, body=None, headers=None, csrf=True, timeout=20):
        sent = dict(headers or {})
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if self.bearer:
            sent.setdefault("Authorization", "Bearer " + self.bearer)
        if csrf and self.csrf and method not in ("GET", "HEAD", "OPTIONS"):
            sent.setdefault("X-CSRF-Token", self.csrf)
        data = body
        if body is not None and not isinstance(body, (bytes, str)):
            data = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        if self.context:
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=patience(timeout), context=self.context)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=patience(timeout))
        try:
            connection.request(method, path, body=data, headers=sent)
            reply = connection.getresponse()
            answer = Answer(reply.status, reply.headers, reply.read())
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";", 1)[0].partition("=")
            if value and not re.search(r"max-age=0\b", line, re.IGNORECASE):
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.request("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def register(self, email):
        answer = self.post("/auth/register", {"email": email, "password": PASSWORD})
        if answer.status != 201:
            raise AssertionError(f"register {email}: {answer}")
        return answer

    def login(self, email, password=PASSWORD):
        answer = self.post("/auth/login", {"email": email, "password": password})
        if answer.status != 200:
            raise AssertionError(f"login {email}: {answer}")
        self.fetch_csrf()
        return answer

    def fetch_csrf(self):
        self.csrf = self.get("/auth/csrf").json["csrf_token"]

    def sign_up(self, email):
        self.register(email)
        self.login(email)
        return self

    def start_analysis(self, **fields):
        answer = self.post("/start-analysis", {"symbol": "AAPL", **fields})
        if answer.status != 202:
            raise AssertionError(f"start-analysis: {answer}")
        return answer.json["task_id"]

    def task(self, task_id):
        answer = self.get(f"/api/tasks/{task_id}")
        if answer.status != 200:
            raise AssertionError(f"task {task_id}: {answer}")
        return answer.json

    def wait_for_task(self, task_id, seconds=30, states=("SUCCESS", "FAILURE", "REVOKED", "EXPIRED")):
        def ended():
            task = self.task(task_id)
            return task if task["state"] in states else None

        return wait_until(ended, f"task {task_id} in one of {states}", seconds)


# python3-websockets renamed the option between Debian 12's version and 13's.
_HEADERS_OPTION = ("additional_headers" if "additional_headers" in inspect.signature(websockets.connect.__init__).parameters
                   else "extra_headers")


class Socket:
    """A WebSocket as a plain object: its loop runs in a thread, messages wait in a queue."""

    def __init__(self, client, path="/ws", origin=None, headers=None):
        self.messages = collections.deque()
        self.arrived = threading.Condition()
        self.closed = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        sent = dict(headers or {})
        if client.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        if client.bearer:
            sent["Authorization"] = "Bearer " + client.bearer
        url = client.url.replace("http", "ws", 1) + path
        try:
            self._connection = self._call(websockets_connect(url, origin or client.url, sent))
        except BaseException:
            self._end()
            raise
        self._reader = asyncio.run_coroutine_threadsafe(self._read(), self._loop)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(patience(15))

    async def _read(self):
        try:
            async for text in self._connection:
                with self.arrived:
                    self.messages.append(json.loads(text))
                    self.arrived.notify_all()
        except websockets.exceptions.ConnectionClosed:
            pass
        with self.arrived:
            self.closed = self._connection.close_code
            self.arrived.notify_all()

    def send(self, message):
        self._call(self._connection.send(json.dumps(message)))

    def receive(self, seconds=15):
        """The next message; AssertionError when none comes in time, or the connection closes."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: self.messages or self.closed is not None, patience(seconds)):
                raise AssertionError(f"no message within {patience(seconds)} s")
            if not self.messages:
                raise AssertionError(f"closed with {self.closed}")
            return self.messages.popleft()

    def wait_closed(self, seconds=15):
        with self.arrived:
            if not self.arrived.wait_for(lambda: self.closed is not None, patience(seconds)):
                raise AssertionError(f"not closed within {patience(seconds)} s")
            return self.closed

    def subscribe(self, *topics):
        self.send({"subscribe": list(topics)})
        for _ in range(10):  # what came before may still be answered
            answer = self.receive()
            if answer.get("type") == "subscribed" and set(topics) <= set(answer["topics"]):
                return
        raise AssertionError(f"subscribing {topics}: {answer}")

    def close(self):
        try:
            self._call(self._connection.close())
        finally:
            self._end()

    def _end(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


async def websockets_connect(url, origin, headers):
    return await websockets.connect(url, origin=origin, max_size=8 * 1024 * 1024, **{_HEADERS_OPTION: headers})


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
