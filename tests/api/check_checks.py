# SPDX-License-Identifier: MIT
"""Assertions, and faults by the environment, are in builds with the option `checks` alone.

Usage: check_checks.py library with|without NM LIBRARY
       check_checks.py types SOURCE_DIR

library: what LIBRARY holds fits. types: configures the source with each build type, and as a
subproject of a debug build, and reads what the compiler would be told.
"""

import json
import os
import subprocess
import sys
import tempfile

# What only a checked build reads of the environment.
SETTINGS = [b"GAIT_FAULT", b"GAIT_PERTURB"]
PARENT = """project('parent', 'c', default_options: ['buildtype=debug'])
subproject('gait')
"""
FEATURES = ["-Dtests=disabled", "-Dexamples=disabled", "-Dbench=disabled"]


def check_library(wanted, nm, library):
    with open(library, "rb") as file:
        content = file.read()
    undefined = subprocess.run([nm, "-u", library], check=True, capture_output=True,
                               text=True).stdout
    found = {name.decode(): name in content for name in SETTINGS}
    found["assertions"] = "__assert" in undefined
    for name, present in found.items():
        print(f"{name}: {'in' if present else 'not in'} {library}")
    return all(present == (wanted == "with") for present in found.values())


def flags_of(folder):
    """The sets of -D that the library's files are compiled with."""
    with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    return [set(command["command"].split()) for command in commands
            if "/runtime/" in command["file"] or "/pacer/" in command["file"]]


def check_types(source):
    good = True
    with tempfile.TemporaryDirectory(prefix="gait-checks-") as root:
        parent = os.path.join(root, "parent")
        os.makedirs(os.path.join(parent, "subprojects"))
        os.symlink(source, os.path.join(parent, "subprojects", "gait"))
        with open(os.path.join(parent, "meson.build"), "w", encoding="utf-8") as file:
            file.write(PARENT)
        builds = [(f"buildtype {kind}", source, [f"-Dbuildtype={kind}", *FEATURES], False)
                  for kind in ("plain", "debug", "debugoptimized", "release")]
        builds += [
            ("release with checks", source, ["-Dchecks=true", *FEATURES], True),
            ("subproject of a debug build", parent,
             ["-Dgait:" + feature[2:] for feature in FEATURES], False),
        ]
        for number, (name, folder, options, checked) in enumerate(builds):
            build = os.path.join(root, str(number))
            subprocess.run(["meson", "setup", build, folder, *options], check=True,
                           stdout=subprocess.DEVNULL)
            files = flags_of(build)
            fits = files and all(("-DGAIT_CHECKS" in flags) == checked and
                                 ("-DNDEBUG" in flags) != checked for flags in files)
            print(f"{name}: {len(files)} files, {'as it should be' if fits else 'WRONG'}")
            good = good and fits
    return good


def main():
    what, *rest = sys.argv[1:]
    return 0 if {"library": check_library, "types": check_types}[what](*rest) else 1


sys.exit(main())
