# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input of every kind: one clear line on standard error that names the thing and the mend, the documented exit code,
and nothing lost. Exit codes: 2 bad usage or configuration, 1 failed while running."""

import os
import socket
import subprocess
import unittest

from harness import PASSWORD, Portal, Redis, add_user, folder, free_port, run, self_signed


class BadInputTest(unittest.TestCase):
    def setUp(self):
        self.where = self.enterContext(folder())
        self.data_dir = self.where / "data"

    def refused(self, done, code, *words):
        """The program ended by itself with this code, and said all these words in one line."""
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(done.stdout, "", "a refusal is said on standard error")
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(str(word).lower(), lines[0].lower())
        return lines[0]

    def serve(self, *arguments, env=None, prefix=()):
        listen = () if "--listen" in arguments else ("--listen", "127.0.0.1:0")
        return run("serve", *listen, "--data-dir", self.data_dir, *arguments, env=env, prefix=prefix)

    def test_wrong_usage_and_settings(self):
        for arguments, words in [
            (["--no-such-option"], ["--no-such-option"]),
            (["--set", "no.such.setting=1"], ["no.such.setting"]),
            (["--set", "tasks.concurency=2"], ["tasks.concurency", "tasks.concurrency"]),  # the mend: what was meant
            (["--set", "tasks.concurrency=many"], ["tasks.concurrency", "many"]),
            (["--set", "session.lifetime=soon"], ["session.lifetime", "soon"]),
            (["--set", "limits.api=8 per fortnight"], ["limits.api", "column 7"]),
            (["--set", "redis.maxmemory=30 bananas"], ["redis.maxmemory"]),
            (["--workers", "-1"], ["workers"]),
            (["--listen", "not an address"], ["listen"]),
            (["--listen", "127.0.0.1:70000"], ["70000"]),
            (["--tier", "enormous"], ["enormous", "small"]),
            (["--redis", "http://127.0.0.1:6379"], ["redis"]),
            (["--database", "mysql://127.0.0.1/x"], ["database"]),
            (["--redis", "redis://127.0.0.1:6379/99999"], ["out of range"]),
            (["--database", "postgresql://127.0.0.1:1/x"], ["connections? Check", "--database or DATABASE_URL"]),
            (["--set", "session.lifetime=1 h"], ["session.lifetime", "a blank before its unit"]),
            (["--set", "instance.name=web 1"], ["instance.name", "'web 1'", "without blanks"]),
            (["--set", "instance.name=" + "w" * 49], ["instance.name", "at most 48"]),
            (["--set", "market.currency=Euro"], ["market.currency", "Euro", "three capital letters"]),
            (["--tls-cert", "/no/such/cert.pem"], ["tls"]),
            (["--config", "/no/such/file.toml"], ["/no/such/file.toml"]),
            (["--set", "celery.broker_url=redis://127.0.0.1:6379/3"], ["celery.broker_url", "6379/3", "--redis"]),
            (["--set", "celery.result_backend=file:///tmp"], ["celery.result_backend"]),
        ]:
            with self.subTest(arguments=arguments):
                self.refused(self.serve(*arguments), 2, *words)
        self.assertEqual(run("frobnicate").returncode, 2)
        self.assertEqual(run().returncode, 2)
        self.assertEqual(run("--help").returncode, 0)

    def test_a_database_that_is_a_directory(self):
        self.refused(self.serve("--database", f"sqlite:///{self.where}"), 2, self.where, "it is a directory", "name a file")

    def both(self, arguments, *words):
        """serve and check-config refuse these with the same line."""
        line = self.refused(self.serve(*arguments), 2, *words)
        checked = run("check-config", "--data-dir", self.data_dir, *arguments)
        self.assertEqual((checked.returncode, checked.stderr.strip()), (2, line))

    def test_folders_of_prices(self):
        file = self.where / "file"
        file.write_text("x")
        missing = self.where / "none"
        for folder_given, words in ((missing, [missing, "market.csv_dir"]), (file, [file, "market.csv_dir"]), (None, ["market.csv_dir"])):
            with self.subTest(folder_given):
                given = ("--set", f"market.csv_dir={folder_given}") if folder_given else ()
                self.both(("--set", "market.provider=csv", *given), *words)

    def test_certificates_and_keys(self):
        certificate, key, _ = self_signed(self.where)
        other, encrypted = self.where / "other.pem", self.where / "encrypted.pem"
        for command in (["genpkey", "-algorithm", "RSA", "-out", other],
                        ["pkey", "-in", key, "-aes256", "-passout", "pass:of it", "-out", encrypted]):
            subprocess.run(["openssl", *command], check=True, capture_output=True)
        for given, words in ((self.where / "none.pem", ["none.pem"]), (certificate, ["cert.pem"]), (other, ["other.pem", "not that of"]),
                             (encrypted, ["encrypted.pem", "the key is encrypted", "without a passphrase"])):
            with self.subTest(given):
                self.both(("--tls-cert", certificate, "--tls-key", given), *words)
        self.both(("--tls-cert", self.where / "none.pem", "--tls-key", key), "none.pem")

    def test_a_certificate_that_has_expired(self):
        _, key, _ = self_signed(self.where)
        request, expired = self.where / "request.pem", self.where / "expired.pem"
        for command in (["req", "-new", "-key", key, "-subj", "/CN=localhost", "-out", request],
                        ["x509", "-req", "-in", request, "-signkey", key, "-days", "-1", "-out", expired]):
            subprocess.run(["openssl", *command], check=True, capture_output=True)
        arguments = ("--tls-cert", expired, "--tls-key", key)
        end = subprocess.run(["openssl", "x509", "-in", expired, "-noout", "-enddate", "-dateopt", "iso_8601"], check=True,
                             capture_output=True, text=True).stdout
        day = end.strip().removeprefix("notAfter=").split()[0]
        checked = run("check-config", "--data-dir", self.data_dir, *arguments)
        self.assertEqual(checked.returncode, 0, checked)
        self.assertRegex(checked.stdout, rf"expired\.pem \(tls\.cert\) expired on {day}T")
        portal = Portal(self.where, *arguments)
        self.addCleanup(portal.kill)
        self.assertIn(f"expired on {day}", portal.log.read_text())

    def test_environment(self):
        self.refused(self.serve(env={"APP_ENV": "production"}), 2, "PORTAL_SECRET_KEY")
        self.refused(self.serve(env={"APP_ENV": "production", "PORTAL_SECRET_KEY": "short"}), 2, "PORTAL_SECRET_KEY", "32")
        self.refused(self.serve(env={"APP_ENV": "sandbox"}), 2, "APP_ENV", "sandbox")

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.refused(run("serve", "--listen", f"127.0.0.1:{port}", "--data-dir", self.data_dir), 2, port, "in use")

    def test_redis_wrong_password(self):
        server = Redis(self.where, "--requirepass", "right")
        try:
            line = self.refused(self.serve("--redis", f"redis://:wrong-one@127.0.0.1:{server.port}/0"), 2, "redis")
            self.assertNotIn("wrong-one", line)
        finally:
            server.stop()

    def test_redis_that_evicts_would_lose_tasks(self):
        server = Redis(self.where, "--maxmemory", "30mb", "--maxmemory-policy", "allkeys-lru")
        try:
            self.refused(self.serve("--redis", server.url), 2, "allkeys-lru", "noeviction")
        finally:
            server.stop()

    def test_unreachable_postgresql(self):
        self.refused(self.serve("--database", f"postgresql://127.0.0.1:{free_port()}/nothing"), 2, "database")

    def test_data_directory(self):
        file = self.where / "file"
        file.write_text("not a directory")
        self.refused(run("serve", "--listen", "127.0.0.1:0", "--data-dir", file), 2, file)
        self.refused(run("serve", "--listen", "127.0.0.1:0", "--data-dir", "/proc/portolan"), 2, "/proc/portolan")
        if os.geteuid() != 0:
            locked = self.where / "locked"
            locked.mkdir(mode=0o500)
            self.refused(run("serve", "--listen", "127.0.0.1:0", "--data-dir", locked / "data"), 2, locked)

    def test_corrupt_database(self):
        add_user(self.data_dir, "kept@example.org", "user")
        database = next(path for path in sorted(self.data_dir.glob("*")) if path.suffix in (".db", ".sqlite", ".sqlite3"))
        whole = database.read_bytes()
        for damage in (b"this is no database at all" * 400, whole[:1024] + os.urandom(max(0, len(whole) - 1024))):
            for extra in self.data_dir.glob(database.name + "-*"):
                extra.unlink()
            database.write_bytes(damage)
            with self.subTest(size=len(damage)):
                done = self.serve()
                self.assertIn(done.returncode, (1, 2), done)
                self.refused(done, done.returncode, database, "restore")
                self.assertEqual(database.read_bytes(), damage, "the damaged file is kept for whoever repairs it")
        for extra in self.data_dir.glob(database.name + "-*"):
            extra.unlink()
        database.write_bytes(whole)
        portal = Portal(self.where)
        try:
            self.assertEqual(portal.client().post("/auth/login", {"email": "kept@example.org", "password": PASSWORD}).status, 200)
        finally:
            portal.kill()

    def test_bad_tier_file(self):
        tier = self.where / "mine.toml"
        plan = 'name = "mine"\n[redis]\nmaxmemory = "30MB"\nconnections = 30\n'
        for text, words in [
            (plan + "conections = 30\n", ["mine.toml:5", "conections"]),
            (plan + '[limits]\napi = "eight per minute"\n', ["limits.api", "column 1"]),
            ('name = "mine\n', ["mine.toml:1"]),
            ('name = "mine"\n[redis]\nmaxmemory = 3.5\nconnections = 30\n', ["mine.toml:3", "redis.maxmemory"]),
            ('name = "mine"\n[redis]\nmaxmemory = "30MB"\n', ["mine.toml", "redis.connections"]),
        ]:
            with self.subTest(text=text):
                tier.write_text(text)
                self.refused(self.serve("--tier", tier), 2, *words)
        self.refused(self.serve("--tier", self.where / "missing.toml"), 2, "missing.toml")

    # A mount namespace of its own, in which a shell command prepares what the program then finds.
    NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]

    def in_namespace(self, command):
        """A prefix that runs `command` and becomes the program; None where the machine allows no mounts."""
        prefix = [*self.NAMESPACE, "sh", "-c", command + ' && exec "$@"', "sh"]
        return prefix if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0 else None

    def test_full_disk(self):
        """The data directory on a file system of 64 KiB; where mounting is not allowed, under a limit on file size."""
        self.data_dir.mkdir()
        prefix = self.in_namespace(f'mount -t tmpfs -o size=64k,mode=700 none "{self.data_dir}"')
        done = self.serve(prefix=prefix or ["sh", "-c", 'trap "" XFSZ; ulimit -f 64; exec "$@"', "sh"])
        self.assertIn(done.returncode, (1, 2), done)
        self.refused(done, done.returncode, self.data_dir)

    def test_no_redis_server_falls_back_to_memory(self):
        """A machine without redis-server still serves, and says what it cannot do."""
        portal = Portal(self.where, "--set", "redis.program=redis-server-that-is-not-there")
        try:
            self.assertEqual(portal.redis_kind, "memory")
            self.assertIn("redis-server", portal.log.read_text())
            client = portal.client().sign_up("modest@example.org")
            self.assertEqual(client.get("/api/me").status, 200)
            self.assertEqual(client.get("/health").json["status"], "degraded")
            answer = client.post("/start-analysis", {"symbol": "AAPL"})
            self.assertEqual(answer.status, 503, answer)
            self.assertEqual(portal.stop(), 0)
        finally:
            portal.kill()


if __name__ == "__main__":
    unittest.main()
