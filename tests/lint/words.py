#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""No sentence for people outside `ui` and the terminal's words. /usr/bin/python3 tests/lint/words.py [ROOT]

What crosses the interface between a console and a portal is kinds with figures (`core/api/fact.h`); sentences of them are
made in `ui/words` and `core/commands`. So the rooms between them have no text of two words or more, but where it is an
argument of what is not read as it stands by who sits at a console: a log, the message and the hint of an Error (the
`detail` of a problem over HTTP), the documentation of a route, the help of a metric, an assertion.

Prints one line per text, and exits 1 if there is any. What is there today and cannot be moved by itself stands in ALLOWED
with its number and the reason: the number may only shrink, and is to be lowered when it does.
"""

import pathlib
import re
import sys

import layers

ROOMS = ("api", "client", "connect", "console", "demo", "embedded", "monitor", "net", "showcase", "stack")

# file -> (how many texts, why they are there)
ALLOWED = {
    "core/api/audit_record.cpp": (3, "an entry of the audit is a record: kept and shown as it was written"),
    "core/api/catalogue.h": (29, "the one table of metrics has their titles; ui translates them"),
    "core/connect/stack_finder.cpp": (1, "a command for a shell"),
    "core/console/console_routes.cpp": (1, "the documentation of a route, made of its action's name"),
    "core/demo/demo_deployment.cpp": (2, "names of portals"),
    "core/demo/demo_snapshot.cpp": (1, "what an operating system says"),
    "core/demo/demo_stack.cpp": (12, "lines of a log, and titles of tiers as their files have them"),
    "core/demo/demo_tasks.cpp": (1, "the result of a task, as a worker writes it"),
    "core/demo/demo_users.cpp": (6, "a browser's name, and limits as a tier writes them"),
    "core/demo/script.cpp": (10, "what each --situation is, on the command line's help"),
    "core/embedded/embedded_deployment.cpp": (1, "the name of a portal that has none"),
    "core/embedded/embedded_stack.cpp": (2, "the name of a portal, and an entry of the audit"),
    "core/embedded/log_collector.cpp": (1, "a line of the log"),
    "core/embedded/stack_contents.cpp": (1, "an entry of the audit"),
    "core/monitor/redis_round.cpp": (2, "Lua"),
    "core/monitor/stream.cpp": (1, "the reason in a WebSocket's last frame"),
    "core/net/ssh_host_keys.cpp": (1, "as core/net/ssh_log.cpp"),
    "core/net/ssh_log.cpp": (38, "what ssh says, to know it again"),
    "core/net/ssh_options.cpp": (15, "a configuration, as ssh reads it"),
    "core/showcase/cast.cpp": (14, "what each visit is, for who reads the table"),
    "core/showcase/demonstration.cpp": (3, "limits as a tier writes them, and who did it in the audit"),
    "core/showcase/seed.cpp": (2, "a browser's name, and who did it in the audit"),
    "core/stack/redis/watch_rights.cpp": (1, "rules of ACL, as Redis reads them"),
    "core/stack/watch_key_makers.h": (8, "as core/stack/watch_keys.cpp"),
    "core/stack/watch_keys.cpp": (31, "the one table of a file's keys has what each means; the terminal prints it"),
    "core/stack/watch_keys_redis.cpp": (22, "as core/stack/watch_keys.cpp"),
    "core/stack/watch_later.cpp": (26, "as core/stack/watch_keys.cpp"),
}

_SENTENCE = re.compile(r"[A-Za-z][a-z]+ [a-z]{2,}")
_TOKEN = re.compile(r'R"(\w*)\((?:.|\n)*?\)\1"|"((?:[^"\\\n]|\\.)*)"|(?<!\w)\'(?:[^\'\\\n]|\\.)+\'|//[^\n]*|/\*(?:.|\n)*?\*/')
# What stands before the brace of a list; before that of a block are a bracket, a word and a space, or another block.
_LIST_BEFORE = re.compile(r"(?:[\w>{]|[=,(]\s*|\breturn\s+)$")
_CALLED = re.compile(r"([\w:]+(?:(?:\.|->)\w+|\(\)(?:\.|->)\w+)*)\s*(?:<[\w:<>, ]*>)?\s*$")
# Calls whose texts are meant for logs, errors, documents and programmers.
_MEANT = re.compile(
    r"(?:^|::|\.|->)(?:"
    r"trace|debug|info|warn|error|log|logError|Trouble|"  # logs
    r"failure|coded|badField|badParameter|badRequest|problem|"  # errors
    r"get|put|post|patch|del|onWebSocket|"  # routes
    r"gauge|counter|counted|histogram|"  # metrics
    r"static_assert|logic_error|runtime_error|qFatal"
    r")$")
_LOGGER_MEMBER = re.compile(r"\bTrouble\s+(\w+)")
_RETURNS_ERROR = re.compile(r"^(?:static |inline )*(?:portolan::)?Error\s+(?:\w+::)*(\w+)\(", re.MULTILINE)
_OF_AN_ERROR = re.compile(r"[\w\])](?:\.|->)(?:message|hint)\s*\+?=[^=]")
_OF_A_ROUTE = re.compile(r"\breturn \{Method::")  # its documentation: routeOf()


def sentences(text, own=frozenset()):
    """(line, text) of each that is there for people. `own`: calls that are meant for errors and logs, here."""
    code = _TOKEN.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    literals = {found.start(): found.group(2) for found in _TOKEN.finditer(text) if found.group(2) is not None}
    open_brackets, statement = [], 0
    for at, character in enumerate(code):
        if character in "([{":
            block = character == "{" and not _LIST_BEFORE.search(code, max(0, at - 120), at)
            called = _CALLED.search(code, max(0, at - 120), at)
            open_brackets.append((block, called.group(1) if called and not block else "", statement))
            if block:
                statement = at + 1
        elif character in ")]}" and open_brackets:
            block, _, before = open_brackets.pop()
            statement = at + 1 if block and character == "}" and not open_brackets else before
        elif character == ";" and (not open_brackets or open_brackets[-1][0]):
            statement = at + 1
        if at not in literals or not _SENTENCE.search(literals[at]):
            continue
        calls = []
        for block, called, _ in reversed(open_brackets):
            if block:
                break
            calls.append(called)
        if any(_MEANT.search(called) or called in own for called in calls) or _OF_AN_ERROR.search(code[statement:at]):
            continue
        if _OF_A_ROUTE.search(code[statement:at]):
            continue
        yield text.count("\n", 0, at) + 1, literals[at]


def check(root, allowed=None):
    root, wrong, seen = pathlib.Path(root), [], 0
    allowed = ALLOWED if allowed is None else allowed
    texts = {path: (root / path).read_text(encoding="utf-8") for path in layers.tracked_files(root)
             if layers.core_folder(path) in ROOMS and path.suffix in (".h", ".cpp")}
    loggers = {name for text in texts.values() for name in _LOGGER_MEMBER.findall(text)}
    for path, text in texts.items():
        found = list(sentences(text, loggers | set(_RETURNS_ERROR.findall(text))))
        seen += len(found)
        most = allowed.get(str(path), (0, ""))[0]
        if len(found) > most:
            more = f" ({len(found)} here, {most} allowed)" if most else ""
            wrong += [f'{path}:{line}: "{words}": a sentence for people belongs into ui/words or core/commands{more}'
                      for line, words in found]
        elif len(found) < most:
            wrong.append(f"tests/lint/words.py: {path} has {len(found)} texts by now: lower its number from {most}")
    wrong += [f"tests/lint/words.py: there is no {path}" for path in allowed if path not in map(str, texts)]
    return wrong, seen


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent.parent
    wrong, seen = check(root)
    print("\n".join(wrong) if wrong else f"No sentence for people where none belongs, but {seen} that are known.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
