# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators and admins may do, and that every change leaves one audit entry."""

import contextlib
import sqlite3
import subprocess
import time
import unittest
import urllib.parse

from harness import PASSWORD, Client, PortalTest, Socket, add_user, clean_environment, patience, portoland, run, wait_until


class AdminTest(PortalTest):
    users = (("root@example.org", "admin"), ("ops@example.org", "operator"))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.portal.client()
        cls.admin.login("root@example.org")
        cls.operator = cls.portal.client()
        cls.operator.login("ops@example.org")

    def id_of(self, email):
        page = self.admin.get("/api/admin/users?limit=500").json
        return next(user["id"] for user in page["items"] if user["email"] == email)

    def audit_since(self, newest):
        """Entries after the one with the id `newest`, which newest_audit() answered before."""
        answer = self.admin.get("/api/admin/audit?limit=100")
        self.assertEqual(answer.status, 200, answer)
        ids = [entry["id"] for entry in answer.json["items"]]
        return answer.json["items"][:ids.index(newest) if newest in ids else len(ids)]

    def newest_audit(self):
        entries = self.admin.get("/api/admin/audit?limit=1").json["items"]
        return entries[0]["id"] if entries else None

    def test_users_are_listed_in_pages(self):
        for number in range(5):
            self.new_client().register(f"page{number}@example.org")
        seen, cursor = [], ""
        while cursor is not None:
            page = self.admin.get("/api/admin/users?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
            seen += [user["email"] for user in page["items"]]
            cursor = page["next_cursor"]
        self.assertEqual(len(seen), len(set(seen)))
        self.assertLessEqual({f"page{number}@example.org" for number in range(5)} | {"root@example.org"}, set(seen))

    def test_a_user_is_found_by_what_the_address_is_elsewhere(self):
        self.new_client().register("u@b\u00fccher.example")
        for typed in ("u@xn--bcher-kva.example", "xn--bcher-kva", "U@XN--BCHER-KVA", "bu\u0308cher", "u@b\u00fccher\u3002example"):
            with self.subTest(typed=typed):
                page = self.admin.get("/api/admin/users?" + urllib.parse.urlencode({"search": typed})).json
                self.assertEqual([user["email"] for user in page["items"]], ["u@b\u00fccher.example"])

    def test_a_role_is_changed_and_recorded_once(self):
        promoted = self.new_client("promoted@example.org")
        user_id = self.id_of("promoted@example.org")
        newest = self.newest_audit()
        answer = self.admin.patch(f"/api/admin/users/{user_id}", {"role": "operator"})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["role"], "operator")
        self.assertEqual(promoted.get("/api/me").status, 401)  # a new role begins with a new session
        promoted.login("promoted@example.org")
        self.assertEqual(promoted.get("/api/admin/queues").status, 200)
        entries = self.audit_since(newest)
        self.assertEqual(len(entries), 1, entries)
        self.assertEqual((entries[0]["actor"], entries[0]["outcome"]), ("root@example.org", "done"))
        self.assertIn(user_id, entries[0]["subject"])

    def test_a_disabled_user_is_out_at_once(self):
        client = self.new_client("disabled@example.org")
        answer = self.admin.patch(f"/api/admin/users/{self.id_of('disabled@example.org')}", {"disabled": True})
        self.assertEqual(answer.status, 200, answer)
        wait_until(lambda: client.get("/api/me").status == 401, "the disabled user is signed out", 5)
        refused = self.portal.client().post("/auth/login", {"email": "disabled@example.org", "password": PASSWORD})
        self.assertIn(refused.status, (401, 403), refused)

    def test_sessions_of_a_user_are_listed_and_ended(self):
        first = self.new_client("sessions@example.org")
        second = self.portal.client()
        second.login("sessions@example.org")
        path = f"/api/admin/users/{self.id_of('sessions@example.org')}/sessions"
        listed = self.admin.get(path)
        self.assertEqual((listed.status, len(listed.json["items"])), (200, 2), listed)
        self.assertIn(self.admin.delete(path).status, (200, 204))
        self.assertEqual([client.get("/api/me").status for client in (first, second)], [401, 401])

    def test_operators_act_on_the_machinery_and_not_on_users(self):
        for path in ("/api/admin/users", "/api/admin/snapshot", "/api/admin/queues", "/api/admin/tasks", "/api/admin/workers"):
            with self.subTest(path=path):
                self.assertEqual(self.operator.get(path).status, 200)
        user_id = self.id_of("ops@example.org")
        self.assertProblem(self.operator.patch(f"/api/admin/users/{user_id}", {"role": "admin"}), 403)
        self.assertProblem(self.admin.patch("/api/admin/users/1", {"role": "admin"}), 404)
        self.assertProblem(self.admin.patch(f"/api/admin/users/{user_id}", {"role": "emperor"}), 422 if self._unprocessable() else 400)

    def _unprocessable(self):
        return self.admin.patch("/api/admin/users/1", {"role": "emperor"}).status == 422

    def test_workers_are_scaled_while_they_run(self):
        newest = self.newest_audit()
        answer = self.operator.put("/api/admin/workers", {"concurrency": 4})
        self.assertEqual(answer.status, 200, answer)
        wait_until(lambda: self.operator.get("/api/admin/workers").json["items"][0]["concurrency"] == 4, "four workers")
        self.assertEqual(len(self.audit_since(newest)), 1)
        for wrong in (-1, 10**6, "two"):
            self.assertIn(self.operator.put("/api/admin/workers", {"concurrency": wrong}).status, (400, 422))
        self.assertEqual(self.operator.put("/api/admin/workers", {"concurrency": 2}).status, 200)

    def test_a_task_is_revoked_and_rerun_with_its_arguments(self):
        client = self.new_client("tasks@example.org")
        done = client.wait_for_task(client.start_analysis(symbol="MSFT", paths=1000))
        ids = [client.start_analysis(symbol="GOOG", horizon_days=60, paths=100_000) for _ in range(5)]
        self.assertIn(self.operator.post(f"/api/admin/tasks/{ids[-1]}/revoke").status, (200, 202, 204))
        self.assertEqual(client.wait_for_task(ids[-1])["state"], "REVOKED")
        # Its message is kept for running it again once a worker has come upon it.
        path = f"/api/admin/tasks/{ids[-1]}/rerun"
        again = wait_until(lambda: self.operator.post(path).json.get("task_id"), "the revoked task runs again", 60)
        self.assertEqual(client.wait_for_task(again)["result"]["symbol"], "GOOG")
        again = self.operator.post(f"/api/admin/tasks/{done['id']}/rerun").json["task_id"]
        self.assertEqual(client.wait_for_task(again)["result"], done["result"])
        self.assertProblem(self.operator.post("/api/admin/tasks/00000000-0000-0000-0000-000000000000/rerun"), 404)

    def test_a_task_that_nobody_knows_is_not_revoked(self):
        answer = self.operator.post("/api/admin/tasks/nosuch/revoke")
        self.assertProblem(answer, 404)
        entries = self.admin.get("/api/admin/audit?subject=task:nosuch").json["items"]
        self.assertEqual([(entry["action"], entry["outcome"]) for entry in entries], [("task.revoke", "not-found")])

    def test_the_snapshot_is_whole_and_streamed_once_a_second(self):
        snapshot = wait_until(lambda: self.operator.get("/api/admin/snapshot").json, "a snapshot")
        self.assertIsInstance(snapshot, dict)
        self.assertTrue(snapshot)
        socket = Socket(self.operator, "/api/admin/stream")
        try:
            first, second = socket.receive(), socket.receive()
            self.assertEqual(set(first), set(second))
            self.assertNotEqual(first, second)
        finally:
            socket.close()
        with self.assertRaisesRegex(Exception, "403"):
            Socket(self.new_client("curious@example.org"), "/api/admin/stream")

    def test_the_stream_sends_what_is_asked_for(self):
        wait_until(lambda: self.operator.get("/api/admin/snapshot").status == 200, "a snapshot")
        socket = Socket(self.operator, "/api/admin/stream?every=2s&only=verdict,sequence,readings")
        try:
            told = [(socket.receive(), time.monotonic()) for _ in range(4)]
            self.assertEqual({tuple(one) for one, _ in told}, {("sequence", "verdict", "readings")})
            self.assertEqual(sorted({one["sequence"] for one, _ in told}), [one["sequence"] for one, _ in told])
            self.assertGreater(told[3][1] - told[1][1], 3)  # two intervals, of samples that come within a quarter of a second
        finally:
            socket.close()
        for wrong in ("every=3s", "every=often", "only=verdict,secrets", "only=verdict,", "more=1", "every=5s&every=5s", "only=%zz"):
            with self.subTest(wrong=wrong), self.assertRaisesRegex(Exception, "400"):
                Socket(self.operator, "/api/admin/stream?" + wrong)


