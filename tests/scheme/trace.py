#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GAIT_DEBUG=trace=FILE: a list of events that trace viewers open.

Usage: trace.py SCHEME
"""

import json
import os
import subprocess
import sys
import tempfile

PROGRAM = """
(define (tree depth) (if (= depth 0) '() (cons (tree (- depth 1)) (tree (- depth 1)))))
(define kept (tree 16))
(do ((i 0 (+ i 1))) ((= i 60)) (tree 14))
(display (pair? kept))
"""


def check(truth, what):
    if not truth:
        sys.exit(f"trace: {what}")


def traced(scheme, **settings):
    """All events of a run, and by type and name."""
    with tempfile.TemporaryDirectory() as folder:
        program, trace = os.path.join(folder, "trees.scm"), os.path.join(folder, "trace.json")
        with open(program, "w", encoding="ascii") as file:
            file.write(PROGRAM)
        done = subprocess.run([scheme, program], capture_output=True, text=True, check=False,
                              env={**os.environ, "GAIT_DEBUG": f"trace={trace}", **settings})
        check(done.returncode == 0 and done.stdout == "#t", done)
        with open(trace, encoding="utf-8") as file:
            events = json.load(file)
    names = {}
    for event in events:
        names.setdefault((event["ph"], event["name"]), []).append(event)
    return events, names


def check_naps(scheme):
    """With one CPU marking takes a quarter of it, and naps for the rest."""
    _, names = traced(scheme, GOGC="50", GOMAXPROCS="1")
    cycles = names["X", "cycle"]
    napped = [nap for nap in names.get(("X", "nap"), []) if any(
        cycle["ts"] <= nap["ts"] <= cycle["ts"] + cycle["dur"] for cycle in cycles)]
    check(napped, f"no nap in one of {len(cycles)} cycles")


def check_own_sweeping(events, names):
    """The program's thread may sweep as it allocates: on its row, in events that do not overlap, and
    not one for each span that it sweeps. Mostly the collector is faster."""
    threads = {event["tid"]: event["args"]["name"] for event in names["M", "thread_name"]}
    own = sorted((event for event in names["X", "sweep"] if threads[event["tid"]] == "scheme"),
                 key=lambda event: event["ts"])
    for one, other in zip(own, own[1:]):
        check(one["ts"] + one["dur"] <= other["ts"] + 0.001, (one, other))
    for event in own:
        check(0 < event["args"]["ns"] <= event["dur"] * 1000 + 1, event)
    times = [event["ts"] for event in events if "ts" in event]
    check(len(own) <= (max(times) - min(times)) / 100 + 100, f"{len(own)} events")


def check_rows(events, names):
    """In each row events lie one within the other, or apart: viewers take others for faults."""
    cycles, phases = (next(event["tid"] for event in names["M", "thread_name"]
                           if event["args"]["name"] == name) for name in ("cycles", "phases"))
    rows = {}
    for event in events:
        if event["ph"] == "X":
            rows.setdefault((event["pid"], event["tid"]), []).append(event)
    check({event["name"] for (_, row), found in rows.items() if row == cycles
           for event in found} == {"cycle"}, "cycles have a row of their own")
    check({"mark", "sweep", "settle"} <= {event["name"] for (_, row), found in rows.items()
                                          if row == phases for event in found},
          "phases have a row of their own")
    def end_of(event):
        return event["ts"] + event["dur"] - 0.0015  # us, of three digits
    for found in rows.values():
        within = []
        for event in sorted(found, key=lambda event: (event["ts"], -event["dur"])):
            while within and end_of(within[-1]) <= event["ts"]:
                within.pop()
            check(not within or end_of(event) <= end_of(within[-1]) + 0.0015, (within, event))
            within.append(event)


def main():
    scheme = sys.argv[1]
    check_naps(scheme)
    events, names = traced(scheme, GOGC="50")
    for key in (("X", "cycle"), ("X", "mark"), ("X", "stop"), ("X", "handshake"), ("X", "sweep"),
                ("C", "live_bytes"), ("C", "goal_bytes"), ("M", "process_name")):
        check(key in names, f"no {key} among {sorted(names)}")
    threads = {event["args"]["name"] for event in names["M", "thread_name"]}
    check({"gait-collect", "scheme"} <= threads, threads)
    check([event["args"]["name"].split(" of ")[0] for event in names["M", "process_name"]] ==
          ["heap 1"], names["M", "process_name"])
    cycles = sorted(names["X", "cycle"], key=lambda event: event["ts"])
    check([cycle["args"]["number"] for cycle in cycles] == list(range(1, len(cycles) + 1)),
          "cycles are numbered from 1 on")
    for one, next_one in zip(cycles, cycles[1:]):
        check(one["ts"] + one["dur"] <= next_one["ts"], "a cycle follows another")
    end = cycles[-1]["ts"] + cycles[-1]["dur"]
    for mark in names["X", "mark"]:  # the program may have ended in the middle of another one
        check(mark["ts"] > end or any(cycle["ts"] <= mark["ts"] <= cycle["ts"] + cycle["dur"]
                                      for cycle in cycles), "marking is in cycles")
    check_own_sweeping(events, names)
    check_rows(events, names)
    check(events[-1]["name"] == "end" and events[-1]["args"]["dropped"] == 0, events[-1])


main()
