# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever changes something by a route of its own and whoever performs the console's action of the same name: the same comes of
both, and both leave the same audit entry. No route that changes something can be left out."""

import itertools
import json
import re
import unittest

from harness import PASSWORD, PortalTest, Redis, run, wait_until
from openapi_test import patient

ABSENT = "999999999"
ROOM = "/api/admin/"

# What no action of the console is: limits of a user, and to call a cleanup off.
WITHOUT_ACTION = {("PUT", "users/{id}/limits"), ("DELETE", "users/{id}/limits"), ("DELETE", "redis/cleanup")}

# (action, method and template of its own route)
ROUTES = {
    "worker.resize": ("PUT", "workers"),
    "task.revoke": ("POST", "tasks/{id}/revoke"),
    "task.rerun": ("POST", "tasks/{id}/rerun"),
    "user.create": ("POST", "users"),
    "user.change": ("PATCH", "users/{id}"),
    "user.password": ("PATCH", "users/{id}"),
    "user.sign-out": ("DELETE", "users/{id}/sessions"),
    "user.delete": ("DELETE", "users/{id}"),
    "token.revoke": ("DELETE", "tokens/{name}"),
    "redis.client.close": ("DELETE", "redis/clients/{id}"),
    "redis.cleanup": ("POST", "redis/cleanup"),
}

# Of each action: what its own route takes beside a reason, what the action takes, and what both answer to nothing of the kind.
NOTHING = [
    ("task.revoke", "nosuch", {}, {"ids": ["nosuch"]}, 404),
    ("task.rerun", "nosuch", {}, {"ids": ["nosuch"]}, 404),
    ("worker.resize", "", {"concurrency": 2, "node": "celery@nowhere"}, {"concurrency": 2, "node": "celery@nowhere"}, 404),
    ("worker.resize", "", {"concurrency": 5000}, {"concurrency": 5000}, 400),
    ("user.delete", ABSENT, {}, {"id": ABSENT}, 404),
    ("user.sign-out", ABSENT, {}, {"id": ABSENT}, 404),
    ("token.revoke", "nosuch", {}, {"name": "nosuch"}, 404),
    ("token.revoke", "No-Name", {}, {"name": "No-Name"}, 404),
    ("user.change", ABSENT, {"role": "operator"}, {"id": ABSENT, "role": "operator"}, 404),
    ("user.create", "", {"email": "no address"}, {"email": "no address"}, 400),
    ("redis.client.close", "4000000000", {}, {"ids": ["4000000000"]}, 404),
    ("redis.cleanup", "", {"family": "queue", "dry_run": False}, {"family": "queue"}, 400),
]


class ActionsTest(PortalTest):
    users = (("root@example.org", "admin"), ("ops@example.org", "operator"))

    @classmethod
    def prepare(cls):
        cls.server = Redis(cls.where)  # connections of somebody else's are to be closed
        cls._stack.callback(cls.server.stop)
        cls.arguments = ("--redis", cls.server.url)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = patient(cls.portal.client())
        cls.admin.login("root@example.org")
        cls.client = cls.portal.client()
        cls.client.sign_up("member@example.org")
        cls.numbers = itertools.count()

    def by_route(self, action, subject, body, reason, client=None):
        method, template = ROUTES[action]
        path = ROOM + re.sub(r"{(id|name)}", str(subject), template)
        if method == "DELETE":
            return (client or self.admin).delete(f"{path}?reason={reason}")
        return (client or self.admin).request(method, path, {**body, "reason": reason})

    def by_action(self, action, body, reason, client=None):
        return (client or self.admin).post(f"{ROOM}actions/{action}", {**body, "reason": reason})

    def told(self, reason, subject):
        """The one audit entry with this reason, without what differs between two subjects."""
        noted = lambda: [entry for entry in self.admin.get(ROOM + "audit?limit=100").json["items"] if entry["reason"] == reason]
        mine = wait_until(noted, "the audit entry")  # a cleanup's is written when it is over
        self.assertEqual(len(mine), 1, mine)
        entry = {name: value for name, value in mine[0].items() if name not in ("id", "at", "time", "reason")}
        for name in ("subject", "detail"):
            # Addresses first: the number of a connection may be a part of one.
            entry[name] = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", re.sub(r"\b\d+ keys, about \d+", "N keys, about N", entry[name]))
            entry[name] = entry[name].replace(str(subject), "SUBJECT")
            entry[name] = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "TASK", entry[name])
        return entry

    def both(self, action, subjects, bodies, effect):
        """By its route for the first subject, by the action for the second; `effect` is asked of both."""
        number = next(self.numbers)
        reasons = [f"route-{number}", f"action-{number}"]
        route = self.by_route(action, subjects[0], bodies[0], reasons[0])
        self.assertEqual(route.status // 100, 2, route)
        effects = [effect(subjects[0], route)]
        done = self.by_action(action, bodies[1], reasons[1])
        self.assertEqual(done.status, 200, done)
        effects.append(effect(subjects[1], done))
        self.assertEqual(effects[0], effects[1])
        names = [str(subject) for subject in subjects]
        entries = [self.told(reason, name) for reason, name in zip(reasons, names)]
        self.assertEqual(entries[0], entries[1])
        self.assertEqual((entries[0]["outcome"], entries[0]["actor"]), ("done", "root@example.org"))
        return entries[0]

    def member(self):
        """A client that has just signed up, and its id."""
        email = f"member{next(self.numbers)}@example.org"
        client = self.new_client(email)
        return client, self.admin.get(f"{ROOM}users?search={email}").json["items"][0]["id"]

    def resize(self, concurrency):
        self.assertEqual(self.admin.put(ROOM + "workers", {"concurrency": concurrency}).status, 200)

    def test_no_route_is_left_out(self):
        paths = self.admin.get("/openapi.json").json["paths"]
        acting = {(method.upper(), path.removeprefix(ROOM)) for path, item in paths.items() for method in item
                  if path.startswith(ROOM) and method in ("post", "put", "patch", "delete")
                  and not path.startswith((ROOM + "actions/", ROOM + "preview/"))}
        self.assertEqual(acting, set(ROUTES.values()) | WITHOUT_ACTION)
        self.assertEqual({path.removeprefix(ROOM + "actions/") for path in paths if path.startswith(ROOM + "actions/")}, set(ROUTES))
        for action, (method, template) in ROUTES.items():
            with self.subTest(action=action):
                self.assertEqual(paths[ROOM + template][method.lower()]["x-role"],
                                 paths[f"{ROOM}actions/{action}"]["post"]["x-role"])

    def test_workers(self):
        self.addCleanup(self.resize, 2)
        node = self.admin.get(ROOM + "workers").json["items"][0]["node"]
        for body in ({"concurrency": 3}, {"concurrency": 4, "node": node}):
            with self.subTest(body=body):
                entry = self.both("worker.resize", [node, node], [body, body],
                                  lambda *_: self.admin.get(ROOM + "workers").json["items"][0]["concurrency"])
                self.assertEqual(entry["subject"], "worker:SUBJECT")

    def test_revoking(self):
        self.addCleanup(self.resize, 2)
        self.resize(0)
        for terminate in (True, False):
            with self.subTest(terminate=terminate):
                tasks = [self.client.start_analysis(symbol="MSFT", paths=1000) for _ in range(2)]
                entry = self.both("task.revoke", tasks, [{"terminate": terminate}, {"ids": tasks[1:], "terminate": terminate}],
                                  lambda task, _: self.client.task(task)["state"])
                self.assertEqual(entry["detail"], "also while it runs" if terminate else "")

    def test_what_runs_elsewhere_goes_on(self):
        """Another process runs one of two, and says so."""
        self.addCleanup(self.resize, 2)
        self.addCleanup(self.server.client.delete, "celery")
        self.resize(0)
        waits, runs = (self.client.start_analysis(symbol="MSFT", paths=1000) for _ in range(2))
        self.server.client.set(f"celery-task-meta-{runs}", json.dumps({"status": "STARTED", "result": None, "task_id": runs}))
        preview = lambda *ids: self.admin.post(ROOM + "preview/task.revoke", {"ids": ids, "terminate": False}).json
        kinds = lambda told: [(fact["kind"], fact["count"]) for fact in told["facts"]]
        self.assertEqual(kinds(preview(waits, runs)), [("running-tasks-go-on", 1), ("tasks-kept-from-start", 1)])
        self.assertEqual(kinds(preview(runs)), [("running-tasks-go-on", 1)])
        self.assertFalse(preview(runs)["nothing"])  # it will not start again
        revoke = lambda *ids: self.by_action("task.revoke", {"ids": ids, "terminate": False}, "let it end").json
        told = revoke(runs, "nosuch")
        self.assertEqual(kinds(told), [("others-refused", 1), ("running-tasks-go-on", 1)])
        self.assertEqual(told["refusal"]["kind"], "not-found")
        self.assertEqual(kinds(revoke(runs)), [("running-tasks-go-on", 1)])
        told = revoke(waits, runs)
        self.assertEqual(kinds(told), [("tasks-revoked", 1), ("running-tasks-go-on", 1)])
        self.assertTrue(told["facts"][0]["name"].endswith(waits[:8]), told)
        self.assertEqual([self.client.task(task)["state"] for task in (waits, runs)], ["REVOKED", "STARTED"])

    def test_revoking_what_has_ended(self):
        """Nothing is done, so nothing is noted; it is no error either."""
        task = self.client.wait_for_task(self.client.start_analysis(symbol="MSFT", paths=1000))["id"]
        self.assertEqual(self.by_route("task.revoke", task, {}, "too-late").status, 204)
        done = self.by_action("task.revoke", {"ids": [task]}, "too-late")
        self.assertEqual([fact["kind"] for fact in done.json["facts"]], ["all-tasks-over"])
        self.assertEqual([entry for entry in self.admin.get(ROOM + "audit?limit=100").json["items"] if entry["reason"] == "too-late"], [])
        self.assertEqual(self.client.task(task)["state"], "SUCCESS")

    def test_running_again(self):
        tasks = [self.client.wait_for_task(self.client.start_analysis(symbol="MSFT", paths=1000))["id"] for _ in range(2)]

        def result(_, answer):
            task = self.client.wait_for_task(answer.json.get("task_id") or answer.json["subject"])
            return task["state"], task["result"]["symbol"]
        self.both("task.rerun", tasks, [{}, {"ids": tasks[1:]}], result)

    def test_accounts(self):
        emails = [f"made{next(self.numbers)}@example.org" for _ in range(2)]
        made = [{"email": email, "role": "operator"} for email in emails]
        of = lambda email: self.admin.get(f"{ROOM}users?search={email}").json["items"][0]
        number = next(self.numbers)
        route = self.by_route("user.create", "", made[0], f"route-{number}")
        self.assertEqual(route.status, 201, route)
        self.assertEqual(self.by_action("user.create", made[1], f"action-{number}").status, 200)
        ids = [of(email)["id"] for email in emails]
        entries = []
        for reason, email, user in zip((f"route-{number}", f"action-{number}"), emails, ids):
            entry = self.told(reason, user)
            entry["detail"] = entry["detail"].replace(email, "EMAIL")
            entries.append(entry)
        self.assertEqual(entries[0], entries[1])
        self.assertEqual(entries[0]["detail"], "email: EMAIL; role: operator")
        self.assertEqual([of(email)["role"] for email in emails], ["operator"] * 2)

    def test_changing_accounts(self):
        for change, action, changed in (({"role": "operator"}, "user.role", ("operator", False)),
                                        ({"disabled": True}, "user.disable", ("user", True)),
                                        ({"role": "operator", "disabled": True}, "user.change", ("operator", True))):
            with self.subTest(change=change):
                clients, ids = zip(*(self.member() for _ in range(2)))

                def effect(user, _):
                    now = self.admin.get(f"{ROOM}users/{user}").json
                    return now["role"], now["disabled"], clients[ids.index(user)].get("/api/me").status
                entry = self.both("user.change", ids, [change, {"id": ids[1], **change}], effect)
                self.assertEqual(entry["action"], action)
                self.assertEqual(effect(ids[1], None), (*changed, 401))

    def test_passwords(self):
        clients, ids = zip(*(self.member() for _ in range(2)))
        entry = self.both("user.password", ids, [{"password": PASSWORD + "!"}, {"id": ids[1]}],
                          lambda user, _: clients[ids.index(user)].get("/api/me").status)
        self.assertEqual((entry["action"], entry["detail"]), ("user.password", "new password"))

    def test_ending_sessions_and_accounts(self):
        for action, status in (("user.sign-out", 200), ("user.delete", 404)):
            with self.subTest(action=action):
                clients, ids = zip(*(self.member() for _ in range(2)))

                def effect(user, _):
                    return self.admin.get(f"{ROOM}users/{user}").status, clients[ids.index(user)].get("/api/me").status

                number = next(self.numbers)
                self.assertEqual(self.by_route(action, ids[0], {}, f"route-{number}").status, 204)
                self.assertEqual(self.by_action(action, {"id": ids[1]}, f"action-{number}").status, 200)
                self.assertEqual([effect(user, None) for user in ids], [(status, 401)] * 2)
                told = [self.told(f"route-{number}", ids[0]), self.told(f"action-{number}", ids[1])]
                for entry in told:
                    entry["detail"] = re.sub(r"member\d+@", "MEMBER@", entry["detail"])
                self.assertEqual(told[0], told[1])
                # Again: there is nobody any more, or nothing that had to end.
                again = [self.by_route(action, ids[0], {}, "again"), self.by_action(action, {"id": ids[1]}, "again")]
                self.assertEqual([answer.status for answer in again], [404, 404] if status == 404 else [204, 200])

    def test_tokens(self):
        names = [f"token-{next(self.numbers)}" for _ in range(2)]
        for name in names:
            done = run("token", "add", name, "--role", "operator", "--data-dir", self.where / "data")
            self.assertEqual(done.returncode, 0, done.stderr)
        listed = lambda: [one["name"] for one in self.admin.get(ROOM + "tokens").json["items"]]
        self.assertEqual(listed(), sorted(names))
        entry = self.both("token.revoke", names, [{}, {"name": names[1]}], lambda name, _: name in listed())
        self.assertEqual((entry["subject"], entry["detail"]), ("token:SUBJECT", "role: operator"))
        self.assertEqual(listed(), [])

    def test_connections(self):
        strangers = []
        for _ in range(2):
            connection = self.server.client.connection_pool.make_connection()
            connection.connect()
            self.addCleanup(connection.disconnect)
            connection.send_command("CLIENT", "ID")
            strangers.append((connection, connection.read_response()))
        ids = [number for _, number in strangers]
        listed = lambda: {one["id"] for one in self.admin.get(ROOM + "redis/clients?limit=1000").json["items"]}
        wait_until(lambda: set(map(str, ids)) <= set(map(str, listed())), "both connections are seen", 20)

        def alive(number, _):
            return str(number) in {line["id"] for line in self.server.client.client_list()}
        self.both("redis.client.close", ids, [{}, {"ids": [str(ids[1])]}], alive)
        self.assertFalse(alive(ids[0], None) or alive(ids[1], None))

    def test_keys(self):
        self.server.client.set("c:one", "x")
        left = lambda *_: self.server.client.exists("c:one")

        def clean(*_):
            gone = left()
            self.server.client.set("c:one", "x")
            return gone
        entry = self.both("redis.cleanup", ["cache", "cache"], [{"family": "cache", "dry_run": False}, {"family": "cache"}], clean)
        self.assertEqual(entry["subject"], "family:SUBJECT")

    def test_nothing_of_the_kind(self):
        for action, subject, body, members, status in NOTHING:
            with self.subTest(action=action, body=body):
                number = next(self.numbers)
                answers = [self.by_route(action, subject, body, f"route-{number}"), self.by_action(action, members, f"action-{number}")]
                for answer in answers:
                    self.assertProblem(answer, status)
                said = [{name: value for name, value in answer.json.items() if name != "request_id"} for answer in answers]
                self.assertEqual(said[0], said[1])
                entries = self.admin.get(ROOM + "audit?limit=100").json["items"]
                told = [[{name: entry[name] for name in ("action", "subject", "outcome", "detail", "actor")} for entry in entries
                         if entry["reason"] == f"{by}-{number}"] for by in ("route", "action")]
                self.assertEqual(told[0], told[1])
                self.assertLessEqual(len(told[0]), 1)

    def test_who_may(self):
        operator = self.portal.client()
        operator.login("ops@example.org")
        for action, subject, body, members, status in NOTHING:
            with self.subTest(action=action):
                expected = 403 if action.startswith(("user.", "token.")) else status
                self.assertProblem(self.by_route(action, subject, body, "may-i", operator), expected)
                self.assertProblem(self.by_action(action, members, "may-i", operator), expected)
        for family in ("sessions", "limits"):
            self.assertProblem(self.by_route("redis.cleanup", "", {"family": family, "dry_run": False}, "may-i", operator), 403)
            self.assertProblem(self.by_action("redis.cleanup", {"family": family}, "may-i", operator), 403)

    def test_reasons_are_bounded(self):
        asked = {action: rest for action, *rest in NOTHING}
        asked["user.password"] = (ABSENT, {"password": PASSWORD}, {"id": ABSENT}, 404)
        self.assertEqual(set(asked), set(ROUTES))
        long = "x" * 3000
        limits = f"{ROOM}users/{ABSENT}/limits"
        answers = {"PUT limits": self.admin.put(limits, {"limits": {}, "reason": long}),
                   "DELETE limits": self.admin.delete(f"{limits}?reason={long}")}
        for action, (subject, body, members, _) in asked.items():
            answers[f"route of {action}"] = self.by_route(action, subject, body, long)
            answers[action] = self.by_action(action, members, long)
        for what, answer in answers.items():
            with self.subTest(what=what):
                self.assertProblem(answer, 400)
                self.assertEqual([error["pointer"] for error in answer.json["errors"]], ["/reason"])


if __name__ == "__main__":
    unittest.main()
