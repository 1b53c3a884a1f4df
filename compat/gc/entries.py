#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What libgait-gc exports: entries.txt in other forms.

Usage: entries.py map ENTRIES OUT       the linker's version script
       entries.py table ENTRIES         the table of docs/compat.md
       entries.py check ENTRIES LIBRARY DOCUMENT
                                        the library exports these and no others, and the document
                                        has the table
"""

import re
import subprocess
import sys


def read(path):
    """[(section, [(names, what)])]"""
    sections = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            if line.startswith("["):
                sections.append((line[1:-1], []))
                continue
            names, what = line.split(": ", 1)
            sections[-1][1].append((names.split(), what))
    return sections


def names_of(sections):
    return [name for _, rows in sections for names, _ in rows for name in names]


def table(sections):
    lines = []
    for section, rows in sections:
        lines += [f"**{section}**", "", "| libgc | Gait |", "|---|---|"]
        for names, what in rows:
            lines.append(f"| {', '.join(f'`{name}`' for name in names)} | {what} |")
        lines.append("")
    return "\n".join(lines)


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True,
                         text=True).stdout
    return {line.split()[-1] for line in out.splitlines()}


def check(sections, library, document):
    wanted, found = set(names_of(sections)), exported(library)
    complaints = [f"{name}: not exported" for name in sorted(wanted - found)]
    complaints += [f"{name}: exported, and not in entries.txt" for name in sorted(found - wanted)]
    with open(document, encoding="utf-8") as file:
        if table(sections) not in file.read():
            complaints.append(f"{document}: has not the table that `entries.py table` prints")
    print(*complaints, sep="\n")
    return 1 if complaints else 0


def main():
    mode, entries = sys.argv[1:3]
    sections = read(entries)
    names = names_of(sections)
    twice = {name for name in names if names.count(name) > 1}
    if twice or not all(re.fullmatch(r"GC_\w+", name) for name in names):
        sys.exit(f"entries: {twice or names}")
    if mode == "map":
        with open(sys.argv[3], "w", encoding="utf-8") as file:
            file.write("{\nglobal:\n" + "".join(f"    {name};\n" for name in names) +
                       "local:\n    *;\n};\n")
    elif mode == "table":
        print(table(sections), end="")
    else:
        sys.exit(check(sections, *sys.argv[3:5]))


main()
