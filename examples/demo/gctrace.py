# SPDX-License-Identifier: MIT
"""Read traces: GODEBUG=gctrace=2, Go's documented format and a line of exact sizes.

A cycle is told by two lines, of which the second has bytes where the first has MB:

    gc 7 @1.234s 2%: 0.01+1.2+0.02 ms clock, 0.02+0.1/1.0/0+0.04 ms cpu, 4->4->2 MB, 5 MB goal,
        0 MB stacks, 0 MB globals, 2 P                                          (all in one line)
    gc 7 bytes: start=4194304 trigger=4190208 peak=4390912 marked=2097152 goal=4403200 stacks=64
        globals=0 estimate=2093056                                              (all in one line)
"""

import re
import statistics

MB = 1 << 20
PAGE_BYTES = 4096
STEADY_GOAL_BYTES = 16 * MB  # below, an allocation cache more or less counts for much
WARM = 0.9  # of what most cycles mark: the program has built what it keeps

_NUMBER = r"([0-9.]+)"
_CYCLE = re.compile(
    rf"gc (\d+) @{_NUMBER}s (\d+)%: {_NUMBER}\+{_NUMBER}\+{_NUMBER} ms clock, "
    rf"{_NUMBER}\+{_NUMBER}/{_NUMBER}/{_NUMBER}\+{_NUMBER} ms cpu, "
    r"(\d+)->(\d+)->(\d+) MB, (\d+) MB goal, (\d+) MB stacks, (\d+) MB globals, (\d+) P"
    r"( \(forced\))?")
_BYTES = re.compile(
    r"gc (\d+) bytes: start=(\d+) trigger=(\d+) peak=(\d+) marked=(\d+) goal=(\d+) "
    r"stacks=(\d+) globals=(\d+)(?: .*?)?estimate=(\d+)(.* floor=1)?")
_FIGURE = re.compile(r"([a-z_0-9]+) +([0-9.eE+-]+)(?: |$)")


class Cycle:
    """What a cycle's first line says; its second adds the sizes, in bytes."""

    def __init__(self, match):
        numbers = [float(text) for text in match.groups()[:18]]
        self.number = int(numbers[0])
        self.start_s = numbers[1]
        self.end_s = self.start_s + sum(numbers[3:6]) / 1e3
        self.forced = match.group(19) is not None

    def add_sizes(self, match):
        (self.start_bytes, self.trigger_bytes, self.peak_bytes, self.marked_bytes, self.goal_bytes,
         self.stack_bytes, self.globals_bytes, self.estimate_bytes) = map(int, match.groups()[1:9])
        self.floor = match.group(10) is not None  # the CPU gave the goal, not GOGC

    def deviation(self):
        """How far from its goal the live heap was as marking ended, as a part of the goal."""
        return self.peak_bytes / self.goal_bytes - 1


class Trace:
    """The cycles of a run, and what the program printed about itself as it ended."""

    def __init__(self):
        self.cycles = []
        self.figures = {}
        self.other_lines = []
        self._started = None  # a cycle whose second line is still to come

    def add_line(self, line):
        line = line.rstrip("\n")
        cycle, sizes, figure = _CYCLE.match(line), _BYTES.match(line), _FIGURE.match(line)
        if cycle:
            self._started = Cycle(cycle)
        elif sizes and self._started and self._started.number == int(sizes.group(1)):
            self._started.add_sizes(sizes)
            self.cycles.append(self._started)
            self._started = None
        elif figure:
            self.figures[figure.group(1)] = float(figure.group(2))
        elif line:
            self.other_lines.append(line)

    def peak_cycle(self):
        paced = (cycle for cycle in self.cycles if not cycle.forced)
        return max(paced, key=lambda cycle: cycle.peak_bytes, default=None)

    def live_bytes(self):
        """The live heap as most cycles found it."""
        return statistics.median(cycle.marked_bytes for cycle in self.cycles) if self.cycles else 0

    def steady_cycles(self):
        """All cycles, whatever became of them, since the program has built what it keeps.

        That is after the first cycle that marked nine tenths of what most cycles marked. Goals
        below 16 MiB are left out, and cycles that something else than the pacer started.
        """
        built = WARM * self.live_bytes()
        first = next((i for i, cycle in enumerate(self.cycles) if cycle.marked_bytes >= built), 0)
        return [cycle for cycle in self.cycles[first + 1:]
                if cycle.goal_bytes >= STEADY_GOAL_BYTES and not cycle.forced]

    def goals_off_formula(self, gogc_percent):
        """How many goals are not what GOGC's formula gives for the live heap before them.

        goal = live + (live + stacks + globals) x GOGC / 100, at least 4 MiB x GOGC / 100 and 64 KiB
        above where the cycle started; or what leaves room to sweep in: 1 MiB above the live heap as
        the cycle before ended; or what the CPU asks for. Live is what the collector takes for it,
        `estimate`. Stacks change between the trace's line and the goal: a page of difference
        doesn't count.
        """
        wrong = 0
        for before, cycle in zip(self.cycles, self.cycles[1:]):
            live = before.estimate_bytes
            growing = live + before.stack_bytes + before.globals_bytes
            goal = max(live + growing * gogc_percent // 100, 4 * MB * gogc_percent // 100,
                       before.marked_bytes + MB // 16, cycle.start_bytes + MB // 16)
            room_to_sweep = goal < cycle.goal_bytes <= before.marked_bytes + MB + MB // 4
            off = abs(cycle.goal_bytes - goal) > PAGE_BYTES
            wrong += off and not room_to_sweep and not cycle.floor
        return wrong
