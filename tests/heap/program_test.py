# SPDX-License-Identifier: MIT
"""gait-heap reads what programs wrote: leaking.c, and a Scheme program.

Usage: program_test.py GAIT_HEAP LEAKING [SCHEME]
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.dom.minidom

GAIT_HEAP, LEAKING, *SCHEME = sys.argv[1:]
FORMS = ("gaitheap", "heapsnapshot")


class Program(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.profile = subprocess.run([LEAKING, cls.folder.name], check=True, timeout=60, text=True,
                                     capture_output=True).stdout.strip()

    def path(self, number, form):
        return os.path.join(self.folder.name, f"{number}.{form}")

    def good(self, *arguments):
        result = subprocess.run([GAIT_HEAP, *arguments], capture_output=True, text=True,
                                timeout=60, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""), arguments)
        return result.stdout

    def test_kinds_are_the_same_in_both_forms(self):
        for number, entries in ((1, 100), (2, 1100)):
            tables = [sorted((line.split()[-1], line.split()[:3])
                             for line in self.good("kinds", self.path(number, form))
                             .splitlines()[3:]) for form in FORMS]
            self.assertEqual(*tables)
            counts = {kind: int(row[0]) for kind, row in tables[0]}
            self.assertEqual(counts["entry"], entries)
            self.assertEqual(counts["session"], 2)
            self.assertEqual(counts["registry"], 1)
            self.assertEqual(counts["text"], entries + 3)

    def test_a_value_is_kept_by_its_key(self):
        out = self.good("path", self.path(2, FORMS[0]), self.profile)
        self.assertIn("static slots", out)
        self.assertIn('session of bob"', out)
        self.assertIn("value of a pair", out)
        self.assertNotIn("registry", out)

    def test_what_grew(self):
        for form in FORMS:
            out = self.good("diff", self.path(1, form), self.path(2, form))
            rows = {line.split()[-1]: line.split() for line in out.splitlines() if line}
            for kind in ("entry", "text"):
                self.assertEqual(rows[kind][-4:], ["+1000", "1000", "0", kind], form)
            self.assertRegex(out.splitlines()[-1], r'session \S+ "session of bob"$')

    def test_suspects(self):
        for form in FORMS:
            out = self.good("suspects", self.path(1, form), self.path(2, form))
            self.assertRegex(out, r'session \S+ "session of bob" keeps \S+ KiB \((99|100)\.')
            self.assertRegex(out, r"\+1000 .*  entry\n")
            self.assertIn("static slots", out)

    def test_the_same_objects_dominate(self):
        """But that V8's form does not say that a pair's value is its key's."""
        def told(form):
            out = self.good("dominators", self.path(2, form))
            return [re.sub(r" (0x[0-9a-f]+|@\d+)", "", line[32:]) for line in out.splitlines()[3:]]
        self.assertEqual(told(FORMS[0]), told(FORMS[1]))
        self.assertEqual(told(FORMS[0])[2], '    session "session of bob"')
        self.assertIn("1088 more of this kind, one below the other", told(FORMS[0])[4])

    def test_picture(self):
        for form in FORMS:
            document = xml.dom.minidom.parseString(
                self.good("picture", self.path(2, form)).encode())
            titles = [title.firstChild.data for title in document.getElementsByTagName("title")]
            self.assertTrue(any(title.startswith("entry × 1100") for title in titles), titles)


# Sessions that are closed, and stay in a table that nobody reads.
LEAK = """
(define-record-type session (make-session id page) session? (id session-id) (page session-page))
(define seen (make-hash-table))
(define (serve id)
  (hash-table-set! seen id (make-session id (make-string 200 #\\x))))
(do ((id 1 (+ id 1))) ((> id 2000)) (serve id))
(display "ready") (newline)
(read-line)
"""


@unittest.skipUnless(SCHEME, "there is no interpreter")
class Interpreter(unittest.TestCase):
    def test_a_global_that_leaks(self):
        with tempfile.TemporaryDirectory() as folder:
            program, made = os.path.join(folder, "leak.scm"), os.path.join(folder, "snapshot")
            with open(program, "w", encoding="utf-8") as file:
                file.write(LEAK)
            with subprocess.Popen(
                    [*SCHEME, program], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    env=dict(os.environ, GAIT_DEBUG=f"heapsnapshot={made}@SIGUSR1")) as running:
                self.assertEqual(running.stdout.readline(), "ready\n")
                running.send_signal(signal.SIGUSR1)
                deadline = time.monotonic() + 60
                told = None
                while told is None or told.returncode != 0:  # until it is there, and whole
                    self.assertLess(time.monotonic(), deadline, told)
                    time.sleep(0.05)
                    told = subprocess.run([GAIT_HEAP, "suspects", made], capture_output=True,
                                          text=True, timeout=60, check=False)
                running.communicate("\n", timeout=60)
            self.assertRegex(told.stdout, r'global \S+ "seen"\n')
            self.assertIn("in 2000 of kind hash table entry", told.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
