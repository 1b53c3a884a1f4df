# SPDX-License-Identifier: MIT
"""gait-sim at its bounds: numbers that no integer holds, work that would have no end, outputs that
can't be written whole, and scenarios at the ends of what is accepted, which are read as written.

Usage: bounds_test.py GAIT_SIM SOURCE_ROOT
"""

import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import unittest

from support import (FAILED, GAIT_SIM, OK, PHASE, ROOT, SCENARIOS, SEED, TRACES, USAGE, Files, run)

JOB = os.path.join(SCENARIOS, "thrashing-job.toml")
TRACE = os.path.join(TRACES, "gait-gcbench.log")
VECTORS = os.path.join(ROOT, "tests", "sim", "vectors", "pacer.tsv")
SMALL_SWEEP = ["--gogc", "50,100", "--limit", "off"]
WORDS = 400  # command lines of the fuzzer
ARENA_LOG = "gait arenalog 1 0.1.0\n1 create 1 0 0 a\n2 chunk 1 4096 4096 a\n3 close 0 0 4096 0\n"


class Numbers(Files):
    """Whole numbers of the command line: all digits, in range; nothing wraps around."""

    NEVER = ["", " 5", "5 ", "+5", "-1", "-9223372036854775808", "1e3", "0x10", "1.0", "five",
             "2147483648", "4294967297", "9223372036854775807", "9223372036854775808",
             "18446744073709551617", "9" * 40]

    def test_what_is_no_number_of_an_option(self):
        cases = [(["run", "--cycles"], JOB), (["sweep", "--steps"], JOB), (["sweep", "--jobs"], JOB),
                 (["life", "--names"], "absent"), (["fit", "--phases"], TRACE)]
        for words, path in cases:
            for value in self.NEVER:
                said = self.refused(USAGE, *words[:-1], words[-1] + "=" + value, path)
                self.assertIn(f"gait-sim: {words[-1]}: {value}; accepted: ", said)
        for value in self.NEVER:
            for shard in (value + "/5", "1/" + value, value + "/" + value):
                self.assertIn("--shard: ", self.refused(USAGE, "sweep", "--shard=" + shard, JOB))
        for shard in ("1", "1/", "/1", "1/2/3", "1 / 2", "0/0", "2147483648/2147483648"):
            self.assertIn("--shard: ", self.refused(USAGE, "sweep", "--shard=" + shard, JOB))

    def test_the_largest_that_is_accepted(self):
        self.good("run", "--cycles=2147483647", JOB)
        self.good("sweep", "--jobs=1024", *SMALL_SWEEP, JOB)
        whole = self.good("sweep", *SMALL_SWEEP, JOB)
        shards = [self.path(f"{i}", self.good("sweep", f"--shard={i}/2147483647", *SMALL_SWEEP, JOB))
                  for i in (1, 2, 3, 4, 2147483647)]  # the two last have no point
        self.assertEqual(self.good("merge", *shards), whole)

    def test_limits_beyond_what_a_scenario_has(self):
        self.good("run", "--limit", "1024TiB", "--cycles", "0", JOB)
        for value in ("1025TiB", "9223372036854775806", "9007199254740992", "1e300", "1e999TiB"):
            for command in ("run", "sweep"):
                self.assertIn("1024TiB", self.refused(USAGE, command, "--limit", value, JOB))


