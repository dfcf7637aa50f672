#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows that the lints find what they look for: a small clean tree passes, and each seeded violation is reported."""

import pathlib
import tempfile
import unittest

import contributing
import functions
import layers
import licences
import words

CLEAN = {
    "core/api/CMakeLists.txt": "portolan_library(api USES Boost::headers)\n",
    "core/api/result.h": "#pragma once\n",
    "core/base/CMakeLists.txt": "portolan_library(base\n  SOURCES units.cpp\n  USES portolan::api\n)\n",
    "core/base/units.cpp": '#include "core/base/units.h"\nbool f() { return QCoreApplication::instance(); }\n',
    "core/base/units.h": '#pragma once\n#include "core/api/result.h"\n#include <vector>\n',
    "core/redis/CMakeLists.txt": "portolan_library(redis SOURCES client.cpp PRIVATE_USES portolan::base)\n",
    "core/redis/client.cpp": '#include "core/base/units.h"\n#include "core/api/result.h"\n#include "client.moc"\n',
    "ui/main_window.h": '#pragma once\n#include "core/api/result.h"\n#include "ui/pages/page.h"\n',
    "app/portoland.cpp": '#include "app/options.h"\n#include "core/redis/client.h"\n',
    "tests/unit/redis/client_test.cpp": '#include "core/redis/client.h"\n#include "client_test.moc"\n',
    "installer/run.sh": "#!/usr/bin/env bash\nmkdir /var/lib/portolan\n",
}

# What is changed or added -> what the report must say about it.
SEEDED = [
    ({"core/redis/client.cpp": '#include "core/http/server.h"\n'}, "client.cpp:1: core/redis may not include core/http"),
    ({"core/base/units.h": '#pragma once\n#include "core/redis/client.h"\n'}, "units.h:2: core/base may not include core/redis"),
    ({"core/queue/broker.h": '#pragma once\n#include "core/http/server.h"\n'}, "core/queue may not include core/http"),
    ({"core/auth/login.h": '#pragma once\n#include "core/limits/limiter.h"\n'}, "core/auth may not include core/limits"),
    ({"core/client/remote.h": '#pragma once\n#include "core/server/portal_server.h"\n'}, "core/client may not include core/server"),
    ({"core/client/remote.h": '#pragma once\n#include "core/redis/client.h"\n'}, "core/client may not include core/redis"),
    ({"core/redis/client.cpp": '#include "core/net/tunnel.h"\n'}, "client.cpp:1: core/redis may not include core/net"),
    ({"core/stack/redis/rights.h": '#pragma once\n#include "core/portal/admission.h"\n'}, "core/stack may not include core/portal"),
    ({"core/stack/celery/events.h": '#pragma once\n#include "core/http/server.h"\n'}, "core/stack may not include core/http"),
    ({"core/connect/finder.h": '#pragma once\n#include "core/server/stack_watch.h"\n'}, "core/connect may not include core/server"),
    ({"core/diagnose/cause.h": '#pragma once\n#include "core/alerts/rule.h"\n'}, "core/diagnose may not include core/alerts"),
    ({"ui/dialogs/connect.h": '#pragma once\n#include "core/connect/finder.h"\n'}, "connect.h:2: ui includes core/api only"),
    ({"core/redis/CMakeLists.txt": "portolan_library(redis\n  USES portolan::base portolan::http)\n",
      "core/http/CMakeLists.txt": "portolan_library(http USES portolan::base)\n"}, "CMakeLists.txt:2: core/redis may not link portolan::http"),
    ({"core/redis/CMakeLists.txt": "portolan_library(redis USES portolan::api)\n"}, "client.cpp:1: core/redis includes core/base/units.h but"),
    ({"core/redis/client.cpp": '#include "units.h"\n'}, 'written "core/folder/file.h"'),
    ({"core/surprise/new.h": "#pragma once\n"}, "core/surprise has no place"),
    ({"ui/main_window.h": '#pragma once\n#include "core/base/units.h"\n'}, "main_window.h:2: ui includes core/api only"),
    ({"tests/unit/a_test.cpp": '#include "app/main.h"\n'}, "a_test.cpp:1: nothing else includes app/"),
    ({"core/api/result.h": "int x;\n"}, "result.h:1: a header without #pragma once"),
    ({"core/api/Result.h": "#pragma once\n"}, "Result.h:1: file names are snake_case"),
    ({"core/redis/client.cpp": "void f()\n{\n    Settings::instance().x();\n}\n"}, "client.cpp:3: no singletons"),
    ({"core/redis/client.cpp": "f()\n{\n    co_await g(a,\n        b ? c : d());\n}\n"}, "client.cpp:3: a conditional"),
    ({"core/redis/client.cpp": "f()\n{\n    take(co_await pool.run([self] { return 1; }));\n}\n"}, "client.cpp:3: a closure"),
    ({"core/base/units.cpp": 'f()\n{\n    std::snprintf(text, sizeof text, "%.2f", x);\n}\n'}, "units.cpp:3: a number as text"),
    ({"core/base/units.cpp": "double x = std::stod(text);\n"}, "units.cpp:1: a number as text"),
    ({"core/base/units.cpp": "auto x = std::to_string(double(n) / 2);\n"}, "units.cpp:1: a number as text"),
    ({"core/base/units.cpp": "auto x = boost::json::serialize(value);\n"}, "units.cpp:1: a value as JSON"),
    ({"core/redis/client.cpp": "co_await resolver.async_resolve(host, port);\n"}, "client.cpp:1: a host name looked up"),
    ({"installer/run.sh": "cd /home/" + "somebody/portolan\n"}, "run.sh:1: an absolute path"),
    ({"tests/bench/run.py": "import x  # FIX" + "ME\n"}, "run.py:1: unfinished"),
    ({"core/base/units.cpp": "// TO" + "DO later\n"}, "units.cpp:1: unfinished"),
]


