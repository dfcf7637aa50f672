# SPDX-License-Identifier: GPL-3.0-or-later
"""Load on a stack, bounded in number and in time, and what came of it as the callers saw it."""

import asyncio
import collections
import concurrent.futures
import json
import threading
import time

import websockets

from harness import Client, patience

Ask = collections.namedtuple("Ask", "method path body headers", defaults=(None, None))


class Tally:
    """What the callers saw."""

    def __init__(self):
        self.statuses = collections.Counter()
        self.paths = collections.Counter()
        self.seconds = []
        self.since = time.time()
        self.until = None

    def add(self, path, status, seconds):
        self.statuses[status] += 1
        self.paths[path.split("?")[0], status] += 1
        self.seconds.append(seconds)

    @property
    def requests(self):
        return sum(self.statuses.values())

    @property
    def errors(self):
        return sum(count for status, count in self.statuses.items() if status >= 500)


def send(url, visitors, seconds=120):
    """`visitors`: of each what it asks, one after the other, in a session of its own. As many at a time as there are."""
    tally, lock = Tally(), threading.Lock()
    deadline = time.monotonic() + patience(seconds)

    def visit(asks):
        client = Client(url)
        for ask in asks:
            if time.monotonic() > deadline:
                raise AssertionError(f"the load was not over within {patience(seconds)} s")
            began = time.monotonic()
            answer = client.request(ask.method, ask.path, ask.body, headers=ask.headers)
            with lock:
                tally.add(ask.path, answer.status, time.monotonic() - began)

    with concurrent.futures.ThreadPoolExecutor(len(visitors)) as pool:
        for done in [pool.submit(visit, asks) for asks in visitors]:
            done.result()
    tally.until = time.time()
    return tally


class SocketIo:
    """One browser's Socket.IO connection, over WebSocket from the start: Engine.IO protocol 4, Socket.IO protocol 5."""

    def __init__(self, url):
        self.url = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self.events = []
        self.arrived = threading.Condition()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        try:
            self.connection = self.call(self.open())
        except BaseException:
            self.end()
            raise
        self.reader = asyncio.run_coroutine_threadsafe(self.read(), self.loop)

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(patience(20))

    async def open(self):
        connection = await websockets.connect(self.url, open_timeout=patience(15))
        assert (await connection.recv()).startswith("0{")  # the server's side of the handshake
        await connection.send("40")
        assert (await connection.recv()).startswith("40{")
        return connection

    async def read(self):
        try:
            async for text in self.connection:
                if text == "2":
                    await self.connection.send("3")  # ping, pong
                elif text.startswith("42"):
                    with self.arrived:
                        self.events.append(json.loads(text[2:]))
                        self.arrived.notify_all()
        except websockets.exceptions.ConnectionClosed:
            pass

    def emit(self, event, data):
        self.call(self.connection.send("42" + json.dumps([event, data])))

    def wait_for(self, event, count=1, seconds=20):
        """The data of that many events of this name."""

        def of_it():
            return [data for name, data in self.events if name == event]

        with self.arrived:
            if not self.arrived.wait_for(lambda: len(of_it()) >= count, patience(seconds)):
                raise AssertionError(f"{len(of_it())} of {count} events {event} within {patience(seconds)} s")
            return of_it()

    def close(self):
        try:
            self.call(self.connection.close())
            self.reader.result(patience(10))
        finally:
            self.end()

    def end(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()
