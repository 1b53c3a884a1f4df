# SPDX-License-Identifier: MIT
"""gait-heap: what it says of snapshots in both forms, and what it refuses.

Usage: heap_test.py GAIT_HEAP

GAIT_HEAP_SEED repeats a run of the random graphs and of the mutations.
"""

import collections
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

from snapshots import (BASE, GUESS, LINK, LINKS, PART, SCAN, VALUE, WEAK, WEAK_ONES, WORD, Snapshot, text,
                       varint, zigzag)

GAIT_HEAP = sys.argv[1]
SEED = int(os.environ.get("GAIT_HEAP_SEED", random.randrange(1 << 32)))
OK, FAILED, USAGE = 0, 1, 2
MUTANTS = 150
GRAPHS = 12
ALL_OF_TREE = ("--depth", "200", "--top", "all", "--share", "0")


def run(*arguments, **options):
    return subprocess.run([GAIT_HEAP, *arguments], capture_output=True, text=True, timeout=60,
                          errors="replace", check=False, **options)


def a_cache(entries=100, pid=1234, seed=None):
    """A table that keeps records with strings, and some other things."""
    snapshot = Snapshot(pid)
    table = snapshot.object("table", 48, "session cache")
    vector = snapshot.object("vector", 800)
    config = snapshot.object("record", 64, "config")
    snapshot.refer(table, vector)
    shared = snapshot.object("string", 32)
    snapshot.refer(config, shared)
    for i in range(entries):
        record = snapshot.object("record", 64)
        string = snapshot.object("string", 160)
        snapshot.refer(vector, record, i)
        snapshot.refer(record, string)
        snapshot.refer(record, shared)
    snapshot.root(table)
    snapshot.root(config, "mutator 1: frames")
    return snapshot


def a_random_graph(source, objects=28):
    snapshot = Snapshot()
    made = [snapshot.object(source.choice(("pair", "table", "string")), source.randrange(16, 96, 16))
            for _ in range(objects)]
    for _ in range(source.randrange(objects, 3 * objects)):
        snapshot.refer(source.choice(made), source.choice(made),
                       sort=source.choice((WORD, WORD, WORD, WORD, GUESS, SCAN, PART, WEAK, LINK)))
    for _ in range(source.randrange(3)):
        holder, key, value = source.sample(made, 3)
        snapshot.pair(holder, key, value)
    for i in range(source.randrange(1, 4)):
        snapshot.root(source.choice(made), f"roots {i % 2}")
    for _ in range(source.randrange(3)):
        snapshot.link(source.choice(made))
    return snapshot


def name_of(snapshot, made, form):
    return f"0x{made.address:x}" if form == "own" else f"@{snapshot.id_of(made)}"


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name, data=None):
        path = os.path.join(self.folder, name)
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def forms(self, snapshot, name="a"):
        return {"own": self.path(name + ".gaitheap", snapshot.own()),
                "v8": self.path(name + ".heapsnapshot", snapshot.v8())}

    def good(self, *arguments):
        result = run(*arguments)
        self.assertEqual((result.returncode, result.stderr), (OK, ""), arguments)
        return result.stdout

    def refused(self, status, *arguments, **options):
        """Runs what is refused. @return the one line that says why."""
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, status, (arguments, result.stderr))
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        return lines[0]


class Kinds(Files):
    def test_sums_of_both_forms(self):
        for form, path in self.forms(a_cache()).items():
            out = self.good("kinds", path)
            self.assertRegex(out.splitlines()[0], r": 204 objects, 22\.8 KiB, \d+ references$", form)
            rows = {line.split()[-1]: line for line in out.splitlines()[2:]}
            self.assertRegex(rows["table"], r"^ +1 +48 B +22\.7 KiB +99\.")
            self.assertRegex(rows["record"], r"^ +101 +6\.3 KiB +21\.9 KiB")
            self.assertRegex(rows["string"], r"^ +101 +15\.7 KiB +15\.7 KiB")
            self.assertRegex(rows["all"], r"^ +204 +22\.8 KiB")

    def test_order_and_number_of_rows(self):
        path = self.forms(a_cache())["own"]
        def kinds_in(*options):
            return [line.split()[-1] for line in self.good("kinds", *options, path).splitlines()[3:]]
        self.assertEqual(kinds_in(), ["table", "vector", "record", "string", "all"])
        self.assertEqual(kinds_in("--by", "own")[:2], ["string", "record"])
        self.assertEqual(kinds_in("--top", "1"), ["table", "kinds", "all"])
        self.assertIn("3 other kinds", self.good("kinds", "--top", "1", path))

    def test_what_only_weak_references_have(self):
        snapshot = Snapshot()
        holder, dead = snapshot.object("table", 32), snapshot.object("big", 4096)
        snapshot.refer(holder, dead, sort=WEAK)
        snapshot.root(holder)
        for path in self.forms(snapshot).values():
            out = self.good("kinds", path)
            self.assertIn(" 1 objects, 32 B", out)
            self.assertRegex(out.splitlines()[-1], r"^ +1 +4\.0 KiB .*weak references alone$")
            self.assertIn("weak references alone", self.good("path", path, "big"))


