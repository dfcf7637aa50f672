# SPDX-License-Identifier: GPL-3.0-or-later
"""Two instances on one Redis and one database act as one; and a Celery client sees our tasks as its own."""

import contextlib
import time
import unittest

from celery_client import App
from harness import Client, Portal, Redis, Socket, add_user, folder, patience, wait_until


class InstancesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._stack = contextlib.ExitStack()
        try:
            cls.where = cls._stack.enter_context(folder())
            cls.redis = Redis(cls.where)
            cls._stack.callback(cls.redis.stop)
            shared = ("--redis", cls.redis.url, "--database", f"sqlite:{cls.where}/portal.db")
            secret = {"PORTAL_SECRET_KEY": "the same key for all instances of a portal"}
            add_user(cls.where / "front", "ops@example.org", "operator", *shared)
            # One takes requests only, the other runs the tasks.
            cls.front = Portal(cls.where, *shared, "--workers", "0", env=secret, name="front")
            cls._stack.callback(cls.front.kill)
            cls.back = Portal(cls.where, *shared, "--workers", "2", env=secret, name="back")
            cls._stack.callback(cls.back.kill)
        except BaseException:
            cls._stack.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls._stack.close()

    def test_a_session_of_one_is_good_at_the_other(self):
        at_front = self.front.client().sign_up("both@example.org")
        at_back = Client(self.back.url)
        at_back.cookies, at_back.csrf = at_front.cookies, at_front.csrf
        self.assertEqual(at_back.get("/api/me").json["email"], "both@example.org")
        token = at_back.post("/auth/token").json["access_token"]
        self.assertEqual(Client(self.front.url, bearer=token).get("/api/me").status, 200)
        at_front.post("/auth/logout")
        self.assertEqual(at_back.get("/api/me").status, 401)

    def test_each_tells_of_both_and_keeps_its_own_log(self):
        operator = self.front.client()
        operator.login("ops@example.org")
        names = wait_until(lambda: both if len(both := [
            one["name"] for one in operator.get("/api/admin/deployment").json["instances"]]) == 2 else None, "both instances", 20)
        own = operator.get("/api/admin/snapshot").json["instance"]
        self.assertTrue(operator.get(f"/api/admin/log?instance={own}").json["items"])
        for name, status in ((next(name for name in names if name != own), 501), ("nobody", 404)):
            self.assertEqual(operator.get(f"/api/admin/log?instance={name}").status, status)

    def test_windows_are_counted_together(self):
        at_front = self.front.client().sign_up("counted@example.org")
        at_back = Client(self.back.url)
        at_back.cookies = at_front.cookies
        remaining = [int(client.get("/api/me").headers["X-RateLimit-Remaining"]) for client in (at_front, at_back, at_front, at_back)]
        self.assertEqual(remaining, list(range(remaining[0], remaining[0] - 4, -1)))

    def test_progress_is_pushed_also_when_another_instance_runs_the_task(self):
        client = self.front.client().sign_up("far@example.org")
        socket = Socket(client)
        try:
            socket.subscribe("tasks")
            task_id = client.start_analysis(paths=100_000)
            states = []
            while not states or states[-1] not in ("SUCCESS", "FAILURE"):
                states.append(socket.receive(60)["data"]["state"])
            self.assertEqual(states[-1], "SUCCESS")
            self.assertIn("PROGRESS", states)
        finally:
            socket.close()
        self.assertEqual(client.task(task_id)["state"], "SUCCESS")

    def test_a_celery_client_enqueues_and_reads_results(self):
        app = App(self.redis.url)
        with contextlib.closing(app):
            result = app.send_task("portal.noop", [1, "two"], {"three": 3.0})
            self.assertEqual(result.get(timeout=patience(20)), {"args": [1, "two"], "kwargs": {"three": 3.0}})
            unknown = app.send_task("portal.no_such_task")
            self.assertEqual(type(unknown.get(timeout=patience(20), propagate=False)).__name__, "NotRegistered")
            self.assertEqual(unknown.state, "FAILURE")
            del result, unknown

    def test_a_killed_instance_loses_no_task(self):
        client = self.front.client().sign_up("sturdy@example.org")
        ids = [client.start_analysis(horizon_days=250, paths=100_000) for _ in range(8)]
        time.sleep(0.3)  # some are running now; which does not matter
        self.back.kill()
        self.back.start()
        for task_id in ids:
            self.assertEqual(client.wait_for_task(task_id, 60)["state"], "SUCCESS")


if __name__ == "__main__":
    unittest.main()
