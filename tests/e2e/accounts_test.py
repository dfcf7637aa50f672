# SPDX-License-Identifier: GPL-3.0-or-later
"""Registering, signing in and out, tokens, CSRF, roles, and that sessions outlive a restart."""

import unittest

from harness import PASSWORD, Client, Portal, PortalTest, folder, run, self_signed


class AccountsTest(PortalTest):
    def test_register_sign_in_look_sign_out(self):
        client = self.new_client()
        registered = client.register("Ada@Example.org")
        self.assertEqual(registered.json["email"], "ada@example.org")
        login = client.login("ada@example.org")
        self.assertEqual(login.json["user"]["email"], "ada@example.org")
        self.assertEqual(login.json["user"]["role"], "user")
        self.assertIsInstance(login.json["user"]["id"], str)
        self.assertEqual(login.json["expires_in"], 900)
        cookie = next(line for line in login.headers.get_all("Set-Cookie") if line.startswith("sid="))
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        self.assertLessEqual({"httponly", "samesite=lax", "path=/"}, attributes)
        self.assertNotIn("secure", attributes)

        me = client.get("/api/me")
        self.assertEqual((me.status, me.json["email"], me.json["id"]), (200, "ada@example.org", login.json["user"]["id"]))

        token = login.json["access_token"]
        bearer = Client(self.portal.url, bearer=token)
        self.assertEqual(bearer.get("/api/me").json["email"], "ada@example.org")

        sid = client.cookies["sid"]
        self.assertIn(client.post("/auth/logout").status, (200, 204))
        self.assertEqual(client.get("/api/me").status, 401)
        self.assertProblem(Client(self.portal.url).get("/api/me", headers={"Cookie": f"sid={sid}"}), 401)
        self.assertProblem(bearer.get("/api/me"), 401)  # the token dies with its session

    def test_a_form_of_another_page_signs_nobody_in(self):
        client = self.new_client()
        client.register("victim@example.org")
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
            with self.subTest(kind=kind):
                answer = client.post("/auth/login", {"email": "victim@example.org", "password": PASSWORD},
                                     headers={"Content-Type": kind})
                self.assertProblem(answer, 415, "media-type")
                self.assertNotIn("sid", client.cookies)
        client.login("victim@example.org")

    def test_a_token_from_the_session(self):
        client = self.new_client("token@example.org")
        answer = client.post("/auth/token")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(Client(self.portal.url, bearer=answer.json["access_token"]).get("/api/me").status, 200)

    def test_an_address_is_taken_once(self):
        self.new_client("twice@example.org")
        self.assertProblem(self.new_client().post("/auth/register", {"email": "TWICE@example.org", "password": PASSWORD}), 409)

    def test_a_second_account_that_looks_the_same(self):
        client = self.new_client()
        client.register("admin@look.example")
        for email in ("admi\u0307n@look.example", "adm\u0130n@look.example", "\u0430dmin@look.example", "<admin@look.example>",
                      '"admin@look.example"', "\u201cadmin@look.example\u201d", "mailto:admin@look.example",
                      "admin(x)@look.example", "admin\u200b@look.example", "admin\u00ad@look.example",
                      "\u202eelpmaxe.kool@nimda", "adm\u0131n@look.example"):
            with self.subTest(email=email):
                answer = client.post("/auth/register", {"email": email, "password": PASSWORD})
                self.assertProblem(answer, 400, "invalid")
                self.assertEqual([field["pointer"] for field in answer.json["errors"]], ["/email"])
        client.register("u@b\u00fccher.example")
        for email in ("\uff41dmin@look.example", "admin@look\u3002example", "ADMIN@LOOK.EXAMPLE", "u@xn--bcher-kva.example",
                      "u@bu\u0308cher.example"):
            with self.subTest(email=email):
                self.assertProblem(client.post("/auth/register", {"email": email, "password": PASSWORD}), 409, "email-taken")
        answer = client.post("/auth/register", {"email": "admin@\u0445.org", "password": PASSWORD})
        self.assertEqual((answer.status, answer.json["deceptive"]), (201, True))

    def test_a_password_is_the_same_in_each_form_of_its_letters(self):
        forms = {"composed": "p\u00e4ssw\u00f6rter lang", "apart": "pa\u0308sswo\u0308rter lang"}
        for name, kept in forms.items():
            email = f"{name}@example.org"
            registered = self.new_client().post("/auth/register", {"email": email, "password": kept})
            self.assertEqual(registered.status, 201, registered)
            for typed in forms.values():
                with self.subTest(kept=kept, typed=typed):
                    self.new_client().login(email, typed)
            changed = kept.replace("lang", "neu")
            done = run("user", "passwd", email, "--data-dir", self.portal.data_dir, stdin=changed + "\n")
            self.assertEqual(done.returncode, 0, done)
            for typed in forms.values():
                with self.subTest(changed=changed, typed=typed):
                    self.new_client().login(email, typed.replace("lang", "neu"))
            self.assertProblem(self.new_client().post("/auth/login", {"email": email, "password": kept}), 401)

    def test_wrong_password_and_unknown_address_look_the_same(self):
        self.new_client("known@example.org")
        wrong = self.new_client().post("/auth/login", {"email": "known@example.org", "password": "not the password"})
        unknown = self.new_client().post("/auth/login", {"email": "nobody@example.org", "password": "not the password"})
        self.assertProblem(wrong, 401)
        self.assertProblem(unknown, 401)
        self.assertEqual(wrong.json["detail"], unknown.json["detail"])

    def test_bad_bodies_name_the_field(self):
        for body, pointer in [
            ({"email": "not an address", "password": PASSWORD}, "/email"),
            ({"email": "short@example.org", "password": "x"}, "/password"),
            ({"email": "missing@example.org"}, "/password"),
            ({"email": "extra@example.org", "password": PASSWORD, "role": "admin"}, "/role"),
            ({"email": 7, "password": PASSWORD}, "/email"),
        ]:
            with self.subTest(body=body):
                answer = self.new_client().post("/auth/register", body)
                self.assertIn(answer.status, (400, 422), answer)
                self.assertProblem(answer, answer.status)
                self.assertIn(pointer, [error["pointer"] for error in answer.json["errors"]], answer)
        for text in ["", "{", "[]", "null", '{"email":"a@b.c","email":"d@e.f"', "\xff"]:
            with self.subTest(text=text):
                answer = self.new_client().post("/auth/register", text.encode("latin-1"), headers={"Content-Type": "application/json"})
                self.assertIn(answer.status, (400, 422), answer)
                self.assertProblem(answer, answer.status)

    def test_unsafe_methods_by_cookie_need_the_csrf_token(self):
        client = self.new_client("csrf@example.org")
        body = {"symbol": "AAPL"}
        self.assertProblem(client.post("/start-analysis", body, csrf=False), 403, "csrf")
        self.assertProblem(client.post("/start-analysis", body, csrf=False, headers={"X-CSRF-Token": "x" * 43}), 403, "csrf")
        other = self.new_client("csrf-other@example.org")
        self.assertProblem(client.post("/start-analysis", body, csrf=False, headers={"X-CSRF-Token": other.csrf}), 403, "csrf")
        self.assertEqual(client.post("/start-analysis", body).status, 202)
        bearer = Client(self.portal.url, bearer=client.post("/auth/token").json["access_token"])
        self.assertEqual(bearer.post("/start-analysis", body).status, 202)

    def test_users_may_not_do_what_operators_and_admins_do(self):
        client = self.new_client("plain@example.org")
        for path in ["/api/admin/users", "/api/admin/snapshot", "/api/admin/queues", "/api/admin/audit"]:
            with self.subTest(path=path):
                self.assertProblem(client.get(path), 403)
                self.assertProblem(self.new_client().get(path), 401)

    def test_every_answer_has_a_request_id_of_its_own(self):
        client = self.new_client()
        seen = [client.get(path).headers["X-Request-Id"] for path in ("/health", "/api/me", "/no/such/page", "/metrics")]
        self.assertTrue(all(seen))
        self.assertEqual(len(set(seen)), len(seen))

    def test_unknown_paths_and_methods(self):
        client = self.new_client()
        self.assertProblem(client.get("/no/such/page"), 404)
        refused = client.delete("/auth/login")
        self.assertProblem(refused, 405)
        self.assertIn("POST", refused.headers["Allow"])


