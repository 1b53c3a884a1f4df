# SPDX-License-Identifier: MIT
"""What bench/run reports: tables on the screen and in a document, and a page with pictures."""

import html
import os

import pictures
from compare import LEAST_NOISE, median_of, values_of
from document import markdown, write_between
from measure import print_table
from spacetime import below, least_front
from workloads import COLUMNS, KNOB_MARK, OURS

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;margin:.6em 0}td,th{padding:.15em .7em;text-align:right;
border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}td:first-child,th:first-child
{text-align:left}svg{max-width:100%;height:auto;display:block}code{background:#f4f4f4;padding:.1em .3em}
@media(prefers-color-scheme:dark){body{background:#fff;color:#111}}"""


def digits(figure, value):
    return f"{value:.{COLUMNS[figure][1]}f}"


def figure_cell(workload, runs, figure):
    """The median; of what is compared, the least and the greatest too."""
    values = values_of(runs, figure)
    if not values:
        return "-"
    told = digits(figure, median_of(runs, figure))
    if figure in workload.compared and len(values) > 1:
        told += f" ({digits(figure, min(values))}–{digits(figure, max(values))})"
    return told


def ratio_cell(told):
    """The median of the ratios, its interval, and whether it says anything."""
    if not told:
        return "-"
    if told["tie"]:
        return f"tie {told['median']:.2f} ({told['low']:.2f}–{told['high']:.2f})"
    return f"{told['median']:.2f} ({told['low']:.2f}–{told['high']:.2f})"


def table_rows(workload, result):
    """Each peer's figures; and what the base's are to them."""
    figures = [["peer"] + [COLUMNS[figure][0] for figure in workload.figures]]
    for peer, runs in result["runs"].items():
        figures.append([peer] + [figure_cell(workload, runs, figure)
                                 for figure in workload.figures])
    relations = [[f"{workload.base} /"] + [COLUMNS[figure][0] for figure in workload.compared]]
    for peer, told in result["ratios"].items():
        relations.append([peer] + [ratio_cell(told.get(figure)) for figure in workload.compared])
    return [rows for rows in (figures, relations) if len(rows) > 1 and len(rows[0]) > 1]


def title(workload, result):
    setting = "".join(f" {name}={value}" for name, value in result["environment"].items())
    count = max([len(runs) for runs in result["runs"].values()] or [0])
    words = " ".join([f"{workload.name}:{setting}"] + result["arguments"])
    return f"{words}   (median of {count})"


def print_workload(workload, result):
    print(f"\n{title(workload, result)}")
    for rows in table_rows(workload, result):
        print_table(rows)


def limit_rows(results):
    """How much speed each limit leaves; None: that was not measured."""
    names = [name for name in results if name.startswith("limit-")]
    if "limit-off" not in names or len(names) < 2:
        return None
    rows = [["iterations/s, relative"] + names]
    for peer in results["limit-off"]["runs"]:
        speeds = [median_of(results[name]["runs"].get(peer, []), "iterations_per_second")
                  for name in names]
        most = speeds[names.index("limit-off")]
        rows.append([peer] + [f"{speed / most:.2f}" if most and speed else "-"
                              for speed in speeds])
    return rows


def space_rows(table, results):
    """Whose points lie below and left of Gait's curve, workload by workload; None: no curve was
    measured."""
    rows = [["below and left of Gait's curve", "wall s", "CPU s"]]
    for workload in table:
        if workload.name not in results or not is_space(workload):
            continue
        ours, others = [], []
        for name, runs in results[workload.name]["runs"].items():
            figures = {figure: median_of(runs, figure) for figure in ("rss_mib", "wall_s", "cpu_s")}
            if None not in figures.values():
                (ours if name.split(KNOB_MARK)[0] in OURS else others).append((name, figures))
        row = [workload.name]
        for figure in ("wall_s", "cpu_s"):
            front = least_front([figures for _, figures in ours], figure)
            told = [f"{name} × {part:.2f}" for name, part in below(others, front, figure)
                    if part < 1 - LEAST_NOISE]
            row.append(", ".join(told) or "none")
        rows.append(row)
    return rows if len(rows) > 1 else None


def closing_rows(table, results):
    """The tables of several workloads together."""
    return [rows for rows in (limit_rows(results), space_rows(table, results)) if rows]


def print_regressions(worse, path):
    if not worse:
        print(f"\nno regression beyond the noise against {path}")
        return
    print(f"\nworse than in {path}, beyond the noise")
    print_table([["workload", "peer", "figure", "change", "interval"]] + [
        [name, peer, COLUMNS[figure][0], f"× {middle:.2f}", f"{low:.2f}–{high:.2f}"]
        for name, peer, figure, middle, low, high in worse])


def is_space(workload):
    return any(KNOB_MARK in peer for peer in workload.peers)


def write_page(path, head, table, results):
    """One self-contained page."""
    def rows_html(rows):
        lines = ["<table>"]
        for tag, row in zip(["th"] + ["td"] * len(rows), rows):
            lines.append("<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row))
        return "\n".join(lines + ["</table>"])

    parts = ["<!doctype html><html lang=en><meta charset=utf-8><title>Gait, measured</title>",
             f"<style>{STYLE}</style><h1>Gait, measured</h1>"]
    parts += [f"<p>{html.escape(line)}" for line in head]
    parts.append(pictures.overview(table, results))
    for workload in table:
        if workload.name not in results:
            continue
        result = results[workload.name]
        parts.append(f"<h2 id={workload.name}>{workload.name}</h2>"
                     f"<p><code>{html.escape(title(workload, result))}</code>")
        parts.append(pictures.space(workload, result) if is_space(workload)
                     else pictures.ratios(workload, result))
        told = "\n".join(rows_html(rows) for rows in table_rows(workload, result))
        parts.append(f"<details><summary>Figures</summary>{told}</details>"
                     if is_space(workload) else told)
    parts += [rows_html(rows) for rows in closing_rows(table, results)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")


def write_document(path, head, table, results):
    """The tables between a document's marks, and its pictures beside it."""
    def picture(name, drawing, text):
        if not drawing:
            return []
        folder = os.path.join(os.path.dirname(path), "pictures")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"bench-{name}.svg"), "w", encoding="utf-8") as file:
            file.write(drawing + "\n")
        return [f"![{text}](pictures/bench-{name}.svg)", ""]

    lines = []
    for line in head:
        lines += [line, ""]
    lines += picture("overview", pictures.overview(table, results), "what Gait takes, over its peers")
    for workload in table:
        if workload.name not in results:
            continue
        result = results[workload.name]
        lines += [f"### {workload.name}", "", f"`{title(workload, result)}`", ""]
        drawing = picture(workload.name, pictures.space(workload, result), "time by peak RSS") \
            if is_space(workload) else []
        lines += drawing
        if not drawing:
            for rows in table_rows(workload, result):
                lines += [markdown(rows), ""]
    for rows in closing_rows(table, results):
        lines += ["### " + rows[0][0], "", markdown(rows), ""]
    write_between(path, "bench/run", "\n".join(lines))
