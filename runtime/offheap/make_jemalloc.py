# SPDX-License-Identifier: MIT
"""Makes of jemalloc's static archive one object that meets no other malloc (backend_jemalloc.c).

Usage: make_jemalloc.py ARCHIVE OUTPUT OBJCOPY COMPILER...

What the library calls is renamed to gait_je_…, as are the functions that come in place of the C
library's; all other names become local, and the constructor goes.
"""

import os
import subprocess
import sys

CALLED = ["mallocx", "rallocx", "sallocx", "sdallocx", "mallctl"]
REPLACED = ["malloc_conf", "pthread_atfork", "secure_getenv", "readlink"]


def main():
    archive, output, objcopy, *compiler = sys.argv[1:]
    whole = output + ".whole.o"
    # Only the members that lead from what is called: not those for C++, which need its library.
    subprocess.run([*compiler, "-r", "-nostdlib", "-o", whole,
                    *[f"-Wl,-u,{name}" for name in CALLED], archive], check=True)
    renames = [f"--redefine-sym={name}=gait_je_{name}" for name in CALLED + REPLACED]
    subprocess.run([objcopy, *renames, "--remove-section=.init_array",
                    "--remove-section=.rela.init_array", whole], check=True)
    kept = [f"--keep-global-symbol=gait_je_{name}" for name in CALLED + REPLACED]
    subprocess.run([objcopy, *kept, whole, output], check=True)
    os.unlink(whole)


main()
