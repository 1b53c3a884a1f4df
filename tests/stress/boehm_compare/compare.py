#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the random mutator under several memory managers with one seed; their graphs must agree.

Usage: compare.py PROGRAM PROGRAM... [SEED [THREADS [ROUNDS [STEPS]]]]
Programs are paths; what begins with a digit is an argument for each of them. Without a seed one is
drawn. A program whose name holds "keep" is the model, all others must have collected.
"""

import os
import random
import subprocess
import sys


def main():
    programs = [word for word in sys.argv[1:] if not word[0].isdigit()]
    arguments = [word for word in sys.argv[1:] if word[0].isdigit()]
    if len(programs) < 2:
        sys.exit(__doc__)
    if not arguments:
        arguments = [str(random.SystemRandom().randrange(1, 1 << 40))]
    print(f"to repeat: {sys.argv[0]} {' '.join(programs + arguments)}", flush=True)
    results = {}
    failed = False
    for program in programs:
        done = subprocess.run([program] + arguments, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=250, check=False)
        results[program] = done.stdout
        print(f"{os.path.basename(program)}:\n{done.stdout}{done.stderr}", end="", flush=True)
        if done.returncode:
            print(f"exit status {done.returncode}")
            failed = True
        elif "keep" not in os.path.basename(program) and "\ncycles 0\n" in "\n" + done.stderr:
            print("it never collected: this run shows nothing")
            failed = True
    if len(set(results.values())) != 1:
        print("the graphs differ")
        failed = True
    print("FAIL" if failed else "the graphs agree")
    return failed


sys.exit(main())
