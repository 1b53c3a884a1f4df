# SPDX-License-Identifier: MIT
"""Programs build with what is installed, and run: by pkg-config, CMake and Meson, with the shared
libraries and the static ones.

Usage: consumers.py --build BUILD_DIR | --root ROOT, then SOURCE_DIR COMPILER...

--build installs a build into a scratch folder first; --root is a folder that packages were unpacked
in. Neither is where the files say that they are, so they must not mind being moved.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

# pkg-config's name -> the program: in a document, its first ```c block with a main().
PROGRAMS = {
    "gait": "README.md",
    "gait-offheap": "tests/api/private.c",
    "gait-pacer": "tests/package/pacer.c",
    "gait-pprof": "tests/package/pprof.c",  # where what it needs was there
    "gait-gc": "compat/gc/tests/installed.c",  # where the build makes it
}
STATIC_ALONE = {"gait-pacer"}
SHARED_ALONE = {"gait-gc"}
WHERE_BUILT = {"gait-pprof", "gait-gc"}


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run(command, check=True, text=True, **options)


def program_of(source):
    with open(source, encoding="utf-8") as file:
        text = file.read()
    if source.endswith(".c"):
        return text
    blocks = re.findall(r"^```c\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    programs = [block for block in blocks if re.search(r"\bmain\s*\(", block)]
    if not programs:
        sys.exit(f"{source}: no ```c block with a main()")
    return programs[0]


class Installation:
    def __init__(self, root):
        self.found = {}
        for folder, _, names in os.walk(root):
            for name in names:
                self.found.setdefault(name, os.path.join(folder, name))
        self.libdir = os.path.dirname(self.found["libgait.a"])
        self.prefix = os.path.dirname(os.path.dirname(os.path.dirname(self.found["gait.h"])))
        self.environ = dict(os.environ,
                            PKG_CONFIG_PATH=os.path.dirname(self.found["gait.pc"]),
                            PKG_CONFIG_SYSROOT_DIR=root,
                            LD_LIBRARY_PATH=self.libdir)

    def flags(self, package, static):
        flags = run("pkg-config", *(["--static"] if static else []), "--cflags", "--libs", package,
                    env=self.environ, stdout=subprocess.PIPE).stdout.split()
        if static:  # a linker that finds both takes the shared one
            flags = [self.found[f"lib{flag[2:]}.a"] if flag.startswith("-lgait") else flag
                     for flag in flags]
        return flags

    def runs(self, binary, static):
        needed = run("readelf", "-d", binary, stdout=subprocess.PIPE).stdout
        if ("libgait" in needed) == static:
            sys.exit(f"{binary}: libgait is {'shared' if static else 'static'}")
        run(binary, env=self.environ, timeout=60)


def by_pkg_config(installation, source_dir, compiler, scratch):
    for package, source in PROGRAMS.items():
        if package + ".pc" not in installation.found and package in WHERE_BUILT:
            continue
        copy = os.path.join(scratch, package + ".c")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(program_of(os.path.join(source_dir, source)))
        for static in (True, False):
            if package in (SHARED_ALONE if static else STATIC_ALONE):
                continue
            binary = os.path.join(scratch, package)
            run(*compiler, "-Wall", "-Wextra", "-Werror", copy, "-o", binary,
                *installation.flags(package, static))
            installation.runs(binary, static)


def example_of(installation, scratch, name):
    """A copy of the installed example: a build writes beside it."""
    folder = os.path.join(scratch, name)
    shutil.copytree(os.path.dirname(installation.found["first.c"]), folder)
    for file in os.listdir(folder):  # Debian compresses what is long
        if file.endswith(".gz"):
            run("gunzip", os.path.join(folder, file))
    return folder


def by_make(installation, compiler, scratch):
    folder = example_of(installation, scratch, "make")
    for static, target in ((False, "first"), (True, "static")):
        run("make", "-C", folder, f"CC={' '.join(compiler)}", "clean", target,
            env=installation.environ)
        installation.runs(os.path.join(folder, "first"), static)


def by_cmake(installation, scratch):
    folder = example_of(installation, scratch, "cmake")
    run("cmake", "-S", folder, "-B", folder + "/build", "-DCMAKE_PREFIX_PATH=" + installation.prefix,
        stdout=subprocess.DEVNULL)
    run("cmake", "--build", folder + "/build", stdout=subprocess.DEVNULL)
    installation.runs(folder + "/build/first", False)
    installation.runs(folder + "/build/first-static", True)


def by_meson(installation, scratch):
    folder = example_of(installation, scratch, "meson")
    run("meson", "setup", folder + "/build", folder, env=installation.environ,
        stdout=subprocess.DEVNULL)
    run("ninja", "-C", folder + "/build", env=installation.environ, stdout=subprocess.DEVNULL)
    installation.runs(folder + "/build/first", False)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build")
    parser.add_argument("--root")
    parser.add_argument("source_dir")
    parser.add_argument("compiler", nargs="+")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gait-install-") as scratch:
        root = options.root
        if options.build:
            root = os.path.join(scratch, "root")
            run("meson", "install", "--no-rebuild", "--quiet", "-C", options.build,
                "--destdir", root)
        installation = Installation(root)
        if not {"gait_alloc.3", "gait_alloc.3.gz"} & installation.found.keys():
            sys.exit("no manual page of gait_alloc is installed")
        by_pkg_config(installation, options.source_dir, options.compiler, scratch)
        by_make(installation, options.compiler, scratch)
        by_meson(installation, scratch)
        if shutil.which("cmake"):
            by_cmake(installation, scratch)
        else:
            print("no cmake here: not tried")


main()
