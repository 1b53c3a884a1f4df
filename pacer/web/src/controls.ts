// SPDX-License-Identifier: MIT
// Sliders and switches of a chapter. A slider has a scale: a list of values to choose from, which
// need not be evenly spaced, and may end in "off".
import { make, newId } from "./dom";
import { type Fields, GOGC_OFF, NO_LIMIT, type Scenario, type Value } from "./scenario";
import { GIB, MIB, showBytes, showBytesShort, showShare } from "./units";

/** What a slider goes over, and how it tells a value. */
export interface Scale {
    values: number[];
    show: (value: number) => string;
}

function range(from: number, to: number, step: number): number[] {
    const count = Math.round((to - from) / step) + 1;
    return Array.from({ length: count }, (_, i) => from + i * step);
}

const GOGC_VALUES = [
    ...range(5, 195, 5),
    ...range(200, 390, 10),
    ...range(400, 1000, 50),
    GOGC_OFF,
];

export const gogcScale: Scale = {
    values: GOGC_VALUES,
    show: (value) => (value === GOGC_OFF ? "off" : String(value)),
};

const showWhole = (bytes: number) => showBytes(bytes, 3);

/** Memory limits, the last one being none. */
export function limitScale(from: number, to: number, step: number): Scale {
    return {
        values: [...range(from, to, step), NO_LIMIT],
        show: (value) => (value === NO_LIMIT ? "off" : showBytesShort(value)),
    };
}

export function bytesScale(from: number, to: number, step: number): Scale {
    return { values: range(from, to, step), show: showBytesShort };
}

/** Bytes, each a fixed factor above the one before, rounded to MiB. */
export function byteSteps(from: number, to: number, factor: number): Scale {
    const values: number[] = [];
    for (let value = from; value <= to; value *= factor)
        values.push(Math.round(value / MIB) * MIB);
    return { values: [...new Set(values)], show: showWhole };
}

/** Memory limits of all sizes. */
export const limitSteps: Scale = {
    values: [...byteSteps(8 * MIB, 64 * GIB, 1.07).values, NO_LIMIT],
    show: (value) => (value === NO_LIMIT ? "off" : showWhole(value)),
};

/** Least heaps, the first one being none. */
export const minHeapSteps: Scale = {
    values: [0, ...byteSteps(4 * MIB, 16 * GIB, 1.19).values],
    show: (value) => (value === 0 ? "off" : showWhole(value)),
};

/** Floors of GOGC, the first one being none. */
export const floorScale: Scale = {
    values: [0, ...range(5, 100, 5), ...range(125, 400, 25)],
    show: (value) => (value === 0 ? "off" : String(value)),
};

export function rate(scale: Scale): Scale {
    return { ...scale, show: (value) => `${scale.show(value)}/s` };
}

export function shareScale(from: number, to: number, step: number): Scale {
    const values = range(from, to, step).map((value) => Math.round(value * 1e6) / 1e6);
    return { values, show: showShare };
}

export function numberScale(values: number[], show: (value: number) => string = String): Scale {
    return { values, show };
}

/** A slider or, without a scale, a switch. It writes one key in one section or in some phases. */
export interface Control {
    /** Short, for addresses. */
    id: string;
    label: string;
    /** What moving it means. */
    help: string;
    section: "" | "settings" | "machine" | "memory" | "phase";
    key: string;
    /** Where the section is phase: which; none: all. */
    phases?: number[];
    scale?: Scale;
}

function placesOf(control: Control, scenario: Scenario): Fields[] {
    if (control.section !== "phase") return [scenario[control.section]];
    return control.phases
        ? control.phases.map((index) => scenario.phases[index])
        : scenario.phases;
}

export function readControl(control: Control, scenario: Scenario): Value | undefined {
    return placesOf(control, scenario)[0][control.key];
}

export function writeControl(control: Control, scenario: Scenario, value: Value): void {
    for (const fields of placesOf(control, scenario)) fields[control.key] = value;
}

/** The choice of a scale that is nearest to a value. */
export function nearest(scale: Scale, value: number): number {
    let best = 0;
    scale.values.forEach((candidate, i) => {
        if (candidate === value) best = i;
        else if (
            scale.values[best] !== value &&
            Math.abs(candidate - value) < Math.abs(scale.values[best] - value)
        )
            best = i;
    });
    return best;
}

/** A slider with its label, its value, and a line of help. */
export class Slider {
    readonly element: HTMLElement;
    readonly input: HTMLInputElement;
    private readonly output: HTMLOutputElement;
    private scale: Scale;

    constructor(label: string, help: string, scale: Scale, change: (value: number) => void) {
        const id = newId("slider");
        this.scale = scale;
        this.input = make("input", {
            id,
            type: "range",
            min: 0,
            step: 1,
            "aria-describedby": `${id}-help`,
            input: () => {
                this.show();
                change(this.value());
            },
        });
        this.output = make("output", { for: id });
        this.element = make(
            "div",
            { class: "control" },
            make("label", { for: id }, label),
            this.output,
            this.input,
            make("p", { class: "help", id: `${id}-help` }, help),
        );
        this.setScale(scale);
    }

    value(): number {
        return this.scale.values[Number(this.input.value)];
    }

    set(value: number): void {
        this.input.value = String(nearest(this.scale, value));
        this.show(value);
    }

    setScale(scale: Scale): void {
        this.scale = scale;
        this.input.max = String(scale.values.length - 1);
    }

    /** @param value  where it may lie between the scale's */
    private show(value = this.value()): void {
        const text = this.scale.show(value);
        this.output.textContent = text;
        this.input.setAttribute("aria-valuetext", text);
        const share = Number(this.input.value) / Math.max(Number(this.input.max), 1);
        this.input.style.setProperty("--done", `${share * 100}%`);
    }
}

/** A switch with its label and a line of help. */
export class Switch {
    readonly element: HTMLElement;
    readonly input: HTMLInputElement;

    constructor(label: string, help: string, change: (value: boolean) => void) {
        const id = newId("switch");
        this.input = make("input", {
            id,
            type: "checkbox",
            role: "switch",
            "aria-describedby": `${id}-help`,
            change: () => change(this.input.checked),
        });
        this.element = make(
            "div",
            { class: "control switch" },
            make("label", { for: id }, this.input, label),
            make("p", { class: "help", id: `${id}-help` }, help),
        );
    }

    set(value: boolean): void {
        this.input.checked = value;
    }
}
