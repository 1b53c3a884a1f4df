// SPDX-License-Identifier: MIT
// The program's phases as a chart that is edited by dragging: a block per phase, as wide as it
// takes long and as high as it allocates, its lower part being what survives. Each has three
// handles, which are sliders for the keyboard and for screen readers.
import { make, makeSvg } from "./dom";
import { type Fields, type Scenario, isStream } from "./scenario";
import { MIB, showBytes, showSeconds, showShare } from "./units";

const HEIGHT = 200;
const TOP = 18;
const BOTTOM = 54;
/** Names stand below the blocks, on up to three lines; measured as style.css has them. */
const NAME_LINES = 3;
const NAME_FONT = "600 12px system-ui, sans-serif";
const NAME_LINE_PX = 15;
const HANDLE = 7;
/** Room at both ends, so that no handle is cut off. */
const MARGIN = HANDLE + 2;
const LEAST_WIDTH = 200;
/** With more phases than this, only the chosen one has handles. */
const MOST_HANDLED = 14;
/** A key moves a figure by this factor; with Page Up and Down by its fifth power. */
const KEY_FACTOR = 1.05;
const SHORTEST_S = 0.01;
const LONGEST_S = 1e6;
const FASTEST = 1024 * 1024 * MIB;

type Figure = "duration" | "alloc_rate" | "survival";

/** Scales as they were when a drag began: a chart must not run away from the pointer. */
interface Scales {
    secondsPerPx: number;
    bytesPerPx: number;
}

export interface PhasesOptions {
    scenario: () => Scenario;
    chosen: () => number;
    choose: (phase: number) => void;
    changed: () => void;
}

function numberOf(fields: Fields, name: Figure): number {
    const value = fields[name] ?? (name === "duration" ? 1 : 0);
    return typeof value === "number" ? value : NaN;
}

/** What to draw for a rate that changes: its rough size. */
function sizeOf(fields: Fields): number {
    const value = fields.alloc_rate;
    if (!isStream(value)) return typeof value === "number" ? value : 0;
    const amounts = (stream: typeof value): number =>
        stream.kind === "sum"
            ? stream.terms.map(amounts).reduce((a, b) => a + b, 0)
            : Math.abs(stream.amount);
    return amounts(value);
}

const ruler = document.createElement("canvas").getContext("2d")!;

/** A text on lines of at most so many pixels, broken between words; what has no room ends in "…". */
function onLines(text: string, most: number): string[] {
    ruler.font = NAME_FONT;
    const fits = (line: string) => ruler.measureText(line).width <= most;
    const lines: string[] = [];
    for (let rest = text; rest; ) {
        const words = rest.split(" ");
        let count = words.length;
        const isLast = lines.length === NAME_LINES - 1;
        while (!isLast && count > 1 && !fits(words.slice(0, count).join(" "))) count--;
        let line = words.slice(0, count).join(" ");
        rest = words.slice(count).join(" ");
        if (!fits(line)) {
            let length = line.length;
            while (length > 1 && !fits(`${line.slice(0, length).trimEnd()}…`)) length--;
            line = `${line.slice(0, length).trimEnd()}…`;
            rest = "";
        }
        lines.push(line);
    }
    return lines;
}

/** Three digits are enough for a hand. */
function round(value: number): number {
    return Number(value.toPrecision(3));
}

function clamp(value: number, least: number, most: number): number {
    return Math.min(Math.max(value, least), most);
}

export function phaseName(fields: Fields, index: number): string {
    return typeof fields.name === "string" && fields.name ? fields.name : `phase ${index + 1}`;
}

export class Phases {
    readonly element: HTMLElement;
    private readonly svg: SVGSVGElement;
    private dragged: Scales | null = null;
    private width = LEAST_WIDTH;

