#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-layers refuses what it is there for, and nothing else: small trees, some with a fault.

Usage: layers_test.py CHECK_LAYERS COMPILER...
"""

import json
import os
import subprocess
import sys
import tempfile

CHECK, *CC = sys.argv[1:]

# These trees have few of the parts: that rows of the tables are not in use is not looked at.
CLEAN = {
    "include/gait/gait.h": "void *gait_alloc(void);\n",
    "include/gait/pacer.h": "void gait_pacer_start(void);\n",
    "pacer/cycle.c": '#include "gait/pacer.h"\nvoid gait_pacer_start(void) {}\n',
    "runtime/control/control.c":
        '#include "gait/pacer.h"\nvoid control_begin(void);\n'
        "void control_begin(void) { gait_pacer_start(); }\n",
    "runtime/control/control.h": "void control_begin(void);\n",
    "runtime/heap/space.h": "void space_take(void);\n",
    "runtime/heap/space.c": '#include "space.h"\nvoid space_take(void) {}\n',
    "runtime/mark/marker.c": '#include "../heap/space.h"\nvoid marker_drain(void);\n'
                             "void marker_drain(void) { space_take(); }\n",
}

# name, file, text, what is said: by the source, by what is compiled (None: nothing)
FAULTS = [
    ("an include against the arrows", "runtime/heap/pages.c",
     '#include "../control/control.h"\n', "heap must not include", None),
    ("a call of the pacer", "runtime/mark/passes.c",
     "void gait_pacer_start(void);\nvoid passes(void) { gait_pacer_start(); }\n",
     "only control calls the pacer", "only control calls the pacer: gait_pacer_start"),
    ("a call of the pacer behind a macro", "runtime/mark/passes.c",
     "#define JOIN(a, b) a##b\nvoid JOIN(gait_pacer_, start)(void);\n"
     "void passes(void);\nvoid passes(void) { JOIN(gait_pacer_, start)(); }\n",
     None, "only control calls the pacer: gait_pacer_start"),
    ("the pacer behind a pointer", "runtime/observe/stats.c",
     "extern void gait_limiter_update (void);\nextern void (*volatile call)(void);\n"
     "void (*volatile call)(void) = gait_limiter_update;\n",
     "only control calls the pacer", "only control calls the pacer: gait_limiter_update"),
    ("a call of the governor", "runtime/collect/cycle.c",
     "extern void gait_governor_begin(void);\nvoid run(void *);\n"
     "void run(void *p) { *(void (**)(void))p = &gait_governor_begin; }\n",
     "only control calls the pacer", "only control calls the pacer: gait_governor_begin"),
    ("a declaration in place of an include", "runtime/heap/pages.c",
     "void marker_drain(void);\nvoid pages(void);\nvoid pages(void) { marker_drain(); }\n",
     None, "heap must not ask for marker_drain"),
    ("a public function in the middle of the heap", "runtime/mark/passes.c",
     '#include "gait/gait.h"\nvoid *passes(void);\nvoid *passes(void) { return gait_alloc(); }\n',
     None, "mark must not ask for gait_alloc"),
    ("a function of the pacer's that no object file shows", "include/gait/pacer.h",
     "static inline void gait_pacer_start(void) {}\n", "would be called unseen", None),
    ("a file without a place", "runtime/stray.c", "int stray;\n", "has no place", None),
]


def make(root, files):
    commands = []
    for path, text in files.items():
        os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)
        if path.endswith(".c"):
            commands.append({"directory": root, "file": path, "output": path + ".o"})
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(["git", "-C", root, "add", "."], check=True)
    for command in commands:  # what does not compile is a fault of includes, which the source shows
        subprocess.run([*CC, "-c", "-I", "include", command["file"], "-o", command["output"]],
                       cwd=root, check=False, stderr=subprocess.DEVNULL)
    with open(os.path.join(root, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(commands, file)


def said(*arguments):
    out = subprocess.run([CHECK, *arguments], check=False, capture_output=True, text=True)
    assert not out.stderr, out.stderr
    return [line for line in out.stdout.splitlines()[:-1] if not line.startswith("check-layers:")]


def holds(lines, wanted):
    return any(wanted in line for line in lines) if wanted else not lines


def main():
    alloc = {"runtime/mutator/alloc.c": "void *gait_alloc(void);\n"
                                        "void *gait_alloc(void) { return 0; }\n"}
    failed = 0
    for name, path, text, source, compiled in [("no fault", "runtime/heap/range.c", "int range;\n",
                                               None, None), *FAULTS]:
        with tempfile.TemporaryDirectory(prefix="gait-layers-") as root:
            make(root, {**CLEAN, **alloc, path: text})
            by_source, by_object = said(root), said(root, root)
            good = holds(by_source, source) and (compiled is None and source is not None or
                                                 holds(by_object, compiled))
            print(f"{name}: {'ok' if good else 'FAILED'}")
            if not good:
                print("  source:", *by_source, "\n  compiled:", *by_object)
                failed += 1
    return 1 if failed else 0


sys.exit(main())
