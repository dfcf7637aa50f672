# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Flask stack, and that what its components say of themselves adds up to what was done to it. What a console shows
of it is compared with the same words, figure by figure."""

import contextlib
import unittest

from harness import folder, run, wait_until
from stacks.flask_stack import SEARCHES, SLOW, FlaskStack
from stacks.load import SocketIo
from stacks.processes import Child, started_by, state

VISITORS, ROUNDS = 4, 5
ORDERS = VISITORS * ROUNDS
ARCHIVED, REMINDED, REFUNDED = 7, 3, 4


class FlaskStackTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(FlaskStack())
        with contextlib.closing(SocketIo(cls.stack.url)) as browser:
            browser.emit("watch", {"order": 1})
            cls.watching = browser.wait_for("watching")
            cls.listeners = cls.stack.redis.cli("PUBSUB", "NUMSUB", "flask-socketio").splitlines()
            cls.open = cls.stack.nginx.status()["active"]
            cls.tally = cls.stack.visit(VISITORS, ROUNDS)
            cls.charged = browser.wait_for("charged", ORDERS, 60)
        cls.archived = [cls.stack.send("shop.archive", number, queue="archive", priority=number) for number in range(ARCHIVED)]
        cls.reminded = [cls.stack.send("shop.remind", number, countdown=3000) for number in range(REMINDED)]
        cls.refunded = [cls.stack.send("shop.refund", number) for number in range(REFUNDED)]
        cls.stack.wait_for_tasks("shop.send_mail", "succeeded", ORDERS)
        cls.stack.wait_for_tasks("shop.refund", "raised", REFUNDED)
        cls.stack.wait_for_tasks("shop.remind", "received", REMINDED)

    def tearDown(self):
        self.stack.check()

    def test_requests(self):
        """What the callers saw is what nginx wrote down."""
        requests = self.stack.nginx.requests(leave_out=("/health", "/socket.io/"))
        self.assertEqual(self.stack.nginx.by_status(requests), self.tally.statuses)
        self.assertEqual(self.stack.nginx.errors(requests), VISITORS * ROUNDS)
        of = self.tally.paths
        self.assertEqual(of["/products/1000", 404], VISITORS * ROUNDS)
        self.assertEqual(of["/orders", 202], ORDERS)
        self.assertEqual(of["/orders", 409], VISITORS)
        # The minute may have changed among them, and then as many again are allowed.
        self.assertEqual(of["/search", 200] + of["/search", 429], VISITORS * SEARCHES)
        self.assertIn(of["/search", 200], (SEARCHES, 2 * SEARCHES))

    def test_rate_and_percentiles(self):
        requests = self.stack.nginx.requests(since=self.tally.since - 1, until=self.tally.until + 1,
                                             leave_out=("/health", "/socket.io/"))
        took = self.tally.until - self.tally.since
        self.assertGreaterEqual(self.stack.nginx.rate(requests), (self.tally.requests - 1) / (took + 0.1))
        half, most = (self.stack.nginx.percentile(requests, share) for share in (0.5, 1))
        self.assertLess(half, most)
        self.assertGreaterEqual(most, SLOW)
        self.assertGreaterEqual(sum(line["seconds"] >= SLOW for line in requests if line["path"] == "/stock"), VISITORS)
        self.assertLessEqual(most, max(self.tally.seconds) + 0.01)  # nginx sees less of it than the caller

    def test_the_exporter_says_what_nginx_says(self):
        before = self.stack.nginx.status()
        samples = self.stack.exporter.samples()
        after = self.stack.nginx.status()
        # Each look at the status page, and the exporter's own, is a request of it.
        self.assertEqual(after["requests"], before["requests"] + 2)
        self.assertEqual(self.stack.exporter.total(samples, "nginx_http_requests_total"), before["requests"] + 1)
        self.assertEqual(self.stack.exporter.total(samples, "nginx_up"), 1)
        self.assertEqual(after["handled"], after["accepted"])

    def test_families(self):
        found = self.stack.redis.families(self.stack.FAMILIES)
        self.assertEqual(found["sessions"], VISITORS)
        self.assertEqual(found["cache"], VISITORS * ROUNDS)
        self.assertGreaterEqual(found["limits"], 1)
        self.assertEqual(found["results"], 2 * ORDERS + REFUNDED)
        self.assertEqual(len(self.stack.redis.keys()), int(self.stack.redis.cli("DBSIZE")))

    def test_tasks_and_results(self):
        logged = self.stack.celery.logged()
        self.assertEqual(len(set(logged["shop.charge", "succeeded"])), ORDERS)
        self.assertEqual(len(logged["shop.send_mail", "retry"]), ORDERS)
        self.assertCountEqual(logged["shop.refund", "raised"], self.refunded)
        results = self.stack.redis.results()
        for name, what, state in (("shop.charge", "succeeded", "SUCCESS"), ("shop.send_mail", "succeeded", "SUCCESS"),
                                  ("shop.refund", "raised", "FAILURE")):
            self.assertEqual({task for task, result in results.items() if result["name"] == name and result["status"] == state},
                             set(logged[name, what]), name)
        self.assertEqual({result["retries"] for result in results.values() if result["name"] == "shop.send_mail"}, {1})

    def test_queues(self):
        """One that nobody takes from, by priority step; one with tasks whose time has not come."""
        self.assertEqual(self.stack.redis.lengths("archive"), {0: 3, 3: 3, 6: 1, 9: 0})
        self.assertEqual(sum(self.stack.redis.lengths("celery").values()), 0)
        self.assertEqual(self.stack.redis.unacknowledged(), REMINDED)
        scheduled = self.stack.celery.inspect("scheduled", self.stack.NODE)
        self.assertCountEqual([task["request"]["id"] for task in scheduled], self.reminded)

    def test_workers(self):
        stats = self.stack.celery.inspect("stats", self.stack.NODE)
        self.assertEqual(len(stats["pool"]["processes"]), 2)
        # Those of the later time are not counted before they start.
        self.assertEqual(stats["total"]["shop.charge"], ORDERS)
        self.assertEqual(stats["total"]["shop.refund"], REFUNDED)
        queues = self.stack.celery.inspect("active_queues", self.stack.NODE)
        self.assertCountEqual([queue["name"] for queue in queues], ["celery", "mail"])
        file = self.stack.where / "awaited"
        running = [self.stack.send("shop.report", str(file)) for _ in range(2)]
        self.stack.wait_for_tasks("shop.report", "received", 2)
        active = self.stack.celery.inspect("active", self.stack.NODE)
        self.assertCountEqual([task["id"] for task in active], running)
        file.touch()
        self.stack.wait_for_tasks("shop.report", "succeeded", 2)
        self.assertEqual(self.stack.celery.inspect("active", self.stack.NODE), [])

    def test_connections(self):
        def agree():
            return len(self.stack.redis.clients()) + 1 == int(self.stack.redis.info("clients")["connected_clients"])

        wait_until(agree, "CLIENT LIST has as many lines as INFO counts, with redis-cli's own")
        subscribed = [client for client in self.stack.redis.clients() if int(client["sub"]) + int(client["psub"]) > 0]
        self.assertGreaterEqual(len(subscribed), 2)  # the web process to the pushes, the worker to its remote control
        self.assertEqual(int(self.stack.redis.info("clients")["maxclients"]), 100)
        self.assertEqual(int(self.stack.redis.info("memory")["maxmemory"]), 25 * 1024 * 1024)

    def test_pushes(self):
        self.assertEqual(self.watching, [{"order": 1}])
        self.assertEqual(self.listeners, ["flask-socketio", "1"])
        self.assertGreaterEqual(self.open, 2)  # the browser's, and the one that asks
        self.assertEqual({push["order"] for push in self.charged}, set(range(1, ORDERS + 1)))

    def test_the_watch_file(self):
        done = run("check-config", "--watch", self.stack.watch_file())
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertIn("celery: queues celery, mail, archive", done.stdout)
        self.assertIn("map nginx-exporter", done.stdout)


class EndTest(unittest.TestCase):
    def test_nothing_is_left_of_a_program_that_does_not_want_to_end(self):
        """It ignores the signal, has children, and one of them in a session of its own."""
        with folder() as where:
            child = Child("stubborn", ["sh", "-c", "trap '' TERM; sleep 600 & setsid sleep 600 & wait"], where)
            there = child.wait_until(lambda: len(started_by(child.pid)) >= 3 and started_by(child.pid), "it has its children")
            child.stop(seconds=0.5)
            self.assertEqual([pid for pid in there if state(pid)], [])


if __name__ == "__main__":
    unittest.main()
