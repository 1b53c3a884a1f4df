// SPDX-License-Identifier: MIT
// One chart: a Panel drawn by uPlot, with a legend that tells the values under the cursor. The
// cursor moves by pointer and by the arrow keys; charts of a group share it and the axis of time.
import uPlot from "uplot";
import { make, say } from "./dom";
import type { Panel, Series } from "./series";
import { colour, onTheme } from "./theme";
import { showSeconds } from "./units";

/** Points per pixel beyond which neighbours are put together. */
const POINTS_PER_PIXEL = 1;
const AXIS_FONT = "12px system-ui, sans-serif";
const Y_AXIS_PX = 66;
const LEAST_WIDTH = 120;
/** Lines are told apart by dash and weight as well, for eyes that don't tell colours. */
const DASHES: Partial<Record<Series["style"], number[]>> = { dashed: [9, 4], dotted: [2, 3] };
const WEIGHTS: Partial<Record<Series["style"], number>> = { line: 2, dashed: 2.25, dotted: 2, area: 0 };
/** Distances of ticks: round in powers of two for bytes, of ten for the rest. */
const BINARY_TICKS = Array.from({ length: 52 }, (_, i) => 2 ** i);
const DECADES = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];

function decadesWithin(_plot: uPlot, _axis: number, least: number, most: number): number[] {
    return DECADES.filter((tick) => tick >= least && tick <= most);
}

type Column = (number | null)[];

/** What uPlot draws: layers summed up, the topmost first, so that each is painted over by those
 * below it; then the lines. */
interface Drawing {
    columns: Column[];
    /** Index in the panel's series, per column. */
    order: number[];
}

function drawingOf(panel: Panel): Drawing {
    const columns: Column[] = [];
    const order: number[] = [];
    let sum: number[] | null = null;
    panel.series.forEach((series, i) => {
        if (series.style !== "area") return;
        const below: number[] | null = sum;
        sum = Array.from(series.values, (value, k) => (value ?? 0) + (below ? below[k] : 0));
        columns.unshift(sum);
        order.unshift(i);
    });
    panel.series.forEach((series, i) => {
        if (series.style === "area") return;
        columns.push(Array.from(series.calm ?? series.values));
        order.push(i);
    });
    return { columns, order };
}

/** Of each stretch of points, keep the first, the last, and those where the top is least and most. */
function thinned(times: Float64Array, columns: Column[], most: number): uPlot.AlignedData {
    if (times.length <= most) return [times, ...columns] as uPlot.AlignedData;
    const keep: number[] = [];
    const stretch = Math.ceil((times.length / most) * 4);
    const top = columns[0];
    for (let from = 0; from < times.length; from += stretch) {
        const to = Math.min(from + stretch, times.length);
        let low = from;
        let high = from;
        for (let i = from; i < to; i++) {
            if ((top[i] ?? 0) < (top[low] ?? 0)) low = i;
            if ((top[i] ?? 0) > (top[high] ?? 0)) high = i;
        }
        keep.push(...[...new Set([from, low, high, to - 1])].sort((a, b) => a - b));
    }
    return [
        keep.map((i) => times[i]),
        ...columns.map((column) => keep.map((i) => column[i])),
    ] as uPlot.AlignedData;
}

export class Chart {
    readonly element: HTMLElement;
    private readonly plotBox: HTMLElement;
    private readonly legend: HTMLElement;
    private readonly heading: HTMLElement;
    private plot: uPlot | null = null;
    private panel: Panel | null = null;
    private drawing: Drawing = { columns: [], order: [] };
    /** The series that `plot` was made for. */
    private shape = "";
    private end = 1;
    private shownLegend = "";
    private width = LEAST_WIDTH;

