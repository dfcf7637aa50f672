# SPDX-License-Identifier: GPL-3.0-or-later
"""What compiler and linker do against the use of bugs, read from the built program as it is. PORTOLAN_CONFIG: how it was built;
what the compiler adds is in Release only."""

import os
import platform
import re
import subprocess
import unittest

PROGRAM = os.environ["PORTOLAND"]
RELEASE = os.environ.get("PORTOLAN_CONFIG") == "Release"


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *options, PROGRAM], capture_output=True, text=True, check=True).stdout


class HardeningTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.segments = readelf("--program-headers")
        cls.dynamic = readelf("--dynamic")
        cls.imports = readelf("--dyn-syms")

    def test_it_lies_elsewhere_at_every_start(self):
        self.assertRegex(readelf("--file-header"), r"Type:\s+DYN")
        self.assertRegex(self.dynamic, r"FLAGS_1\).*\bPIE\b")
        self.assertNotIn("TEXTREL", self.dynamic)

    def test_its_tables_are_read_only_once_filled_in(self):
        self.assertIn("GNU_RELRO", self.segments)
        self.assertRegex(self.dynamic, r"BIND_NOW|FLAGS_1\).*\bNOW\b")

    def test_nothing_that_can_be_written_can_be_run(self):
        self.assertRegex(self.segments, r"GNU_STACK\s.*\sRW\s")
        for line in self.segments.splitlines():
            if re.match(r"\s+LOAD\s", line):
                self.assertNotRegex(line, r"\sRWE\s")

    def test_its_libraries_come_from_the_system(self):
        self.assertNotRegex(self.dynamic, r"RPATH|RUNPATH")

    if RELEASE:
        def test_overruns_are_noticed(self):
            self.assertIn("__stack_chk_fail", self.imports)
            self.assertRegex(self.imports, r"__(memcpy|memmove|snprintf|read|vsnprintf|memset|realpath|recv)_chk")

        if platform.machine() == "x86_64":
            def test_jumps_land_where_they_may(self):
                code = subprocess.run(["objdump", "--disassemble=main", PROGRAM], capture_output=True, text=True, check=True)
                self.assertIn("endbr64", code.stdout)


if __name__ == "__main__":
    unittest.main()
