// SPDX-License-Identifier: MIT
// What the charts show: the series of each panel, from a run's tables. Colours have one meaning in
// all charts (style.css).
import type { Results, Table } from "./engine";
import { showBytes, showBytesShort, showCpus, showSeconds, showSecondsShort, showShare, showTimes } from "./units";

/** One line or layer. `values` may hold null: nothing to show. */
export interface Series {
    label: string;
    colour: string;
    /** area: stacked on those before it; the others: over all areas. */
    style: "area" | "line" | "dashed" | "dotted" | "points";
    values: (number | null)[] | Float64Array;
    /** What is drawn in place of the values, where those change too often to be followed. */
    calm?: (number | null)[];
    stepped?: boolean;
    /** Shown in the legend only where it ever has a value above 0. */
    optional?: boolean;
}

/** A chart, ready to be drawn. */
export interface Panel {
    label: string;
    /** What it shows, for those who don't see it. */
    describe: string;
    times: Float64Array;
    series: Series[];
    show: (value: number) => string;
    tick: (value: number) => string;
    binary: boolean;
    /** A linear axis begins here; 0 where not given. */
    from?: number;
    /** The axis goes up to this at least. */
    least: number;
    /** A logarithmic axis that begins here; 0: a linear one. */
    logarithmic: number;
    /** Shaded stretches of time, and what they are. */
    bands: { from: number; to: number; colour: string }[];
    bandLabel: string;
}

export type PanelKind = "memory" | "simple" | "cpu" | "bucket" | "pauses" | "float";

const NONE = 2 ** 63; // and more: no goal, no limit
/** With more cycles than this, lines that change with each are calmed: a dash is longer than a cycle,
 * and a line that only jumps has none. */
const MANY_CYCLES = 60;
/** A calmed line has one value in each of so many pieces of time. */
const CALM_PIECES = 110;

function plus(a: Float64Array, b: Float64Array, sign = 1): Float64Array {
    return a.map((value, i) => Math.max(value + sign * b[i], 0));
}

function bounded(values: Float64Array, most: number): (number | null)[] {
    return Array.from(values, (value) => (value < most ? value : null));
}

/** Of each piece of time the highest or lowest value, all along it. */
function calmed(
    times: Float64Array,
    values: (number | null)[],
    pick: (a: number, b: number) => number,
): (number | null)[] {
    const end = times[times.length - 1] || 1;
    const pieces: (number | null)[] = new Array(CALM_PIECES + 1).fill(null);
    const pieceOf = (i: number) => Math.floor((times[i] / end) * CALM_PIECES);
    values.forEach((value, i) => {
        const before = pieces[pieceOf(i)];
        if (value !== null) pieces[pieceOf(i)] = before === null ? value : pick(before, value);
    });
    return values.map((_, i) => pieces[pieceOf(i)]);
}

function max(values: ArrayLike<number>): number {
    let most = 0;
    for (let i = 0; i < values.length; i++) if (values[i] > most) most = values[i];
    return most;
}

/** Stretches in which a column of flags is set, or cycles mark. */
function markingBands(cycles: Table): Panel["bands"] {
    const { start_s: start, mark_s: mark } = cycles.columns;
    return Array.from(start, (from, i) => ({ from, to: from + mark[i], colour: "marking" }));
}

function limitingBands(samples: Table): Panel["bands"] {
    const { time_s: time, limiting } = samples.columns;
    const bands: Panel["bands"] = [];
    for (let i = 1; i < samples.rows; i++) {
        if (!limiting[i]) continue;
        const last = bands[bands.length - 1];
        if (last && last.to === time[i - 1]) last.to = time[i];
        else bands.push({ from: time[i - 1], to: time[i], colour: "limiting" });
    }
    return bands;
}

