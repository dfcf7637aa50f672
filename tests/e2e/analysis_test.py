# SPDX-License-Identifier: GPL-3.0-or-later
"""An analysis from its start to its result: queue, progress over the WebSocket, ownership, revocation, bad requests."""

import contextlib
import sqlite3
import unittest

from harness import Client, Portal, PortalTest, Socket, folder, wait_until

ENDED = ("SUCCESS", "FAILURE", "REVOKED")


class AnalysisTest(PortalTest):
    def test_progress_is_pushed_and_the_result_is_kept(self):
        client = self.new_client("live@example.org")
        socket = Socket(client)
        try:
            socket.subscribe("tasks")
            task_id = client.start_analysis(symbol="MSFT", horizon_days=60, paths=100_000)
            states, progress = [], []
            while not states or states[-1] not in ENDED:
                event = socket.receive(60)
                self.assertEqual((event["type"], event["topic"]), ("event", "tasks"), event)
                self.assertTrue(event["time"])
                task = event["data"]
                self.assertEqual(task["id"], task_id)
                states.append(task["state"])
                if task["progress"]:
                    progress.append(task["progress"])
            self.assertEqual(states[-1], "SUCCESS")
            self.assertIn("PROGRESS", states)
            done = [step["done"] for step in progress]
            self.assertEqual(done, sorted(done))
            for step in progress:
                self.assertLessEqual(step["done"], step["total"])
        finally:
            socket.close()
        # The times are noted in the database, behind the event.
        task = wait_until(lambda: (seen := client.task(task_id))["ended"] and seen, "the task's end is noted", 5)
        self.assertEqual((task["name"], task["state"], task["error"]), ("portal.analysis", "SUCCESS", None))
        self.assertLessEqual(task["created"], task["started"])
        self.assertLessEqual(task["started"], task["ended"])
        self.assertIsInstance(task["result"], dict)
        self.assertEqual(task["result"]["symbol"], "MSFT")

    def test_the_same_request_gives_the_same_figures(self):
        client = self.new_client("again@example.org")
        ids = [client.start_analysis(symbol="NVDA", paths=5000) for _ in range(2)]
        first, second = (client.wait_for_task(task_id)["result"] for task_id in ids)
        self.assertEqual(first, second)

    def test_tasks_are_listed_for_their_owner_alone(self):
        client = self.new_client("lister@example.org")
        ids = [client.start_analysis(paths=1000) for _ in range(5)]
        seen, created, cursor = [], [], ""
        while cursor is not None:
            page = client.get("/api/tasks?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
            self.assertLessEqual(len(page["items"]), 2)
            seen += [task["id"] for task in page["items"]]
            created += [task["created"] for task in page["items"]]
            cursor = page["next_cursor"]
        self.assertEqual(sorted(seen), sorted(ids))
        self.assertEqual(created, sorted(created, reverse=True))  # newest first

        other = self.new_client("stranger@example.org")
        self.assertEqual(other.get("/api/tasks").json["items"], [])
        self.assertProblem(other.get(f"/api/tasks/{ids[0]}"), 404)
        self.assertProblem(other.delete(f"/api/tasks/{ids[0]}"), 404)
        self.assertProblem(client.get("/api/tasks/00000000-0000-0000-0000-000000000000"), 404)
        self.assertProblem(client.get("/api/tasks/..%2F..%2Fetc"), 404)

    def test_a_revoked_task_ends_so(self):
        client = self.new_client("revoker@example.org")
        ids = [client.start_analysis(horizon_days=250, paths=100_000) for _ in range(8)]
        self.assertIn(client.delete(f"/api/tasks/{ids[-1]}").status, (200, 202, 204))
        self.assertEqual(client.wait_for_task(ids[-1])["state"], "REVOKED")
        for task_id in ids[:-1]:
            client.delete(f"/api/tasks/{task_id}")
        for task_id in ids[:-1]:
            self.assertIn(client.wait_for_task(task_id)["state"], ENDED)

    def test_bad_requests_name_the_field(self):
        client = self.new_client("wrong@example.org")
        for body, pointer in [
            ({}, "/symbol"),
            ({"symbol": ""}, "/symbol"),
            ({"symbol": "not a symbol"}, "/symbol"),
            ({"symbol": "AAPL", "paths": 0}, "/paths"),
            ({"symbol": "AAPL", "paths": 10**12}, "/paths"),
            ({"symbol": "AAPL", "horizon_days": -1}, "/horizon_days"),
            ({"symbol": "AAPL", "horizon_days": "ten"}, "/horizon_days"),
            ({"symbol": "AAPL", "unknown": 1}, "/unknown"),
        ]:
            with self.subTest(body=body):
                answer = client.post("/start-analysis", body)
                self.assertIn(answer.status, (400, 422), answer)
                self.assertProblem(answer, answer.status)
                self.assertIn(pointer, [error["pointer"] for error in answer.json["errors"]], answer)
        self.assertProblem(self.new_client().post("/start-analysis", {"symbol": "AAPL"}), 401)


class WebSocketTest(PortalTest):
    def test_an_upgrade_by_cookie_needs_an_allowed_origin(self):
        client = self.new_client("origin@example.org")
        with self.assertRaisesRegex(Exception, "403"):
            Socket(client, origin="https://evil.example")

    def test_without_a_session_there_is_no_socket(self):
        with self.assertRaisesRegex(Exception, "401"):
            Socket(self.new_client())

    def test_a_bearer_token_will_do(self):
        browser = self.new_client("bearer@example.org")
        api = Client(self.portal.url, bearer=browser.post("/auth/token").json["access_token"])
        socket = Socket(api)
        try:
            socket.subscribe("tasks")
        finally:
            socket.close()

    def test_nonsense_is_answered_and_survived(self):
        socket = Socket(self.new_client("nonsense@example.org"))
        try:
            for message in [{}, [], 7, {"subscribe": "tasks"}, {"subscribe": [1]}, {"subscribe": ["no-such-topic"]}]:
                with self.subTest(message=message):
                    socket.send(message)
                    self.assertEqual(socket.receive()["type"], "error")
            socket.subscribe("tasks")
        finally:
            socket.close()

    def test_a_result_that_is_no_longer_kept(self):
        with folder() as where:
            portal = Portal(where, "--set", "results.expiry=2s")
            try:
                client = portal.client().sign_up("late@example.org")
                task_id = client.start_analysis(paths=1000)
                self.assertEqual(client.wait_for_task(task_id)["state"], "SUCCESS")
                task = client.wait_for_task(task_id, states=("EXPIRED",))
                self.assertIsNone(task["result"])
                self.assertIsNotNone(task["ended"])
            finally:
                portal.kill()

    def test_an_end_without_a_result(self):
        """An end is noted once its result is stored: where there is none, it has expired."""
        with folder() as where:
            portal = Portal(where, "--set", "results.expiry=1s", "--workers", "0")
            try:
                client = portal.client().sign_up("early@example.org")
                task_id = client.start_analysis(paths=1000)
                with contextlib.closing(sqlite3.connect(where / "data" / "portal.db", timeout=20)) as database, database:
                    # Of the same shape as the column beside it, which was written just now.
                    changed = database.execute("UPDATE task_owners SET ended = created WHERE task_id = ?", (task_id,))
                    self.assertEqual(changed.rowcount, 1)
                self.assertEqual(client.wait_for_task(task_id, seconds=5)["state"], "EXPIRED")
            finally:
                portal.kill()

    def test_the_socket_ends_with_the_session(self):
        client = self.new_client("leaver@example.org")
        socket = Socket(client)
        try:
            socket.subscribe("tasks")
            client.post("/auth/logout")
            self.assertEqual(socket.wait_closed(3), 4001)
        finally:
            socket.close()

    def test_one_does_not_see_the_tasks_of_another(self):
        watcher, worker = self.new_client("watcher@example.org"), self.new_client("worker@example.org")
        socket = Socket(watcher)
        try:
            socket.subscribe("tasks")
            worker.wait_for_task(worker.start_analysis(paths=1000))
            own = watcher.start_analysis(paths=1000)
            self.assertEqual(socket.receive()["data"]["id"], own)
        finally:
            socket.close()


if __name__ == "__main__":
    unittest.main()
