# SPDX-License-Identifier: GPL-3.0-or-later
"""At a terminal: passwords, which nobody must see, neither typed nor when the program is interrupted; and the portal's zones
as installer/run.sh shows them."""

import codecs
import contextlib
import fcntl
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import termios
import unittest

from harness import PASSWORD, ROOT, clean_environment, die_with_parent, folder, patience, portoland, run, wait_until

ASKED = "Password for a@b.example"
AGAIN = "again: "


class Terminal:
    """A terminal of its own with a program in it, whose standard output may be elsewhere."""

    def __init__(self, *command, output=subprocess.PIPE, **env):
        self.ours, self.theirs = pty.openpty()
        self.before = self.echoes()
        self.shown = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()  # what is read may end within a letter

        def own_terminal():
            os.setsid()
            fcntl.ioctl(self.theirs, termios.TIOCSCTTY, 0)
            die_with_parent()

        self.process = subprocess.Popen(command, stdin=self.theirs, text=True, preexec_fn=own_terminal,
                                        stdout=self.theirs if output is None else output, stderr=self.theirs,
                                        env=clean_environment(**env))
        os.set_blocking(self.ours, False)

    def echoes(self):
        return bool(termios.tcgetattr(self.theirs)[3] & termios.ECHO)

    def reads(self):
        with contextlib.suppress(BlockingIOError):
            self.shown += self.decoder.decode(os.read(self.ours, 4096))
        return self.shown

    def asked(self, prompt, times=1):
        wait_until(lambda: self.reads().count(prompt) == times and not self.echoes(), f"{prompt!r} in {self.shown!r}")

    def types(self, text):
        os.write(self.ours, text.encode())

    def ended(self):
        """The exit code, or minus the signal."""
        output, _ = self.process.communicate(timeout=patience(30))
        self.output = output
        self.reads()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self.ours)
        os.close(self.theirs)


class PasswordTest(unittest.TestCase):
    def setUp(self):
        self.data_dir = self.enterContext(folder()) / "data"

    def command(self, name="add"):
        return (portoland(), "user", name, "a@b.example", "--data-dir", str(self.data_dir))

    def terminal(self, *command):
        terminal = Terminal(*(command or self.command()))
        self.addCleanup(terminal.close)
        self.assertTrue(terminal.before)
        return terminal

    def listed(self):
        return run("user", "list", "--data-dir", self.data_dir).stdout

    def answered(self, *answers, name="add"):
        """The terminal after each question was answered."""
        terminal = self.terminal(*self.command(name))
        for prompt, answer in zip((ASKED, AGAIN), answers):
            terminal.asked(prompt)
            terminal.types(answer)
        code = terminal.ended()
        self.assertTrue(terminal.echoes(), "the terminal shows again what is typed")
        for answer in answers:
            self.assertNotIn(answer.strip() or "?", terminal.shown + terminal.output)
        return code, terminal

    def test_a_password_is_asked_for_twice_and_not_shown(self):
        code, terminal = self.answered(PASSWORD + "\n", PASSWORD + "\n")
        self.assertEqual((code, terminal.output), (0, "portoland: added a@b.example (user)\n"), terminal.shown)
        self.assertEqual(terminal.shown.count("\n"), 2, terminal.shown)
        self.assertIn("a@b.example", self.listed())
        terminal = self.terminal()
        self.assertEqual(terminal.ended(), 1)
        self.assertIn("already", terminal.shown)
        self.assertNotIn(ASKED, terminal.shown)
        code, terminal = self.answered(PASSWORD + " 2\n", PASSWORD + " 2\n", name="passwd")
        self.assertEqual(code, 0, terminal.shown)

    def test_what_cannot_be_used_changes_nothing(self):
        for answers, words in [((PASSWORD + "\n", PASSWORD + "x\n"), "not the same"), (("shorty\n",), "fewer than 8"), (("\x04",), "No password"),
                               ((PASSWORD + "\n", "\x04"), "No password"), ((PASSWORD + "\x04\x04", "\n"), "not the same")]:
            with self.subTest(answers=answers):
                code, terminal = self.answered(*answers)
                self.assertEqual(code, 2, terminal.shown)
                self.assertIn(words, terminal.shown)
                self.assertNotIn("standard input", terminal.shown)
                self.assertNotIn("a@b.example ", self.listed())

    def test_a_signal_leaves_the_terminal_as_it_was(self):
        for prompt, end in [(ASKED, "\x03"), (AGAIN, "\x03"), (ASKED, "\x1c"), (ASKED, signal.SIGTERM), (AGAIN, signal.SIGHUP)]:
            with self.subTest(prompt=prompt, end=end):
                terminal = self.terminal()
                terminal.asked(ASKED)
                if prompt == AGAIN:
                    terminal.types(PASSWORD + "\n")
                    terminal.asked(AGAIN)
                terminal.types("half of it")
                if isinstance(end, str):
                    terminal.types(end)
                    end = {"\x03": signal.SIGINT, "\x1c": signal.SIGQUIT}[end]
                else:
                    terminal.process.send_signal(end)
                self.assertEqual(terminal.ended(), -end, terminal.shown)
                self.assertTrue(terminal.echoes())
                self.assertNotIn("half", terminal.shown)

    def test_a_stopped_command_gives_the_terminal_back_and_asks_again(self):
        shell = '"$@"; stty -a | grep -o " -\\?echo "; fg >/dev/null; exit $?'
        terminal = self.terminal("bash", "-mc", shell, "bash", *self.command())
        terminal.asked(ASKED)
        terminal.types("half of it\x1a")
        terminal.asked(ASKED, times=2)
        terminal.types(PASSWORD + "\n")
        terminal.asked(AGAIN)
        terminal.types(PASSWORD + "\n")
        self.assertEqual(terminal.ended(), 0, terminal.shown)
        self.assertEqual(terminal.output.splitlines(), [" echo ", "portoland: added a@b.example (user)"])
        self.assertTrue(terminal.echoes())


