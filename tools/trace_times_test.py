#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""trace-times: sums of a trace, of one that was cut off, and a line for what is none.

Usage: trace_times_test.py TRACE_TIMES
"""

import json
import subprocess
import sys
import tempfile
import unittest

TOOL = None
EVENTS = [{"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "Gait"}},
          {"ph": "C", "pid": 1, "name": "live_bytes", "ts": 1e6, "args": {"bytes": 1}},
          {"ph": "X", "pid": 1, "name": "cycle", "ts": 1.5e6, "dur": 2000.0},
          {"ph": "X", "pid": 1, "name": "stop", "ts": 1.6e6, "dur": 10.0},
          {"ph": "X", "pid": 1, "name": "stop", "ts": 3e6, "dur": 30.0},
          {"ph": "X", "pid": 1, "name": "stop", "ts": 3.5e6, "dur": 20.0},
          {"ph": "i", "pid": 1, "name": "end", "ts": 4e6, "args": {"dropped": 7}}]
TEXT = "[" + "\n,".join(json.dumps(event) for event in EVENTS) + "]\n"


class Times(unittest.TestCase):
    def run_on(self, text):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            return subprocess.run([TOOL, file.name], capture_output=True, text=True, check=False)

    def rows(self, text):
        done = self.run_on(text)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.split() for line in done.stdout.splitlines()], done.stdout

    def test_sums(self):
        rows, said = self.rows(TEXT)
        self.assertIn(["stop", "3", "0.06", "20", "30", "2.000"], rows)
        self.assertIn(["cycle", "1", "2.00", "2000", "2000", "0.500"], rows)
        self.assertLess(said.index("stop"), said.index("beside it"))
        self.assertIn("7 events found no room", said)

    def test_one_that_was_cut_off(self):
        for length in (len(TEXT) - 3, TEXT.index("3500000.0")):
            rows, _ = self.rows(TEXT[:length])
            self.assertIn("stop", [row[0] for row in rows if row])
        rows, _ = self.rows(TEXT[:TEXT.index('"ts": 3500000.0')])
        self.assertIn(["stop", "2", "0.04", "30", "30", "2.000"], rows)

    def test_what_is_none(self):
        for text in ("", "GC\n1 2", "[1]", '{"a": 1}', '[{"ph": "X"}]'):
            done = self.run_on(text)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"^trace-times: [^\n]+\n$")


if __name__ == "__main__":
    TOOL = sys.argv[1]
    del sys.argv[1]
    unittest.main()
