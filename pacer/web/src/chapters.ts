// SPDX-License-Identifier: MIT
// The chapters' words and controls. The guide's scenarios are those of examples/scenarios/; the
// others lie in scenarios/. All run with `gait-sim run` as they are.
import guidePhases from "../../../examples/scenarios/guide-2-phases.toml";
import guideLimit from "../../../examples/scenarios/guide-4-limit.toml";
import guideSpikeLimit from "../../../examples/scenarios/guide-5-spike-limit.toml";
import guideSteady from "../../../examples/scenarios/guide-1-steady.toml";
import thrashing from "../../../examples/scenarios/thrashing-job.toml";
import assists from "../scenarios/assists.toml";
import beside from "../scenarios/beside.toml";
import concurrent from "../scenarios/concurrent.toml";
import returned from "../scenarios/returned.toml";
import roots from "../scenarios/roots.toml";
import spike from "../scenarios/spike.toml";
import squareRoot from "../scenarios/square-root.toml";
import type { ChapterText } from "./chapter";
import {
    type Control,
    byteSteps,
    bytesScale,
    gogcScale,
    limitScale,
    numberScale,
    rate,
    shareScale,
} from "./controls";
import { GIB, MIB } from "./units";

const gogc: Control = {
    id: "gogc",
    label: "GOGC",
    help: "new memory before the next cycle, in percent of what is live",
    section: "settings",
    key: "gogc",
    scale: gogcScale,
};

function limit(from: number, to: number, step: number): Control {
    return {
        id: "limit",
        label: "GOMEMLIMIT",
        help: "soft limit on all memory that the heap holds",
        section: "settings",
        key: "memory_limit",
        scale: limitScale(from * MIB, to * MIB, step * MIB),
    };
}

const cpus: Control = {
    id: "cpus",
    label: "CPUs",
    help: "that the program may use (GOMAXPROCS)",
    section: "machine",
    key: "cpus",
    scale: numberScale([1, 2, 3, 4, 6, 8, 12, 16, 24, 32]),
};

const SIMPLE = ["wall_s", "gc_share", "peak_total_bytes", "cycles"];

/** The five charts of Go's GC guide: a program that stands still while a cycle runs. */
export const GUIDE: ChapterText[] = [
    {
        id: "gogc",
        title: "GOGC trades memory for CPU time",
        lead:
            "A program with ten seconds of work of its own. In the first second all that it allocates, " +
            "20 MiB, stays; from then on it makes 20 MiB of garbage a second. Each time the heap reaches " +
            "its goal a cycle runs and the garbage is gone.",
        notes: [
            "Double GOGC: the garbage may grow twice as high before a cycle comes, so there are about half as " +
                "many cycles, and they cost about half the CPU time: as much is live as before, so each costs what " +
                "it did. Here the program stands still meanwhile, so all of that shows in how long it takes. Below " +
                "4 MiB × GOGC / 100 no goal falls: the heap's least size.",
        ],
        toml: guideSteady,
        panels: ["simple"],
        figures: SIMPLE,
        controls: [gogc],
    },
    {
        id: "phases",
        title: "The goal follows what is live",
        lead:
            "Five seconds in which the live heap goes down and up again, then five in which the program " +
            "allocates ten times as fast.",
        notes: [
            "Less live means less room for garbage: cycles come closer together, and each has less to mark. " +
                "Ten times the allocation raises no goal; it brings cycles closer still. GOGC sets the *ratio*; " +
                "the program sets the rest.",
        ],
        toml: guidePhases,
        panels: ["simple"],
        figures: SIMPLE,
        controls: [gogc],
    },
    {
        id: "spike",
        title: "A short spike needs room all day",
        lead:
            "The first program again, except for some two seconds in the middle 10 MiB more are live. The peak is " +
            "what a container must have room for.",
        notes: [
            "If there are 60 MiB, GOGC can't be above 100, though for most of the ten seconds much less is " +
                "used. With GOGC alone, the rarest moment decides what every other one costs. A spike that is " +
                "shorter than cycles are apart *may* pass between two of them; nobody can count on it.",
        ],
        toml: spike,
        panels: ["simple"],
        figures: SIMPLE,
        controls: [gogc],
    },
    {
        id: "limit",
        title: "A memory limit",
        lead:
            "The first program with 10 MiB of other memory, and a limit on all of it. Whichever goal is lower " +
            "holds: GOGC's, or what the limit leaves for the heap.",
        notes: [
            "Lower the limit below GOGC's peak, and cycles come more often, as if GOGC were lower. Then turn " +
                "GOGC *off*: the heap takes all that it may, and collects as seldom as possible. Then lower the " +
                "limit towards what is live: the program all but stops. That is thrashing, and what the CPU " +
                "limiter is for (below); this simple model has none.",
            "The pacer keeps 3 % of the goal, at least 1 MiB, below the limit as headroom: where what is live " +
                "fits, the peak stays a little under the line.",
        ],
        toml: guideLimit,
        panels: ["simple"],
        figures: SIMPLE,
        controls: [gogc, limit(22, 100, 1)],
    },
    {
        id: "spike-limit",
        title: "The spike under a limit",
        lead:
            "The spike, with a limit. Raise GOGC: quiet times use the memory that is there anyway, and when the " +
            "spike comes, the limit takes over.",
        notes: [
            "This is the setting for a program that has its container to itself: the limit at 90 to 95 % of the " +
                "container, GOGC high or off. Under 32 MiB, which is what the spike needs and 1 MiB of headroom, it " +
                "no longer fits, and time runs away at just that moment.",
        ],
        toml: guideSpikeLimit,
        panels: ["simple"],
        figures: SIMPLE,
        controls: [gogc, limit(26, 100, 1)],
    },
];

