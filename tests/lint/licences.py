#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether every file that can say so says what licence it is under. /usr/bin/python3 tests/lint/licences.py [--add] [ROOT]

Prints the files that do not and exits 1 if there is any; --add writes the line into them. Pictures, JSON and what tests
read as data have no room for it: LICENSE holds for them too.
"""

import pathlib
import sys

import layers

LINE = "SPDX-License-Identifier: GPL-3.0-or-later"
_COMMENT = {".h": "// {}", ".cpp": "// {}", ".js": "// {}", ".lua": "-- {}", ".sql": "-- {}", ".css": "/* {} */",
            ".html": "<!-- {} -->", **{suffix: "# {}" for suffix in (".py", ".sh", ".cmake", ".toml", ".supp")}}
_NAMED = {"CMakeLists.txt": "# {}", ".clang-format": "# {}", ".clang-tidy": "# {}", "run": "# {}"}
_DATA = ("samples", "seeds")


def comment_of(path):
    """How the line is written in this file; None where it is not."""
    if any(part in _DATA for part in path.parts):
        return None
    return _NAMED.get(path.name) or _COMMENT.get(path.suffix)


def missing(root):
    return [path for path in layers.tracked_files(root)
            if comment_of(path) and LINE not in "".join((root / path).read_text(encoding="utf-8").splitlines()[:2])]


def add(root, path):
    text = (root / path).read_text(encoding="utf-8")
    line = comment_of(path).format(LINE) + "\n"
    first, newline, rest = text.partition("\n")
    stays = first.startswith("#!") or first.lower().startswith("<!doctype")
    (root / path).write_text(first + newline + line + rest if stays else line + text, encoding="utf-8")


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--add"]
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent.parent.parent
    without = missing(root)
    for path in without:
        if "--add" in sys.argv:
            add(root, path)
        else:
            print(f"{path}:1: no line that says {LINE}")
    return 1 if without and "--add" not in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
