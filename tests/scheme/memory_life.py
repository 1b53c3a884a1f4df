#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/memory-life: what a trace says is in the picture; what is no trace is one line.

Usage: memory_life.py MEMORY_LIFE SCHEME
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import xml.dom.minidom

PROGRAM = """
(define (tree depth) (if (= depth 0) '() (cons (tree (- depth 1)) (tree (- depth 1)))))
(define kept (tree 16))
(define texts (make-vector 2000 #f))
(do ((i 0 (+ i 1))) ((= i 2000)) (vector-set! texts i (make-string 3000 #\\a)))
(do ((i 0 (+ i 1))) ((= i 80)) (tree 14))
(do ((i 0 (+ i 1))) ((= i 40000000))) ; allocates nothing for some looks of the trace
(do ((i 0 (+ i 1))) ((= i 80)) (tree 14))
(display (pair? kept))
"""
MIB = 1 << 20


def check(truth, what):
    if not truth:
        sys.exit(f"memory_life: {what}")


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def made_up():
    """Spans of small objects for two seconds, of large ones too from one second on."""
    def figure(name, us, **values):
        return {"ph": "C", "pid": 1, "tid": 0, "cat": "gc", "name": name, "ts": us, "args": values}
    events = [{"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "Gait"}}]
    for i in range(100):
        us, more = 20000 * i, 0 if i < 50 else 16 * MIB
        events.append(figure("memory", us, spans=8 * MIB + more, arenas=4 * MIB, offheap=0,
                             foreign=0, metadata=MIB, free=2 * MIB, released=0))
        events.append(figure("spans", us, **{"16": 8 * MIB, "64": 0, "256": 0, "1024": 0,
                                             "4096": 0, "32768": 0, "large": more}))
        # 100 MiB a second of small objects; from one second on as much of large ones too
        events.append(figure("allocated", us, **{"16": 2 * i * MIB, "64": 0, "256": 0, "1024": 0,
                                                 "4096": 0, "32768": 0,
                                                 "large": 2 * max(0, i - 50) * MIB}, arenas=0,
                             offheap=0, foreign=0))
        events.append(figure("live_bytes", us, bytes=6 * MIB))
        events.append(figure("goal_bytes", us, bytes=12 * MIB))
    for i in range(5):
        events.append({"ph": "X", "pid": 1, "tid": 2, "name": "cycle", "ts": 300000 * (i + 1),
                       "dur": 5000, "args": {"number": i + 1}})
        events.append({"ph": "X", "pid": 1, "tid": 2, "name": "stop", "ts": 300000 * (i + 1) + 4000,
                       "dur": 40, "args": {"mutators": 1}})
    events.append({"ph": "i", "pid": 1, "tid": 0, "ts": 2000000, "name": "end",
                   "args": {"dropped": 3}})
    return events


def check_picture(picture, *parts):
    document = xml.dom.minidom.parseString(picture)
    check(not document.getElementsByTagName("script"), "it has a script")
    check("http" not in picture.replace("http://www.w3.org/2000/svg", ""), "it loads something")
    for part in parts:
        check(part in picture, f"no {part!r} in the picture")


def columns(picture, title):
    path = re.search(rf'<path class="rate" d="([^"]*)" fill="[^"]*"><title>{title}', picture)
    check(path, f"nothing is shown as {title}")
    return path.group(1).count("M")


def check_without_rates(life, folder):
    """A trace of an older release."""
    trace = os.path.join(folder, "older.json")
    with open(trace, "w", encoding="utf-8") as file:
        json.dump([event for event in made_up() if event["name"] != "allocated"], file)
    done = run(life, trace)
    check(done.returncode == 0, done)
    check_picture(done.stdout, 'height="540"')
    check("allocated" not in done.stdout, "what nobody told is shown")


def check_heaps(life, folder):
    """The picture of one heap has nothing of others."""
    trace = os.path.join(folder, "heaps.json")
    events = made_up()
    events[0]["args"]["name"] = "heap 1 of some 1 (Gait)"
    others = [dict(event, pid=4194306) for event in made_up() if event["ph"] != "i"]
    others[0]["args"] = {"name": "heap 2 of some 1 (Gait)"}
    others = [event for event in others if event["name"] != "cycle" or event["args"]["number"] < 3]
    with open(trace, "w", encoding="utf-8") as file:
        json.dump(events[:-1] + others + events[-1:], file)
    for more, cycles in (((), 5), (("--heap", "1"), 5), (("--heap", "2"), 2)):
        done = run(life, trace, *more)
        check(done.returncode == 0, done)
        check_picture(done.stdout, f"{cycles} collections; 5 stops", "3 events were dropped")
    done = run(life, trace, "--heap", "3")
    check(done.returncode == 1 and "there is no heap 3" in done.stderr
          and done.stderr.count("\n") == 1, done)


def check_made_up(life, folder):
    trace, svg = os.path.join(folder, "made-up.json"), os.path.join(folder, "made-up.svg")
    with open(trace, "w", encoding="utf-8") as file:
        json.dump(made_up(), file)
    done = run(life, trace, "-o", svg, "--title", "Some <program>", "--seconds", "10")
    check(done.returncode == 0 and not done.stdout + done.stderr, done)
    with open(svg, encoding="utf-8") as file:
        picture = file.read()
    check_picture(picture, "Some &lt;program&gt;", "to 16 bytes", "larger", "arenas", "metadata",
                  "5 collections; 5 stops of all threads, the longest 0.04 ms, in all 0.2 ms",
                  "3 events were dropped", "animation: go 10s")
    check("off-heap" not in picture, "what there is nothing of has a place in the legend")
    check(picture.count('class="pulse" cx="') == 5, "a pulse for each collection")
    # 198 MiB of small objects in 1.98 s and 98 of large ones; the trace is 2 s long
    check("148 in the mean, 200 at most; in all 296 MiB" in picture,
          re.findall("allocated, MiB[^<]*", picture))
    check(columns(picture, "to 16 bytes, allocated") > 230, "columns of small objects")
    check(110 < columns(picture, "larger, allocated") < 125, "columns of large objects")
    # the bar of large objects is empty in the first half, and the longest in the second
    bar = re.search(r"@keyframes bar\d+ \{(0\.00%\{transform:scaleX\(0\.0000\)\}[^}]*.*)", picture)
    check(bar and "scaleX(1.0000)" in bar.group(1), "the bar of large objects does not grow")


def check_evenly(events):
    """Sums never fall; and where nothing was allocated for a while, its end is told."""
    figures = [event for event in events if event["ph"] == "C" and event["name"] == "allocated"]
    pairs = list(zip(figures, figures[1:]))
    for one, other in pairs:
        check(all(one["args"][key] <= other["args"][key] for key in one["args"]), (one, other))
    check(any(one["args"] == other["args"] and other["ts"] - one["ts"] > 10000
              for one, other in pairs), "the program's pause is not told")


def check_real(life, scheme, folder):
    program, trace = os.path.join(folder, "life.scm"), os.path.join(folder, "life.json")
    with open(program, "w", encoding="ascii") as file:
        file.write(PROGRAM)
    done = subprocess.run([scheme, program], capture_output=True, text=True, check=False,
                          env={**os.environ, "GAIT_DEBUG": f"trace={trace}", "GOGC": "50"})
    check(done.returncode == 0 and done.stdout == "#t", done)
    with open(trace, encoding="utf-8") as file:
        text = file.read()
    events = json.loads(text)
    most = {}
    for event in events:
        if event["ph"] == "C" and event["name"] in ("memory", "spans", "allocated"):
            for key, value in event["args"].items():
                most[event["name"], key] = max(most.get((event["name"], key), 0), value)
    check(most["spans", "32768"] >= 2000 * 3000, most)  # the texts, of 1 to 4 bytes a letter
    check(most["spans", "64"] + most["spans", "16"] > MIB, most)  # the trees
    counted = sum(value for (name, _), value in most.items() if name == "spans")
    check(most["memory", "spans"] <= counted * 1.5, most)
    check(most["allocated", "32768"] >= 2000 * 3000, most)
    check(most["allocated", "16"] + most["allocated", "64"] > 160 * 2 ** 14 * 16, most)  # the trees
    check_evenly(events)
    done = run(life, trace)
    check(done.returncode == 0, done)
    check_picture(done.stdout, "to 32 KiB", "live heap")
    # a program that was killed leaves a trace without its end
    with open(trace, "w", encoding="utf-8") as file:
        file.write(text[:-200])
    done = run(life, trace)
    check(done.returncode == 0, done)


def check_refused(life, folder):
    bad = os.path.join(folder, "bad")
    for content, told in (("", "it is no trace"), ("{}", "it is no trace"), ("[1, 2]", "it is no"),
                          ("[]", "it says too little of memory"), ("\x00\xff", "it is no"),
                          ('[{"ph": "C", "name": "memory", "args": {"spans": 1}}]', "malformed")):
        with open(bad, "w", encoding="latin-1") as file:
            file.write(content)
        done = run(life, bad)
        check(done.returncode == 1 and not done.stdout and told in done.stderr
              and done.stderr.count("\n") == 1, (content, done))
    done = run(life, os.path.join(folder, "none"))
    check(done.returncode == 1 and done.stderr.count("\n") == 1, done)
    with open(bad, "w", encoding="utf-8") as file:
        json.dump(made_up(), file)
    for arguments in ((bad, "-o", os.path.join(folder, "no", "such")), (bad, "--seconds", "0")):
        done = run(life, *arguments)
        check(done.returncode == 1 and done.stderr.count("\n") == 1, done)


def main():
    life, scheme = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        check_made_up(life, folder)
        check_heaps(life, folder)
        check_without_rates(life, folder)
        check_refused(life, folder)
        check_real(life, scheme, folder)


main()
