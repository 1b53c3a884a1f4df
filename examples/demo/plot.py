# SPDX-License-Identifier: MIT
"""Draw live heap, goal and trigger over time of many runs into one SVG, with gnuplot.

The live heap is known where a cycle starts, where its marking ends, and after it: straight lines
lie between. Triggers are points: a cycle starts there, or a little later.
"""

import subprocess

from gctrace import MB

CELL = (400, 250)  # pixels of one diagram
SHOWN_CYCLES = 50  # the first of a run: more are one blot of colour


def _live_points(cycles):
    """The live heap: up to the trigger, to the end of marking, down to what was marked."""
    yield 0.0, 0.0
    for cycle in cycles:
        yield cycle.start_s, cycle.start_bytes
        yield cycle.end_s, cycle.peak_bytes
        yield cycle.end_s, cycle.marked_bytes


def _goal_points(cycles):
    """A goal holds from the end of the cycle before to the end of its own."""
    since_s = 0.0
    for cycle in cycles:
        yield since_s, cycle.goal_bytes
        yield cycle.end_s, cycle.goal_bytes
        since_s = cycle.end_s


def _block(name, points):
    lines = "\n".join(f"{time_s:.6f} {size / MB:.4f}" for time_s, size in points)
    return f"${name} << EOD\n{lines}\nEOD\n"


def draw(svg, rows):
    """rows: a list of rows of (title, cycles, limit in bytes or None)."""
    columns = max(len(row) for row in rows)
    script = [
        f"set terminal svg size {CELL[0] * columns},{CELL[1] * len(rows)} font 'sans,11' "
        "background 'white'",
        f"set output '{svg}'",
        f"set multiplot layout {len(rows)},{columns}",
        "set key below horizontal samplen 1 width -2 font ',9'",
        "set xrange [0:*]",
        "set yrange [0:*]",
        "set grid lc '#dddddd'",
        "set xlabel 's' offset 0,0.5",
        "set ylabel 'MiB' offset 2",
    ]
    for row in rows:
        for title, cycles, limit_bytes in row:
            if not cycles:
                script.append("set multiplot next")
                continue
            if len(cycles) > SHOWN_CYCLES:
                title += f": the first {SHOWN_CYCLES} of {len(cycles)} cycles"
                cycles = cycles[:SHOWN_CYCLES]
            script.append(_block("live", _live_points(cycles)))
            script.append(_block("goal", _goal_points(cycles)))
            script.append(_block("trigger", [(c.start_s, c.trigger_bytes) for c in cycles]))
            limit = f", {limit_bytes / MB} title 'limit' with lines lc '#888888' dt 2" \
                if limit_bytes else ""
            script.append(
                f"set title '{title}'\n"
                "plot $live title 'live heap' with lines lc '#2060c0' lw 0.7, "
                "$goal title 'goal' with lines lc '#c03020', "
                "$trigger title 'trigger' with points pt 7 ps 0.3 lc '#30a030'" + limit)
        for _ in range(columns - len(row)):
            script.append("set multiplot next")
    script.append("unset multiplot")
    subprocess.run(["gnuplot"], input="\n".join(script), text=True, check=True)
