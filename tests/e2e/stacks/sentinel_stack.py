# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis as a careful company runs it: a primary and a replica behind three sentinels, everything by TLS with an authority
of its own, an application that may nothing dangerous, in a network that only an inner sshd reaches, which only a jump host
reaches. Three networks: of the console, of the jump host, of the servers; the console's has an address of the jump host and
no way to the servers."""

import json
import pathlib
import secrets

from harness import wait_until
from stacks import namespaces
from stacks.certificates import Authority
from stacks.figures import RedisFigures, output
from stacks.processes import PYTHON, Stack, environment
from stacks.sshd import SshPlace

MASTER = "vault"
CONSOLE, OUTSIDE = "10.213.1.2", "10.213.1.1"  # the console's and the jump host's, on the way between the two
BETWEEN, INSIDE = "10.213.2.1", "10.213.2.2"  # the jump host's and the servers', likewise
PORTS = (6379, 6380)
SENTINELS = (26379, 26380, 26381)

SERVER = """\
bind {inside}
port 0
tls-port {port}
tls-cert-file {certificate}
tls-key-file {key}
tls-ca-cert-file {authority}
tls-auth-clients no
tls-replication yes
repl-diskless-sync-delay 0
dir {folder}
save ""
maxmemory 25mb
maxclients 60
user default off
user admin on >{admin} ~* &* +@all
user shop on >{shop} ~* &* +@all -@dangerous
user replica on >{replica} +psync +replconf +ping
user sentinel on >{sentinel} allchannels +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname +client|kill +script|kill
masteruser replica
masterauth {replica}
"""

SENTINEL = """\
bind {inside}
port 0
tls-port {port}
tls-cert-file {certificate}
tls-key-file {key}
tls-ca-cert-file {authority}
tls-auth-clients no
tls-replication yes
dir {folder}
user default off
user peer on >{peer} &* +@all
user watcher on >{watcher} &* -@all +auth +hello +ping +client|setname +sentinel|get-master-addr-by-name +sentinel|master +sentinel|masters +sentinel|replicas +sentinel|sentinels +subscribe +psubscribe +role +info
sentinel sentinel-user peer
sentinel sentinel-pass {peer}
sentinel monitor {master} {inside} {first} 2
sentinel auth-user {master} sentinel
sentinel auth-pass {master} {sentinel}
sentinel down-after-milliseconds {master} 1500
sentinel failover-timeout {master} 4000
"""

# What an operator writes who has this stack to look after.
WATCH = """\
name = "vault"
tier = "small"
production = true

[redis]
url = "rediss://shop@{inside}:6379/0"
password = "file:shop.password"
ca = "ca.pem"
through = "ssh:servers"
sentinel = {{ names = [{names}], master = "{master}", user = "watcher", password = "file:watcher.password", ca = "ca.pem" }}

