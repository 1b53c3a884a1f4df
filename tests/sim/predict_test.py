# SPDX-License-Identifier: MIT
"""gait-sim predict: a recording replayed under its own settings is what was recorded, other
settings change what they should, and a file that is no whole recording is told from one.

Usage: predict_test.py GAIT_SIM SOURCE_ROOT PHASES [SCHEME]

PHASES is a program (phases.c) that is recorded with other memory beside its heap.

With SCHEME a real run is recorded too. GAIT_SIM_SEED repeats a run of the mutations.
"""

import csv
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

GAIT_SIM, ROOT, PHASES, *SCHEME = sys.argv[1:]
# The Scheme program compile.scm at GOGC=100, on 2 CPUs that others used too.
RECORDING = os.path.join(ROOT, "tests", "sim", "traces", "compile.pacerlog")
SEED = int(os.environ.get("GAIT_SIM_SEED", random.randrange(1 << 32)))
MUTANTS = 300
HEADER_BYTES = 16
SAMPLE, CYCLE = 1, 2
PROCESS_CPU = 2  # the field of a sample
MIB = 1 << 20


def run(*arguments, data=None):
    return subprocess.run([GAIT_SIM, *arguments], input=data, capture_output=True, timeout=60)


def records(data):
    """Where each record begins, and its type."""
    at = struct.unpack_from("<I", data, 12)[0]
    while at < len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        yield at, length, kind
        at += length


