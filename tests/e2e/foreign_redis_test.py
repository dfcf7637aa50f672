# SPDX-License-Identifier: GPL-3.0-or-later
"""On a Redis that somebody else runs: commands blocked, rights withheld, read-only, full, away. What only watches never
keeps from serving; what users need is measured on the path they take, and everything that is missing is said at once."""

import contextlib
import json
import pathlib
import unittest

from celery_client import App
from harness import Client, Portal, Redis, folder, run, wait_until
from shop_worker import Shop

RIGHTS = ("Redis refuses a part of what the portal asks for; it serves without",
          "Redis cannot be used: sessions and limits live in memory, tasks wait",
          "Redis can be used in part only: tasks wait",
          "Redis can be used in part only: sessions live in memory")


@contextlib.contextmanager
def served(*options, user=None, prepare=None, arguments=()):
    """(portal, redis): a portal on a Redis with these options, as a user with these ACL rules."""
    with folder() as where, contextlib.ExitStack() as stack:
        server = Redis(where, *options)
        stack.callback(server.stop)
        url = server.url
        if user is not None:
            server.client.execute_command("ACL", "SETUSER", "portal", "on", ">pw", *user.split())
            url = url.replace("redis://", "redis://portal:pw@")
        if prepare:
            prepare(server.client)
        portal = Portal(where, "--redis", url, *arguments)
        stack.callback(portal.kill)
        yield portal, server


def log_lines(portal):
    return [json.loads(line) for line in portal.log.read_text(errors="replace").splitlines() if line.startswith("{")]


def rights_lines(portal):
    return [line for line in log_lines(portal) if line["message"] in RIGHTS]


def snapshot_of(portal):
    return json.loads(run("status", "--json", "--data-dir", portal.data_dir).stdout)


def health_of(portal):
    return Client(portal.url).get("/health").json


def runs_of(portal):
    """Tasks that this process of the portal has run."""
    lines = Client(portal.url).get("/metrics").body.decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("portal_tasks_total{"))


def works(case, portal, email="user@example.org"):
    """Signing in, a task from its start to its result, and health."""
    client = portal.client().sign_up(email)
    case.assertEqual(client.get("/api/me").status, 200)
    case.assertEqual(client.wait_for_task(client.start_analysis(paths=1000))["state"], "SUCCESS")
    wait_until(lambda: health_of(portal)["status"] == "healthy", "healthy", 15)
    case.assertEqual(Client(portal.url).get("/ready").status, 200)


