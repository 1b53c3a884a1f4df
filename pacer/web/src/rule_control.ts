// SPDX-License-Identifier: MIT
// The slider of the square-root rule's c, and what the rule says of a run.
import { Slider, numberScale } from "./controls";
import { make } from "./dom";
import type { Results } from "./engine";
import { ruleGogc, sqrtRule } from "./sqrt_rule";
import { showBytes } from "./units";

/** Choices of c, in percent of a CPU per MB, as the paper has it. */
const CHOICES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5];
const STANDARD = 0.05;
const PERCENT_PER_MB = 1e-8;

export class RuleControl {
    readonly element: HTMLElement;
    private readonly slider: Slider;
    private readonly verdict: HTMLElement;

    constructor(change: () => void) {
        const scale = numberScale(CHOICES, (value) => `${value} % / MB`);
        const help = "c: share of a CPU per megabyte; the higher, the less memory";
        this.slider = new Slider("Memory's worth", help, scale, change);
        this.slider.set(STANDARD);
        this.verdict = make("p", { class: "rule-verdict" });
        this.element = make("div", { class: "rule" }, this.slider.element, this.verdict);
    }

    /** c, as a share of a CPU per byte. */
    cost(): number {
        return this.slider.value() * PERCENT_PER_MB;
    }

    percentPerMb(): number {
        return this.slider.value();
    }

    /** @param value  percent per MB; undefined: the standard */
    set(value: number | undefined): void {
        this.slider.set(value ?? STANDARD);
    }

    isStandard(): boolean {
        return this.slider.value() === STANDARD;
    }

    draw(results: Results): void {
        const rule = sqrtRule(results, this.cost());
        if (rule.length === 0) {
            this.verdict.textContent = "No cycle ran, so the rule has nothing to go by.";
            return;
        }
        const most = Math.max(...rule.map((cycle) => cycle.limit_bytes));
        const gogc = ruleGogc(rule);
        this.verdict.textContent =
            `By the rule the heap may grow to ${showBytes(most)}, with a room like GOGC=` +
            `${gogc.toFixed(0)} in the middle of all cycles.`;
        this.verdict.dataset.value = String(gogc);
    }
}
