# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings as people write them: from files, flags and variables, with the ends of lines and the quotes that other programs
leave; addresses as other programs take them; names and pages that may ask; and what is said at the start."""

import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import unittest

from harness import PASSWORD, Client, Portal, Redis, Socket, clean_environment, die_with_parent, folder, patience, portoland, run, wait_until

KEY = "q1sb2Sy0p8YcS5cQe7kWk0m1nN3hV0oLkqJQhzq7x2E="
SECRET = "hunter2"


class ConfigTest(unittest.TestCase):
    def setUp(self):
        self.where = self.enterContext(folder())
        self.data_dir = self.where / "data"

    def check(self, *arguments, env=None):
        return run("check-config", "--data-dir", self.data_dir, *arguments, env=env)

    def refused(self, done, *words):
        self.assertEqual(done.returncode, 2, done)
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])
        return lines[0]

    def portal(self, *arguments, **more):
        portal = Portal(self.where, *arguments, **more)
        self.addCleanup(portal.kill)
        return portal

    def in_folder(self, where, *arguments, stdin=""):
        """The program with `where` as its working folder."""
        return subprocess.run([portoland(), *map(str, arguments)], cwd=where, input=stdin, capture_output=True, text=True,
                              timeout=patience(30), check=False, env=clean_environment())


class AddressTest(ConfigTest):
    def test_no_part_of_a_password_is_printed(self):
        passwords = [SECRET + "/9r+A=", SECRET + "?x", "a b" + SECRET, SECRET + "#", SECRET + "@" + SECRET, SECRET + "%zz",
                     "12/" + SECRET, SECRET]
        for password in passwords:
            for variable, url in [("REDIS_URL", "redis://:{}@127.0.0.1:6379/14"), ("DATABASE_URL", "postgresql://u:{}@127.0.0.1/x"),
                                  ("DATABASE_REPLICA_URLS", "postgresql://u:{}@h1/x,postgresql://u:{}@h2/x"),
                                  ("SMTP_URL", "smtp://u:{}@mail.example:587"), ("CELERY_BROKER_URL", "redis://:{}@h:6379/0"),
                                  ("CELERY_RESULT_BACKEND", "redis://:{}@h:6379/0"), ("SUPABASE_URL", "https://u:{}@h/")]:
                with self.subTest(variable=variable, password=password):
                    done = self.check(env={variable: url.replace("{}", password)})
                    self.assertNotIn(SECRET, done.stdout + done.stderr)
                    for character, escape in (("/", "%2F"), ("?", "%3F"), (" ", "%20"), ("#", "%23"), ("@", "%40")):
                        if character in password:
                            self.assertIn(escape, self.refused(done, variable))
        config = self.where / "portal.toml"
        config.write_text(f'[redis]\nurl = "redis://:{SECRET}/x@h/0"\n')
        self.assertNotIn(SECRET, self.refused(self.check("--config", config), "portal.toml:2", "%2F"))
        for arguments in (["--redis", f"redis://:{SECRET}/x@h/0"], ["--set", f"redis.url=redis://:{SECRET}/x@h/0"]):
            self.assertNotIn(SECRET, self.refused(self.check(*arguments), "%2F"))
        for arguments in ([f"redis://:{SECRET}/x@h/0"], ["--set", f"redis://:{SECRET}/x@h"], ["--databse", f"postgresql://u:{SECRET}@h"]):
            done = self.check(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertNotIn(SECRET, done.stdout + done.stderr)

    def test_no_argument_is_repeated_that_may_be_a_password(self):
        address = f"redis://:{SECRET}@h"
        for arguments, words in [
            (["user", "add", "a@b.example", SECRET], ["standard input"]), (["user", "passwd", "a@b.example", SECRET], ["standard input"]),
            (["user", "add", "a@b.example", "--password", SECRET], ["--password", "standard input"]),
            (["user", "add", "a@b.example", f"--password={SECRET}"], ["--password", "standard input"]),
            (["serve", "--secret-key", SECRET], ["--secret-key"]), (["serve", "-p" + SECRET], []),
            (["serve", "--set", f"secret_key {SECRET}"], ["KEY=VALUE"]), (["serve", "--set", f"secret_key {SECRET}=="], ["--set"]),
            (["serve", "--set"], ["KEY=VALUE"]),
            (["serve", "--listen", f"u:{SECRET}@127.0.0.1:80"], ["listen"]), (["serve", "--tier", address], ["small"]),
            (["serve", "--config", address], ["--config"]), (["user", "add", "a@b.example", "--role", address], ["admin"]),
        ]:
            with self.subTest(arguments=arguments):
                done = run(*arguments, "--data-dir", self.data_dir, stdin=PASSWORD + "\n")
                self.assertNotIn(SECRET, self.refused(done, *words))
        for url in (f"http://u:{SECRET}@127.0.0.1:1", f"http://127.0.0.1:1/?token={SECRET}"):
            done = run("status", "--url", url)
            self.assertEqual(done.returncode, 1, done)
            self.assertNotIn(SECRET, done.stdout + done.stderr)
        for variable, text in [
            ("REDIS_URL", f"redis:/:{SECRET}@h"), ("REDIS_URL", f"redis:{SECRET}@h"), ("REDIS_URL", f"redis://:{SECRET}"),
            ("REDIS_URL", f"redis://h:{SECRET}"), ("REDIS_URL", f"redis://h/0?password=a@{SECRET}"), ("REDIS_URL", f"redis://h/0?pass={SECRET}"),
            ("REDIS_URL", f"redis://h/0?password=x {SECRET}"), ("DATABASE_URL", f"postgresql:///x?host=h&password=a@{SECRET}"),
            ("DATABASE_URL", f"host=h password='x@{SECRET}' dbname=x"), ("ALLOWED_HOSTS", f"https://u:{SECRET}/x@h/"),
            ("ALLOWED_HOSTS", f"https://u:{SECRET};x@h/"), ("ALLOWED_ORIGINS", f"https://u:x {SECRET}@h"),
            ("ALLOWED_ORIGINS", f"https://u,{SECRET},x@h"), ("TRUSTED_PROXIES", f"http://u:{SECRET}@10.0.0.1"), ("APP_ENV", address),
            ("REDIS_PASSWORD_FILE", SECRET), ("PORTAL_SECRET_KEY_FILE", SECRET + "+/x="),
        ]:
            with self.subTest(variable=variable, text=text):
                done = self.check(env={variable: text})
                self.assertNotIn(SECRET, done.stdout + done.stderr)
                self.assertIn(variable, done.stdout + done.stderr)

    def test_sqlite_urls_mean_what_others_mean_by_them(self):
        work = self.where / "work"
        (work / "sub").mkdir(parents=True)
        done = self.in_folder(work, "user", "add", "a@example.org", "--data-dir", self.data_dir, "--database", "sqlite:///sub/app.db",
                              stdin=PASSWORD + "\r\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((work / "sub" / "app.db").is_file())
        self.assertFalse(pathlib.Path("/sub/app.db").exists())
        whole = work / "sub" / "app.db"
        for url in ("sqlite:///sub/app.db", f"sqlite:///{whole}", f"sqlite:{whole}", "sqlite+pysqlite:///sub/app.db", "sqlite:sub/app.db",
                    f"file:{whole}"):
            with self.subTest(url=url):
                done = self.in_folder(work, "check-config", "--data-dir", self.data_dir, "--database", url)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"sqlite:{whole}\n", done.stdout)
        self.refused(self.check("--database", "sqlite://app.db"), "sqlite:///app.db", "sqlite:////app.db")
        # The same file by every command, from wherever it is called.
        saved = self.where / "saved.db"
        done = self.in_folder(work, "backup", saved, "--data-dir", self.data_dir, "--database", "sqlite:///sub/app.db")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.in_folder(work, "restore", saved, "--data-dir", self.data_dir, "--database", f"sqlite:///{work}/new.db")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((work / "new.db").is_file())
        done = self.in_folder(work, "migrate", "--data-dir", self.data_dir, "--database", "sqlite:///new.db")
        self.assertEqual(done.returncode, 0, done.stderr)
        portal = self.portal("--database", f"sqlite:///{work}/new.db")
        self.assertEqual(portal.database_kind, f"sqlite:{work}/new.db")
        self.assertEqual(portal.client().post("/auth/login", {"email": "a@example.org", "password": PASSWORD}).status, 200)

    def test_redis_urls_as_others_write_them(self):
        server = Redis(self.where, "--unixsocket", str(self.where / "r.sock"), "--requirepass", "s/e c?ret")
        self.addCleanup(server.stop)
        password = self.where / "password"
        password.write_text("s/e c?ret\r\n")
        with contextlib.ExitStack() as stack:
            portal = Portal(self.where, "--redis", f"redis+socket://{self.where}/r.sock?virtual_host=1&health_check_interval=30",
                            env={"REDIS_PASSWORD_FILE": str(password)})
            stack.callback(portal.kill)
            self.assertEqual(portal.redis_kind, f"unix:{self.where}/r.sock?db=1")
            wait_until(lambda: portal.client().get("/health").json["status"] == "healthy", "a healthy portal", 20)
            self.assertIn("health_check_interval", portal.log.read_text())
            self.assertNotIn("s/e", portal.log.read_text())
        done = self.check(env={"REDIS_URL": f"VALKEY://127.0.0.1:{server.port}/3/", "REDIS_PASSWORD": "s/e c?ret",
                               "CELERY_BROKER_URL": f"redis://127.0.0.1:{server.port}/3"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"redis://127.0.0.1:{server.port}/3\n", done.stdout)
        self.assertNotIn("s/e", done.stdout)
        for url, words in [("redis://tok3n@h:6379", ["redis://:password@host", "REDIS_PASSWORD"]),
                           ("rediss://h/0?ssl_cert_reqs=none", ["ssl_cert_reqs=none"]),
                           ("redis-sentinel://h", ["Sentinel", "primary"]), ("redis://h?tiemout=3", ["tiemout"]),
                           ("127.0.0.1:6379", ["redis://"])]:
            with self.subTest(url=url):
                self.refused(self.check(env={"REDIS_URL": url}), "REDIS_URL", *words)
        self.assertIn("REDIS_PASSWORD has no effect", self.check(env={"REDIS_PASSWORD": "x"}).stdout)


class TextTest(ConfigTest):
    def test_carriage_returns_are_taken_off(self):
        env = {"APP_ENV": "production\r", "PORTAL_SECRET_KEY": KEY + "\r\n", "ALLOWED_HOSTS": "portal.example\r",
               "DATABASE_URL": f"sqlite:{self.where}/app.db\r"}
        portal = self.portal("--set", "tasks.concurrency=1\r", listen="127.0.0.1:0\r", env=env)
        answer = Client(portal.url).get("/", headers={"Host": "portal.example"})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(sorted(path.name for path in self.where.glob("app.db*"))[0], "app.db")
        self.assertFalse([path for path in self.where.iterdir() if "\r" in path.name])

    def test_a_password_from_windows(self):
        done = run("user", "add", "a@b.example\r", "--data-dir", self.data_dir, stdin=PASSWORD + "\r\nmore\r\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        portal = self.portal()
        self.assertEqual(portal.client().post("/auth/login", {"email": "a@b.example", "password": PASSWORD}).status, 200)

    def test_quotes_and_what_cannot_be_seen_are_named(self):
        self.refused(self.check(env={"REDIS_URL": f'"redis://:{SECRET}@h"'}), "REDIS_URL", "quotes")
        self.refused(self.check(env={"APP_ENV": "'production'"}), "APP_ENV", "quotes")
        self.refused(self.check("--set", "limits.api='9 per day'"), "limits.api", "quotes")
        self.refused(self.check(env={"APP_ENV": "pro\rduction\u200b"}), "pro\\rduction\\u200b")
        self.refused(self.check("--listen", "127.0.0.1:80\u00a080"), "80\\u00a080")

    def test_secrets_from_files(self):
        key = self.where / "key"
        key.write_text(KEY + "\n")
        env = {"APP_ENV": "production", "PORTAL_SECRET_KEY_FILE": str(key)}
        done = self.check(env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"(PORTAL_SECRET_KEY_FILE {key})", done.stdout)
        self.assertNotIn(KEY, done.stdout)
        self.refused(self.check(env={**env, "PORTAL_SECRET_KEY": KEY}), "PORTAL_SECRET_KEY", "PORTAL_SECRET_KEY_FILE")
        self.refused(self.check(env={**env, "PORTAL_SECRET_KEY_FILE": f"{key}.missing"}), "PORTAL_SECRET_KEY_FILE", f"{key}.missing")

    def test_a_key_that_can_be_guessed(self):
        for key in ("change-this-secret-key-in-production", "0" * 32, "ab" * 32, "0123456789" * 4, "changeme-changeme-changeme-please", "tooshort"):
            with self.subTest(key=key):
                line = self.refused(self.check(env={"APP_ENV": "production", "PORTAL_SECRET_KEY": key}), "openssl rand -base64 32")
                self.assertNotIn(key, line)


class NamesTest(ConfigTest):
    def status(self, portal, host, path="/api/quotes?symbols=AAPL", method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=patience(10))
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in ({"Host": host} if host else {}).items():
                connection.putheader(name, value)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            return connection.getresponse().status
        finally:
            connection.close()

    def test_probes_answer_whatever_the_host(self):
        portal = self.portal(env={"ALLOWED_HOSTS": "https://Portal.example:8080/, *.other.example"})
        for path in ("/health", "/ready", "/metrics"):
            # 503 until it knows how its Redis is; whom it names does not matter before either.
            wait_until(lambda: self.status(portal, "172.31.14.247:4000", path) == 200, f"{path} answers", 20)
        for host in ("portal.example", "portal.example.:4000", "a.other.example"):
            self.assertNotEqual(self.status(portal, host), 400, host)
        for host in ("evil.example", "other.example", "127.0.0.1"):
            self.assertEqual(self.status(portal, host), 400, host)
        wait_until(lambda: 'evil.example' in portal.log.read_text(), "the refusal in the log")

    def test_lists_that_never_match_are_refused(self):
        for variable, value, word in [("ALLOWED_HOSTS", "portal.example/app", "portal.example/app"),
                                      ("ALLOWED_HOSTS", '["portal.example"]', "commas"),
                                      ("ALLOWED_ORIGINS", "a.example", "https://a.example"),
                                      ("ALLOWED_ORIGINS", '["https://a.example"]', "commas"), ("ALLOWED_ORIGINS", "*", "Name each"),
                                      ("ALLOWED_ORIGINS", "https://a.example;https://b.example", "commas"),
                                      ("ALLOWED_ORIGINS", "https://*.example", "Name each"),
                                      ("ALLOWED_HOSTS", "any", "Write *"), ("ALLOWED_HOSTS", "127.1", "127.0.0.1"),
                                      ("ALLOWED_HOSTS", "0.0.0.0", "listen"), ("ALLOWED_ORIGINS", "htps://a.example", "https://a.example"),
                                      ("ALLOWED_ORIGINS", "https:a.example", "Write https://a.example."),
                                      ("TRUSTED_PROXIES", "nginx", "10.0.0.0/8")]:
            with self.subTest(value=value):
                self.refused(self.check(env={variable: value}), variable, word)
        done = self.check(env={"ALLOWED_ORIGINS": "https://A.example:443/, http://b.example"})
        self.assertIn("https://a.example, http://b.example\n", done.stdout)

    def test_a_page_elsewhere_cannot_use_a_portal_on_loopback(self):
        portal = self.portal("--set", "limits.auth=3 per minute")
        body = json.dumps({"email": "a@example.org", "password": PASSWORD})
        client = portal.client()
        for headers, status in [({"Host": "evil.example"}, 400), ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403),
                                ({"Origin": "https://evil.example", "Content-Type": "text/plain"}, 403)]:
            for _ in range(4):  # more than the window has: it counts for nobody
                answer = client.post("/auth/register", body, headers={"Content-Type": "application/json", **headers})
                self.assertEqual(answer.status, status, answer)
        self.assertEqual(self.status(portal, "evil.example", "/openapi.json"), 400)
        self.assertEqual(client.register("a@example.org").status, 201)
        client.login("a@example.org")
        for headers in ({"Host": "evil.example"}, {}):
            with self.assertRaisesRegex(Exception, "400|403"):
                Socket(client, origin="https://evil.example", headers=headers).close()
        Socket(client).close()

    def test_a_proxy_on_the_same_machine_needs_its_names_said(self):
        proxy = {"TRUSTED_PROXIES": "127.0.0.1"}
        self.assertIn("in ALLOWED_HOSTS", self.check(env=proxy).stdout)
        self.assertNotIn("in ALLOWED_HOSTS", self.check(env={**proxy, "ALLOWED_HOSTS": "portal.example"}).stdout)
        self.assertNotIn("in ALLOWED_HOSTS", self.check().stdout)

    def test_told_otherwise_it_answers_other_names(self):
        portal = self.portal(env={"ALLOWED_HOSTS": "*"})
        self.assertEqual(self.status(portal, "evil.example", "/openapi.json"), 200)

    def test_which_header_the_proxy_writes(self):
        portal = self.portal("--set", "http.proxy_header=X-Real-IP", "--set", "limits_address.auth=2 per minute",
                             env={"TRUSTED_PROXIES": "127.0.0.1"})
        client = portal.client()
        seen = [client.post("/auth/login", {"email": "nobody@example.org", "password": PASSWORD},
                            headers={"X-Real-IP": "203.0.113.9", "X-Forwarded-For": f"6.6.6.{number}"}).status for number in range(4)]
        self.assertEqual(seen, [401, 401, 429, 429])
        done = self.check("--set", "http.proxy_header=X-Real-IP", env={"TRUSTED_PROXIES": "127.0.0.1"})
        self.assertIn("X-Real-IP of a trusted proxy", done.stdout)


class ProductionTest(ConfigTest):
    ENV = {"APP_ENV": "production", "PORTAL_SECRET_KEY": KEY}

    def test_plain_http_is_warned_of(self):
        portal = self.portal(env=self.ENV, listen="0.0.0.0:0")
        wait_until(lambda: "browsers keep no sign-in" in portal.log.read_text(), "the warning")
        self.assertIn("browsers keep no sign-in", self.check("--listen", "0.0.0.0:80", env=self.ENV).stdout)
        for arguments, env in [(("--listen", "127.0.0.1:80"), self.ENV),
                               (("--listen", "0.0.0.0:80"), {**self.ENV, "TRUSTED_PROXIES": "10.0.0.1"}),
                               (("--listen", "0.0.0.0:80"), {})]:
            self.assertNotIn("browsers keep no sign-in", self.check(*arguments, env=env).stdout)

    def test_enforced_https(self):
        portal = self.portal(tier="watchlist", env={**self.ENV, "TRUSTED_PROXIES": "127.0.0.1"})
        client = portal.client()
        answer = client.get("/dashboard?a=b", headers={"X-Forwarded-Proto": "http"})
        self.assertEqual((answer.status, answer.headers["Location"]), (308, "https://127.0.0.1/dashboard?a=b"))
        self.assertIsNone(answer.headers["Strict-Transport-Security"])
        answer = client.get("/", headers={"X-Forwarded-Proto": "https"})
        self.assertEqual(answer.status, 200)
        self.assertIn("max-age", answer.headers["Strict-Transport-Security"])
        self.assertEqual(client.get("/health", headers={"X-Forwarded-Proto": "http"}).status, 200)
        self.assertIn("nothing here serves", self.check("--tier", "watchlist", env=self.ENV).stdout)


class EffectTest(ConfigTest):
    def test_every_key_acts_or_is_said_not_to(self):
        done = self.check("--set", "ceilings.upload=3", "--set", "schedules.database_backup=1h", env={"SMTP_URL": "smtp://mail.example"})
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in done.stdout.splitlines():
            if line.split(" ")[0] in ("ceilings.upload", "schedules.database_backup", "mail.smtp_url"):
                self.assertIn("no effect: ", line)
        portal = self.portal("--set", "ceilings.upload=3", env={"SMTP_URL": "smtp://mail.example"})
        for key in ("ceilings.upload", "mail.smtp_url"):
            wait_until(lambda key=key: any(key in line and "no effect" in line for line in portal.log.read_text().splitlines()), key)

    def test_listen_is_checked_as_it_is_served(self):
        for listen, word in [("*:8080", "0.0.0.0"), ("http://127.0.0.1:8080", "scheme"), ("127.1:8080", "127.0.0.1"), ("portal.example:80", "address"),
                             ("8080", "127.0.0.1:8080"), ("127.0.0.1:65536", "65535"), ("127.0.0.1:", "port"), ("::1:8099", "[::1]:8080")]:
            with self.subTest(listen=listen):
                said = self.refused(self.check("--listen", listen), word)
                self.assertEqual(said, self.refused(run("serve", "--data-dir", self.data_dir, "--listen", listen), word))
        for listen in ("localhost:8080", "[::1]:8080", "0.0.0.0:0"):
            self.assertEqual(self.check("--listen", listen).returncode, 0, listen)

    def test_unknown_words_are_named(self):
        for arguments, words in [(["serv"], ["'serv'", "mean serve?", "check-config"]), (["user", "delete"], ["'delete'", "disable"]),
                                 (["user"], ["add", "passwd"]), (["--data-dir", "x", "serve"], ["--data-dir", "behind the command"]),
                                 (["serve", "--databse", "x"], ["--databse", "mean --database?"]), ([], ["serve"]),
                                 (["serve", "--redis", "--data-dir", "x"], ["--redis: 1 required URL missing", "--data-dir follows"]),
                                 (["user", "add", "a@b.example", "--role", "--data-dir=x"], ["--role: 1 required ROLE", "--data-dir follows"])]:
            with self.subTest(arguments=arguments):
                self.refused(run(*arguments), *words)
        for arguments, command in [(["user", "add"], "portoland user add"), (["serve", "--databse", "x"], "portoland serve"),
                                   (["user", "delete"], "portoland user"), (["serv"], "portoland"), (["help", "user", "x"], "portoland user")]:
            self.refused(run(*arguments), f"(see {command} --help)")
        for arguments in (["help"], ["help", "user"], ["help", "user", "add"]):
            self.assertIn(" ".join(["Usage: portoland", *arguments[1:]]), run(*arguments).stdout)
        self.refused(run("help", "usr"), "'usr'", "mean user?")
        self.refused(run("help", "user", "delete"), "'delete'", "disable")
        self.assertNotIn("password", self.refused(run("check-config", "x"), "no further argument"))

    def test_the_help_names_what_options_take(self):
        shown = run("serve", "--help").stdout
        for option in ("--tier NAME", "--data-dir DIR", "--listen ADDRESS:PORT", "--workers N", "--database URL", "--tls-key FILE",
                       "--log-format json|text"):
            self.assertIn(option + " ", shown)
        self.refused(self.check("--tier"), "--tier: 1 required NAME missing")

    def test_what_cannot_be_printed_is_an_error(self):
        self.assertEqual(run("user", "add", "a@b.example", "--data-dir", self.data_dir, stdin=PASSWORD + "\n").returncode, 0)
        for arguments in (["user", "list"], ["check-config"]):
            for shell in ('exec "$@" >/dev/full', 'exec "$@" >&-'):
                with self.subTest(arguments=arguments, shell=shell):
                    done = run(*arguments, "--data-dir", self.data_dir, prefix=("sh", "-c", shell, "sh"))
                    self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done)
                    self.assertIn("Standard output", done.stderr)

    def test_closed_streams_are_no_place_for_other_files(self):
        portal = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", portoland(), "serve", "--listen", "127.0.0.1:0",
                                   "--data-dir", self.data_dir], env=clean_environment(), preexec_fn=die_with_parent)
        try:
            status = lambda: run("status", "--data-dir", self.data_dir).returncode == 0
            wait_until(status, "it serves")
            self.assertEqual([os.readlink(f"/proc/{portal.pid}/fd/{stream}") for stream in range(3)], ["/dev/null"] * 3)
        finally:
            portal.terminate()
            self.assertEqual(portal.wait(patience(30)), 0)

    def test_what_may_not_be_looked_at_is_not_said_to_be_missing(self):
        self.assertEqual(run("user", "add", "a@b.example", "--data-dir", self.data_dir, stdin=PASSWORD + "\n").returncode, 0)
        self.where.chmod(0o755)
        locked = self.where / "locked"
        locked.mkdir(mode=0o555)
        user = ("setpriv", "--reuid", "65534", "--clear-groups") if os.geteuid() == 0 else ()
        if not user:
            self.data_dir.chmod(0)
            self.addCleanup(self.data_dir.chmod, 0o700)
        for arguments in (["user", "list"], ["migrate"], ["backup", "x.db"]):
            done = run(*arguments, "--data-dir", self.data_dir, prefix=user)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("portal.db: Permission denied", done.stderr)
        self.refused(run("serve", "--listen", "127.0.0.1:0", "--data-dir", locked / "share" / "portolan", prefix=user), "Permission denied")

    def test_check_config_says_where_the_data_is(self):
        for arguments, env, path in [([], {"XDG_DATA_HOME": "/x"}, "/x/portolan"), (["--data-dir", "/y"], {}, "/y")]:
            self.assertRegex(run("check-config", *arguments, env=env).stdout, rf"(?m)^data +{path}$")

    def test_nothing_is_damaged_where_nothing_ran(self):
        self.assertEqual(run("user", "add", "a@b.example", "--data-dir", self.data_dir, stdin=PASSWORD + "\n").returncode, 0)
        for options in ([], ["--empty"]):
            done = run("mend", *options, "--data-dir", self.data_dir)
            self.assertEqual((done.returncode, "nothing is damaged" in done.stdout, done.stderr), (0, True, ""), done)
        self.assertFalse((self.data_dir / "redis").exists())

    def test_nothing_is_said_twice(self):
        self.assertEqual(self.refused(run("user", "add", "a@b.example", "--data-dir", self.data_dir, stdin="short\n")).count("fewer than 8"), 1)
        self.assertNotIn("email It", self.refused(run("user", "add", "a", "--data-dir", self.data_dir, stdin=PASSWORD + "\n"), "name@domain"))

    def test_options_are_used_or_refused(self):
        for arguments in (["status", "--listen", "127.0.0.1:1"], ["user", "list", "--workers", "2"], ["migrate", "--tier", "small"],
                          ["backup", "x.db", "--tls-cert", "x"]):
            with self.subTest(arguments=arguments):
                self.refused(run(*arguments, "--data-dir", self.data_dir), arguments[-2], "option of serve")
        self.refused(run("status", "--url", "http://127.0.0.1:1", "--data-dir", self.data_dir), "--url")
        self.refused(run("status", "--url", "http://127.0.0.1:1", "--demo"), "--url")


if __name__ == "__main__":
    unittest.main(verbosity=2)
