# SPDX-License-Identifier: GPL-3.0-or-later
"""The small tier's windows as a client meets them: headers, refusal, what is not limited, and that a restart forgets nothing."""

import json
import time
import unittest

from harness import Client, PortalTest, run, wait_until

HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def limits(answer):
    return tuple(int(answer.headers[name]) for name in HEADERS)


class SmallTierTest(PortalTest):
    tier = "small"
    users = (("ann@example.org", "user"), ("bob@example.org", "user"))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ann = cls.portal.client()
        cls.ann_login = cls.ann.login("ann@example.org")
        cls.bob = cls.portal.client()
        cls.bob.login("bob@example.org")

    def test_1_a_third_wrong_password_within_a_minute_is_refused(self):
        self.assertEqual(limits(self.ann_login)[:2], (2, 2))  # one that succeeds is given back
        wrong = {"email": "ann@example.org", "password": "whatever it is"}
        first = self.portal.client().post("/auth/login", wrong)
        self.assertProblem(first, 401)
        _, remaining, reset = limits(first)
        self.assertEqual(remaining, 1)
        self.assertProblem(self.portal.client().post("/auth/login", wrong), 401)
        answer = self.portal.client().post("/auth/login", wrong)
        self.assertProblem(answer, 429)
        self.assertEqual(limits(answer)[:2], (2, 0))
        self.assertLessEqual(reset - 1, limits(answer)[2])
        self.assertTrue(1 <= int(answer.headers["Retry-After"]) <= 60)

    def test_2_the_ninth_call_within_a_minute_is_refused_and_costs_nothing(self):
        first = self.ann.get("/api/me")
        self.assertEqual(first.status, 200)
        limit, remaining, reset = limits(first)
        self.assertEqual((limit, remaining), (8, 7))
        self.assertTrue(0 < reset - time.time() <= 61)
        for expected in range(6, -1, -1):
            answer = self.ann.get("/api/me")
            self.assertEqual((answer.status, limits(answer)), (200, (8, expected, reset)))
        for _ in range(3):
            answer = self.ann.get("/api/me")
            self.assertProblem(answer, 429)
            self.assertEqual(limits(answer), (8, 0, reset))
            self.assertTrue(abs(int(answer.headers["Retry-After"]) - (reset - time.time())) <= 2)

    def test_3_refusals_are_counted_by_category(self):
        metrics = Client(self.portal.url).get("/metrics").body.decode()
        self.assertRegex(metrics, r'portal_rate_limited_total\{category="api"\} [1-9]')

    def test_3_refusals_show_at_their_route(self):
        def refused():
            snapshot = json.loads(run("status", "--json", "--data-dir", self.portal.data_dir).stdout)
            return {route["route"] for route in snapshot["http"]["routes"] if route["traffic"]["refused"] > 0}
        wait_until(refused, "a refusal in the snapshot", 10)
        self.assertIn("/auth/login", refused())

    def test_3_another_user_has_windows_of_his_own(self):
        answer = self.bob.get("/api/me")
        self.assertEqual((answer.status, limits(answer)[:2]), (200, (8, 7)))

    def test_4_some_paths_are_never_limited_and_say_nothing_of_limits(self):
        client = self.bob
        for path in ("/health", "/ready", "/metrics", "/openapi.json", "/auth/csrf"):
            with self.subTest(path=path):
                for _ in range(12):
                    answer = client.get(path)
                    self.assertEqual(answer.status, 200, answer)
                for name in HEADERS:
                    self.assertIsNone(answer.headers[name])

    def test_5_analyses_have_windows_of_their_own(self):
        first = self.bob.post("/start-analysis", {"symbol": "AAPL"})
        self.assertEqual((first.status, limits(first)[:2]), (202, (2, 1)))
        self.assertEqual(self.bob.post("/start-analysis", {"symbol": "MSFT"}).status, 202)
        self.assertProblem(self.bob.post("/start-analysis", {"symbol": "MSFT"}), 429)

    def test_6_windows_outlive_a_restart(self):
        before = limits(self.bob.post("/start-analysis", {"symbol": "AAPL"}))
        self.assertEqual(self.portal.stop(), 0)
        self.portal.start()
        client = Client(self.portal.url)
        client.cookies, client.csrf = self.bob.cookies, self.bob.csrf
        answer = client.post("/start-analysis", {"symbol": "AAPL"})
        if time.time() < before[2]:
            self.assertProblem(answer, 429)
            self.assertEqual(limits(answer), before)


class OverrideTest(PortalTest):
    arguments = ("--set", "limits.api=3 per hour", "--set", "limits.auth=1000 per minute")
    tier = "small"
    users = (("root@example.org", "admin"),)

    def test_a_setting_overrides_the_tier_and_a_user_overrides_both(self):
        client = self.new_client("carl@example.org")
        for expected in (2, 1, 0):
            answer = client.get("/api/me")
            self.assertEqual((answer.status, limits(answer)[:2]), (200, (3, expected)))
        self.assertProblem(client.get("/api/me"), 429)

        admin = self.portal.client()
        admin.login("root@example.org")
        user = next(item for item in admin.get("/api/admin/users?limit=10").json["items"] if item["email"] == "carl@example.org")
        answer = admin.put(f"/api/admin/users/{user['id']}/limits", {"limits": {"api": "5 per hour"}})
        self.assertIn(answer.status, (200, 204), answer)
        answer = client.get("/api/me")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(limits(answer)[0], 5)


if __name__ == "__main__":
    unittest.main(failfast=False)
