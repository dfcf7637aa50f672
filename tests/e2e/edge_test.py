# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of the composed portal: every route asks for a role and a limit, what counts in a limit and what does not, whose
cookies come along, and what memory and sockets cost."""

import http.client
import json
import os
import pathlib
import re
import resource
import socket
import unittest
import unittest.mock

from harness import PASSWORD, SANITIZED, Client, PortalTest, Socket, patience, run, wait_until

METHODS = {"get", "post", "put", "patch", "delete", "head", "options"}

# The only routes that everybody may call without being counted.
OPEN = {"get /", "get /dashboard", "get /static/{name}", "get /health", "get /ready", "get /metrics", "get /openapi.json"}
# Those that say who somebody is.
IDENTIFY = {"post /auth/register", "post /auth/login", "post /auth/token", "post /auth/otp/request", "post /auth/otp/verify",
            "post /auth/password/forgot", "post /auth/password/reset", "post /auth/identity"}


def remaining(answer):
    value = answer.headers["X-RateLimit-Remaining"]
    return None if value is None else int(value)


def operations(client):
    document = client.get("/openapi.json").json
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method, path, operation


class ComposedRoutesTest(PortalTest):
    users = (("olga@example.org", "operator"), ("uma@example.org", "user"))

    def expected(self, method, path):
        """Role and category that api.md gives a route; a new route that fits no line must get one here."""
        name = f"{method} {path}"
        if name in OPEN:
            return "anonymous", "unlimited"
        if path.startswith("/api/admin/"):
            return ("operator", "admin"), "admin"
        if name in ("post /auth/logout", "get /auth/csrf", "get /ws"):
            return "user", "unlimited"
        if name in IDENTIFY:
            return ("user" if path == "/auth/token" else "anonymous"), "auth"
        if name == "post /start-analysis":
            return "user", "analysis"
        if name == "post /api/uploads":
            return "user", "upload"
        if name == "post /api/automations/{id}/run":
            return "user", "automation"
        if name == "post /api/logs":
            return "anonymous", "api"
        if path.startswith("/api/"):
            return "user", "api"
        return None

    def test_every_route_has_the_role_and_the_limit_it_is_meant_to_have(self):
        seen = set()
        for method, path, operation in operations(self.portal.client()):
            with self.subTest(route=f"{method} {path}"):
                expected = self.expected(method, path)
                self.assertIsNotNone(expected, "a route that is open by nobody's decision")
                roles = expected[0] if isinstance(expected[0], tuple) else (expected[0],)
                self.assertIn(operation["x-role"], roles)
                self.assertEqual(operation["x-limit-category"], expected[1])
                self.assertTrue(operation.get("summary"))
                seen.add(f"{method} {path}")
        self.assertTrue(OPEN <= seen, OPEN - seen)
        self.assertTrue({"get /ws", "get /api/admin/stream"} <= seen)

    def test_nobody_gets_past_what_asks_for_a_role_and_nothing_is_asked_of_redis_for_it(self):
        for method, path, operation in operations(self.portal.client()):
            if operation["x-role"] == "anonymous":
                continue
            target = re.sub(r"\{[^}]+\}", "1", path)
            headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                       "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} if "101" in operation["responses"] else {}
            with self.subTest(route=f"{method} {path}"):
                answer = self.portal.client().request(method.upper(), target, headers=headers)
                self.assertProblem(answer, 401)
                self.assertIsNone(answer.headers["X-RateLimit-Remaining"])

    def test_a_user_gets_nothing_of_the_administration(self):
        client = self.portal.client()
        client.login("uma@example.org")
        for method, path, operation in operations(client):
            if operation["x-role"] in ("operator", "admin") and "101" not in operation["responses"]:
                with self.subTest(route=f"{method} {path}"):
                    answers = []

                    def decided():  # and not put off: there are more of them than anybody may ask for in a second
                        answers.append(client.request(method.upper(), re.sub(r"\{[^}]+\}", "1", path)))
                        return answers[-1].status != 429
                    wait_until(decided, "the answer within the window")
                    self.assertProblem(answers[-1], 403)

    def test_operators_preview_but_do_not_delete_what_is_their_users(self):
        client = self.portal.client()
        client.login("olga@example.org")
        for family in ("sessions", "limits"):
            with self.subTest(family=family):
                preview = client.post("/api/admin/redis/cleanup", {"family": family, "dry_run": True})
                self.assertIn(preview.status, (200, 202), preview)
                wait_until(lambda: client.get("/api/admin/redis/cleanup").json["state"] != "running", "the preview")
                self.assertProblem(client.post("/api/admin/redis/cleanup", {"family": family, "dry_run": False}), 403)
        self.assertEqual(client.get("/api/me").status, 200)
        self.assertIn(client.post("/api/admin/redis/cleanup", {"family": "cache", "dry_run": False}).status, (200, 202))

    def test_other_spellings_lead_to_the_same_place(self):
        client = self.portal.client()
        for path in ("/health/", "//health", "/ready/", "/metrics/", "/dashboard/", "//", "/health//?x=1"):
            with self.subTest(path=path):
                self.assertEqual(client.get(path).status, 200)
                self.assertEqual(client.request("HEAD", path).status, 200)
        answer = client.get("/api//tasks/?limit=1")
        self.assertEqual((answer.status, answer.headers["Location"]), (308, "/api/tasks?limit=1"))
        answer = client.post("//start-analysis/", {})
        self.assertEqual((answer.status, answer.headers["Location"]), (308, "/start-analysis"))
        for path in ("//evil.example", "//evil.example/health", "/%2f/evil.example/", "//health.evil.example/"):
            with self.subTest(path=path):
                self.assertEqual(client.get(path).status, 404)

    def test_everything_that_can_be_read_has_a_head(self):
        client = self.portal.client()
        client.login("olga@example.org")
        for method, path, operation in operations(client):
            if method != "get" or "101" in operation["responses"]:
                continue
            target = re.sub(r"\{[^}]+\}", "1", path)
            with self.subTest(path=path):
                head, get = client.request("HEAD", target), client.get(target)
                self.assertEqual((head.status, head.body), (get.status, b""))

    def test_a_person_reads_pages_and_a_program_reads_problems(self):
        client = self.portal.client()
        page = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
        for path, headers, status in (("/no/such", {}, 404), ("/api/me", {}, 401),
                                      ("/", {"Cookie": "a=" + "b" * 20_000}, 431)):
            with self.subTest(path=path):
                answer = client.get(path, headers={**headers, **page})
                self.assertEqual((answer.status, answer.headers["Content-Type"]), (status, "text/html; charset=utf-8"))
                self.assertIn(b"<style>", answer.body)
                self.assertProblem(client.get(path, headers=headers), status)

    def test_bodies_are_utf8_or_said_not_to_be(self):
        body = {"email": "m\u00fcller@b\u00fccher.example", "password": PASSWORD}
        text = json.dumps(body, ensure_ascii=False)
        for name, sent, right in (("a byte order mark", b"\xef\xbb\xbf" + text.encode(), True),
                                  ("Latin-1", text.encode("latin-1"), False),
                                  ("UTF-16", text.encode("utf-16"), False), ("UTF-16BE", text.encode("utf-16-be"), False)):
            with self.subTest(name=name):
                answer = self.portal.client().post("/auth/login", sent, headers={"Content-Type": "application/json"})
                if right:
                    self.assertProblem(answer, 401)
                else:
                    self.assertProblem(answer, 400)
                    self.assertIn("must be UTF-8", answer.json["detail"])

    def test_another_programs_cookie_of_the_same_name_signs_nobody_out(self):
        client = self.portal.client()
        client.login("uma@example.org")
        stale, good = "sid=" + "A" * 22, "sid=" + client.cookies["sid"]
        for cookies in (f"{stale}; {good}", f"sid=; {good}", f"{good}; {stale}", f"sid=a b; {stale}; {good}"):
            with self.subTest(cookies=cookies):
                self.assertEqual(client.get("/api/me", headers={"Cookie": cookies}).status, 200)
        out = client.post("/auth/logout", headers={"Cookie": f"{stale}; {good}"})
        self.assertIn(out.status, (200, 204))
        self.assertEqual(self.portal.client().get("/api/me", headers={"Cookie": good}).status, 401)


class SmallTierTest(PortalTest):
    """What counts, with the smallest tier's windows."""

    tier = "small"

    def test_1_whom_an_office_shares_an_address_with_does_not_matter(self):
        for person in range(8):
            client = self.portal.client()
            self.assertEqual(remaining(client.register(f"person{person}@example.org")), 2)
            self.assertEqual(remaining(client.login(f"person{person}@example.org")), 2)
            self.assertEqual(remaining(client.post("/auth/token")), 2)

    def test_2_what_is_refused_for_its_form_uses_nothing_up(self):
        client = self.portal.client()
        good = {"email": "typo@example.org", "password": PASSWORD}
        for _ in range(3):
            self.assertProblem(client.post("/auth/register", {"email": "typo@", "password": "short"}), 400)
            self.assertProblem(client.post("/auth/login", json.dumps(good), headers={"Content-Type": "text/plain"}), 415)
            self.assertProblem(client.post("/auth/login", b"{" + b" " * 5000, headers={"Content-Type": "application/json"}), 413)
            self.assertProblem(client.post("/auth/login", b"\xff", headers={"Content-Type": "application/json"}), 400)
        self.assertEqual(remaining(client.register("typo@example.org")), 2)
        client.login("typo@example.org")
        for _ in range(4):
            answer = client.post("/start-analysis", {"symbol": "not a symbol"})
            self.assertProblem(answer, 400)
            self.assertEqual(remaining(answer), 2)
            self.assertProblem(client.post("/start-analysis", {"symbol": "AAPL"}, csrf=False), 403, "csrf")
        self.assertEqual(remaining(client.post("/start-analysis", {"symbol": "AAPL"})), 1)

    def test_3_looking_at_a_limit_leaves_it(self):
        for _ in range(5):
            answer = self.portal.client().request("HEAD", "/start-analysis")
            self.assertEqual((answer.status, answer.headers["X-RateLimit-Limit"], remaining(answer)), (405, "2", 2))

    def test_4_pages_and_what_they_load_are_not_counted(self):
        client = self.portal.client()
        for _ in range(15):
            for path in ("/", "/dashboard", "/static/portal.js"):
                answer = client.get(path)
                self.assertEqual((answer.status, remaining(answer)), (200, None))
            self.assertEqual(client.request("HEAD", "/").status, 200)
        # What is counted says so to a person as a page.
        client.sign_up("reader@example.org")
        for _ in range(20):
            limited = client.get("/api/me", headers={"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"})
            if limited.status == 429:
                break
        self.assertEqual((limited.status, limited.headers["Content-Type"]), (429, "text/html; charset=utf-8"))
        self.assertIn(b"<style>", limited.body)
        self.assertRegex(limited.body.decode(), r"Try again in \d+ seconds?")
        self.assertTrue(0 < int(limited.headers["Retry-After"]) <= 60, limited.headers)
        self.assertProblem(client.get("/api/me"), 429, "rate-limited")

    def test_5_failed_sign_ins_count_and_leave_a_trace(self):
        client = self.portal.client()
        wrong = {"email": "person1@example.org", "password": "not the password at all"}
        self.assertProblem(client.post("/auth/login", wrong), 401)
        unknown = {"email": "hunter2-is-my-password", "password": "x"}
        self.assertProblem(client.post("/auth/login", unknown), 401)
        self.assertProblem(client.post("/auth/login", wrong), 429)
        metrics = client.get("/metrics").body.decode()
        self.assertRegex(metrics, r'portal_sign_ins_failed_total\{reason="bad-credentials"\} 2\b')
        self.assertNotRegex(metrics, "wrong-password|unknown-account") # which accounts there are is not for everybody
        wait_until(lambda: "a sign-in failed" in self.portal.log.read_text(), "the line in the log, which is written beside")
        log = self.portal.log.read_text()
        line = next(line for line in map(json.loads, log.splitlines()) if line.get("message") == "a sign-in failed")
        self.assertEqual((line["account"], line["address"], line["level"]), ("p***@example.org", "127.0.0.1", "warning"), line)
        self.assertNotIn("hunter2", log)

        def counted():
            snapshot = json.loads(run("status", "--json", "--data-dir", self.portal.data_dir).stdout)
            return snapshot["users"].get("failed_sign_ins") == 2
        wait_until(counted, "the figure in the snapshot", 10)


