# SPDX-License-Identifier: GPL-3.0-or-later
"""A data directory on a file system that fills up while the portal runs: said by /health and /ready, and over when there
is room again; what operators did meanwhile is in the audit log. Needs a mount namespace of its own."""

import os
import pathlib
import subprocess
import unittest

from harness import PASSWORD, Portal, die_with_parent, folder, run, wait_until


class FullDiskTest(unittest.TestCase):
    def setUp(self):
        self.where = self.enterContext(folder())
        self.data = self.where / "data"
        self.data.mkdir()
        self.mount()

    def mount(self):
        """A small file system, held by a process of its own: it outlives the portal's."""
        own = [] if os.geteuid() == 0 else ["--map-root-user"]
        mounting = f'mount -t tmpfs -o size=20m,mode=700 none "{self.data}" && echo mounted && exec sleep infinity'
        holder = subprocess.Popen(["unshare", *own, "--mount", "sh", "-c", mounting], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.addCleanup(lambda: (holder.kill(), holder.communicate()))
        if holder.stdout.readline() != "mounted\n":
            self.fail("this machine allows no mount namespace; run as root or allow user namespaces")
        user = ["--user", "--preserve-credentials"] if own else []
        self.prefix = ["nsenter", "--target", str(holder.pid), *user, "--mount"]
        # The same directory as the portal sees it.
        self.inside = pathlib.Path(f"/proc/{holder.pid}/root") / self.data.relative_to("/")

    def start(self):
        add = run("user", "add", "ops@example.org", "--role", "operator", "--data-dir", self.data, stdin=PASSWORD + "\n",
                  prefix=self.prefix)
        self.assertEqual(add.returncode, 0, add)
        self.portal = Portal(self.where, prefix=self.prefix)
        self.addCleanup(self.portal.kill)
        self.is_healthy()

    def checks(self):
        return self.portal.client().get("/health").json["checks"]

    def is_healthy(self):
        wait_until(lambda: self.portal.client().get("/health").json["status"] == "healthy", "healthy", 20)

    def fill(self):
        with open(self.inside / "filler", "ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                pass

    def make_room(self):
        (self.inside / "filler").unlink()

    def write(self, number):
        """A user's write, which needs the database and Redis."""
        return self.portal.client().post("/auth/register", {"email": f"u{number}@example.org", "password": PASSWORD})

    def is_full(self):
        """Until both say so: what was free inside their files is used up by writing."""
        numbers = iter(range(10_000))

        def both():
            self.fill()
            self.write(next(numbers))
            checks = self.checks()
            return (checks["database"], checks["redis"]) == ("full", "read-only")

        wait_until(both, "the database is full and Redis read-only", 60)

    def test_said_and_taken_back(self):
        self.start()
        client = self.portal.client().sign_up("user@example.org")
        self.is_full()
        self.assertEqual(self.portal.client().get("/health").json["status"], "degraded")
        self.assertEqual(self.portal.client().get("/ready").status, 503)
        refused = self.write("late")
        self.assertEqual(refused.status, 503, refused)
        for path in (str(self.where), "portal.db", "appendonly"):
            self.assertNotIn(path, refused.body.decode())
        self.make_room()
        # "healthy" comes later: what was refused meanwhile is in the error rate for a minute.
        wait_until(lambda: set(self.checks().values()) == {"up"}, "all up again", 20)
        wait_until(lambda: self.portal.client().get("/ready").status == 200, "ready again", 10)
        self.assertEqual(self.write("later").status, 201)
        self.assertEqual(client.get("/api/me").status, 200)

    def test_what_was_done_meanwhile_is_audited(self):
        self.start()
        operator = self.portal.client()
        operator.login("ops@example.org")
        self.is_full()
        done = operator.put("/api/admin/workers", {"concurrency": 3, "reason": "the disk is full"})
        self.assertIn(done.status, (200, 503), done)
        self.portal.kill()
        self.make_room()
        self.portal.start()
        self.is_healthy()
        operator = self.portal.client()
        operator.login("ops@example.org")

        def resized():
            return [entry["reason"] for entry in operator.get("/api/admin/audit?limit=100").json["items"]
                    if entry["action"] == "worker.resize"]

        expected = ["the disk is full"] if done.status == 200 else []
        wait_until(lambda: resized() == expected, f"the audit log after {done.status} has {expected}", 30)
        wait_until(lambda: not self.inside.joinpath("audit.spool").read_bytes().strip(b"\0"), "nothing waits to be stored", 30)
        self.assertEqual(resized(), expected)


if __name__ == "__main__":
    unittest.main()
