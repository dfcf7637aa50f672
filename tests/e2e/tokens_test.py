# SPDX-License-Identifier: GPL-3.0-or-later
"""API tokens: made and revoked on the command line while two instances serve, and nowhere to be read afterwards."""

import base64
import contextlib
import json
import re
import sqlite3
import time
import unittest
import urllib.parse

from harness import Client, Portal, Redis, Socket, add_user, folder, patience, run, wait_until

TOKEN = re.compile(r"pt_[A-Za-z0-9_-]{43}\n")
WITHIN = 10  # seconds until no instance takes one that was revoked


class TokensTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._stack = contextlib.ExitStack()
        cls.made = []
        try:
            cls.where = cls._stack.enter_context(folder())
            cls.redis = Redis(cls.where)
            cls._stack.callback(cls.redis.stop)
            cls.database = cls.where / "portal.db"
            cls.shared = ("--redis", cls.redis.url, "--database", f"sqlite:{cls.database}")
            secret = {"PORTAL_SECRET_KEY": "the same key for all instances of a portal"}
            add_user(cls.where / "front", "boss@example.org", "admin", *cls.shared)
            cls.portals = []
            for name in ("front", "back"):
                portal = Portal(cls.where, *cls.shared, "--set", "log.level=debug", "--workers", "0", env=secret, name=name)
                cls._stack.callback(portal.kill)
                cls.portals.append(portal)
        except BaseException:
            cls._stack.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls._stack.close()

    def token(self, *arguments, **more):
        """`portoland token …` beside the portals that serve."""
        return run("token", *arguments, "--data-dir", self.where / "front", *self.shared, **more)

    def add(self, name, role, *more):
        done = self.token("add", name, "--role", role, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, TOKEN)
        self.assertNotIn("pt_", done.stderr)
        self.assertIn(name, done.stderr)
        self.made.append(done.stdout.strip())
        return done.stdout.strip()

    def clients(self, token):
        return [Client(portal.url, bearer=token) for portal in self.portals]

    def boss(self):
        client = self.portals[0].client()
        client.login("boss@example.org")
        return client

    def test_lets_in_at_every_instance_with_its_role(self):
        operator, admin = self.add("reader", "operator"), self.add("writer", "admin", "--expires", "90d")
        nobody = "/api/admin/users/999999999"
        for client in self.clients(operator):
            self.assertEqual(client.get("/api/admin/deployment").json["role"], "operator")
            self.assertEqual(client.delete(nobody).status, 403)
        for client in self.clients(admin):
            self.assertEqual(client.get("/api/admin/deployment").json["role"], "admin")
            self.assertEqual(client.delete(nobody).status, 404)
            self.assertEqual(client.get("/api/me").problem, "token-scope")
            self.assertEqual(client.post("/auth/login", {"email": "boss@example.org", "password": "x"}).problem, "token-scope")
            self.assertEqual(client.get("/health").status, 200)
        listed = self.token("list").stdout.splitlines()
        reader, writer = (next(line for line in listed if line.endswith(name)) for name in (" reader", " writer"))
        self.assertRegex(reader, r"^operator\s+active\s+20\S+\s+never\s")
        self.assertRegex(writer, r"^admin\s+active\s+20\S+\s+20\S+\s")
        self.assertNotIn("pt_", "".join(listed))
        wait_until(lambda: not re.search(r"never\s+reader$", self.token("list").stdout, re.MULTILINE), "its use is noted", 30)

    def test_a_revoked_one_ends_everywhere_within_ten_seconds(self):
        token = self.add("brief", "operator")
        clients = self.clients(token)
        streams = [Socket(client, "/api/admin/stream") for client in clients]
        for stream in streams:
            self.addCleanup(stream.close)
        self.assertTrue(all(stream.receive(20)["verdict"] for stream in streams))
        done = self.token("revoke", "brief")
        revoked = time.monotonic()
        self.assertEqual(done.returncode, 0, done.stderr)
        for client in clients:
            wait_until(lambda client=client: client.get("/api/admin/deployment").status == 401, "it is refused", WITHIN)
        for stream in streams:
            self.assertEqual(stream.wait_closed(WITHIN), 4001)
        self.assertLess(time.monotonic() - revoked, patience(WITHIN))
        self.assertEqual([client.get("/api/admin/deployment").status for client in clients], [401, 401])
        again = self.add("brief", "operator")  # its name is free
        self.assertEqual([client.get("/api/admin/deployment").status for client in self.clients(again)], [200, 200])
        self.assertEqual([client.get("/api/admin/deployment").status for client in clients], [401, 401])

    def test_one_that_expires_ends_by_itself(self):
        life = patience(6)
        began = time.monotonic()
        client = self.clients(self.add("short", "operator", "--expires", f"{life:.0f}s"))[1]
        stream = Socket(client, "/api/admin/stream")
        self.addCleanup(stream.close)
        self.assertEqual(client.get("/api/admin/deployment").status, 200)
        self.assertEqual(stream.wait_closed(life + WITHIN), 4001)
        self.assertGreater(time.monotonic() - began, life - 1)
        self.assertEqual(client.get("/api/admin/deployment").status, 401)
        self.assertRegex(self.token("list").stdout, r"(?m)^operator\s+expired\s.*\sshort$")

    def test_what_it_does_has_its_name(self):
        client = self.clients(self.add("robot", "admin"))[0]
        victim = self.portals[0].client().sign_up("victim@example.org")
        found = client.get("/api/admin/users?search=victim").json["items"][0]["id"]
        self.assertEqual(client.delete(f"/api/admin/users/{found}/sessions?reason=night").status, 204)
        self.assertEqual(victim.get("/api/me").status, 401)
        entry = client.get("/api/admin/audit?action=user.sign-out&limit=1").json["items"][0]
        self.assertEqual((entry["actor"], entry["actor_id"], entry["role"], entry["reason"]),
                         ("token:robot", "0", "admin", "night"))
        entries = client.get("/api/admin/audit?subject=token:robot").json["items"]
        self.assertEqual([(one["action"], one["actor"]) for one in entries], [("token.add", "system")])

        def noted():
            events = client.get("/api/admin/events?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z").json["items"]
            return [event for event in events if event["actor"] == "token:robot"]

        event = wait_until(noted, "it is among the events")[0]
        self.assertEqual((event["name"], event["kind"]), ("user.sign-out", "action"))

    def test_gives_nobody_access(self):
        client = self.clients(self.add("climber", "admin"))[0]
        self.portals[0].client().register("climbed@example.org")
        found = client.get("/api/admin/users?search=climbed").json["items"][0]["id"]
        new = {"email": "made@example.org", "password": "correct horse battery staple"}
        refused = [client.post("/api/admin/users", new),
                   client.patch(f"/api/admin/users/{found}", {"role": "admin"}),
                   client.patch(f"/api/admin/users/{found}", {"password": "another horse battery staple"}),
                   client.patch(f"/api/admin/users/{found}", {"email": "taken@example.org"}),
                   client.patch(f"/api/admin/users/{found}", {"disabled": False}),
                   client.post("/api/admin/actions/user.create", {"email": "made@example.org", "role": "user"}),
                   client.post("/api/admin/actions/user.password", {"id": found})]
        self.assertEqual([answer.problem for answer in refused], ["token-may-not"] * len(refused))
        self.assertEqual(client.patch(f"/api/admin/users/{found}", {"disabled": True}).status, 200)
        self.assertEqual(client.get("/api/admin/users?search=made").json["items"], [])
        outcomes = [one["outcome"] for one in self.boss().get("/api/admin/audit?action=user.create").json["items"]
                    if one["actor"] == "token:climber"]
        self.assertEqual(outcomes, ["token-may-not"] * 2)

    def test_admins_who_have_signed_in_see_and_end_them(self):
        token = self.add("watched", "admin")
        boss = self.boss()
        listed = {one["name"]: one for one in boss.get("/api/admin/tokens").json["items"]}
        self.assertEqual({name: listed["watched"][name] for name in ("role", "made_by", "expires", "last_used")},
                         {"role": "admin", "made_by": "system", "expires": None, "last_used": None})
        self.assertNotIn("hash", listed["watched"])
        by_token = self.clients(token)[0]
        refused = [by_token.get("/api/admin/tokens"), by_token.delete("/api/admin/tokens/watched"),
                   by_token.post("/api/admin/actions/token.revoke", {"name": "watched"}),
                   by_token.post("/api/admin/preview/token.revoke", {"name": "watched"}),
                   by_token.post("/api/admin/preview/user.create", {"email": "x@example.org"})]
        self.assertEqual([answer.problem for answer in refused], ["token-may-not"] * len(refused))
        offers = by_token.get("/api/admin/deployment").json
        kept = {one.get("path", one.get("name")) for one in offers["questions"] + offers["actions"]
                if one["capability"]["why"] == "needs-session"}
        self.assertEqual(kept, {"/api/admin/tokens", "token.revoke", "user.create", "user.password"})
        stream = Socket(by_token, "/api/admin/stream")
        self.addCleanup(stream.close)
        stream.receive(20)
        self.assertEqual(boss.delete("/api/admin/tokens/watched?reason=lost").status, 204)
        self.assertEqual(by_token.get("/api/admin/deployment").status, 401)  # here at once
        self.assertEqual(stream.wait_closed(2), 4001)
        elsewhere = self.clients(token)[1]
        wait_until(lambda: elsewhere.get("/api/admin/deployment").status == 401, "elsewhere too", WITHIN)
        entries = [(one["action"], one["actor"], one["outcome"], one["reason"])
                   for one in boss.get("/api/admin/audit?subject=token:watched").json["items"]]
        self.assertEqual(entries, [("token.revoke", "boss@example.org", "done", "lost"),
                                   ("token.revoke", "token:watched", "token-may-not", ""),
                                   ("token.revoke", "token:watched", "token-may-not", ""),
                                   ("token.add", "system", "done", "command line")])

    def test_says_what_is_wrong_with_the_words(self):
        self.add("taken", "operator")
        for arguments, code, words in (
                (("add", "a b", "--role", "operator"), 2, "no name of a token"),
                (("add", "Ops", "--role", "operator"), 2, "no name of a token"),
                (("add", "x" * 65, "--role", "operator"), 2, "no name of a token"),
                (("add", "ops", "--role", "user"), 2, "operator or admin"),
                (("add", "ops"), 2, "--role"),
                (("add", "ops", "--role", "operator", "--expires", "soon"), 2, "90d"),
                (("add", "ops", "--role", "operator", "--expires", "0"), 2, "90d"),
                (("add", "taken", "--role", "admin"), 1, "already"),
                (("revoke", "nobody"), 1, "token list"),
                (("revoke",), 2, "name")):
            with self.subTest(arguments=arguments):
                done = self.token(*arguments)
                self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
                self.assertIn(words, done.stderr)
        self.assertNotIn(" ops\n", self.token("list").stdout)

    def test_z_nothing_holds_a_token(self):
        """After all others: whatever the portals, Redis and the database have written."""
        self.assertGreaterEqual(len(self.made), 5)
        texts = []
        for token in self.made:
            secret = token[3:]
            raw = base64.urlsafe_b64decode(secret + "=")
            texts += [secret.encode(), raw, raw.hex().encode(), base64.b64encode(raw), urllib.parse.quote(secret).encode()]
        admin = self.boss()
        told = [admin.get(path).body for path in ("/api/admin/audit?limit=500", "/api/admin/log?limit=500&level=debug",
                                                  "/api/admin/snapshot", "/api/admin/users", "/metrics")]
        self.redis.client.save()
        files = [path for path in self.where.rglob("*") if path.is_file()]
        self.assertTrue({"portal.db", "front.log", "back.log", "dump.rdb"} <= {path.name for path in files})
        self.assertIn(b"/api/admin/deployment", (self.where / "front.log").read_bytes())  # it does log requests
        for where, content in [(path, path.read_bytes()) for path in files] + list(zip(["HTTP"] * len(told), told)):
            for text in texts:
                self.assertNotIn(text, content, where)
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT name, hash FROM api_tokens").fetchall()
        self.assertTrue(rows)
        self.assertTrue(all(len(hash) == 43 for _, hash in rows), rows)


