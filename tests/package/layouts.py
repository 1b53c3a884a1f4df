# SPDX-License-Identifier: MIT
"""A program that was built with headers of another layout gets no heap, and one line that says so.

Usage: layouts.py INCLUDE_DIR LIBRARY_DIR COMPILER...

The headers are changed copies of ours; the library is the shared one.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = """#include <gait/gait.h>
int main(int argc, char **argv) {
    (void)argv;
    char error[300];
    gait_config config;
    gait_config_init(&config);
    gait_heap *heap = gait_heap_create(argc > 1 ? &config : NULL, error, sizeof error);
    if (!heap)
        return puts(error), 1;
    return puts("a heap"), 0;
}
"""
LINE = re.compile(r"gait_heap_create: the program was built with headers of Gait \S+, whose "
                  r"layouts are not those of this library, \S+: build it with this library's "
                  r"headers\n")
# (what, header, pattern, in its place, whether there is a heap)
CASES = [
    ("nothing changed", "inline.h", r"$^", "", True),
    ("another release", "gait.h", r'GAIT_VERSION "[^"]*"', 'GAIT_VERSION "0.9.0"', True),
    ("a field at the head's end", "inline.h", r"(uintptr_t card_mask;[^\n]*)",
     r"\1\n    void *more;", True),
    ("a field within the head", "inline.h", r"(struct gait_frame \*frames;)",
     r"void *other;\n    \1", False),
    ("fewer kinds", "gait.h", r"GAIT_KINDS_MAX 256", "GAIT_KINDS_MAX 128", False),
    ("another size class", "inline.h", r"\(bytes \+ 7\) >> 3", "(bytes + 15) >> 4 << 1", False),
    ("another run", "inline.h", r"(char \*cursor;)", r"void *span;\n    \1", False),
    ("another arena", "arena_head.h", r"(char \*low_end;[^\n]*)", r"\1\n    char *other;", False),
]


def main():
    include, library, *compiler = sys.argv[1:]
    environ = dict(os.environ, LD_LIBRARY_PATH=library)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="gait-layouts-") as root:
        source = os.path.join(root, "program.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        for number, (what, header, pattern, place, fits) in enumerate(CASES):
            folder = os.path.join(root, str(number))
            shutil.copytree(include, folder)
            path = os.path.join(folder, "gait", header)
            with open(path, encoding="utf-8") as file:
                text, changes = re.subn(pattern, place, file.read(), count=1)
            if not changes and number:
                sys.exit(f"{header}: nothing matches {pattern}")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            binary = os.path.join(root, f"program{number}")
            subprocess.run([*compiler, "-I", folder, source, "-o", binary, "-L", library, "-lgait"],
                           check=True)
            for arguments in ([], ["config"]):
                out = subprocess.run([binary, *arguments], env=environ, capture_output=True,
                                     text=True, check=False).stdout
                good = out == "a heap\n" if fits else bool(LINE.fullmatch(out))
                bad += not good
                print(f"{what}{', a config' if arguments else ''}: {out.strip() or 'nothing'}"
                      f"{'' if good else ': WRONG'}")
    return 1 if bad else 0


sys.exit(main())
