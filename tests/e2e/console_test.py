# SPDX-License-Identifier: GPL-3.0-or-later
"""The real console on a real display (Xvfb): it opens, runs its portal, and ends as asked; without a display it says so.
The program under test is named by the environment variable PORTOLAN."""

import contextlib
import os
import select
import signal
import subprocess
import unittest

import Xlib.display
import Xlib.X

from hang import Hang, register_without_answer
from harness import Client, Redis, clean_environment, die_with_parent, folder, free_port, patience, run, signal_twice, wait_until

PORTOLAN = os.environ["PORTOLAN"]


@contextlib.contextmanager
def screen(where, size="1280x900"):
    read, write = os.pipe()
    with open(where / "xvfb.log", "wb") as log:
        server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp"],
                                  pass_fds=[write], stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)
    os.close(write)
    try:
        ready, _, _ = select.select([read], [], [], patience(20))
        number = os.read(read, 16).decode().strip() if ready else ""
        assert number, (where / "xvfb.log").read_text()
        yield f":{number}"
    finally:
        os.close(read)
        server.terminate()
        server.wait()


@contextlib.contextmanager
def window_manager(where, display):
    """openbox with its usual frames; it is there once it says so to the root window."""
    with open(where / "openbox.log", "wb") as log:
        manager = subprocess.Popen(["openbox", "--sm-disable"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   preexec_fn=die_with_parent,
                                   env=clean_environment(DISPLAY=display, HOME=str(where), XDG_CONFIG_HOME=str(where / "config")))
    try:
        with contextlib.closing(Xlib.display.Display(display)) as there:
            atom = there.intern_atom("_NET_SUPPORTING_WM_CHECK")
            wait_until(lambda: there.screen().root.get_full_property(atom, Xlib.X.AnyPropertyType), "a window manager", 20)
        yield
    finally:
        manager.terminate()
        manager.wait()


def frame_of(display, title):
    """The place of a window with its frame, as the window manager has it: left, top, right, bottom; None: not there."""
    with contextlib.closing(Xlib.display.Display(display)) as there:
        root = there.screen().root
        clients = root.get_full_property(there.intern_atom("_NET_CLIENT_LIST"), Xlib.X.AnyPropertyType)
        for number in clients.value if clients else []:
            window = there.create_resource_object("window", number)
            if title not in (window.get_wm_name() or ""):
                continue
            extents = window.get_full_property(there.intern_atom("_NET_FRAME_EXTENTS"), Xlib.X.AnyPropertyType)
            if not extents or extents.value[2] == 0:
                return None  # it has no frame yet
            left, right, top, bottom = extents.value
            size, place = window.get_geometry(), root.translate_coords(window, 0, 0)
            x, y = place.x, place.y
            return x - left, y - top, x + size.width + right, y + size.height + bottom
    return None


class ConsoleTest(unittest.TestCase):
    def setUp(self):
        self.where = self.enterContext(folder())
        self.data_dir = self.where / "data"

    def environment(self, **more):
        return clean_environment(HOME=str(self.where), XDG_CONFIG_HOME=str(self.where / "config"),
                                 XDG_RUNTIME_DIR=str(self.where), **more)

    def start(self, display, *arguments, **environment):
        self.log = self.where / "console.log"
        with open(self.log, "wb") as log:
            own = () if "--situation" in arguments else ("--data-dir", str(self.data_dir))  # a script takes no settings
            return subprocess.Popen([PORTOLAN, *own, *arguments], stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=log, preexec_fn=die_with_parent,
                                    env=self.environment(DISPLAY=display, QT_QPA_PLATFORM="xcb", PORTOLAN_START_MARKS="1", **environment))

    def wait_for_mark(self, console, name):
        def marked():
            self.assertIsNone(console.poll(), self.log.read_text())
            return f"portolan: mark {name} " in self.log.read_text()
        wait_until(marked, f"the mark {name}", 30)

    def test_the_window_runs_a_portal_until_it_is_asked_to_end(self):
        port = free_port()
        with screen(self.where) as display:
            for ending in (signal.SIGTERM, signal.SIGINT):
                console = self.start(display, "--listen", f"127.0.0.1:{port}")
                try:
                    self.wait_for_mark(console, "window")
                    self.wait_for_mark(console, "sample")
                    self.assertEqual(Client(f"http://127.0.0.1:{port}").get("/health").status, 200)
                    status = run("status", "--data-dir", self.data_dir)
                    self.assertEqual(status.returncode, 0, status)
                    self.assertIn("Redis memory", status.stdout)
                    signal_twice(console, ending)  # which is one wish
                    self.assertEqual(console.wait(patience(30)), 0, self.log.read_text())
                finally:
                    console.kill()
                    console.wait()
                # What it served is over, and its data directory is free.
                self.assertNotEqual(run("status", "--data-dir", self.data_dir).returncode, 0)

    def ends_late(self, console):
        console.send_signal(signal.SIGTERM)
        self.assertEqual(console.wait(11 + patience(10)), 1, self.log.read_text())  # StopWatchdog::margin is 10 s
        self.assertIn("the portal took too long to stop, so the program ends without", self.log.read_text())

    def test_it_ends_though_its_portals_disk_hangs(self):
        hang = Hang(self.where, "/data/portal.db-wal")
        portal = Client(f"http://127.0.0.1:{free_port()}")
        with screen(self.where) as display:
            console = self.start(display, "--listen", f"127.0.0.1:{portal.port}", "--set", "shutdown.timeout=1s", **hang.env)
            try:
                self.wait_for_mark(console, "sample")
                hang.begin()
                register_without_answer(portal)
                wait_until(lambda: portal.get("/health").json["checks"]["database"] != "up", "the database hangs", 30)
                self.ends_late(console)
            finally:
                console.kill()
                console.wait()

    def test_it_ends_though_its_portal_hangs_while_it_starts(self):
        hang = Hang(self.where, "/data/portal.db-wal")
        hang.begin()
        with screen(self.where) as display:
            console = self.start(display, "--listen", f"127.0.0.1:{free_port()}", "--set", "shutdown.timeout=1s", **hang.env)
            try:
                self.wait_for_mark(console, "window")
                wait_until((self.data_dir / "portal.db-wal").exists, "the database is made", 20)
                self.ends_late(console)
            finally:
                console.kill()
                console.wait()

    def test_what_was_chosen_counts_below_the_command_line(self):
        chosen, told = free_port(), free_port()
        settings = self.where / "config" / "portolan" / "console.ini"
        settings.parent.mkdir(parents=True)
        settings.write_text(f"[local]\nlisten=127.0.0.1:{chosen}\ntier=watchlist\n")
        with screen(self.where) as display:
            for port, tier, arguments in ((chosen, "watchlist", []), (told, "small", ["--listen", f"127.0.0.1:{told}", "--tier", "small"])):
                console = self.start(display, *arguments)
                try:
                    self.wait_for_mark(console, "sample")
                    self.assertEqual(Client(f"http://127.0.0.1:{port}").get("/health").status, 200)
                    self.assertIn(f"(tier {tier})", run("status", "--data-dir", self.data_dir).stdout)
                    console.send_signal(signal.SIGTERM)
                    self.assertEqual(console.wait(patience(30)), 0, self.log.read_text())
                finally:
                    console.kill()
                    console.wait()

    def test_the_window_and_its_frame_fit_the_screen(self):
        for size, scale in (("1024x600", "1"), ("1024x600", "1.5"), ("1024x600", "2"), ("800x480", "1"), ("1280x900", "1")):
            with self.subTest(size=size, scale=scale), folder() as where:
                self.where, self.data_dir = where, where / "data"
                width, height = map(int, size.split("x"))
                with screen(where, size) as display, window_manager(where, display):
                    console = self.start(display, "--situation", "backlog", QT_SCALE_FACTOR=scale)
                    try:
                        self.wait_for_mark(console, "window")

                        def fits():
                            self.assertIsNone(console.poll(), self.log.read_text())
                            self.frame = frame_of(display, "Portolan")
                            return self.frame and self.frame[0] >= 0 and self.frame[1] >= 0 \
                                and self.frame[2] <= width and self.frame[3] <= height
                        wait_until(fits, f"a window with its frame inside {size} at scale {scale}", 30)
                    finally:
                        console.terminate()
                        self.assertEqual(console.wait(patience(30)), 0, self.log.read_text())

    def refused(self, code, *words, arguments=(), **environment):
        done = subprocess.run([PORTOLAN, "--data-dir", str(self.data_dir), *arguments], env=self.environment(**environment),
                              capture_output=True, text=True, timeout=patience(30), preexec_fn=die_with_parent)
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse(self.data_dir.exists(), "nothing was begun")

    def test_a_portal_that_does_not_start_is_told_on_the_terminal(self):
        redis = Redis(self.where, "--requirepass", "topsecret")
        self.addCleanup(redis.stop)
        wrong = ("--redis", f"redis://:wrong@127.0.0.1:{redis.port}/0", "--listen", "127.0.0.1:0")
        said = run("serve", *wrong, "--data-dir", self.where / "other").stderr.strip().splitlines()[-1]
        told = said.replace("portoland:", "portolan:", 1)
        self.assertIn(f"127.0.0.1:{redis.port}", told)
        done = subprocess.run([PORTOLAN, *wrong, "--source", "embedded", "--screenshots", str(self.where / "pictures")],
                              env=self.environment(QT_QPA_PLATFORM="offscreen"), capture_output=True, text=True,
                              timeout=patience(60), preexec_fn=die_with_parent)
        self.assertEqual((done.returncode, done.stderr.strip(), done.stdout), (1, told, ""))
        with screen(self.where) as display:
            console = self.start(display, *wrong)
            try:
                self.wait_for_mark(console, "window")
                wait_until(lambda: told in self.log.read_text(), "what serve says", 30)
                console.send_signal(signal.SIGTERM)
                self.assertEqual(console.wait(patience(30)), 0, self.log.read_text())
            finally:
                console.kill()
                console.wait()

    def test_without_a_display_it_names_the_way_out(self):
        self.refused(3, "no display", "portoland serve")
        self.refused(3, ":99999", "portoland serve", DISPLAY=":99999")
        self.refused(3, "no display", arguments=["--check-display"])

    def test_the_version_needs_no_display(self):
        for program in (PORTOLAN, os.environ["PORTOLAND"]):
            done = subprocess.run([program, "--version"], env=self.environment(), capture_output=True, text=True, timeout=patience(30))
            self.assertEqual((done.returncode, done.stderr), (0, ""), done)
            self.assertRegex(done.stdout, rf"^{os.path.basename(program)} \d+\.\d+\.\d+\nQt 6\.\d+\.\d+, Boost 1\.\d+, SQLite 3\.\d+\.\d+\n$")

    def test_wrong_usage(self):
        self.refused(2, "--no-such-option", arguments=["--no-such-option"])
        self.refused(2, "--page", arguments=["--page", "nowhere"])


if __name__ == "__main__":
    unittest.main()