function memoryPanel(results: Results, simple: boolean, rule: Series | null): Panel {
    const { columns: is } = results.samples;
    const peak = results.summary.peak_total_bytes;
    const series: Series[] = [
        { label: "off-heap", colour: "offheap", style: "area", values: is.off_heap_bytes, optional: true },
        { label: "arenas", colour: "arenas", style: "area", values: is.arenas_bytes, optional: true },
        { label: "live", colour: "live", style: "area", values: is.reachable_bytes },
        {
            label: "garbage",
            colour: "garbage",
            style: "area",
            values: plus(is.heap_bytes, is.reachable_bytes, -1),
        },
    ];
    if (!simple) {
        const holes = plus(is.spans_bytes, is.heap_bytes, -1);
        series.push(
            { label: "holes, not swept", colour: "holes", style: "area", values: plus(holes, is.metadata_bytes) },
            { label: "free, kept", colour: "free", style: "area", values: is.free_bytes },
        );
    }
    // on top of all: the limit, and so its line, does not count it
    const foreign = is.foreign_bytes;
    series.push({ label: "foreign, not counted", colour: "foreign", style: "area", values: foreign, optional: true });
    const beside = plus(is.off_heap_bytes, is.arenas_bytes);
    const goal = plus(is.goal_bytes, beside);
    // a goal that nothing comes near would flatten everything else
    const near = Math.max(peak * 1.6, 1);
    const many = results.cycles.rows > MANY_CYCLES;
    if (!simple) {
        const trigger = plus(is.trigger_bytes, beside);
        const values = bounded(trigger, near);
        const calm = many ? calmed(is.time_s, values, Math.min) : undefined;
        series.push({ label: "trigger", colour: "trigger", style: "dotted", values, calm });
    }
    const values = bounded(goal, near);
    const calm = many ? calmed(is.time_s, values, Math.max) : undefined;
    series.push({ label: "goal", colour: "goal", style: "dashed", values, calm });
    if (rule) series.push(rule);
    series.push({
        label: "limit",
        colour: "limit",
        style: "line",
        values: bounded(is.limit_bytes, Math.min(peak * 2.2, NONE)),
        optional: true,
    });
    const notice = bounded(is.notice_bytes, Math.min(peak * 2.2, NONE));
    series.push({ label: "notice", colour: "limit", style: "dotted", values: notice, optional: true });
    return {
        label: "memory",
        describe:
            `Memory over time, up to ${showBytes(peak)}; what is live in it up to ` +
            `${showBytes(results.summary.peak_reachable_bytes)}.` +
            (max(foreign) > 0 ? ` Beside it up to ${showBytes(max(foreign))} of foreign memory.` : ""),
        times: is.time_s,
        series,
        show: showBytes,
        tick: showBytesShort,
        binary: true,
        least: peak,
        logarithmic: 0,
        bands: markingBands(results.cycles),
        bandLabel: simple ? "" : "marking",
    };
}

/** Time is cut into so many pieces, for averages that the eye can follow. */
const CPU_PIECES = 160;
const CPU_PARTS: [string, string[], string][] = [
    ["background", ["dedicated_cpus", "fractional_cpus"], "background"],
    ["assists", ["assist_cpus"], "assist"],
    ["idle CPUs", ["idle_cpus"], "idle"],
    ["sweep", ["sweep_cpus"], "sweep"],
    ["scavenge", ["scavenge_cpus"], "scavenge"],
    ["start, end", ["fixed_cpus"], "fixed"],
    ["program", ["program_cpus"], "program"],
];

/** Averages over pieces of time of a column that holds averages since the sample before. */
function averages(times: Float64Array, values: Float64Array, end: number): Float64Array {
    const sums = new Float64Array(CPU_PIECES);
    const piece = end / CPU_PIECES;
    for (let i = 1; i < times.length; i++) {
        let from = times[i - 1];
        for (let k = Math.min(Math.floor(from / piece), CPU_PIECES - 1); from < times[i]; k++) {
            const to = k >= CPU_PIECES - 1 ? times[i] : Math.min(times[i], (k + 1) * piece);
            sums[Math.min(k, CPU_PIECES - 1)] += values[i] * (to - from);
            from = Math.max(to, from + 1e-12);
        }
    }
    return sums.map((sum) => sum / piece);
}

