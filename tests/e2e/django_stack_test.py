# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Django stack, and that what its components say of themselves adds up to what was done to it. What a console shows
of it is compared with the same words, figure by figure."""

import unittest

from harness import run, wait_until
from stacks.django_stack import SLOW, DjangoStack

VISITORS, ROUNDS = 4, 5
ORDERS = VISITORS * ROUNDS
REFUNDED, PLANNED = 4, 3
WAITING = {0: 2, 3: 3, 6: 4, 9: 1}  # of the queue that nobody takes from, by step


class DjangoStackTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(DjangoStack())
        cls.before = cls.stack.metrics.samples()
        cls.tally = cls.stack.visit(VISITORS, ROUNDS)
        cls.after = cls.stack.metrics.samples()
        for step, count in WAITING.items():
            for number in range(count):
                cls.stack.send("import_prices", f"{step}-{number}", queue="night", priority=step)
        cls.refunded = [cls.stack.send("refund", number, priority=9) for number in range(REFUNDED)]
        cls.stack.wait_for_tasks("pack", "succeeded", ORDERS)
        cls.stack.wait_for_tasks("charge", "succeeded", ORDERS)
        cls.stack.wait_for_tasks("refund", "raised", REFUNDED)
        # Nothing else runs any more: what is unacknowledged now is what waits for its time.
        wait_until(lambda: cls.stack.redis.unacknowledged() == 0, "all are acknowledged")
        cls.planned = [cls.stack.send("pack", number, countdown=400) for number in range(PLANNED)]
        cls.stack.wait_for_tasks("pack", "received", ORDERS + PLANNED)

    def tearDown(self):
        self.stack.check()

    def grown(self, series, **labels):
        return self.stack.metrics.total(self.after, series, **labels) - self.stack.metrics.total(self.before, series, **labels)

    def test_requests(self):
        """What the callers saw is what Django counted, and the page that counts is one itself, before it answers."""
        for status, count in self.tally.statuses.items():
            counted = self.grown("django_http_responses_total_by_status_total", status=str(status))
            self.assertEqual(counted, count + (status == 200), status)
        self.assertEqual(self.tally.errors, VISITORS * ROUNDS)
        self.assertEqual(self.tally.paths["/orders", 202], ORDERS)
        # django-prometheus 2.2 takes the time of a view that raised twice, also of one that raised 404.
        took = "django_http_requests_latency_seconds_by_view_method_count"
        self.assertEqual(self.grown(took, view="stock", method="GET"), VISITORS)
        twice = self.grown(took, view="legacy", method="GET")
        self.assertIn(twice, (self.tally.errors, 2 * self.tally.errors))
        self.assertEqual(self.grown(took, view="product", method="GET"), 2 * VISITORS * ROUNDS + twice)

    def test_slow_ones_are_in_their_buckets(self):
        def below(bound):
            return self.grown("django_http_requests_latency_seconds_by_view_method_bucket", view="stock", le=bound)

        self.assertEqual(below("+Inf"), VISITORS)
        self.assertEqual(below("0.25"), 0)
        self.assertGreaterEqual(max(self.tally.seconds), SLOW)

    def test_cache(self):
        """Each product is missed once and found once; each session is looked up by every request that uses it."""
        self.assertEqual(self.grown("django_cache_get_hits_total", backend="redis"), ORDERS + ORDERS)
        self.assertEqual(self.grown("django_cache_get_misses_total", backend="redis"), ORDERS)

    def test_families(self):
        found = self.stack.redis.families(self.stack.FAMILIES)
        self.assertEqual(found, {"sessions": VISITORS, "cache": ORDERS})
        self.assertEqual(len(self.stack.redis.keys()), int(self.stack.redis.cli("DBSIZE")))
        keyspace = self.stack.redis.info("keyspace")
        self.assertTrue(keyspace["db1"].startswith(f"keys={2 * ORDERS + REFUNDED},"), keyspace)

    def test_tasks_and_results(self):
        """Results are in the other database, and have no prefix there."""
        logged = self.stack.celery.logged()
        self.assertEqual(len(logged["shop.tasks.charge", "retry"]), ORDERS)
        results = self.stack.redis.results(self.stack.RESULTS)
        ended = {what: {task for (name, how), tasks in logged.items() if how == what for task in tasks}
                 for what in ("succeeded", "raised")}
        self.assertEqual({task for task, result in results.items() if result["status"] == "SUCCESS"}, ended["succeeded"])
        self.assertEqual({task for task, result in results.items() if result["status"] == "FAILURE"}, ended["raised"])
        self.assertEqual(ended["raised"], set(self.refunded))
        self.assertEqual(self.stack.redis.results(0), {})

    def test_queues(self):
        """By step, behind the prefix."""
        self.assertEqual(self.stack.redis.lengths("night", self.stack.PREFIX, self.stack.STEPS), WAITING)
        self.assertEqual(sum(self.stack.redis.lengths("shop", self.stack.PREFIX, self.stack.STEPS).values()), 0)
        self.assertEqual(sum(self.stack.redis.lengths("night").values()), 0)
        self.assertEqual({key for key in self.stack.redis.keys() if not key.startswith(("shop:", "site:"))}
                         - {"unacked", "unacked_index", "unacked_mutex"}, set())
        held = max(self.stack.redis.unacknowledged(key) for key in ("unacked", "shop:unacked"))
        self.assertEqual(held, PLANNED)
        scheduled = self.stack.celery.inspect("scheduled", self.stack.NODE)
        self.assertCountEqual([task["request"]["id"] for task in scheduled], self.planned)

    def test_workers(self):
        stats = self.stack.celery.inspect("stats", self.stack.NODE)
        self.assertEqual(len(stats["pool"]["processes"]), 2)
        self.assertEqual(stats["total"]["shop.tasks.refund"], REFUNDED)
        told = stats["broker"]["transport_options"]
        self.assertEqual((told["global_keyprefix"], told["priority_steps"], told["visibility_timeout"]),
                         (self.stack.PREFIX, list(self.stack.STEPS), 600))
        file = self.stack.where / "awaited"
        running = [self.stack.send("render", str(file)) for _ in range(2)]
        self.stack.wait_for_tasks("render", "received", 2)
        active = self.stack.celery.inspect("active", self.stack.NODE)
        self.assertCountEqual([task["id"] for task in active], running)
        file.touch()
        self.stack.wait_for_tasks("render", "succeeded", 2)
        self.assertEqual(self.stack.celery.inspect("active", self.stack.NODE), [])

    def test_connections(self):
        def agree():
            return len(self.stack.redis.clients()) + 1 == int(self.stack.redis.info("clients")["connected_clients"])

        wait_until(agree, "CLIENT LIST has as many lines as INFO counts, with redis-cli's own")
        self.assertEqual({client["db"] for client in self.stack.redis.clients()}, {"0", "1"})

    def test_the_watch_file(self):
        done = run("check-config", "--watch", self.stack.watch_file())
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertIn(f"results at redis://127.0.0.1:{self.stack.redis_port}/1", done.stdout)


if __name__ == "__main__":
    unittest.main()
