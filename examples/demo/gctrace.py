# SPDX-License-Identifier: MIT
"""Read traces: GODEBUG=gctrace=1,gcpacertrace=1, in Go's documented format.

A cycle is told by two lines. The pacer's, if it is there, has bytes where the other has MB:

    pacer: 25% CPU (25 exp.) for 1200+300+40 B work (1500 B exp.) in 4194304 B -> 4390912 B
        (∆goal -12345, cons/mark +1.2e-001)                                     (all in one line)
    gc 7 @1.234s 2%: 0.01+1.2+0.02 ms clock, 0.02+0.1/1.0/0+0.04 ms cpu, 4->4->2 MB, 5 MB goal,
        0 MB stacks, 0 MB globals, 2 P                                          (all in one line)
"""

import re

MB = 1 << 20

_NUMBER = r"([0-9.]+)"
_CYCLE = re.compile(
    rf"gc (\d+) @{_NUMBER}s (\d+)%: {_NUMBER}\+{_NUMBER}\+{_NUMBER} ms clock, "
    rf"{_NUMBER}\+{_NUMBER}/{_NUMBER}/{_NUMBER}\+{_NUMBER} ms cpu, "
    r"(\d+)->(\d+)->(\d+) MB, (\d+) MB goal, (\d+) MB stacks, (\d+) MB globals, (\d+) P"
    r"( \(forced\))?")
_PACER = re.compile(r"pacer: .* in (\d+) B -> (\d+) B \(∆goal ([-+]?\d+), cons/mark ")
_FIGURE = re.compile(r"([a-z_0-9]+) +([0-9.eE+-]+)(?: |$)")


class Cycle:
    """One line of gctrace; sizes in bytes, as exact as the trace is."""

    def __init__(self, match, pacer):
        numbers = [float(text) for text in match.groups()[:18]]
        self.number = int(numbers[0])
        self.start_s = numbers[1]
        self.stop_ms = max(numbers[3], numbers[5])  # the two phases with mutators stopped
        self.end_s = self.start_s + sum(numbers[3:6]) / 1e3
        sizes = [int(number) * MB for number in numbers[11:17]]
        (self.trigger_bytes, self.peak_bytes, self.marked_bytes, self.goal_bytes,
         self.stack_bytes, self.globals_bytes) = sizes
        self.forced = match.group(19) is not None
        self.exact = pacer is not None
        if pacer:
            self.trigger_bytes, self.peak_bytes = int(pacer[0]), int(pacer[1])
            self.goal_bytes = self.peak_bytes - int(pacer[2])


class Trace:
    """The cycles of a run, and what the program printed about itself as it ended."""

    def __init__(self):
        self.cycles = []
        self.figures = {}
        self.other_lines = []
        self._pacer = None

    def add_line(self, line):
        line = line.rstrip("\n")
        cycle, pacer, figure = _CYCLE.match(line), _PACER.match(line), _FIGURE.match(line)
        if cycle:
            self.cycles.append(Cycle(cycle, self._pacer))
            self._pacer = None
        elif pacer:
            self._pacer = pacer.groups()
        elif figure:
            self.figures[figure.group(1)] = float(figure.group(2))
        elif line and not line.startswith("pacer: "):
            self.other_lines.append(line)

    def paced_cycles(self):
        return [cycle for cycle in self.cycles if not cycle.forced]

    def peak_cycle(self):
        return max(self.paced_cycles(), key=lambda cycle: cycle.peak_bytes, default=None)

    def goals_off_formula(self, gogc_percent):
        """How many goals are not what GOGC's formula gives for the live heap before them.

        goal = marked + (marked + stacks + globals) x GOGC / 100, at least 4 MiB x GOGC / 100,
        1 MiB above marked (room to sweep in), and 64 KiB above where the cycle started.
        The trace cuts sizes to MB, so each stands for a range, and so does the goal.
        """
        growth = gogc_percent / 100
        wrong = 0
        for before, cycle in zip(self.cycles, self.cycles[1:]):
            cut = 0 if cycle.exact else MB
            roots = before.stack_bytes + before.globals_bytes
            low = before.marked_bytes * (1 + growth) + roots * growth
            high = low + MB * (1 + growth) + 2 * MB * growth
            low = max(low, 4 * MB * growth, cycle.trigger_bytes + MB // 16)
            high = max(high, 4 * MB * growth, before.marked_bytes + 2 * MB,
                       cycle.trigger_bytes + MB // 16 + cut)
            wrong += not low - cut <= cycle.goal_bytes <= high
        return wrong
