# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL, and a real PgBouncer in front of it, for end-to-end tests: on Unix sockets of their own, as an
unprivileged user where the tests run as root, which both refuse."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
import urllib.parse

from harness import die_with_parent, wait_until


def unprivileged():
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def as_nobody():
    """What the child does before it becomes the program."""
    user = unprivileged()
    if user:
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    die_with_parent()


def tool(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    if not found:
        raise RuntimeError(f"{name} of PostgreSQL is not installed")
    return found[-1]


class Server:
    """What both have in common: a folder, a process, a socket."""

    def __init__(self, prefix):
        self.where = tempfile.mkdtemp(prefix=prefix)
        user = unprivileged()
        if user:
            os.chown(self.where, user.pw_uid, user.pw_gid)
        self.process = None

    def spawn(self, *arguments):
        with open(f"{self.where}/log", "ab") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log, cwd="/", preexec_fn=as_nobody)

    def url(self, database):
        return f"postgresql://portolan@{urllib.parse.quote(self.where, safe='')}/{database}"

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.where, ignore_errors=True)


class Postgres(Server):
    def __init__(self, *databases):
        super().__init__("pg-")
        data = f"{self.where}/data"
        subprocess.run([tool("initdb"), f"--pgdata={data}", "--username=portolan", "--auth=trust", "--encoding=UTF8",
                        "--locale=C.UTF-8", "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd="/",
                       preexec_fn=as_nobody)
        self.spawn(tool("postgres"), "-D", data, "-k", self.where, "-c", "listen_addresses=", "-c", "fsync=off")
        wait_until(lambda: subprocess.run([tool("pg_isready"), "--quiet", f"--host={self.where}"]).returncode == 0,
                   "PostgreSQL answers")
        for database in databases:
            self.sql(f'CREATE DATABASE "{database}"')

    def sql(self, statement, database="postgres", host=None):
        done = subprocess.run([tool("psql"), f"--host={host or self.where}", "--username=portolan", "--no-psqlrc",
                               "--quiet", "--tuples-only", "--no-align", f"--dbname={database}",
                               f"--command={statement}"], check=True, capture_output=True, text=True)
        return done.stdout.strip()


class PgBouncer(Server):
    """In transaction mode: after each transaction the server's session is whoever's comes next."""

    def __init__(self, postgres, pool_size):
        super().__init__("pgbouncer-")
        with open(f"{self.where}/pgbouncer.ini", "w", encoding="utf-8") as file:
            file.write(f"[databases]\n* = host={postgres.where} user=portolan\n[pgbouncer]\npool_mode = transaction\n"
                       f"auth_type = any\nlisten_addr =\nlisten_port = 5432\nmax_client_conn = 500\n"
                       f"unix_socket_dir = {self.where}\ndefault_pool_size = {pool_size}\n")
        self.spawn(shutil.which("pgbouncer", path="/usr/sbin:/usr/bin"), f"{self.where}/pgbouncer.ini")
        wait_until(lambda: os.path.exists(f"{self.where}/.s.PGSQL.5432"), "PgBouncer listens")
