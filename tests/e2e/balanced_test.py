# SPDX-License-Identifier: GPL-3.0-or-later
"""Three instances behind nginx are one deployment: whichever is asked tells the figures of all, and which of them is
gone; one that was killed or stood still has no gap in its history when it is back. What the load generator sent and what
the three logs say is the measure."""

import contextlib
import datetime
import json
import math
import signal
import sqlite3
import threading
import time
import unittest
import urllib.parse

from balancer import Nginx, SlowWay
from harness import Client, Portal, Redis, add_user, folder, patience, wait_until
from postgres import Postgres

WEIGHTS = {"a": 6, "b": 3, "c": 1}
ROUTE = "/api/tasks"  # whose rows are in the database
WAITS = (0.02, 0.3)
# How many clients ask at once, and for how long: an uneven load.
PHASES = ((3, 7), (9, 7), (1, 4), (6, 7))
# A few requests shortly before an instance goes, on a route of their own, so that none has left the window of a minute
# by the time it is said that the instance is gone.
LAST = {"c": ("/api/me", 3, 2), "b": ("/dashboard", 3, 2)}
SAID_WITHIN = 5
TOLD_WITHIN = 40  # of what was missed: it is asked for once rates are known again, 12 s after a start
GAP = 5  # seconds: what is shorter is none


def percentile(values, share):
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1]


class Load:
    """Asks as fast as answers come, and counts what was sent."""

    def __init__(self, url, bearer, route=ROUTE):
        self.url, self.bearer, self.route = url, bearer, route
        self.sent = self.answered = 0  # by a portal: nginx itself says 502 where one is dead
        self.statuses = set()
        self.lock = threading.Lock()

    def ask(self, until):
        client = Client(self.url, bearer=self.bearer)
        while time.monotonic() < until:
            status = client.get(self.route).status
            with self.lock:
                self.sent += 1
                self.answered += status != 502
                self.statuses.add(status)

    def run(self, phases=PHASES):
        for clients, seconds in phases:
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

    def all_logged(self, load):
        """Lines are written a little after the answers."""
        wait_until(lambda: sum(map(len, self.logged().values())) >= load.sent, "all of the load in the logs", 5)
        took = self.logged()
        self.assertEqual(sum(map(len, took.values())), load.sent)
        return took

    def route_at(self, name, route=ROUTE):
        return self.route_of(self.snapshot(name), route)

    @staticmethod
    def route_of(snapshot, route):
        routes = snapshot["http"]["routes"] if snapshot else []
        found = [one["traffic"] for one in routes if (one["method"], one["route"]) == ("GET", route)]
        return found[0] if found else None

    def all_of(self, load, name):
        """A snapshot of an instance that has all of a load, and its figures of the load's route. Its first second leaves
        a minute after it was: nothing may come between the load and this."""
        found = []

        def has_all():
            snapshot = self.snapshot(name)
            traffic = self.route_of(snapshot, load.route)
            found[:] = [(snapshot, traffic)]
            return traffic and traffic["requests"] == load.answered

        wait_until(has_all, f"all of the load at {name}", 5)
        return found[0]

    def check_figures(self, load):
        shown = {name: self.all_of(load, name) for name in WEIGHTS}
        took = self.all_logged(load)
        exact = percentile(sum(took.values(), []), 0.95)
        for name, (snapshot, traffic) in shown.items():
            self.assertLessEqual(abs(traffic["p95"] - exact), 0.05 * exact, (name, traffic["p95"], exact))
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

    def goes(self, name, end, nginx):
        """An instance ends: that is said, and what it answered just before counts on."""
        route, clients, seconds = LAST[name]
        load = Load(nginx.url, self.token, route)
        load.run([(clients, seconds)])
        _, before = self.all_of(load, "a")
        end()
        self.assertLess(self.said("a", name, ("hangs", "gone")), patience(SAID_WITHIN))
        self.assertEqual(self.route_at("a", route)["requests"], before["requests"])  # it did answer them

    def gaps(self, name, begin):
        """Where the history that an instance answers has holes, in seconds since `begin`."""
        span = {"from": begin, "to": time.time() - 2}
        query = {"metric": "request_rate", "step": 60,  # seconds show a brief gap for an hour
                 **{key: datetime.datetime.utcfromtimestamp(at).strftime("%Y-%m-%dT%H:%M:%SZ") for key, at in span.items()}}
        at = Client(self.portals[name].url)
        at.cookies = self.operator.cookies
        answer = at.get(f"/api/admin/history?{urllib.parse.urlencode(query)}")
        if answer.status != 200:
            return [answer.status]
        item = answer.json["items"][0]

        def seconds(text):
            return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - begin

        told = [(seconds(point.get("from") or point["time"]),
                 seconds(point["until"]) if point.get("until") else seconds(point["time"]) + item["step"])
                for point in item["points"]]
        if not told:
            return [(0, span["to"] - begin)]
        found = [(0, told[0][0])] if told[0][0] > 15 else []  # a rate needs ten seconds
        found += [(last, first) for (_, last), (first, _) in zip(told, told[1:]) if first - last > GAP]
        return found + ([(told[-1][1], span["to"] - begin)] if span["to"] - begin - told[-1][1] > GAP else [])

    def check_no_gap(self, name, begin):
        wait_until(lambda: not self.gaps(name, begin), f"no gap in the history of {name}: {self.gaps(name, begin)}", TOLD_WITHIN)

    def check_history(self, name, begin, end):
        """Every minute of the test is there, one after the other, though others came and went, or it did itself."""
        with contextlib.closing(sqlite3.connect(self.where / name / "history.db")) as file:
            rows = file.execute("SELECT first, last FROM points JOIN series ON series.id = points.series "
                                "WHERE step = 60 AND name = 'request_rate' ORDER BY points.time").fetchall()
            events = [json.loads(text) for (text,) in
                      file.execute("SELECT text FROM events ORDER BY time, id") if text.startswith("{")]
        self.assertTrue(rows)
        self.assertLess(rows[0][0] / 1000, begin + 15)  # a rate needs ten seconds
        self.assertGreater(rows[-1][1] / 1000, end - 5)
        for (_, last), (first, _) in zip(rows, rows[1:]):
            self.assertLessEqual(first - last, GAP * 1000, (name, rows))
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

        process = self.portals["b"].process
        self.addCleanup(process.send_signal, signal.SIGCONT)
        self.goes("c", self.portals["c"].kill, nginx)
        self.goes("b", lambda: process.send_signal(signal.SIGSTOP), nginx)

        self.portals["b"].process.send_signal(signal.SIGCONT)
        self.portals["c"].start()
        for name in WEIGHTS:
            wait_until(lambda: self.all_up(name), f"{name} knows all three again", 2 * SAID_WITHIN)
        for name in WEIGHTS:
            self.check_no_gap(name, began)
        # One that has lost all it had.
        self.assertEqual(self.portals["c"].stop(), 0)
        for file in self.portals["c"].data_dir.glob("history.db*"):
            file.unlink()
        self.portals["c"].start()
        self.check_no_gap("c", began)
        ended = time.time()
        for portal in self.portals.values():
            self.assertEqual(portal.stop(), 0)
        for name in ("b", "c"):
            self.check_history(name, began, ended)
        events = self.check_history("a", began, ended)
        for event in (("b", "started"), ("c", "started"), ("c", "hangs"), ("b", "hangs"), ("b", "back"), ("c", "restarted")):
            self.assertIn(event, events)


if __name__ == "__main__":
    unittest.main()
