#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A profile without stacks says whose work each function does: what docs/observing.md names.

Usage: flat_test.py PROGRAM

PROGRAM is that of flat.c, with the library in it.
"""

import bisect
import os
import re
import subprocess
import sys

# Of the program's thread, by the name of the function alone; the first that fits. It marks nothing
# but in assists, and for the barrier.
WORK = (
    ("barrier", r"marker_shade"),
    ("assists", r"marker_\w+|queue_\w+|control_assist|control_advise|alloc_make_room"),
    ("sweeping", r"sweep_\w+|sweeping_\w+|hook_sweep_\w+"),
    ("barrier", r"gait_store\w*|gait_barrier|barrier_\w+|mutator_(shade|flush_barrier)"),
    ("allocation", r"gait_alloc\w*|alloc_\w+|cache_\w+|central_\w+|space_\w+|control_\w+"),
    ("stops and roots", r"world_\w+|mutator_\w+|gait_poll\w*|roots_scan"),
    ("program", r"work|node_new|tree_new|main|thread_cpu_s"),
)
# The collector's own threads.
BACKGROUND = re.compile(r"marker_drain|marker_scan_batch|marker_follow_chain|workers_\w+|cycle_run")


def check(truth, what):
    if not truth:
        sys.exit(f"flat: {what}")


def functions_of(program):
    """Their starts, sorted, and their names."""
    lines = subprocess.run(["nm", "-n", "--defined-only", program], capture_output=True, text=True,
                           check=True).stdout.split("\n")
    found = [line.split() for line in lines if re.search(r" [tTwW] ", line)]
    return [int(address, 16) for address, _, _ in found], [name for _, _, name in found]


def work_of(function):
    for work, pattern in WORK:
        if re.fullmatch(rf"(?:{pattern})(?:\.\w+)*", function):
            return work
    return None


def main():
    program = sys.argv[1]
    done = subprocess.run([program], capture_output=True, text=True, check=False,
                          env={**os.environ, "GOGC": "25", "GOMAXPROCS": "1", "GAIT_MINOR": "off"})
    check(done.returncode == 0, done)
    share, *offsets = done.stdout.split()
    starts, names = functions_of(program)
    counts, end = {}, starts[-1] + 65536
    for offset in (int(offset, 16) for offset in offsets):
        at = bisect.bisect(starts, offset) - 1
        name = names[at] if at >= 0 and offset < end else "(libraries of the system)"
        counts[name] = counts.get(name, 0) + 1
    print(f"assists had {share} of the time")
    for name, count in sorted(counts.items(), key=lambda item: -item[1]):
        print(f"{count:6} {name}: {work_of(name)}")
    background = [name for name in counts if BACKGROUND.match(name)]
    check(not background, f"the program's thread is in {background}")
    assists = sum(count for name, count in counts.items() if work_of(name) == "assists")
    # what has the time that the figures say; queues and clocks are functions of all
    expected = float(share) * len(offsets)
    check(expected > 20, "there are hardly any assists")
    check(0.5 * expected < assists < 1.5 * expected + 10, f"{assists} in assists, not {expected}")
    unknown = [name for name, count in counts.items()
               if not work_of(name) and count > len(offsets) / 50 and not name.startswith("(")]
    check(not unknown, f"nobody knows whose work this is: {unknown}")


main()