class WithoutPortalTest(unittest.TestCase):
    def test_makes_and_revokes_before_the_first_start(self):
        with folder() as where:
            done = run("token", "add", "early", "--role", "operator", "--data-dir", where / "data")
            self.assertEqual(done.returncode, 0, done.stderr)
            late = run("token", "add", "late", "--role", "operator", "--data-dir", where / "data").stdout.strip()
            self.assertEqual(run("token", "revoke", "late", "--data-dir", where / "data").returncode, 0)
            portal = Portal(where)
            try:
                early = Client(portal.url, bearer=done.stdout.strip())
                wait_until(lambda: early.get("/api/admin/snapshot").status == 200, "a snapshot")
                self.assertEqual(Client(portal.url, bearer=late).get("/api/admin/snapshot").status, 401)
                status = run("status", "--url", portal.url, "--json", env={"PORTAL_TOKEN": done.stdout.strip()})
                self.assertEqual(status.returncode, 0, status.stderr)
                self.assertIn("verdict", json.loads(status.stdout))
            finally:
                self.assertEqual(portal.stop(), 0)
            # A name that is free again, of a portal that does not run.
            self.assertEqual(run("token", "revoke", "early", "--data-dir", where / "data").returncode, 0)
            self.assertEqual(run("token", "list", "--data-dir", where / "data").stdout.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
