#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two tables of what a link can suffer from say the same of the same. /usr/bin/python3 tests/lint/reasons.py [ROOT]

`core/commands/link_words.cpp` has the words of the terminal, `ui/words/link_words.cpp` those of the console, which are
translated: neither room may include the other. Both have each code of `linkTroubles` (core/api/link_troubles.h) once, in its
order, and no other, with the same phrase and the same advice.

Prints one line per difference, and exits 1 if there is any.
"""

import pathlib
import re
import sys

_TROUBLES = ("core/api/link_troubles.h", "linkTroubles[]{")
_TABLES = (("core/commands/link_words.cpp", "reasons[]{"), ("ui/words/link_words.cpp", "reasons[]{"))
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_JOINED = re.compile(r'"\s*"')


def table(root, path, start):
    """The text between the braces behind `start`."""
    text = (root / path).read_text()
    at = text.find(start)
    if at < 0:
        sys.exit(f"{path}: there is no {start}")
    return text[at + len(start):text.index("\n};", at)]


def rows_of(text):
    """(code, phrase, advice, whether it holds besides a command) of each row."""
    text = text.replace('QT_TRANSLATE_NOOP("links",', "(")
    rows = []
    for row in re.split(r"\n    \{", text)[1:]:
        row = _JOINED.sub("", row)
        texts = _TEXT.findall(row)
        rows.append((texts[0], texts[1], texts[2] if len(texts) > 2 else "", bool(re.search(r",\s*true\s*\}", row))))
    return rows


def differences(root):
    troubles = _TEXT.findall(table(root, *_TROUBLES))
    tables = {path: rows_of(table(root, path, start)) for path, start in _TABLES}
    for path, rows in tables.items():
        codes = [row[0] for row in rows]
        for code in sorted(set(troubles) - set(codes)):
            yield f"{path}: no words for {code}"
        for code in sorted(set(codes) - set(troubles)):
            yield f"{path}: {code} is none of linkTroubles"
        for code in sorted({code for code in codes if codes.count(code) > 1}):
            yield f"{path}: {code} stands twice"
    (first, ours), (second, theirs) = tables.items()
    theirs = {row[0]: row for row in theirs}
    for row in ours:
        other = theirs.get(row[0], row)
        if row != other:
            yield f"{second}: {row[0]} says {other[1:]}, and {first} {row[1:]}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(differences(root))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
