# SPDX-License-Identifier: GPL-3.0-or-later
"""What the portal asks of a Redis by itself, whose plan bounds that: nothing it does to watch may hurt what it watches; and
what it shows of a queue on such a Redis, where other people's lists are too. Counted at the server, where the provider
counts."""

import contextlib
import json
import statistics
import threading
import time
import unittest

import celery

from celery_client import App
from harness import Client, Portal, PortalTest, Redis, Socket, add_user, folder, patience, run, wait_until

SECONDS = 30
FOREIGN_KEYS = 200_000


class Meter:
    """Commands and bytes of a span, without what asking for them takes."""

    def __init__(self, server):
        self.client = server.client

    def read(self):
        stats = self.client.info("stats")
        return time.monotonic(), stats["total_commands_processed"], stats["total_net_output_bytes"]

    def __enter__(self):
        self.client.info("stats")  # connects
        first = self.read()
        second = self.read()
        self.own_bytes = second[2] - first[2]
        self.begin = second
        return self

    def __exit__(self, *_):
        end = self.read()
        seconds = end[0] - self.begin[0]
        self.commands = (end[1] - self.begin[1] - 1) / seconds
        self.bytes = (end[2] - self.begin[2] - self.own_bytes) / seconds


def snapshot_of(portal):
    done = run("status", "--json", "--data-dir", portal.data_dir)
    return json.loads(done.stdout) if done.returncode == 0 else None


def messages(stream, count):
    for _ in range(count):
        stream.receive(30)


def redis_time(server):
    """What commands took inside Redis since its start, in µs, and how often SCAN was among them. Asking costs some."""
    stats = server.client.info("commandstats")
    return sum(one["usec"] for one in stats.values()), stats.get("cmdstat_scan", {}).get("calls", 0)


def fill(server, count):
    pipe = server.client.pipeline(transaction=False)
    for number in range(count):
        pipe.set(f"shop:{number}", "x")
        if number % 10_000 == 9_999:
            pipe.execute()
    pipe.execute()


class PlanTest(unittest.TestCase):
    """The free plan: a hundred commands a second and 5 GB a month, of which a tenth is for watching."""

    def setUp(self):
        self.where = self.enterContext(folder())
        self.server = Redis(self.where)
        self.addCleanup(self.server.stop)
        add_user(self.where / "data", "ops@example.org", "operator", "--redis", self.server.url)

    def start(self):
        self.portal = Portal(self.where, "--redis", self.server.url, tier="small")
        self.addCleanup(self.portal.kill)
        wait_until(lambda: Client(self.portal.url).get("/health").json["status"] == "healthy", "a healthy portal", 30)

    def stream(self):
        client = self.portal.client()
        client.login("ops@example.org")
        socket = Socket(client, "/api/admin/stream")
        self.addCleanup(socket.close)
        return client, socket

    def test_an_idle_portal_stays_within_a_tenth_of_the_plan(self):
        self.start()
        with Meter(self.server) as meter:
            time.sleep(SECONDS)  # the span that is counted
        print(f"idle: {meter.commands:.1f} commands/s, {meter.bytes:.0f} bytes/s")
        self.assertLessEqual(meter.commands, 10)
        self.assertLessEqual(meter.bytes, 200)
        snapshot = snapshot_of(self.portal)
        self.assertEqual(snapshot["plan"]["commands_limit"], 100)
        self.assertEqual(snapshot["plan"]["traffic_limit"], 5 * 1024 ** 3)
        self.assertLessEqual(snapshot["redis"]["own_commands_per_second"], 10)
        self.assertEqual(snapshot["readings"][0]["unknown"], "no")
        self.assertEqual(self.portal.stop(), 0)

    def test_a_page_that_looks_costs_the_same_whatever_redis_holds(self):
        fill(self.server, FOREIGN_KEYS)
        for number in range(30):
            self.server.client.sadd(f"_kombu.binding.team{number}", f"team{number}\x06\x16\x06\x16team{number}")
            self.server.client.lpush(f"team{number}", "{}")
        self.start()
        _, stream = self.stream()
        messages(stream, 5)
        with Meter(self.server) as meter:
            messages(stream, SECONDS)  # one a second
        print(f"watched: {meter.commands:.1f} commands/s, {meter.bytes:.0f} bytes/s")
        self.assertLessEqual(meter.commands, 20)
        snapshot = snapshot_of(self.portal)
        self.assertEqual(snapshot["sampling"]["pace"], "watched")

        def all_met():
            queue = stream.receive(30)["queue"]
            named = {line["queue"] for line in queue["queues"] if line["waiting"] == 1}
            return queue if {f"team{number}" for number in range(30)} <= named else None

        queue = wait_until(all_met, "thirty queues of others", 300)
        self.assertEqual(queue["waiting"], sum(line["waiting"] for line in queue["queues"]))
        self.assertEqual(self.portal.stop(), 0)

    def test_a_foreign_clients_task_is_taken_within_a_second(self):
        self.start()
        with App(self.server.url) as app:
            for _ in range(3):
                begin = time.monotonic()
                app.send_task("portal.noop", args=[1]).get(timeout=20)
                print(f"enqueued to done: {time.monotonic() - begin:.2f} s")
        self.assertEqual(self.portal.stop(), 0)


