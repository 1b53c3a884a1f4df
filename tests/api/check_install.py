# SPDX-License-Identifier: MIT
"""Installs into a scratch folder; builds the README's C program there with pkg-config; runs it.

Usage: check_install.py BUILD_DIR README COMPILER...
The program is the first ```c block of the README that has a main(). It is linked once with the
shared and once with the static library.
"""

import os
import re
import subprocess
import sys
import tempfile


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run(command, check=True, text=True, **options)


def first_program(readme):
    with open(readme, encoding="utf-8") as file:
        blocks = re.findall(r"^```c\n(.*?)^```", file.read(), flags=re.DOTALL | re.MULTILINE)
    programs = [block for block in blocks if re.search(r"\bmain\s*\(", block)]
    if not programs:
        sys.exit(f"{readme}: no ```c block with a main()")
    return programs[0]


def main():
    build_dir, readme, *compiler = sys.argv[1:]
    program = first_program(readme)
    with tempfile.TemporaryDirectory(prefix="gait-install-") as root:
        run("meson", "install", "--no-rebuild", "--quiet", "-C", build_dir, "--destdir", root)
        found = {name: os.path.join(folder, name)
                 for folder, _, names in os.walk(root) for name in names}
        source = os.path.join(root, "program.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(program)
        libdir = os.path.dirname(found["libgait.a"])
        environ = dict(os.environ,
                       PKG_CONFIG_PATH=os.path.dirname(found["gait.pc"]),
                       PKG_CONFIG_SYSROOT_DIR=root,
                       LD_LIBRARY_PATH=libdir)
        for name, options in (("shared", []), ("static", ["--static"])):
            flags = run("pkg-config", *options, "--cflags", "--libs", "gait",
                        env=environ, stdout=subprocess.PIPE).stdout.split()
            if name == "static":
                flags = [found["libgait.a"] if flag == "-lgait" else flag for flag in flags]
            binary = os.path.join(root, name)
            run(*compiler, "-Wall", "-Wextra", "-Werror", source, "-o", binary, *flags)
            run(binary, env=environ, timeout=60)


main()
