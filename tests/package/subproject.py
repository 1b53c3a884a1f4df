# SPDX-License-Identifier: MIT
"""As a subproject Gait is its libraries: nothing else is built or installed by default.

Usage: subproject.py SOURCE_DIR

The parent is the installed example, with this tree as its subproject gait.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

BUILT = {"static library", "shared library", "custom"}
INSTALLED = (".a", ".so", ".h", ".pc", ".cmake")


def introspect(build, what):
    out = subprocess.run(["meson", "introspect", "--" + what, build], check=True,
                         capture_output=True, text=True).stdout
    return json.loads(out)


def complaints(build):
    built = [target for target in introspect(build, "targets")
             if target.get("subproject") == "gait" and target["build_by_default"]]
    for target in built:
        names = [os.path.basename(name) for name in target["filename"]]
        if target["type"] not in BUILT or not all(name.startswith("libgait") for name in names):
            yield f"{target['name']} ({target['type']}) is built by default"
    if not built:
        yield "no library is built by default"
    installed = introspect(build, "installed")
    for path in installed.values():
        if not path.endswith(INSTALLED) and ".so." not in path:
            yield f"{path} is installed"
    for name in ("offheap", "pprof", "http"):
        header = any(path.endswith(f"/gait/{name}.h") for path in installed.values())
        if header and not any(f"libgait-{name}." in path for path in installed.values()):
            yield f"{name}.h is installed, and its library is not"
    if not any(path.endswith("gait.h") for path in installed.values()):
        yield "no header is installed"


def main():
    source = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="gait-subproject-") as parent:
        for path in ("packaging/example/meson.build", "examples/embedding/first.c"):
            shutil.copy(os.path.join(source, path), parent)
        os.makedirs(os.path.join(parent, "subprojects"))
        os.symlink(source, os.path.join(parent, "subprojects", "gait"))
        build = os.path.join(parent, "build")
        # plain: as a distribution builds; the flags are the packager's, and no check is in
        subprocess.run(["meson", "setup", "-Dbuildtype=plain", "-Dc_args=-O1", "-Dgait:werror=true",
                        "--force-fallback-for=gait", build, parent],
                       check=True, stdout=subprocess.DEVNULL)
        found = list(complaints(build))
        subprocess.run(["ninja", "-C", build, "first"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([os.path.join(build, "first")], check=True)
        needed = subprocess.run(["readelf", "-d", os.path.join(build, "first")], check=True,
                                capture_output=True, text=True).stdout
        if "libgait" in needed:
            found.append("the program takes the shared library")
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(found)} complaints")
    return 1 if found else 0


sys.exit(main())
