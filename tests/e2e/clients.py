# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP and WebSocket clients for end-to-end tests, and how long a test waits. Uses python3-websockets beside the standard
library."""

import asyncio
import collections
import http.client
import inspect
import json
import os
import re
import threading
import time
import urllib.parse

import websockets

PASSWORD = "correct horse battery staple"
PROBLEM = "https://portolan.invalid/problems/"


def patience(seconds):
    """A deadline for something that takes well under a second; sanitizers and busy machines are slow."""
    return seconds * float(os.environ.get("PORTOLAN_PATIENCE", "1"))


def wait_until(condition, what, seconds=20):
    """Polls until condition() is true, and returns what it returned. Looks once more after the time is over: this process
    may have been held up meanwhile, not what it waits for."""
    deadline = time.monotonic() + patience(seconds)
    while True:
        late = time.monotonic() > deadline
        value = condition()
        if value:
            return value
        if late:
            raise AssertionError(f"not within {patience(seconds)} s: {what}")
        time.sleep(0.02)


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
