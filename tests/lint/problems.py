#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks every problem the server can answer: the portal's page has words for it, or this says why the page never meets it.
What the page knows must exist. tests/lint/problems.py [ROOT]

A problem is named where an error gets a code of its own (`error.code = "…"`, a constant codeX for it, or the code behind the
kind), or by its kind (the table of core/http/problem.cpp).
"""

import pathlib
import re
import sys

_PAGE = "resources/portal/portal.js"
_NAMES = [
    re.compile(r'\.code = "([a-z-]+)"'),
    re.compile(r'\bstd::string_view code[A-Z]\w* = "([a-z]+(?:-[a-z]+)*)"'),
    re.compile(r'\bErrorKind::\w+,\s*(?:status::\w+, )?"([a-z]+(?:-[a-z]+)*)"[,)}]'),
]
# What no request of the page can be answered with, and why.
_ELSEWHERE = {
    "media-type": "it sends JSON, and says so",
    "malformed": "a browser sends no such request",
    "version": "a browser speaks HTTP/1.1 where it is asked to",
    "transfer-encoding": "a browser sends no such request",
    "content-encoding": "it compresses nothing",
    "expectation": "a browser expects nothing",
    "method": "it uses the usual ones",
    "method-not-allowed": "it uses those the paths have",
    "unsupported": "it asks for nothing of that kind",
    "target-too-long": "its addresses are short",
    "upgrade-required": "of WebSockets, whose refusals a page cannot read",
    "websocket-version": "of WebSockets, whose refusals a page cannot read",
    "too-many-sockets": "of WebSockets, whose refusals a page cannot read",
    "last-admin": "of the admin API",
    "token-may-not": "of API tokens, and the page sends none",
    "token-scope": "of API tokens, and the page sends none",
    "token-exists": "of the command line",
    "too-many-tokens": "of the command line",
    "limit-syntax": "of the admin API",
    "constraint": "what it sends is checked before the database sees it",
    "exists": "the stores that insert say in its place what is taken",
    "missing-reference": "the stores that insert say in its place what is gone",
    "message-not-registered": "of the admin API",
    "message-follow-up": "of a worker, where no request waits",
    "queue-cancelled": "of a worker; health and the log tell it",
    "data-dir-locked": "of the start",
    "data-dir-moved": "of the check that what is written will last, which health and the log tell",
    "watch-file": "of the file of a watched deployment, which a portal does not read",
    "secret-missing": "of a watched deployment's file",
    "secret-open": "of a watched deployment's file",
    "secret-rubbish": "of a watched deployment's file",
    "secret-keychain": "of a watched deployment's file",
    "program-missing": "of a watched deployment's file",
    "program-failed": "of a watched deployment's file",
    "program-slow": "of a watched deployment's file",
    "program-output": "of a watched deployment's file",
    "prices-unreadable": "of quotes, which it does not ask for; a task says it in its own words",
}
# The same of whole groups, by how they begin.
_WAYS = "of a connection to another host: a console's, or that of a portal to its Redis, which the page knows as redis-…"
_GROUPS_ELSEWHERE = {
    **{group: _WAYS for group in ("name-", "tcp-", "tls-", "tunnel-", "http-", "ws-")},
    "connect-": "of a console that is told what to attach to",
    "portal-": "of a console that looks at a portal elsewhere",
    "metrics-": "of a page of metrics that a watched deployment has",
    "probe-": "of an address that a watched deployment is asked for",
}


def problems_of(root):
    found = {}
    for path in sorted((root / "core").rglob("*.cpp")) + sorted((root / "core").rglob("*.h")):
        text = path.read_text()
        for pattern in _NAMES:
            for name in pattern.findall(text):
                found.setdefault(name, path.relative_to(root).as_posix())
    return found


def words_of(page):
    """The names it has words for, and the pattern of those it knows by their beginning."""
    named = re.search(r"const forPeople = new Set\(\[(.*?)\]\)", page, re.DOTALL).group(1)
    own = re.search(r"const ownWords = \{(.*?)\n\};", page, re.DOTALL).group(1)
    names = set(re.findall(r"'([a-z-]+)'", named)) | set(re.findall(r"^  '?([a-z-]+)'?:", own, re.MULTILINE))
    return names, re.compile(re.search(r"\|\| /(\^[^/]+)/\.test\(name\)", page).group(1))


def check(root):
    found = problems_of(root)
    names, beginnings = words_of((root / _PAGE).read_text())
    wrong = []
    if len(found) < 30 or len(names) < 12:
        wrong.append(f"only {len(found)} problems and {len(names)} words were found: this walk no longer reads them")
    for name, path in found.items():
        known = name in names or beginnings.search(name)
        if not known and name not in _ELSEWHERE and not name.startswith(tuple(_GROUPS_ELSEWHERE)):
            wrong.append(f"{path}: {_PAGE} has no words for the problem {name}")
        if name in names and name in _ELSEWHERE:
            wrong.append(f"{_PAGE}: it has words for {name}, which is said never to meet it")
    wrong += [f"{_PAGE}: there is no problem {name}" for name in sorted(names - set(found))]
    wrong += [f"tests/lint/problems.py: there is no problem {name}" for name in sorted(set(_ELSEWHERE) - set(found))]
    wrong += [f"tests/lint/problems.py: no problem begins with {beginning}" for beginning in _GROUPS_ELSEWHERE
              if not any(name.startswith(beginning) for name in found)]
    return wrong


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    wrong = check(root if root.is_dir() else root.parent.parent.parent)
    print("\n".join(wrong) if wrong else "The page has words for every problem it can meet.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