class Work(Files):
    """What would not come to an end is refused, and the line says what makes it so long."""

    def test_runs(self):
        longest = "[[phase]]\nduration = 1e7\n"
        cases = [("noise = 0.1\nnoise_every = 0.001\n", "phase 1: noise_every of 0.001 s over"),
                 ("burst = 1\nburst_every = 0.002\n", "phase 1: burst_every of 0.002 s over"),
                 ("collect_every = 1e-300\n", "phase 1: collect_every of 1e-300 s over"),
                 ("name = 'waves'\nstacks = { oscillate = 1 }\n" + longest, "phase 1, waves: dur")]
        cases.append((longest * 20, "phase 1: duration of 1e+07 s: a run takes 2.1e+09 steps"))
        for text, message in cases:
            path = self.path("long.toml", longest + text)
            for command in (["run"], ["run", "--model", "stw"], ["sweep"], ["run", "--toml", "-"]):
                said = self.refused(FAILED, *command, path)
                self.assertIn(f"{path}: {message}", said)
                self.assertIn("accepted: up to 1e+09; make ", said)

    def test_sweeps(self):
        grid = ["--gogc", "1:1000000", "--limit", "1MiB:1TiB", "--steps"]
        self.assertIn("settings; accepted: 1000000",
                      self.refused(USAGE, "sweep", *grid, "4096", JOB))
        many = ",".join(str(i) for i in range(4097))
        self.assertIn("too many values", self.refused(USAGE, "sweep", "--gogc", many, JOB))
        month = self.path("month.toml", "[[phase]]\nduration = 2592000\n")
        said = self.refused(USAGE, "sweep", *grid, "500", month)
        self.assertIn("steps each", said)
        self.assertIn("--shard", said)
        self.good("sweep", *grid, "500", "--shard", "200000/2147483647", month)

    def test_time_that_rounds_away(self):
        """Noise far into a long program: the time to its next change is less than what its clock
        can tell apart, and yet it goes on."""
        path = self.path("s.toml", "machine = { cpus = 1 }\n[[phase]]\nduration = 1e6\n"
                         "[[phase]]\nduration = 100\nnoise = 0.5\nnoise_every = 0.001\n")
        for model in ("stw", "ideal", "full"):
            self.assertIn("0 cycles in 1000100", self.good("run", "--model", model, path))


