# SPDX-License-Identifier: MIT
"""gait-sim as its users see it: what it refuses and how, what it prints, that it repeats itself.

Usage: command_test.py GAIT_SIM SOURCE_ROOT

GAIT_SIM_SEED repeats a run of the mutations.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import unittest

from support import (FAILED, GAIT_SIM, OK, PHASE, ROOT, SCENARIOS, SEED, USAGE, Files,
                     run, scenario_paths)

HERE = os.path.join(ROOT, "tests", "sim")
VECTORS = os.path.join(HERE, "vectors")
MUTANTS = 400


class Vectors(Files):
    def table(self, name):
        with open(os.path.join(VECTORS, name), encoding="utf-8") as file:
            return [line.rstrip("\n").split("\t") for line in file]

    def write(self, rows):
        return self.path("table.tsv", "".join("\t".join(row) + "\n" for row in rows))

    def test_every_changed_result_is_found(self):
        """In a sample: one digit more or less in one cell is one difference, in that line."""
        for name, inputs, options in (("pacer.tsv", 11, []), ("limiter.tsv", 4, ["--limiter"])):
            rows = self.table(name)
            for line in range(1, len(rows), len(rows) // 12):
                for column in range(inputs, len(rows[0])):
                    changed = [list(row) for row in rows]
                    cell = changed[line][column]
                    if cell in ("true", "false"):
                        cell = "false" if cell == "true" else "true"
                    elif "." in cell:
                        cell = cell[:-1] + ("1" if cell[-1] != "1" else "2")
                    else:
                        cell = str(int(cell) + 1)
                    changed[line][column] = cell
                    path = self.write(changed)
                    result = run("check", *options, path)
                    self.assertEqual(result.returncode, FAILED, (name, line, column))
                    first, last = result.stdout.splitlines()
                    self.assertTrue(first.startswith(f"{path}:{line + 1}: "), first)
                    self.assertIn(rows[0][column], first)
                    self.assertRegex(last, r" results compared, 1 differ$")

    def test_columns_in_any_order_and_names_never_seen(self):
        rows = self.table("pacer.tsv")
        order = list(range(len(rows[0])))
        random.Random(SEED).shuffle(order)
        mixed = [[row[i] for i in order] for row in rows]
        name = order.index(0)
        for row in mixed[1:]:
            row[name] = "a name never seen " + row[name]
        self.assertIn(f"{10 * (len(rows) - 1)} results compared, 0 differ",
                      self.good("check", self.write(mixed)))

    def test_rows_of_scenarios_may_alternate(self):
        rows = self.table("pacer.tsv")
        by_cycle = sorted(rows[1:], key=lambda row: int(row[5]))
        self.assertIn(", 0 differ", self.good("check", self.write([rows[0]] + by_cycle)))

    def test_replay_prints_the_same_table(self):
        for name, options in (("pacer.tsv", []), ("limiter.tsv", ["--limiter"])):
            rows = self.table(name)
            path = os.path.join(VECTORS, name)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(self.good("replay-inputs", *options, path), file.read())
            inputs = 11 if name == "pacer.tsv" else 4
            bare = self.write([row[:inputs] for row in rows])
            printed = [line.split("\t") for line in
                       self.good("replay-inputs", *options, bare).splitlines()]
            self.assertEqual(printed, rows)
            if name == "pacer.tsv":
                self.assertIn("0 results compared", run("check", bare).stdout)

    def test_malformed_tables(self):
        rows = self.table("pacer.tsv")[:4]
        cases = [
            (lambda r: r[2].pop(), 3, "cells differ in number"),
            (lambda r: r[2].__setitem__(11, "x"), 3, "not a number in range in column"),
            (lambda r: r[1].__setitem__(4, "0"), 2, "out of range in column: procs"),
            (lambda r: r[1].__setitem__(6, "nan"), 2, "out of range in column: alloc_rate"),
            (lambda r: r[1].__setitem__(10, "-1"), 2, "out of range in column: stack_bytes"),
            (lambda r: r[2].__setitem__(5, "7"), 3, "not in order"),
            (lambda r: r[0].__setitem__(5, "cyle"), 2, "no such column: cycle"),
            (lambda r: r[2].__setitem__(8, "1e6") or r[3].__setitem__(8, "1e6"), 4, "2^60"),
        ]
        for change, line, message in cases:
            changed = [list(row) for row in rows]
            change(changed)
            path = self.write(changed)
            result = run("check", path)
            self.assertEqual(result.returncode, FAILED)
            self.assertIn(f"{path}:{line}: ", result.stderr)
            self.assertIn(message, result.stderr)
        self.assertIn("empty file", self.refused(FAILED, "check", self.path("e", "")))
        self.assertIn("No such file", self.refused(FAILED, "check", self.path("absent")))

    def test_malformed_sequences(self):
        head = "sequence\top\targ\tnow_ns\n"
        for rows, message in (("s\tupdate\t1\t1\n", "starts with"),
                              ("s\tnew\t1\t1\ns\tstart_off\t1\t1\n", "no such transition"),
                              ("s\tnew\t1\t1\ns\tfinish\t1\t1\n", "no transition"),
                              ("s\tnew\t0\t1\n", "out of range"),
                              ("s\tnew\t1\t1\ns\tdance\t1\t1\n", "unknown op")):
            path = self.path("s.tsv", head + rows)
            self.assertIn(message, self.refused(FAILED, "check", "--limiter", path))


class Scenarios(Files):
    def test_what_is_refused(self):
        """Each with its line, its key, what was given, what is accepted."""
        streams = "constant, ramp, unit, oscillate, random or sum"
        cases = [
            ("", 1, "phase: none; accepted: one [[phase]] or more"),
            ("title = 'x'\n", 1, "phase: none"),
            ("tittle = 'x'\n" + PHASE, 1, "tittle: no such key; accepted: title, model, seed"),
            ("title = 3\n" + PHASE, 1, "title: 3; accepted: text of at most 79 bytes"),
            (f"title = '{'x' * 80}'\n" + PHASE, 1, "title: "),
            ("model = 'fast'\n" + PHASE, 1, 'accepted: "full", "ideal", "stw"'),
            ("seed = -1\n" + PHASE, 1, "seed: -1; accepted: a whole number from 0"),
            ("seed = 1.5\n" + PHASE, 1, "seed: 1.5"),
            ("settings = 3\n" + PHASE, 1, "settings: 3; accepted: a table"),
            ("[settings]\ngogc = -1\n" + PHASE, 2, 'gogc: -1; accepted: "off", or a whole number'),
            ("[settings]\ngogc = 'no'\n" + PHASE, 2, "gogc: 'no'"),
            ("[settings]\ngogc = 2.5\n" + PHASE, 2, "gogc: 2.5"),
            ("[settings]\nmemory_limit = '1 parsec'\n" + PHASE, 2, "memory_limit: '1 parsec'"),
            ("[settings]\nmemory_limit = '-1MiB'\n" + PHASE, 2, "memory_limit: '-1MiB'"),
            ("[settings]\ncpu_limiter = 1\n" + PHASE, 2, "cpu_limiter: 1; accepted: true or false"),
            ("[machine]\n\ncpus = 0\n" + PHASE, 3, "cpus: 0; accepted: a whole number from 1 to"),
            ("[machine]\nidle_share = 1\n" + PHASE, 2, "accepted: a number from 0 to 0.99"),
            ("[machine]\nscan_rate = 1\n" + PHASE, 2, "scan_rate: 1; accepted: bytes from 1KiB"),
            ("[memory]\nfragmentation = 0.5\n" + PHASE, 2, "fragmentation: 0.5"),
            ("[memory]\nfragmentation = inf\n" + PHASE, 2, "fragmentation: inf"),
            ("[phases]\n" + PHASE, 1, "phases: no such key; accepted: title"),
            (PHASE + "rate = 1\n", 3, "rate: no such key; accepted: name, duration"),
            (PHASE + "duration = 0\n", 3, "duration: 0; accepted: a number from 1e-06"),
            (PHASE + "survival = 1.01\n", 3, "survival: 1.01; accepted: a number from 0 to 1"),
            (PHASE + "survival = nan\n", 3, "survival: nan"),
            (PHASE + "survival = [1]\n", 3, "survival: a list"),
            (PHASE + "stacks = {}\n", 3, "stacks: a table of no stream; accepted: " + streams),
            (PHASE + "stacks = {ramp = 1, unit = 2}\n", 3, "both ramp and unit"),
            (PHASE + "stacks = {ramp = 1, period = 2}\n", 3, "stacks.period: no such key"),
            (PHASE + "stacks = {ramp = 1, length = 0}\n", 3, "stacks.length: 0"),
            (PHASE + "stacks = {sum = []}\n", 3, "stacks.sum"),
            (PHASE + "stacks = {constant = 1, min = 3, max = 2}\n", 3, "min is above its max"),
            (PHASE + "stacks = " + "{sum = [" * 9 + "1" + "]}" * 9 + "\n", 3, "nested 8 deep"),
            (PHASE + "duration = 1979-05-27\n", 3, "duration: 1979-05-27"),
            (PHASE + "duration = 1\nduration = 2\n", 4, "not TOML: "),
            (PHASE + "duration = \n", 3, "not TOML: "),
            ("\0", 1, "not TOML: "),
        ]
        for text, line, message in cases:
            path = self.path("bad.toml", text)
            said = self.refused(FAILED, "run", path)
            self.assertTrue(said.startswith(f"{path}:{line}: "), (text, said))
            self.assertIn(message, said)
        self.assertIn("No such file", self.refused(FAILED, "run", self.path("absent.toml")))
        self.assertIn("directory", self.refused(FAILED, "run", self.folder))

    def test_what_is_no_command_line(self):
        scenario = scenario_paths()[0]
        for arguments in (["dance"], ["run"], ["run", "a", "b"], ["run", "--gogc", "1e3", scenario],
                          ["run", "--gogc", "-5", scenario], ["run", "--limit", "much", scenario],
                          ["run", "--model", "fast", scenario], ["run", "--every", "0", scenario],
                          ["run", "--cycles", "x", scenario], ["check"], ["merge"], ["fit"],
                          ["sweep", "--gogc", "1:x", scenario], ["keys", "all"],
                          ["sweep", "--gogc", "200:100", scenario], ["help", "dance"],
                          ["sweep", "--limit", "off:1GiB", scenario],
                          ["sweep", "--shard", "3/2", scenario],
                          ["sweep", "--shard", "0/2", scenario],
                          ["sweep", "--jobs", "0", scenario], ["fit", "--cpus", "0", "x"]):
            self.refused(USAGE, *arguments)
        for arguments in (["run", "--dance", scenario], ["run", "--gogc"], []):
            self.assertEqual(run(*arguments).returncode, USAGE)

    def test_help(self):
        for name in ("check", "replay-inputs", "run", "sweep", "merge", "fit", "keys"):
            self.assertIn(name, self.good("help"))
            self.assertTrue(self.good("help", name).startswith(f"Usage: gait-sim {name}"))
            self.assertEqual(self.good(name, "--help"), self.good("help", name))

    def test_reading_and_writing_go_round(self):
        everything = self.path("all.toml", """
            title = "tabs\\tand \\"quotes\\" \\\\ ünïcode"
            model = "stw"
            seed = 9007199254740992
            [settings]
            gogc = "off"
            memory_limit = "1.5GiB"
            cpu_limiter = false
            [machine]
            cpus = 3
            idle_share = 0.1
            pause = 1e-300
            [[phase]]
            name = "one"
            duration = 0.1
            alloc_rate = { sum = [1, { ramp = "2KiB", length = 3, delay = 4 },
                { sum = [{ unit = 5.5 }, { oscillate = 6, period = 7, phase = 0.25 }] },
                { random = 8, every = 9, seed = 10, min = -1, max = 2.5 }], max = "1MiB" }
            [[phase]]
            """)
        for path in [everything, *scenario_paths()]:
            first, second = self.path("first.toml"), self.path("second.toml")
            one = self.good("run", "--toml", first, "--cycles", "all", path)
            two = self.good("run", "--toml", second, "--cycles", "all", first)
            self.assertEqual(self.read("first.toml"), self.read("second.toml"))
            self.assertEqual(one, two)
        text = self.read_first(everything)
        for line in ('gogc = "off"', 'memory_limit = "1536MiB"', "pause = 1e-300"):
            self.assertIn(line, text)

    def read_first(self, path):
        self.good("run", "--toml", self.path("first.toml"), path)
        return self.read("first.toml")

    def test_same_seed_same_output(self):
        path = os.path.join(SCENARIOS, "web-service.toml")
        other = self.path("other.toml")
        with open(path, encoding="utf-8") as file:
            self.path("other.toml", file.read().replace("seed = 42", "seed = 43"))
        first = self.good("run", "--cycles", "all", path)
        self.assertEqual(first, self.good("run", "--cycles", "all", path))
        self.assertNotEqual(first, self.good("run", "--cycles", "all", other))

    def test_overrides_are_the_scenario_with_these_settings(self):
        path = os.path.join(SCENARIOS, "thrashing-job.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("gogc = 100", "gogc = 150").replace("256MiB", "300MiB")
        changed = self.path("changed.toml", text)
        self.assertEqual(self.good("run", "--gogc", "150", "--limit", "300MiB", path),
                         self.good("run", changed))

    def test_settings_beside_gogc_and_the_limit(self):
        """As options and as keys of the file; each does what it is for."""
        path = os.path.join(SCENARIOS, "guide-1-steady.toml")
        def told(*options):
            csv = run("run", "--csv", "-", "--model", "full", *options, path)
            self.assertEqual((csv.returncode, csv.stderr), (OK, ""))
            return csv.stdout.splitlines()
        def column(lines, name):
            index = lines[0].split(",").index(name)
            return [float(line.split(",")[index]) for line in lines[1:]]
        plain = told()
        self.assertEqual(told("--min-heap", "off", "--gogc-floor", "off", "--assists", "on"), plain)
        self.assertLess(len(told("--min-heap", "64MiB")) * 2, len(plain))
        self.assertLess(max(column(told("--min-heap", "64MiB", "--limit", "32MiB"), "peak_bytes")),
                        32 << 20)
        self.assertLess(len(told("--limit", "24MiB", "--gogc-floor", "50")),
                        len(told("--limit", "24MiB")))
        self.assertGreater(sum(column(told("--gogc", "10"), "assist_cpu_s")), 0)
        self.assertEqual(sum(column(told("--gogc", "10", "--assists", "off"), "assist_cpu_s")), 0)
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("[machine]", '[settings]\nmin_heap = "64MiB"\n[machine]', 1)
        self.assertEqual(run("run", "--csv", "-", "--model", "full",
                             self.path("s.toml", text)).stdout.splitlines(),
                         told("--min-heap", "64MiB"))
        for option, value in (("--min-heap", "x"), ("--gogc-floor", "-1"), ("--assists", "1")):
            refused = run("run", option, value, path)
            self.assertEqual(refused.returncode, USAGE)
            self.assertIn(f"{option}: {value}; accepted: ", refused.stderr)

    def test_examples_run_and_say_what_they_mean(self):
        for path in scenario_paths():
            summary = self.summary(path)
            self.assertEqual(summary["finished"], 1, path)
            self.assertGreater(summary["cycles"], 5, path)
        thrash = self.summary(os.path.join(SCENARIOS, "thrashing-job.toml"))
        free = self.summary("--limit", "off", os.path.join(SCENARIOS, "thrashing-job.toml"))
        self.assertGreater(thrash["gc_share"], 0.4)
        self.assertLess(thrash["gc_share"], 0.52)
        self.assertLess(thrash["peak_total_bytes"], 0.8 * free["peak_total_bytes"])
        web = self.summary(os.path.join(SCENARIOS, "web-service.toml"))
        self.assertLess(web["peak_process_bytes"], 512 << 20)

    def summary(self, *arguments):
        return self.json(*arguments)["summary"]

    def json(self, *arguments):
        return json.loads(self.good("run", "--json", "-", *arguments))

    def test_json_and_csv_agree_and_add_up(self):
        path = os.path.join(SCENARIOS, "batch.toml")
        out = self.json(path)
        cycles = self.good("run", "--csv", "-", path).splitlines()
        names = cycles[0].split(",")
        self.assertEqual(len(cycles) - 1, out["summary"]["cycles"])
        for line, cycle in zip(cycles[1:], out["cycles"]):
            for name, cell in zip(names[1:], line.split(",")[1:]):
                self.assertEqual(float(cell), cycle[name], name)
        samples = self.good("run", "--samples", "-", path).splitlines()
        self.assertEqual(len(samples) - 1, len(out["samples"]))
        summary = out["summary"]
        parts = sum(value for name, value in summary.items()
                    if name.endswith("_cpu_s") and name not in ("program_cpu_s", "gc_cpu_s"))
        self.assertAlmostEqual(parts, summary["gc_cpu_s"], places=6)
        marking = sum(cycle["assist_cpu_s"] + cycle["dedicated_cpu_s"] + cycle["idle_cpu_s"] +
                      cycle["fractional_cpu_s"] for cycle in out["cycles"])
        whole = sum(summary[name] for name in ("assist_cpu_s", "dedicated_cpu_s", "idle_cpu_s",
                                               "fractional_cpu_s"))
        self.assertAlmostEqual(marking, whole, delta=0.02 * whole)  # the last cycle is cut off
        self.assertEqual(max(cycle["peak_bytes"] for cycle in out["cycles"]),
                         int(summary["peak_heap_bytes"]))
        marked = sum(cycle["float"] * cycle["live_bytes"] for cycle in out["cycles"])
        live = sum(cycle["live_bytes"] for cycle in out["cycles"])
        self.assertAlmostEqual(marked / live, summary["float"], places=6)

    def test_plots(self):
        if not shutil.which("gnuplot"):
            self.skipTest("no gnuplot")
        path, picture = os.path.join(SCENARIOS, "thrashing-job.toml"), self.path("p.svg")
        self.good("run", "--plot", picture, path)
        text = self.read("p.svg")
        for word in ("memory limit", "live heap", "trigger", "goal", "total under the limit",
                     "Float", "marked / live", "assists", "sweep", "bucket", "limiting", "longest pause", "outgrows"):
            self.assertIn(word, text)
        self.assertNotIn("notice of memory", text)
        told = self.path("told.toml", '[settings]\nnotice_memory = "1MiB"\n'
                         '[[phase]]\nalloc_rate = "9MiB"\n')
        self.good("run", "--plot", picture, told)
        self.assertIn("notice of memory", self.read("p.svg"))
        calm = self.path("calm.toml", "[[phase]]\nalloc_rate = 1\n")  # not a cycle
        for model in ("full", "ideal", "stw"):
            for program in (os.path.join(SCENARIOS, "guide-1-steady.toml"), calm):
                self.good("run", "--model", model, "--plot", picture, program)
        self.good("sweep", "--gogc", "50:200", "--steps", "3", "--plot", picture, path)
        text = self.read("p.svg")
        for word in ("chosen", "next to it", "nothing beats", "50 / 256MiB", "100 / 256MiB"):
            self.assertIn(word, text)
        self.assertIn("No such file",
                      self.refused(FAILED, "run", "--plot", "/nonexistent/p.svg", path))

    def test_a_full_disk_is_told(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        path = scenario_paths()[0]
        self.assertIn("could not be written",
                      self.refused(FAILED, "run", "--csv", "/dev/full", path))

    def test_keys_are_those_of_the_manual(self):
        with open(os.path.join(ROOT, "docs", "simulator.md"), encoding="utf-8") as file:
            manual = file.read()
        self.assertIn(self.good("keys"), manual)

    def told(self, manual, start):
        """The first numbers of the cells in the manual's row that starts like this."""
        row = re.search(r"^\| " + re.escape(start) + r" \|(.*)\|$", manual, re.MULTILINE)
        self.assertTrue(row, start)
        return [float(re.match(r"[\d.]+", cell.strip()).group(0))
                for cell in row.group(1).split("|")]

    def test_worked_examples_are_those_of_the_manual(self):
        """Within 5 %: the model may become better by that before the manual has to be."""
        with open(os.path.join(ROOT, "docs", "simulator.md"), encoding="utf-8") as file:
            manual = file.read()
        service, job, batch = manual.split("\n### A ")[1:4]
        cases = [(service, str(gogc), ["--gogc", str(gogc), "--limit", "off"], "web-service",
                  lambda out: [out["gc_share"] * 100, out["peak_total_bytes"] / 2**20,
                               out["peak_process_bytes"] / 2**20]) for gogc in (50, 100, 200)]
        cases += [(batch, str(gogc), ["--gogc", str(gogc)], "batch",
                   lambda out: [out["wall_s"], out["gc_cpu_s"], out["peak_total_bytes"] / 2**30])
                  for gogc in (25, 50, 100, 200, 400, 800)]
        cases += [(job, name, ["--limit", limit], "thrashing-job",
                   lambda out: [out["wall_s"], out["gc_share"] * 100,
                                out["peak_total_bytes"] / 2**20])
                  for name, limit in (("no limit", "off"), ("limit 256 MiB", "256MiB"))]
        for section, start, options, scenario, figures in cases:
            found = figures(self.summary(*options, os.path.join(SCENARIOS, scenario + ".toml")))
            for told, value in zip(self.told(section, start), found):
                self.assertAlmostEqual(told, value, delta=0.05 * value + 0.5,
                                       msg=(scenario, start, found))

    def test_a_run_that_is_given_up(self):
        """Its results are printed all the same; one line says how far it came."""
        path = self.path("hopeless.toml", """
            model = "stw"
            settings = { memory_limit = "10MiB" }
            machine = { cpus = 1, cycle_cost = 1 }
            memory = { initial_live = "20MiB" }
            [[phase]]
            duration = 1
            alloc_rate = "200MiB"
            """)
        out = self.path("out.json")
        for options in ([], ["--json", out], ["--json", "-"]):
            result = run("run", *options, path)
            self.assertEqual(result.returncode, FAILED)
            self.assertRegex(result.stderr, r"^gait-sim: .*hopeless\.toml: given up after \d+\.?\d* s"
                             r" and \d+ cycles: the program has come to 0\.\d+ s of its 1 s\n$")
            if "-" in options:
                summary = json.loads(result.stdout)["summary"]
            else:
                self.assertIn("given up: the program has come to", result.stdout)
        self.assertEqual(summary, json.loads(self.read("out.json"))["summary"])
        self.assertEqual(summary["finished"], 0)
        self.assertGreater(summary["wall_s"], 100)

    def test_mutants_are_run_or_refused(self):
        """Whatever is done to a scenario: one line at most, no crash, no endless run."""
        source = random.Random(SEED)
        texts = []
        for path in scenario_paths():
            with open(path, "rb") as file:
                texts.append(file.read())
        path = self.path("mutant.toml")
        for _ in range(MUTANTS):
            text = bytearray(source.choice(texts))
            for _ in range(source.randrange(1, 6)):
                at = source.randrange(len(text))
                kind = source.randrange(4)
                if kind == 0:
                    text[at] = source.randrange(256)
                elif kind == 1:
                    del text[at:at + source.randrange(1, 20)]
                elif kind == 2:
                    text[at:at] = text[source.randrange(len(text)):][:source.randrange(30)]
                else:
                    text[at:at] = source.choice([b"1e308", b"-", b"9" * 30, b"nan", b"{", b'"',
                                                 b"\0", b"[[", b"0", b"e9", b"#"])
            with open(path, "wb") as file:
                file.write(text)
            try:
                result = subprocess.run([GAIT_SIM, "run", path], capture_output=True, timeout=20)
            except subprocess.TimeoutExpired:
                continue  # a long program is none of its faults
            said = (SEED, bytes(text), result.stderr)
            self.assertIn(result.returncode, (OK, FAILED), said)
            self.assertEqual(result.stderr.count(b"\n"), int(result.returncode == FAILED), said)