class BruteForce(Files):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)

    def check(self, snapshot, form, path):
        retained = snapshot.retained()
        told = {}
        for line in self.good("path", "--top", "all", path, "*").splitlines():
            match = re.match(r"kind\d+ (\S+): \d+ B, retains (\S+) (B|KiB)$", line)
            if match and match.group(3) == "B":
                told[match.group(1)] = int(match.group(2))
        for made in snapshot.objects:
            bytes_of = sum(snapshot.objects[number - 1].size
                           for number in retained.get(made.number, ()))
            if bytes_of < 1024:
                self.assertEqual(told.get(name_of(snapshot, made, form), 0), bytes_of,
                                 (SEED, form, made.number))
        # By the tree: what stands below an object is what it dominates.
        below, open_ones = collections.defaultdict(set), []
        for line in self.good("dominators", *ALL_OF_TREE, path).splitlines()[3:]:
            match = re.match(r".{30}  ( *)(?:\w+ (0x\w+|@\d+)|.*)$", line)
            self.assertIsNotNone(match, line)
            self.assertNotIn("more of this kind", line)
            level = len(match.group(1)) // 2
            del open_ones[level:]
            open_ones.append(match.group(2))
            for name in open_ones if match.group(2) else ():
                below[name].add(match.group(2))
        for made in snapshot.objects:
            names = {name_of(snapshot, snapshot.objects[number - 1], form)
                     for number in retained.get(made.number, ())}
            self.assertEqual(below[name_of(snapshot, made, form)], names, (SEED, form, made.number))

    def test_dominators_of_random_graphs(self):
        for _ in range(GRAPHS):
            snapshot = a_random_graph(self.random)
            for made in snapshot.objects:  # no chains of one kind, which are told in one line
                made.kind = f"kind{made.number}"
            for form, path in self.forms(snapshot).items():
                self.check(snapshot, form, path)

    def test_shortest_ways_of_random_graphs(self):
        for _ in range(GRAPHS):
            snapshot = a_random_graph(self.random)
            snapshot.objects = [made for made in snapshot.objects]
            for made in snapshot.objects:  # pairs' ways are told by their keys: not looked at here
                made.edges = [edge for edge in made.edges if edge[1] != VALUE]
            distance = {target.number: 0 for group, target in snapshot.roots
                        if snapshot.groups[group - 1] != LINKS}
            queue = list(distance)
            for number in queue:
                for _, sort, target in snapshot.objects[number - 1].edges:
                    if sort in (WORD, GUESS, SCAN, PART) and target.number not in distance:
                        distance[target.number] = distance[number] + 1
                        queue.append(target.number)
            for form, path in self.forms(snapshot).items():
                for number, steps in distance.items():
                    name = name_of(snapshot, snapshot.objects[number - 1], form)
                    lines = self.good("path", path, name).splitlines()
                    self.assertEqual(len(lines), steps + 3, (SEED, form, lines))
                    names = [line.split()[-1] for line in lines[2:]]
                    self.assertEqual(names[-1], name)
                    for one, other in zip(names, names[1:]):
                        self.assertTrue(any(
                            name_of(snapshot, made, form) == one and any(
                                name_of(snapshot, target, form) == other
                                for _, sort, target in made.edges if sort not in WEAK_ONES)
                            for made in snapshot.objects), (SEED, one, other))


