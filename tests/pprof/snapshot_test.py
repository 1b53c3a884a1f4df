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
import signal
import subprocess
import sys
import tempfile
import threading
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

    def start(self, when="", *arguments):
        program = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.environment(when))
        self.addCleanup(program.kill)
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

    def tell(self, program, letter):
        program.stdin.write(letter)
        program.stdin.flush()

    def wait_for_exit(self, program):
        while (line := program.stdout.readline()) != "exiting\n":
            self.assertNotEqual(line, "")

    def test_nothing_begins_after_the_file_of_the_exit(self):
        """Cycles begin the thread that writes by time; not after the end."""
        self.file = os.path.join(self.folder, "%n")
        program = self.start("@20ms@exit", "l")
        self.tell(program, "ce")
        self.wait_for_exit(program)
        files = sorted(os.listdir(self.folder))
        _, error = program.communicate(timeout=PATIENCE_S)
        self.assertEqual((program.returncode, error), (0, ""))
        self.assertEqual(sorted(os.listdir(self.folder)), files)

    def test_exit_gives_up_on_a_thread_that_does_not_stop(self):
        program = self.start("@exit")
        _, error = program.communicate("bx", timeout=PATIENCE_S)
        self.assertEqual(program.returncode, 0)
        self.assertIn("does not stop at a safepoint", error)
        self.assertEqual(error.count("\n"), 1, error)

    def state(self, number):
        """Of a process: a letter, and its parent's number."""
        try:
            with open(f"/proc/{number}/stat", encoding="utf-8") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
            return state, int(parent)
        except OSError:  # it is gone
            return "X", 0

    def younger(self, program):
        """Processes that are younger, if numbers did not begin anew; now and then all others. A look
        at all takes longer than a copy lives, where there are many."""
        numbers = sorted(map(int, filter(str.isdigit, os.listdir("/proc"))), reverse=True)
        return [number for number in numbers
                if number > program.pid or time.monotonic() % 1 < 0.1]

    def stop_copy(self, program):
        """Have it make a snapshot, and stop the copy of the process in its midst."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            self.tell(program, "s")
            self.assertEqual(program.stdout.readline(), "done\n")
            for _ in range(200):
                for number in self.younger(program):
                    state, parent = self.state(number)
                    if parent != program.pid or state in "ZX":
                        continue
                    try:
                        os.kill(number, signal.SIGSTOP)
                    except ProcessLookupError:
                        continue
                    while state not in "TZX":
                        state, _ = self.state(number)
                    if state == "T":
                        return number
        return self.fail("no copy was seen")

    def test_the_heap_waits_for_a_file_that_hangs(self):
        """An exit leaves the thread behind that waits for it; destroying the heap does not."""
        with open(PROGRAM, "rb") as file:
            if b"__tsan_init" in file.read():
                self.skipTest("no copies under ThreadSanitizer")
        program = self.start("@SIGUSR1@exit", "d")
        copy = self.stop_copy(program)
        self.tell(program, "e")
        self.wait_for_exit(program)
        said = []
        listener = threading.Thread(target=lambda: said.append(program.stdout.readline()))
        listener.start()
        time.sleep(0.5)
        self.assertEqual(said, [])
        os.kill(copy, signal.SIGCONT)
        listener.join(PATIENCE_S)
        self.assertEqual(said, ["destroyed\n"])
        _, error = program.communicate(timeout=PATIENCE_S)
        self.assertEqual(program.returncode, 0)
        self.assertIn("another is still being written", error)


if __name__ == "__main__":
    EXAMPLE, PROGRAM = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