class AskingTest(unittest.TestCase):
    """An operator's session that asks for the lists many times a second, on a big Redis with queues of others."""

    TEAMS = 30
    RATE = 20  # of each list, per second: nearly what one session may ask
    SPAN = 20

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.where = cls.stack.enter_context(folder())
        cls.server = Redis(cls.where)
        cls.stack.callback(cls.server.stop)
        add_user(cls.where / "data", "ops@example.org", "operator", "--redis", cls.server.url)
        fill(cls.server, FOREIGN_KEYS)
        for number in range(cls.TEAMS):
            cls.server.client.sadd(f"_kombu.binding.team{number}", f"team{number}\x06\x16\x06\x16team{number}")
            cls.server.client.lpush(f"team{number}", "{}")
        cls.portal = Portal(cls.where, "--redis", cls.server.url)
        cls.stack.callback(cls.portal.kill)

    @classmethod
    def tearDownClass(cls):
        code = cls.portal.stop()
        cls.stack.close()
        assert code == 0, code

    def ask(self, client, seconds):
        """Both lists, RATE times a second each; how often it was."""
        begin = time.monotonic()
        asked = 0
        while (now := time.monotonic() - begin) < seconds:
            if asked > now * self.RATE:
                time.sleep(asked / self.RATE - now)  # the pace of who asks
            for path in ("/api/admin/queues", "/api/admin/tasks"):
                answer = client.get(path)
                self.assertEqual(answer.status, 200, answer)
            asked += 1
        return asked

    def test_asking_often_costs_redis_little(self):
        operator = self.portal.client()
        operator.login("ops@example.org")
        user = self.portal.client().sign_up("user@example.org")
        wait_until(lambda: operator.get("/api/admin/queues").status == 200, "the first sample", 10)
        times = []
        done = threading.Event()

        def look():
            while not done.wait(0.05):  # the pace of who looks
                begin = time.monotonic()
                status = user.get("/api/me").status
                times.append(time.monotonic() - begin if status == 200 else float("inf"))

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            begin, scans = redis_time(self.server)
            asked = self.ask(operator, self.SPAN)
            end, scans_end = redis_time(self.server)
        finally:
            done.set()
            looking.join()
        per_second = (end - begin) / 1000 / self.SPAN
        middle = statistics.median(times)
        print(f"asked: {asked / self.SPAN:.1f}/s of each, Redis {per_second:.1f} ms/s, {scans_end - scans} SCAN, "
              f"/api/me p50 {middle * 1000:.1f} ms of {len(times)}")
        self.assertGreaterEqual(asked * patience(1), self.RATE * self.SPAN / 2, "too few to say what asking costs")
        self.assertLessEqual(per_second, patience(50))
        self.assertLessEqual((scans_end - scans) / self.SPAN, 10)
        self.assertLessEqual(middle, patience(0.005))

    def test_all_queues_come_into_the_list(self):
        operator = self.portal.client()
        operator.login("ops@example.org")
        teams = {f"team{number}" for number in range(self.TEAMS)}

        def all_met():
            answer = operator.get("/api/admin/queues")
            return answer.status == 200 and teams <= {line["queue"] for line in answer.json["items"] if line["waiting"] == 1}

        wait_until(all_met, "thirty queues of others", 120)


