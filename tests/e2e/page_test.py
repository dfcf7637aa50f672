"""The portal's page in a real browser, as a person meets it: what it says, and what it shows when something changes."""

import asyncio
import contextlib
import itertools
import json
import shutil
import subprocess
import unittest

import websockets

from harness import PASSWORD, Portal, WIDE_TIER, clean_environment, die_with_parent, folder, patience, add_user, wait_until

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
        """Opens a page of its own and evaluates each script until it answers something; what they answered. What can be
        called is called between them."""
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
                if callable(script):
                    answers.append(await asyncio.to_thread(script))
                    continue
                while True:
                    shown = await call("Runtime.evaluate", session, expression=script, returnByValue=True)
                    value = shown.get("result", {}).get("value")
                    if value:
                        break
                    await asyncio.sleep(0.05)
                answers.append(value)
            await call("Target.closeTarget", targetId=target)
            return answers


FORM = """(() => {
  const form = document.getElementById('sign-in-form');
  if (!form || !form.onsubmit || document.getElementById('sign-in').hidden) return false;
  form.email.value = %s;
  form.password.value = %s;
  form.querySelector('button[value=%s]').click();
  return true;
})()"""
SIGN_IN = FORM % (json.dumps("page@example.org"), json.dumps(PASSWORD), "login")
SIGN_OUT = """(() => {
  const button = document.getElementById('sign-out');
  if (!button || !button.onclick || !button.checkVisibility()) return false;
  button.click();
  return true;
})()"""
SIGNED_OUT = "document.getElementById('sign-in') && document.getElementById('sign-in').checkVisibility()"
LOADED = "document.getElementById('no-tasks') && !document.getElementById('no-tasks').textContent.startsWith('Loading')"
START = """(() => {
  const form = document.getElementById('analysis-form');
  if (!form.onsubmit || !form.checkVisibility()) return false;
  form.symbol.value = 'MSFT';
  form.querySelector('button').click();
  return true;
})()"""
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


    def test_an_address_that_is_taken(self):
        register = FORM % (json.dumps("Page@example.org"), json.dumps(PASSWORD), "register")
        notice = self.browser.visit(f"http://portal.test:{self.portal.port}/", register, NOTICE)[1]
        self.assertIn("There is an account with the address page@example.org already", notice)

    def test_a_password_that_is_too_short(self):
        # The form itself asks for eight characters; these are eight, and seven of them can be seen.
        register = FORM % (json.dumps("short@example.org"), json.dumps("kx83mdq\u200b"), "register")
        notice = self.browser.visit(f"http://portal.test:{self.portal.port}/", register, NOTICE)[1]
        self.assertIn("has fewer than 8 characters", notice)


class ChangesTest(unittest.TestCase):
    """What changes while the page is open. Each test has a host name, and with it cookies, of its own."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.where = stack.enter_context(folder())
            tier = cls.where / "narrow.toml"
            tier.write_text(WIDE_TIER.replace('api = "1000000 per day; 1000000 per hour; 1000000 per minute"',
                                              'api = "30 per 8 seconds"'))
            cls.portal = Portal(cls.where, "--workers", "0", tier=tier, env={"ALLOWED_HOSTS": "*"})
            stack.callback(cls.portal.kill)
            cls.browser = Browser(cls.where)
            stack.callback(cls.browser.close)
            cls.addClassCleanup(stack.pop_all().close)

    def setUp(self):
        name = self.id().rsplit("_", 1)[-1]
        self.client = self.portal.client().sign_up(f"{name}@example.org")
        self.url = f"http://{name}.test:{self.portal.port}/"
        self.sign_in = FORM % (json.dumps(f"{name}@example.org"), json.dumps(PASSWORD), "login")
        self.who = f"{WHO} === '{name}@example.org'"

    def task_is(self, state):
        return f"[...document.querySelectorAll('.task')].some((task) => task.querySelector('.state').textContent === '{state}')"

    def card(self):
        return "document.querySelector('.task').innerText"

    def test_a_waiting_task_that_is_stopped_here(self):
        press = "(() => { document.querySelector('.task button').click(); return true; })()"
        shown = self.browser.visit(self.url, self.sign_in, self.who, LOADED, START, self.task_is("waiting"), self.card(),
                                   press, self.task_is("stopped"), self.card())
        self.assertIn("MSFT", shown[5])
        self.assertIn("Stop", shown[5])
        self.assertIn("MSFT", shown[-1])
        self.assertNotIn("Stop\n", shown[-1] + "\n")

    def test_a_waiting_task_that_is_stopped_elsewhere(self):
        def stop():
            for task in self.client.get("/api/tasks").json["items"]:
                self.assertEqual(task["subject"], "MSFT")
                self.assertEqual(self.client.delete(f"/api/tasks/{task['id']}").status, 204)

        self.browser.visit(self.url, self.sign_in, self.who, LOADED, START, self.task_is("waiting"), stop,
                           self.task_is("stopped"))

    def test_a_session_that_ends_in_another_tab(self):
        shown = self.browser.visit(
            self.url, self.sign_in, self.who, LOADED,
            """fetch('/auth/csrf').then((answer) => answer.json()).then(({csrf_token: token}) =>
                 fetch('/auth/logout', {method: 'POST', headers: {'X-CSRF-Token': token}})), true""", SIGNED_OUT, NOTICE)
        self.assertIn("signed out", shown[-1])

    def test_a_session_that_ended_while_nobody_listened(self):
        # Without a WebSocket nobody tells the page; what it asks for next does.
        shown = self.browser.visit(
            self.url, self.sign_in, self.who, LOADED,
            """(() => {
                 const send = window.fetch;
                 window.fetch = (path, options) => send(path, {...options, credentials: 'omit'});
                 return true;
               })()""", START, SIGNED_OUT, NOTICE)
        self.assertIn("signed out", shown[-1])

    def test_a_limit_that_is_used_up_while_it_loads(self):
        def use_up():
            while self.client.get("/api/me").status != 429:
                pass

        self.browser.visit(self.url, self.sign_in, self.who, LOADED)
        limited = "/goes on by itself. \\(\\d+ s\\)/.test(%s) ? 'limited' : %s && (%s) ? 'loaded' : ''" % (NOTICE, LOADED, self.who)
        for _ in range(5):  # the window may end before the page is there
            use_up()
            if self.browser.visit(self.url, limited)[0] == "limited":
                break
        else:
            self.fail("the page was never over its limit")
        use_up()
        self.browser.visit(self.url, limited, self.who, LOADED)  # it goes on by itself
        use_up()
        self.browser.visit(self.url, limited, SIGN_OUT, SIGNED_OUT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
