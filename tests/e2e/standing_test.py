# SPDX-License-Identifier: GPL-3.0-or-later
"""How a portal stands, as everybody who looks at it sees it: the snapshot, /health, /metrics and the terminal."""

import json
import re
import unittest

from harness import Client, Portal, folder, run, wait_until

ZONES = ["green", "yellow", "red"]


def snapshot_of(portal):
    done = run("status", "--json", "--data-dir", portal.data_dir)
    return json.loads(done.stdout) if done.returncode == 0 else None


def readings_of(portal):
    return {reading["resource"]: reading for reading in (snapshot_of(portal) or {"readings": []})["readings"]}


class StandingTest(unittest.TestCase):
    def assert_agreed(self, portal):
        """Snapshot, metrics and terminal, taken so often that no change of zone lies between them."""
        def agreed():
            before = readings_of(portal)
            metrics = dict(re.findall(r'portal_zone\{resource="(\w+)"\} (\d)', Client(portal.url).get("/metrics").body.decode()))
            terminal = run("status", "--data-dir", portal.data_dir).stdout
            after = readings_of(portal)
            if {name: one["zone"] for name, one in before.items()} != {name: one["zone"] for name, one in after.items()}:
                return None
            zones = {name: ZONES[int(number)] for name, number in metrics.items()}
            known = {name: one["zone"] for name, one in after.items() if one["zone"] != "unknown"}
            return zones == known and f"{len(known)} of {len(after)} watched" in " ".join(terminal.split())
        wait_until(agreed, "snapshot, metrics and terminal agree", 15)

    def test_every_resource_has_a_reading(self):
        with folder() as where:
            portal = Portal(where, tier="small")
            try:
                for name in ("workers", "users", "disk"):
                    wait_until(lambda: readings_of(portal).get(name, {}).get("zone") not in (None, "unknown"), name, 15)
                readings = readings_of(portal)
                self.assertEqual(set(readings), {
                    "redis_memory", "redis_connections", "response_time", "error_rate", "queue", "db_pool", "users",
                    "workers", "oldest_task", "failed_tasks", "refused", "disk", "redis_overhead", "redis_commands",
                    "redis_traffic"})
                for name in ("redis_memory", "redis_connections", "queue", "db_pool", "users", "workers", "oldest_task",
                             "disk", "redis_overhead"):
                    self.assertEqual(readings[name]["unknown"], "no", (name, readings[name]))
                self.assertEqual(readings["users"]["limit"], 15)
                self.assertTrue(0 < readings["disk"]["value"] <= 1)
                # A Redis of one's own has no plan.
                for name in ("redis_commands", "redis_traffic"):
                    self.assertEqual(readings[name]["unknown"], "no-limit", (name, readings[name]))
                self.assert_agreed(portal)
            finally:
                portal.kill()

    def test_no_worker_takes_tasks(self):
        with folder() as where:
            portal = Portal(where, "--workers", "0")
            try:
                client = portal.client().sign_up("waits@example.org")
                tasks = [client.start_analysis(paths=1000) for _ in range(5)]
                wait_until(lambda: readings_of(portal).get("workers", {}).get("zone") == "red", "red", 20)
                workers = readings_of(portal)["workers"]
                self.assertEqual(workers["value"], 5)
                self.assertEqual(snapshot_of(portal)["verdict"], "red")
                health = client.get("/health")
                self.assertEqual((health.status, health.json["status"], health.json["checks"]["queue"]),
                                 (200, "degraded", "stalled"))
                self.assertIn("no worker takes tasks, 5 waiting", run("status", "--data-dir", portal.data_dir).stdout)
                self.assert_agreed(portal)
                self.assertEqual({client.task(task)["state"] for task in tasks}, {"PENDING"})
            finally:
                portal.kill()

    def test_refused_requests(self):
        with folder() as where:
            portal = Portal(where, tier="small")
            try:
                client = portal.client()
                answers = [client.post("/auth/login", {"email": "nobody@example.org", "password": "wrong password"}).status
                           for _ in range(20)]
                self.assertIn(429, answers)
                wait_until(lambda: readings_of(portal).get("refused", {}).get("zone") == "red", "red", 20)
                self.assert_agreed(portal)
            finally:
                portal.kill()


if __name__ == "__main__":
    unittest.main()
