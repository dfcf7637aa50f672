#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Computes the figures of core/market from their definitions, in plain Python and in the slowest, most literal way, and
writes them to reference.json, which market_test.cpp compares with. Run it again after changing it:
    python3 tests/unit/market/reference.py > tests/unit/market/reference.json
"""
import json
import math
from statistics import NormalDist, mean, pstdev, stdev


def prices(count, seed):
    """A random walk by a linear congruential generator (Numerical Recipes), the same everywhere."""
    rows, price, state = [], 100.0, seed
    for _ in range(count):
        def draw():
            nonlocal state
            state = (1664525 * state + 1013904223) % 2**32
            return state / 2**32 - 0.5
        opening = round(price * math.exp(0.01 * draw()), 2)
        price = round(opening * math.exp(0.001 + 0.06 * draw()), 2)
        high = round(max(opening, price) * (1 + 0.02 * (draw() + 0.5)), 2)
        low = round(min(opening, price) * (1 - 0.02 * (draw() + 0.5)), 2)
        rows.append((opening, high, low, price))
    return rows


def sma(x, n):
    return [mean(x[i - n + 1:i + 1]) if i >= n - 1 else None for i in range(len(x))]


def ema(x, n):
    """Begins at the first n values that exist."""
    start = next((i for i, v in enumerate(x) if v is not None), len(x))
    out = [None] * len(x)
    if len(x) - start < n:
        return out
    a = 2 / (n + 1)
    out[start + n - 1] = mean(x[start:start + n])
    for i in range(start + n, len(x)):
        out[i] = a * x[i] + (1 - a) * out[i - 1]
    return out


def wilder(x, n):
    out = [None] * len(x)
    if len(x) >= n:
        out[n - 1] = mean(x[:n])
        for i in range(n, len(x)):
            out[i] = ((n - 1) * out[i - 1] + x[i]) / n
    return out


def rsi(x, n):
    changes = [b - a for a, b in zip(x, x[1:])]
    gains = wilder([max(c, 0) for c in changes], n)
    losses = wilder([max(-c, 0) for c in changes], n)
    return [None] + [None if g is None else 100 - 100 / (1 + g / l) if l else 100.0 for g, l in zip(gains, losses)]


def macd(x, fast, slow, signal):
    line = [None if a is None or b is None else a - b for a, b in zip(ema(x, fast), ema(x, slow))]
    sig = ema(line, signal)
    return line, sig, [None if s is None else l - s for l, s in zip(line, sig)]


def bollinger(x, n, k):
    middle = sma(x, n)
    spread = [pstdev(x[i - n + 1:i + 1]) if i >= n - 1 else None for i in range(len(x))]
    return (middle, [None if m is None else m + k * s for m, s in zip(middle, spread)],
            [None if m is None else m - k * s for m, s in zip(middle, spread)])


def atr(rows, n):
    ranges = []
    for i, (_, high, low, _) in enumerate(rows):
        parts = [high - low]
        if i:
            close = rows[i - 1][3]
            parts += [abs(high - close), abs(low - close)]
        ranges.append(max(parts))
    return wilder(ranges, n)


def quantile(x, q):
    s = sorted(x)
    h = (len(s) - 1) * q
    low = math.floor(h)
    high = min(low + 1, len(s) - 1)
    return s[low] + (h - low) * (s[high] - s[low])


def drawdown(x):
    best = (0.0, 0, 0)
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            depth = 1 - x[j] / x[i]
            if depth > best[0] + 1e-15:
                best = (depth, i, j)
    return best


def value_at_risk(r, c):
    limit = quantile(r, 1 - c)
    z = NormalDist().inv_cdf(1 - c)
    m, s = mean(r), stdev(r)
    return {"historical": -limit, "parametric": -(m + s * z),
            "historical_shortfall": -mean([v for v in r if v <= limit]),
            "parametric_shortfall": -(m - s * NormalDist().pdf(z) / (1 - c))}


def case(count, seed):
    rows = prices(count, seed)
    x = [row[3] for row in rows]
    simple = [b / a - 1 for a, b in zip(x, x[1:])]
    logs = [math.log(b / a) for a, b in zip(x, x[1:])]
    line, signal, histogram = macd(x, 12, 26, 9)
    middle, upper, lower = bollinger(x, 20, 2)
    depth, peak, trough = drawdown(x)
    return {"rows": rows,
            "series": {"sma5": sma(x, 5), "sma20": sma(x, 20), "ema10": ema(x, 10), "rsi14": rsi(x, 14), "rsi2": rsi(x, 2),
                       "macd_line": line, "macd_signal": signal, "macd_histogram": histogram,
                       "bollinger_middle": middle, "bollinger_upper": upper, "bollinger_lower": lower,
                       "atr14": atr(rows, 14), "atr1": atr(rows, 1), "simple_returns": simple, "log_returns": logs},
            "figures": {"mean": mean(simple), "deviation": stdev(simple), "volatility": stdev(simple) * math.sqrt(252),
                        "drawdown": depth, "peak": peak, "trough": trough,
                        "sharpe": math.sqrt(252) * (mean(simple) - 0.03 / 252) / stdev(simple),
                        "quantile5": quantile(x, 0.05), "quantile37": quantile(x, 0.37), "median": quantile(x, 0.5)},
            "value_at_risk95": value_at_risk(simple, 0.95), "value_at_risk99": value_at_risk(simple, 0.99)}


if __name__ == "__main__":
    print("[" + ",\n".join(json.dumps(case(count, seed)) for count, seed in ((120, 1), (61, 2), (40, 77))) + "]")
