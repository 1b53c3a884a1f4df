# SPDX-License-Identifier: MIT
"""The compiler has made vector instructions of a loop.

Usage: check_vectors.py OBJDUMP PROGRAM FUNCTION

Looks for a comparison of vectors in the function's code, on x86-64 and 64-bit ARM.
"""

import re
import subprocess
import sys

VECTORS = re.compile(r"\bv?pcmpeq[bdw]\b|\bcmeq\s+v\d+\.4s|\bcmpeq\s+p\d+")


def main():
    objdump, program, function = sys.argv[1:]
    code = subprocess.run([objdump, "-d", "--no-show-raw-insn", program], check=True,
                          capture_output=True, text=True).stdout
    body = re.search(rf"^[0-9a-f]+ <{function}>:\n(.*?)(?:\n\n|\Z)", code, re.DOTALL | re.MULTILINE)
    if not body:
        print(f"{function} is not in {program}")
        return 1
    found = VECTORS.findall(body.group(1))
    print(f"{function}: {len(found)} comparisons of vectors")
    return 0 if found else 1


sys.exit(main())