class MadeUpSessionsTest(PortalTest):
    tier = "small"

    def test_sessions_that_are_made_up_cost_redis_little(self):
        client = self.portal.client()
        statuses = [client.get("/auth/csrf", headers={"Cookie": f"sid={number:021d}A"}).status for number in range(200)]
        self.assertEqual(statuses.count(401), 60)
        self.assertEqual(statuses.count(429), 140)


class SocketsTest(PortalTest):
    arguments = ("--set", "http.max_websockets_per_user=3")
    users = (("uma@example.org", "user"), ("ugo@example.org", "user"))

    def test_sockets_of_a_user_are_bounded(self):
        uma, ugo = self.portal.client(), self.portal.client()
        uma.login("uma@example.org")
        ugo.login("ugo@example.org")
        sockets = [Socket(uma) for _ in range(3)]
        with self.assertRaisesRegex(Exception, "429"):
            Socket(uma)
        sockets.append(Socket(ugo))
        with self.assertRaisesRegex(Exception, "403"):
            Socket(ugo, origin=self.portal.url.replace("http:", "https:"))
        sockets.pop(0).close()
        def again():
            try:
                return Socket(uma)
            except Exception:  # the place is given back when the closing handshake is over
                return None
        sockets.append(wait_until(again, "the place of the closed one"))
        topic = "t" * 63 + "\u00e9" * 40
        sockets[-1].send({"subscribe": [topic]})
        self.assertIn("t" * 63 + "'", sockets[-1].receive()["title"])
        for each in sockets:
            each.close()

    def test_a_deleted_control_socket_is_made_again(self):
        path = pathlib.Path(self.portal.data_dir) / "control.sock"
        path.unlink()
        wait_until(path.exists, "the control socket", 10)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(run("status", "--json", "--data-dir", self.portal.data_dir).returncode, 0)


    def test_the_control_socket_answers_every_route(self):
        class Local(http.client.HTTPConnection):
            def connect(self):
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.settimeout(patience(20))
                self.sock.connect(path)

        path = str(pathlib.Path(self.portal.data_dir) / "control.sock")
        for method, route, operation in operations(self.portal.client()):
            with self.subTest(route=f"{method} {route}"):
                local = Local("127.0.0.1")
                self.addCleanup(local.close)
                local.request(method.upper(), re.sub(r"\{[^}]+\}", "1", route), body=b"{}" if method != "get" else None,
                              headers={"Content-Type": "application/json"})
                status = local.getresponse().status
                if operation["x-role"] == "admin":
                    self.assertEqual(status, 403)
                self.assertLess(status, 500)
        self.assertEqual(self.portal.client().get("/health").status, 200)


