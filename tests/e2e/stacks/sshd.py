# SPDX-License-Identifier: GPL-3.0-or-later
"""Real sshds in networks of their own, one behind the other, and what a user has in ~/.ssh to get there."""

import os
import pathlib
import pwd
import subprocess

from postgres import unprivileged
from stacks.figures import output

PORT = 2222

SERVER = """\
Port {port}
ListenAddress {address}
HostKey {key}
AuthorizedKeysFile {authorized}
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
"""

HOST = """\
Host {name}
  HostName {address}
  Port {port}
  User {user}
  IdentityFile {home}/.ssh/id
  IdentitiesOnly yes
  StrictHostKeyChecking yes
  UserKnownHostsFile {home}/.ssh/known_hosts
"""


class SshPlace:
    """`home`/.ssh with a key, and with each host that has been started. Who signs in is a user without rights where the
    tests run as root."""

    def __init__(self, stack):
        self.stack = stack
        self.home = stack.where / "home"
        self.folder = self.home / ".ssh"
        self.folder.mkdir(parents=True, mode=0o700)
        self.user = unprivileged() or pwd.getpwuid(os.geteuid())
        self.servers = stack.where / "sshd"
        self.servers.mkdir()
        stack.where.chmod(0o711)  # whoever signs in reads the authorized keys as itself
        output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "console", "-f", self.folder / "id"])
        (self.servers / "authorized").write_text((self.folder / "id.pub").read_text())
        self.config = self.folder / "config"
        self.hosts = ""

    def start(self, name, namespace, address, jump=None):
        """An sshd on `address`, and its host in the configuration, behind another one of it."""
        key = self.servers / f"{name}-key"
        output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key])
        os.chown(key, self.user.pw_uid, self.user.pw_gid)
        configuration = self.servers / f"{name}.conf"
        configuration.write_text(SERVER.format(port=PORT, address=address, key=key, authorized=self.servers / "authorized"))
        child = self.stack.run(f"sshd-{name}", ["/usr/sbin/sshd", "-D", "-e", "-f", configuration],
                               prefix=[*namespace.prefix, "setpriv", "--pdeathsig", "KILL", "--reuid", self.user.pw_uid,
                                       "--regid", self.user.pw_gid, "--clear-groups"])
        child.wait_until(lambda: f"Server listening on {address}" in child.text(), "it listens")
        self.hosts += HOST.format(name=name, address=address, port=PORT, user=self.user.pw_name, home=self.home)
        if jump:
            self.hosts += f"  ProxyJump {jump}\n"
        self.config.write_text(self.hosts)
        self.config.chmod(0o600)
        with open(self.folder / "known_hosts", "a", encoding="utf-8") as known:
            known.write(f"[{address}]:{PORT} " + pathlib.Path(f"{key}.pub").read_text())
        return child

    def forward(self, name, namespace, host, target):
        """A Unix socket that leads to `target` ("10.0.0.1:6379") as seen from `host`; ssh runs in `namespace`."""
        socket = self.stack.where / f"{name}.sock"
        child = self.stack.run(f"ssh-{name}", ["ssh", "-F", self.config, "-N", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes",
                                               "-L", f"{socket}:{target}", host], prefix=namespace.prefix)
        child.wait_until(socket.exists, "its socket is there")
        return socket

    def as_home(self, namespace):
        """What becomes a program in `namespace` that finds this ~/.ssh: ssh asks the list of users for it, not HOME."""
        users = self.stack.where / "passwd"
        lines = pathlib.Path("/etc/passwd").read_text().splitlines()
        ours = [line.split(":") for line in lines]
        for fields in ours:
            if fields[2] == str(os.geteuid()):
                fields[5] = str(self.home)
        users.write_text("".join(":".join(fields) + "\n" for fields in ours))
        script = f'mount --bind "{users}" /etc/passwd && exec "$@"'
        # Nothing of it may be seen outside; a chroot cannot say so, and whoever made it has (installer/prove.sh).
        private = subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0
        return (*namespace.prefix, "unshare", "--mount", "--propagation", "private" if private else "unchanged", "sh", "-c", script,
                "sh")