class CommandLineUsersTest(PortalTest):
    def test_users_from_the_command_line(self):
        self.assertEqual(self.portal.stop(), 0)
        add_user(self.portal.data_dir, "first@example.org", "admin")
        again = run("user", "add", "first@example.org", "--role", "admin", "--data-dir", self.portal.data_dir, stdin=PASSWORD + "\n")
        self.assertEqual(again.returncode, 1, again)
        self.assertIn("first@example.org", again.stderr)
        listed = run("user", "list", "--data-dir", self.portal.data_dir)
        self.assertEqual(listed.returncode, 0, listed)
        self.assertIn("first@example.org", listed.stdout)
        self.assertNotIn(PASSWORD, listed.stdout + listed.stderr)
        self.portal.start()
        client = Client(self.portal.url)
        self.assertEqual(client.login("first@example.org").json["user"]["role"], "admin")

    def test_accounts_that_deceive_are_marked_and_their_marks_are_text(self):
        """As older versions let them be registered."""
        deceptive = {"old1@example.org": "\u202egro.x@nimda", "old2@example.org": "\u0430dmin@x.org"}
        for address in (*deceptive, "p\u00e4ul@example.org"):
            add_user(self.portal.data_dir, address, "user")
        add_user(self.portal.data_dir, "marks@example.org", "operator")
        with contextlib.closing(sqlite3.connect(self.portal.data_dir / "portal.db", timeout=20)) as database, database:
            for address, was in deceptive.items():
                changed = database.execute("UPDATE users SET email = ? WHERE email = ?", (was, address))
                self.assertEqual(changed.rowcount, 1)
        listed = run("user", "list", "--data-dir", self.portal.data_dir)
        self.assertEqual(listed.returncode, 0, listed)
        self.assertNotIn("\u202e", listed.stdout)
        marked = [line for line in listed.stdout.splitlines() if line.endswith("  (look-alike)")]
        self.assertEqual({line.split()[-2] for line in marked}, {"\\u202egro.x@nimda", "\u0430dmin@x.org"})
        operator = self.portal.client()
        operator.login("marks@example.org")
        page = operator.get("/api/admin/users?limit=500").json
        self.assertEqual({user["email"] for user in page["items"] if user["deceptive"]}, set(deceptive.values()))

    def test_an_account_is_disabled_and_enabled_from_the_command_line(self):
        command = lambda *words: run("user", *words, "--data-dir", self.portal.data_dir)
        add_user(self.portal.data_dir, "auditor@example.org", "admin")
        add_user(self.portal.data_dir, "back@example.org", "user")
        client = Client(self.portal.url)
        for word, state, status in [("disable", "disabled", 403), ("enable", "active", 200), ("enable", "active", 200)]:
            done = command(word, "back@example.org")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(f"portoland: {word}d back@example.org", done.stdout)
            listed = next(line for line in command("list").stdout.splitlines() if "back@" in line)
            self.assertIn(f" {state} ", listed)
            self.assertEqual(client.post("/auth/login", {"email": "back@example.org", "password": PASSWORD}).status, status)
        admin = self.portal.client()
        admin.login("auditor@example.org")
        entries = [entry for entry in admin.get("/api/admin/audit?limit=20").json["items"] if entry["action"] in ("user.disable", "user.enable")]
        self.assertEqual([(entry["action"], entry["detail"], entry["actor"], entry["reason"]) for entry in entries],
                         [("user.enable", f"disabled: {before} \u2192 no", "system", "command line") for before in ("no", "yes")]
                         + [("user.disable", "disabled: no \u2192 yes", "system", "command line")])
        unknown = command("enable", "nobody@example.org")
        self.assertEqual((unknown.returncode, unknown.stdout), (1, ""))
        self.assertIn("nobody@example.org", unknown.stderr)

    def test_a_role_is_given_and_taken_from_the_command_line(self):
        command = lambda *words: run("user", *words, "--data-dir", self.portal.data_dir)
        add_user(self.portal.data_dir, "chief@example.org", "admin")
        add_user(self.portal.data_dir, "deputy@example.org", "user")
        others = [line.split()[-1] for line in command("list").stdout.splitlines() if " admin " in line and "chief@" not in line]
        for email in others:  # of other tests
            self.assertEqual(command("role", email, "user").returncode, 0)
        for words in (("disable", "chief@example.org"), ("role", "chief@example.org", "operator")):
            with self.subTest(words):
                refused = command(*words)
                self.assertEqual((refused.returncode, refused.stdout), (1, ""))
                self.assertIn("last admin", refused.stderr)
                self.assertIn("`portoland user role EMAIL admin`", refused.stderr)
        deputy = self.portal.client()
        deputy.login("deputy@example.org")
        for before, role, status in [("user", "admin", 400), ("admin", "operator", 403), ("operator", "admin", 400)]:
            done = command("role", "deputy@example.org", role)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(f"portoland: deputy@example.org is now {role}", done.stdout)
            self.assertEqual(deputy.get("/api/me").status, 401, f"still signed in as {before}")
            deputy.login("deputy@example.org")
            self.assertEqual(deputy.patch("/api/admin/users/1", {}).status, status, role)
        self.assertEqual(command("role", "chief@example.org", "user").returncode, 0, "there is another now")
        entries = [entry for entry in deputy.get("/api/admin/audit?limit=20").json["items"] if entry["action"] == "user.role"]
        self.assertEqual([(entry["detail"], entry["actor"], entry["reason"]) for entry in entries[:4]],
                         [(f"role: {before} \u2192 {after}", "system", "command line") for before, after in
                          (("admin", "user"), ("operator", "admin"), ("admin", "operator"), ("user", "admin"))])
        unknown = command("role", "deputy@example.org", "boss")
        self.assertEqual((unknown.returncode, "operator or admin" in unknown.stderr), (2, True), unknown)

    def test_a_password_from_standard_input(self):
        def add(email, password):
            return subprocess.run([portoland(), "user", "add", email, "--data-dir", self.portal.data_dir], input=password,
                                  capture_output=True, timeout=patience(30), env=clean_environment())

        typed = "p\u00e4ssw\u00f6rter lang"
        for encoding in ("latin-1", "utf-16", "utf-16-le", "utf-16-be"):
            with self.subTest(encoding=encoding):
                refused = add("coded@example.org", (typed + "\n").encode(encoding))
                self.assertEqual(refused.returncode, 2, refused)
                self.assertIn(b"must be UTF-8", refused.stderr)
        for nothing, words in ((b"", b"No password came"), (b"\n", b"fewer than 8 characters")):
            self.assertIn(words, add("coded@example.org", nothing).stderr)
        for unseen in ("\u200b", "\ufeff", "\u2060"):
            self.assertIn(b"fewer than 8 characters", add("coded@example.org", (8 * unseen + "\n").encode()).stderr)
        added = add("coded@example.org", (typed + "\r\n").encode("utf-8-sig"))
        self.assertEqual(added.returncode, 0, added)
        Client(self.portal.url).login("coded@example.org", typed)


if __name__ == "__main__":
    unittest.main()
