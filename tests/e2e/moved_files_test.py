# SPDX-License-Identifier: GPL-3.0-or-later
"""Never "up" where what is written would be lost: files of the data directory that are moved, deleted or replaced while
the portal uses them are missed, and it heals when the very same ones are back."""

import shutil
import socket
import sqlite3
import unittest

from harness import PASSWORD, Portal, Redis, folder, run, wait_until


class MovedFilesTest(unittest.TestCase):
    def setUp(self):
        self.where = self.enterContext(folder())
        self.portal = Portal(self.where)
        self.addCleanup(self.portal.kill)
        self.data_dir = self.portal.data_dir
        self.away = self.where / "away"
        self.addresses = 0
        self.is_ready(True)

    def register(self):
        self.addresses += 1
        body = {"email": f"person{self.addresses}@example.org", "password": PASSWORD}
        return self.portal.client().post("/auth/register", body)

    def is_ready(self, wanted):
        client = self.portal.client()
        wait_until(lambda: (client.get("/health").json["status"] == "healthy") == wanted and
                   (client.get("/ready").status == 200) == wanted, f"healthy and ready is {wanted}")

    def logged(self, *words):
        wait_until(lambda: all(str(word) in self.portal.log_tail(200) for word in words), f"the log says {words}")

    def misses(self, path):
        """Refuses to write, in words that name no path, and says so everywhere."""
        answer = self.register()
        self.assertEqual((answer.status, answer.problem), (503, "database-moved"), answer)
        self.assertNotIn(str(self.where), answer.json["detail"])
        self.is_ready(False)
        self.logged(path)

    def test_the_directory_moved(self):
        self.data_dir.rename(self.away)
        self.misses(self.data_dir)
        status = run("status", "--data-dir", self.data_dir)
        self.assertEqual(status.returncode, 1, status)
        self.assertIn("There is no data directory", status.stderr)
        self.away.rename(self.data_dir)
        self.assertEqual(self.register().status, 201)
        self.is_ready(True)
        wait_until(lambda: run("status", "--data-dir", self.data_dir).returncode == 0, "its socket answers")

    def test_the_directory_put_back_from_a_copy(self):
        self.data_dir.rename(self.away)
        shutil.copytree(self.away, self.data_dir, ignore=lambda _, names: [name for name in names if "sock" in name])
        self.misses(self.data_dir)

    def test_the_directory_deleted(self):
        shutil.rmtree(self.data_dir)
        self.misses(self.data_dir)

    def test_the_database_file_deleted(self):
        (self.data_dir / "portal.db").unlink()
        self.misses(self.data_dir / "portal.db")
        self.assertFalse((self.data_dir / "portal.db").exists())

    def test_the_log_of_the_database_replaced(self):
        log = self.data_dir / "portal.db-wal"
        log.rename(self.away)
        log.write_bytes(b"")
        self.misses(log)
        self.away.rename(log)
        self.assertEqual(self.register().status, 201)
        self.is_ready(True)

    def test_the_files_of_redis_moved(self):
        for path in (self.data_dir / "redis", self.data_dir / "redis" / "appendonlydir"):
            with self.subTest(path.name):
                path.rename(self.away)
                self.is_ready(False)
                self.logged(path)
                self.away.rename(path)
                self.is_ready(True)

    def test_the_lock_deleted(self):
        (self.data_dir / "portoland.lock").unlink()
        wait_until((self.data_dir / "portoland.lock").exists, "the lock file is made again")
        second = run("serve", "--data-dir", self.data_dir, "--listen", "127.0.0.1:0")
        self.assertEqual(second.returncode, 2, second)
        self.assertIn(str(self.portal.pid), second.stderr)

    def test_the_control_socket_replaced(self):
        path = self.data_dir / "control.sock"

        def answers():
            return run("status", "--data-dir", self.data_dir).returncode == 0

        def dead_socket():
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(str(path))

        for name, put in (("nothing", lambda: None), ("a file", lambda: path.write_text("")),
                          ("a dead socket", dead_socket), ("a directory", path.mkdir)):
            with self.subTest(name):
                self.assertTrue(answers())
                path.unlink()
                put()
                wait_until(answers, "the control socket answers again")

    def test_a_table_is_missing(self):
        with sqlite3.connect(self.data_dir / "portal.db") as database:
            database.execute("ALTER TABLE audit RENAME TO kept")
        self.is_ready(False)
        self.logged("audit")
        self.assertEqual(self.portal.stop(), 0)
        done = run("serve", "--data-dir", self.data_dir, "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("audit", done.stderr)
        self.assertIn("portoland restore", done.stderr)

    def test_stops_in_order_beside_a_locked_database(self):
        lock = sqlite3.connect(self.data_dir / "portal.db", isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN EXCLUSIVE")
        self.is_ready(False)
        self.assertEqual(self.portal.stop(30), 0)


class MovedWhileNothingIsKeptInItTest(unittest.TestCase):
    def test_is_degraded_and_ready(self):
        """Accounts and sessions are elsewhere: whoever turns the portal's users away for this helps nobody."""
        where = self.enterContext(folder())
        redis = Redis(where)
        self.addCleanup(redis.stop)
        portal = Portal(where, "--database", f"sqlite:{where / 'other.db'}", "--redis", redis.url)
        self.addCleanup(portal.kill)
        client = portal.client()

        def status():
            return client.get("/health").json["status"]

        wait_until(lambda: status() == "healthy", "it is healthy")
        portal.data_dir.rename(where / "away")
        wait_until(lambda: status() == "degraded", "the missing directory is seen")
        self.assertEqual(client.get("/ready").status, 200)
        self.assertEqual(client.post("/auth/register", {"email": "a@example.org", "password": PASSWORD}).status, 201)
        self.assertIn(str(portal.data_dir), portal.log_tail(200))
        (where / "away").rename(portal.data_dir)
        wait_until(lambda: status() == "healthy", "it is healthy again")


if __name__ == "__main__":
    unittest.main()