class Outputs(Files):
    """All of it, or status 1 and one line that names it."""

    def setUp(self):
        super().setUp()
        log = self.path("arenas", ARENA_LOG)
        commands = [["help"], ["help", "run"], ["run", "--help"], ["keys"], ["check", VECTORS],
                    ["replay-inputs", VECTORS], ["run", JOB], ["sweep", *SMALL_SWEEP, JOB],
                    ["sweep", *SMALL_SWEEP, "--shard", "1/2", JOB], ["fit", TRACE],
                    ["predict", os.path.join(TRACES, "compile.pacerlog")], ["life", log]]
        self.to_screen = commands
        self.to_file = [["run", option, "{}", JOB] for option in ("--csv", "--samples", "--json",
                                                                   "--toml")]
        self.to_file += [["predict", option, "{}", os.path.join(TRACES, "compile.pacerlog")]
                         for option in ("--csv", "--json", "--toml")]
        self.to_file += [["sweep", *SMALL_SWEEP, "--tsv", "{}", JOB]]
        self.pictures = [["run", "--plot", "{}", JOB], ["sweep", *SMALL_SWEEP, "--plot", "{}", JOB],
                         ["life", "-o", "{}", log]]
        if shutil.which("gnuplot"):
            self.to_file += self.pictures

    @staticmethod
    def at(path, command):
        return [path if word == "{}" else word for word in command]

    def test_a_full_disk_is_told(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        for command in self.to_file:
            self.assertIn("/dev/full: could not be written",
                          self.refused(FAILED, *self.at("/dev/full", command)))
        commands = self.to_screen + [self.at("-", command) for command in self.to_file]
        for command in commands:
            with open("/dev/full", "w", encoding="utf-8") as full:
                result = subprocess.run([GAIT_SIM, *command], stdout=full, stderr=subprocess.PIPE,
                                        text=True, timeout=60)
            self.assertEqual(result.returncode, FAILED, command)
            self.assertRegex(result.stderr, r"^gait-sim: standard output: could not be written"
                             r"(: No space left on device)?\n$", command)

    def test_what_can_not_be_written_is_told_before_it_is_computed(self):
        long = self.path("long.toml", "[[phase]]\nduration = 9e6\nnoise = 0.1\nnoise_every = 0.01\n")
        path = os.path.join(self.folder, "absent", "file")
        for command in self.to_file:
            words = [long if word == JOB else word for word in self.at(path, command)]
            self.assertIn("No such file", self.refused(FAILED, *words))

    def test_a_command_that_fails_leaves_the_file_as_it_was(self):
        kept = self.path("kept", "of an earlier run")
        for command in self.to_file:
            words = [kept if word == "{}" else word for word in command[:-1]]
            self.refused(FAILED, *words, "/nonexistent")
            self.assertEqual(self.read("kept"), "of an earlier run", command)

    def test_a_closed_output_is_told_and_no_file_takes_its_place(self):
        table = self.path("table.csv")
        for command in (["help"], ["run", JOB], ["run", "--csv", table, JOB]):
            result = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", GAIT_SIM, *command],
                                    stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual(result.returncode, FAILED, command)
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertEqual(self.read("table.csv"), self.good("run", "--csv", "-", JOB))

    def test_a_reader_that_leaves(self):
        with subprocess.Popen([GAIT_SIM, "run", "--json", "-", JOB], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            process.stdout.read(10)
            process.stdout.close()
            self.assertEqual(process.stderr.read(), b"")
            self.assertIn(process.wait(60), (OK, -signal.SIGPIPE))

    def test_one_output_alone_goes_to_the_screen(self):
        for command in self.to_file:
            path = self.path("out")
            beside = self.good(*self.at(path, command))
            alone = self.good(*self.at("-", command))
            self.assertEqual(alone, self.read("out"), command)
            self.assertNotEqual(beside, "")
        for first, second in (("--csv", "--json"), ("--toml", "--csv"), ("--plot", "--samples")):
            self.assertIn("both -", self.refused(USAGE, "run", first, "-", second, "-", JOB))
        self.assertIn("both -", self.refused(USAGE, "sweep", "--tsv", "-", "--plot", "-", JOB))

    def test_a_gnuplot_that_fails(self):
        gnuplot = self.path("gnuplot", "")
        os.chmod(gnuplot, 0o755)
        picture = self.path("picture.svg")
        cases = [("exit 0", "did not draw all of it"), ("exit 3", "could not draw it"),
                 ("cat; echo '<svg>'", "did not draw all of it"), ("kill -9 $$", "ended by signal 9")]
        for script, message in cases:
            self.path("gnuplot", f"#!/bin/sh\n{script}\n")
            for command in self.pictures:
                env = {**os.environ, "PATH": self.folder + ":" + os.environ["PATH"]}
                self.assertIn(message,
                              self.refused(FAILED, *self.at(picture, command), env=env))
        env = {**os.environ, "PATH": "/nonexistent"}
        for command in self.pictures:
            self.assertIn("gnuplot is not installed",
                          self.refused(FAILED, *self.at(picture, command), env=env))


class RoundTrips(Files):
    """What `run --toml` writes, `run` reads and writes again."""

    def keys(self):
        """Of the reference: section, key, whether it is in bytes, least, most, is it a stream."""
        section = ""
        for line in self.good("keys").splitlines():
            if line.startswith("### "):
                section = (re.findall(r"`\[+(\w+)\]+`", line) or [""])[0]
            cells = [cell.strip() for cell in line.split("|")]
            found = re.fullmatch(r"(\S+) to (\S+?)(; stream)?", cells[3]) if len(cells) > 5 else None
            if found:
                yield section, cells[1].strip("`"), *found.groups()

    @staticmethod
    def toml(value):
        return f'"{value}"' if value[-1].isalpha() else value

    def around(self, text):
        """@return what is written of a scenario, which is the same the second time."""
        path = self.path("start.toml", text)
        options = ["--model", "ideal", "--cycles", "0"]
        first, second = self.path("first.toml"), self.path("second.toml")
        one = run("run", *options, "--toml", first, path)
        two = run("run", *options, "--toml", second, first)
        self.assertEqual(self.read("first.toml"), self.read("second.toml"), text)
        self.assertEqual((one.returncode, one.stdout), (two.returncode, two.stdout), text)
        if one.returncode != OK:  # some programs are hopeless
            self.assertIn(": given up after ", one.stderr, text)
        return self.read("first.toml")

    def test_the_ends_of_every_key(self):
        count = 0
        for section, key, least, most, stream in self.keys():
            values = [least, most] + (["off"] if key in ("gogc", "memory_limit") else [])
            if least == "0":
                values += ["0.0", "-0.0"] if most == "1" else ["0"]
            if most.endswith("TiB"):
                values += [str(2**50), str(2**50 - 1), "1KiB", "1.125899906842624e15"]
            for value in values:
                line = f"{key} = {self.toml(value)}\n"
                if section == "phase":
                    text = "[[phase]]\n" + line
                elif section:
                    text = f"[{section}]\n{line}[[phase]]\n"
                else:
                    text = f"{line}[[phase]]\n"
                self.around(text)
                count += 1
            if stream:
                for amount in ("1e300", "-1e300", "9007199254740992", "9007199254740994", "1e16",
                               "-4096", "1e-300", "0.1"):
                    self.around(f"[[phase]]\n{key} = {{ sum = [{amount}, {{ random = 1, seed = "
                                f"9007199254740992, every = 1e-6, max = {amount} }}], "
                                f"delay = 1e300 }}\n")
        self.assertGreater(count, 80)

    def test_limits_of_recordings(self):
        """A program may have any GOMEMLIMIT; one above what a scenario has limits nothing."""
        with open(os.path.join(TRACES, "compile.pacerlog"), "rb") as file:
            data = bytearray(file.read())
        path = self.path("run.log")
        for limit in (2**63 - 1, 2**63 - 2, 2**63 - 1024, 2**62, 2**53, 2**50 + 1, 2**50, 2**30):
            struct.pack_into("<q", data, 16 + 8 * 7, limit)  # docs/pacerlog.md: its eighth field
            with open(path, "wb") as file:
                file.write(data)
            text = self.around(self.good("fit", path))
            self.assertEqual("memory_limit" in text, limit <= 2**50, limit)
            toml = self.path("predicted.toml")
            told = self.good("predict", "--toml", toml, path).splitlines()
            self.around(self.read("predicted.toml"))
            for line in told[4:6]:
                self.assertEqual(line.split()[2] == "off", limit > 2**50, line)


class Fuzz(Files):
    def test_words_in_any_order(self):
        """No command line crashes it, hangs it or makes it say more than a line."""
        source = random.Random(SEED)
        program = os.path.abspath(GAIT_SIM)
        numbers = ["0", "1", "-1", "2", "7", "1/2", "2/1", "2/2147483647", "9" * 30, "1e9", "nan",
                   "inf", "", "off", "all", "50:200", "200:50", "1:1", "64MiB", "1TiB:64MiB", "a:b",
                   ":", ",", "50,,100", "8EiB", "-", "\x1b[2J", "%n%s", "0x7fffffff", "stw", "full"]
        options = ["--cycles", "--every", "--gogc", "--limit", "--model", "--csv", "--json", "--tsv",
                   "--toml", "--samples", "--steps", "--jobs", "--shard", "--names", "--phases",
                   "--cpus", "--limiter", "-o", "--", "-x", "--c", "--help", "-h", "--output"]
        # copies, since it may be told to write there, by a short form of an option
        paths = [shutil.copy(path, self.folder) for path in (JOB, TRACE, VECTORS)]
        paths += ["/nonexistent", "/", "/dev/null"]
        commands = ["run", "sweep", "merge", "fit", "predict", "life", "check", "replay-inputs",
                    "keys", "help", "dance", ""]
        for _ in range(WORDS):
            words = [source.choice(commands)]
            for _ in range(source.randrange(5)):
                words.append(source.choice(options))
                words += [source.choice(numbers)] * source.randrange(2)
            words.append(source.choice(paths))
            words = [word if word not in ("--csv", "--json", "--tsv", "--toml", "--samples", "-o",
                                          "--output") else word + "=/dev/null" for word in words]
            with self.subTest(seed=SEED, words=words):
                result = subprocess.run([program, *words], stdin=subprocess.DEVNULL,
                                        capture_output=True, timeout=60, cwd=self.folder)
                self.assertIn(result.returncode, (OK, FAILED, USAGE))
                self.assertEqual(result.stderr.count(b"\n"), int(result.stderr != b""))
                self.assertNotIn(b"\x1b", result.stderr)


print(f"seed {SEED}", file=sys.stderr)
unittest.main(argv=["bounds_test"], verbosity=1)