class RestartTest(unittest.TestCase):
    def test_sessions_and_users_outlive_a_restart_and_a_kill(self):
        with folder() as where:
            portal = Portal(where)
            try:
                client = portal.client().sign_up("again@example.org")
                self.assertEqual(portal.stop(), 0)
                portal.start()
                again = Client(portal.url)
                again.cookies = client.cookies
                self.assertEqual(again.get("/api/me").json["email"], "again@example.org")
                portal.kill()
                portal.start()
                again = Client(portal.url)
                again.cookies = client.cookies
                self.assertEqual(again.get("/api/me").json["email"], "again@example.org")
            finally:
                portal.kill()


class TlsTest(unittest.TestCase):
    def test_https_and_a_secure_cookie(self):
        with folder() as where:
            certificate, key, context = self_signed(where)
            portal = Portal(where, "--tls-cert", certificate, "--tls-key", key)
            try:
                self.assertTrue(portal.url.startswith("https://"))
                client = Client(portal.url, context=context)
                client.register("tls@example.org")
                login = client.login("tls@example.org")
                cookie = next(line for line in login.headers.get_all("Set-Cookie") if line.startswith("sid="))
                self.assertIn("secure", cookie.lower())
                self.assertEqual(client.get("/api/me").status, 200)
            finally:
                portal.kill()


if __name__ == "__main__":
    unittest.main()