class Paths(Files):
    def test_objects_by_address_number_and_pattern(self):
        snapshot = a_cache()
        paths = self.forms(snapshot)
        table = snapshot.objects[0]
        inside = f"0x{table.address + 40:x}"
        self.assertIn(f'table 0x{table.address:x} "session cache": 48 B, retains 22.7 KiB',
                      self.good("path", paths["own"], inside))
        self.assertIn("has no addresses", self.refused(FAILED, "path", paths["v8"], "0x10"))
        for path in paths.values():
            out = self.good("path", path, "session*")
            self.assertEqual(len(out.splitlines()), 3)
            self.assertIn("static slots", out)
            self.assertIn("100 more objects", self.good("path", path, "record"))
            self.assertIn("no object", self.refused(FAILED, "path", path, "nosuch*"))
            self.assertIn("no object", self.refused(FAILED, "path", path, "@4711001"))

    def test_a_pair_is_kept_by_its_key(self):
        snapshot = Snapshot()
        table, key, value = (snapshot.object(kind, 32) for kind in ("table", "key", "value"))
        snapshot.pair(table, key, value)
        snapshot.root(table)
        snapshot.root(key, "handles")
        for path in self.forms(snapshot).values():
            out = self.good("path", path, "value")
            self.assertIn("handles", out)
            self.assertNotIn("table 0x", out)
            self.assertIn("retains 64 B", self.good("path", path, "key"))
            self.assertIn("retains 32 B", self.good("path", path, "table"))

    def test_who_holds_an_arena_holds_all_in_it(self):
        snapshot = Snapshot()
        holder, first, second, outside = (snapshot.object(kind, 32)
                                          for kind in ("holder", "first", "second", "outside"))
        snapshot.arena("request", 100, [first, second])
        snapshot.refer(holder, first)
        snapshot.refer(second, outside)
        snapshot.root(holder)
        snapshot.link(second)
        for form, path in self.forms(snapshot).items():
            out = self.good("path", path, "outside")
            self.assertEqual([line.split(":")[0].split()[-1] for line in out.splitlines()[3:]],
                             ["0" if form == "own" else "w0", "arena", "object",
                              "1" if form == "own" else "w1"], out)
            self.assertIn("retains 196 B", self.good("path", path, "first"))
            self.assertIn("retains 64 B", self.good("path", path, "second"))
            self.assertIn("228 B", self.good("kinds", path))

    def test_links_keep_nothing(self):
        snapshot = Snapshot()
        holder, held = snapshot.object("holder", 32), snapshot.object("held", 32)
        snapshot.refer(holder, held, sort=LINK)
        snapshot.root(holder)
        snapshot.link(held)
        for path in self.forms(snapshot).values():
            self.assertIn("weak references alone", self.good("path", path, "held"))
            self.assertIn("retains 32 B", self.good("path", path, "holder"))
            self.assertNotIn("held", self.good("dominators", path))

    def test_what_lies_outside_the_heap_counts_at_its_owner(self):
        snapshot = Snapshot()
        table, image, plain = (snapshot.object(kind, 32) for kind in ("table", "image", "plain"))
        image.owned = 300
        snapshot.refer(table, image)
        snapshot.refer(table, plain)
        snapshot.root(table)
        for path in self.forms(snapshot).values():
            self.assertIn("32 B, retains 332 B", self.good("path", path, "image"))
            self.assertIn("32 B, retains 396 B", self.good("path", path, "table"))
            self.assertIn("32 B, retains 32 B", self.good("path", path, "plain"))
            self.assertRegex(self.good("kinds", path), r"300 B .*memory outside the heap")
            self.assertIn("300 B, retains 300 B", self.good("path", path, "memory*"))
            out = self.good("diff", path, path)
            self.assertNotIn("+", out.replace("+0", ""))

    def test_a_long_list(self):
        snapshot = Snapshot()
        cells = [snapshot.object("pair", 16) for _ in range(100000)]
        for one, other in zip(cells, cells[1:]):
            snapshot.refer(one, other, 1)
        snapshot.root(cells[0])
        path = self.path("long", snapshot.own())
        out = self.good("path", path, f"0x{cells[-1].address:x}")
        self.assertIn("99997 more of this kind, one after the other", out)
        self.assertLess(len(out.splitlines()), 50)
        self.assertIn("more of this kind, one below the other", self.good("dominators", path))
        self.assertIn("100000", self.good("picture", path))
        self.assertIn("100.0 %", self.good("suspects", path))