class ListsTest(unittest.TestCase):
    """Every list that bindings or keys show is there with its depth, and why no worker of ours takes it."""

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.where = cls.stack.enter_context(folder())
        cls.server = Redis(cls.where)
        cls.stack.callback(cls.server.stop)
        add_user(cls.where / "data", "ops@example.org", "operator", "--redis", cls.server.url)
        cls.portal = Portal(cls.where, "--redis", cls.server.url, "--workers", 0)
        cls.stack.callback(cls.portal.kill)

    @classmethod
    def tearDownClass(cls):
        code = cls.portal.stop()
        cls.stack.close()
        assert code == 0, code

    def send(self, count, queue="celery", priority=None, **options):
        app = celery.Celery(broker=self.server.url, backend=None)
        app.conf.broker_transport_options = options
        for _ in range(count):
            app.send_task("shop.mail", queue=queue, priority=priority)
        app.close()

    def line(self, name, waiting):
        def shown():
            queue = snapshot_of(self.portal)["queue"]
            self.assertEqual(queue["waiting"], sum(line["waiting"] for line in queue["queues"]))
            return next((line for line in queue["queues"] if line["queue"] == name and line["waiting"] == waiting), None)
        return wait_until(shown, f"the line {name} with {waiting}", 60)

    def test_another_queue(self):
        self.send(12, queue="emails")
        self.assertEqual(self.line("emails", 12)["untaken"], "queue")
        text = run("status", "--data-dir", self.portal.data_dir).stdout
        self.assertIn("emails 12", text)
        client = self.portal.client()
        client.login("ops@example.org")
        tasks = client.get("/api/admin/tasks?queue=emails&limit=50").json["items"]
        self.assertEqual([task["name"] for task in tasks], ["shop.mail"] * 12)
        depths = wait_until(lambda: [line for line in client.get("/metrics").body.decode().splitlines()
                                     if line == 'portal_queue_depth{queue="emails"} 12'], "the metric", 10)
        self.assertTrue(depths)

    def test_other_steps_and_another_separator(self):
        self.send(3, priority=5, priority_steps=list(range(10)), sep=":")
        self.assertEqual(self.line("celery:5", 3)["untaken"], "separator")

    def test_other_steps(self):
        self.send(2, priority=4, priority_steps=list(range(10)))
        self.assertEqual(self.line("celery\\x06\\x164", 2)["untaken"], "priority-step")

    def test_a_prefix_of_all_keys(self):
        self.send(4, global_keyprefix="proj1_")
        self.assertEqual(self.line("proj1_celery", 4)["untaken"], "key-prefix")

    def test_a_queue_taken_on_is_counted(self):
        app = celery.Celery(broker=self.server.url, backend=None)
        app.control.add_consumer("orders", reply=True, timeout=5)
        app.close()
        self.assertEqual(self.line("orders", 0)["untaken"], "no")
        self.send(5, queue="orders")
        self.assertEqual(self.line("orders", 5)["untaken"], "no")

    def test_somebody_elses_lists_are_no_queues(self):
        self.server.client.lpush("news", "one", "two")
        self.send(1, queue="later")
        self.line("later", 1)
        names = {line["queue"] for line in snapshot_of(self.portal)["queue"]["queues"]}
        self.assertNotIn("news", names)


class MetricsTest(PortalTest):
    """Who may read /metrics, and what many readers cost."""

    arguments = ("--set", "metrics.access=token", "--set", "metrics.token=a-token-for-the-scraper")

    def test_only_who_has_the_token_reads(self):
        client = Client(self.portal.url)
        self.assertProblem(client.get("/metrics"), 403)
        self.assertProblem(client.get("/metrics", headers={"Authorization": "Bearer another"}), 403)
        right = {"Authorization": "Bearer a-token-for-the-scraper"}
        self.assertEqual(client.get("/metrics", headers=right).status, 200)

    def test_the_text_is_made_once_a_second(self):
        right = {"Authorization": "Bearer a-token-for-the-scraper"}
        client = Client(self.portal.url)
        wait_until(lambda: len({client.get("/metrics", headers=right).body for _ in range(20)}) <= 2, "few texts of many")

    def test_a_token_is_wanted_where_only_it_opens(self):
        done = run("serve", "--data-dir", self.where / "other", "--listen", "127.0.0.1:0", "--set", "metrics.access=token")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("metrics.token", done.stderr)

    def test_check_config_says_it_and_masks_the_token(self):
        done = run("check-config", "--data-dir", self.where / "other", *self.arguments)
        self.assertIn("metrics.access", done.stdout)
        self.assertNotIn("a-token-for-the-scraper", done.stdout)


class LoopbackMetricsTest(PortalTest):
    def test_what_a_proxy_hands_on_is_not_of_this_machine(self):
        client = Client(self.portal.url)
        self.assertEqual(client.get("/metrics").status, 200)
        self.assertProblem(client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}), 403)


if __name__ == "__main__":
    unittest.main()
