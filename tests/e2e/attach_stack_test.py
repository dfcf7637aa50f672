# SPDX-License-Identifier: GPL-3.0-or-later
"""The console attached to somebody else's stack by its file: it shows that one, writes nothing to it where the file says so,
and says what is wrong with the file before it shows anything."""

import os
import signal
import subprocess
import unittest

from harness import Redis, clean_environment, die_with_parent, folder, patience, wait_until

PORTOLAN = os.environ["PORTOLAN"]
SECRET = "letmein2"


class AttachStackTest(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(folder())
        self.redis = Redis(self.home)
        self.addCleanup(self.redis.stop)
        for number in range(30):
            self.redis.client.set(f"session:{number}", "x" * 200)
        self.redis.client.execute_command("ACL", "SETUSER", "shop", "on", ">" + SECRET, "~*", "&*", "+@all")

    def file(self, *lines, read_only=True):
        where = self.home / "shop.toml"
        where.write_text("\n".join([
            'name = "shop"', f"read_only = {str(read_only).lower()}", "[redis]",
            f'url = "redis://shop@127.0.0.1:{self.redis.port}/0"', 'password = "env:SHOP_REDIS"', *lines, ""]))
        where.chmod(0o600)
        return where

    def environment(self):
        return clean_environment(HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / "config"), QT_QPA_PLATFORM="offscreen",
                                 XDG_DATA_HOME=str(self.home / "data"), SHOP_REDIS=SECRET, PORTOLAN_START_MARKS="1")

    def console(self, *arguments):
        """One that ends by itself."""
        return subprocess.run([PORTOLAN, *arguments], capture_output=True, text=True, timeout=patience(300),
                              env=self.environment(), preexec_fn=die_with_parent)

    def called(self):
        return {name.removeprefix("cmdstat_").upper() for name, stats in self.redis.client.info("commandstats").items()
                if stats["calls"] > 0}

    def test_a_stack_is_shown_and_left_as_it_is(self):
        keys = self.redis.client.dbsize()
        self.redis.client.config_resetstat()
        log = self.home / "console.log"
        with open(log, "wb") as output:
            console = subprocess.Popen([PORTOLAN, "--attach", str(self.file())], stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=output, preexec_fn=die_with_parent, env=self.environment())
        try:
            def marked():
                self.assertIsNone(console.poll(), log.read_text())
                return "portolan: mark sample " in log.read_text()
            wait_until(marked, "a sample in the window", 30)
            wait_until(lambda: "CLIENT|LIST" in self.called(), "the stack is asked", 30)
            names = [client["name"] for client in self.redis.client.client_list()]
            self.assertEqual(names.count("portolan-watch"), 1)
            console.send_signal(signal.SIGTERM)
            self.assertEqual(console.wait(patience(30)), 0, log.read_text())
        finally:
            console.kill()
            console.wait()
        self.assertEqual(self.redis.client.dbsize(), keys)
        self.assertFalse(self.called() & {"SET", "DEL", "UNLINK", "SADD", "LPUSH", "PUBLISH", "CLIENT|KILL", "MULTI"})
        self.assertNotIn(SECRET, log.read_text())
        kept = self.home / "data" / "portolan" / "watch" / "shop"
        self.assertTrue((kept / "history.db").exists())
        for file in kept.iterdir():
            self.assertNotIn(SECRET.encode(), file.read_bytes(), file)

    def test_pictures_are_of_it(self):
        pictures = self.home / "pictures"
        done = self.console("--attach", self.file(), "--screenshots", pictures, "--page", "redis", "--theme", "light")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual([file.name for file in pictures.iterdir()], ["redis-light-100-watched.png"])

    def test_what_is_wrong_with_the_file_is_said_before_it_opens(self):
        for lines, words in ((("urll = 1",), "shop.toml:6: redis.urll"), ((f'ca = "{SECRET}.pem"',), "shop.toml:6: redis.ca"),
                             (None, "nothing.toml")):
            with self.subTest(words=words):
                done = self.console("--attach", self.home / "nothing.toml" if lines is None else self.file(*lines))
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
