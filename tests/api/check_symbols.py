# SPDX-License-Identifier: MIT
"""The shared library exports exactly the functions that the public headers mark GAIT_API
(or GAIT_PACER_API).

Usage: check_symbols.py NM LIBRARY HEADER...
"""

import re
import subprocess
import sys


def exported(nm, library):
    out = subprocess.run([nm, "-D", "--defined-only", library],
                         check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


def declared(headers):
    names = set()
    for header in headers:
        with open(header, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/|//[^\n]*|^\s*#[^\n]*", "", file.read(),
                          flags=re.DOTALL | re.MULTILINE)
        # The name is the last word before the parameters, an array's bounds or the end.
        for declaration in re.findall(r"\bGAIT_(?:PACER_)?API\b([^;]*)", text):
            declaration = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", declaration)
            names.add(re.search(r"(\w+)\s*(?=[(\[]|$)", declaration.strip()).group(1))
    return names


def main():
    nm, library, *headers = sys.argv[1:]
    have, want = exported(nm, library), declared(headers)
    for name in sorted(have - want):
        print(f"{name}: exported, but no public header marks it")
    for name in sorted(want - have):
        print(f"{name}: marked in a public header, but not exported")
    for name in sorted(name for name in have if not name.startswith("gait_")):
        print(f"{name}: does not start with gait_")
    bad = have != want or not all(name.startswith("gait_") for name in have)
    print(f"{len(have)} symbols exported, {len(want)} declared")
    return 1 if bad or not have else 0


sys.exit(main())
