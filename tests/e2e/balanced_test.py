# SPDX-License-Identifier: GPL-3.0-or-later
"""Three instances behind nginx are one deployment: whichever is asked tells the figures of all, and which of them is
gone. What the load generator sent and what the three logs say is the measure."""

import contextlib
import json
import math
import signal
import sqlite3
import threading
import time
import unittest

from balancer import Nginx, SlowWay
from harness import Client, Portal, Redis, add_user, folder, patience, wait_until
from postgres import Postgres

WEIGHTS = {"a": 6, "b": 3, "c": 1}
ROUTE = "/api/tasks"  # whose rows are in the database
WAITS = (0.02, 0.3)
# How many clients ask at once, and for how long: an uneven load.
PHASES = ((3, 7), (9, 7), (1, 4), (6, 7))
SAID_WITHIN = 5


def percentile(values, share):
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1]


class Load:
    """Asks as fast as answers come, and counts what was sent."""

    def __init__(self, url, bearer):
        self.url, self.bearer = url, bearer
        self.sent = 0
        self.statuses = set()
        self.lock = threading.Lock()

    def ask(self, until):
        client = Client(self.url, bearer=self.bearer)
        while time.monotonic() < until:
            status = client.get(ROUTE).status
            with self.lock:
                self.sent += 1
                self.statuses.add(status)

    def run(self):
        for clients, seconds in PHASES:
            until = time.monotonic() + seconds
            threads = [threading.Thread(target=self.ask, args=(until,)) for _ in range(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()


class BalancedTest(unittest.TestCase):
    def setUp(self):
        self.where = self.enterContext(folder())
        self.redis = Redis(self.where)
        self.addCleanup(self.redis.stop)
        self.postgres = Postgres("portal")
        self.addCleanup(self.postgres.stop)
        self.way = SlowWay(f"{self.postgres.where}/.s.PGSQL.5432")
        self.addCleanup(self.way.stop)
        database = f"postgresql://portolan@127.0.0.1:{self.way.port}/portal"
        shared = ("--redis", self.redis.url, "--database", database)
        add_user(self.where / "a", "ops@example.org", "operator", *shared)
        secret = {"PORTAL_SECRET_KEY": "the same key for all instances of a portal"}
        self.portals = {}
        for name in WEIGHTS:
            self.portals[name] = Portal(self.where, *shared, "--set", "log.level=debug", "--set", f"instance.name={name}",
                                        "--workers", "1", env=secret, name=name)
            self.addCleanup(self.portals[name].kill)
        self.operator = self.portals["a"].client()
        self.operator.login("ops@example.org")
        self.token = self.operator.post("/auth/token").json["access_token"]

    def snapshot(self, name):
        at = Client(self.portals[name].url)
        at.cookies = self.operator.cookies
        answer = at.get("/api/admin/snapshot")
        return answer.json if answer.status == 200 else None

    def instances(self, name):
        snapshot = self.snapshot(name)
        return {one["name"]: one for one in snapshot["instances"]} if snapshot else {}

    def all_up(self, name):
        listed = self.instances(name)
        return set(listed) == set(WEIGHTS) and all(one["up"] for one in listed.values())

    def logged(self):
        """How long each request of the load took, as the three logs have it; by instance."""
        took = {}
        for name, portal in self.portals.items():
            lines = [json.loads(line) for line in portal.log.read_text().splitlines() if line.startswith("{")]
            took[name] = [line["milliseconds"] / 1000 for line in lines
                          if line["message"] == "request" and line["route"] == ROUTE]
        return took

    def route_at(self, name):
        routes = self.snapshot(name)["http"]["routes"]
        found = [one["traffic"] for one in routes if (one["method"], one["route"]) == ("GET", ROUTE)]
        return found[0] if found else None

    def check_figures(self, load):
        took = self.logged()
        durations = sum(took.values(), [])
        self.assertEqual(len(durations), load.sent)
        exact = percentile(durations, 0.95)
        for name in WEIGHTS:
            wait_until(lambda: self.route_at(name)["requests"] == load.sent, f"all of the load at {name}", 5)
            traffic = self.route_at(name)
            self.assertLessEqual(abs(traffic["requests"] - load.sent), 0.02 * load.sent)
            self.assertLessEqual(abs(traffic["p95"] - exact), 0.05 * exact, (name, traffic["p95"], exact))
            snapshot = self.snapshot(name)
            total = snapshot["http"]["traffic"]["requests"]
            parts = {one["name"]: one["share"] for one in snapshot["instances"]}
            self.assertEqual(sum(part["traffic"]["requests"] for part in parts.values()), total)
            for other, part in parts.items():
                self.assertGreaterEqual(part["traffic"]["requests"], len(took[other]))  # and what this test asked it
                self.assertAlmostEqual(part["fraction"], part["traffic"]["requests"] / total, places=6)
                self.assertAlmostEqual(len(took[other]) / load.sent, WEIGHTS[other] / 10, delta=0.05)
        alone = {name: percentile(values, 0.95) for name, values in took.items()}
        print(f"{load.sent} requests, p95 {exact * 1000:.0f} ms, of each {alone}")

    def said(self, survivor, name, why):
        """Seconds until the survivor says it."""
        begin = time.monotonic()
        wait_until(lambda: self.instances(survivor)[name]["why"] in why, f"{survivor} says that {name} is {why}", SAID_WITHIN)
        took = time.monotonic() - begin
        print(f"{survivor} said of {name} that it is silent after {took:.1f} s")
        return took

    def check_history(self, name, begin, end):
        """Every minute of the test is there, one after the other, though others came and went."""
        with contextlib.closing(sqlite3.connect(self.where / name / "history.db")) as file:
            rows = file.execute("SELECT first, last FROM points JOIN series ON series.id = points.series "
                                "WHERE step = 60 AND name = 'request_rate' ORDER BY points.time").fetchall()
            events = [json.loads(text) for (text,) in
                      file.execute("SELECT text FROM events ORDER BY time, id") if text.startswith("{")]
        self.assertTrue(rows)
        self.assertLess(rows[0][0] / 1000, begin + 15)  # a rate needs ten seconds
        self.assertGreater(rows[-1][1] / 1000, end - 5)
        for (_, last), (first, _) in zip(rows, rows[1:]):
            self.assertLessEqual(first - last, 5000, rows)
        return [(event["name"], event["reason"]) for event in events if event["kind"] == "instance"]

    def test_whoever_is_asked_tells_of_all(self):
        began = time.time()
        nginx = Nginx(self.where, [(self.portals[name].port, weight) for name, weight in WEIGHTS.items()])
        self.addCleanup(nginx.stop)
        for name in WEIGHTS:
            wait_until(lambda: self.all_up(name), f"{name} knows all three", 20)
        load = Load(nginx.url, self.token)
        self.way.delays = WAITS
        load.run()
        self.way.delays = None
        self.assertEqual(load.statuses, {200})
        self.check_figures(load)

        self.portals["c"].kill()
        self.assertLess(self.said("a", "c", ("hangs", "gone")), patience(SAID_WITHIN))
        self.portals["b"].process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.portals["b"].process.send_signal, signal.SIGCONT)
        self.assertLess(self.said("a", "b", ("hangs", "gone")), patience(SAID_WITHIN))
        self.assertEqual(self.route_at("a")["requests"], load.sent)  # they did answer them

        self.portals["b"].process.send_signal(signal.SIGCONT)
        self.portals["c"].start()
        for name in WEIGHTS:
            wait_until(lambda: self.all_up(name), f"{name} knows all three again", 2 * SAID_WITHIN)
        ended = time.time()
        for portal in self.portals.values():
            self.assertEqual(portal.stop(), 0)
        events = self.check_history("a", began, ended)
        for event in (("b", "started"), ("c", "started"), ("c", "hangs"), ("b", "hangs"), ("b", "back"), ("c", "restarted")):
            self.assertIn(event, events)


if __name__ == "__main__":
    unittest.main()