class WatchingTest(unittest.TestCase):
    """What only watches does not keep from serving."""

    def blocked(self, part, command, *options, user=None):
        """Serves, and says in the snapshot, in the terminal and once in the log what it cannot say."""
        with served(*options, user=user) as (portal, _):
            works(self, portal)
            told = wait_until(lambda: [one for one in snapshot_of(portal)["not_told"] if one["part"] == part],
                              f"not told: {part}", 10)
            self.assertEqual(told[0]["command"], command)
            text = run("status", "--data-dir", portal.data_dir).stdout
            self.assertIn("this Redis does not tell: " + command, text)
            lines = rights_lines(portal)
            self.assertEqual(len(lines), 1, lines)
            self.assertIn(command, lines[0]["what"])
            self.assertEqual(lines[0]["level"], "warning")
            return portal, lines[0]

    def test_without_client(self):
        _, line = self.blocked("clients", "CLIENT LIST", "--rename-command", "CLIENT", "")
        self.assertIn("CLIENT SETNAME", line["what"])

    def test_without_info(self):
        self.blocked("redis", "INFO", "--rename-command", "INFO", "")

    def test_without_memory(self):
        self.blocked("families", "MEMORY USAGE", "--rename-command", "MEMORY", "")

    def test_without_randomkey(self):
        self.blocked("families", "RANDOMKEY", "--rename-command", "RANDOMKEY", "")

    def test_without_psubscribe_nothing_is_missing(self):
        with served("--rename-command", "PSUBSCRIBE", "") as (portal, _):
            works(self, portal)
            self.assertEqual((snapshot_of(portal)["not_told"], rights_lines(portal)), ([], []))

    def test_a_user_without_psubscribe_beside_another_worker(self):
        """Only what that one throws away is watched so."""
        with served(user="~* &* +@all -psubscribe") as (portal, server):
            works(self, portal)
            self.assertEqual((snapshot_of(portal)["not_told"], rights_lines(portal)), ([], []))
            shop = Shop(portal.where, server.url)
            self.addCleanup(shop.close)
            shop.start()
            told = wait_until(lambda: snapshot_of(portal)["not_told"], "what is not told", 40)
            command = "PSUBSCRIBE celery-task-meta-*"
            self.assertEqual([(one["part"], one["command"], one["unknown"]) for one in told], [("live", command, False)])
            self.assertIn("this Redis does not tell: " + command, run("status", "--data-dir", portal.data_dir).stdout)
            lines = rights_lines(portal)
            self.assertEqual([(line["level"], command in line["what"]) for line in lines], [("warning", True)])
            self.assertEqual(health_of(portal)["status"], "healthy")
            server.client.execute_command(*lines[0]["mend"].split())
            portal.stop()
            portal.start()
            wait_until(lambda: (snapshot_of(portal)["workers"].get("shared_queue") or {}).get("discarded") == 0,
                       "what it throws away is watched", 40)
            self.assertEqual(snapshot_of(portal)["not_told"], [])

    def test_without_everything_that_watches(self):
        options = [word for command in ("CLIENT", "INFO", "MEMORY", "SCAN", "OBJECT", "CONFIG", "SLOWLOG", "RANDOMKEY",
                                        "DBSIZE", "PSUBSCRIBE", "MONITOR", "ACL", "UNLINK")
                   for word in ("--rename-command", command, "")]
        _, line = self.blocked("redis", "INFO", *options)
        for command in ("CLIENT LIST", "MEMORY USAGE", "SCAN", "OBJECT IDLETIME", "RANDOMKEY", "DBSIZE", "UNLINK"):
            self.assertIn(command, line["what"])

    def test_a_user_without_dangerous_commands(self):
        _, line = self.blocked("redis", "INFO", user="~* &* +@all -@dangerous")
        self.assertTrue(line["mend"].startswith("ACL SETUSER portal "), line)
        self.assertIn("+client|list", line["mend"])

    def test_the_line_in_the_log_mends_it(self):
        for user in ("~* resetchannels +@all -@dangerous -publish", "~* &* +@all -subscribe",
                     "~* resetchannels &p:* &celery-task-meta-* +@all -subscribe"):
            with self.subTest(user), served(user=user) as (portal, server):
                works(self, portal)
                line = wait_until(lambda: rights_lines(portal), "the missing rights", 10)[0]
                server.client.execute_command(*line["mend"].split())
                portal.stop()
                portal.start()
                works(self, portal, "second@example.org")
                wait_until(lambda: snapshot_of(portal)["redis"]["used_memory"], "figures", 10)
                self.assertEqual(snapshot_of(portal)["not_told"], [])

    def test_a_user_without_channels(self):
        with served(user="~* resetchannels +@all") as (portal, _):
            works(self, portal)
            line = wait_until(lambda: rights_lines(portal), "the missing rights", 10)[0]
            self.assertIn("channels p:*", line["what"])
            self.assertIn("SUBSCRIBE p:*", line["what"])
            self.assertIn("live updates", line["what"])

    def test_without_publish(self):
        with served("--rename-command", "PUBLISH", "") as (portal, _):
            works(self, portal)
            self.assertIn("PUBLISH", wait_until(lambda: rights_lines(portal), "the missing rights", 10)[0]["what"])

    def test_without_publish_no_task_comes_back(self):
        with served("--rename-command", "PUBLISH", "") as (portal, server), \
                App(server.url) as app:
            ids = [app.send_task("portal.noop", args=[number]).id for number in range(5)]
            results = [f"celery-task-meta-{task_id}" for task_id in ids]

            def ended():
                return all(text and json.loads(text)["status"] == "SUCCESS" for text in server.client.mget(results))

            wait_until(ended, "five results", 20)
            wait_until(lambda: server.client.hlen("unacked") == 0, "five acknowledgements", 10)
            before = server.client.mget(results)
            for _ in range(2):
                self.assertEqual(portal.stop(), 0)
                portal.start()
                wait_until(lambda: health_of(portal)["status"] == "healthy", "healthy", 15)
                last = app.send_task("portal.noop", args=["last"]).id
                wait_until(lambda: server.client.get(f"celery-task-meta-{last}"), "a task behind all that came back", 20)
                wait_until(lambda: runs_of(portal) == 1, "only the last one ran", 10)
                self.assertEqual(server.client.hlen("unacked"), 0)
            self.assertEqual(server.client.mget(results), before)


