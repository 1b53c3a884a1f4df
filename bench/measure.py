# SPDX-License-Identifier: MIT
"""What bench/run and bench/curve share: one measured run of a program, and a table on the screen."""

import os
import platform
import re
import subprocess
import threading
import time

NUMBER = re.compile(r"-?[0-9.]+(?:e[-+]?[0-9]+)?")
# What the environment may not change.
STRANGE = ("GOMEMLIMIT", "GODEBUG", "GAIT_DEBUG", "GAIT_MINOR", "GOMAXPROCS", "GC_MARKERS",
           "OCAMLRUNPARAM", "WHIPPET_OPTIONS")
GC_CPU = ["assist", "dedicated", "fractional", "idle", "sweep", "scavenge"]


def machine():
    """What the figures were measured on, in one line."""
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as lines:
        memory_gib = int(lines.readline().split()[1]) / (1 << 20)
    try:
        with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="utf-8") as line:
            huge = line.read().split("[")[1].split("]")[0]
    except OSError:
        huge = "none"
    return (f"{len(os.sched_getaffinity(0))} CPUs ({model}), {memory_gib:.0f} GiB, "
            f"{platform.system()} {platform.release()}, THP={huge}, "
            f"load {os.getloadavg()[0]:.2f}")


def run_once(command, environment, timeout_s, line_seen=None):
    """Run a program; its figures, or a line that says what went wrong. line_seen gets each line of
    its output."""
    read_end, write_end = os.pipe()
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=write_end, stderr=write_end, env=environment)
    os.close(write_end)
    killed = False

    def kill():
        nonlocal killed
        killed = True
        child.kill()

    timer = threading.Timer(timeout_s, kill)
    timer.start()
    with os.fdopen(read_end) as output:
        lines = output.read().splitlines()
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.monotonic() - start
    timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    if killed:
        return f"no end after {timeout_s} s"
    if child.returncode:
        return f"exit status {child.returncode}: {' / '.join(lines[-3:])}"
    figures = {"wall_s": wall_s, "cpu_s": usage.ru_utime + usage.ru_stime,
               "rss_mib": usage.ru_maxrss / 1024}
    for line in lines:
        if line_seen:
            line_seen(line)
        words = line.split()
        if len(words) > 1 and NUMBER.fullmatch(words[1]): # the interpreter says more on a line
            figures[words[0]] = float(words[1])
    if "cpu_sweep_ns" in figures:
        figures["gc_cpu_s"] = sum(figures[f"cpu_{name}_ns"] for name in GC_CPU) / 1e9
        figures["pause_max_us"] = figures["pause_max_ns"] / 1e3
        figures["total_peak_mib"] = figures["peak_total_bytes"] / (1 << 20)
    if "gc_cpu_s" in figures and "requests" in figures:
        figures["gc_cpu_us_per_request"] = 1e6 * figures["gc_cpu_s"] / figures["requests"]
    # The same question, answered by two rules: README.md, "GC share".
    for name in ("gc_cpu_fraction", "gc_available_cpu_fraction"):
        if name in figures:
            figures["gc_share"] = figures[name]
    return figures


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip())