    constructor(private readonly options: PhasesOptions) {
        this.svg = makeSvg("svg", { class: "phases", height: HEIGHT, role: "group" });
        this.svg.setAttribute("aria-label", "Phases of the program");
        this.element = make("div", { class: "phases-box" }, this.svg);
        new ResizeObserver(([entry]) => {
            this.width = Math.max(entry.contentRect.width, LEAST_WIDTH);
            this.draw();
        }).observe(this.element);
    }

    draw(): void {
        const { phases } = this.options.scenario();
        const scales = this.dragged ?? this.scales(this.width);
        const focused = (document.activeElement as SVGElement | null)?.dataset?.handle;
        this.svg.setAttribute("width", String(this.width));
        this.svg.replaceChildren();
        let x = MARGIN;
        const handles: SVGElement[] = [];
        phases.forEach((fields, i) => {
            const next = x + numberOf(fields, "duration") / scales.secondsPerPx;
            this.svg.append(this.block(fields, i, x, next, scales));
            if (phases.length <= MOST_HANDLED || i === this.options.chosen())
                handles.push(...this.handles(fields, i, x, next, scales));
            x = next;
        });
        this.svg.append(...handles);
        if (focused) this.svg.querySelector<SVGElement>(`[data-handle="${focused}"]`)?.focus();
    }

    private scales(width: number): Scales {
        const { phases } = this.options.scenario();
        const seconds = phases.reduce((sum, fields) => sum + numberOf(fields, "duration"), 0);
        const fastest = Math.max(...phases.map(sizeOf), MIB);
        return {
            secondsPerPx: seconds / (width - MARGIN * 2),
            bytesPerPx: fastest / (HEIGHT - TOP - BOTTOM - 12),
        };
    }

    private y(bytes: number, scales: Scales): number {
        return Math.max(HEIGHT - BOTTOM - bytes / scales.bytesPerPx, TOP);
    }

    private block(fields: Fields, i: number, from: number, to: number, scales: Scales): SVGElement {
        const base = HEIGHT - BOTTOM;
        const top = this.y(sizeOf(fields), scales);
        const survival = numberOf(fields, "survival") || 0;
        const alive = base - (base - top) * survival;
        const width = Math.max(to - from - 1, 1);
        const chosen = i === this.options.chosen();
        const group = makeSvg(
            "g",
            { class: chosen ? "phase chosen" : "phase", click: () => this.options.choose(i) },
            makeSvg("title", {}, phaseName(fields, i)),
            makeSvg("rect", { class: "back", x: from, y: TOP, width, height: base - TOP }),
            makeSvg("rect", { class: "new", x: from, y: top, width, height: Math.max(base - top, 1) }),
            makeSvg("rect", { class: "kept", x: from, y: alive, width, height: base - alive }),
        );
        if (to - from > 44) {
            onLines(phaseName(fields, i), to - from - 8).forEach((line, row) =>
                group.append(
                    makeSvg("text", { x: from + 4, y: base + NAME_LINE_PX * (row + 1) }, line),
                ),
            );
            const rate = isStream(fields.alloc_rate)
                ? "changes"
                : `${showBytes(numberOf(fields, "alloc_rate"), 2)}/s`;
            if (ruler.measureText(rate).width <= to - from - 8) // else its handle tells it
                group.append(makeSvg("text", { class: "rate", x: from + 4, y: 13 }, rate));
        }
        return group;
    }

    // ---- Handles ----------------------------------------------------------

    private handles(fields: Fields, i: number, from: number, to: number, scales: Scales): SVGElement[] {
        const base = HEIGHT - BOTTOM;
        const middle = (from + to) / 2;
        const top = this.y(sizeOf(fields), scales);
        const list = [this.handle(fields, i, "duration", to, (TOP + base) / 2, scales)];
        if (!isStream(fields.alloc_rate))
            list.push(this.handle(fields, i, "alloc_rate", middle, top, scales));
        if (!isStream(fields.survival)) {
            const alive = base - (base - top) * numberOf(fields, "survival");
            list.push(this.handle(fields, i, "survival", from + (to - from) * 0.25, alive, scales));
        }
        return list;
    }