    constructor(
        private readonly group: string,
        private readonly height: number,
        private readonly last: boolean,
    ) {
        this.heading = make("span", { class: "panel-name" });
        this.legend = make("ul", { class: "legend", "aria-hidden": "true" });
        this.plotBox = make("div", { class: "plot" });
        this.element = make(
            "div",
            {
                class: "chart",
                tabindex: 0,
                role: "group",
                "aria-roledescription": "chart",
                keydown: (event: KeyboardEvent) => this.onKey(event),
                blur: () => this.plot?.setCursor({ left: -10, top: -10 }),
            },
            make("div", { class: "chart-head" }, this.heading, this.legend),
            this.plotBox,
        );
        new ResizeObserver(([entry]) => this.resize(entry.contentRect.width)).observe(this.plotBox);
        onTheme(() => this.rebuild());
    }

    /** @param end  of the axis of time, seconds */
    draw(panel: Panel, end: number): void {
        this.panel = panel;
        this.end = end;
        this.drawing = drawingOf(panel);
        this.element.setAttribute(
            "aria-label",
            `${panel.label}. ${panel.describe} Left and right arrow keys read values.`,
        );
        const shape = panel.series.map((series) => series.label + series.style).join();
        if (!this.plot || shape !== this.shape) {
            this.shape = shape;
            this.rebuild();
        } else {
            this.plot.setData(this.data());
        }
        this.drawLegend(null);
    }


    private data(): uPlot.AlignedData {
        const most = this.width * POINTS_PER_PIXEL;
        return thinned(this.panel!.times, this.drawing.columns, most);
    }

    private resize(width: number): void {
        this.width = Math.max(Math.floor(width), LEAST_WIDTH);
        if (this.plot && this.plot.width !== this.width)
            this.plot.setSize({ width: this.width, height: this.height });
    }

    private rebuild(): void {
        if (!this.panel) return;
        this.plot?.destroy();
        this.plot = new uPlot(this.options(this.panel), this.data(), this.plotBox);
    }

    private rangeOf(most: number | null): [number, number] {
        const { from = 0, least, logarithmic } = this.panel!;
        const top = Math.max(most ?? 0, least);
        if (logarithmic) return [logarithmic, Math.max(top * 1.3, logarithmic * 10)];
        return [from, from + (top - from) * 1.06];
    }

    private seriesOptions(series: Series): uPlot.Series {
        const stroke = colour(series.colour);
        if (series.style === "points")
            return {
                paths: () => null,
                points: { show: true, size: 5, width: 0, fill: stroke, stroke },
            };
        const area = series.style === "area";
        return {
            stroke,
            width: WEIGHTS[series.style],
            fill: area ? stroke : undefined,
            dash: DASHES[series.style],
            points: { show: false },
            spanGaps: false,
            paths: series.stepped ? uPlot.paths.stepped!({ align: 1 }) : undefined,
        };
    }

    private options(panel: Panel): uPlot.Options {
        const ink = colour("muted");
        const grid = { stroke: colour("grid"), width: 1 };
        const axis = { stroke: ink, font: AXIS_FONT, grid, ticks: { show: false } };
        return {
            width: this.width,
            height: this.height,
            legend: { show: false },
            padding: [8, 10, this.last ? 0 : 6, 0],
            cursor: {
                sync: { key: this.group },
                drag: { x: false, y: false, setScale: false },
                y: false,
                points: { show: false },
            },
            scales: {
                x: { time: false, range: () => [0, this.end] },
                y: {
                    distr: panel.logarithmic ? 3 : 1,
                    range: (_plot, _least, most) => this.rangeOf(most),
                },
            },
            axes: [
                {
                    ...axis,
                    size: this.last ? 34 : 6,
                    values: (_plot, ticks) => ticks.map((tick) => (this.last ? `${tick} s` : "")),
                },
                {
                    ...axis,
                    size: Y_AXIS_PX,
                    space: 34,
                    incrs: panel.binary ? BINARY_TICKS : undefined,
                    splits: panel.logarithmic ? decadesWithin : undefined,
                    values: (_plot, ticks) =>
                        ticks.map((tick) => (tick === null ? "" : panel.tick(tick))),
                },
            ],
            series: [{}, ...this.drawing.order.map((i) => this.seriesOptions(panel.series[i]))],
            hooks: {
                drawClear: [(plot) => this.drawBands(plot)],
                setCursor: [(plot) => this.drawLegend(plot.cursor.idx ?? null)],
            },
        };
    }

