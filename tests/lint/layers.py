#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the code that a tool can check. /usr/bin/python3 tests/lint/layers.py [ROOT]

Prints one line per violation, `file:line: what`, and exits 1 if there is any; warnings do not count. layers_test.py
shows for each rule that a violation of it is found.
"""

import pathlib
import re
import subprocess
import sys

# Who may include whom: each folder of core/ with the folders it may use besides itself. CONTRIBUTING.md explains it.
_GROUND = {"api", "base", "telemetry"}
_TRANSPORT = {"redis", "storage", "http", "net"}
_SERVICES = {"auth", "limits", "queue", "market"}
_FEATURES = {"portal", "monitor", "stack", "diagnose", "alerts", "scaling", "connect"}
_BELOW_SERVICES = _GROUND | _TRANSPORT - {"http"}
_MONITOR = _GROUND | _TRANSPORT | {"queue"}
_BELOW_SERVER = _GROUND | _TRANSPORT | _SERVICES | _FEATURES | {"console"}
MAY_USE = {
    "api": set(),
    "base": {"api"},
    "telemetry": {"api", "base"},
    **{folder: _GROUND for folder in _TRANSPORT},
    **{folder: _BELOW_SERVICES for folder in _SERVICES},
    "portal": _GROUND | _TRANSPORT | _SERVICES,
    "monitor": _MONITOR,
    "stack": _MONITOR - {"http"} | {"monitor"},
    "scaling": _MONITOR - {"http"} | {"monitor", "stack"},
    "diagnose": _MONITOR | {"monitor"},
    "alerts": _MONITOR | {"monitor"},
    "connect": _BELOW_SERVICES | {"stack"},
    "console": _GROUND | _TRANSPORT | _SERVICES | _FEATURES - {"connect"},
    "server": _BELOW_SERVER - {"connect"},
    "showcase": _BELOW_SERVER - {"connect"} | {"server"},
    "embedded": _BELOW_SERVER - {"connect"} | {"server", "showcase"},
    "client": _GROUND | {"net"},
    "commands": _BELOW_SERVER | {"server", "client"},
    "demo": {"api"},
}
UI_MAY_USE = {"api"}

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
# Qt's own application object is Qt's affair.
_INSTANCE = re.compile(r"(?<!QCoreApplication)(?<!QGuiApplication)(?<!QApplication)::\s*instance\s*\(")
_CONDITIONAL_AWAIT = re.compile(r"co_await\s[^;{}]*?[^;{}?]\?\s[^;{}]*?:[^;{}]*;")
# What owns something is captured as `self` or made in the capture.
_OWNING_CLOSURE_AWAIT = re.compile(r"co_await\s[^;{}]*?[(,]\s*\[(?=[^\]]*(?:\bself\b|=))[^\]]*\]\s*(?:[({]|mutable\b)")
# How C and the standard library write and read numbers follows the locale: 0,5 in half of Europe.
_LOCALE_NUMBERS = re.compile(r'printf\([^;]*"[^"]*%[-+ #0]*[\d*]*(?:\.[\d*]+)?[aefgAEFG]|(?:std::)?\b(?:strto(?:d|f|ld)|ato(?:f))\(|'
                             r'std::sto(?:d|f|ld)\(|std::to_string\((?:double|float)\b|std::setprecision\(|std::fixed\b')
# A value may hold an infinite number, which is no JSON.
_WRITES_JSON = re.compile(r"\bjson::serialize\((?!boost::json::string(?:_view)?\()")
# Asio's resolver has one thread for all names: core/base/resolver.h.
_LOOKS_UP = re.compile(r"\b(?:async_resolve|basic_resolver|tcp::resolver|getaddrinfo|gethostbyname)\b")
_UNFINISHED = re.compile(r"\b(" + "TO" + "DO|FIX" + r"ME|XX" + r"X)\b")
# Paths that exist on one machine only. System folders that every Debian has are fine.
_MACHINE_PATH = re.compile(r"(?<![\w.$}\])/])/(?:home/\w{3,}|root/|wo" + r"rk/|tmp/(?:w|b)/|Users/)")
_SNAKE = re.compile(r"^[a-z0-9_.]+$")
_CPP = {".h", ".cpp"}
_TEXT = _CPP | {".py", ".sh", ".cmake", ".txt", ".toml", ".sql", ".lua", ".md", ".json", ".html", ".js", ".css", ".yml", ".yaml"}
_MOST_LINES = 500


def tracked_files(root):
    """Every file that is, or would be, in the repository."""
    if (root / ".git").exists():
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            check=True, capture_output=True).stdout.decode()
        return [pathlib.PurePosixPath(name) for name in sorted(set(listed.split("\0"))) if name and (root / name).is_file()]
    return sorted(pathlib.PurePosixPath(path.relative_to(root).as_posix()) for path in root.rglob("*") if path.is_file())


def core_folder(path):
    parts = path.parts
    return parts[1] if len(parts) > 2 and parts[0] == "core" else None


class Libraries:
    """What the CMakeLists.txt of core/ say: which library is whose, and who links whom."""

    _CALL = re.compile(r"portolan_library\(\s*(\w+)([^)]*)\)")

    def __init__(self, texts):
        self.folder_of = {}
        self.links = {}  # folder -> [(linked library, line, file)]
        for path, text in texts.items():
            folder = core_folder(path)
            if path.name != "CMakeLists.txt" or folder is None:
                continue
            bare = re.sub(r"#[^\n]*", lambda comment: " " * len(comment.group()), text)
            for call in self._CALL.finditer(bare):
                self.folder_of[call.group(1)] = folder
                for used in re.finditer(r"portolan::(\w+)", call.group(2)):
                    line = bare.count("\n", 0, call.start(2) + used.start()) + 1
                    self.links.setdefault(folder, []).append((used.group(1), line, path))

    def reachable(self, folder):
        """The folders whose libraries this one links, directly or through others."""
        seen, waiting = set(), [folder]
        while waiting:
            for library, _, _ in self.links.get(waiting.pop(), []):
                other = self.folder_of.get(library)
                if other and other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return seen


def check_links(libraries):
    for folder, links in libraries.links.items():
        for library, line, path in links:
            other = libraries.folder_of.get(library)
            if other and other != folder and other not in MAY_USE.get(folder, set()):
                yield f"{path}:{line}: core/{folder} may not link portolan::{library} (core/{other})"


def check_include(path, included, libraries):
    top = included.split("/")[0]
    if top == "app":
        return None if path.parts[0] == "app" else "nothing else includes app/"
    if path.parts[0] == "ui" and top == "core" and included.split("/")[1] not in UI_MAY_USE:
        return f"ui includes core/api only, not {included}"
    folder = core_folder(path)
    if folder is None:
        return None
    if top != "core":
        # A generated file stands beside its source, all else is named from the root.
        return None if included.endswith(".moc") else f'"{included}": core includes are written "core/folder/file.h"'
    other = included.split("/")[1]
    if other == folder:
        return None
    if other not in MAY_USE.get(folder, set()):
        return f"core/{folder} may not include core/{other} ({included})"
    if folder in libraries.links and other not in libraries.reachable(folder):
        return f"core/{folder} includes {included} but its CMakeLists.txt does not link it"
    return None


def check_code(path, text, libraries):
    if path.suffix == ".h" and not re.search(r"^#pragma once$", text, re.MULTILINE):
        yield 1, "a header without #pragma once"
    if not _SNAKE.match(path.name):
        yield 1, "file names are snake_case"
    for number, line in enumerate(text.splitlines(), 1):
        include = _INCLUDE.match(line)
        if include:
            problem = check_include(path, include.group(1), libraries)
            if problem:
                yield number, problem
        if _LOCALE_NUMBERS.search(line) and path.parts[0] in ("core", "app", "ui"):
            yield number, "a number as text that follows the locale: fixedText() and std::to_chars do not"
        if _WRITES_JSON.search(line) and path.parts[0] == "core" and path.name != "json_numbers.cpp":
            yield number, "a value as JSON text that may hold what is no number: jsonText() writes null"
        looks_up = _LOOKS_UP.search(line.split("//", 1)[0])
        if looks_up and path.parts[0] in ("core", "app", "ui") and path.name != "resolver.cpp":
            yield number, "a host name looked up where one dead name server holds up everybody: core/base/resolver.h"
        if _INSTANCE.search(line):
            yield number, "no singletons: a constructor takes what it uses"
    for found in _CONDITIONAL_AWAIT.finditer(text):
        number = text.count("\n", 0, found.start()) + 1
        yield number, "a conditional expression in a co_await: GCC 12 destroys its temporaries twice, name it first"
    for found in _OWNING_CLOSURE_AWAIT.finditer(text):
        number = text.count("\n", 0, found.start()) + 1
        yield number, "a closure that owns something made in a co_await: GCC 12 destroys it twice, name it first"


def check_text(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if _UNFINISHED.search(line):
            yield number, "unfinished work does not belong in the repository"
        if _MACHINE_PATH.search(line):
            yield number, "an absolute path of one machine"


def check(root):
    """(violations, warnings), each a list of lines"""
    root = pathlib.Path(root)
    texts = {}
    for path in tracked_files(root):
        if path.suffix in _TEXT or path.name == "run":
            texts[path] = (root / path).read_text(encoding="utf-8", errors="replace")
    libraries = Libraries(texts)
    violations, warnings = list(check_links(libraries)), []
    for path, text in texts.items():
        folder = core_folder(path)
        if folder is not None and folder not in MAY_USE:
            violations.append(f"{path}:1: core/{folder} has no place in the table of who may use whom")
        if path.suffix in _CPP:
            violations += [f"{path}:{line}: {problem}" for line, problem in check_code(path, text, libraries)]
            if text.count("\n") > _MOST_LINES:
                warnings.append(f"{path}: {text.count(chr(10))} lines; over {_MOST_LINES} it is usually two files")
        violations += [f"{path}:{line}: {problem}" for line, problem in check_text(path, text)]
    return violations, warnings


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent.parent
    violations, warnings = check(root)
    for line in warnings:
        print(f"warning: {line}")
    for line in violations:
        print(line)
    print(f"lint: {len(violations)} violations, {len(warnings)} warnings")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
