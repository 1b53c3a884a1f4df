// SPDX-License-Identifier: MIT
// The figures beside the charts: each with its unit and what it means. data-value has all digits.
import { make } from "./dom";
import type { Results } from "./engine";
import { showBytes, showCount, showSeconds, showShare, showTimes } from "./units";

/** A figure of a run's summary, as the command names it. */
interface Figure {
    label: string;
    meaning: string;
    show: (value: number) => string;
}

const FIGURES: Record<string, Figure> = {
    wall_s: { label: "Takes", meaning: "from start to end, collector and all", show: showSeconds },
    gc_share: { label: "GC CPU", meaning: "the collector's share of all CPU time used", show: showShare },
    peak_total_bytes: { label: "Peak memory", meaning: "most that counts under the limit", show: showBytes },
    peak_heap_bytes: { label: "Peak heap", meaning: "live and garbage at their largest", show: showBytes },
    peak_reachable_bytes: { label: "Peak live", meaning: "most that the program could still reach", show: showBytes },
    float: { label: "Float", meaning: "what cycles marked over what was live as they began", show: showTimes },
    mean_total_bytes: { label: "Mean memory", meaning: "under the limit, averaged over time", show: showBytes },
    peak_process_bytes: { label: "Peak process", meaning: "with memory that the limit does not count", show: showBytes },
    cycles: { label: "Cycles", meaning: "how often the collector ran", show: showCount },
    pause_max_s: { label: "Longest pause", meaning: "a thread stood still for the collector", show: showSeconds },
    assist_cpu_s: { label: "Assists", meaning: "CPU time that the program's threads spent marking", show: showSeconds },
    limiting_s: { label: "Limiting", meaning: "time for which the CPU limiter held GC back", show: showSeconds },
    notices_high: { label: "Memory high", meaning: "times that the program was told so", show: showCount },
    notices_limited: { label: "Told of limiting", meaning: "times that the CPU limiter began", show: showCount },
    stalled_s: { label: "Stalled", meaning: "time the program waited at the memory limit", show: showSeconds },
    scavenge_cpu_s: { label: "Scavenging", meaning: "CPU time to give memory back to the OS", show: showSeconds },
    program_s: { label: "Program", meaning: "how far it came: its length without a collector", show: showSeconds },
    gc_cpu_s: { label: "GC CPU time", meaning: "all that the collector used", show: showSeconds },
    allocated_bytes: { label: "Allocated", meaning: "in all, over the whole run", show: showBytes },
};

export type FigureName = keyof typeof FIGURES;

export class Figures {
    readonly element: HTMLElement;
    private readonly cells = new Map<string, HTMLElement>();
    private readonly recordedCells = new Map<string, HTMLElement>();
    private readonly verdict: HTMLElement;

    constructor(names: string[]) {
        this.element = make("dl", { class: "figures" });
        for (const name of names) {
            const cell = make("dd", { "data-figure": name });
            const recorded = make("dd", { class: "recorded", "data-recorded": name, hidden: true });
            this.cells.set(name, cell);
            this.recordedCells.set(name, recorded);
            this.element.append(
                make(
                    "div",
                    {},
                    make("dt", {}, FIGURES[name].label),
                    cell,
                    recorded,
                    make("dd", { class: "help" }, FIGURES[name].meaning),
                ),
            );
        }
        this.verdict = make("p", { class: "verdict", hidden: true });
    }

    /** Said where a run was given up. */
    get warning(): HTMLElement {
        return this.verdict;
    }

    draw({ summary }: Results): void {
        for (const [name, cell] of this.cells) {
            cell.textContent = FIGURES[name].show(summary[name]);
            cell.dataset.value = String(summary[name]);
        }
        this.verdict.hidden = summary.finished !== 0;
        this.verdict.textContent = `Given up: after ${showSeconds(
            summary.wall_s,
        )} the program has come to ${showSeconds(summary.program_s)} of its own time.`;
    }

    /** Show what was recorded of the program itself; null: nothing was. */
    setRecorded(recorded: Record<string, number> | null): void {
        for (const [name, cell] of this.recordedCells) {
            const value = recorded?.[name];
            cell.hidden = value === undefined;
            cell.textContent = value === undefined ? "" : `recorded: ${FIGURES[name].show(value)}`;
            cell.dataset.value = String(value);
        }
    }

    /** In one sentence, for screen readers. */
    sentence({ summary }: Results): string {
        return [...this.cells.keys()]
            .map((name) => `${FIGURES[name].label} ${FIGURES[name].show(summary[name])}`)
            .join(", ");
    }
}