def of_lines(count, head="void f(int a)\n{\n", line="    g();\n", tail="}\n"):
    return head + line * count + tail


# A file -> whether a function of it is too long.
FUNCTIONS = [
    ("core/base/a.cpp", of_lines(60), False),
    ("core/base/a.cpp", of_lines(61), True),
    ("core/base/a.cpp", of_lines(61, "Thing::Thing(int a)\n    : m_a(a),\n      m_b{}\n{\n"), True),
    ("core/base/a.h", of_lines(61, "class A\n{\npublic:\n    void f() const noexcept\n    {\n", "        g();\n", "    }\n};\n"), True),
    ("ui/a.cpp", of_lines(61, "template <class T>\nvoid f(T a,\n       int b)\n{\n"), True),
    ("core/base/a.cpp", of_lines(61, "class A\n{\n", "    int x;\n", "};\n"), False),
    ("core/base/a.cpp", of_lines(61, 'Table f()\n{\n    return {\n', '        {"}", 1},\n', "    };\n}\n"), False),
    ("core/base/a.cpp", of_lines(61, "void f()\n{\n    const auto g = [] {\n", "        h();\n", "    };\n}\n"), True),
    ("core/base/a.cpp", of_lines(61, "void f()\n{\n    if (x) {\n", "        h({1});\n", "    }\n}\n"), True),
    ("core/base/a.cpp", of_lines(61, 'void f()\n{\n    g("{");\n    // {\n'), True),
    ("tests/unit/a_test.cpp", of_lines(61, "void A::rows_data()\n{\n"), False),
    ("tests/unit/a_test.cpp", of_lines(61, "void A::rows()\n{\n"), True),
    ("tests/e2e/a_test.py", of_lines(61, "def f():\n", tail=""), True),
    ("tests/e2e/a_test.py", of_lines(61, "def f():\n    return [\n", "        1,\n", "    ]\n"), False),
    ("installer/a.py", of_lines(61, "def f():\n", tail=""), False),
]

# A line of a function in core/monitor -> the texts of it that are for people.
WORDS = [
    ('fact.text = "Redis was away";', ["Redis was away"]),
    ('return "one " + name + " of them" + " all";', [" of them"]),
    ('return cold ? "it is cold" : "it is warm";', ["it is cold", "it is warm"]),
    ('logger.info("the portal serves", {{"why", "it was asked to"}});', []),
    ('m_portal->logger->warn("tasks did not return");', []),
    ('co_return failure(ErrorKind::NotFound, "There is no " + name + " such user.", "Ask for one.");', []),
    ('if (auto done = make("two words"); !done) return failure(ErrorKind::Timeout, "not in time");', ["two words"]),
    ('error.message = "It failed: " + why;', []),
    ('event.told = "It failed: " + why;', ["It failed: "]),
    ('router.get("/a/b", {Role::User}, [] { return told("as it was"); },\n    {"What there is", {}});', ["as it was"]),
    ('registry.gauge("a_b", "Open connections of it");', []),
    ('static_assert(size == 3, "each has its own");', []),
    ('m_trouble("the disk is full");', []),  # a Trouble, see below
    ('return refused("it is too long");', []),  # returns an Error, see below
    ('// a comment of words\n    f(R"(redis call it)", "word", "snake_case_name");', []),
]