class UnusableTest(unittest.TestCase):
    """Where users cannot be served from Redis, everything says so within seconds, and they are served from memory."""

    def refused(self, words, *options, user=None, kind="forbidden"):
        with served(*options, user=user) as (portal, _):
            health = wait_until(lambda: (lambda h: h if h["status"] == "degraded" else None)(health_of(portal)),
                                "degraded", 10)
            wait_until(lambda: health_of(portal)["checks"]["queue"] == kind, f"the queue is {kind}", 10)
            self.assertNotEqual(health["status"], "healthy")
            wait_until(lambda: Client(portal.url).get("/ready").status == 503, "not ready", 10)
            wait_until(lambda: snapshot_of(portal)["verdict"] == "red", "red", 10)
            self.assertIn("RED", run("status", "--data-dir", portal.data_dir).stdout.upper())
            lines = wait_until(lambda: rights_lines(portal), "the missing rights", 10)
            self.assertEqual(len(lines), 1, lines)
            for word in words:
                self.assertIn(word, lines[0]["what"])
            client = portal.client().sign_up("user@example.org")
            self.assertEqual(client.get("/api/me").status, 200)
            answer = client.post("/start-analysis", {"symbol": "AAPL"})
            self.assertIn(answer.status, (202, 503), answer)  # what can be enqueued waits; nothing is lost
            self.assertNotIn("127.0.0.1", answer.body.decode())
            # One cause, one line: what each loop is refused is told by the missing rights. A request that failed has its own.
            self.assertEqual([line for line in log_lines(portal) if line["level"] in ("warning", "error")
                              and " the command " in line.get("why", "") and "request_id" not in line], [])
            # Loops that fail each time say so once, not each time.
            for message in {line["message"] for line in log_lines(portal) if line["level"] in ("warning", "error")}:
                self.assertLess(sum(line["message"] == message for line in log_lines(portal)), 5, message)
            return lines[0]

    def test_without_evalsha(self):
        self.refused(["EVALSHA"], "--rename-command", "EVALSHA", "")

    def test_keys_of_another_program(self):
        line = self.refused(["keys s:*", "keys l:*", "keys celery*", "keys unacked"], user="~portal:* &* +@all")
        for pattern in ("~s:*", "~l:*", "~celery*", "~unacked", "~q:*", "~celery-task-meta-*"):
            self.assertIn(pattern, line["mend"])

    def test_the_headline_says_what_is_lost(self):
        for right, message in (("-lpush", "Redis can be used in part only: tasks wait"),
                               ("-strlen", "Redis can be used in part only: sessions live in memory"),
                               ("-evalsha", "Redis cannot be used: sessions and limits live in memory, tasks wait")):
            with self.subTest(right), served(user="~* &* +@all " + right) as (portal, _):
                line = wait_until(lambda: rights_lines(portal), "the missing right", 10)[0]
                self.assertEqual((line["message"], line["level"]), (message, "error"))

    def test_a_user_who_may_only_read(self):
        self.refused(["SET", "LPUSH", "HSET"], user="~* &* +@all -@write")

    def test_all_that_is_missing_is_in_one_message(self):
        line = self.refused(["EVALSHA", "HSET", "CLIENT LIST", "INFO"],
                            user="~* &* +@all -@scripting -hset -@dangerous")
        for right in ("+evalsha", "+script|load", "+hset", "+client|list", "+info"):
            self.assertIn(right, line["mend"])


