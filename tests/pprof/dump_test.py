#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GAIT_DEBUG=heapprofile=FILE@WHEN: files at exit, by signals and by time, of several heaps and of
the children of a fork; what can't be is told, and the program goes on.

Usage: dump_test.py PROGRAM STATIC EXPORTING LIBRARIES [unittest's arguments]

The programs are dump.c with the shared library, with the static one, and with the static one whose
functions are exported. LIBRARIES: folders of the shared libraries, with colons between.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from pprof_file import Profile

PROGRAM = STATIC = EXPORTING = LIBRARIES = None
PATIENCE_S = 60
NODE_BYTES = 200000 * 48


class Dumps(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.file = os.path.join(self.folder, "heap.pb.gz")

    def tearDown(self):
        shutil.rmtree(self.folder)

    # At a rate that was said no sample is left out to save time: at the default one a busy machine
    # left so few of 20 that sums were off by more than a factor of three.
    def start(self, when, *arguments, program=None, debug=",memprofilerate=8192", **more):
        self.program = subprocess.Popen(
            [program or PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env={**os.environ, "LD_LIBRARY_PATH": LIBRARIES, "GOGC": "100",
                 "GAIT_DEBUG": f"heapprofile={when}{debug}", **more})
        self.assertEqual(self.program.stdout.readline(), "ready\n")

    def tell(self, letter):
        self.program.stdin.write(letter)
        self.program.stdin.flush()
        self.assertEqual(self.program.stdout.readline(), "done\n")

    def end(self, letters=""):
        out, error = self.program.communicate(letters, timeout=PATIENCE_S)
        self.assertEqual(self.program.returncode, 0, error)
        return out, error

    def files(self):
        return sorted(os.listdir(self.folder))

    def wait_for(self, path):
        """A file that is whole."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return Profile(path)
            except (OSError, EOFError, KeyError):  # not there, or being written
                self.assertLess(time.monotonic(), end, f"no {path}")
                time.sleep(0.05)

    def check(self, path):
        profile = Profile(path)
        of_list = profile.total("inuse_space", lambda labels, stack: any(
            function == "make_list" for function, _, _ in stack) and labels["kind"] == "node")
        self.assertGreater(of_list, NODE_BYTES / 3, path)
        self.assertLess(of_list, NODE_BYTES * 3, path)

    def test_at_the_end_of_a_heap(self):
        for when in ("", "@exit"):
            self.start(self.file + when)
            self.assertEqual(self.files(), [])
            _, error = self.end()
            self.assertEqual(error, "")
            self.check(self.file)
            os.remove(self.file)

    def test_at_exit_with_the_heap_there(self):
        self.start(self.file)
        self.end("x")
        self.check(self.file)

    def test_with_the_default_rate(self):
        self.start(self.file, debug="")
        self.end()
        self.assertEqual(Profile(self.file).period, 512 << 10)

    def test_with_a_rate_of_the_users(self):
        self.start(self.file, debug=",memprofilerate=1")
        self.end()
        self.assertEqual(Profile(self.file).total("inuse_objects"), 200000)

    def test_each_rate_at_exit_and_by_a_signal(self):
        """Without a rate it is Go's; 0 is off, and is said: as the heap begins, and in the place of
        each file. The signal ends nothing."""
        for when in ("@exit", "@SIGUSR1"):
            for rate in (None, 0, 1, 524288):
                self.start(self.file + when,
                           debug="" if rate is None else f",memprofilerate={rate}")
                if when == "@SIGUSR1":
                    self.tell("s")
                    if rate != 0:
                        self.wait_for(self.file)
                    else:
                        time.sleep(1)  # ten times what it may take
                _, error = self.end()
                if rate == 0:
                    self.assertEqual(self.files(), [])
                    off = "GAIT_DEBUG=heapprofile=.*: heap profiles are off: memprofilerate=0\n"
                    self.assertRegex(error, f"^(gait: {off}){{2}}$")
                else:
                    self.assertEqual(error, "")
                    self.assertEqual(Profile(self.file).period, rate or 524288)
                    self.assertGreater(Profile(self.file).total("alloc_space"), 0)
                    os.remove(self.file)

    def test_no_server_is_asked_for_names(self):
        """elfutils asks those that a user has named, and waits for them."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            self.start(self.file, DEBUGINFOD_URLS=f"http://127.0.0.1:{port}/",
                       DEBUGINFOD_CACHE_PATH=os.path.join(self.folder, "cache"))
            self.end()
            server.setblocking(False)
            with self.assertRaises(BlockingIOError):
                server.accept()
        self.check(self.file)

    def test_by_a_signal(self):
        self.start(os.path.join(self.folder, "heap-%n.pb.gz@SIGUSR1"))
        self.assertEqual(self.files(), [])
        for number in (1, 2):
            self.tell("s")
            self.wait_for(os.path.join(self.folder, f"heap-{number}.pb.gz"))
        self.end()
        self.assertEqual(self.files(), ["heap-1.pb.gz", "heap-2.pb.gz"])
        self.check(os.path.join(self.folder, "heap-2.pb.gz"))

    def test_a_handler_of_the_programs_stays(self):
        self.start(self.file + "@SIGUSR1", "h")
        out, error = self.end("ss")
        self.assertIn("the program has a handler for this signal", error)
        self.assertEqual(error.count("\n"), 1)
        self.assertIn("2 handled", out)
        self.assertEqual(self.files(), [])

    def test_by_time(self):
        self.start(os.path.join(self.folder, "%n@50ms@exit"))
        for number in ("1", "2", "3"):
            self.wait_for(os.path.join(self.folder, number))
        self.end()
        last = max(int(name) for name in self.files())
        self.check(os.path.join(self.folder, str(last)))

    def test_of_a_second_heap(self):
        self.start(self.file)
        self.tell("2")
        self.assertEqual(self.files(), ["heap.pb.gz.2"])
        self.end()
        self.assertEqual(self.files(), ["heap.pb.gz", "heap.pb.gz.2"])
        self.check(self.file)
        self.check(self.file + ".2")

    def test_of_a_forks_child(self):
        self.start(self.file + "@exit@SIGUSR1")
        self.end("fx")
        child = [name for name in self.files() if name.startswith("heap.pb.gz.")]
        self.assertEqual(len(child), 1, self.files())
        self.check(os.path.join(self.folder, child[0]))
        self.check(self.file)

    def test_what_can_not_be_is_told(self):
        for when, why in ((self.file + "@SIGUSR9", "expected FILE"), ("/dev/full", "No space left"),
                          (os.path.join(self.folder, "none", "heap"), "No such file")):
            self.start(when)
            _, error = self.end()
            self.assertIn(why, error)
            self.assertEqual(error.count("\n"), 1, error)
            self.assertEqual(self.files(), [])

    def test_without_the_shared_library(self):
        self.start(self.file, program=STATIC)
        _, error = self.end()
        self.assertIn("has not the shared library", error)
        self.assertEqual(self.files(), [])

    def test_with_functions_that_are_exported(self):
        self.start(self.file, program=EXPORTING)
        _, error = self.end()
        self.assertEqual(error, "")
        self.check(self.file)

    @unittest.skipUnless(shutil.which("go"), "go is not installed")
    def test_go_reads_it(self):
        self.start(self.file)
        self.end()
        done = subprocess.run(["go", "tool", "pprof", "-top", self.file], capture_output=True,
                              text=True, check=False, timeout=PATIENCE_S)
        self.assertIn("make_list", done.stdout, done)


if __name__ == "__main__":
    PROGRAM, STATIC, EXPORTING, LIBRARIES = sys.argv[1:5]
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]])
