# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Redis with a replica and sentinels, guarded by TLS, rights and networks, that only a tunnel over a jump host
reaches; and that its components' words add up, before and after a failover. What a console shows of it is compared with
the same words, figure by figure."""

import datetime
import os
import socket
import ssl
import subprocess
import unittest

from harness import patience, run, wait_until
from stacks import namespaces
from stacks.figures import certificate_end, output
from stacks.sentinel_stack import INSIDE, MASTER, OUTSIDE, PORTS, SENTINELS, SentinelStack
from stacks.sshd import PORT

SESSIONS, PRODUCTS = 40, 25
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"


@unittest.skipUnless(namespaces.allowed(), "making networks needs root")
class SentinelStackTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(cls.nothing_is_left)
        cls.stack = cls.enterClassContext(SentinelStack())
        cls.seen = cls.stack.fill(SESSIONS, PRODUCTS)
        cls.primary = cls.stack.primary()
        cls.socket = cls.stack.ssh.forward("primary", cls.stack.console, "servers", f"{INSIDE}:{cls.primary}")

    @classmethod
    def nothing_is_left(cls):
        left = [line for line in namespaces.ip("netns", "list").splitlines() if line.startswith(f"pe{os.getpid()}-")]
        if left:
            raise AssertionError(f"networks are left: {left}")

    def connects(self, namespace, address, port):
        done = subprocess.run([*namespace.prefix, "/usr/bin/python3", "-c", CONNECT, address, str(port)], capture_output=True,
                              text=True, timeout=patience(20))
        return done.returncode == 0, done.stderr

    def test_only_the_tunnel_leads_there(self):
        for port in (*PORTS, *SENTINELS, PORT):
            with self.subTest(port=port):
                through, words = self.connects(self.stack.console, INSIDE, port)
                self.assertFalse(through)
                self.assertIn("Network is unreachable", words)
        self.assertTrue(self.connects(self.stack.console, OUTSIDE, PORT)[0])
        self.assertFalse(self.connects(self.stack.console, OUTSIDE, PORTS[0])[0])
        self.assertTrue(self.connects(self.stack.inner, INSIDE, PORTS[0])[0])
        self.assertNotIn("default", self.stack.console.routes())
        self.assertTrue(self.stack.through(self.socket).answers())

    def test_a_console_of_that_network_finds_its_ssh(self):
        """Without a configuration named, as the console calls it."""
        words = output([*self.stack.console_prefix(), "ssh", "-o", "BatchMode=yes", "servers", "echo $SSH_CONNECTION"])
        self.assertEqual(words.split()[2:], [INSIDE, str(PORT)])

    def test_rights(self):
        self.assertEqual(self.seen["refused"], ["INFO", "CLIENT LIST", "CONFIG GET maxmemory", "SLOWLOG GET", "KEYS *"])
        shop = self.stack.through(self.socket)
        self.assertEqual(shop.cli("DBSIZE"), str(SESSIONS + PRODUCTS))
        for words in (["INFO"], ["CLIENT", "LIST"], ["CONFIG", "GET", "maxmemory"]):
            self.assertIn("NOPERM", shop.refusal(*words))
        self.assertEqual(shop.refusal("CLIENT", "SETNAME", "console"), "")

    def test_families(self):
        """The application's own count, the same through the tunnel and beside the server, and at the replica."""
        wanted = {"sessions": SESSIONS, "cache": PRODUCTS}
        self.assertEqual({"sessions": self.seen["sessions"], "cache": self.seen["products"]}, wanted)
        patterns = {"sessions": "session:*", "cache": "cache:*"}
        self.assertEqual(self.stack.through(self.socket).families(patterns), wanted)
        for port in PORTS:
            self.assertEqual(self.stack.redis(port).families(patterns), wanted)

    def test_limits_and_clients(self):
        redis = self.stack.redis(self.primary)
        self.assertEqual(redis.info("memory")["maxmemory"], str(25 * 1024 * 1024))
        self.assertEqual(redis.info("clients")["maxclients"], "60")

        def agree():
            # The replica has a line, and is not among the connected clients that INFO counts.
            clients = [client for client in redis.clients() if "S" not in client["flags"]]
            return len(clients) + 1 == int(redis.info("clients")["connected_clients"])

        wait_until(agree, "CLIENT LIST has as many lines as INFO counts, with redis-cli's own")
        by_user = [client["user"] for client in redis.clients()]
        self.assertEqual(by_user.count("replica"), 1)
        self.assertEqual(by_user.count("sentinel"), 2 * len(SENTINELS))  # each has one to ask and one to listen

    def test_sentinels(self):
        for port in SENTINELS:
            self.assertEqual(self.stack.primary(port), self.primary)
            told = self.stack.told(port)
            self.assertEqual((told["name"], told["ip"], told["port"], told["quorum"]), (MASTER, INSIDE, str(self.primary), "2"))
        self.assertEqual(self.seen["replicas"], 1)
        self.assertEqual(self.stack.replicas(self.primary), 1)

    def test_trust(self):
        """Whoever trusts the system's authorities only is not answered; the certificate ends when openssl says."""
        plain = self.stack.redis(self.primary)
        plain.command = [word for word in plain.command if word not in ("--cacert", str(self.stack.authority.certificate))]
        self.assertIn("certificate verify failed", plain.refusal("PING"))
        end = certificate_end(self.stack.certificate)
        self.assertLess(abs(end - datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=7)), datetime.timedelta(hours=1))
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(str(self.socket))
            context = ssl.create_default_context(cafile=str(self.stack.authority.certificate))
            with context.wrap_socket(raw, server_hostname=INSIDE) as connection:
                shown = datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(connection.getpeercert()["notAfter"]),
                                                        datetime.timezone.utc)
        self.assertEqual(shown, end)

    def test_the_watch_file(self):
        done = run("check-config", "--watch", self.stack.watch_file())
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertIn(f"the primary of {MASTER}, which 3 sentinels are asked for, through ssh to servers", done.stdout)
        for password in self.stack.passwords.values():
            self.assertNotIn(password, done.stdout)

    def test_z_failover(self):
        """The last: the primary is another one after it."""
        new = self.stack.fail_over()
        self.assertNotEqual(new, self.primary)
        self.assertEqual(len(self.stack.redis(new).keys("session:*")), SESSIONS)
        self.stack.bring_back(self.primary)
        wait_until(self.stack.is_whole, "all is as before, the other way round", 60)
        self.assertEqual(self.stack.fill(SESSIONS + 5, PRODUCTS)["replicas"], 1)
        for port in PORTS:
            self.assertEqual(len(self.stack.redis(port).keys("session:*")), SESSIONS + 5)
        self.stack.check()


if __name__ == "__main__":
    unittest.main(verbosity=2)  # says why it is skipped
