# SPDX-License-Identifier: MIT
"""Makes a static library that shows its public names alone.

Usage: make_archive.py [OPTION...] OUTPUT INPUT... -- COMPILER...

In an archive every name that more than one of its files uses is seen by the program too, and an
interpreter may have a cache_init of its own. So all of INPUT (archives, objects) is linked into one
object first; then what is hidden becomes local to it.

--keep PATTERN  what stays global is what PATTERN fits, hidden or not; may be given again
--lto           INPUT is for link-time optimization: it is compiled here, the output is machine code
--ar, --objcopy the programs
"""

import argparse
import os
import subprocess
import sys


def relocatable_arguments(compiler, lto):
    version = subprocess.run([*compiler, "--version"], check=True, capture_output=True,
                             text=True).stdout
    if "clang" in version:
        return ["-O2", "-flto", "-fuse-ld=lld"] if lto else []
    # Also where flags of a distribution ask for it: Meson does not know of those.
    return ["-flinker-output=nolto-rel"] + (["-O2", "-flto=auto"] if lto else [])


def main():
    arguments, compiler = sys.argv[1:], []
    if "--" in arguments:
        end = arguments.index("--")
        arguments, compiler = arguments[:end], arguments[end + 1:]
    parser = argparse.ArgumentParser()
    parser.add_argument("--ar", default="ar")
    parser.add_argument("--objcopy", default="objcopy")
    parser.add_argument("--keep", action="append", default=[])
    parser.add_argument("--lto", action="store_true")
    parser.add_argument("output")
    parser.add_argument("inputs", nargs="+")
    options = parser.parse_args(arguments)

    whole = os.path.splitext(options.output)[0] + ".o"
    subprocess.run([*compiler, "-r", "-nostdlib", *relocatable_arguments(compiler, options.lto),
                    "-o", whole, "-Wl,--whole-archive", *options.inputs,
                    "-Wl,--no-whole-archive"], check=True)
    kept = [f"--keep-global-symbol={pattern}" for pattern in options.keep]
    subprocess.run([options.objcopy, *(["--wildcard", *kept] if kept else ["--localize-hidden"]),
                    whole], check=True)
    if os.path.exists(options.output):
        os.unlink(options.output)
    subprocess.run([options.ar, "rcsD", options.output, whole], check=True)
    os.unlink(whole)


main()
