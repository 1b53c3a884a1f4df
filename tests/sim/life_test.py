# SPDX-License-Identifier: MIT
"""gait-sim life: what it says of arena logs, and what it refuses.

Usage: life_test.py GAIT_SIM SOURCE_ROOT [PROGRAM]

With PROGRAM, which uses arenas, a log of a run is made and read. GAIT_SIM_SEED repeats a run of the
mutations.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

GAIT_SIM, ROOT, *PROGRAM = sys.argv[1:]
SEED = int(os.environ.get("GAIT_SIM_SEED", random.randrange(1 << 32)))
MUTANTS = 300
OK, FAILED, USAGE = 0, 1, 2
FIRST = "gait arenalog 1 0.1.0\n"
KIB = 1024


def run(*arguments, text=None):
    return subprocess.run([GAIT_SIM, "life", *arguments], input=text, capture_output=True, text=True,
                          timeout=60, errors="replace")


class Log:
    """A log that is made by hand."""

    def __init__(self):
        self.lines, self.held, self.names, self.time_ns = [], {}, {}, 0

    def arena(self, event, number, value=0, held=0):
        self.held[number] = held
        self.lines.append(f"{self.time_ns} {event} {number} {value} {held} {self.names[number]}")

    def create(self, name):
        number = len(self.names) + 1
        self.names[number] = name
        self.arena("create", number)
        return number

    def chunk(self, number, count):
        self.arena("chunk", number, count, self.held[number] + count)

    def cycle(self, event, number, heap=1 << 20):
        self.lines.append(f"{self.time_ns} {event} {number} {heap} {sum(self.held.values())} 4096")

    def text(self):
        return FIRST + "".join(line + "\n" for line in self.lines)


def a_log(arenas=40, names=5):
    source, log, live = random.Random(1), Log(), []
    frame = log.create("frame")
    log.chunk(frame, 64 * KIB)
    for step in range(arenas):
        log.time_ns += 1000000
        log.arena("reset", frame, 100, log.held[frame])
        number = log.create(f"job {step % names}")
        live.append(number)
        for _ in range(3):
            log.chunk(number, 64 * KIB)
        if len(live) > 4:
            gone = live.pop(source.randrange(len(live)))
            log.arena("leak" if step % 10 == 9 else "free", gone, log.held[gone])
        if step % 8 == 7:
            log.cycle("begin", step // 8 + 1)
            log.time_ns += 500000
            log.cycle("end", step // 8 + 1)
    log.cycle("close", 0)
    return log


class Life(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def good(self, *arguments, text=None):
        result = run(*arguments, text=text)
        self.assertEqual((result.returncode, result.stderr), (OK, ""), arguments)
        return result.stdout

    def refused(self, status, *arguments, text=None):
        result = run(*arguments, text=text)
        self.assertEqual(result.returncode, status, (arguments, result.stderr))
        self.assertEqual((len(result.stderr.splitlines()), result.stdout), (1, ""), result.stderr)
        return result.stderr

    def rows(self, out):
        """The table's rows by name; its cells are peak, at, end, created, chunks, resets, freed,
        leaked."""
        rows = {}
        for line in out.splitlines()[1:]:
            match = re.match(r"((?: +[\d.]+){6,8})  (\S.*)$", line)
            if match:
                rows[match.group(2)] = [float(cell) for cell in match.group(1).split()]
        return rows

    def picture(self, log, *options):
        if not shutil.which("gnuplot"):
            self.skipTest("no gnuplot")
        path = self.path("life.svg")
        self.good(self.path("log", log.text()), "-o", path, *options)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        return text

    def texts(self, log, *options):
        """What stands in the picture, which is good XML."""
        document = xml.dom.minidom.parseString(self.picture(log, *options).encode())
        return {"".join(node.data for part in [text, *text.getElementsByTagName("tspan")]
                        for node in part.childNodes if node.nodeType == node.TEXT_NODE).strip()
                for text in document.getElementsByTagName("text")}

    def test_what_was_held(self):
        log = Log()
        a, b = log.create("frame"), log.create("a name with spaces")
        log.chunk(a, 512 * KIB)
        log.time_ns = 2000000000
        log.chunk(b, 1024 * KIB)
        log.arena("reset", a, 7, 512 * KIB)
        log.cycle("begin", 1)
        log.chunk(a, 512 * KIB)
        log.time_ns = 3000000000
        log.cycle("end", 1)
        log.arena("trim", a, 768 * KIB, 256 * KIB)
        log.arena("free", b, 1024 * KIB)
        log.arena("leak", log.create(""), 0)
        log.cycle("close", 1)
        out = self.good(self.path("log", log.text()))
        rows = self.rows(out)
        self.assertEqual(rows["frame"], [1, 2, 0.25, 1, 2, 1, 0, 0])
        self.assertEqual(rows["a name with spaces"], [1, 2, 0, 1, 1, 0, 1, 0])
        self.assertEqual(rows["all"], [0.25, 3, 3, 1, 1, 1])
        self.assertIn("3.000 s, 1 cycles; arenas held 2.000 MiB at most", out)
        self.assertNotIn("no end", out)
        self.assertEqual(self.good("-", text=log.text()), out)

    def test_lines_in_another_order_than_time(self):
        log = a_log()
        out = self.good(self.path("log", log.text()))
        mixed = list(log.lines)
        for i in range(0, len(mixed) - 3, 3):  # not two of one moment
            if mixed[i].split()[0] != mixed[i + 1].split()[0]:
                mixed[i], mixed[i + 1] = mixed[i + 1], mixed[i]
        self.assertNotEqual(mixed, log.lines)
        log.lines = mixed
        self.assertEqual(self.good(self.path("log", log.text())), out)

    def test_what_is_not_known_is_skipped(self):
        log = a_log()
        out = self.good(self.path("log", log.text()))
        log.lines.insert(5, "12 adopt 1 2 3 frame")
        log.lines.insert(9, "13 moment")
        self.assertEqual(self.good(self.path("log", log.text())), out)

    def test_lost_lines_are_told(self):
        log = Log()
        log.names[9] = "late"  # its first lines are lost
        log.arena("chunk", 9, 65536, 131072)
        log.lines.append("0 lost 17")
        log.lines.append("0 lost 3")
        out = self.good(self.path("log", log.text()))
        self.assertIn("20 lines were lost", out)
        self.assertEqual(self.rows(out)["late"][:3], [0.125, 0, 0.125])

    def test_a_file_that_is_cut_off(self):
        text = a_log().text()
        whole = text.rindex("\n", 0, len(text) // 2) + 1
        out = self.good(self.path("log", text[:whole]))
        self.assertIn("the log has no end", out)
        for cut in (whole + 1, text.index("\n", whole)):
            self.assertEqual(self.good(self.path("log", text[:cut])).replace(
                "the file ends within a line, which is left out\n", "", 1), out)
            self.assertIn("ends within a line", self.good(self.path("log", text[:cut])))
        self.assertIn("arenas held 0.000 MiB", self.good(self.path("log", FIRST)))

    def test_cut_off_at_every_byte(self):
        """What the whole lines say, and a word where the last one is not whole."""
        text = a_log(arenas=4, names=2).text()
        for cut in range(len(FIRST), len(text)):
            out = self.good(self.path("log", text[:cut]))
            whole = text.rindex("\n", 0, cut) + 1
            self.assertEqual("ends within a line" in out, whole < cut, cut)
            if whole < cut and cut % 7 == 0:
                self.assertEqual(
                    out.replace("the file ends within a line, which is left out\n", "", 1),
                    self.good(self.path("log", text[:whole])))

    def test_what_is_no_log(self):
        for text in ("", "\n", "GaitLog\n", "gait arena", "\0" * 40):
            self.assertIn("no arena log", self.refused(FAILED, self.path("log", text)))
        for version in ("2", "0", "1x", "-1", ""):
            self.assertIn("another version than 1",
                          self.refused(FAILED, self.path("log", f"gait arenalog {version}\n")))
        for line in ("x", "1", "1 ", "-1 reset 1 2 3 a", "1 reset 1 2", "1 reset 1 2 x a",
                     "1 reset 1 2 3x", "1  reset 1 2 3 a", "1 reset 1 9999999999999999999 3 a",
                     "1 begin 1 2 3", "1 lost", "1 lost many", "1 reset 1 2 3 a\0b", "", "1.5 reset"):
            self.assertIn("log:2: damaged",
                          self.refused(FAILED, self.path("log", f"{FIRST}{line}\n{FIRST}")), line)
        self.assertIn("No such file", self.refused(FAILED, self.path("nowhere")))
        self.assertIn("directory", self.refused(FAILED, self.folder))
        log = self.path("log", FIRST)
        self.refused(USAGE)
        self.refused(USAGE, log, log)
        for names in ("0", "101", "x", "-1"):
            self.refused(USAGE, "--names", names, log)

    def test_names_of_others(self):
        """A name with control characters, or cut off within a character, harms nothing."""
        text = FIRST.encode() + b"1 create 1 0 0 \x1b[2J\n1 create 2 0 0 caf\xc3\n1 create 3 0 0 \xff"
        out = self.good(self.path("log", text + b"\n1 create 4 0 0 <&>\n"))
        self.assertEqual(sorted(self.rows(out)), ["<&>", "?", "?[2J", "all", "caf?"])

    def test_the_picture(self):
        texts = self.texts(a_log())
        for word in ("held by arenas", "live heap, at cycles", "off-heap, at cycles", "collections",
                     "resets", "freed", "leaked", "frame", "job 3", "MiB", "seconds"):
            self.assertIn(word, texts)
        self.assertIn("No such file",
                      run("-o", "/nonexistent/l.svg", self.path("log", a_log().text())).stderr)

    def test_the_picture_of_odd_logs(self):
        empty, odd = Log(), Log()
        self.assertIn("held by arenas", self.texts(empty))
        names = ["<b>&\"'`date`$(x)\\n", "@{^}_\\", "é"]
        for name in ("", *names):
            odd.create(name)
        texts = self.texts(odd)
        for name in ("(no name)", *names):
            self.assertIn(name, texts)

    def test_thousands_of_arenas_stay_readable(self):
        """A picture is no larger for a log of more arenas and names; what has no lane is summed."""
        large = a_log(40000, 8000)
        out = self.good(self.path("log", large.text()), "--names", "3")
        rows = self.rows(out)
        self.assertEqual(len(rows), 5)
        self.assertIn("7998 other names", rows)
        self.assertEqual(rows["all"][1], 40001)
        self.assertIn("7989 other names", self.texts(large))
        self.assertLess(len(self.picture(large)), 1 << 20)

    def test_mutants_are_read_or_refused(self):
        source = random.Random(SEED)
        data = a_log().text().encode()
        for _ in range(MUTANTS):
            mutant = bytearray(data)
            for _ in range(source.randrange(1, 6)):
                mutant[source.randrange(len(FIRST), len(mutant))] = source.choice(
                    b"0123456789 -\0\n\xffx")
            result = run(self.path("mutant", bytes(mutant)))
            self.assertIn(result.returncode, (OK, FAILED), (SEED, result.stderr))
            self.assertLessEqual(len(result.stderr.splitlines()), 1)

    def test_the_manual_has_every_event(self):
        with open(os.path.join(ROOT, "include", "gait", "arenalog.h"), encoding="utf-8") as file:
            events = re.findall(r'X\((\w+), "([^"]*)", "([^"]*)"\)', file.read())
        with open(os.path.join(ROOT, "docs", "arenalog.md"), encoding="utf-8") as file:
            manual = file.read()
        self.assertEqual(len(events), 9)
        for event, meaning, of in events:
            self.assertIn(f"| `{event}` | {meaning} | {of} |", manual)


print(f"seed {SEED}", file=sys.stderr)
unittest.main(argv=["life_test"], verbosity=1)