class RunTest(unittest.TestCase):
    """installer/run.sh in a copy of the tree that is built already."""

    def tree(self, where):
        for name in ("installer", "build/release/app", "bin", "home"):
            (where / name).mkdir(parents=True)
        for name in ("run.sh", "packages.sh"):
            shutil.copy(ROOT / "installer" / name, where / "installer")
        (where / "build/release/app/portoland").symlink_to(portoland())
        for name, does in [("cmake", ":"), ("apt-get", "exit 1"), ("dpkg-query", "echo installed")]:
            (where / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
            (where / "bin" / name).chmod(0o755)
        return {"PATH": f"{where / 'bin'}:{os.environ['PATH']}", "HOME": str(where / "home"), "TMPDIR": str(where)}

    def test_the_address_stays_in_sight_wherever_the_data_is(self):
        for words in [("--set", "data_dir={}"), ("--set=data_dir={}",), ("--data-dir", "{}"), ("--config", "{}.toml")]:
            with self.subTest(words=words), folder() as where:
                env, data_dir = self.tree(where), where / "d"
                pathlib.Path(f"{data_dir}.toml").write_text(f'data_dir = "{data_dir}"\n')
                terminal = Terminal("bash", where / "installer/run.sh", "--headless", "--listen", "127.0.0.1:0",
                                    *(word.format(data_dir) for word in words), output=None, **env)
                self.addCleanup(terminal.close)

                def screen(terminal=terminal):
                    shown = terminal.reads().rpartition("\x1b[2J")[2]
                    return shown if "(tier small)" in shown else None

                seen = wait_until(screen, "zones", 60)
                self.assertRegex(seen.splitlines()[0], r"^http://127\.0\.0\.1:\d+ .*Stop: Ctrl\+C$")
                self.assertNotIn("No portal", terminal.shown)
                terminal.types("\x03")
                wait_until(lambda terminal=terminal: terminal.reads() and terminal.process.poll() is not None, "it stops", 30)
                self.assertEqual(terminal.process.returncode, 130, terminal.shown)
                self.assertTrue((data_dir / "portal.db").exists())
                self.assertFalse((where / "home/.local/share").exists())


if __name__ == "__main__":
    unittest.main()