class Sweeps(Files):
    SCENARIO = os.path.join(SCENARIOS, "thrashing-job.toml")
    GRID = ["--gogc", "50:400", "--limit", "128MiB,300MiB,off", "--steps", "5", SCENARIO]

    def test_rows_are_runs(self):
        tsv = self.path("rows.tsv")
        self.good("sweep", "--tsv", tsv, *self.GRID)
        rows = [line.split("\t") for line in self.read("rows.tsv").splitlines()]
        self.assertEqual(len(rows), 1 + 5 * 3 + 1)  # and the scenario's own settings
        for row in rows[1::5]:
            row = dict(zip(rows[0], row))
            limit = "off" if int(row["limit"]) == 2**63 - 1 else row["limit"]
            out = json.loads(self.good("run", "--json", "-", "--gogc", row["gogc"], "--limit",
                                       limit, self.SCENARIO))["summary"]
            for name, value in out.items():
                self.assertEqual(float(row[name]), value, name)

    def test_threads_change_nothing(self):
        one = self.good("sweep", "--jobs", "1", *self.GRID)
        self.assertEqual(one, self.good("sweep", "--jobs", "7", *self.GRID))

    def test_pareto_front_is_one(self):
        tsv = self.path("rows.tsv")
        printed = self.good("sweep", "--tsv", tsv, *self.GRID)
        rows = [line.split("\t") for line in self.read("rows.tsv").splitlines()]
        points = [(float(row[rows[0].index("peak_total_bytes")]),
                   float(row[rows[0].index("gc_share")])) for row in rows[1:]]
        marks = [line.split()[-1] for line in printed.splitlines()[4:4 + len(points)]]
        for point, mark in zip(points, marks):
            beaten = any(other[0] <= point[0] and other[1] <= point[1] and other != point
                         for other in points)
            self.assertEqual("P" in mark, not beaten, (point, mark))
        self.assertEqual(sum("*" in mark for mark in marks), 1)

    def neighbours(self, *arguments):
        """Settings that the table marks as next to the chosen ones."""
        return {tuple(line.split()[:2]) for line in self.good("sweep", *arguments).splitlines()
                if re.search(r"\d+\.\d{3} P?\+$", line)}

    def test_neighbours_are_the_nearest_of_the_grid(self):
        scenario = os.path.join(SCENARIOS, "web-service.toml")  # GOGC=100, limit 460 MiB
        on_grid = ["--gogc", "25,50,100,200,off", "--limit", "300MiB,400MiB,460MiB,480MiB,off"]
        self.assertEqual(self.neighbours(*on_grid, scenario),
                         {("50", "460MiB"), ("200", "460MiB"), ("100", "400MiB"),
                          ("100", "480MiB")})
        self.assertEqual(self.neighbours("--gogc", "50:800", "--limit", "300MiB:480MiB", scenario),
                         {("87", "458MiB"), ("87", "480MiB"), ("115", "458MiB"),
                          ("115", "480MiB")})
        one_off = ["--gogc", "50,100,off", "--limit", "300MiB,400MiB,off"]
        self.assertEqual(self.neighbours(*one_off, scenario),
                         {(gogc, limit) for gogc in ("50", "100", "off")
                          for limit in ("400MiB", "off")})
        self.assertEqual(self.neighbours("--gogc", "25,50,90", "--limit", "460MiB", scenario),
                         {("90", "460MiB")})
        self.assertEqual(self.neighbours("--gogc", "50,200", "--limit", "400MiB", scenario),
                         {("50", "400MiB"), ("200", "400MiB")})
        self.assertEqual(self.neighbours(scenario), set())

    def picture(self, *arguments):
        """The texts of a sweep's picture, and the numbers at its tics."""
        path = self.path("sweep.svg")
        self.good("sweep", "--plot", path, *arguments)
        texts = re.findall(r"<tspan[^>]*>([^<]*)</tspan>", self.read("sweep.svg"))
        return texts, [float(text) for text in texts if re.fullmatch(r"[\d.e+-]+", text)]

    def test_pictures_have_tics_and_name_neighbours(self):
        if not shutil.which("gnuplot"):
            self.skipTest("no gnuplot")
        service = os.path.join(SCENARIOS, "web-service.toml")
        texts, tics = self.picture("--gogc", "50:800", "--limit", "300MiB:480MiB", service)
        self.assertGreaterEqual(len([tic for tic in tics if 300 <= tic <= 520]), 4, tics)
        self.assertGreaterEqual(len([tic for tic in tics if 10 <= tic <= 45]), 3, tics)
        for start in ("100 / 460MiB: 15", "87 / 458MiB: ", "115 / 480MiB: "):
            self.assertTrue(any(text.startswith(start) for text in texts), (start, texts))
        _, tics = self.picture("--gogc", "25:800", os.path.join(SCENARIOS, "batch.toml"))
        for tic in (2, 5, 10, 20, 50, 5000, 10000, 20000):  # both axes are logarithmic
            self.assertIn(tic, tics)
        texts, tics = self.picture(service)
        self.assertGreaterEqual(len(tics), 6)
        self.assertNotIn("next to it in the grid:", texts)
        calm = self.path("calm.toml", PHASE)  # no cycle at all: no CPU time, no logarithm
        self.assertIn(0, self.picture("--gogc", "100,200", calm)[1])

    def shards(self, count):
        paths = []
        for i in range(1, count + 1):
            paths.append(self.path(f"shard{i}.tsv",
                                   self.good("sweep", "--shard", f"{i}/{count}", *self.GRID)))
        return paths

    def test_titles_steer_no_terminal(self):
        """Nor do cells, names of files and values: in what goes to the screen all control
        characters but newlines and tabs are escaped."""
        steering = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
        title = "a\\u001b[31mb\\u0007c\\u009b2Jd\\u007fe, \u00e9t\u00e9"
        scenario = self.path("s.toml", f'title = "{title}"\n' + PHASE)
        shard = self.path("shard.tsv", self.good("sweep", "--gogc", "100", "--limit", "off",
                                                 "--shard", "1/1", scenario))
        shown = "a\\x1b[31mb\\x07c\\x9b2Jd\\x7fe, \u00e9t\u00e9"
        self.assertIn(shown, self.good("run", scenario))
        for text in (self.good("sweep", "--gogc", "100", "--limit", "off", scenario),
                     self.good("merge", shard)):
            self.assertIn("[31mb", text)
            self.assertIsNone(steering.search(text))
        broken = self.path("broken.tsv", "sweep\x1b[2J\tpoints\n\x1b]0;x\x07\ty\tz\n")
        bad = self.path("bad\x1b[2J.toml", "title = 3\n")
        for line in (self.refused(FAILED, "merge", broken), self.refused(FAILED, "run", bad),
                     self.refused(FAILED, "run", self.path("none\x1b[2J")),
                     self.refused(FAILED, "fit", self.path("g\x1b[2J", "gc x\n")),
                     self.refused(USAGE, "run", "--gogc", "\x1b[2J", scenario)):
            self.assertIsNone(steering.search(line))

    def test_shards_merge_to_the_whole(self):
        whole_tsv, merged_tsv = self.path("whole.tsv"), self.path("merged.tsv")
        whole = self.good("sweep", "--tsv", whole_tsv, *self.GRID)
        for count in (2, 3):
            paths = self.shards(count)
            self.assertEqual(self.good("merge", "--tsv", merged_tsv, *reversed(paths)), whole)
            self.assertEqual(self.read("whole.tsv"), self.read("merged.tsv"))

    def test_shards_that_do_not_fit(self):
        first, second = self.shards(2)
        self.assertIn("is missing", self.refused(FAILED, "merge", first))
        self.assertIn("there twice", self.refused(FAILED, "merge", first, first, second))
        other = self.path("other.tsv", self.good("sweep", "--shard", "2/2", "--gogc", "50:401",
                                                 *self.GRID[2:]))
        self.assertIn("another sweep", self.refused(FAILED, "merge", first, other))
        self.assertIn("no such column", self.refused(FAILED, "merge", self.path("x", "a\tb\n1\t2\n")))

    def test_recipe_for_gnu_parallel(self):
        """The recipe of docs/simulator.md, on this host."""
        if not shutil.which("parallel"):
            self.skipTest("no GNU parallel")
        with open(os.path.join(ROOT, "docs", "simulator.md"), encoding="utf-8") as file:
            recipe = re.search(r"```sh\n(parallel .*?)```", file.read(), re.DOTALL).group(1)
        recipe = recipe.replace("--sshlogin host1,host2", "").replace("--transferfile job.toml", "")
        shutil.copy(self.SCENARIO, self.path("job.toml"))
        bin_folder = os.path.dirname(os.path.abspath(GAIT_SIM))
        environment = {**os.environ, "PATH": bin_folder + ":" + os.environ["PATH"],
                       "HOME": self.folder}
        result = subprocess.run(["sh", "-ec", recipe], cwd=self.folder, env=environment, text=True,
                                capture_output=True, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        arguments = re.search(r"gait-sim sweep job.toml (.*?) --shard", recipe, re.DOTALL).group(1)
        whole = self.good("sweep", *arguments.replace("\\\n", " ").split(), self.path("job.toml"))
        self.assertEqual(result.stdout, whole)


print(f"seed {SEED}", file=sys.stderr)
unittest.main(argv=["command_test"], verbosity=1)
