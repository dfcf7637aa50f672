# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a watched deployment, as `check-config --watch` reads it: what it says and would do, everything that is wrong
with it at once, and that no secret is in what is printed."""

import os
import unittest

from harness import folder, run

SECRET = "hunter2"

SHOP = """\
name = "shop"
tier = "small"
production = true
redis      = { url = "rediss://portolan@redis.example:6380/0", password = "env:SHOP_REDIS", ca = "shop-ca.pem", through = "ssh:bastion" }
celery     = { queues = ["celery", "mail"], result_url = "redis://redis.example:6379/1" }
postgresql = { url = "postgresql://monitor@db.example/shop", password = "env:SHOP_DB_PASSWORD" }
metrics    = { url = "https://shop.example/metrics", map = "django-prometheus", token = "file:token" }

[[probe]]
url = "https://shop.example/health"
every = "10s"

[budget]
cache = "2MB"

[families]
sessions = ["session:*"]
"""


class WatchFileTest(unittest.TestCase):
    def setUp(self):
        self.where = self.enterContext(folder())
        self.file = self.where / "shop.toml"

    def check(self, text, *, env=None, mode=0o600):
        self.file.write_text(text)
        self.file.chmod(mode)
        return run("check-config", "--watch", self.file, env=env)

    def whole(self):
        (self.where / "shop-ca.pem").write_text("")
        token = self.where / "token"
        token.write_text(SECRET)
        token.chmod(0o600)
        return {"SHOP_REDIS": SECRET}

    def test_it_says_what_the_file_says_and_means(self):
        done = self.check(SHOP, env=self.whole())
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertNotIn(SECRET, done.stdout)
        lines = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
        self.assertIn(f"{self.file}:4", lines["redis.url"])
        self.assertIn("rediss://redis.example:6380", lines["redis.url"])
        self.assertNotIn("portolan@", lines["redis.url"])
        self.assertIn("env:SHOP_REDIS", lines["redis.password"])
        self.assertIn("where its password is", lines["redis.password"])
        self.assertIn("built-in", lines["probe.timeout"])
        self.assertIn("5s", lines["probe.timeout"])
        self.assertIn("Memory a key family may take", lines["budget.cache"])
        self.assertIn("ssh:bastion", lines["redis.through"])
        self.assertIn("[session:*]", lines["families.sessions"])
        for words in ["redis: rediss://redis.example:6380, through ssh to bastion, trusting the authority in ",
                      "celery: queues celery, mail; results at redis://redis.example:6379/1; asks workers by remote control",
                      "metrics: https://shop.example/metrics; read every 15s, map django-prometheus",
                      "probe: https://shop.example/health; every 10s, a good answer is 200 within 5s",
                      f"postgresql: not watched by this version ({self.file}:6)",
                      "postgresql.password: env:SHOP_DB_PASSWORD, not read by this version",
                      "redis.password: env:SHOP_REDIS, there", f"metrics.token: file:{self.where}/token, there"]:
            self.assertIn(words, done.stdout)

    def test_it_says_what_is_not_watched(self):
        done = self.check("name = 'a'\n[redis]\nurl = 'redis://h'\n")
        self.assertEqual(done.returncode, 0, done)
        for part in ("[celery]", "[metrics]", "[[probe]]"):
            self.assertIn(f"Without {part}: ", done.stdout)
        self.assertNotIn("Without [redis]", done.stdout)

    def test_a_secret_that_cannot_be_read_here_is_said_by_the_status_too(self):
        environment = self.whole()
        del environment["SHOP_REDIS"]
        (self.where / "token").chmod(0o640)
        os.unlink(self.where / "shop-ca.pem")
        done = self.check(SHOP, env=environment)
        self.assertEqual(done.returncode, 1, done)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 3, done.stderr)
        self.assertIn(f"{self.file}:4: redis.password: the variable SHOP_REDIS is not set", lines[0])
        self.assertIn(f"{self.file}:7: metrics.token: {self.where}/token is open to others. Run chmod 600 on it", lines[1])
        self.assertIn(f"{self.file}:4: redis.ca: {self.where}/shop-ca.pem cannot be read", lines[2])
        self.assertIn("redis.password: env:SHOP_REDIS, cannot be read here\n", done.stdout)
        self.assertNotIn(SECRET, done.stdout + done.stderr)

    def test_everything_wrong_is_said_at_once_with_its_line(self):
        done = self.check(f"""\
nam = "shop"
[redis]
urll = "redis://h"
password = "{SECRET}"
through = "ssh:-oProxyCommand=touch"
[metrics]
url = "https://u:{SECRET}@shop.example/metrics"
map = "django-promtheus"
[docker]
host = "docker.example"
""")
        self.assertEqual((done.returncode, done.stdout), (2, ""), done)
        self.assertNotIn(SECRET, done.stderr)
        expected = [": name: is missing", ":1: nam: unknown key; did you mean name?", ":2: redis.url: is missing",
                    ":3: redis.urll: unknown key; did you mean url?", ":4: redis.password: a secret stands here in clear",
                    ":5: redis.through: a host may not begin with '-'", ":7: metrics.url: it holds a user or a password in clear",
                    ":8: metrics.map: there is no such map; did you mean django-prometheus?", ":10: docker.host: it names no Docker"]
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), len(expected), done.stderr)
        for line, words in zip(lines, expected):
            self.assertTrue(line.startswith(f"{self.file}{words}"), line)

    def test_a_keychain_is_the_consoles(self):
        done = self.check("name = 'a'\n[redis]\nurl = 'redis://h'\npassword = 'keychain:shop'\n")
        self.assertEqual(done.returncode, 2, done)
        for other in ("env:NAME", "file:PATH", "command:[PROGRAM, ARG]"):
            self.assertIn(other, done.stderr)

    def test_no_program_runs_and_none_of_a_file_that_others_may_write(self):
        witness = self.where / "witness"
        text = f"name = 'a'\n[redis]\nurl = 'redis://h'\npassword = 'command:[touch, {witness}, \"a, b\"]'\n"
        done = self.check(text)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(f"redis.password: runs touch {witness} 'a, b' ({self.file}:4)", done.stdout)
        self.assertFalse(witness.exists())
        for mode in (0o620, 0o602, 0o666):
            done = self.check(text, mode=mode)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(f"{self.file}:4: redis.password: no program of this file is run: ", done.stderr)
        self.where.chmod(0o777)
        done = self.check(text)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(f"{self.where} can be written by others", done.stderr)
        self.where.chmod(0o700)

    def test_files_that_are_none(self):
        done = run("check-config", "--watch", self.where / "none.toml")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("No such file or directory", done.stderr)
        done = self.check("a." * 400_000 + "a = 1\n")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(f"{self.file}:1: ", done.stderr)
        self.file.unlink()
        os.mkfifo(self.file)
        self.assertEqual(run("check-config", "--watch", self.file).returncode, 2)

    def test_it_lists_the_keys_there_are(self):
        done = run("check-config", "--watch-keys")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        for words in ("redis.sentinel.names", "metrics.maps.*.requests.counter", "celery.keep_bodies", "target.workload", "budget.*",
                      "required"):
            self.assertIn(words, done.stdout)

    def test_it_goes_with_no_setting(self):
        done = run("check-config", "--watch", self.file, "--listen", "127.0.0.1:1")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("--watch", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