[families]
sessions = ["session:*"]
cache = ["cache:*"]
"""


class SentinelStack(Stack):
    USERS = ("admin", "shop", "replica", "sentinel", "peer", "watcher")

    def start(self):
        namespaces.remove_left()
        self.console, self.jump, self.inner = (self.network(name) for name in ("console", "jump", "inner"))
        namespaces.tie(self.console, f"{CONSOLE}/30", self.jump, f"{OUTSIDE}/30")
        namespaces.tie(self.jump, f"{BETWEEN}/30", self.inner, f"{INSIDE}/30")
        self.authority = Authority(self.where)
        self.certificate, self.key = self.authority.sign("redis", [f"IP:{INSIDE}", "DNS:redis.vault.test"])
        self.passwords = {user: secrets.token_hex(12) for user in self.USERS}
        for port in PORTS:
            self.start_redis(port, of=None if port == PORTS[0] else PORTS[0])
        wait_until(lambda: self.replicas(PORTS[0]) == 1, "the replica is there", 60)
        for port in SENTINELS:
            self.start_sentinel(port)
        wait_until(self.is_whole, "each sentinel knows the others and the replica", 60)
        self.ssh = SshPlace(self)
        self.ssh.start("jump", self.jump, OUTSIDE)
        self.ssh.start("servers", self.inner, INSIDE, jump="jump")

    def network(self, name):
        made = namespaces.Namespace(name)
        self._end.callback(made.remove)
        return made

    def configuration(self, text, port, **more):
        folder = self.where / str(port)
        folder.mkdir()
        file = folder / "redis.conf"
        file.write_text(text.format(inside=INSIDE, port=port, certificate=self.certificate, key=self.key, folder=folder,
                                    authority=self.authority.certificate, master=MASTER, first=PORTS[0], **self.passwords, **more))
        return file

    def start_redis(self, port, of):
        file = self.configuration(SERVER, port)
        if of:
            file.write_text(file.read_text() + f"replicaof {INSIDE} {of}\n")
        child = self.run(f"redis-{port}", ["redis-server", file], prefix=self.inner.prefix)
        child.wait_until(self.redis(port).answers, "it answers")

    def start_sentinel(self, port):
        child = self.run(f"sentinel-{port}", ["redis-server", self.configuration(SENTINEL, port), "--sentinel"], prefix=self.inner.prefix)
        child.wait_until(self.sentinel(port).answers, "it answers")

    def tls(self, user):
        return ("--tls", "--cacert", self.authority.certificate, "--user", user, "--no-auth-warning")

    def redis(self, port, user="admin"):
        """A server as seen beside it."""
        return RedisFigures("-h", INSIDE, "-p", port, *self.tls(user), password=self.passwords[user], prefix=self.inner.prefix)

    def sentinel(self, port):
        return RedisFigures("-h", INSIDE, "-p", port, *self.tls("watcher"), password=self.passwords["watcher"], prefix=self.inner.prefix)

    def through(self, socket, user="shop"):
        """A server as seen from the console, by a forward. The certificate's name goes along, as nothing else tells it."""
        return RedisFigures("-s", socket, "--sni", "redis.vault.test", *self.tls(user), password=self.passwords[user],
                            prefix=self.console.prefix)

    def replicas(self, port):
        info = self.redis(port).info("replication")
        return sum(key.startswith("slave") and "state=online" in value for key, value in info.items())

    def role(self, port):
        """"master" or "slave"; nothing while it is changed, which closes all connections."""
        try:
            return self.redis(port).info("replication")["role"]
        except AssertionError:
            return None

    def told(self, port):
        """What a sentinel says of the primary."""
        words = self.sentinel(port).cli("SENTINEL", "MASTER", MASTER).splitlines()
        return dict(zip(words[::2], words[1::2]))

    def primary(self, port=SENTINELS[0]):
        """The port of the primary, by a sentinel."""
        host, found = self.sentinel(port).cli("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER).splitlines()
        assert host == INSIDE, host
        return int(found)

    def is_whole(self):
        """Whether each sentinel could carry out a failover."""
        return all(told["num-other-sentinels"] == "2" and told["num-slaves"] == "1" and told["flags"] == "master"
                   for told in map(self.told, SENTINELS))

    def fail_over(self):
        """Kills the primary; the port of the new one, once all sentinels name it and it says itself that it is."""
        old = self.primary()
        new = next(port for port in PORTS if port != old)
        self.children[f"redis-{old}"].kill()
        wait_until(lambda: {self.primary(port) for port in SENTINELS} == {new}, "the sentinels name another primary", 60)
        wait_until(lambda: self.role(new) == "master", "it is one", 60)
        return new

    def bring_back(self, port):
        """Starts a killed server again, as a replica by what the sentinels tell it."""
        child = self.children[f"redis-{port}"]
        child.start()
        child.wait_until(self.redis(port).answers, "it answers")
        child.wait_until(lambda: self.role(port) == "slave", "it follows", 60)

    def fill(self, sessions, products):
        """As the application does that lives beside it: by the sentinels, as the user who may nothing dangerous. What it
        saw, as JSON, with what it was refused."""
        script = pathlib.Path(__file__).resolve().parent / "vault_application.py"
        env = environment(VAULT=json.dumps({"sentinels": [[INSIDE, port] for port in SENTINELS], "master": MASTER,
                                            "ca": str(self.authority.certificate), "passwords": {
                                                user: self.passwords[user] for user in ("shop", "watcher")}}))
        return json.loads(output([*self.inner.prefix, PYTHON, script, sessions, products], env=env, seconds=60))

    def watch_file(self):
        file = self.where / "vault.toml"
        for user in ("shop", "watcher"):
            secret = self.where / f"{user}.password"
            secret.write_text(self.passwords[user])
            secret.chmod(0o600)
        names = ", ".join(f'"{INSIDE}:{port}"' for port in SENTINELS)
        file.write_text(WATCH.format(inside=INSIDE, names=names, master=MASTER))
        file.chmod(0o600)
        return file

    def console_prefix(self):
        """What becomes a console of this network, whose ~/.ssh knows the way."""
        return self.ssh.as_home(self.console)
