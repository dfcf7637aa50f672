#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what people read keeps to the terms of CONTRIBUTING.md. /usr/bin/python3 tests/lint/terms.py [ROOT]

Prints each literal of `ui` and of the scripted portals that has a phrase of the column "not", and exits 1 if there is
any. Phrases in one line of that column are parted by commas; case counts.
"""

import pathlib
import re
import sys

import layers

_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_INCLUDE = re.compile(r"^\s*#\s*include")
_SHOWN = ("ui", "core/demo", "core/api")


def phrases(root):
    """Of the table below "## Terms": what is not said → what is."""
    section = (root / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("\n## Terms\n")[2].partition("\n## ")[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0] not in ("say", "---"):
            found.update({phrase.strip(): cells[0] for phrase in cells[2].split(",")})
    return found


def pattern_of(phrase):
    return re.compile(r"(?<!\w)" + re.escape(phrase) + r"(?!\w)")


def violations(root):
    terms = phrases(root)
    if len(terms) < 10:
        yield "CONTRIBUTING.md", 1, "the list of terms is not found"
    patterns = [(pattern_of(phrase), phrase, say) for phrase, say in terms.items()]
    for path in layers.tracked_files(root):
        if path.suffix not in (".cpp", ".h") or not str(path).startswith(tuple(part + "/" for part in _SHOWN)):
            continue
        for number, line in enumerate((root / path).read_text(encoding="utf-8").splitlines(), 1):
            if _INCLUDE.match(line):
                continue
            for literal in _LITERAL.findall(line.split("//")[0]):
                for pattern, phrase, say in patterns:
                    if pattern.search(literal):
                        yield path, number, f'"{phrase}" in "{literal}"; say "{say}"'


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent.parent
    found = list(violations(root))
    for path, number, what in found:
        print(f"{path}:{number}: {what}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