function cpuPanel(results: Results): Panel {
    const { columns: is } = results.samples;
    const end = results.summary.wall_s;
    const times = Float64Array.from({ length: CPU_PIECES + 1 }, (_, i) => (end * i) / CPU_PIECES);
    const series = CPU_PARTS.map(([label, columns, colour]): Series => {
        const sum = columns.map((name) => is[name]).reduce((a, b) => plus(a, b));
        const values = averages(is.time_s, sum, end);
        return {
            label,
            colour,
            style: "area",
            values: Float64Array.from(times, (_, i) => values[Math.min(i, CPU_PIECES - 1)]),
            stepped: true,
            optional: true,
        };
    });
    return {
        label: "CPUs",
        describe: `CPU time by what it is used for; the collector takes ${showShare(
            results.summary.gc_share,
        )} of it.`,
        times,
        series,
        show: showCpus,
        tick: showCpus,
        binary: false,
        least: 0.1,
        logarithmic: 0,
        bands: limitingBands(results.samples),
        bandLabel: "",
    };
}

function bucketPanel(results: Results): Panel {
    const { columns: is } = results.samples;
    return {
        label: "limiter's bucket",
        describe: `How full the CPU limiter's bucket is; it limits for ${showSeconds(
            results.summary.limiting_s,
        )}.`,
        times: is.time_s,
        series: [{ label: "bucket", colour: "assist", style: "area", values: is.bucket }],
        show: showShare,
        tick: (value) => `${Math.round(value * 100)} %`,
        binary: false,
        least: 1,
        logarithmic: 0,
        bands: limitingBands(results.samples),
        bandLabel: "limiting",
    };
}

/** Of cycles: 0 is nothing to show. */
function aboveZero(column: Float64Array): (number | null)[] {
    return Array.from(column, (value) => (value > 0 ? value : null));
}

function floatPanel(results: Results): Panel {
    const { columns: is } = results.cycles;
    return {
        label: "float per cycle",
        describe:
            `What cycles marked over what was live as they began: ${showTimes(results.summary.float)} over ` +
            `all, at most ${showTimes(max(is.float))}.`,
        times: is.start_s,
        series: [
            { label: "marked over live", colour: "garbage", style: "points", values: aboveZero(is.float) },
        ],
        show: showTimes,
        tick: (value) => String(Number(value.toPrecision(3))),
        binary: false,
        from: 1,
        least: 1.1,
        logarithmic: 0,
        bands: [],
        bandLabel: "",
    };
}

function pausesPanel(results: Results): Panel {
    const { columns: is } = results.cycles;
    return {
        label: "time per cycle",
        describe: `Of ${results.cycles.rows} cycles, the longest pause is ${showSeconds(
            results.summary.pause_max_s,
        )}.`,
        times: is.start_s,
        series: [
            { label: "marking", colour: "background", style: "points", values: aboveZero(is.mark_s) },
            { label: "CPU time of assists", colour: "assist", style: "points", values: aboveZero(is.assist_cpu_s) },
            { label: "longest pause", colour: "fixed", style: "points", values: aboveZero(is.pause_s) },
        ],
        show: showSeconds,
        tick: showSecondsShort,
        binary: false,
        least: max(is.mark_s) || 0.001,
        logarithmic: 1e-5,
        bands: [],
        bandLabel: "",
    };
}

/** @param rule  of the square-root rule, if it is to be seen beside the goal */
export function panelOf(kind: PanelKind, results: Results, rule: Series | null): Panel {
    switch (kind) {
        case "simple":
            return memoryPanel(results, true, rule);
        case "memory":
            return memoryPanel(results, false, rule);
        case "cpu":
            return cpuPanel(results);
        case "bucket":
            return bucketPanel(results);
        case "pauses":
            return pausesPanel(results);
        case "float":
            return floatPanel(results);
    }
}
