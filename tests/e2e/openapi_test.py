# SPDX-License-Identifier: GPL-3.0-or-later
"""What /openapi.json says of questions and actions is what they take and answer: each is asked for real, and its answer held
against its schema (JSON Schema 2020-12, as OpenAPI 3.1 has it)."""

import copy
import datetime
import re
import time
import unittest
import urllib.parse

import jsonschema
from harness import PASSWORD, PortalTest, Redis, run, wait_until

ABSENT = "999999999"


def closed(schema):
    """The same schema with no other members allowed than those it names: document and portal are of one version."""
    schema = copy.deepcopy(schema)

    def close(part):
        if isinstance(part, dict):
            if "properties" in part:
                part.setdefault("additionalProperties", False)
            for inner in part.values():
                close(inner)
        elif isinstance(part, list):
            for inner in part:
                close(inner)
    close(schema)
    return schema


def patient(client):
    """The same client, which asks again what the guard of its session (50 a second) says it asked too fast."""
    ask = client.request

    def request(*arguments, **named):
        while (answer := ask(*arguments, **named)).status == 429:
            time.sleep(int(answer.headers["Retry-After"]))
        return answer
    client.request = request
    return client


class DescribedTest(PortalTest):
    users = (("root@example.org", "admin"), ("ops@example.org", "operator"))

    @classmethod
    def prepare(cls):
        cls.server = Redis(cls.where)  # a connection of somebody else's is to be closed
        cls._stack.callback(cls.server.stop)
        cls.arguments = ("--redis", cls.server.url)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = patient(cls.portal.client())
        cls.admin.login("root@example.org")
        cls.operator = patient(cls.portal.client())
        cls.operator.login("ops@example.org")
        cls.client = cls.portal.client()
        cls.client.sign_up("member@example.org")
        cls.task = cls.client.start_analysis(symbol="MSFT", paths=1000)
        cls.client.wait_for_task(cls.task)
        cls.document = cls.admin.get("/openapi.json").json
        wait_until(lambda: cls.admin.get("/api/admin/redis/clients").status == 200, "the connections", 20)

    def user(self, name="member@"):
        return self.admin.get(f"/api/admin/users?search={name}").json["items"][0]["id"]

    def assertFits(self, value, schema):
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(value, closed(schema), cls=jsonschema.Draft202012Validator)

    def questions(self):
        """Path and operation of what is read, is described and has an answer of its own schema."""
        for path, item in self.document["paths"].items():
            answer = item.get("get", {}).get("responses", {}).get("2XX", {})
            if path.startswith("/api/admin/") and "content" in answer:
                yield path, item["get"], answer["content"]["application/json"]["schema"]

    def address(self, path, parameters, leave=None):
        now = datetime.datetime.now(datetime.timezone.utc)
        values = {"metric": ["redis_memory", "zone{resource=redis_memory}"], "id": self.user(),
                  "from": (now - datetime.timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                  "to": (now + datetime.timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")}
        query = []
        for one in parameters:
            if one["in"] == "path":
                path = path.replace("{" + one["name"] + "}", values[one["name"]])
            elif one["required"] and one["name"] != leave:
                value = values[one["name"]]
                self.assertEqual(isinstance(value, list), one["schema"]["type"] == "array", one)
                query += [(one["name"], part) for part in (value if isinstance(value, list) else [value])]
        return path + ("?" + urllib.parse.urlencode(query) if query else "")

    def test_every_answer_is_as_described(self):
        seen = set()
        for path, operation, schema in self.questions():
            parameters = operation.get("parameters", [])
            with self.subTest(path=path):
                self.assertEqual({one["name"] for one in parameters if one["in"] == "path"}, set(re.findall(r"{(\w+)}", path)))
                who = self.admin if operation["x-role"] == "admin" else self.operator
                answer = who.get(self.address(path, parameters))
                self.assertEqual(answer.status, 200, answer)
                self.assertFits(answer.json, schema)
                self.assertIn("required", schema)
                seen.add(path)
        self.assertLessEqual({f"/api/admin/{name}" for name in (
            "users", "users/{id}/sessions", "users/{id}/limits/use", "audit", "tasks", "workers", "redis/clients", "history",
            "events", "log", "deployment")}, seen)

    def test_lists_are_pages(self):
        for path, operation, schema in self.questions():
            parameters = {one["name"]: one["schema"] for one in operation.get("parameters", [])}
            if "limit" not in parameters:
                continue
            with self.subTest(path=path):
                self.assertEqual(parameters["limit"]["minimum"], 1)
                most = parameters["limit"]["maximum"]
                self.assertEqual(self.admin.get(f"{path}?limit={most}").status, 200)
                self.assertProblem(self.admin.get(f"{path}?limit={most + 1}"), 400)
                answer = self.admin.get(path + "?limit=1").json
                self.assertLessEqual({"items", "next_cursor"}, set(answer))
                for wrong in ("0", "-1", "1000000", "x", "99999999999999999999"):
                    self.assertProblem(self.admin.get(f"{path}?limit={wrong}"), 400)
                if path == "/api/admin/tasks":
                    places = [task["place"] for task in answer["items"]]
                    self.assertEqual(len(places), len(set(places)), "one of each place")
                elif "cursor" in parameters:
                    self.assertEqual(len(answer["items"]), 1)

    def test_what_must_be_there_is_asked_for(self):
        asked = {one["path"] for one in self.admin.get("/api/admin/deployment").json["questions"]}
        for path, operation, _ in self.questions():
            parameters = operation.get("parameters", [])
            for one in parameters:
                if one["in"] == "query" and one["required"]:
                    with self.subTest(path=path, parameter=one["name"]):
                        answer = self.admin.get(self.address(path, parameters, leave=one["name"]))
                        self.assertProblem(answer, 400)
                        self.assertIn("/" + one["name"], [error["pointer"] for error in answer.json["errors"]])
            if path not in asked:
                continue
            with self.subTest(path=path):
                address = self.address(path, parameters)
                answer = self.admin.get(address + ("&" if "?" in address else "?") + "nonsense=1")
                self.assertProblem(answer, 400)
                self.assertEqual([error["pointer"] for error in answer.json["errors"]], ["/nonsense"])

    def bodies(self):
        """Of every action one that can be done, in an order in which each can be."""
        stranger = str(self.server.client.client_id())
        wait_until(lambda: stranger in [one["id"] for one in self.admin.get("/api/admin/redis/clients").json["items"]],
                   "a connection that is not the portal's", 20)
        self.portal.client().sign_up("leaving@example.org")
        user = self.user("leaving@")
        self.assertEqual(self.admin.put("/api/admin/workers", {"concurrency": 0}).status, 200)
        self.addCleanup(self.admin.put, "/api/admin/workers", {"concurrency": 2})
        waiting = self.client.start_analysis(symbol="MSFT", paths=1000)
        made = run("token", "add", "leaving", "--role", "operator", "--data-dir", self.where / "data")
        self.assertEqual(made.returncode, 0, made.stderr)
        return {"task.revoke": {"ids": [waiting]}, "worker.resize": {"concurrency": 3}, "task.rerun": {"ids": [self.task]},
                "redis.cleanup": {"family": "results"}, "redis.client.close": {"ids": [stranger]},
                "user.create": {"email": "made@example.org", "role": "operator"},
                "user.change": {"id": user, "role": "operator"}, "user.password": {"id": user}, "user.sign-out": {"id": user},
                "user.delete": {"id": user}, "token.revoke": {"name": "leaving"}}

    def test_every_action_takes_and_answers_what_is_described(self):
        bodies = self.bodies()
        described = {path.rsplit("/", 1)[1] for path in self.document["paths"] if path.startswith("/api/admin/actions/")}
        self.assertEqual(described, set(bodies))
        for name, body in bodies.items():
            for room in ("preview", "actions"):
                path = f"/api/admin/{room}/{name}"
                operation = self.document["paths"][path]["post"]
                takes = operation["requestBody"]["content"]["application/json"]["schema"]
                with self.subTest(path=path):
                    self.assertFits({**body, "reason": "a test"}, takes)
                    self.assertFalse(takes["additionalProperties"])
                    for missing in takes["required"]:
                        answer = self.admin.post(path, {key: value for key, value in body.items() if key != missing})
                        self.assertProblem(answer, 400)
                        self.assertEqual([error["pointer"] for error in answer.json["errors"]], ["/" + missing])
                    answer = self.admin.post(path, {**body, "nonsense": 1})
                    self.assertProblem(answer, 400)
                    self.assertEqual([error["pointer"] for error in answer.json["errors"]], ["/nonsense"])
                    answer = self.admin.post(path, {**body, "reason": f"why {name}"})
                    self.assertEqual(answer.status, 200, answer)
                    self.assertFits(answer.json, operation["responses"]["2XX"]["content"]["application/json"]["schema"])
                    self.assertEqual(answer.headers["Cache-Control"], "no-store")
        entries = self.admin.get("/api/admin/audit?limit=500").json["items"]
        for name in bodies:
            told = [entry for entry in entries if entry["reason"] == f"why {name}"]
            with self.subTest(action=name):
                self.assertEqual({entry["actor"] for entry in told}, {"root@example.org"})
                self.assertEqual(len(told), 1)  # a preview is none

    def test_an_operator_does_nothing_to_users(self):
        for path, item in self.document["paths"].items():
            if path.startswith(("/api/admin/actions/user.", "/api/admin/preview/user.")):
                with self.subTest(path=path):
                    self.assertEqual(item["post"]["x-role"], "admin")
                    self.assertProblem(self.operator.post(path, {"id": self.user()}), 403)
        for family in ("sessions", "limits"):
            with self.subTest(family=family):
                self.assertEqual(self.operator.post("/api/admin/preview/redis.cleanup", {"family": family}).status, 200)
                self.assertProblem(self.operator.post("/api/admin/actions/redis.cleanup", {"family": family}), 403)

    def test_a_portal_says_what_it_does_for_whom(self):
        for client, role in ((self.admin, "admin"), (self.operator, "operator")):
            told = client.get("/api/admin/deployment").json
            with self.subTest(role=role):
                self.assertEqual(told["role"], role)
                self.assertLessEqual({one["path"] for one in told["questions"]}, {path for path, _, _ in self.questions()})
                for one in told["actions"]:
                    allowed = role == "admin" or one["role"] == "operator"
                    self.assertEqual(one["capability"]["why"], "no" if allowed else "needs-role", one)
                    self.assertEqual(self.document["paths"][f"/api/admin/actions/{one['name']}"]["post"]["x-role"], one["role"])

    def test_nobody_of_an_id(self):
        for rest in ("sessions", "limits/use"):
            for wrong in (ABSENT, "x", "0", "-1"):
                self.assertProblem(self.admin.get(f"/api/admin/users/{wrong}/{rest}"), 404)
            answer = self.admin.get(f"/api/admin/users/{self.user()}/{rest}?id={ABSENT}")
            self.assertProblem(answer, 400)
            self.assertEqual([error["pointer"] for error in answer.json["errors"]], ["/id"])

    def test_a_history_of_the_step_asked_for(self):
        path, now = "/api/admin/history", datetime.datetime.now(datetime.timezone.utc)
        span = {"from": (now - datetime.timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:30Z"),
                "to": (now + datetime.timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")}
        for step in (1, 10):
            answer = self.admin.get(f"{path}?{urllib.parse.urlencode({**span, 'metric': 'redis_memory', 'step': step})}")
            self.assertEqual([one["step"] for one in answer.json["items"]], [step])
        for query, pointer in (({"metric": "no_metric"}, "/metric"), ({"metric": "redis_memory", "step": 0}, "/step"),
                               ({"metric": ["redis_memory"] * 50, "most": 100_000, "from": "2026-01-01T00:00:00Z"}, "/most")):
            with self.subTest(query=query):
                answer = self.admin.get(f"{path}?{urllib.parse.urlencode({**span, **query}, doseq=True)}")
                self.assertProblem(answer, 400)
                self.assertEqual([error["pointer"] for error in answer.json["errors"]], [pointer])

    def test_a_task_tells_its_progress_as_everywhere(self):
        schema = next(schema for path, _, schema in self.questions() if path == "/api/admin/tasks")
        progress = schema["properties"]["items"]["items"]["properties"]["progress"]
        validator = jsonschema.Draft202012Validator(closed(progress))
        for value, fits in ((None, True), ({"done": 1, "total": 2, "note": ""}, True), (0.5, False)):
            self.assertEqual(validator.is_valid(value), fits, value)

    def test_whose_log_it_is(self):
        own = [one["name"] for one in self.admin.get("/api/admin/deployment").json["instances"]]
        self.assertEqual(own, [one["name"] for one in self.admin.get("/api/admin/instances").json["items"]])
        self.assertTrue(self.admin.get(f"/api/admin/log?instance={own[0]}").json["items"])
        self.assertProblem(self.admin.get("/api/admin/log?instance=nobody"), 404)

    def log(self):
        lines, cursor = [], ""
        while cursor is not None:
            page = self.operator.get("/api/admin/log?limit=500" + (f"&cursor={cursor}" if cursor else "")).json
            lines += [line["message"] for line in page["items"]]
            cursor = page["next_cursor"]
        return lines

    def test_the_log_has_no_secrets(self):
        stranger = self.portal.client()
        mixed_up = {"email": "sesame-as-an-address", "password": "sesame-as-a-password"}
        self.assertProblem(stranger.post("/auth/login", mixed_up), 401)
        self.assertProblem(stranger.get("/api/me?access_token=sesame-in-a-query",
                                        headers={"Authorization": "Bearer sesame-as-a-token"}), 401)
        wait_until(lambda: any("a sign-in failed" in line for line in self.log()), "it is in the log")
        for secret in ("sesame", PASSWORD):
            self.assertFalse([line for line in self.log() if secret in line])


if __name__ == "__main__":
    unittest.main()
