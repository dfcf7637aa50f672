# SPDX-License-Identifier: GPL-3.0-or-later
"""What strangers can send through Redis stops nobody: hostile patterns on the control channel, tasks for much later."""

import base64
import datetime
import json
import random
import threading
import time
import unittest
import uuid

from celery_client import App
from harness import Client, Portal, Redis, folder, patience, wait_until

HOSTILE = [
    ("pcre", "(([^!])*)*!"),
    ("pcre", "((.)*)*!"),
    ("pcre", "(.*)*(.*)*(.*)*!"),
    ("pcre", "(?:(?:.?.?)*)*!"),
    ("pcre", r"((.*)\1\1\1(.*)*!)"),
    ("pcre", "((?R)|.)*!"),
    ("pcre", "(((((.{1,99}){1,99}){1,99}){1,99}){1,99})!"),
    ("pcre", ".*" * 60 + "!"),
    ("glob", "*a" * 60 + "!"),
    ("glob", "*[!!]" * 25 + "!"),
]


def control(pattern, matcher, method="ping"):
    """As kombu publishes it (kombu/pidbox.py)."""
    body = {"method": method, "arguments": {}, "destination": None, "pattern": pattern, "matcher": matcher}
    return json.dumps({
        "body": base64.b64encode(json.dumps(body).encode()).decode(), "content-encoding": "utf-8",
        "content-type": "application/json", "headers": {"clock": 1, "expires": time.time() + 10},
        "properties": {"delivery_mode": 2, "delivery_info": {"exchange": "celery.pidbox", "routing_key": ""},
                       "priority": 0, "body_encoding": "base64", "delivery_tag": str(uuid.uuid4())}})


class ControlChannelTest(unittest.TestCase):
    def test_hostile_patterns_stop_nobody(self):
        with folder() as where:
            server = Redis(where)
            try:
                portal = Portal(where, "--redis", server.url, "--io-threads", "2")
                self.addCleanup(portal.kill)
                wait_until(lambda: server.client.publish("/0.celery.pidbox", control("nobody", "glob")) == 1,
                           "the control channel is listened to")
                done = threading.Event()
                sent = [0]

                def attack():
                    while not done.is_set():
                        matcher, pattern = random.choice(HOSTILE)
                        sent[0] += server.client.publish("/0.celery.pidbox", control(pattern, matcher))
                        done.wait(0.01)

                attacker = threading.Thread(target=attack, daemon=True)
                attacker.start()
                times = []
                wait_until(lambda: sent[0] >= 5 * len(HOSTILE), "patterns were sent")
                for _ in range(400):  # on connections of their own: over both I/O threads
                    begin = time.monotonic()
                    self.assertEqual(Client(portal.url).get("/health", timeout=10).status, 200)
                    times.append(time.monotonic() - begin)
                p99 = sorted(times)[int(len(times) * 0.99)]
                self.assertLessEqual(p99, patience(0.050), sorted(times)[-10:])
                begin = time.monotonic()
                self.assertEqual(portal.stop(5), 0)
                print(f"/health p99 {p99 * 1000:.1f} ms beside {sent[0]} hostile patterns, "
                      f"stopped in {time.monotonic() - begin:.1f} s", flush=True)
                done.set()
                attacker.join()
                self.assertIn("a remote-control request was ignored", portal.log.read_text())
            finally:
                server.stop()


class LaterTest(unittest.TestCase):
    COUNT = 21_000  # more than a worker holds

    def test_work_that_is_due_runs_however_much_waits_for_its_time(self):
        with folder() as where:
            server = Redis(where)
            try:
                portal = Portal(where, "--redis", server.url)
                self.addCleanup(portal.kill)
                client = portal.client().sign_up("due@example.org")
                app = App(server.url)
                later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
                first = app.signature("portal.noop", args=(1,)).apply_async(eta=later)
                wait_until(lambda: server.client.hlen("unacked") == 1, "the first is held")
                message = json.dumps(json.loads(server.client.hvals("unacked")[0])[0])
                pipeline = server.client.pipeline(transaction=False)
                for _ in range(self.COUNT):
                    pipeline.lpush("celery", message.replace(first.id, str(uuid.uuid4())))
                pipeline.execute()
                wait_until(lambda: server.client.llen("celery") == 0, "all are taken", 60)
                ended = client.wait_for_task(client.start_analysis(paths=1000), 20)
                self.assertEqual(ended["state"], "SUCCESS", ended)

                def kept():
                    return server.client.hlen("unacked") + server.client.zcard("q:e") == self.COUNT + 1

                wait_until(kept, "every one is kept")
                self.assertGreater(server.client.zcard("q:e"), 0)
                self.assertIn("the latest wait in Redis", portal.log.read_text())
                parked = server.client.zcard("q:e")
                portal.kill()
                self.assertEqual(server.client.zcard("q:e"), parked)  # whatever becomes of the worker
            finally:
                server.stop()


if __name__ == "__main__":
    unittest.main()
