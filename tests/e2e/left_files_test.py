"""Never empty where there was something: a portal whose files are gone or damaged stops with one command that mends it,
and that command works."""

import contextlib
import re
import shlex
import shutil
import sqlite3
import unittest

from harness import PASSWORD, Portal, folder, run, wait_until


class LeftFilesTest(unittest.TestCase):
    def setUp(self):
        self.where = self.enterContext(folder())
        self.data_dir = self.where / "data"
        self.aof = self.data_dir / "redis" / "appendonlydir"

    def leave_something(self):
        """A portal with somebody signed in and a task that waits, stopped in order: the client."""
        portal = Portal(self.where, "--workers", "0")
        try:
            client = portal.client().sign_up("kept@example.org")
            self.task = client.start_analysis(paths=1000)
            self.assertEqual(portal.stop(), 0)
        finally:
            portal.kill()
        return client

    def refused(self, code, *words):
        """Does not start, says these words in one line, and names one command, which it answers."""
        done = run("serve", "--listen", "127.0.0.1:0", "--data-dir", self.data_dir, "--log-format", "text")
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(done.stdout, "")
        line = done.stderr.strip().splitlines()[-1]
        for word in words:
            self.assertIn(str(word), line)
        self.assertNotIn("redis-check-aof", done.stderr.splitlines()[-1])
        self.assertNotIn("<", line, "a placeholder is no command")
        return line

    def command_in(self, line):
        commands = re.findall(r"`portoland ([^`]+)`", line)
        self.assertEqual(len(commands), 1, line)
        return shlex.split(commands[0])

    @contextlib.contextmanager
    def started_again(self):
        portal = Portal(self.where)
        try:
            yield portal
        finally:
            portal.kill()

    def mended(self, client, *breaks):
        line = self.refused(1, self.aof)
        before = sorted(path.name for path in self.aof.glob("*")) if self.aof.exists() else []
        done = run(*self.command_in(line))
        self.assertEqual(done.returncode, 0, done)
        copies = list(self.aof.parent.glob("appendonlydir.kept-*"))
        self.assertEqual(len(copies), 1)
        self.assertEqual(sorted(path.name for path in copies[0].glob("*")), before)
        with self.started_again() as portal:
            client.url, client.port = portal.url, portal.port
            self.assertEqual(client.get("/api/me").status, 200, "still signed in")
            self.assertEqual(client.wait_for_task(self.task)["state"], "SUCCESS")

    def test_without_the_manifest(self):
        client = self.leave_something()
        (self.aof / "appendonly.aof.manifest").unlink()
        self.mended(client)

    def test_with_an_empty_manifest(self):
        client = self.leave_something()
        (self.aof / "appendonly.aof.manifest").write_text("")
        self.mended(client)

    def test_with_a_manifest_that_names_no_base(self):
        client = self.leave_something()
        manifest = self.aof / "appendonly.aof.manifest"
        manifest.write_text("".join(line for line in manifest.read_text().splitlines(True) if " type b" not in line))
        self.mended(client)

    def test_with_garbage_at_the_end(self):
        client = self.leave_something()
        with open(self.aof / "appendonly.aof.1.incr.aof", "ab") as file:
            file.write(b"garbage\r\n*1\r\n$4\r\nPING\r\n")
        self.mended(client)

    def test_without_the_folder(self):
        self.leave_something()
        shutil.rmtree(self.aof)
        line = self.refused(1, self.aof, "gone")
        done = run(*self.command_in(line))
        self.assertEqual(done.returncode, 1, done)  # nothing is left to mend
        self.assertIn("start empty", done.stderr)
        self.assertEqual(run(*self.command_in(line), "--empty").returncode, 0)
        with self.started_again() as portal:
            portal.client().login("kept@example.org")  # the account is in the database

    def test_starting_without_it_keeps_a_copy(self):
        self.leave_something()
        (self.aof / "appendonly.aof.manifest").unlink()
        line = self.refused(1, self.aof)
        self.assertEqual(run(*self.command_in(line), "--empty").returncode, 0)
        kept = list(self.aof.parent.glob("appendonlydir.kept-*"))
        self.assertEqual(len(kept), 1)
        self.assertTrue((kept[0] / "appendonly.aof.1.incr.aof").stat().st_size > 0)
        with self.started_again() as portal:
            portal.client().login("kept@example.org")

    def test_no_mending_beside_a_running_portal(self):
        portal = Portal(self.where)
        try:
            done = run("mend", "--data-dir", portal.data_dir)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(str(portal.pid), done.stderr)
        finally:
            portal.kill()

    def test_a_portal_that_was_killed_starts(self):
        portal = Portal(self.where)
        try:
            client = portal.client().sign_up("kept@example.org")
            portal.kill()
            portal.start()
            client.url, client.port = portal.url, portal.port
            self.assertEqual(client.get("/api/me").status, 200)
        finally:
            portal.kill()

    def test_without_the_database_file(self):
        self.leave_something()
        database = self.data_dir / "portal.db"
        copy = self.where / "copy.db"
        self.assertEqual(run("backup", copy, "--data-dir", self.data_dir).returncode, 0)
        for path in self.data_dir.glob("portal.db*"):
            path.unlink()
        self.refused(1, database, "portoland restore")
        self.assertFalse(database.exists(), "nothing was made in its place")
        self.assertEqual(run("restore", copy, "--data-dir", self.data_dir).returncode, 0)
        with self.started_again() as portal:
            self.assertEqual(portal.client().post("/auth/login", {"email": "kept@example.org",
                                                                  "password": PASSWORD}).status, 200)

    def test_with_only_the_log_of_the_database(self):
        self.leave_something()
        database = self.data_dir / "portal.db"
        with contextlib.closing(sqlite3.connect(database)) as open_file:
            open_file.execute("UPDATE schema_migrations SET name = name || ''")
            open_file.commit()
            log = (self.data_dir / "portal.db-wal").read_bytes()
        for path in self.data_dir.glob("portal.db*"):
            path.unlink()
        (self.data_dir / "database.note").unlink()
        (self.data_dir / "portal.db-wal").write_bytes(log or b"log")
        self.refused(1, database, "portal.db-wal")
        self.assertEqual(run("mend", "--empty", "--data-dir", self.data_dir).returncode, 0)
        self.assertTrue((self.data_dir / "portal.db-wal.kept").exists())
        with self.started_again() as portal:
            portal.client().sign_up("new@example.org")


