# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal's page in a real browser, as a person meets it: what it says, and what it shows when something changes."""

import asyncio
import contextlib
import itertools
import json
import shutil
import subprocess
import unittest

import websockets

from harness import (PASSWORD, Portal, Redis, WIDE_TIER, add_user, clean_environment, die_with_parent, folder, patience,
                     wait_until)
from shop_worker import Shop

KEY = "q1sb2Sy0p8YcS5cQe7kWk0m1nN3hV0oLkqJQhzq7x2E="
UNSEEN = "kx83mdq\u200b"  # eight characters for the browser, of which seven can be seen


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

    def visit(self, url, *scripts, size=None):
        """Opens a page of its own and evaluates each script until it answers something; what they answered. What can be
        called is called between them. `size`: width and height of the telephone it is seen on."""
        return asyncio.run(asyncio.wait_for(self._visit(url, scripts, size), patience(60)))

    async def _visit(self, url, scripts, size):
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

            target = (await call("Target.createTarget", url="about:blank" if size else url))["targetId"]
            session = (await call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
            if size:
                await call("Emulation.setDeviceMetricsOverride", session, width=size[0], height=size[1], deviceScaleFactor=2,
                           mobile=True)
                await call("Page.navigate", session, url=url)
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


def form(action, email, password=PASSWORD):
    return FORM % (json.dumps(email), json.dumps(password), action)


SIGN_IN = form("login", "page@example.org")
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


def start(symbol):
    return START.replace("MSFT", symbol)


NOTICE = "document.getElementById('notice') && document.getElementById('notice').textContent"
WHO = "document.getElementById('who') && document.getElementById('who').textContent"
QUIET = "document.getElementById('notice').hidden && document.getElementById('notice').textContent === ''"


def card(symbol, state):
    """What the task of this symbol shows, once it is in this state."""
    return """[...document.querySelectorAll('.task')].filter((task) => task.querySelector('strong').textContent.endsWith(' %s') &&
      task.querySelector('.state').textContent.startsWith('%s')).map((task) => task.innerText)[0]""" % (symbol, state)


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
        notice = self.browser.visit(f"http://portal.test:{self.portal.port}/", form("register", "Page@example.org"), NOTICE)[1]
        self.assertIn("There is an account with the address page@example.org already", notice)

    def test_a_password_that_is_too_short(self):
        register = form("register", "short@example.org", UNSEEN)
        notice = self.browser.visit(f"http://portal.test:{self.portal.port}/", register, NOTICE)[1]
        self.assertIn("has fewer than 8 characters", notice)
        self.assertEqual(notice.count("fewer than 8 characters"), 1)

    def test_who_is_not_signed_in_reads_what_this_is(self):
        shown = self.browser.visit(f"http://portal.test:{self.portal.port}/",
                                   f"{SIGNED_OUT} && document.getElementById('sign-in').innerText")[0]
        self.assertIn("This portal looks at stocks", shown)


class RegistrationTest(unittest.TestCase):
    """Whoever registers is signed in, with the limits of the smallest tier. Each person has a host name, and with it
    cookies, of the own; all have one address."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.where = stack.enter_context(folder())
            cls.portal = Portal(cls.where, tier="small", env={"ALLOWED_HOSTS": "*"})
            stack.callback(cls.portal.kill)
            cls.browser = Browser(cls.where)
            stack.callback(cls.browser.close)
            cls.addClassCleanup(stack.pop_all().close)

    def url(self, name):
        return f"http://{name}.test:{self.portal.port}/"

    def test_after_what_the_portal_refuses(self):
        for name in ("first", "second", "third"):
            with self.subTest(name):
                email = f"{name}@example.org"
                shown = self.browser.visit(self.url(name), form("register", email, UNSEEN), NOTICE, form("register", email),
                                           f"{WHO} === '{email}' && {WHO}", QUIET)
                self.assertIn("has fewer than 8 characters", shown[1])
                self.assertEqual(shown[3], email)

    def test_a_sign_in_that_has_to_wait(self):
        """As when somebody else of the address guessed meanwhile: the account is there, and the rest is not lost."""
        limited = """(() => {
          const send = window.fetch;
          window.fetch = async (path, options) => {
            if (path !== '/auth/login') return send(path, options);
            window.fetch = send;
            return new Response(JSON.stringify({type: 'https://portolan.invalid/problems/rate-limited', status: 429,
              title: 'Too many requests', detail: 'Too many attempts. Try again in 42 seconds.'}), {status: 429});
          };
          return true;
        })()"""
        email = "waits@example.org"
        sign_in = """(() => {
          document.querySelector('#sign-in-form button[value=login]').click();
          return true;
        })()"""
        counts = f"/Try again in (41|40|[1-3]?[0-9]) seconds?\\./.test({NOTICE})"
        shown = self.browser.visit(self.url("waits"), SIGNED_OUT, limited, form("register", email), NOTICE, counts, sign_in,
                                   f"{WHO} === '{email}'", QUIET)
        over = self.browser.visit(self.url("over"), SIGNED_OUT, limited.replace("42 seconds", "1 second"), form("login", email),
                                  f"/now\\.$/.test({NOTICE}) && {NOTICE}")
        self.assertEqual(over[3], "Too many attempts. You can try again now.")
        long = self.browser.visit(self.url("long"), SIGNED_OUT, limited.replace("42 seconds", "3421 seconds"), form("login", email), NOTICE)
        self.assertEqual(long[3], "Too many attempts. Try again in 58 minutes.")
        self.assertRegex(shown[3], r"^Your account exists now\. Signing in has to wait: Too many attempts\. Try again in 4\d seconds\.$")


class FiguresTest(unittest.TestCase):
    """What an analysis shows, and on a telephone."""

    LAYOUT = """(() => {
      const text = document.querySelector('.fan text');
      if (!text) return null;
      const svg = text.ownerSVGElement;
      const words = document.createRange();
      words.selectNodeContents(document.getElementById('sign-out'));
      return {
        boxes: ['h1', '#who', '#sign-out'].map((what) => document.querySelector(what).getBoundingClientRect().toJSON()),
        lines: words.getClientRects().length,
        width: document.documentElement.scrollWidth,
        label: Math.min(...[...document.querySelectorAll('.fan text')].map((one) =>
          parseFloat(getComputedStyle(one).fontSize) * svg.clientWidth / svg.viewBox.baseVal.width)),
      };
    })()"""
    FIGURES = """(() => {
      const cells = [...document.querySelectorAll('.figures div')];
      return cells.length && cells.map((cell) => [cell.querySelector('dt').innerText, cell.querySelector('dd').innerText]);
    })()"""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.where = stack.enter_context(folder())
            cls.email = "somebody.with.a.rather.long.name@department.of.a.company.example"
            cls.portal = Portal(cls.where, env={"ALLOWED_HOSTS": "*"})
            stack.callback(cls.portal.kill)
            cls.url = f"http://figures.test:{cls.portal.port}/"
            client = cls.portal.client().sign_up(cls.email)
            task = client.wait_for_task(client.start_analysis(symbol="MSFT", horizon_days=60, paths=1000))
            assert task["state"] == "SUCCESS", task
            cls.browser = Browser(cls.where)
            stack.callback(cls.browser.close)
            # Its cookie stays with the browser.
            cls.browser.visit(cls.url, form("login", cls.email), f"{WHO} === '{cls.email}'")
            cls.addClassCleanup(stack.pop_all().close)

    def test_prices_have_a_currency_and_figures_their_usual_names(self):
        shown = dict(self.browser.visit(self.url, self.FIGURES)[0])
        self.assertIn("Maximum drawdown", shown)
        for name in ("Last close", "Median in 60 trading days", "Range of 90\u00a0% of outcomes", "50-day average"):
            with self.subTest(name):
                self.assertIn("$", shown[name])
        for name in shown:
            for unclear in ("then", "fall"):
                self.assertNotIn(unclear, name)

    def test_on_a_telephone(self):
        for width in (390, 320):
            with self.subTest(width=width):
                layout = self.browser.visit(self.url, f"{WHO} === '{self.email}'", self.LAYOUT, size=(width, 844))[1]
                for one, other in itertools.combinations(layout["boxes"], 2):
                    apart = (one["right"] <= other["left"] or other["right"] <= one["left"] or one["bottom"] <= other["top"]
                             or other["bottom"] <= one["top"])
                    self.assertTrue(apart, layout)
                self.assertEqual(layout["lines"], 1, layout)
                self.assertLessEqual(layout["width"], width, layout)
                self.assertGreaterEqual(layout["label"], 10, layout)
                for box in layout["boxes"]:
                    self.assertGreater(box["width"], 0, layout)
                    self.assertLessEqual(box["right"], width, layout)


class OthersResultsTest(unittest.TestCase):
    """Results as a Celery worker writes them, on the page."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.where = stack.enter_context(folder())
            cls.redis = Redis(cls.where)
            stack.callback(cls.redis.stop)
            shop = Shop(cls.where, cls.redis.url, queue="portal", SHOP_ANALYSES="1")
            stack.callback(shop.close)
            shop.start()
            cls.portal = Portal(cls.where, "--redis", cls.redis.url, "--workers", "0", "--set", "tasks.queue=portal")
            stack.callback(cls.portal.kill)
            cls.browser = Browser(cls.where)
            stack.callback(cls.browser.close)
            cls.addClassCleanup(stack.pop_all().close)

    def test_are_shown_for_what_they_are(self):
        def go():
            self.redis.client.set("shop:go", "1")
            self.redis.client.lpush("shop:wake", "1")
            return True

        shown = self.browser.visit(
            f"http://localhost:{self.portal.port}/", form("register", "results@example.org"), LOADED,
            start("NAN"), card("NAN", "failed"), start("META"), card("META", "failed"),
            start("SLOW"), card("SLOW", "running \u00b7 30\u00a0%"), go, card("SLOW", "done"))
        self.assertIn("NaN at /x", shown[3])
        self.assertIn("No prices.", shown[5])
        self.assertIn("30\u00a0% \u00b7 x", shown[7])
        self.assertNotIn("Stop", shown[9])


class ChangesTest(unittest.TestCase):
    """What changes while the page is open. Each test has a host name, and with it cookies, of its own."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.where = stack.enter_context(folder())
            tier = cls.where / "narrow.toml"
            tier.write_text(WIDE_TIER.replace('api = "1000000 per day; 1000000 per hour; 1000000 per minute"',
                                              'api = "30 per 8 seconds"')
                            .replace('analysis = "1000000 per day; 1000000 per hour; 1000000 per minute"', 'analysis = "2 per hour"'))
            cls.portal = Portal(cls.where, "--workers", "0", tier=tier, env={"ALLOWED_HOSTS": "*"})
            stack.callback(cls.portal.kill)
            cls.browser = Browser(cls.where)
            stack.callback(cls.browser.close)
            cls.addClassCleanup(stack.pop_all().close)

    def setUp(self):
        name = self.id().rsplit("_", 1)[-1]
        self.client = self.portal.client().sign_up(f"{name}@example.org")
        self.url = f"http://{name}.test:{self.portal.port}/"
        self.sign_in = form("login", f"{name}@example.org")
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

    def test_a_waiting_task_that_is_stopped_where_no_websocket_gets_through(self):
        refuse = """(() => {
          window.WebSocket = class { constructor() { setTimeout(() => this.onclose({code: 1006})); } close() {} };
          return true;
        })()"""

        def stop():
            task_id = self.client.get("/api/tasks").json["items"][0]["id"]
            self.assertEqual(self.client.delete(f"/api/tasks/{task_id}").status, 204)

        self.browser.visit(self.url, SIGNED_OUT, refuse, self.sign_in, self.who, LOADED, START, self.task_is("waiting"), stop,
                           self.task_is("stopped"))

    def test_how_many_starts_are_left(self):
        quota, button = "document.getElementById('quota').textContent", "document.getElementById('start')"
        left = lambda count, off: (f"{quota}.startsWith('{count} of 2 starts left until ') && "
                                   f"{button}.getAttribute('aria-disabled') === '{off}' && {quota}")
        shown = self.browser.visit(self.url, self.sign_in, self.who, LOADED, f"{quota} === ''", START, left(1, "false"), START,
                                   left(0, "true"), START, NOTICE)
        self.assertRegex(shown[-1], r"Try again in \d+ minutes\.$")
        self.browser.visit(self.url, self.who, left(0, "true"), SIGN_OUT, SIGNED_OUT, f"{quota} === ''")

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
