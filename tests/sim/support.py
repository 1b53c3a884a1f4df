# SPDX-License-Identifier: MIT
"""What the tests of gait-sim's commands share: running it, files in a folder of one's own, and
what is refused in one line.

A test's own first two arguments are GAIT_SIM and SOURCE_ROOT. GAIT_SIM_SEED repeats a random run.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

GAIT_SIM, ROOT, *REST = sys.argv[1:]
SCENARIOS = os.path.join(ROOT, "examples", "scenarios")
TRACES = os.path.join(ROOT, "tests", "sim", "traces")
SEED = int(os.environ.get("GAIT_SIM_SEED", random.randrange(1 << 32)))
OK, FAILED, USAGE = 0, 1, 2
PHASE = "[[phase]]\nalloc_rate = 1000\n"


def run(*arguments, text=None, **options):
    return subprocess.run([GAIT_SIM, *arguments], input=text, capture_output=True, text=True,
                          timeout=60, errors="replace", **options)


def scenario_paths():
    return [os.path.join(SCENARIOS, name) for name in sorted(os.listdir(SCENARIOS))
            if name.endswith(".toml")]


class Files(unittest.TestCase):
    """A folder of its own for each test."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def good(self, *arguments, text=None):
        result = run(*arguments, text=text)
        self.assertEqual((result.returncode, result.stderr), (OK, ""), arguments)
        return result.stdout

    def refused(self, status, *arguments, text=None, **options):
        """Runs what is refused. @return the one line that says why."""
        result = run(*arguments, text=text, **options)
        self.assertEqual(result.returncode, status, (arguments, result.stderr))
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        return lines[0]
