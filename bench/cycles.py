# SPDX-License-Identifier: MIT
"""What cycles say in a trace (gctrace=2, gcfloat=1): how much of the marked is live, and where the
heap ends beside its goal. README.md, "The curve", has the definitions."""

import re
import statistics

MIB = 1 << 20
BYTES_LINE = re.compile(r"gc (\d+) bytes: (.*)")
LEAST_HEAP_BYTES = 4 * MIB # the goal at GOGC=100 is at least so much
# Steady: not the first cycles, and live is what it was in the two before, to a quarter.
STEADY_AFTER = 3
STEADY_WITHIN = 0.25


class Cycles:
    """The cycles of one run, from its lines."""

    def __init__(self):
        self.lines = []

    def line_seen(self, line):
        match = BYTES_LINE.match(line)
        if match:
            words = dict(word.split("=", 1) for word in match[2].split() if "=" in word)
            self.lines.append({name: int(value) for name, value in words.items()})

    def steady(self):
        """The cycles whose live bytes say what the next goal should be."""
        for i, cycle in enumerate(self.lines):
            live = cycle.get("live", 0)
            before = [one.get("live", 0) for one in self.lines[max(i - 2, 0):i]]
            if i >= STEADY_AFTER and live and all(
                    abs(one - live) <= STEADY_WITHIN * live for one in before):
                yield cycle

    def figures(self, gogc):
        """Of the steady ones: live, float, and the heap's end over its goal; medians, and the most.
        The goal is that of live, as if nothing floated."""
        floats, ends, lives = [], [], []
        for cycle in self.steady():
            live, roots = cycle["live"], cycle["stacks"] + cycle["globals"]
            goal = max(live + (live + roots) * gogc / 100, LEAST_HEAP_BYTES * gogc / 100)
            floats.append(cycle["marked"] / live)
            ends.append(cycle["peak"] / goal)
            lives.append(live / MIB)
        if not floats:
            return {}
        return {"steady": len(floats), "live_mib": statistics.median(lives),
                "float": statistics.median(floats), "float_max": max(floats),
                "end": statistics.median(ends), "end_max": max(ends)}
