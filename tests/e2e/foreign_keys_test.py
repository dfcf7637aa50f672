# SPDX-License-Identifier: GPL-3.0-or-later
"""On a Redis that somebody else runs, and others use: rights to some keys only, keys used for something else, lists of
others, bounds that are narrower than the plan. What is missing is said, and what is known is still shown."""

import json
import unittest


from foreign_redis_test import health_of, log_lines, rights_lines, served, snapshot_of, works
from celery_client import App
from harness import Client, run, wait_until

MiB = 1024 * 1024
OWN_KEYS = "~s:* ~l:* ~i:* ~q:* ~unacked* ~_kombu* ~celery* ~*.reply.celery.pidbox"


def readings_of(portal):
    return {reading["resource"]: reading for reading in snapshot_of(portal)["readings"]}


def not_told(portal, part):
    return [one for one in snapshot_of(portal)["not_told"] if one["part"] == part]


class ExactRightsTest(unittest.TestCase):
    """The line in the log is all that is needed: whoever follows it is not sent again."""

    def mended(self, rules):
        """Gives the user of `rules` the line in the log, and goes every path as that user."""
        with served(user=rules, arguments=("--set", "ceilings.analysis=2")) as (portal, server):
            line = wait_until(lambda: rights_lines(portal), "the missing rights", 15)[0]
            self.assertEqual("reset" in line["mend"], "mend_drops" in line, line)
            server.client.execute_command(*line["mend"].split())
            portal.stop()
            server.client.execute_command("ACL", "LOG", "RESET")
            portal.log.write_text("")
            portal.start()
            self.every_path(portal, server)
            self.assertEqual(rights_lines(portal), [])
            refused = [dict(zip(entry[::2], entry[1::2])) for entry in server.client.execute_command("ACL", "LOG")]
            # Whom the line would name, and whether all channels are allowed; and what is tried where nobody needs a right.
            refused = [entry for entry in refused if entry[b"object"] not in (b"acl|whoami", b"spublish")
                       and not entry[b"object"].startswith(b"rights:")]
            self.assertEqual(refused, [], "what the line did not allow")
            wait_until(lambda: snapshot_of(portal)["redis"]["used_memory"], "figures", 10)
            self.assertEqual(snapshot_of(portal)["not_told"], [])

    def every_path(self, portal, server):
        works(self, portal)
        client = portal.client().sign_up("paths@example.org")
        app = App(server.url)
        # Kept for its time, and revoked; one that is not kept.
        held = app.send_task("portal.noop", args=(1,), countdown=3600)
        wait_until(lambda: server.client.hlen("unacked") == 1, "it is held", 10)
        held.revoke()
        wait_until(lambda: server.client.hlen("unacked") == 0, "it is given up", 20)
        self.assertEqual(client.delete("/api/tasks/" + client.start_analysis(paths=100000)).status // 100, 2)
        self.assertTrue(app.control.inspect(timeout=5).ping())
        # Killed while it held something: put back by the next.
        app.send_task("portal.noop", args=(2,), countdown=3600)
        wait_until(lambda: server.client.hlen("unacked") == 1, "it is held", 10)
        owners = lambda: {key for key in server.client.scan_iter("q:o:*")}
        dead = owners()
        portal.kill()
        portal.start()
        wait_until(lambda: owners() and not owners() & dead, "it was put back, and taken again", 40)
        client = portal.client()
        client.login("paths@example.org")
        self.assertEqual(client.post("/auth/logout").status // 100, 2)
        works(self, portal, "again@example.org")

    def test_without_any_right(self):
        self.mended("resetkeys resetchannels -@all")

    def test_with_all_commands_and_no_keys(self):
        self.mended("~nothing &nothing +@all")

    def test_with_the_keys_of_the_queue_only(self):
        self.mended("~celery* ~_kombu* &* +@all")

    def test_a_command_that_is_renamed_is_no_matter_of_rights(self):
        with served("--rename-command", "SUBSCRIBE", "") as (portal, _):
            line = wait_until(lambda: rights_lines(portal), "what is missing", 10)[0]
            self.assertIn("SUBSCRIBE p:*", line["what"])
            self.assertNotIn("ACL", line["mend"])
            self.assertIn("rename-command", line["mend"])
            self.assertTrue(wait_until(lambda: not_told(portal, "live"), "not told", 10)[0]["unknown"])

    def test_another_database_without_select(self):
        with served(user="~* &* +@all") as (portal, server):
            server.client.execute_command("ACL", "SETUSER", "other", "on", ">pw", "~*", "&*", "+@all", "-select")
            url = server.url.replace("redis://", "redis://other:pw@").replace("/0", "/1")
            done = run("serve", "--listen", "127.0.0.1:0", "--data-dir", portal.data_dir.parent / "d", "--redis", url)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("ACL SETUSER other +select", done.stderr)

    def test_what_is_not_indispensable_is_not_said_to_be(self):
        with served("--rename-command", "PFADD", "", "--rename-command", "PFCOUNT", "") as (portal, _):
            works(self, portal)
            self.assertEqual([line["level"] for line in rights_lines(portal)], ["warning"])

    def test_without_the_right_to_tell_other_instances_everything_else_goes_on(self):
        user = OWN_KEYS.replace("~i:* ", "") + " resetchannels &celery-task-meta-* +@all"
        with served(user=user) as (portal, _):
            works(self, portal)
            told = wait_until(lambda: not_told(portal, "instances"), "that the others do not hear of it", 20)
            self.assertEqual(told[0]["command"], "PUBLISH")
            self.assertEqual([(one["own"], one["up"]) for one in snapshot_of(portal)["instances"]], [(True, True)])
            self.assertIn("keys i:*", {one["command"] for one in not_told(portal, "live")})
            self.assertIn("other instances", run("status", "--data-dir", portal.data_dir).stdout)
            self.assertIn("~i:*", rights_lines(portal)[0]["mend"])

    def test_a_policy_that_never_acts(self):
        with served("--maxmemory-policy", "allkeys-lru") as (portal, _):
            works(self, portal)


class OtherTypeTest(unittest.TestCase):
    """A key somebody else has used for something else."""

    def broken(self, key, make, starts=503):
        with served(arguments=("--set", "ceilings.analysis=2"), prepare=lambda client: make(client, key)) as (portal, server):
            wait_until(lambda: health_of(portal)["checks"]["queue"] == "failing", "failing", 25)
            self.assertEqual(health_of(portal)["status"], "degraded")
            wait_until(lambda: snapshot_of(portal)["verdict"] == "red", "red", 10)
            client = portal.client().sign_up("user@example.org")
            answer = client.post("/start-analysis", {"symbol": "AAPL"})
            self.assertEqual(answer.status, starts, answer)
            said = [line for line in log_lines(portal) if f'"{key}"' in line.get("why", "")]
            self.assertEqual(len(said), 1, log_lines(portal))
            server.client.delete(key)
            works(self, portal, "again@example.org")

    def test_the_queue_is_a_text(self):
        self.broken("celery", lambda client, key: client.set(key, "x"))

    def test_the_queue_is_a_set(self):
        self.broken("celery", lambda client, key: client.sadd(key, "x"))

    def test_the_places_are_a_text(self):
        self.broken("l:canalysis", lambda client, key: client.set(key, "x"))

    def test_the_binding_of_remote_control_is_a_text(self):
        self.broken("_kombu.binding.celery.pidbox", lambda client, key: client.set(key, "x"), starts=202)


class ForeignListsTest(unittest.TestCase):
    def message(self):
        return json.dumps({"body": "W10=", "headers": {"task": "a.b", "id": "1"}, "properties": {}})

    def test_lists_the_user_may_not_read_are_left_out_and_said(self):
        with served(user=OWN_KEYS + " &* +@all") as (portal, server):
            works(self, portal)
            server.client.lpush("emails", self.message())
            told = wait_until(lambda: not_told(portal, "lists"), "not told", 20)
            self.assertEqual(told[0]["command"], "keys emails")
            now = snapshot_of(portal)
            self.assertEqual(now["queue"]["waiting"], 0)
            self.assertFalse(now["queue"]["complete"])
            self.assertNotEqual(readings_of(portal)["queue"]["zone"], "unknown")
            self.assertIn('may not read "emails"', run("status", "--data-dir", portal.data_dir).stdout)

    def test_without_scan_the_sum_is_what_is_known(self):
        with served("--rename-command", "SCAN", "") as (portal, server):
            works(self, portal)
            server.client.lpush("emails", self.message())
            self.assertEqual(wait_until(lambda: not_told(portal, "lists"), "not told", 20)[0]["command"], "SCAN")
            text = run("status", "--data-dir", portal.data_dir).stdout
            self.assertIn("at least 0 waiting", text)
            self.assertIn("SCAN is blocked or renamed there", text)


class BoundsTest(unittest.TestCase):
    def test_the_servers_own_bounds_count_where_they_are_narrower(self):
        with served("--maxmemory", "16mb", "--maxclients", "12") as (portal, server):
            works(self, portal)
            now = wait_until(lambda: (lambda r: r if r["redis_memory"]["value"] else None)(readings_of(portal)),
                             "figures", 10)
            self.assertEqual(now["redis_memory"]["limit"], 16 * MiB)
            self.assertLess(now["redis_memory"]["red"], 16 * MiB)
            self.assertEqual(now["redis_connections"]["limit"], 12)
            self.assertLess(now["redis_connections"]["red"], 12)
            server.client.config_set("maxmemory", 0)
            wait_until(lambda: readings_of(portal)["redis_memory"]["limit"] > 16 * MiB, "the plan's limit", 10)

    def test_a_subscriber_without_a_connection_is_said(self):
        with served() as (portal, server):
            works(self, portal)
            own = next(int(one["id"]) for one in server.client.client_list() if one["cmd"].startswith("client"))
            server.client.config_set("maxclients", 2)  # this one, and the portal's first
            for one in server.client.client_list():
                if int(one["id"]) != own and int(one["sub"]) + int(one["psub"]) > 0:
                    server.client.execute_command("CLIENT", "KILL", "ID", one["id"])
            told = wait_until(lambda: not_told(portal, "live"), "not told", 20)
            self.assertIn("max number of clients", told[0]["told"])
            self.assertTrue(any("max number of clients" in line.get("why", "") for line in log_lines(portal)))
            server.client.config_set("maxclients", 100)
            wait_until(lambda: not not_told(portal, "live"), "live again", 40)


if __name__ == "__main__":
    unittest.main()
