#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What bench/run reckons: intervals, ties, regressions, the time left; and what it writes."""

import argparse
import importlib.machinery
import importlib.util
import os
import random
import tempfile
import unittest

import pictures
import report
from compare import change, noise_of, ratio, ratios, regressions
from document import write_between
from programs import Program
from progress import Progress
from workloads import KNOBS, Workload, can_run, knob_peers, workloads

WORK = Workload("work", "trees depth=9", "depth=2", ["gait", "malloc"], ["wall_s"], ["wall_s"], 2)


def runs(*walls):
    return [{"wall_s": wall} for wall in walls]


def result(gait, malloc=(1, 1.01, 0.99, 1, 1), arguments="trees"):
    of_peer = {"gait": runs(*gait), "malloc": runs(*malloc)}
    return {"arguments": [arguments], "environment": {}, "runs": of_peer, "date": "2000-01-01", "command": "x",
            "ratios": ratios(WORK, of_peer)}


class RatioTest(unittest.TestCase):
    def test_a_clear_difference(self):
        told = ratio(runs(2, 2.1, 1.9, 2, 2.05), runs(1, 1, 1.02, 1, 0.99), "wall_s")
        self.assertFalse(told["tie"])
        self.assertTrue(told["min"] <= told["low"] <= told["median"] <= told["high"] <= told["max"])
        self.assertAlmostEqual(told["median"], 2, 1)

    def test_rounds_that_drift_together_are_compared_one_by_one(self):
        told = ratio(runs(2, 4, 8, 16, 32), runs(1, 2, 4, 8, 16), "wall_s")
        self.assertEqual((told["low"], told["high"]), (2, 2))

    def test_an_interval_that_holds_1_is_a_tie(self):
        # steady from round to round, but not the same in all
        told = ratio(runs(1, 1, 1, 1.3, 1.3, 1.3, 1.3), runs(*[1] * 7), "wall_s")
        self.assertEqual((told["low"], told["median"], told["tie"]), (1, 1.3, True))

    def test_what_equal_runs_differ_by_is_a_tie(self):
        shaky = runs(1.1, 1.4, 1.1, 1.5, 1.05)
        self.assertTrue(ratio(shaky, runs(1, 1.3, 1, 1.35, 0.96), "wall_s")["tie"])
        self.assertTrue(ratio(runs(1.01, 1.01, 1.01), runs(1, 1, 1), "wall_s")["tie"])
        self.assertFalse(ratio(runs(1.05, 1.05, 1.05), runs(1, 1, 1), "wall_s")["tie"])

    def test_two_rounds_tell_no_tie(self):
        self.assertFalse(ratio(runs(1, 1), runs(1, 1), "wall_s")["tie"])

    def test_failed_rounds_and_nothing_to_compare_with(self):
        self.assertEqual(ratio([None] + runs(3), runs(1, 1), "wall_s")["median"], 3)
        self.assertIsNone(ratio([None], runs(1), "wall_s"))
        self.assertIsNone(ratio(runs(5), runs(0), "wall_s"))

    def test_the_interval_holds_the_true_median_as_often_as_it_says(self):
        dice, held = random.Random(7), 0
        for _ in range(100):
            told = ratio(runs(*[2 * dice.lognormvariate(0, 0.1) for _ in range(9)]),
                         runs(*[1] * 9), "wall_s")
            held += told["low"] <= 2 <= told["high"]
        self.assertGreaterEqual(held, 88, "of 100, when 95 are expected")

    def test_noise_is_the_median_step(self):
        self.assertAlmostEqual(noise_of([1, 1.1, 1, 1.1]), 0.1)
        self.assertEqual(noise_of([1]), 0)


class RegressionTest(unittest.TestCase):
    THEN = {"work": result((1, 1.01, 0.99, 1, 1))}

    def test_slower_beyond_the_noise_is_named(self):
        worse = regressions([WORK], {"work": result((1.2, 1.21, 1.19, 1.2, 1.2))}, self.THEN)
        self.assertEqual([one[:3] for one in worse], [("work", "gait", "wall_s")])
        self.assertAlmostEqual(worse[0][3], 1.2, 2)

    def test_a_machine_that_got_slower_is_no_regression(self):
        now = result((1.2, 1.21, 1.19, 1.2, 1.2), (1.2, 1.21, 1.19, 1.2, 1.2))
        self.assertEqual(regressions([WORK], {"work": now}, self.THEN), [])

    def test_faster_noisy_or_other_work_is_none(self):
        for now in (result((0.8, 0.81, 0.79, 0.8, 0.8)), result((1.02, 1.3, 0.9, 1.25, 0.95)),
                    result((1.2,) * 5, arguments="others"), result((1.2, 1.2))):
            self.assertEqual(regressions([WORK], {"work": now}, self.THEN), [])

    def test_less_of_what_should_be_much_is_worse(self):
        middle, low, high, _ = change(([80] * 5, [100] * 5), [], "iterations_per_second")
        self.assertEqual([round(value, 2) for value in (middle, low, high)], [1.25] * 3)


