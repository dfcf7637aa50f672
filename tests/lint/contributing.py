#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what CONTRIBUTING.md names is there: paths, files by their name alone, and the folders of its map.
/usr/bin/python3 tests/lint/contributing.py [ROOT]

Prints one line per name that leads nowhere, and exits 1 if there is any. A path is what stands in `…` and begins with a
folder at the root, or ends as a file does; `*` and `{h,cpp}` stand for what a shell would take them for. What a build makes
(`build/…`) and placeholders (`<preset>`) are not looked for.
"""

import fnmatch
import pathlib
import re
import sys

import layers

PAPER = "CONTRIBUTING.md"
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_BLOCK = re.compile(r"^```\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^(?:\.[a-z][\w-]+|[\w.*-]+\.(?:h|cpp|py|sh|md|toml|sql|lua|js|svg|txt|json|cmake))$")


def alternatives(word):
    """`a.{h,cpp}` is two."""
    found = re.search(r"\{([\w,.-]+)\}", word)
    if not found:
        return [word]
    return [one for part in found.group(1).split(",")
            for one in alternatives(word[:found.start()] + part + word[found.end():])]


def names_in(text, roots):
    """(line, name) of each path and each file's name; those of the map with their whole path."""
    blocks = [(found.start(1), found.group(1)) for found in _BLOCK.finditer(text)]
    for start, block in blocks:
        room = None
        for number, line in enumerate(block.splitlines(), text.count("\n", 0, start) + 1):
            top = re.match(r"([\w.]+)/ ", line)
            if top:
                room = top.group(1)
                yield number, room + "/"
            elif room and line.startswith("  "):
                for inner in re.finditer(r"(?:^|\s)(\w+)/\s", line):
                    yield number, f"{room}/{inner.group(1)}/"
    for found in _CODE.finditer(text):
        number = text.count("\n", 0, found.start()) + 1
        for word in re.split(r"[\s,;]+(?![^{]*\})", found.group(1)):
            for name in alternatives(word):
                if "<" in name or name.startswith("build/"):
                    continue
                if name.split("/")[0] in roots and "/" in name or _FILE.match(name):
                    yield number, name


def check(root):
    root = pathlib.Path(root)
    files = [str(path) for path in layers.tracked_files(root)]
    folders = {str(parent) for path in files for parent in pathlib.PurePosixPath(path).parents} - {"."}
    roots = {path.split("/")[0] for path in folders}
    wrong, seen = [], 0
    for number, name in names_in((root / PAPER).read_text(encoding="utf-8"), roots):
        seen += 1
        wanted = name.rstrip("/")
        there = (any(fnmatch.fnmatchcase(path, wanted) for path in [*files, *folders]) if "/" in name
                 else any(fnmatch.fnmatchcase(path.rsplit("/", 1)[-1], wanted) for path in files))
        if not there:
            wrong.append(f"{PAPER}:{number}: there is no {name}")
    return wrong, seen


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent.parent
    wrong, seen = check(root)
    if seen < 60 and len(sys.argv) == 1:
        wrong.append(f"only {seen} names were found: this walk no longer reads them")
    print("\n".join(wrong) if wrong else f"All {seen} files and folders that {PAPER} names are there.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
