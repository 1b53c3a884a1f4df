# SPDX-License-Identifier: MIT
"""The pictures of bench/run, as SVG; without matplotlib each is an empty text."""

import io
import re

from compare import median_of
from workloads import COLUMNS, KNOB_MARK, MORE_IS_BETTER

# matplotlib and its pyplot, once available() has found them. Not before the programs have run: the
# kernel starts a child's peak RSS at its parent's size.
matplotlib = pyplot = None

# The same peer has the same colour in all pictures.
COLOURS = {"gait": "#c2185b", "gait-full": "#f48fb1", "boehm": "#1565c0", "boehm-inline": "#64b5f6",
           "go": "#00897b", "ocaml": "#ef6c00", "guile": "#6d4c41", "malloc": "#616161",
           "jemalloc": "#9e9e9e", "mimalloc": "#212121"}
OTHERS = ["#7b1fa2", "#558b2f", "#f9a825", "#4e342e", "#00acc1", "#ad1457", "#455a64"]


def available():
    """Whether there can be pictures."""
    global matplotlib, pyplot
    if not pyplot:
        try:
            import matplotlib
            matplotlib.use("svg")
            from matplotlib import pyplot
        except ImportError:
            return False
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "gait", "font.size": 9,
                                    "axes.spines.top": False, "axes.spines.right": False})
    return True


def colour(peer, peers):
    return COLOURS.get(peer) or OTHERS[list(peers).index(peer) % len(OTHERS)]


def svg(figure):
    """The picture's text, without what changes from day to day and without a file's head."""
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    text = out.getvalue()
    # coordinates need no more than hundredths; what is written on an axis keeps all of its figures
    def shorten(tag):
        return re.sub(r"(\d+\.\d{2})\d+", r"\1", tag.group())
    return re.sub(r"<[^>]*>", shorten, text[text.index("<svg"):]).strip()


def ratio_axis(axis):
    axis.set_xscale("log", base=2)
    axis.axvline(1, color="#888", linewidth=0.8)
    axis.grid(axis="x", color="#eee", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda x, _: f"{x:g}"))
    axis.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def dot(axis, told, y, shade):
    """A ratio with its interval; hollow: a tie."""
    axis.plot([told["low"], told["high"]], [y, y], color=shade, linewidth=1.6)
    axis.plot([told["median"]], [y], "o", color=shade, markersize=5,
              markerfacecolor="white" if told["tie"] else shade)


def ratios(workload, result):
    """The base's figures over each peer's: one panel for each figure."""
    peers = [peer for peer, told in result["ratios"].items() if told]
    if not available() or not peers:
        return ""
    figure, axes = pyplot.subplots(1, len(workload.compared), sharey=True, squeeze=False,
                                   figsize=(3.2 * len(workload.compared), 0.5 + 0.22 * len(peers)))
    for axis, name in zip(axes[0], workload.compared):
        ratio_axis(axis)
        for y, peer in enumerate(peers):
            told = result["ratios"][peer].get(name)
            if told:
                dot(axis, told, -y, colour(peer, peers))
        better = "more" if name in MORE_IS_BETTER else "less"
        axis.set_title(f"{COLUMNS[name][0]}: {workload.base} / peer ({better} is better)", fontsize=8)
    axes[0][0].set_yticks([-y for y in range(len(peers))], peers)
    return svg(figure)


def overview(table, results):
    """Every workload by the first of what is compared: a line for each, a dot for each peer."""
    told = [(workload, results[workload.name]["ratios"]) for workload in table
            if workload.name in results and workload.compared
            and any(results[workload.name]["ratios"].values())]
    if not available() or not told:
        return ""
    figure, axis = pyplot.subplots(figsize=(8, 0.6 + 0.2 * len(told)))
    ratio_axis(axis)
    peers = list(dict.fromkeys(peer for _, ratios_of in told for peer in ratios_of))
    for y, (workload, ratios_of) in enumerate(told):
        for peer, of_figure in ratios_of.items():
            name = workload.compared[0]
            if name in of_figure:
                tie = of_figure[name]["tie"]
                shade = colour(peer, peers)
                axis.plot([of_figure[name]["median"]], [-y], "o", color=shade, markersize=5,
                          markerfacecolor="white" if tie else shade)
    axis.set_yticks([-y for y in range(len(told))],
                    [f"{workload.name}: {COLUMNS[workload.compared[0]][0]}" for workload, _ in told])
    for peer in peers:
        axis.plot([], [], "o", color=colour(peer, peers), label=peer)
    axis.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    axis.set_title("Gait / peer; hollow: a tie", fontsize=9)
    return svg(figure)


def curves(result):
    """Of each peer the points of its settings: (setting, RSS, wall, CPU), as they were given."""
    by_peer = {}
    for name, runs in result["runs"].items():
        peer, _, setting = name.partition(KNOB_MARK)
        point = [median_of(runs, figure) for figure in ("rss_mib", "wall_s", "cpu_s")]
        if None not in point:
            by_peer.setdefault(peer, []).append((setting, *point))
    return by_peer


def space(_workload, result):
    """Wall and CPU time by peak RSS."""
    by_peer = curves(result)
    if not available() or not by_peer:
        return ""
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.4))
    for axis, at, name in zip(axes, (2, 3), ("wall s", "CPU s")):
        for peer, points in by_peer.items():
            shade = colour(peer, by_peer)
            axis.plot([point[1] for point in points], [point[at] for point in points], "o-",
                      color=shade, markersize=3.5, linewidth=1.2, label=peer)
            for point in (points[0], points[-1]):
                axis.annotate(point[0], (point[1], point[at]), fontsize=6, color=shade,
                              textcoords="offset points", xytext=(3, 3))
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda x, _: f"{x:g}"))
        axis.set_ylim(bottom=0)
        axis.set_xlabel("peak RSS, MiB")
        axis.set_ylabel(name)
        axis.grid(color="#eee", linewidth=0.6)
    axes[0].legend(fontsize=7, frameon=False)
    return svg(figure)
