#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What bench/curve reckons: steady cycles, float, ends over goals, and time at equal memory."""

import unittest

from cycles import Cycles
from spacetime import at_rss, below, falls, least_front

MIB = 1 << 20


def line(number, **words):
    told = {"start": 0, "trigger": 0, "peak": 24 * MIB, "marked": 12 * MIB, "goal": 20 * MIB,
            "stacks": 0, "globals": 0, "live": 10 * MIB} | words
    return f"gc {number} bytes: " + " ".join(f"{name}={value}" for name, value in told.items())


def cycles_of(*lines):
    cycles = Cycles()
    for text in lines:
        cycles.line_seen(text)
    return cycles


class CyclesTest(unittest.TestCase):
    def test_medians_and_the_most_of_steady_cycles(self):
        figures = cycles_of(*[line(i) for i in range(6)],
                            line(6, marked=15 * MIB, peak=30 * MIB)).figures(100)
        self.assertEqual(figures, {"steady": 4, "live_mib": 10, "float": 1.2, "float_max": 1.5,
                                   "end": 1.2, "end_max": 1.5})

    def test_first_cycles_and_those_of_another_heap_are_left_out(self):
        told = [line(i, marked=99 * MIB) for i in range(3)] + [line(i) for i in range(3, 8)]
        told += [line(8, live=20 * MIB, marked=99 * MIB), line(9, live=20 * MIB, marked=99 * MIB)]
        figures = cycles_of(*told).figures(100)
        self.assertEqual((figures["steady"], figures["float_max"]), (5, 1.2))
        self.assertEqual(cycles_of(*told[:3]).figures(100), {})

    def test_roots_and_the_least_heap_are_part_of_the_goal(self):
        self.assertEqual(cycles_of(*[line(i, globals=2 * MIB) for i in range(4)]).figures(200)["end"],
                         24 / 34)
        small = [line(i, live=MIB, marked=MIB, peak=4 * MIB) for i in range(4)]
        self.assertEqual(cycles_of(*small).figures(100)["end"], 1)

    def test_other_lines_are_none(self):
        cycles = cycles_of("gc 1 @0.1s 2%: 1+1+1 ms clock", "gc bytes", "x 1",
                           "gc 4 bytes: start=1 trigger=1 peak=2 marked=1 goal=2 stacks=0 globals=0")
        self.assertEqual(len(cycles.lines), 1)
        self.assertEqual(cycles.figures(100), {}, "nothing was measured")


class SpacetimeTest(unittest.TestCase):
    POINTS = [{"rss_mib": 100, "cpu_s": 4}, {"rss_mib": 400, "cpu_s": 1},
              {"rss_mib": 200, "cpu_s": 5}, {"rss_mib": 800, "cpu_s": 1.5}, {}]

    def test_points_that_others_beat_are_no_part_of_the_front(self):
        self.assertEqual(least_front(self.POINTS, "cpu_s"), [(100, 4), (400, 1)])

    def test_where_more_gogc_takes_less_memory(self):
        points = [(gogc, {"rss_mib": rss}) for gogc, rss in
                  [(25, 100), (50, 91), (100, 80), (200, 300)]] + [(400, {})]
        self.assertEqual(falls(points), [(50, 91, 100, 80)])

    def test_who_takes_less_of_both(self):
        front = least_front(self.POINTS, "cpu_s")
        others = [("as fast, less memory", {"rss_mib": 50, "cpu_s": 3}),
                  ("less memory, slower than the least", {"rss_mib": 50, "cpu_s": 5}),
                  ("between", {"rss_mib": 200, "cpu_s": 1.5}), ("above", {"rss_mib": 200, "cpu_s": 3}),
                  ("past the end", {"rss_mib": 900, "cpu_s": 0.5}), ("failed", {})]
        told = below(others, front, "cpu_s")
        self.assertEqual([name for name, _ in told],
                         ["as fast, less memory", "between", "past the end"])
        self.assertAlmostEqual(told[1][1], 0.75)

    def test_between_two_points_and_past_the_ends(self):
        front = least_front(self.POINTS, "cpu_s")
        self.assertAlmostEqual(at_rss(front, 200), 2)
        self.assertAlmostEqual(at_rss(front, 100), 4)
        self.assertEqual(at_rss(front, 1600), 1)
        self.assertIsNone(at_rss(front, 99))
        self.assertIsNone(at_rss([], 99))


if __name__ == "__main__":
    unittest.main()
