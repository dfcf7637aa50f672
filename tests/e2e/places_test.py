# SPDX-License-Identifier: GPL-3.0-or-later
"""Places under a ceiling: each start that fails, however it fails, leaves nothing taken; each end frees its place."""

import json
import pickle
import signal
import sqlite3
import subprocess
import textwrap
import threading
import time
import unittest

from harness import Client, Portal, Redis, add_user, clean_environment, die_with_parent, folder, wait_until

CEILING = 5
CELERY = """
    from celery import Celery
    app = Celery("w", broker="{url}", backend="{url}")
    app.conf.update(worker_hijack_root_logger=False)

    @app.task(name="portal.analysis")
    def analysis(**kwargs):
        return {{"symbol": kwargs["symbol"]}}
"""


class PlacesTest(unittest.TestCase):
    def setUp(self):
        context = folder()
        self.where = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        self.server = Redis(self.where)
        self.addCleanup(self.server.stop)

    def portal(self, *arguments, ceiling=CEILING):
        portal = Portal(self.where, "--redis", self.server.url, "--set", f"ceilings.analysis={ceiling}", *arguments)
        self.addCleanup(portal.kill)
        self.client = portal.client().sign_up("holder@example.org")
        return portal

    def start(self, timeout=20, **fields):
        client = Client(self.client.url)
        client.cookies, client.csrf = dict(self.client.cookies), self.client.csrf
        return client.post("/start-analysis", {"symbol": "AAPL", "paths": 1000, **fields}, timeout=timeout)

    def start_many(self, count=8):
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.start().status)) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads, answers

    def every_place_is_free(self):
        """Nothing holds a place; all can be had at once."""
        wait_until(lambda: self.server.client.llen("celery") == 0 and self.server.client.hlen("unacked") == 0,
                   "the queue is empty", 30)
        wait_until(lambda: self.start().status == 202, "a start succeeds", 20)
        wait_until(lambda: self.server.client.hlen("unacked") == 0 and self.server.client.zcard("l:canalysis") == 0,
                   "no place is taken", 30)
        threads, answers = self.start_many(CEILING)
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [202] * CEILING)

    def test_starts_while_redis_stands_still_hold_nothing(self):
        self.portal()
        self.server.signal(signal.SIGSTOP)
        threads, answers = self.start_many()
        time.sleep(3)  # how long it stands still
        self.server.signal(signal.SIGCONT)
        for thread in threads:
            thread.join()
        self.assertTrue(set(answers) <= {202, 429, 503, 504}, answers)
        self.every_place_is_free()

    def test_starts_while_redis_is_killed_hold_nothing(self):
        self.portal()
        threads, answers = self.start_many()
        self.server.kill()
        for thread in threads:
            thread.join()
        more, answers = self.start_many()
        for thread in more:
            thread.join()
        self.server.start()
        wait_until(lambda: self.start().status in (202, 429), "the portal has Redis back", 20)
        self.every_place_is_free()

    def test_starts_while_the_database_is_locked_hold_nothing(self):
        portal = self.portal()
        lock = sqlite3.connect(portal.data_dir / "portal.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        threads, answers = self.start_many()
        for thread in threads:
            thread.join()
        lock.execute("ROLLBACK")
        lock.close()
        self.assertTrue(set(answers) <= {429, 503, 504}, answers)
        self.every_place_is_free()

    def test_a_place_is_free_whoever_ran_the_task(self):
        (self.where / "tasks.py").write_text(textwrap.dedent(CELERY.format(url=self.server.url)))
        with open(self.where / "celery.log", "wb") as log:
            worker = subprocess.Popen(
                ["/usr/bin/python3", "-B", "-m", "celery", "-A", "tasks", "worker", "-P", "solo", "-l", "warning"],
                cwd=self.where, env=clean_environment(C_FORCE_ROOT="1"), stdout=subprocess.DEVNULL, stderr=log,
                preexec_fn=die_with_parent, start_new_session=True)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)
        add_user(self.where / "data", "ops@example.org", "operator", "--redis", self.server.url)
        operator = self.portal("--workers", "0", ceiling=2).client()
        operator.login("ops@example.org")
        for count in range(1, 7):
            answer = self.start()
            self.assertEqual(answer.status, 202, answer)
            task_id = answer.json["task_id"]
            task = self.client.wait_for_task(task_id, 60)
            self.assertEqual(task["state"], "SUCCESS", (self.where / "celery.log").read_text())
            self.assertLessEqual(task["created"], task["ended"])
            listed = self.client.get("/api/tasks?limit=100").json["items"]
            self.assertEqual(len(listed), count)
            self.assertEqual([one["ended"] for one in listed if one["id"] == task_id], [task["ended"]])
            wait_until(lambda: all(one["id"] != task_id or one["place"] == "ended"
                                   for one in operator.get("/api/admin/tasks?limit=500").json["items"]),
                       "what has ended neither waits nor is taken", 10)

    def test_a_result_in_any_form_is_an_end(self):
        """As other workers write it: its place is free, and a revocation leaves it as it is."""
        success = {"status": "SUCCESS", "result": "x" * 100, "traceback": None, "children": []}
        forms = {
            "the id first": lambda i: json.dumps({"task_id": i, **success}, separators=(",", ":")),
            "sorted": lambda i: json.dumps(success, sort_keys=True),
            "indented": lambda i: json.dumps(success, indent=2),
            "blanks": lambda i: '{ "status" : "SUCCESS", "result": 1}',
            "small letters": lambda i: json.dumps({**success, "status": "success"}),
            "no status": lambda i: '{"result": 1}',
            "pickle": lambda i: pickle.dumps(success),
            "yaml": lambda i: "status: SUCCESS\nresult: 1\n",
            "empty": lambda i: "",
            "long": lambda i: json.dumps({"result": "x" * 100_000, "status": "SUCCESS"}),
            "another type": None,
        }
        self.portal("--workers", "0", ceiling=1)
        task_id = self.start().json["task_id"]
        for name, form in forms.items():
            with self.subTest(name):
                key = "celery-task-meta-" + task_id
                if form:
                    self.server.client.set(key, form(task_id))
                else:
                    self.server.client.hset(key, "a", "b")
                before = self.server.client.dump(key)
                shown = self.client.get("/api/tasks/" + task_id)
                self.assertEqual(shown.status, 200, shown)
                self.assertIn(shown.json["state"], ("SUCCESS", "FAILURE"))
                answer = self.start()
                self.assertEqual(answer.status, 202, answer)
                self.assertEqual(self.client.delete("/api/tasks/" + task_id).status // 100, 2)
                self.assertEqual(self.server.client.dump(key), before)
                task_id = answer.json["task_id"]

    def test_what_runs_keeps_its_place_in_any_form(self):
        running = {"status": "STARTED", "result": {"pid": 1}, "traceback": None, "children": []}
        self.portal("--workers", "0", ceiling=1)
        key = "celery-task-meta-" + self.start().json["task_id"]
        for form in (json.dumps(running), json.dumps(running, sort_keys=True), pickle.dumps(running),
                     pickle.dumps(running, 2), "status: STARTED\nresult: 1\n"):
            self.server.client.set(key, form)
            self.assertEqual(self.start().status, 429, form)

    def test_a_revoked_task_frees_its_place_at_once(self):
        self.portal("--workers", "0", ceiling=2)
        for _ in range(4):
            task_id = self.start().json["task_id"]
            self.assertIn(self.client.delete(f"/api/tasks/{task_id}").status, (200, 202, 204))


if __name__ == "__main__":
    unittest.main()
