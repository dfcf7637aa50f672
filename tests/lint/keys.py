#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks every key of a setting and of a tier: something reads it, or the tables say that nothing does, and why. What the
tables call without effect must not be read either, else they would warn of a key that acts. tests/lint/keys.py [ROOT]

A setting is read by its name ("http.idle_timeout"), a key of a tier by the member its entry names (t.ceilings.users).
"""

import pathlib
import re
import sys

_SCHEMA = "core/base/settings_schema.cpp"
_TIER_KEYS = "core/base/tier_keys.cpp"
_EFFECTS = "core/base/tier_effects.cpp"
_ENTRY = re.compile(r'\{\s*"([a-z_]+(?:\.[a-z_]+)*)",\s*(?:Text|Integer|Number|Boolean|Duration|Size|List),')
_FIELD = re.compile(r'"([a-z_]+(?:\.[a-z_]+)*(?:\.\*)?)",\s*(?:ValueType::)?\w+,\s*"[^"]*",\s*\[\]\(auto &t\) -> auto & \{ return t\.([\w.]+); \}')
_IDLE = re.compile(r'std::pair<std::string_view, std::string_view>\{"([^"]+)"')
_ARRAYS = re.compile(r'add\(tier\.(\w+) != base\.\w+')
# Read otherwise than by a member: the windows of a category, a policy that has one value.
_OTHERWISE = re.compile(r"^(limits|limits_address|zones)\.|^redis\.policy$")
# The tables themselves, and what only carries a tier about.
_CARRIERS = {"core/api/tier.h", "core/base/tier_file.cpp", "core/base/tier_file.h", _SCHEMA, _TIER_KEYS, _EFFECTS}


def sources(root):
    for folder in ("core", "app", "ui"):
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix in (".h", ".cpp") and name not in _CARRIERS:
                yield path.read_text()


def settings(text):
    """key -> whether the table says that nothing acts on it"""
    found = {}
    for match in _ENTRY.finditer(text):
        depth, end = 1, match.end()
        while depth > 0:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        found[match.group(1)] = bool(re.search(r'(?:true|false),\s*"[^"]+"\s*$', text[match.end():end - 1].rstrip()))
    return found


def is_read(member, code):
    """A member of a tier, "ceilings.users": by its whole name, or by its last where its group is handed on."""
    tier = r"(?:\btier\(\)|\b(?:tier|m_tier|t))\."
    if re.search(tier + re.escape(member) + r"\b", code):
        return True
    group, _, last = member.rpartition(".")
    return bool(group and re.search(tier + re.escape(group) + r"\b(?!\.)", code) and re.search(r"\btier\." + last + r"\b", code))


def check(root):
    code = "\n".join(sources(root))
    problems = []
    known = settings((root / _SCHEMA).read_text())
    if len(known) < 30:
        problems.append(f"{_SCHEMA}: only {len(known)} settings were found: this walk no longer reads the table")
    for key, idle in known.items():
        read = f'"{key}"' in code
        if not read and not idle:
            problems.append(f"{_SCHEMA}: nothing reads {key}; make it act, or say why it has no effect")
        if read and idle:
            problems.append(f"{_SCHEMA}: {key} is said to have no effect, but is read")
    text = (root / _TIER_KEYS).read_text()
    fields = dict(_FIELD.findall(text))
    effects = (root / _EFFECTS).read_text()
    idle_keys = set(_IDLE.findall(effects))
    if len(fields) < 25:
        problems.append(f"{_TIER_KEYS}: only {len(fields)} keys were found: this walk no longer reads the table")
    for key, member in fields.items():
        read = is_read(member, code)
        if not read and key not in idle_keys:
            problems.append(f"{_TIER_KEYS}: nothing reads {key} ({member}); make it act, or say why it has no effect")
        if read and key in idle_keys:
            problems.append(f"{_EFFECTS}: {key} is said to have no effect, but {member} is read")
    for key in idle_keys:
        if key not in fields and not _OTHERWISE.search(key):
            problems.append(f"{_EFFECTS}: {key} is said to have no effect, but is no key")
    for member in _ARRAYS.findall(effects):
        if re.search(r"\b(?:tier|tier\(\)|m_tier)\.%s\b" % member, code):
            problems.append(f"{_EFFECTS}: the table {member} is said to have no effect, but is read")
    return problems


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    problems = check(root if root.is_dir() else root.parent.parent.parent)
    print("\n".join(problems) if problems else "Every key has an effect, or is said to have none.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
