#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/count-results on a run in which tests pass, fail, are killed, and fail after their cases.
Usage: count_results_test.py COUNT_RESULTS MESON"""

import os
import subprocess
import sys
import tempfile

PROGRAM = """import sys, time
how = sys.argv[1]
if how.startswith("cases"):
    print("1..2")
    print("ok 1 - one")
    print("not ok 2 - two" if how == "cases-fail" else "ok 2 - two", flush=True)
if how.endswith("hang"):
    time.sleep(60)
print("last words of " + how, flush=True)
sys.exit({"pass": 0, "cases": 0, "cases-fail": 0, "skip": 77}.get(how, 1))
"""
BUILD = """project('p')
python = find_program('python3')
foreach how : ['pass', 'skip', 'fail', 'hang']
  test(how, python, args: [files('program.py'), how], suite: 's', timeout: 1)
endforeach
foreach how : ['cases', 'cases-fail', 'cases-end', 'cases-hang']
  test(how, python, args: [files('program.py'), how], suite: 't', timeout: 1, protocol: 'tap')
endforeach
"""


def main():
    count_results, *meson = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("program.py", PROGRAM), ("meson.build", BUILD)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        build = os.path.join(folder, "build")
        subprocess.run([*meson, "setup", build, folder], check=True, stdout=subprocess.DEVNULL)

        def count():
            return subprocess.run([count_results, build], check=True, capture_output=True, text=True)

        assert count().stdout == "0 1\n", "no test ran"
        subprocess.run([*meson, "test", "-C", build], check=False, stdout=subprocess.DEVNULL)
        result = count()

    # Passed: pass, and the cases of programs that failed later. Failed: one for each other program.
    named = sorted(line for line in result.stderr.splitlines() if line.startswith("failed: "))
    seen = "\n".join([result.stdout, *named])
    assert result.stdout == "8 5\n", seen
    for which in ("s / fail", "s / hang: TIMEOUT", "cases-fail: 2 - two", "cases-end: ERROR", "cases-hang: TIMEOUT"):
        assert any(which in line for line in named), f"{which}: {seen}"
    assert "    last words of fail" in result.stderr and "last words of cases-end" in result.stderr, seen


main()
