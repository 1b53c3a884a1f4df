#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""flame-graph: what it makes of stacks that perf printed.

Usage: flame_test.py FLAME_GRAPH
"""

import subprocess
import sys
import unittest
import xml.etree.ElementTree

TOOL = None
SVG = "{http://www.w3.org/2000/svg}"


def stack(thread, *frames):
    """As `perf script` prints it: the youngest frame first."""
    lines = [f"{thread} 26149 74395.459605:    1251564 cpu-clock: "]
    lines += [f"\t           28296 {frame}+0x66 (/usr/bin/program)" for frame in frames]
    return "\n".join(lines) + "\n\n"


MARKING = stack("gait-collect", "marker_drain", "workers_mark", "cycle_run", "thread_main")
ASSIST = stack("two words", "marker_assist", "control_assist", "alloc_make_room", "gait_alloc_slow",
               "make<a&b>", "main")
FLAT_ASSIST = stack("two words", "marker_assist_batch")
ALLOCATION = stack("two words", "cache_refill", "gait_alloc_slow", "make<a&b>", "main")
PROGRAM = stack("two words", "[unknown]", "main")
STACKS = MARKING + ASSIST + FLAT_ASSIST + 3 * ALLOCATION + 4 * PROGRAM


def run(text, *arguments):
    return subprocess.run([TOOL, *arguments], input=text, capture_output=True, text=True,
                          check=False)


class Flame(unittest.TestCase):
    def test_each_sample_is_somebodys_work(self):
        done = run(STACKS, "--by-work")
        self.assertEqual([line.split() for line in done.stdout.splitlines()], [
            ["4", "40.0", "%", "program"], ["2", "20.0", "%", "assists"],
            ["1", "10.0", "%", "marking"], ["3", "30.0", "%", "allocation"]])

    def boxes(self, *arguments):
        root = xml.etree.ElementTree.fromstring(run(STACKS, *arguments).stdout)
        found = {}
        for group in root.iter(SVG + "g"):
            box = group.find(SVG + "rect")
            found[group.find(SVG + "title").text] = (float(box.get("width")), float(box.get("y")))
        return found

    def test_boxes_are_as_wide_as_their_part(self):
        boxes = self.boxes("--title", "a < b")
        whole, bottom = boxes["all: 100.0 %, program"]
        width, height = boxes["make<a&b>: 40.0 %, program"]
        self.assertAlmostEqual(width / whole, 0.4, places=2)
        self.assertLess(height, bottom, "who is called is above who calls")
        self.assertIn("marker_assist: 10.0 %, assists", boxes)
        self.assertIn("marker_assist_batch: 10.0 %, assists", boxes)
        self.assertIn("marker_drain: 10.0 %, marking", boxes)
        self.assertIn("two words: 90.0 %, program", boxes)

    def test_small_boxes_are_left_out(self):
        self.assertFalse([name for name in self.boxes("--least", "15") if "marking" in name])

    def test_two_pictures_may_have_one_scale(self):
        half = self.boxes("--whole", "20")["all: 100.0 %, program"][0]
        self.assertAlmostEqual(half / self.boxes()["all: 100.0 %, program"][0], 0.5, places=2)

    def test_no_samples_are_no_picture(self):
        done = run("")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no samples", done.stderr)


if __name__ == "__main__":
    TOOL = sys.argv[1]
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