def report(files, check=layers.check):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return check(folder)


class LayersTest(unittest.TestCase):
    def test_a_clean_tree_passes(self):
        self.assertEqual(report(CLEAN), ([], []))

    def test_every_seeded_violation_is_found(self):
        for change, expected in SEEDED:
            with self.subTest(expected=expected):
                violations, _ = report({**CLEAN, **change})
                self.assertTrue(any(expected in line for line in violations), violations)

    def test_a_file_without_its_licence_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            files = {"a.h": "#pragma once\n", "run.sh": "#!/bin/sh\necho\n", "page.html": "<!DOCTYPE html>\n<p>\n",
                     "data.json": "{}\n", "samples/a.cpp": "int x;\n"}
            for name, text in files.items():
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(text)
            self.assertEqual([str(path) for path in licences.missing(root)], ["a.h", "page.html", "run.sh"])
            for path in licences.missing(root):
                licences.add(root, path)
            self.assertEqual(licences.missing(root), [])
            self.assertEqual((root / "run.sh").read_text().splitlines()[0], "#!/bin/sh")
            self.assertTrue((root / "a.h").read_text().endswith("#pragma once\n"))

    def test_a_long_function_is_found_and_a_table_is_none(self):
        for path, text, long in FUNCTIONS:
            with self.subTest(path=path, text=text[:60]):
                violations, _ = report({path: text}, functions.check)
                self.assertEqual(len(violations), int(long), violations)

    def test_a_sentence_outside_of_the_rooms_for_it_is_found(self):
        head = "Trouble m_trouble;\nError refused(std::string why)\n{\n    return failure(ErrorKind::Internal, why);\n}\n"
        for line, expected in WORDS:
            text = head + "awaitable<int> f()\n{\n    " + line + "\n}\n"
            with self.subTest(line=line):
                violations, seen = report({"core/monitor/a.cpp": text}, lambda root: words.check(root, {}))
                self.assertEqual(seen, len(expected), violations)
                for one in expected:
                    self.assertTrue(any(f'"{one}"' in violation for violation in violations), violations)
                self.assertEqual(report({"core/commands/a.cpp": text}, lambda root: words.check(root, {})), ([], 0))

    def test_a_path_that_leads_nowhere_is_found(self):
        files = {"core/base/units.h": "", "core/base/units.cpp": "", "ui/pages/a_page.cpp": "", "run.sh": ""}
        paper = ("```\ncore/  all\n  base/ units   {}/ more\n```\n`core/base/units.{{h,{}}}` and `units.h`, `ui/pages`\n"
                 "`build/dev/x.h` `tests/<kind>/`, `{}` and `core/base/{}_units.cpp --flag` or `*_page.{}`\n")
        sound = ("base", "cpp", "run.sh", "*[!_]", "cpp")
        for at, wrong, expected in [(None, "", None), (0, "net", "core/net/"), (1, "lua", "core/base/units.lua"),
                                    (2, "walk.sh", "walk.sh"), (3, "other", "core/base/other_units.cpp"), (4, "h", "*_page.h")]:
            words_of_it = [wrong if place == at else word for place, word in enumerate(sound)]
            text = paper.format(*words_of_it).replace("*[!_]_units", "unit?")
            with self.subTest(text=text):
                violations, seen = report({**files, "CONTRIBUTING.md": text}, contributing.check)
                self.assertEqual([line.rsplit(" ", 1)[1] for line in violations], [expected] if expected else [])
                self.assertGreaterEqual(seen, 8)

    def test_what_is_known_may_only_shrink(self):
        files = {"core/monitor/a.cpp": 'void f()\n{\n    g("one thing");\n    g("another thing");\n}\n'}
        for most, expected in [(1, 2), (2, 0), (3, 1)]:
            violations, _ = report(files, lambda root, most=most: words.check(root, {"core/monitor/a.cpp": (most, "known")}))
            self.assertEqual(len(violations), expected, violations)
        self.assertEqual(len(report({}, lambda root: words.check(root, {"core/monitor/gone.cpp": (1, "known")}))[0]), 1)

    def test_a_long_file_is_only_warned_of(self):
        violations, warnings = report({**CLEAN, "core/api/long.h": "#pragma once\n" + "int x;\n" * 500})
        self.assertEqual(violations, [])
        self.assertEqual(len(warnings), 1)


if __name__ == "__main__":
    unittest.main()
