# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever hangs, the process ends within its time when it is asked to, says so, and leaves what the next start takes up."""

import signal
import subprocess
import time
import unittest

from hang import Hang, register_without_answer
from harness import Portal, clean_environment, die_with_parent, folder, patience, portoland, signal_twice, wait_until

TIMEOUT = 1  # shutdown.timeout, in seconds
MARGIN = 10  # StopWatchdog::margin
SAME_WISH = 1  # sameWish, in seconds
LATE = 5  # and what a busy machine needs beside
MESSAGE = "stopping took too long, so the process ends without"


class HangTest(unittest.TestCase):
    def setUp(self):
        self.where = self.enterContext(folder())
        self.hang = Hang(self.where, "/data/portal.db-wal")

    def ends(self, process, log):
        """On SIGTERM, late and not in order."""
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(TIMEOUT + MARGIN + patience(LATE))
        took = time.monotonic() - begin
        self.assertEqual(code, 1, log.read_text())
        self.assertGreaterEqual(took, TIMEOUT + MARGIN)
        self.assertEqual(log.read_text().count(MESSAGE), 1, log.read_text())

    def test_a_database_that_hangs(self):
        portal = Portal(self.where, "--set", f"shutdown.timeout={TIMEOUT}s", env=self.hang.env)
        self.addCleanup(portal.kill)
        portal.client().sign_up("early@example.org")
        self.hang.begin()
        client = portal.client()
        for _ in range(4):
            register_without_answer(client)
        wait_until(lambda: portal.client().get("/health").json["checks"]["database"] != "up", "the database hangs", 30)
        self.ends(portal.process, portal.log)
        self.hang.end()
        portal.start()
        portal.client().login("early@example.org")
        self.assertEqual(portal.stop(), 0)

    def test_who_asks_again_later_does_not_wait(self):
        portal = Portal(self.where, env=self.hang.env)
        self.addCleanup(portal.kill)
        portal.client().sign_up("early@example.org")
        self.hang.begin()
        for _ in range(4):
            register_without_answer(portal.client())
        wait_until(lambda: portal.client().get("/health").json["checks"]["database"] != "up", "the database hangs", 30)
        begin = time.monotonic()

        def ended():
            portal.process.send_signal(signal.SIGTERM)
            return portal.process.poll() is not None

        wait_until(ended, "it ends by the first signal of the second second", LATE)
        self.assertEqual(portal.process.returncode, 128 + signal.SIGTERM, portal.log_tail())
        self.assertGreaterEqual(time.monotonic() - begin, SAME_WISH)

    def test_two_signals_at_once_are_one(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                portal = Portal(self.where)
                self.addCleanup(portal.kill)
                signal_twice(portal.process, number)
                self.assertEqual(portal.process.wait(patience(30)), 0, portal.log_tail())
                self.assertIn('"stopped"', portal.log_tail())

    def test_a_start_that_hangs(self):
        log = self.where / "start.log"
        self.hang.begin()
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [portoland(), "serve", "--listen", "127.0.0.1:0", "--data-dir", str(self.where / "data"),
                 "--set", f"shutdown.timeout={TIMEOUT}s"], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=clean_environment(**self.hang.env), preexec_fn=die_with_parent, start_new_session=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: (self.where / "data" / "portal.db-wal").exists(), "the database is made", 20)
        self.ends(process, log)


if __name__ == "__main__":
    unittest.main()
