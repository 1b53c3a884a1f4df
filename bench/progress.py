# SPDX-License-Identifier: MIT
"""How far bench/run is, and how long it will take."""

import sys
import time

QUICK_S = 0.25 # of one run


class Progress:
    """What is to be run: (workload, how many peers, rounds). A run that was not seen yet takes what
    its workload says, times what the others took over what they should."""

    def __init__(self, runs, quick):
        self.runs = runs
        self.quick = quick
        self.seen = {} # by workload: runs, seconds
        self.started = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.told = None

    def expected(self, workload):
        return min(QUICK_S, workload.seconds) if self.quick else workload.seconds

    def left_s(self):
        should = sum(self.expected(workload) * self.seen[workload.name][0]
                     for workload, _, _ in self.runs if workload.name in self.seen)
        took = sum(seconds for _, seconds in self.seen.values())
        pace = took / should if should else 1
        left = 0
        for workload, peers, rounds in self.runs:
            count, seconds = self.seen.get(workload.name, (0, 0))
            each = seconds / count if count else self.expected(workload) * pace
            left += max(peers * rounds - count, 0) * each
        return left

    def begin(self, workload, peer, number):
        self.run_started = time.monotonic()
        names = [one.name for one, _, _ in self.runs]
        where = f"[{names.index(workload.name) + 1}/{len(names)}] {workload.name}"
        left = f"{minutes(time.monotonic() - self.started)}, {minutes(self.left_s())} left"
        if self.terminal:
            print(f"\r\033[K{where}: round {number + 1}, {peer} ({left})", end="", file=sys.stderr,
                  flush=True)
        elif self.told != workload.name:
            print(f"{where} ({left})", file=sys.stderr, flush=True)
        self.told = workload.name

    def end(self, workload):
        count, seconds = self.seen.get(workload.name, (0, 0))
        self.seen[workload.name] = count + 1, seconds + time.monotonic() - self.run_started
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def say(self, text):
        print(("\r\033[K" if self.terminal else "") + text, file=sys.stderr, flush=True)

    def plan(self):
        lines = [f"{workload.name}: {peers} peers, {rounds} rounds, "
                 f"{minutes(peers * rounds * self.expected(workload))}"
                 for workload, peers, rounds in self.runs]
        return "\n".join(lines + [f"{minutes(self.left_s())} in all"])


def minutes(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