class MemoryTest(PortalTest):
    @classmethod
    def prepare(cls):
        # What a sanitizer's allocator keeps of what was freed goes up and down by more than a leak would be.
        options = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=16")))
        cls._stack.enter_context(unittest.mock.patch.dict(os.environ, {"ASAN_OPTIONS": options}))

    def resident(self):
        status = pathlib.Path(f"/proc/{self.portal.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    def connections(self):
        metrics = Client(self.portal.url).get("/metrics").body.decode()
        return int(float(re.search(r"^portal_http_connections (\S+)", metrics, re.MULTILINE)[1]))

    def peak(self):
        """Many connections at once, and none of them afterwards; MB resident at the peak."""
        request = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 4000 + b"\r\n\r\n"
        held = []
        for number in range(3000):
            connection = socket.create_connection(("127.0.0.1", self.portal.port), timeout=patience(10),
                                                  source_address=(f"127.0.1.{number // 200 + 1}", 0))
            connection.sendall(request)
            held.append(connection)
        for connection in held:
            connection.recv(65536)
        wait_until(lambda: self.connections() >= 3000, "all of them", 20)
        peak = self.resident()
        for connection in held:
            connection.close()
        wait_until(lambda: self.connections() < 100, "none of them", 20)
        return peak

    def test_memory_of_many_connections_is_given_back(self):
        wait_until(lambda: b"portal_http_connections " in Client(self.portal.url).get("/metrics").body, "the first figures")
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        if SANITIZED:
            # Their allocators keep what was freed to find who still uses it: as much as they may, and no more.
            peaks = [self.peak() for _ in range(4)]
            self.assertLess(peaks[3], peaks[2] + 16, peaks)
            return
        before = self.resident()
        peak = self.peak()
        wait_until(lambda: self.resident() < before + 8, f"{before:.0f} MB before, {peak:.0f} MB at the peak", 20)


if __name__ == "__main__":
    unittest.main()
