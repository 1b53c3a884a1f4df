#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real programs print the same with libgc and with the drop-in in its place.

Usage: programs_test.py LIBRARY FOLDER SCRATCH
  LIBRARY  libgc.so.1 of this tree
  FOLDER   where the programs' input lies
  SCRATCH  a folder to write to

Each program that is installed runs its input by itself, and with the drop-in under several
settings. Exit status 77: none is installed.
"""

import os
import shutil
import subprocess
import sys

SETTINGS = [{}, {"GOGC": "20"}, {"GOGC": "off", "GOMEMLIMIT": "24MiB"},
            {"GAIT_DEBUG": "gcstress=2000"},
            {"GOGC": "20", "GAIT_MINOR": "on",
             "GAIT_DEBUG": "gcminor=8,gccheckmark=1,clobberfree=1"},
            {"GOGC": "20", "GAIT_DEBUG": "gcdirty=1,gccheckmark=1,clobberfree=1"}]


def page(path):
    """A page with a long table."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("<html><body><h1>Rows</h1><table border=1>\n")
        for i in range(3000):
            file.write(f"<tr><td>{i}<td><b>{i * i}</b><td>text &amp; more <a href=x{i}>a</a></tr>\n")
        file.write("</table></body></html>\n")


def programs(folder, scratch):
    """Program -> its command."""
    html = os.path.join(scratch, "page.html")
    page(html)
    if shutil.which("nekoc"):  # it is a program of neko's itself
        subprocess.run(["nekoc", "-o", scratch + "/", os.path.join(folder, "program.neko")],
                       check=True)
    return {
        "guile": ["guile", "--no-auto-compile", os.path.join(folder, "program.scm")],
        "w3m": ["w3m", "-dump", "-cols", "100", html],
        "neko": ["neko", os.path.join(scratch, "program.n")],
        "poke": ["poke", "-q", "--no-init-file", "-L", os.path.join(folder, "program.pk")],
        "asy": ["asy", "-noV", os.path.join(folder, "program.asy")],
        "ecl": ["ecl", "-q", "--norc", "--shell", os.path.join(folder, "program.lisp")],
    }


def run(command, environment):
    result = subprocess.run(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100,
                            check=False)
    return result.returncode, result.stdout, result.stderr


def is_loaded(command, place):
    """Does the program take the drop-in, and not the library of the system?"""
    linked = subprocess.run(["ldd", shutil.which(command)], env={**os.environ, **place},
                            capture_output=True, text=True, check=False).stdout
    return "libgc.so.1 => " + place["LD_LIBRARY_PATH"] in linked or "libgc.so.1" not in linked


def main():
    library, folder, scratch = sys.argv[1:4]
    os.makedirs(scratch, exist_ok=True)
    place = {"LD_LIBRARY_PATH": os.path.dirname(os.path.realpath(library))}
    ran = failed = 0
    for name, command in programs(folder, scratch).items():
        if not shutil.which(name):
            print(f"{name}: not installed")
            continue
        ran += 1
        wanted = run(command, {})
        for settings in SETTINGS:
            found = run(command, {**place, **settings})
            same = found[:2] == wanted[:2] and wanted[1]
            failed += not same
            print(f"{name} {settings}: {'same' if same else 'differs'}, {len(wanted[1])} bytes")
            if not same:
                print(f"  status {found[0]} (libgc {wanted[0]})", found[1][:300], found[2][-500:])
        if not is_loaded(name, place):
            failed += 1
            print(f"{name}: does not load {library}")
    if ran == 0:
        sys.exit(77)
    sys.exit(1 if failed else 0)


main()
