"""The portal's page in a real browser, as a person meets it: what it says when a sign-in was right and cannot be used."""

import asyncio
import contextlib
import itertools
import json
import shutil
import subprocess
import unittest

import websockets

from harness import PASSWORD, Portal, clean_environment, die_with_parent, folder, patience, add_user, wait_until

KEY = "q1sb2Sy0p8YcS5cQe7kWk0m1nN3hV0oLkqJQhzq7x2E="


class Browser:
    """Chromium without a window, driven by its own debugging protocol. Every name leads to this machine."""

    def __init__(self, where):
        self.program = shutil.which("chromium") or "chromium"
        self.profile = where / "browser"
        self.log = open(where / "browser.log", "wb")
        self.process = subprocess.Popen(
            [self.program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-port=0", "--remote-allow-origins=*", "--host-resolver-rules=MAP * 127.0.0.1",
             f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
            env={**clean_environment(), "HOME": str(where)}, preexec_fn=die_with_parent)
        port_file = self.profile / "DevToolsActivePort"
        wait_until(lambda: port_file.exists() and len(port_file.read_text().splitlines()) == 2, "the browser", 60)
        port, path = port_file.read_text().splitlines()
        self.address = f"ws://127.0.0.1:{port}{path}"
        self.numbers = itertools.count(1)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def visit(self, url, *scripts):
        """Opens a page of its own and evaluates each script until it answers something; what they answered."""
        return asyncio.run(asyncio.wait_for(self._visit(url, scripts), patience(60)))

    async def _visit(self, url, scripts):
        async with websockets.connect(self.address, max_size=None) as socket:
            async def call(method, session=None, **params):
                number = next(self.numbers)
                message = {"id": number, "method": method, "params": params}
                if session:
                    message["sessionId"] = session
                await socket.send(json.dumps(message))
                while True:
                    answer = json.loads(await socket.recv())
                    if answer.get("id") == number:
                        return answer.get("result", {})

            target = (await call("Target.createTarget", url=url))["targetId"]
            session = (await call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
            answers = []
            for script in scripts:
                while True:
                    shown = await call("Runtime.evaluate", session, expression=script, returnByValue=True)
                    value = shown.get("result", {}).get("value")
                    if value:
                        break
                    await asyncio.sleep(0.05)
                answers.append(value)
            await call("Target.closeTarget", targetId=target)
            return answers


SIGN_IN = """(() => {
  const form = document.getElementById('sign-in-form');
  if (!form || !form.onsubmit || document.getElementById('sign-in').hidden) return false;
  form.email.value = 'page@example.org';
  form.password.value = %s;
  form.querySelector('button[value=login]').click();
  return true;
})()""" % json.dumps(PASSWORD)
NOTICE = "document.getElementById('notice') && document.getElementById('notice').textContent"
WHO = "document.getElementById('who') && document.getElementById('who').textContent"


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.where = stack.enter_context(folder())
            add_user(cls.where / "data", "page@example.org", "user")
            cls.portal = Portal(cls.where, env={"APP_ENV": "production", "PORTAL_SECRET_KEY": KEY, "ALLOWED_HOSTS": "*"})
            stack.callback(cls.portal.kill)
            cls.browser = Browser(cls.where)
            stack.callback(cls.browser.close)
            cls.addClassCleanup(stack.pop_all().close)

    def test_a_sign_in_that_a_browser_does_not_keep(self):
        notice = self.browser.visit(f"http://portal.test:{self.portal.port}/", SIGN_IN, NOTICE)[1]
        self.assertIn("not https", notice)
        self.assertIn("Ask whoever runs this portal", notice)
        for word in ("Authorization", "Bearer", "/auth/login", "cookie"):
            self.assertNotIn(word, notice)

    def test_a_sign_in_that_it_keeps(self):
        who = self.browser.visit(f"http://localhost:{self.portal.port}/", SIGN_IN, WHO)[1]
        self.assertEqual(who, "page@example.org")

    def test_a_wrong_password(self):
        notice = self.browser.visit(f"http://portal.test:{self.portal.port}/", SIGN_IN.replace(PASSWORD, "not that one"), NOTICE)[1]
        self.assertEqual(notice, "The e-mail address or the password is wrong.")


if __name__ == "__main__":
    unittest.main(verbosity=2)