class Differences(Files):
    def test_what_grew_and_who_keeps_it(self):
        old, new = self.forms(a_cache(10), "old"), self.forms(a_cache(40), "new")
        for form in ("own", "v8"):
            out = self.good("diff", old[form], new[form])
            rows = {line.split()[-1]: line.split() for line in out.splitlines() if line}
            self.assertEqual(rows["string"][:8], ["+4.7", "KiB", "6.3", "KiB", "41", "+30", "30", "0"])
            self.assertEqual(rows["record"][:8], ["+1.9", "KiB", "2.6", "KiB", "41", "+30", "30", "0"])
            keeper = out.splitlines()[-1]
            self.assertRegex(keeper, r"^ +6\.6 KiB +60  vector ")
            back = self.good("diff", new[form], old[form])
            rows = {line.split()[-1]: line.split() for line in back.splitlines() if line}
            self.assertEqual(rows["string"][:8],
                             ["-4.7", "KiB", "1.6", "KiB", "11", "-30", "0", "30"])

    def test_the_same_twice(self):
        path = self.forms(a_cache())["own"]
        out = self.good("diff", path, path)
        self.assertNotIn("+", out.replace("+0", ""))
        self.assertNotIn("new ones", out)

    def test_two_processes(self):
        old = self.forms(a_cache(10, pid=1), "old")["own"]
        new = self.forms(a_cache(20, pid=2), "new")["own"]
        out = self.good("diff", old, new)
        self.assertIn("two processes", out)
        self.assertIn("+1.6 KiB", out)


class Suspects(Files):
    def test_a_cache_that_is_never_emptied(self):
        for path in self.forms(a_cache()).values():
            out = self.good("suspects", path)
            self.assertRegex(out, r'table \S+ "session cache" keeps 22\.7 KiB \(99\.')
            self.assertRegex(out, r"piled up at vector \S+: 22\.7 KiB")
            self.assertIn("below it, in 100 of kind record", out)
            self.assertIn("the way from a root:", out)
            self.assertNotIn("config", out)
            self.assertNotIn("\\x", out)

    def test_kinds_that_grew_each_time(self):
        paths = [self.forms(a_cache(entries), str(entries))["own"] for entries in (10, 20, 40)]
        rows = self.good("suspects", *paths).splitlines()
        grew = [line.split()[-1] for line in rows[5:7]]
        self.assertEqual(grew, ["string", "record"])
        self.assertIn("No kind grew", self.good("suspects", paths[0], paths[2], paths[1]))

    def test_nothing(self):
        snapshot = Snapshot()
        for _ in range(100):
            snapshot.root(snapshot.object("pair", 16))
        self.assertIn("No object", self.good("suspects", self.forms(snapshot)["own"]))


class Pictures(Files):
    def test_bars_are_as_wide_as_what_they_keep(self):
        for path in self.forms(a_cache()).values():
            made = self.path("out.svg")
            self.assertEqual(self.good("picture", path, "-o", made), "")
            document = xml.dom.minidom.parse(made)
            bars = {}
            for group in document.getElementsByTagName("g"):
                title = group.getElementsByTagName("title")[0].firstChild.data
                bars[title.split("\n")[0]] = float(
                    group.getElementsByTagName("rect")[0].getAttribute("width"))
            self.assertTrue(any("session cache" in name for name in bars), bars)
            self.assertIn("record × 100", bars)
            self.assertIn("string × 100", bars)
            whole = bars["all roots"]
            self.assertAlmostEqual(bars["string × 100"] / whole, 16000 / 23344, places=2)

    def test_names_of_any_kind(self):
        snapshot = Snapshot()
        snapshot.root(snapshot.object("<&\"'>", 4096, "\x1b[31m]]>\ufffe\x00 ä€😀"))
        snapshot.root(snapshot.object(b"\xff\xc0\xaf\xed\xa0\x80", 4096, b"\x9b"))
        path = self.path("a", snapshot.own())
        out = run("picture", path)
        self.assertEqual(out.returncode, OK)
        document = xml.dom.minidom.parseString(out.stdout.encode())
        titles = [title.firstChild.data for title in document.getElementsByTagName("title")]
        self.assertTrue(any("ä€😀" in title for title in titles), titles)
        for command in (["kinds", path], ["dominators", path], ["suspects", path],
                        ["path", "--top", "all", path, "*"], ["diff", path, path]):
            result = subprocess.run([GAIT_HEAP, *command], capture_output=True, timeout=60,
                                    check=True)
            self.assertNotIn(b"\x1b", result.stdout)
            self.assertNotIn(b"\x9b", result.stdout)


