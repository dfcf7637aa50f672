# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of tasks, page by page, while tasks come and go."""

import unittest

from harness import PortalTest, Redis

PATH = "/api/admin/tasks"


class TasksTest(PortalTest):
    users = (("ops@example.org", "operator"),)

    @classmethod
    def prepare(cls):
        cls.server = Redis(cls.where)
        cls._stack.callback(cls.server.stop)
        cls.arguments = ("--redis", cls.server.url)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.operator = cls.portal.client()
        cls.operator.login("ops@example.org")
        cls.client = cls.portal.client().sign_up("member@example.org")

    def resize(self, concurrency):
        self.assertEqual(self.operator.put("/api/admin/workers", {"concurrency": concurrency}).status, 200)

    def start(self, count):
        return [self.client.start_analysis(symbol="MSFT", paths=1000) for _ in range(count)]

    def page(self, limit, cursor=None):
        answer = self.operator.get(f"{PATH}?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def pages(self, limit):
        items, cursor = [], None
        while True:
            page = self.page(limit, cursor)
            for place in {task["place"] for task in page["items"]}:
                self.assertLessEqual(sum(task["place"] == place for task in page["items"]), limit)
            items += page["items"]
            cursor = page["next_cursor"]
            self.assertEqual(page["complete"], cursor is None)
            if cursor is None:
                return items

    def waiting(self, page):
        return [task["id"] for task in page["items"] if task["place"] == "waiting"]

    def test_what_waits_is_told_once_while_the_line_moves(self):
        self.addCleanup(self.resize, 2)
        self.addCleanup(self.server.client.delete, "celery")
        self.resize(0)
        ids = self.start(12)
        page = self.page(5)
        self.assertEqual(self.waiting(page), ids[:5])
        for _ in range(3):  # a worker takes them
            self.server.client.rpop("celery")
        ids += self.start(2)
        page = self.page(5, page["next_cursor"])
        self.assertEqual(self.waiting(page), ids[5:10])
        for _ in range(8):  # also the one that was told last, and one that was not
            self.server.client.rpop("celery")
        page = self.page(5, page["next_cursor"])
        self.assertEqual(self.waiting(page), ids[11:])
        self.assertIsNone(page["next_cursor"])

    def test_what_was_revoked_in_line_is_told_once(self):
        self.addCleanup(self.resize, 2)
        self.addCleanup(self.server.client.delete, "celery")
        self.resize(0)
        ids = self.start(7)
        revoked = ids[1::2]
        for task in revoked:
            self.assertEqual(self.operator.post(f"{PATH}/{task}/revoke", {}).status, 204)
        told = [task for task in self.pages(1) if task["id"] in ids]
        self.assertEqual(sorted(task["id"] for task in told), sorted(ids))
        self.assertEqual({task["id"] for task in told if task["place"] == "ended"}, set(revoked))
        self.assertEqual([task["id"] for task in told if task["place"] == "waiting"], ids[::2])

    def test_what_cannot_be_read_and_more_urgent_ones_are_told_once(self):
        self.addCleanup(self.resize, 2)
        self.addCleanup(self.server.client.delete, "celery", "celery\x06\x163")
        self.resize(0)
        self.server.client.lpush("celery\x06\x163", *["no message"] * 5)
        page = self.page(2)
        ids = self.start(4)
        items = page["items"]
        while page["next_cursor"]:
            page = self.page(2, page["next_cursor"])
            items += page["items"]
        self.assertEqual(sum(task["id"] == "" for task in items), 5)
        self.assertFalse(set(ids) & {task["id"] for task in items})  # they came into a list that had been told
        items = self.pages(2)
        self.assertEqual(sum(task["id"] == "" for task in items), 5)
        self.assertEqual([task["id"] for task in items if task["id"] in ids], ids)

    def test_all_that_ended_is_told_once(self):
        ids = self.start(7)
        for task in ids:
            self.client.wait_for_task(task)
        told = [task["id"] for task in self.pages(2) if task["place"] == "ended"]
        self.assertEqual(len(told), len(set(told)))
        self.assertLessEqual(set(ids), set(told))
        self.assertEqual(set(told), {task["id"] for task in self.page(500)["items"] if task["place"] == "ended"})

    def test_what_is_no_cursor_is_refused(self):
        of_another_list = self.operator.get("/api/admin/audit?limit=1").json["next_cursor"] or "YTE6"
        for wrong in ("x", "-1", "dA", "A" * 1500, of_another_list):
            answer = self.operator.get(f"{PATH}?cursor={wrong}")
            self.assertProblem(answer, 400)
            self.assertEqual([error["pointer"] for error in answer.json["errors"]], ["/cursor"])


if __name__ == "__main__":
    unittest.main()