    private drawBands(plot: uPlot): void {
        const { ctx, bbox } = plot;
        const { bands } = this.panel!;
        if (bands.length === 0) return;
        ctx.save();
        ctx.fillStyle = colour(bands[0].colour);
        // rectangles of whole pixels, each painted once: a path of hundreds takes long to fill
        const least = bands.length > bbox.width / 8 ? 0 : 1;
        let [left, right] = [0, 0];
        const paint = () => ctx.fillRect(left, bbox.top, right - left, bbox.height);
        for (const band of bands) {
            const from = Math.round(plot.valToPos(band.from, "x", true));
            const to = Math.max(Math.round(plot.valToPos(band.to, "x", true)), from + least);
            if (from > right) {
                paint();
                left = from;
            }
            right = Math.max(right, to);
        }
        paint();
        ctx.restore();
    }

    // ---- Values under the cursor ------------------------------------------

    /** The panel's point that the plot's point `index` stands for. */
    private pointAt(index: number): number {
        const times = this.panel!.times;
        const time = this.plot!.data[0][index];
        let low = 0;
        let high = times.length - 1;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (times[middle] < time) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private shownSeries(): Series[] {
        const isSeen = ({ values }: Series) => {
            for (let i = 0; i < values.length; i++) if ((values[i] ?? 0) > 0) return true;
            return false;
        };
        return this.panel!.series.filter((series) => !series.optional || isSeen(series));
    }

    private valueText(series: Series, point: number): string {
        const value = series.values[point];
        return value === null || value === undefined ? "none" : this.panel!.show(value);
    }

    private drawLegend(index: number | null): void {
        if (!this.panel) return;
        const point = index === null || !this.plot ? null : this.pointAt(index);
        const time = point === null ? "" : ` at ${showSeconds(this.panel.times[point])}`;
        if (this.heading.textContent !== this.panel.label + time)
            this.heading.textContent = this.panel.label + time;
        const chips = this.shownSeries().map((series) => ({
            ...series,
            value: point === null ? "" : this.valueText(series, point),
        }));
        const [band] = this.panel.bands;
        if (band && this.panel.bandLabel)
            chips.push({ ...band, label: this.panel.bandLabel, style: "area", values: [], value: "" });
        const shown = chips.map(({ label, value }) => `${label} ${value}`).join();
        if (shown === this.shownLegend) return; // nothing for the page to lay out
        this.shownLegend = shown;
        this.legend.replaceChildren(
            ...chips.map(({ label, style, colour, value }) =>
                make(
                    "li",
                    {},
                    make("i", { class: `swatch ${style}`, style: `--c: var(--${colour})` }),
                    label,
                    value ? make("b", {}, value) : "",
                ),
            ),
        );
    }

    private onKey(event: KeyboardEvent): void {
        const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageDown: 10, PageUp: -10 };
        const plot = this.plot;
        if (!plot || !(event.key in steps || event.key === "Home" || event.key === "End")) return;
        event.preventDefault();
        const width = plot.bbox.width / devicePixelRatio;
        const now = plot.cursor.left ?? -10;
        let left = now < 0 ? 0 : now + (steps[event.key] ?? 0) * (width / 100);
        if (event.key === "Home") left = 0;
        if (event.key === "End") left = width;
        plot.setCursor({ left: Math.min(Math.max(left, 0), width), top: 1 });
        const index = plot.cursor.idx;
        if (index === null || index === undefined) return;
        const point = this.pointAt(index);
        const values = this.shownSeries().map(
            (series) => `${series.label} ${this.valueText(series, point)}`,
        );
        say(`At ${showSeconds(this.panel!.times[point])}: ${values.join(", ")}`);
    }
}