class TurningTest(unittest.TestCase):
    """It worked, and then it did not: said within seconds, and taken back."""

    def turns(self, break_it, mend_it, kind, arguments=()):
        with served(arguments=arguments) as (portal, server):
            works(self, portal)
            break_it(server.client)
            wait_until(lambda: health_of(portal)["checks"]["queue"] == kind, f"the queue is {kind}", 10)
            self.assertEqual(health_of(portal)["status"], "degraded")
            wait_until(lambda: snapshot_of(portal)["verdict"] == "red", "red", 10)
            mend_it(server.client)
            wait_until(lambda: health_of(portal)["status"] == "healthy", "healthy again", 20)
            return portal

    def test_a_primary_that_became_a_replica(self):
        self.turns(lambda r: r.execute_command("REPLICAOF", "127.0.0.1", "1"),
                   lambda r: r.execute_command("REPLICAOF", "NO", "ONE"), "read-only")

    def test_and_with_no_workers(self):
        with served(arguments=("--workers", "0")) as (portal, server):
            wait_until(lambda: health_of(portal)["status"] == "healthy", "healthy", 10)
            server.client.execute_command("REPLICAOF", "127.0.0.1", "1")
            wait_until(lambda: health_of(portal)["checks"]["queue"] == "read-only", "read-only", 10)
            self.assertEqual(Client(portal.url).get("/ready").status, 503)

    def test_a_disk_that_is_full(self):
        # A snapshot into a folder that is gone fails as one onto a full disk does; then Redis refuses writes.
        def fail(client):
            client.config_set("stop-writes-on-bgsave-error", "yes")
            client.config_set("save", "3600 1000000")
            server_dir = client.config_get("dir")["dir"]
            (pathlib.Path(server_dir) / "dump.rdb").mkdir()
            client.bgsave()
            wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "the failed snapshot", 10)

        self.turns(fail, lambda client: client.config_set("stop-writes-on-bgsave-error", "no"), "read-only")

    def test_rights_that_were_taken(self):
        with served(user="~* &* +@all") as (portal, server):
            works(self, portal)
            server.client.execute_command("ACL", "SETUSER", "portal", "resetkeys", "~portal:*")
            wait_until(lambda: health_of(portal)["checks"]["queue"] == "forbidden", "forbidden", 10)
            wait_until(lambda: health_of(portal)["checks"]["redis"] == "forbidden", "forbidden", 10)
            line = wait_until(lambda: rights_lines(portal), "the missing rights", 10)[0]
            server.client.execute_command(*line["mend"].split())
            wait_until(lambda: health_of(portal)["status"] == "healthy", "healthy again", 20)

    def test_a_right_that_only_a_request_misses(self):
        """Taking and ending tasks goes on, so nothing but the refused request tells of it."""
        with served(user="~* &* +@all") as (portal, server):
            works(self, portal)
            client = portal.client().sign_up("second@example.org")
            server.client.execute_command("ACL", "SETUSER", "portal", "-lpush")
            self.assertEqual(client.post("/start-analysis", {"symbol": "AAPL"}).status, 503)
            wait_until(lambda: health_of(portal)["checks"]["queue"] == "forbidden", "forbidden", 10)
            wait_until(lambda: Client(portal.url).get("/ready").status == 503, "not ready", 10)
            line = wait_until(lambda: rights_lines(portal), "the missing right", 10)[0]
            self.assertIn("LPUSH", line["what"])
            self.assertEqual(line["message"], "Redis can be used in part only: tasks wait")
            self.assertIn("RED", run("status", "--data-dir", portal.data_dir).stdout.upper())
            server.client.execute_command(*line["mend"].split())
            wait_until(lambda: health_of(portal)["status"] == "healthy", "healthy again", 20)
            self.assertEqual(client.wait_for_task(client.start_analysis(paths=1000))["state"], "SUCCESS")

    def test_a_policy_that_was_changed(self):
        def evict(client):
            client.config_set("maxmemory", "100mb")
            client.config_set("maxmemory-policy", "allkeys-lru")

        with served() as (portal, server):
            works(self, portal)
            evict(server.client)
            wait_until(lambda: health_of(portal)["checks"]["queue"] == "failing", "the queue is not safe", 10)
            self.assertIn("allkeys-lru", portal.log.read_text())
            self.assertIn("allkeys-lru", run("status", "--data-dir", portal.data_dir).stdout)
            server.client.config_set("maxmemory-policy", "noeviction")
            wait_until(lambda: health_of(portal)["status"] == "healthy", "healthy again", 20)

    def test_a_queue_that_a_control_message_took_away(self):
        with served() as (portal, server), App(server.url) as app:
            works(self, portal)
            app.control.cancel_consumer("celery", reply=True, timeout=5)
            wait_until(lambda: health_of(portal)["checks"]["queue"] == "stalled", "nobody takes tasks", 10)
            wait_until(lambda: "a control message told the worker to take no tasks: celery" in
                       run("status", "--data-dir", portal.data_dir).stdout, "the reason", 10)
            told = [line for line in log_lines(portal) if line["message"] == "this worker was sent a control message"]
            self.assertEqual([(line["method"], bool(line["reply_to"])) for line in told], [("cancel_consumer", True)])
            app.control.add_consumer("celery", reply=True, timeout=5)
            wait_until(lambda: health_of(portal)["status"] == "healthy", "healthy again", 20)

    def test_a_right_to_end_tasks_that_was_taken(self):
        # What was started while it was missing waits, and has its result when the right is back.
        for command in ("setex", "getrange", "hdel"):
            with self.subTest(command), served(user="~* &* +@all") as (portal, server):
                client = portal.client().sign_up("user@example.org")
                server.client.execute_command("ACL", "SETUSER", "portal", "-" + command)
                tasks = [client.start_analysis(paths=1000) for _ in range(3)]
                wait_until(lambda: health_of(portal)["checks"]["queue"] == "forbidden", "forbidden", 10)
                with server.client.pipeline() as both:  # at one moment, for tasks go from the one to the other
                    self.assertEqual(sum(both.llen("celery").hlen("unacked").execute()), 3)
                server.client.execute_command("ACL", "SETUSER", "portal", "+" + command)
                for task in tasks:
                    self.assertEqual(client.wait_for_task(task)["state"], "SUCCESS")
                wait_until(lambda: runs_of(portal) == 3 and server.client.hlen("unacked") == 0, "each run once", 10)


