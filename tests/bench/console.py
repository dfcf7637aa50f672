# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the console's window on a display of its own, beside transmission-qt: a Qt program people start in the morning and
leave open. Times are from before the process exists; a window counts when the display server has mapped it."""

import json
import os
import pathlib
import select
import statistics
import subprocess
import time

import Xlib.display
import Xlib.error
import Xlib.X

from tools import Child, Failed, die_with_parent, resident_bytes, wait_until

MIB = 1024 * 1024
START_SECONDS = 20
LEAST_WINDOW = (200, 100)  # smaller ones are not what somebody waits for


class Screen:
    """A private Xvfb without a window manager."""

    def __init__(self, folder):
        read, write = os.pipe()
        with open(folder / "xvfb.log", "ab") as log:
            self.process = subprocess.Popen(
                ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"],
                pass_fds=[write], stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)
        os.close(write)
        ready, _, _ = select.select([read], [], [], START_SECONDS)
        number = os.read(read, 16).decode().strip() if ready else ""
        self.read = read  # open until the end: it writes the end of the line afterwards
        if not number:
            self.stop()
            raise Failed("Xvfb did not start")
        self.name = f":{number}"
        wait_until(self.answers, START_SECONDS, "Xvfb")  # it may tell its number before it listens

    def answers(self):
        try:
            Xlib.display.Display(self.name).close()
            return True
        except Xlib.error.DisplayConnectionError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.read)


class Started:
    """A program on the screen, and when (ms after its start) its window was mapped."""

    def __init__(self, screen, command, folder, **environment):
        display = Xlib.display.Display(screen.name)
        try:
            display.screen().root.change_attributes(event_mask=Xlib.X.SubstructureNotifyMask)
            display.sync()
            self.log = folder / "program.log"
            self.log.unlink(missing_ok=True)
            self.start = time.monotonic_ns()
            self.child = Child(command, self.log, env=dict(
                os.environ, DISPLAY=screen.name, QT_QPA_PLATFORM="xcb", HOME=str(folder), XDG_CONFIG_HOME=str(folder / "config"),
                XDG_DATA_HOME=str(folder / "data"), XDG_RUNTIME_DIR=str(folder), DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere",
                **environment))
            try:
                self.mapped = self.wait_for_window(display)
            except BaseException:
                self.child.stop()
                raise
        finally:
            display.close()

    def wait_for_window(self, display):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.child.check()
            if not display.pending_events() and not select.select([display.fileno()], [], [], 1)[0]:
                continue
            for _ in range(display.pending_events()):
                event = display.next_event()
                if event.type == Xlib.X.MapNotify:
                    now = time.monotonic_ns()
                    size = event.window.get_geometry()
                    if (size.width, size.height) >= LEAST_WINDOW:
                        return (now - self.start) / 1e6
        raise Failed(f"{self.child.name} showed no window in {START_SECONDS} s")

    def mark(self, name):
        """When the program said that this was painted, ms after its start."""
        def look():
            for line in self.log.read_text(errors="replace").splitlines():
                if line.startswith(f"portolan: mark {name} "):
                    return (int(line.split()[-1]) - self.start) / 1e6
            return None
        return wait_until(look, START_SECONDS, f"mark {name}")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def idle(self, seconds):
        """(share of one core, resident bytes) of the program while nobody touches it."""
        time.sleep(seconds / 3)  # what starting left to do
        before, start = self.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        return (self.cpu_seconds() - before) / (time.monotonic() - start), resident_bytes(self.child.pid)

    def stop(self):
        return self.child.stop()


def start_portolan(screen, folder, program, *arguments):
    return Started(screen, [program, "--listen", "127.0.0.1:0", "--data-dir", folder / "portal", *arguments], folder,
                   PORTOLAN_START_MARKS="1")


def start_transmission(screen, folder):
    config = folder / "transmission"
    config.mkdir(exist_ok=True)
    quiet = {"dht-enabled": False, "lpd-enabled": False, "pex-enabled": False, "utp-enabled": False,
             "port-forwarding-enabled": False, "bind-address-ipv4": "127.0.0.1", "bind-address-ipv6": "::1",
             "user-has-given-informed-consent": True, "show-tracker-scrapes": False, "rpc-enabled": False}
    (config / "settings.json").write_text(json.dumps(quiet))
    return Started(screen, ["transmission-qt", "-g", config], folder)


class StartTimes:
    def __init__(self):
        self.ours, self.peer, self.painted, self.sample = [], [], [], []

    def middle(self, name):
        return statistics.median(getattr(self, name))