class CommandLine(Files):
    def test_help(self):
        out = self.good("help")
        for name in ("kinds", "dominators", "path", "diff", "suspects", "picture"):
            self.assertIn(f"  {name} ", out)
            self.assertIn(f"Usage: gait-heap {name} ", self.good("help", name))
            self.refused(USAGE, name)
            self.refused(USAGE, name, "--nosuch", "file")
            files = [self.path("absent")] * (2 if name in ("diff", "path") else 1)
            self.assertIn("No such file", self.refused(FAILED, name, *files))
        self.refused(USAGE, "nosuch")

    def test_values_of_options(self):
        path = self.forms(a_cache(2))["own"]
        for arguments in (("kinds", "--by", "x"), ("kinds", "--top", "-1"),
                          ("dominators", "--depth", "0"), ("dominators", "--share", "101"),
                          ("suspects", "--share", "0x1"), ("picture", "--depth", "1000")):
            self.assertIn("accepted: ", self.refused(USAGE, *arguments, path))

    def test_standard_input(self):
        for path in self.forms(a_cache()).values():
            with open(path, "rb") as file:
                self.assertIn("session cache", run("dominators", "-", stdin=file).stdout)


class BadInput(Files):
    def offset_of(self, line):
        match = re.search(r": byte (\d+): .*; expected: ", line)
        self.assertIsNotNone(match, line)
        return int(match.group(1))

    def test_own_form(self):
        good = a_cache(2).own()
        end = len(good) - len(list(a_cache(2).records())[-1])
        head = b"GaitHSn\n" + varint(2)
        first = b"H" + varint(8) + varint(BASE) + varint(0) * 3 + text("") + text("")
        kind = b"T" + text("pair") + b"K" + varint(0) + varint(1) + varint(1)
        leaf = b"N" + varint(0) + varint(0) + varint(16) + varint(0) * 2
        for data, offset, message in (
                (b"", 0, "the file is empty"), (b"xyz", 0, "something else"),
                (b"GaitHSx\n", 6, "something else"), (head[:-1] + varint(1), 8, "the version"),
                (head + b"K", 9, "H, the header"), (head + first + b"Q", None, "a record Q"),
                (head + first + b"H", None, "a record H"),
                (head + first + kind + leaf + varint(0) + kind, None, "order"),
                (good[:end], end, "cut off"), (good[:end + 2], end + 2, "cut off"),
                (good + b"x", len(good), "more follows"),
                (head + first + b"T" + varint(1 << 60), None, "cut off"),
                (head + first + b"T" + b"\xff" * 10, None, "64 bits"),
                (head + first + b"T" + b"\x80" * 11, None, "64 bits"),
                (head + first + b"K" + varint(256), None, "from 0 to 255"),
                (head + first + b"K" + varint(0) + varint(1) + varint(7), None, "from 0 to 0"),
                (head + first + kind * 2, None, "a second time"),
                (head + first + leaf, None, "told before"),
                (head + first + kind + leaf + varint(9), None, "an edge of type 9"),
                (head + first + kind + leaf + varint(1) + zigzag(-1), None, "leads to node 0"),
                (head + first + kind + leaf + varint(1) + zigzag(1 << 40), None, "leads to node"),
                (head + first + kind + leaf + varint(1) + zigzag(1) + varint(0) + b"E" +
                 varint(1) + varint(1) + varint(0) + varint(16) + varint(0) * 4,
                 len(head + first + kind + leaf) + 1, "up to 1"),
                (head + first + kind + b"N" + varint(0) + varint(0) + varint(1 << 63), None,
                 "cut off"),
                (head + first + kind + b"N" + varint(0) + varint(0) + varint(1 << 63) +
                 varint(0) * 3, None, "too many"),
                (head + first + b"R" + varint(1), None, "a group's number"),
                (good[:end] + b"E" + varint(3), end + 1, "which were read")):
            line = self.refused(FAILED, "kinds", self.path("bad", data))
            self.assertIn(message, line, data)
            at = self.offset_of(line)
            self.assertEqual(at, offset if offset is not None else at, line)

    def test_v8_form(self):
        good = json.loads(a_cache(2).v8())
        def changed(change):
            copy = json.loads(json.dumps(good))
            change(copy)
            return json.dumps(copy).encode()
        whole = json.dumps(good).encode()
        for data, message in (
                (b"{", "cut off"), (b"{}", "nodes, edges and strings"), (b"{]", "JSON"),
                (b"{\"nodes\": []}", "before it, snapshot.meta"), (whole[:-1], "cut off"),
                (whole + b"x", "JSON"), (b"{\"snapshot\": 3}", "an object"),
                (changed(lambda s: s.__setitem__("nodes", {})), "a list"),
                (changed(lambda s: s["nodes"].__setitem__(0, 99)), "node_types"),
                (changed(lambda s: s["nodes"].__setitem__(1, 99)), "a node's name is string 99"),
                (changed(lambda s: s["nodes"].__setitem__(3, -1)), "a whole number"),
                (changed(lambda s: s["nodes"].__setitem__(3, 1.5)), "a whole number"),
                (changed(lambda s: s["nodes"].__setitem__(3, "x")), "whole numbers"),
                (changed(lambda s: s["nodes"].__setitem__(3, [1])), "whole numbers"),
                (changed(lambda s: s["nodes"].__setitem__(3, 1 << 70)), "a whole number"),
                (changed(lambda s: s["nodes"].__setitem__(4, 3)), "as the nodes say"),
                (changed(lambda s: s["nodes"].pop()), "whole nodes"),
                (changed(lambda s: s["edges"].pop()), "whole nodes or edges"),
                (changed(lambda s: s["edges"].__setitem__(2, 3)), "where a node begins"),
                (changed(lambda s: s["edges"].__setitem__(2, 5000)), "leads to node 1000"),
                (changed(lambda s: s["edges"].__setitem__(0, 50)), "edge_types"),
                (changed(lambda s: s["strings"].__setitem__(0, 3)), "a list of texts"),
                (changed(lambda s: s["snapshot"]["meta"].pop("edge_types")), "snapshot.meta"),
                (changed(lambda s: s["snapshot"]["meta"].__setitem__(
                    "node_fields", ["f"] * 33)), "32 fields"),
                (whole.replace(b'"edges"', b'"nodes"'), "each key once")):
            line = self.refused(FAILED, "kinds", self.path("bad", data))
            self.assertIn(message, line, data[:100])
            self.offset_of(line)
        self.good("kinds", self.path("deep", whole[:-1] + b', "x": ' + b"[" * 100000 + b"]" * 100000
                                     + b"}"))

    def test_memory_follows_what_is_read(self):
        """A length that the file doesn't have costs nothing."""
        if "asan" in os.path.realpath(GAIT_HEAP):
            self.skipTest("a sanitizer's own memory is more")
        limit = 256 << 20
        head = b"GaitHSn\n" + varint(2) + b"H" + varint(8) + varint(BASE) + varint(0) * 3
        line = self.refused(
            FAILED, "kinds", self.path("bad", head + varint((1 << 63) - 1)),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        self.assertIn("cut off", line)

    def mutants(self, data):
        source = random.Random(SEED)
        for _ in range(MUTANTS):
            changed = bytearray(data)
            for _ in range(source.randrange(1, 4)):
                at = source.randrange(len(changed))
                way = source.randrange(5)
                if way == 0:
                    changed[at] = source.randrange(256)
                elif way == 1:
                    changed[at] ^= 1 << source.randrange(8)
                elif way == 2:
                    del changed[at:at + source.randrange(1, 9)]
                elif way == 3:
                    changed[at:at] = changed[source.randrange(len(changed)):][:source.randrange(1, 9)]
                else:
                    changed[at:at + 1] = source.choice((b"9" * 12, b"-1", b"[", b"\xff" * 9, b"0"))
                changed = changed or bytearray(b"x")
            if source.randrange(8) == 0:
                del changed[source.randrange(len(changed)):]
            yield bytes(changed)

    def test_mutants(self):
        """Whatever becomes of a file: an answer, or one line."""
        snapshot = a_random_graph(random.Random(SEED), 12)
        snapshot.objects[3].label = "label"
        good = self.path("good", snapshot.own())
        commands = (["kinds"], ["dominators", *ALL_OF_TREE], ["suspects"], ["picture"],
                    ["diff", good], ["suspects", good])
        for data in (snapshot.own(), snapshot.v8()):
            for i, changed in enumerate(self.mutants(data)):
                path = self.path("mutant", changed)
                command = commands[i % len(commands)]
                result = run(*command, path)
                self.assertIn(result.returncode, (OK, FAILED), (SEED, i, result.stderr))
                self.assertEqual(len(result.stderr.splitlines()), result.returncode,
                                 (SEED, i, result.stderr))


if __name__ == "__main__":
    print(f"GAIT_HEAP_SEED={SEED}", file=sys.stderr)
    unittest.main(argv=sys.argv[:1])
