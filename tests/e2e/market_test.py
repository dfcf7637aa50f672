# SPDX-License-Identifier: GPL-3.0-or-later
"""Prices of a folder of files, as the composed portal serves them."""

import datetime
import json
import math
import os
import re
import unittest

from harness import PortalTest


class PriceFilesTest(PortalTest):
    """Price files people have: what is wrong inside the server is for whoever runs it, not for whoever asks."""

    FULL = 1000

    @classmethod
    def prepare(cls):
        cls.prices = cls.where / "prices"
        cls.prices.mkdir()
        days = [datetime.date(2022, 1, 3) + datetime.timedelta(days=number) for number in range(2 * cls.FULL)]
        days = [day for day in days if day.weekday() < 5][:cls.FULL]
        closes = [100 + 10 * math.sin(number / 20) for number in range(cls.FULL)]
        rows = [f"{day},{close:.2f},{close + 1:.2f},{close - 1:.2f},{close:.2f}" for day, close in zip(days, closes)]
        yfinance = ["Price,Close,High,Low,Open,Volume", "Ticker,YFIN,YFIN,YFIN,YFIN,YFIN", "Date,,,,,",
                    *(row + ",30000100.0" for row in rows)]
        (cls.prices / "YFIN.csv").write_text("\n".join(yfinance) + "\n")
        gap = ["Date,Close,High,Low,Open,Adj Close,Volume", *(row + ",99.5,1000" for row in rows)]
        gap[500] = gap[500].split(",")[0] + ",null,null,null,null,null,null"
        (cls.prices / "GAP.csv").write_text("\n".join(gap) + "\n")
        (cls.prices / "BAD.csv").write_text("Date,Close\n2025-01-02,much\n")
        os.mkfifo(cls.prices / "FIFO.csv")
        (cls.prices / "LONG.csv").write_text("a" * 5_000_000)
        cls.arguments = ("--set", "market.provider=csv", "--set", f"market.csv_dir={cls.prices}", "--set",
                         "market.currency=EUR", "--log-format", "json")

    def inside(self, text):
        """The words in it that only an operator should read."""
        return re.findall(rf"{re.escape(str(self.prices))}|prices/|\.csv|\brow\b", text)

    def test_a_user_reads_prices_or_that_there_are_none(self):
        client = self.new_client("reader@example.org")
        for symbol, status in (("YFIN", 200), ("GAP", 200), ("BAD", 503), ("FIFO", 503), ("LONG", 503), ("NONE", 404)):
            with self.subTest(symbol):
                answer = client.get(f"/api/quotes/{symbol}/history?days=1000")
                self.assertEqual(self.inside(answer.body.decode()), [])
                if status != 200:
                    self.assertProblem(answer, status)
                    self.assertIn(symbol, answer.json["detail"])
                    continue
                self.assertEqual((answer.status, answer.json["currency"], answer.json["source"]), (200, "EUR", "csv"))
                self.assertEqual(len(answer.json["items"]), self.FULL - (symbol == "GAP"))
        quotes = client.get("/api/quotes?symbols=FIFO,YFIN,BAD,NONE").json
        self.assertEqual(([quote["symbol"] for quote in quotes["items"]], quotes["missing"], quotes["currency"]),
                         (["YFIN"], ["FIFO", "BAD", "NONE"], "EUR"))

        def logged(message):
            lines = [json.loads(line) for line in self.portal.log.read_text().splitlines() if line.startswith("{")]
            return [line for line in lines if line["message"] == message]

        left_out = logged("rows of a price file were left out")
        self.assertEqual([(line["file"], line["left_out"]) for line in left_out], [(str(self.prices / "GAP.csv"), 1)])
        self.assertIn("row 501", left_out[0]["first"])
        unreadable = logged("a price file cannot be used")
        why = {line["file"]: line["why"] for line in unreadable}
        self.assertEqual(set(why), {str(self.prices / f"{name}.csv") for name in ("BAD", "FIFO", "LONG")})
        self.assertIn("row 2", why[str(self.prices / "BAD.csv")])
        self.assertIn("no regular file", why[str(self.prices / "FIFO.csv")])
        self.assertIn("row 1", why[str(self.prices / "LONG.csv")])

    def test_an_analysis_of_such_a_file(self):
        client = self.new_client("analyst@example.org")
        done = client.wait_for_task(client.start_analysis(symbol="YFIN", paths=1000))
        self.assertEqual((done["state"], done["result"]["currency"], done["result"]["source"]), ("SUCCESS", "EUR", "csv"))
        for symbol in ("BAD", "NONE"):
            with self.subTest(symbol):
                failed = client.wait_for_task(client.start_analysis(symbol=symbol, paths=1000))
                self.assertEqual(failed["state"], "FAILURE")
                self.assertIn(symbol, failed["error"]["message"])
                self.assertEqual(self.inside(json.dumps(failed)), [])


if __name__ == "__main__":
    unittest.main()