class ReportTest(unittest.TestCase):
    def test_who_lies_below_the_curve(self):
        curve = Workload("space-x", "trees depth=1", "", ["gait@100", "go@100"], [], [])
        told = {"runs": {name: [{"rss_mib": rss, "wall_s": wall, "cpu_s": 2}] for name, rss, wall in
                         (("gait@100", 20, 1), ("gait@50", 10, 2), ("go@100", 12, 1), ("go@50", 9, 2.5))}}
        rows = report.space_rows([curve], {"space-x": told})
        self.assertEqual(rows[1][0], "space-x")
        self.assertTrue(rows[1][1].startswith("go@100 × 0.6") and "go@50" not in rows[1][1])
        self.assertEqual(rows[1][2], "none")

    def test_cells(self):
        told = result((2, 2, 2, 2.2, 1.8))
        figures, relations = report.table_rows(WORK, told)
        self.assertEqual(figures[1], ["gait", "2.000 (1.800–2.200)"])
        self.assertEqual(relations[0][0], "gait /")
        self.assertTrue(relations[1][1].startswith("2.0"))
        self.assertTrue(report.ratio_cell(ratio(runs(1, 1, 1), runs(1, 1, 1), "wall_s"))
                        .startswith("tie"))

    def test_page_and_document(self):
        results = {"work": result((2, 2, 2, 2.2, 1.8))}
        with tempfile.TemporaryDirectory() as folder:
            page, document = os.path.join(folder, "a.html"), os.path.join(folder, "a.md")
            report.write_page(page, ["head"], [WORK], results)
            with open(page, encoding="utf-8") as file:
                text = file.read()
            self.assertIn("2.000", text)
            self.assertNotIn("http-equiv", text)
            self.assertEqual(text.count("<svg"), 2 if pictures.available() else 0)
            with open(document, "w", encoding="utf-8") as file:
                file.write("a\n<!-- bench/run --write -->\nold\n<!-- end of bench/run --write -->\nb\n")
            report.write_document(document, ["head"], [WORK], results)
            with open(document, encoding="utf-8") as file:
                text = file.read()
            self.assertTrue(text.startswith("a\n") and text.endswith("b\n") and "old" not in text)
            with self.assertRaises(SystemExit):
                write_between(document, "nobody", "")

    def test_curves_have_a_point_for_each_setting(self):
        told = {"runs": {"gait@50": [{"rss_mib": 10, "wall_s": 2, "cpu_s": 2}],
                         "gait@100": [{"rss_mib": 20, "wall_s": 1, "cpu_s": 1}], "go@50": [None]}}
        self.assertEqual(pictures.curves(told), {"gait": [("50", 10, 2, 2), ("100", 20, 1, 1)]})


def driver():
    """bench/run as a module."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")
    loader = importlib.machinery.SourceFileLoader("run", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    loader.exec_module(module)
    return module


class MeasureTest(unittest.TestCase):
    def test_rounds_in_turn_with_an_environment_and_a_peer_that_fails(self):
        run = driver()
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log")
            script = f'echo "$0 $GOGC $KNOB $*" >> {log}; echo cycles 3; echo unknown 4'
            programs = {"gait": Program(["sh", "-c", script, "gait"], ["last=1"], {"KNOB": "on"}),
                        "malloc": Program(["sh", "-c", "echo no; exit 1"])}
            options = argparse.Namespace(quick=False, n=3, timeout=20, failed=False, workloads=[])
            progress = Progress([(WORK, 2, 3)], False)
            progress.say = progress.begin = lambda *what: None
            progress.run_started = 0
            told = run.measure(WORK, options, programs, progress)
            with open(log, encoding="utf-8") as file:
                self.assertEqual(file.read(), "gait 100 on trees depth=9 last=1\n" * 3)
            self.assertEqual([one["cycles"] for one in told["runs"]["gait"]], [3] * 3)
            self.assertNotIn("unknown", told["runs"]["gait"][0])
            self.assertEqual((told["runs"]["malloc"], options.failed), ([None] * 3, True))
            self.assertEqual(progress.left_s(), 0)
            path = os.path.join(folder, "new", "results.json")
            run.save(path, {"workloads": {"work": told}})
            self.assertEqual(run.load(path)["workloads"]["work"]["runs"], told["runs"])


class PlanTest(unittest.TestCase):
    def test_time_left_follows_what_was_seen(self):
        other = Workload("other", "trees depth=9", "", [], [], [], 1)
        progress = Progress([(WORK, 2, 5), (other, 1, 5)], False)
        self.assertEqual(progress.left_s(), 25)
        progress.seen["work"] = 5, 20 # twice as long as it should
        self.assertEqual(progress.left_s(), 5 * 4 + 5 * 2)

    def test_names_and_peers(self):
        names = [workload.name for workload in workloads()]
        self.assertEqual(len(names), len(set(names)))
        self.assertFalse(can_run("ocaml@80", WORK) and can_run("ocaml", Workload(
            "x", "trees depth=1 threads=2", "", [], [], [])))
        self.assertFalse(can_run("go", Workload("x", "weak requests=1", "", [], [], [])))
        self.assertEqual({peer for _, peer, _ in knob_peers(True)}, set(KNOBS))


if __name__ == "__main__":
    unittest.main()
