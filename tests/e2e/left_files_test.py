# SPDX-License-Identifier: GPL-3.0-or-later
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

    def test_with_a_manifest_that_names_only_the_base(self):
        client = self.leave_something()
        manifest = self.aof / "appendonly.aof.manifest"
        manifest.write_text("".join(line for line in manifest.read_text().splitlines(True) if " type b" in line))
        self.mended(client)

    def test_with_a_file_cut_short(self):
        self.leave_something()
        incr = self.aof / "appendonly.aof.1.incr.aof"
        whole = incr.read_bytes()
        self.assertGreater(len(whole), 900)
        # The last one ends between two commands, where Redis finds nothing wrong.
        for size in (900, 300, 10, whole.index(b"\r\n*", 200) + 2):
            with self.subTest(size=size):
                incr.write_bytes(whole[:size])
                self.refused(1, incr, f"{size} bytes", f"{len(whole)} when")
                line = self.refused(1, incr)  # trying again does not help
        done = run(*self.command_in(line))
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(f"{len(whole) - size} of {len(whole)} bytes", done.stdout)
        with self.started_again() as portal:
            portal.client().login("kept@example.org")

    def test_with_another_base(self):
        self.leave_something()
        base = self.aof / "appendonly.aof.1.base.rdb"
        whole = base.read_bytes()
        for other in (b"", whole[:-8] + bytes(8), whole + b"x"):  # 8 zeros: an RDB file without a checksum
            with self.subTest(size=len(other)):
                base.write_bytes(other)
                self.refused(1, base)
        base.write_bytes(whole)
        with self.started_again() as portal:
            portal.client().login("kept@example.org")

    def test_without_all_of_redis(self):
        for in_its_place in (None, "a file", "an empty directory"):
            with self.subTest(in_its_place=in_its_place):
                self.setUp()
                self.leave_something()
                shutil.rmtree(self.aof.parent)
                if in_its_place == "a file":
                    self.aof.parent.write_text("no directory")
                elif in_its_place:
                    self.aof.parent.mkdir()
                line = self.refused(1, self.aof.parent)
                self.assertEqual(run(*self.command_in(line)).returncode, 0)
                with self.started_again() as portal:
                    portal.client().login("kept@example.org")
                kept = list(self.data_dir.glob("redis.kept-*"))
                self.assertEqual([path.read_text() for path in kept],
                                 ["no directory"] if in_its_place == "a file" else [])

    def test_with_a_note_of_an_earlier_version(self):
        client = self.leave_something()
        sizes = {path.name: path.stat().st_size for path in self.aof.glob("appendonly.aof.1.*")}
        (self.data_dir / "redis.note").unlink()
        note = self.aof.parent / "appendonly.note"
        note.write_text("".join(f"{name} {size}\n" for name, size in sizes.items()))
        with self.started_again() as portal:
            client.url, client.port = portal.url, portal.port
            self.assertEqual(client.get("/api/me").status, 200)
            self.assertEqual(portal.stop(), 0)
        self.assertFalse(note.exists())
        shutil.rmtree(self.aof.parent)
        self.refused(1, self.aof)

    def test_with_a_damaged_note(self):
        for damage in (b"", b"\x00\xff garbage\n"):
            with self.subTest(damage=damage):
                self.setUp()
                client = self.leave_something()
                (self.data_dir / "redis.note").write_bytes(damage)
                (self.data_dir / "database.note").write_bytes(damage)
                with self.started_again() as portal:
                    client.url, client.port = portal.url, portal.port
                    self.assertEqual(client.get("/api/me").status, 200)
                    self.assertEqual(portal.stop(), 0)
                (self.data_dir / "redis.note").write_bytes(damage)
                shutil.rmtree(self.aof)
                self.refused(1, self.aof)
                (self.data_dir / "database.note").write_bytes(damage)
                (self.data_dir / "portal.db").unlink()
                self.refused(1, self.data_dir / "portal.db")

    def test_without_the_folder(self):
        self.leave_something()
        shutil.rmtree(self.aof)
        line = self.refused(1, self.aof, "gone")
        done = run("mend", "--data-dir", self.data_dir)
        self.assertEqual(done.returncode, 1, done)  # nothing is left to mend
        self.assertEqual(self.command_in(done.stderr), self.command_in(line))
        self.assertEqual(run(*self.command_in(line)).returncode, 0)
        with self.started_again() as portal:
            portal.client().login("kept@example.org")  # the account is in the database

    def test_with_nothing_damaged(self):
        client = self.leave_something()
        for _ in range(2):
            done = run("mend", "--data-dir", self.data_dir)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("are whole: nothing was changed", done.stdout)
        self.assertEqual([path.name for path in self.aof.parent.glob("*.kept-*")], [])
        with self.started_again() as portal:
            client.url, client.port = portal.url, portal.port
            self.assertEqual(client.get("/api/me").status, 200, "still signed in")

    def test_with_a_base_that_cannot_be_mended(self):
        self.leave_something()
        base = self.aof / "appendonly.aof.1.base.rdb"
        base.write_bytes(base.read_bytes()[:-4] + b"oops")
        for _ in range(2):
            done = run("mend", "--data-dir", self.data_dir)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(str(base), done.stderr)
        self.assertEqual([path.name for path in self.aof.parent.glob("*.kept-*")], [], "nothing was touched")
        self.assertEqual(run(*self.command_in(done.stderr)).returncode, 0)
        with self.started_again() as portal:
            portal.client().login("kept@example.org")

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
        done = run("mend", "--data-dir", self.data_dir)
        self.assertEqual(done.returncode, 1, done)  # it brings no database back
        self.assertIn("are whole", done.stdout)
        for words in (str(database), "portoland restore", "--empty"):
            self.assertIn(words, done.stderr)
        self.assertEqual(run("restore", copy, "--data-dir", self.data_dir).returncode, 0)
        with self.started_again() as portal:
            self.assertEqual(portal.client().post("/auth/login", {"email": "kept@example.org",
                                                                  "password": PASSWORD}).status, 200)

    def test_with_no_database_in_its_place(self):
        def directory(path):
            path.unlink()
            path.mkdir()

        def no_tables(path):
            path.unlink()
            with contextlib.closing(sqlite3.connect(path)) as made:
                made.execute("PRAGMA user_version = 1")
                made.execute("VACUUM")

        damages = {"is empty": (lambda path: path.write_bytes(b""), no_tables),
                   "no database": (lambda path: path.write_bytes(b"Dear diary\n" * 50),
                                   lambda path: path.write_bytes(bytes(8192))),
                   "directory": (directory,)}
        for words, ways in damages.items():
            for damage in ways:
                with self.subTest(words=words):
                    self.setUp()
                    self.leave_something()
                    database = self.data_dir / "portal.db"
                    copy = self.where / "copy.db"
                    self.assertEqual(run("backup", copy, "--data-dir", self.data_dir).returncode, 0)
                    damage(database)
                    self.refused(1, database, words, "mend", "--empty", "portoland restore")
                    for command in (("migrate",), ("backup", self.where / "other.db"), ("user", "list"),
                                    ("user", "add", "new@example.org")):
                        done = run(*command, "--data-dir", self.data_dir, stdin=PASSWORD + "\n")
                        self.assertNotEqual(done.returncode, 0, done)
                    self.refused(1, database, words)
                    done = run("mend", "--empty", "--data-dir", self.data_dir)
                    self.assertEqual(done.returncode, 0, done)
                    self.assertTrue((self.data_dir / "portal.db.kept").exists())
                    self.assertEqual(run("restore", copy, "--data-dir", self.data_dir).returncode, 0)
                    with self.started_again() as portal:
                        portal.client().login("kept@example.org")

    def test_an_emptied_database_keeps_its_log(self):
        self.leave_something()
        (self.data_dir / "portal.db").write_bytes(b"")
        (self.data_dir / "portal.db-wal").write_bytes(b"log")
        self.refused(1, self.data_dir / "portal.db", "portal.db-wal")
        self.assertEqual(run("mend", "--empty", "--data-dir", self.data_dir).returncode, 0)
        self.assertEqual((self.data_dir / "portal.db-wal.kept").read_bytes(), b"log")
        with self.started_again() as portal:
            portal.client().sign_up("new@example.org")

    def test_a_data_directory_that_was_moved(self):
        self.leave_something()
        moved = self.where / "moved"
        self.data_dir.rename(moved)
        self.data_dir = moved
        (moved / "portal.db").unlink()
        self.refused(1, moved / "portal.db")

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
