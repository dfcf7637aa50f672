#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether every function fits a screen: 60 lines between its braces at most. /usr/bin/python3 tests/lint/functions.py [ROOT]

Prints one line for each that is longer, and exits 1 if there is any. What a function lists is read as a table, not as a
procedure, and is not counted: the rows of a Qt test (`…_data`), and a list in braces of at least 20 lines. The formatting
rules of .clang-format are what makes C++ readable here: the brace that opens a function stands alone on its line.
"""

import ast
import pathlib
import re
import sys

import layers

MOST = 60
_LEAST_OF_A_TABLE = 20
_ROOTS = ("app", "core", "ui", "tests")
_NO_CODE = re.compile(r'R"(\w*)\((?:.|\n)*?\)\1"|"(?:[^"\\\n]|\\.)*"|(?<!\w)\'(?:[^\'\\\n]|\\.)+\'|//[^\n]*|/\*(?:.|\n)*?\*/')
_NO_FUNCTION = re.compile(r"\s*(?:template\s*<.*>\s*)?(?:class|struct|union|enum|namespace|extern)\b")
_NAME = re.compile(r"([\w:~]+(?:operator\W+)?)\s*\(")
# As .clang-format writes it, the brace of a list follows its type, `return`, `=`, a bracket or a comma; that of a lambda or
# a block follows a space.
_LIST = re.compile(r"(?:(?<=[\w>(,{])|(?<=return )|(?<== ))\{")


def without_strings(text):
    """The same lines, with nothing in what is no code."""
    return _NO_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def end_of(text, brace):
    """Where the brace that opens here is closed."""
    depth = 0
    for found in re.finditer(r"[{}]", text[brace:]):
        depth += 1 if found.group() == "{" else -1
        if depth == 0:
            return brace + found.start()
    return len(text)


def lines_of_tables(body):
    """How many lines of a body are within lists that are tables."""
    lines, at = 0, 0
    while found := _LIST.search(body, at):
        end = end_of(body, found.start())
        long = body.count("\n", found.start(), end)
        if long >= _LEAST_OF_A_TABLE:
            lines += long
            at = end
        else:
            at = found.end()
    return lines


def functions_of_cpp(text):
    """(name, line, how long) of each function."""
    code = without_strings(text)
    offset, lines = 0, code.split("\n")
    for number, line in enumerate(lines):
        begins = offset + len(line) - 1
        offset += len(line) + 1
        if line.strip() != "{":
            continue
        first = number
        while first > 0 and lines[first - 1].strip() and not re.search(r"(?:[;{]|^\s*\}|\w:)\s*$", lines[first - 1]):
            first -= 1
        head = "\n".join(lines[first:number])
        name = _NAME.search(head)
        if not name or _NO_FUNCTION.match(head):
            continue
        end = end_of(code, begins)
        if not name.group(1).endswith("_data"):
            body = code[begins + 1:end]
            yield name.group(1), number + 1, body.count("\n") - 1 - lines_of_tables(body)


def functions_of_python(text):
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        tables, waiting = 0, list(node.body)
        while waiting:
            part = waiting.pop()
            long = getattr(part, "end_lineno", 0) - getattr(part, "lineno", 0)
            if isinstance(part, (ast.List, ast.Dict, ast.Tuple, ast.Set, ast.Constant)) and long >= _LEAST_OF_A_TABLE:
                tables += long
            else:
                waiting += ast.iter_child_nodes(part)
        yield node.name, node.lineno, node.end_lineno - node.body[0].lineno + 1 - tables


def check(root):
    root, wrong, seen = pathlib.Path(root), [], 0
    for path in layers.tracked_files(root):
        read = {".h": functions_of_cpp, ".cpp": functions_of_cpp, ".py": functions_of_python}.get(path.suffix)
        if not read or path.parts[0] not in _ROOTS:
            continue
        for name, line, lines in read((root / path).read_text(encoding="utf-8")):
            seen += 1
            if lines > MOST:
                wrong.append(f"{path}:{line}: {name} has {lines} lines; give its parts names ({MOST} at most, tables apart)")
    return wrong, seen


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent.parent
    wrong, seen = check(root)
    if seen < 1000 and len(sys.argv) == 1:
        wrong.append(f"only {seen} functions were found: this walk no longer reads them")
    print("\n".join(wrong) if wrong else f"None of {seen} functions is longer than {MOST} lines.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
