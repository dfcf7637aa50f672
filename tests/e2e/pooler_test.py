# SPDX-License-Identifier: GPL-3.0-or-later
"""Two instances behind a PgBouncer in transaction mode, with two connections to the server for all of them."""

import concurrent.futures
import contextlib
import unittest

from harness import Client, Portal, Redis, folder
from postgres import PgBouncer, Postgres

SETTINGS = ("SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN "
            "('statement_timeout', 'idle_in_transaction_session_timeout', 'bytea_output', 'search_path', 'DateStyle')")


class PoolerTest(unittest.TestCase):
    def test_everybody_gets_their_own_rows_and_strangers_inherit_nothing(self):
        with contextlib.ExitStack() as stack:
            where = stack.enter_context(folder())
            redis = Redis(where)
            stack.callback(redis.stop)
            postgres = Postgres("portal")
            stack.callback(postgres.stop)
            pooler = PgBouncer(postgres, pool_size=2)
            stack.callback(pooler.stop)
            before = postgres.sql(SETTINGS, "portal", pooler.where)
            portals = []
            for name in ("one", "two"):
                portal = Portal(where, "--redis", redis.url, "--database", pooler.url("portal"), name=name,
                                env={"PORTAL_SECRET_KEY": "the same key for all instances of a portal"})
                stack.callback(portal.kill)
                portals.append(portal)

            def use(number):
                portal = portals[number % 2]
                email = f"user-{number}@example.org"
                Client(portal.url).register(email)
                answers = []
                client = Client(portals[(number + 1) % 2].url)  # the other one's statements
                client.login(email)
                for i in range(40):
                    answers.append(client.get("/api/tasks" if i % 2 else "/api/me"))
                    if i % 2 == 0:
                        self.assertEqual(answers[-1].json["email"], email)
                return [answer.status for answer in answers]

            with concurrent.futures.ThreadPoolExecutor(8) as threads:
                statuses = [status for all_of_one in threads.map(use, range(8)) for status in all_of_one]
            self.assertEqual(set(statuses), {200}, statuses)
            self.assertEqual(len(statuses), 320)
            for _ in range(4):  # whichever of the two sessions answers
                self.assertEqual(postgres.sql(SETTINGS, "portal", pooler.where), before)
                self.assertEqual(postgres.sql("SELECT count(*) FROM pg_prepared_statements", "portal", pooler.where), "0")


if __name__ == "__main__":
    unittest.main()
