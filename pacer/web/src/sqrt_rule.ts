// SPDX-License-Identifier: MIT
// The square-root rule of heap limits, beside the goal that GOGC gives:
//
//     limit = live + sqrt(live x g / (c x s))
//
// live: bytes that the last cycle found; g: bytes allocated per second; s: bytes marked per
// CPU-second; c: the share of a CPU that one more byte of memory is worth. It minimizes
// CPU time of collecting + c x memory, over several heaps at once too.
//
// Source: Kirisame, Shenoy, Panchekha, "Optimal heap limits for reducing browser memory use",
// OOPSLA 2022 (MemBalancer).
import type { Results } from "./engine";
import type { Series } from "./series";

/** What the rule says after each cycle. */
export interface RuleCycle {
    /** When the cycle ended. */
    time_s: number;
    live_bytes: number;
    limit_bytes: number;
    /** GOGC that would give the same room. */
    gogc: number;
}

/** @param cpuPerByte  c: share of a CPU per byte */
export function sqrtRule(results: Results, cpuPerByte: number): RuleCycle[] {
    const { columns: is, rows } = results.cycles;
    const rule: RuleCycle[] = [];
    let endBefore = 0;
    let markedBefore = 0;
    for (let i = 0; i < rows; i++) {
        const marking =
            is.assist_cpu_s[i] + is.dedicated_cpu_s[i] + is.fractional_cpu_s[i] + is.idle_cpu_s[i];
        const end = is.start_s[i] + is.mark_s[i];
        const allocated = Math.max(is.peak_bytes[i] - markedBefore, 0);
        const live = is.marked_bytes[i];
        const room =
            end > endBefore && is.scanned_bytes[i] > 0
                ? Math.sqrt(
                      (live * (allocated / (end - endBefore))) /
                          (cpuPerByte * (is.scanned_bytes[i] / (marking + is.fixed_cpu_s[i]))),
                  )
                : 0;
        rule.push({ time_s: end, live_bytes: live, limit_bytes: live + room, gogc: (room / live) * 100 });
        endBefore = end;
        markedBefore = live;
    }
    return rule;
}

/** The rule as a line over the samples of the run. */
export function ruleSeries(results: Results, rule: RuleCycle[]): Series {
    const { time_s: time, off_heap_bytes: offHeap, arenas_bytes: arenas } = results.samples.columns;
    let next = 0;
    const values = Array.from(time, (now, i) => {
        while (next < rule.length && rule[next].time_s <= now) next++;
        return next === 0 ? null : rule[next - 1].limit_bytes + offHeap[i] + arenas[i];
    });
    return { label: "square-root rule", colour: "rule", style: "dashed", values, stepped: true };
}

/** The rule's room for new memory, in the middle of all cycles, as a GOGC. */
export function ruleGogc(rule: RuleCycle[]): number {
    const sorted = rule.map((cycle) => cycle.gogc).sort((a, b) => a - b);
    return sorted.length > 0 ? sorted[sorted.length >> 1] : NaN;
}