class AwayAtStartTest(unittest.TestCase):
    def test_serves_in_memory_and_uses_it_when_it_comes(self):
        with folder() as where:
            server = Redis(where)
            try:
                server.kill()
                portal = Portal(where, "--redis", server.url)
                try:
                    client = portal.client().sign_up("early@example.org")
                    self.assertEqual(client.get("/api/me").status, 200)
                    self.assertEqual(health_of(portal)["checks"]["redis"], "down")
                    self.assertEqual(client.post("/start-analysis", {"symbol": "AAPL"}).status, 503)
                    server.start()
                    wait_until(lambda: health_of(portal)["status"] == "healthy", "healthy", 20)
                    self.assertEqual(client.get("/api/me").status, 200)
                    self.assertEqual(client.wait_for_task(client.start_analysis(paths=1000))["state"], "SUCCESS")
                finally:
                    portal.kill()
            finally:
                server.stop()

    def test_what_waiting_does_not_cure_is_configuration(self):
        with folder() as where:
            server = Redis(where, "--requirepass", "secret-of-the-test")
            try:
                for url, word in ((server.url, "password"), (server.url.replace("redis://", "redis://:wrong@"), "password"),
                                  (server.url.replace("redis://", "redis://:secret-of-the-test@").replace("/0", "/99"),
                                   "database")):
                    done = run("serve", "--listen", "127.0.0.1:0", "--data-dir", where / "d", "--redis", url)
                    self.assertEqual(done.returncode, 2, done)
                    self.assertIn(word, done.stderr)
                    self.assertNotIn("secret-of-the-test", done.stderr)
            finally:
                server.stop()

    def test_a_redis_that_evicts_and_comes_later_is_said(self):
        with folder() as where:
            server = Redis(where, "--maxmemory-policy", "allkeys-lru", "--maxmemory", "20mb")
            try:
                server.kill()
                portal = Portal(where, "--redis", server.url)
                try:
                    server.start()
                    wait_until(lambda: health_of(portal)["checks"]["queue"] == "failing", "the queue is not safe", 20)
                    self.assertIn("allkeys-lru", portal.log.read_text())
                finally:
                    portal.kill()
            finally:
                server.stop()


if __name__ == "__main__":
    unittest.main()
