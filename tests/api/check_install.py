# SPDX-License-Identifier: MIT
"""Installs into a scratch folder; builds a C program there with pkg-config; runs it.

Usage: check_install.py BUILD_DIR PACKAGE SOURCE COMPILER...
The program is SOURCE or, of a document, its first ```c block that has a main(). It is linked once
with PACKAGE's shared libraries and once with its static ones.
"""

import os
import re
import subprocess
import sys
import tempfile


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run(command, check=True, text=True, **options)


def first_program(source):
    with open(source, encoding="utf-8") as file:
        if source.endswith(".c"):
            return file.read()
        blocks = re.findall(r"^```c\n(.*?)^```", file.read(), flags=re.DOTALL | re.MULTILINE)
    programs = [block for block in blocks if re.search(r"\bmain\s*\(", block)]
    if not programs:
        sys.exit(f"{source}: no ```c block with a main()")
    return programs[0]


def main():
    build_dir, package, source, *compiler = sys.argv[1:]
    program = first_program(source)
    with tempfile.TemporaryDirectory(prefix="gait-install-") as root:
        run("meson", "install", "--no-rebuild", "--quiet", "-C", build_dir, "--destdir", root)
        found = {name: os.path.join(folder, name)
                 for folder, _, names in os.walk(root) for name in names}
        copy = os.path.join(root, "program.c")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(program)
        libdir = os.path.dirname(found["libgait.a"])
        environ = dict(os.environ,
                       PKG_CONFIG_PATH=os.path.dirname(found["gait.pc"]),
                       PKG_CONFIG_SYSROOT_DIR=root,
                       LD_LIBRARY_PATH=libdir)
        for name, options in (("shared", []), ("static", ["--static"])):
            flags = run("pkg-config", *options, "--cflags", "--libs", package,
                        env=environ, stdout=subprocess.PIPE).stdout.split()
            if name == "static":
                flags = [found[f"lib{flag[2:]}.a"] if flag.startswith("-lgait") else flag
                         for flag in flags]
            binary = os.path.join(root, name)
            run(*compiler, "-Wall", "-Wextra", "-Werror", copy, "-o", binary, *flags)
            run(binary, env=environ, timeout=60)


main()