    private handle(fields: Fields, i: number, figure: Figure, x: number, y: number, scales: Scales): SVGElement {
        const value = numberOf(fields, figure);
        const names: Record<Figure, string> = {
            duration: "Duration",
            alloc_rate: "Allocation rate",
            survival: "Survival",
        };
        const texts: Record<Figure, string> = {
            duration: showSeconds(value),
            alloc_rate: `${showBytes(value)}/s`,
            survival: showShare(value),
        };
        const handle = makeSvg(
            "g",
            {
                class: `handle ${figure}`,
                role: "slider",
                tabindex: 0,
                "data-handle": `${i}-${figure}`,
                "aria-label": `${names[figure]} of ${phaseName(fields, i)}`,
                "aria-orientation": figure === "duration" ? "horizontal" : "vertical",
                "aria-valuemin": 0,
                "aria-valuemax": figure === "survival" ? 1 : figure === "duration" ? LONGEST_S : FASTEST,
                "aria-valuenow": value,
                "aria-valuetext": texts[figure],
                keydown: (event: KeyboardEvent) => this.onKey(event, i, figure),
                pointerdown: (event: PointerEvent) => this.drag(event, i, figure, scales),
                focus: () => this.options.choose(i),
            },
            makeSvg("title", {}, `${names[figure]}: ${texts[figure]}`),
            makeSvg("circle", { class: "reach", cx: x, cy: y, r: HANDLE * 2 }),
            figure === "survival"
                ? makeSvg("rect", { x: x - 6, y: y - 6, width: 12, height: 12, rx: 2 })
                : makeSvg("circle", { cx: x, cy: y, r: HANDLE }),
        );
        return handle;
    }

    private set(i: number, figure: Figure, value: number): void {
        const fields = this.options.scenario().phases[i];
        if (figure === "duration") fields.duration = clamp(round(value), SHORTEST_S, LONGEST_S);
        else if (figure === "survival") fields.survival = clamp(Math.round(value * 200) / 200, 0, 1);
        else fields.alloc_rate = clamp(Math.round(round(value / MIB) * 16) * (MIB / 16), 0, FASTEST);
        this.draw();
        this.options.changed();
    }

    private drag(event: PointerEvent, i: number, figure: Figure, scales: Scales): void {
        event.preventDefault();
        this.options.choose(i);
        this.svg.querySelector<SVGElement>(`[data-handle="${i}-${figure}"]`)?.focus();
        const fields = this.options.scenario().phases[i];
        const start = numberOf(fields, figure);
        const rate = numberOf(fields, "alloc_rate") || sizeOf(fields);
        this.dragged = scales;
        const move = (to: PointerEvent) => {
            const right = (to.clientX - event.clientX) * scales.secondsPerPx;
            const up = (event.clientY - to.clientY) * scales.bytesPerPx;
            if (figure === "duration") this.set(i, figure, start + right);
            else if (figure === "alloc_rate") this.set(i, figure, start + up);
            else this.set(i, figure, start + (rate > 0 ? up / rate : 0));
        };
        const end = () => {
            removeEventListener("pointermove", move);
            removeEventListener("pointerup", end);
            removeEventListener("pointercancel", end);
            this.dragged = null;
            this.draw();
        };
        addEventListener("pointermove", move);
        addEventListener("pointerup", end);
        addEventListener("pointercancel", end);
    }

    private onKey(event: KeyboardEvent, i: number, figure: Figure): void {
        const steps: Record<string, number> = {
            ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 5, PageDown: -5,
        };
        const step = steps[event.key];
        if (!step) return;
        event.preventDefault();
        const value = numberOf(this.options.scenario().phases[i], figure);
        if (figure === "survival") this.set(i, figure, value + step * 0.01);
        else {
            const least = figure === "duration" ? SHORTEST_S : MIB;
            this.set(i, figure, Math.max(value, least) * KEY_FACTOR ** step);
        }
    }
}
