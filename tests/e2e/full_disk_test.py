"""A data directory on a file system that fills up while the portal runs: said by /health and /ready, and over when there
is room again. Needs a mount namespace of its own; where the machine allows none, a limit on the size of files."""

import os
import pathlib
import subprocess
import unittest

from harness import Portal, folder, wait_until


class FullDiskTest(unittest.TestCase):
    def test_said_and_taken_back(self):
        with folder() as where:
            data = where / "data"
            data.mkdir()
            unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
            prefix = [*unshare, "sh", "-c", f'mount -t tmpfs -o size=20m,mode=700 none "{data}" && exec "$@"', "sh"]
            if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
                self.fail("this machine allows no mount namespace; run as root or allow user namespaces")
            portal = Portal(where, prefix=prefix)
            try:
                checks = lambda: portal.client().get("/health").json["checks"]  # noqa: E731
                client = portal.client().sign_up("user@example.org")
                wait_until(lambda: portal.client().get("/health").json["status"] == "healthy", "healthy", 10)
                # The same directory as the portal sees it.
                inside = pathlib.Path(f"/proc/{portal.pid}/root") / data.relative_to("/")
                filler = inside / "filler"
                with open(filler, "wb", buffering=0) as file:
                    try:
                        while True:
                            file.write(b"\0" * 4096)
                    except OSError:
                        pass
                for number in range(40):  # what was free inside the files is used up by writing
                    portal.client().post("/auth/register", {"email": f"u{number}@example.org", "password": "a" * 200})
                wait_until(lambda: checks()["database"] == "full" or checks()["redis"] == "read-only", "said", 30)
                self.assertEqual(portal.client().get("/health").json["status"], "degraded")
                self.assertEqual(portal.client().get("/ready").status, 503)
                filler.unlink()
                wait_until(lambda: portal.client().get("/health").json["status"] == "healthy", "healthy again", 40)
                self.assertEqual(portal.client().get("/ready").status, 200)
                self.assertEqual(client.get("/api/me").status, 200)
            finally:
                portal.kill()


if __name__ == "__main__":
    unittest.main()