/** What the guide leaves out. All but the first use the full model. */
export const BEYOND: ChapterText[] = [
    {
        id: "roots",
        title: "Stacks and globals count, too",
        lead:
            "Each cycle scans every stack and all static data, so they are part of what the heap may grow by: " +
            "goal = live + (live + stacks + globals) × GOGC / 100. The first program, with deep stacks.",
        notes: [
            "More stacks: the goal rises although nothing more is live. A program with a small heap and ten " +
                "thousand deep stacks would otherwise collect all the time. The pause grows as well, since in this " +
                "simple model the program waits until its stacks are scanned.",
        ],
        toml: roots,
        panels: ["simple"],
        figures: ["wall_s", "gc_share", "peak_heap_bytes", "peak_reachable_bytes"],
        controls: [
            gogc,
            {
                id: "stacks",
                label: "Stacks",
                help: "bytes of stacks that each cycle scans",
                section: "phase",
                key: "stacks",
                scale: bytesScale(0, 64 * MIB, MIB),
            },
        ],
    },
    {
        id: "concurrent",
        title: "Marking while the program runs",
        lead:
            "From here on the program goes on while a cycle marks. Marking must *end* before the heap " +
            "passes the goal, so it must *begin* earlier: at the trigger. How much earlier follows from how " +
            "fast the program allocates and how fast marking is, as past cycles showed.",
        notes: [
            "Raise the allocation rate or slow down marking: the trigger moves away from the goal. What is " +
                "allocated while a cycle marks counts as live until the next one: it floats. The goal is a share " +
                "of what was live, not of that; and assists keep it to a quarter of what is live where they can. " +
                "Background marking takes up to a quarter of the CPUs.",
        ],
        toml: concurrent,
        panels: ["memory", "float", "cpu"],
        figures: ["wall_s", "gc_share", "peak_heap_bytes", "float", "cycles", "assist_cpu_s"],
        controls: [
            gogc,
            {
                id: "rate",
                label: "Allocation rate",
                help: "in the steady phase",
                section: "phase",
                key: "alloc_rate",
                phases: [1],
                scale: rate(byteSteps(25 * MIB, 4 * GIB, 1.25)),
            },
            {
                id: "scan",
                label: "Marking speed",
                help: "bytes that one CPU marks in a second",
                section: "machine",
                key: "scan_rate",
                scale: rate(byteSteps(100 * MIB, 4 * GIB, 1.2)),
            },
        ],
    },
    {
        id: "assists",
        title: "Assists: who allocates too fast helps to mark",
        lead:
            "A rush comes that the pacer could not foresee. Background marking, on a quarter of the CPUs, " +
            "would not be done in time; so each thread marks for what it allocates, and the heap ends near its " +
            "goal all the same.",
        notes: [
            "Assists are the price of a goal that holds: they slow down just those threads that allocate, by " +
                "just as much as is needed. Where that would come to half of the CPU time for long, the goal " +
                "rises to what the collector can hold with less. A higher GOGC makes assists fewer, and so do CPUs.",
        ],
        toml: assists,
        panels: ["memory", "cpu", "pauses"],
        figures: ["wall_s", "gc_share", "assist_cpu_s", "peak_heap_bytes", "pause_max_s", "cycles"],
        controls: [
            gogc,
            {
                id: "rush",
                label: "Allocation in the rush",
                help: "bytes per second; before and after it 100 MiB/s",
                section: "phase",
                key: "alloc_rate",
                phases: [1],
                scale: rate(byteSteps(100 * MIB, 16 * GIB, 1.25)),
            },
            cpus,
        ],
    },
    {
        id: "limiter",
        title: "The CPU limiter: slow, but not stalled",
        lead:
            "A job whose live heap outgrows its memory limit. No collecting helps then, so the collector is " +
            "held to half of the CPU time: a bucket of one CPU-second per CPU fills with its time and drains " +
            "with the program's. While it has no room the goal rises to what half of the CPU can hold, and the limit is overshot.",
        notes: [
            "Switch the limiter off: the memory stays near what is live, and the program crawls, cycle upon cycle. " +
                "Switch it on: half of the CPU time is the program's, whatever happens, and the memory goes beyond " +
                "the limit. A program that passes its limit for long has more live than that has room for.",
        ],
        toml: thrashing,
        panels: ["memory", "bucket", "cpu"],
        figures: ["wall_s", "gc_share", "peak_total_bytes", "limiting_s", "stalled_s", "cycles"],
        controls: [
            {
                id: "limiter",
                label: "CPU limiter",
                help: "keeps the collector to half of the CPU time, at the cost of the limit",
                section: "settings",
                key: "cpu_limiter",
            },
            limit(64, 1024, 16),
            gogc,
        ],
    },
    {
        id: "returned",
        title: "Memory that goes back",
        lead:
            "After a spike most of the heap's pages are free. They are kept for a while, since new memory from " +
            "the OS costs time, and go back in the background, with 1 % of the CPUs: down to the goal and a " +
            "tenth.",
        notes: [
            "Only whole free pages can go back. What sweeping leaves as holes between live objects stays, for " +
                "new objects: with many holes a heap keeps its size long after the spike. The limit applies to " +
                "what is held, so what was returned does not count.",
        ],
        toml: returned,
        panels: ["memory"],
        figures: ["peak_total_bytes", "mean_total_bytes", "peak_reachable_bytes", "scavenge_cpu_s", "gc_share"],
        controls: [
            gogc,
            {
                id: "holes",
                label: "Holes",
                help: "share of dead memory that lies between live objects",
                section: "memory",
                key: "holes",
                scale: shareScale(0, 1, 0.05),
            },
        ],
    },
    {
        id: "beside",
        title: "Off-heap memory and arenas under the limit",
        lead:
            "The limit is for all that the program holds through the runtime: memory off the heap and arenas, " +
            "which no cycle traces, too. Every byte there is one less for the heap.",
        notes: [
            "Raise the off-heap memory: once the limit gives the goal, it falls by nearly as much, and cycles come closer " +
                "together, although the heap itself is as it was. Without a limit it makes no difference: GOGC's goal does " +
                "not know of it.",
        ],
        toml: beside,
        panels: ["memory", "cpu"],
        figures: ["wall_s", "gc_share", "peak_total_bytes", "peak_heap_bytes", "limiting_s", "cycles"],
        controls: [
            {
                id: "offheap",
                label: "Off-heap memory",
                help: "held in the second and third quarter",
                section: "phase",
                key: "off_heap",
                phases: [1, 2],
                scale: bytesScale(0, 240 * MIB, 4 * MIB),
            },
            {
                id: "arenas",
                label: "Arenas",
                help: "held in the third quarter",
                section: "phase",
                key: "arenas",
                phases: [2],
                scale: bytesScale(0, 160 * MIB, 4 * MIB),
            },
            limit(200, 800, 8),
            gogc,
        ],
    },
    {
        id: "square-root",
        title: "Is a fixed ratio right? The square-root rule",
        lead:
            "GOGC gives a heap room in proportion to what is live. The least CPU time for a given amount of " +
            "memory comes of another rule: live + √(live × allocation rate / (c × marking speed)), where c says " +
            "what share of a CPU a byte is worth. It is drawn here beside GOGC's goal; the collector " +
            "does not follow it.",
        notes: [
            "The small busy heap should get several times its size, the large quiet one far less: no GOGC does " +
                "both. Where one process runs all day, choose GOGC for the phase that costs most; where many share " +
                "a machine, the rule divides the memory among them.",
            "Source: Kirisame, Shenoy, Panchekha, “Optimal heap limits for reducing browser memory use” " +
                "(MemBalancer), OOPSLA 2022.",
        ],
        toml: squareRoot,
        panels: ["memory", "cpu"],
        figures: ["wall_s", "gc_share", "peak_heap_bytes", "mean_total_bytes", "cycles"],
        controls: [gogc],
        rule: true,
    },
];