class FailingWritesTest(unittest.TestCase):
    """What answers but cannot be written is not up."""

    def checks(self, portal):
        return portal.client().get("/health").json["checks"]

    def test_a_foreign_write_lock(self):
        with folder() as where:
            portal = Portal(where)
            try:
                client = portal.client().sign_up("user@example.org")
                lock = sqlite3.connect(portal.data_dir / "portal.db", isolation_level=None, timeout=10)
                lock.execute("BEGIN IMMEDIATE")
                wait_until(lambda: self.checks(portal)["database"] not in ("up", "unknown"), "the lock is seen", 20)
                self.assertEqual(portal.client().get("/ready").status, 503)
                lock.execute("ROLLBACK")
                lock.close()
                wait_until(lambda: self.checks(portal)["database"] == "up", "up again", 20)
                self.assertEqual(client.get("/api/me").status, 200)
            finally:
                portal.kill()

    def test_a_damaged_database(self):
        with folder() as where:
            portal = Portal(where)
            try:
                portal.client().sign_up("user@example.org")
                database = portal.data_dir / "portal.db"
                with contextlib.closing(sqlite3.connect(database)) as open_file:
                    open_file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    page = open_file.execute("PRAGMA page_size").fetchone()[0]
                    root = open_file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'users'").fetchone()[0]
                portal.stop()
                with open(database, "r+b") as file:
                    file.seek((root - 1) * page)
                    file.write(b"\xff" * page)
                portal.start()
                self.assertEqual(portal.client().post("/auth/login", {"email": "user@example.org",
                                                                      "password": PASSWORD}).status, 500)
                wait_until(lambda: self.checks(portal)["database"] == "corrupt", "the damage is said", 20)
                self.assertEqual(portal.client().get("/ready").status, 503)
            finally:
                portal.kill()


if __name__ == "__main__":
    unittest.main()
