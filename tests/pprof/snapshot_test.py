#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GAIT_DEBUG=heapsnapshot=FILE@WHEN: files that tools open, by programs that know nothing of them.
When files are written, and what can't be: dump_test.py, of heap profiles.

Usage: snapshot_test.py EXAMPLE PROGRAM [unittest's arguments]

EXAMPLE is examples/embedding/heap_snapshot.c, PROGRAM dump.c with the static library.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

EXAMPLE = PROGRAM = None
PATIENCE_S = 60


class Snapshots(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.file = os.path.join(self.folder, "heap.heapsnapshot")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def environment(self, when=""):
        return {**os.environ, "GAIT_DEBUG": f"heapsnapshot={self.file}{when}"}

    def names(self):
        """How many nodes have each name."""
        with open(self.file, encoding="utf-8") as file:
            snapshot = json.load(file)
        self.assertEqual(len(snapshot["nodes"]), 7 * snapshot["snapshot"]["node_count"])
        self.assertEqual(len(snapshot["edges"]), 3 * snapshot["snapshot"]["edge_count"])
        counts = {}
        for number in snapshot["nodes"][1::7]:
            name = snapshot["strings"][number]
            counts[name] = counts.get(name, 0) + 1
        return counts

    def test_at_the_end_of_a_heap(self):
        done = subprocess.run([EXAMPLE], env=self.environment(), capture_output=True, text=True,
                              timeout=PATIENCE_S)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        names = self.names()
        self.assertEqual((names["session"], names["entry"], names["text"]), (2, 2000, 2002))
        self.assertEqual((names["session of ann"], names["static slots"]), (1, 1))

    def start(self, when=""):
        program = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.environment(when))
        self.assertEqual(program.stdout.readline(), "ready\n")
        return program

    def test_at_exit_with_a_thread_attached(self):
        program = self.start()
        _, error = program.communicate("x", timeout=PATIENCE_S)
        self.assertEqual((program.returncode, error), (0, ""))
        self.assertIn("", self.names())

    def test_by_a_signal(self):
        program = self.start("@SIGUSR1")
        program.stdin.write("s")
        program.stdin.flush()
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.names()
                break
            except (OSError, ValueError):  # not there, or being written
                self.assertLess(time.monotonic(), end)
                time.sleep(0.05)
        _, error = program.communicate("", timeout=PATIENCE_S)
        self.assertEqual((program.returncode, error), (0, ""))


if __name__ == "__main__":
    EXAMPLE, PROGRAM = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
