// SPDX-License-Identifier: MIT
// The cycles of a run as a table: the charts' figures for those who don't see them.
import { make } from "./dom";
import type { Results } from "./engine";
import { showBytes, showCount, showSeconds, showShare, showTimes } from "./units";

/** More rows than this nobody reads; the command's --csv has them all. */
const MOST_ROWS = 300;

type Columns = Results["cycles"]["columns"];

/** What a cycle was begun by, and what it looks at. */
function kindOf(columns: Columns, row: number): string {
    const kind = columns.minor[row] ? "minor" : "full";
    if (columns.forced[row]) return `${kind}, forced`;
    return columns.periodic[row] ? `${kind}, by the clock` : kind;
}

/** What gives the goal. A floor of the CPU lies above what GOGC, or the limit, asks for. */
function ruleOf(columns: Columns, row: number): string {
    const asked = columns.by_limit[row] ? "limit" : "GOGC";
    return columns.by_floor[row] ? `CPU, above ${asked}` : asked;
}

const WORDS: [string, (columns: Columns, row: number) => string][] = [
    ["Kind", kindOf],
    ["Goal by", ruleOf],
];

const COLUMNS: [string, string, (value: number) => string][] = [
    ["Cycle", "cycle", showCount],
    ["Start", "start_s", showSeconds],
    ["Marking", "mark_s", showSeconds],
    ["Pause", "pause_s", showSeconds],
    ["Trigger", "trigger_bytes", showBytes],
    ["Peak", "peak_bytes", showBytes],
    ["Goal", "goal_bytes", showBytes],
    ["Marked", "marked_bytes", showBytes],
    ["Live as it began", "live_bytes", showBytes],
    ["Float", "float", showTimes],
    ["Total memory", "total_bytes", showBytes],
    ["Assists, CPU", "assist_cpu_s", showSeconds],
    ["GC CPU while marking", "utilization", showShare],
];

/** @param name  of the run, so that each table is told from the others */
export function cyclesTable({ cycles }: Results, name: string): HTMLElement {
    const shown = Math.min(cycles.rows, MOST_ROWS);
    const left = cycles.rows - shown;
    const caption = left > 0 ? `The first ${shown} of ${showCount(cycles.rows)} cycles` : "All cycles";
    const body = make("tbody");
    for (let row = 0; row < shown; row++)
        body.append(
            make(
                "tr",
                {},
                ...COLUMNS.map(([, name, show]) => make("td", {}, show(cycles.columns[name][row]))),
                ...WORDS.map(([, word]) => make("td", {}, word(cycles.columns, row))),
            ),
        );
    return make(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": `Cycles of ${name}` },
        make(
            "table",
            {},
            make("caption", {}, caption),
            make("thead", {}, make("tr", {}, ...[...COLUMNS, ...WORDS].map(([name]) => make("th", { scope: "col" }, name)))),
            body,
        ),
    );
}
