#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GAIT_DEBUG=heapprofile=FILE: the program's functions, with file and line, and none of the
interpreter's; what dies young is named as a candidate for an arena, and what lives is not.

Usage: profile.py SCHEME LIBRARIES TESTS
LIBRARIES: folders of the shared libraries, with colons between; TESTS: where pprof_file.py is.
"""

import os
import subprocess
import sys
import tempfile

PROGRAM = """(define (make-row n)
  (let loop ((i 0) (row '()))
    (if (= i n) row (loop (+ i 1) (cons i row)))))
(define kept '())
(define (remember! n)
  (set! kept (cons (make-vector 100 n) kept)))
(define (deep n) (if (= n 0) (remember! n) (+ 1 (deep (- n 1)))))
(define (work n)
  (if (> n 0)
      (begin
        ((lambda (λ) (make-row λ)) 200)
        (if (= 0 (modulo n 10)) (remember! n))
        (work (- n 1)))))
(work 5000)
(set! remember! (lambda (n)
  (set! kept (cons (make-string 10000 #\\a) kept)) 0))
(deep 100000)
(gc)
(display (length kept))
"""


def check(truth, what):
    if not truth:
        sys.exit(f"profile: {what}")


def main():
    scheme, libraries, tests = sys.argv[1:]
    sys.path.insert(0, tests)
    from pprof_file import Profile  # pylint: disable=import-outside-toplevel

    with tempfile.TemporaryDirectory() as folder:
        program, file = os.path.join(folder, "rows.scm"), os.path.join(folder, "heap.pb.gz")
        with open(program, "w", encoding="utf-8") as text:
            text.write(PROGRAM)
        done = subprocess.run(
            [scheme, program], capture_output=True, text=True, check=False,
            env={**os.environ, "LD_LIBRARY_PATH": libraries, "GOGC": "100", "GAIT_MINOR": "on",
                 "GAIT_DEBUG": f"heapprofile={file},memprofilerate=4096"})
        check(done.returncode == 0 and done.stdout == "501" and not done.stderr, done)
        profile = Profile(file)

    def total(what, kind, *frames):
        return profile.total(what, lambda labels, stack: labels.get("kind") == kind
                             and tuple(stack[:len(frames)]) == frames)

    rows = total("alloc_space", "pair", ("make-row", program, 3))
    check(14e6 < rows < 18e6, f"5000 rows of 200 pairs: {rows}")
    check(total("inuse_space", "pair", ("make-row", program, 3)) < rows / 20, "rows are garbage")
    vectors = total("inuse_space", "vector", ("remember!", program, 6), ("work", program, 12))
    check(3e5 < vectors < 6e5, f"500 vectors of 100 words: {vectors}")
    strings = total("inuse_space", "string", ("lambda at line 15", program, 16),
                    *[("deep", program, 7)] * 63)
    check(strings > 35000, f"a string, below a recursion that is deeper than a stack: {strings}")
    stack = next(stack for _, _, stack in profile.samples if stack[0][0] == "make-row")
    check(("lambda at line 11", program, 11) in stack or ("work", program, 11) in stack, stack)
    own = [stack for _, _, stack in profile.samples if stack[0][0] == "make-row"
           and any(function == "main" for function, _, _ in stack)]
    check(not own, "no frames of the interpreter are among the program's")
    check(any("make-row" in comment for comment in profile.comments), profile.comments)
    check(not any("remember!" in comment for comment in profile.comments), profile.comments)
    check(all(labels.get("candidate", "arena") == "arena" for _, labels, _ in profile.samples),
          "a candidate is one for an arena")


main()
