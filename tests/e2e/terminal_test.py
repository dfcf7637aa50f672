"""What is typed at a terminal: passwords, which nobody must see, neither then nor when the program is interrupted."""

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import termios
import unittest

from harness import PASSWORD, clean_environment, die_with_parent, folder, patience, portoland, run, wait_until

ASKED = "Password for a@b.example"
AGAIN = "again: "


class Terminal:
    """A terminal of its own with a program in it that says on standard error what it asks."""

    def __init__(self, *command):
        self.ours, self.theirs = pty.openpty()
        self.before = self.echoes()
        self.shown = ""

        def own_terminal():
            os.setsid()
            fcntl.ioctl(self.theirs, termios.TIOCSCTTY, 0)
            die_with_parent()

        self.process = subprocess.Popen(command, stdin=self.theirs, stdout=subprocess.PIPE, stderr=self.theirs, text=True,
                                        preexec_fn=own_terminal, env=clean_environment())
        os.set_blocking(self.ours, False)

    def echoes(self):
        return bool(termios.tcgetattr(self.theirs)[3] & termios.ECHO)

    def reads(self):
        with contextlib.suppress(BlockingIOError):
            self.shown += os.read(self.ours, 4096).decode()
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


if __name__ == "__main__":
    unittest.main()
