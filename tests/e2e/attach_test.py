# SPDX-License-Identifier: GPL-3.0-or-later
"""The console attached to a portal elsewhere: it shows that one, and says what it lacks before it shows anything."""

import os
import re
import signal
import subprocess
import unittest

from harness import PASSWORD, PortalTest, add_user, clean_environment, die_with_parent, folder, patience, run, self_signed, wait_until

PORTOLAN = os.environ["PORTOLAN"]


class Consoles(PortalTest):
    def token(self, name, role="operator"):
        made = run("token", "add", name, "--role", role, "--data-dir", self.portal.data_dir)
        self.assertEqual(made.returncode, 0, made)
        return made.stdout.strip()

    def setUp(self):
        self.home = self.enterContext(folder())

    def environment(self, **more):
        return clean_environment(HOME=str(self.home), XDG_CONFIG_HOME=str(self.home / "config"), QT_QPA_PLATFORM="offscreen", **more)

    def console(self, *arguments, **environment):
        """One that ends by itself."""
        return subprocess.run([PORTOLAN, *arguments], capture_output=True, text=True, timeout=patience(300),
                              env=self.environment(**environment), preexec_fn=die_with_parent)

    def pictured(self, *arguments, **environment):
        """It has shown the portal: that is what the picture is of."""
        pictures = self.home / "pictures"
        done = self.console("--attach", self.portal.url, *arguments, "--screenshots", pictures, "--page", "overview",
                            "--theme", "light", **environment)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual([file.name for file in pictures.iterdir()], ["overview-light-100-remote.png"])
        return done


class AttachTest(Consoles):
    def test_a_portal_elsewhere_is_shown(self):
        token = self.token("shown")
        log = self.home / "console.log"
        with open(log, "wb") as output:
            console = subprocess.Popen([PORTOLAN, "--attach", self.portal.url], stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=output, preexec_fn=die_with_parent,
                                       env=self.environment(PORTAL_TOKEN=token, PORTOLAN_START_MARKS="1"))
        try:
            def marked():
                self.assertIsNone(console.poll(), log.read_text())
                return "portolan: mark sample " in log.read_text()
            wait_until(marked, "a sample in the window", 30)
            names = run("token", "list", "--data-dir", self.portal.data_dir).stdout
            self.assertRegex(names, r"operator\s+active.* shown\n")
            console.send_signal(signal.SIGTERM)
            self.assertEqual(console.wait(patience(30)), 0, log.read_text())
        finally:
            console.kill()
            console.wait()
        self.assertNotIn(token, log.read_text() + self.portal.log.read_text())
        self.assertEqual(self.portal.client().get("/health").status, 200)  # that one goes on

    def test_pictures_are_of_it(self):
        self.pictured(PORTAL_TOKEN=self.token("pictures"))

    def test_a_user_signs_in_by_password(self):
        add_user(self.portal.data_dir, "far@example.org", "operator")
        done = self.pictured("--email", "far@example.org", PORTAL_PASSWORD=PASSWORD)
        self.assertNotIn(PASSWORD, done.stdout + done.stderr)

    def test_pictures_of_a_portal_that_is_named_add_nobody_to_it(self):
        data, pictures = self.home / "named", self.home / "pictures"
        add_user(data, "ada@example.org", "operator")
        done = self.console("--data-dir", data, "--screenshots", pictures, "--source", "embedded", "--page", "users",
                            "--theme", "light")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual([file.name for file in pictures.iterdir()], ["users-light-100-embedded.png"])
        users = run("user", "list", "--data-dir", data).stdout
        self.assertEqual(re.findall(r"\S+@\S+", users), ["ada@example.org"])

    def test_what_it_lacks_is_said_before_it_opens(self):
        for arguments, token, words in (
                ((self.portal.url,), "", "PORTAL_TOKEN"),
                (("portal.example",), "pt_x", "https://"),
                (("http://portal.example",), "pt_x", "could be read on the way"),
                (("https://me:letmein1@portal.example",), "pt_x", "Leave it out"),
                ((self.portal.url, "--email", "me@example.org"), "pt_x", "PORTAL_PASSWORD"),
                (("https://portal.example", "--ca", "/nonexistent/ca.pem"), "pt_x", "/nonexistent/ca.pem"),
                (("https://portal.example", "--pin", "AB:CD"), "pt_x", "--pin"),
                (("https://portal.example", "--pin", "AB" * 32, "--ca", "ca.pem"), "pt_x", "--ca"),
                ((self.portal.url, "--pin", "AB" * 32), "pt_x", "no certificate"),
                ((self.portal.url, "--through", "carrier-pigeon"), "pt_x", "socks5:HOST:PORT"),
                ((self.portal.url, "--through", "ssh:bastion"), "pt_x", "ssh -D"),
                ((self.portal.url, "--demo"), "pt_x", "leave one of them out"),
                ((self.portal.url, "--data-dir", "/tmp"), "pt_x", "leave one of them out"),
                ((self.portal.url, "--situation", "backlog"), "pt_x", "leave one of them out")):
            with self.subTest(arguments=arguments):
                done = self.console("--attach", *arguments, **({"PORTAL_TOKEN": token} if token else {}))
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(words, done.stderr)
                self.assertNotIn("letmein1", done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_the_way_to_a_portal_is_of_no_use_without_one(self):
        done = self.console("--email", "me@example.org")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("--attach", done.stderr)


class SecureAttachTest(Consoles):
    """A portal whose certificate no authority that everybody trusts has signed."""

    @classmethod
    def prepare(cls):
        cls.certificate, key, _ = self_signed(cls.where)
        cls.arguments = ("--tls-cert", cls.certificate, "--tls-key", key)

    def test_its_authority_is_named(self):
        self.pictured("--ca", self.certificate, PORTAL_TOKEN=self.token("named"))

    def test_its_certificate_is_pinned(self):
        pin = subprocess.run(["openssl", "x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha256"], check=True,
                             capture_output=True, text=True).stdout.split("=")[1].strip()
        self.pictured("--pin", pin, PORTAL_TOKEN=self.token("pinned"))


if __name__ == "__main__":
    unittest.main()