class Predict(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        with open(RECORDING, "rb") as file:
            self.data = file.read()

    def path(self, name, data=None):
        path = os.path.join(self.folder, name)
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def predict(self, *arguments, path=RECORDING):
        """What was recorded, and predictions by (gogc, limit)."""
        paths = path if isinstance(path, list) else [path]
        result = run("predict", *paths, *arguments, "--json", "-")
        self.assertEqual(result.returncode, 0, result.stderr)
        if path == RECORDING:
            self.assertEqual(result.stderr, b"")
        rows = json.loads(result.stdout)["settings"]
        count = len(paths)
        self.assertEqual([row["what"] for row in rows],
                         ["recorded"] * count + ["predicted"] * (len(rows) - count))
        return rows[0], {(row["gogc"], row["limit"]): row for row in rows[count:]}

    def refused(self, *arguments, data=None):
        result = run("predict", *arguments, data=data)
        self.assertEqual(result.returncode, 1, arguments)
        lines = result.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def not_above(self, row, figure, expected, percent):
        """@return by how much it is above, in percent."""
        error = (row[figure] / expected - 1) * 100
        print(f"  {figure}: {expected:.6g} -> {row[figure]:.6g} ({error:+.1f} %)")
        self.assertLessEqual(error, percent, figure)
        return error

    def near(self, row, figure, expected, percent):
        self.assertGreaterEqual(self.not_above(row, figure, expected, percent), -percent, figure)

    def test_the_recorded_setting_gives_what_was_recorded(self):
        recorded, predicted = self.predict()
        row = predicted["100", "off"]
        for figure, percent in (("cycles", 3), ("gc_cpu_s", 3), ("gc_share", 3),
                                ("peak_heap_bytes", 3), ("peak_total_bytes", 4)):
            self.near(row, figure, recorded[figure], percent)

    def test_other_settings_change_what_they_should(self):
        _, predicted = self.predict("--gogc", "50,100,200,400,off", "--limit", "off,28MiB,64MiB")
        for figure, sign in (("cycles", -1), ("gc_cpu_s", -1), ("peak_heap_bytes", 1),
                             ("peak_total_bytes", 1)):
            values = [predicted[gogc, "off"][figure] * sign
                      for gogc in ("50", "100", "200", "400")]
            self.assertEqual(values, sorted(values), figure)
        for (gogc, limit), row in predicted.items():
            self.assertTrue(row["finished"])
            if limit != "off":
                self.assertLessEqual(row["peak_total_bytes"], int(limit[:-3]) * MIB,
                                     (gogc, limit))
        self.assertEqual(predicted["off", "off"]["cycles"], 0)

    def test_all_ways_out_tell_the_same(self):
        table, scenario = self.path("t.csv"), self.path("s.toml")
        arguments = ["--gogc", "100,300"]
        _, predicted = self.predict(*arguments, "--csv", table, "--toml", scenario)
        with open(table, encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["what"] for row in rows], ["recorded", "predicted", "predicted"])
        for row in rows[1:]:
            wanted = predicted[row["gogc"], row["limit"]]
            for figure in ("cycles", "wall_s", "gc_cpu_s", "peak_heap_bytes", "limiting_s"):
                self.assertEqual(float(row[figure]), wanted[figure])
            self.assertEqual(float(row["gc_cpu_s_uncertainty"]),
                             wanted["uncertainty"]["gc_cpu_s"])
        out = run("run", "--gogc", "100", "--json", "-", scenario)
        summary = json.loads(out.stdout)["summary"]
        self.assertEqual(summary["cycles"], predicted["100", "off"]["cycles"])
        self.assertEqual(summary["gc_cpu_s"], predicted["100", "off"]["gc_cpu_s"])
        text = run("predict", *arguments, RECORDING).stdout.decode()
        self.assertIn("recorded       100", text)
        self.assertEqual(text.count("predicted"), 2)

    def without_cycles(self, keeps):
        """The recording without the cycles' records that are not to be kept, by number."""
        kept = self.data[:struct.unpack_from("<I", self.data, 12)[0]]
        number = 0
        for at, length, kind in records(self.data):
            number += kind == CYCLE
            if kind != CYCLE or keeps(number):
                kept += self.data[at:at + length]
        return kept

    def test_a_replay_that_is_far_off_is_told(self):
        path = self.path("few", self.without_cycles(lambda number: number % 3 == 0))
        result = run("predict", path)
        self.assertEqual(result.returncode, 0)
        lines = [line for line in result.stderr.decode().splitlines() if "cycles come" in line]
        self.assertEqual(len(lines), 1, result.stderr)
        told = re.fullmatch(r"warning: (.*): replayed at the recorded setting, cycles come to "
                            r"(\d+), recorded as (\d+) \(([+-]\d+) %\): expect those of other "
                            r"settings to be as far off", lines[0])
        self.assertTrue(told, lines[0])
        self.assertEqual(told[1], path)
        self.assertGreater(int(told[2]), 2 * int(told[3]))
        self.assertGreater(int(told[4]), 100)
        replay = json.loads(run("predict", path, "--json", "-").stdout)["replays"][0]
        self.assertEqual(replay["recording"], path)
        self.assertEqual(round(replay["cycles"]), int(told[2]))

    def test_what_is_less_sure_is_told_to_be(self):
        _, predicted = self.predict("--gogc", "50,100,200,400,800")
        unsure = {gogc: row["uncertainty"]["gc_cpu_s"] for (gogc, _), row in predicted.items()}
        away = [unsure[gogc] for gogc in ("100", "200", "400", "800")]
        self.assertEqual(away, sorted(away))
        self.assertLess(unsure["100"], unsure["50"])
        for row in predicted.values():
            for figure, value in row["uncertainty"].items():
                self.assertTrue(value == 0 if figure == "limiting_s" else 0 < value < 1, figure)
        text = run("predict", "--gogc", "400", RECORDING).stdout.decode()
        self.assertRegex(text, rf"{predicted['400', 'off']['gc_cpu_s']:.3f} ± ?"
                               rf"{unsure['400'] * 100:.0f}%")

    def test_two_recordings_are_surer_than_one(self):
        one = self.predict("--gogc", "400")[1]["400", "off"]
        copy = self.path("copy", self.data)
        both = self.predict("--gogc", "400", path=[RECORDING, copy])[1]["400", "off"]
        self.near(both, "gc_cpu_s", one["gc_cpu_s"], 0.01)
        self.assertLess(both["uncertainty"]["gc_cpu_s"], one["uncertainty"]["gc_cpu_s"])

    def test_recordings_of_different_programs_are_refused(self):
        begins = [at for at, _, _ in records(self.data)]
        half = self.path("half", self.data[:begins[len(begins) // 2]])
        message = self.refused(RECORDING, half)
        self.assertIn(f"{RECORDING} and {half} are not of one program with the same work", message)
        self.assertIn("at most 5 % apart", message)

    def test_standard_input_is_read(self):
        result = run("predict", "-", data=self.data)
        self.assertEqual(result.returncode, 0)

    def test_fit_takes_recordings(self):
        scenario = run("fit", "--phases", "50", RECORDING).stdout
        self.assertLess(scenario.count(b"[[phase]]"), 52)
        out = run("run", "--json", "-", self.path("fit.toml", scenario))
        recorded, _ = self.predict()
        summary = json.loads(out.stdout)["summary"]
        self.near(summary, "cycles", recorded["cycles"], 6)
        self.near(summary, "gc_cpu_s", recorded["gc_cpu_s"], 6)

    def test_what_is_no_recording_is_told(self):
        for data in (b"", b"hello", b"GaitLog", bytes(1000)):
            message = self.refused(self.path("bad", data))
            self.assertTrue("no recording" in message or "cut off" in message, message)
        self.assertIn("No such file", self.refused("/nonexistent/log"))
        self.assertIn("Is a directory", self.refused(self.folder))
        self.assertIn("another version",
                      self.refused(self.path("v", self.data[:8] + b"\7" + self.data[9:])))

    def test_a_cut_file_is_used_as_far_as_it_is_whole(self):
        """How fit and each offset do is in fit_test.py."""
        begins = [at for at, _, _ in records(self.data)]
        for at in (begins[-60] + 100, begins[-1] + 1):
            whole = max(begin for begin in begins if begin <= at)
            cut = run("predict", self.path("cut", self.data[:at]))
            self.assertEqual(cut.returncode, 0)
            self.assertIn(f"cut off inside a record: used up to byte {whole} of {at}".encode(),
                          cut.stderr)
            self.assertEqual(cut.stdout, run("predict", self.path("cut", self.data[:whole])).stdout)
        self.assertIn("no cycle was recorded", run(
            "predict", self.path("cut", self.data[:begins[0] + 3])).stderr.decode())

    def test_a_killed_programs_recording_is_read(self):
        at, _, kind = list(records(self.data))[-1]
        self.assertEqual(kind, 4)
        result = run("predict", self.path("killed", self.data[:at]))
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"the recording has no end", result.stdout)

    def test_a_recording_without_cycles_is_told(self):
        kept = self.without_cycles(lambda number: False)
        self.assertIn("no cycle was recorded", self.refused(self.path("none", kept)))

    def test_more_cpu_time_than_there_are_cpus_is_refused(self):
        at = next(at for at, _, kind in list(records(self.data))[50:] if kind == SAMPLE)
        fields = 8  # of a record's head
        damaged = bytearray(self.data)
        struct.pack_into("<q", damaged, at + fields + 8 * PROCESS_CPU, 13 * 10**15)
        self.assertIn(f"damaged at byte {at}", self.refused(self.path("damaged", damaged)))

    def test_the_manual_has_every_field(self):
        with open(os.path.join(ROOT, "include", "gait", "pacerlog.h"), encoding="utf-8") as file:
            header = file.read().replace("\\\n", " ")
        with open(os.path.join(ROOT, "docs", "pacerlog.md"), encoding="utf-8") as file:
            manual = file.read()
        fields = re.findall(r'X\((\w+),\s*"([^"]*)"\)', header)
        self.assertGreater(len(fields), 60)
        for name, text in fields:
            self.assertIn(f"| `{name}` | {text} |", manual)

    def test_mutants_are_run_or_refused(self):
        source = random.Random(SEED)
        print(f"  seed {SEED}")
        begins = [at for at, _, _ in records(self.data)]
        data = self.data[:begins[60]]
        for _ in range(MUTANTS):
            mutant = bytearray(data)
            for _ in range(source.randrange(1, 8)):
                mutant[source.randrange(len(mutant))] = source.randrange(256)
            result = run("predict", self.path("mutant", mutant))
            self.assertIn(result.returncode, (0, 1))
            for line in result.stderr.splitlines():
                self.assertRegex(line, b"^gait-sim: |^warning: |: cut off inside a record: ")
            errors = re.findall(b"^gait-sim: ", result.stderr, re.MULTILINE)
            self.assertEqual(len(errors), result.returncode)

    # Except for the last one, recorded with full cycles alone: of minor ones a recording says less.

    # The largest heap of a real run is that of the cycle that the machine held up the longest: beside
    # eight busy processes 2.8 times what is usual was seen, and no model foresees it. So a prediction
    # may be lower than that by any amount, and is held from below by what else is known.

    def test_runs_with_other_memory(self):
        for sort, megabytes in (("none", 0), ("arena", 64), ("offheap", 64), ("foreign", 40)):
            path = self.path(sort)
            environment = dict(os.environ, GOGC="100", GAIT_MINOR="off",
                               GAIT_DEBUG="pacerlog=" + path)
            environment.pop("GOMEMLIMIT", None)
            subprocess.run([PHASES, sort, str(megabytes)], env=environment,
                           stdout=subprocess.DEVNULL, check=True, timeout=200)
            recorded, predicted = self.predict("--gogc", "100", "--limit", "off", path=path)
            row = predicted["100", "off"]
            print(f" {sort}:")
            # When what is kept of foreign memory changed is known to 100 ms only: 2 to 19 % were seen.
            self.near(row, "cycles", recorded["cycles"], 30 if sort == "foreign" else 25)
            # The model keeps pages of what seemed garbage meanwhile: 15 to 41 % were seen.
            self.not_above(row, "peak_total_bytes", recorded["peak_total_bytes"],
                           60 if sort == "foreign" else 35)
            # Beside it the heap grows to twice the 16 MiB that live before a cycle begins. That is
            # nearly twice what goes by without it, except for runs that were held up.
            self.assertGreaterEqual(row["peak_total_bytes"], (megabytes + 32) * MIB)

    def run_gcbench(self, minor):
        path = self.path("log")
        environment = dict(os.environ, GOGC="100", GAIT_MINOR=minor, GAIT_DEBUG="pacerlog=" + path)
        environment.pop("GOMEMLIMIT", None)
        subprocess.run([*SCHEME, os.path.join(ROOT, "examples", "scheme", "programs",
                                              "gcbench.scm")],
                       env=environment, stdout=subprocess.DEVNULL, check=True, timeout=200)
        recorded, predicted = self.predict("--gogc", "100", "--limit", "off", path=path)
        return recorded, predicted["100", "off"]

    @unittest.skipUnless(SCHEME, "no interpreter")
    def test_a_run_of_ones_own(self):
        recorded, row = self.run_gcbench("off")
        # Within 3 % on an idle machine; beside three busy processes 12 % was seen.
        for figure in ("cycles", "gc_cpu_s"):
            self.near(row, figure, recorded[figure], 25)
        self.not_above(row, "peak_heap_bytes", recorded["peak_heap_bytes"], 40)

    @unittest.skipUnless(SCHEME, "no interpreter")
    def test_a_run_with_minor_cycles(self):
        recorded, row = self.run_gcbench("on")
        # In the model the young die at once: 12 to 25 % too little was seen on a busy machine. With a
        # minor cycle's part counted as full ones' it was 180 % too much.
        self.near(row, "cycles", recorded["cycles"], 35)
        self.near(row, "gc_cpu_s", recorded["gc_cpu_s"], 60)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
