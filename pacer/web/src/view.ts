// SPDX-License-Identifier: MIT
// A run on the page: charts of a scenario, its figures, and its cycles as a table. Runs only while
// it is in sight, or nearly.
import { Chart } from "./chart";
import { make, say } from "./dom";
import type { Engine, Fault, Results } from "./engine";
import { Figures } from "./figures";
import type { Job, Runner } from "./runner";
import { type Scenario, accepted, writeToml } from "./scenario";
import { type PanelKind, panelOf } from "./series";
import { ruleSeries, sqrtRule } from "./sqrt_rule";
import { cyclesTable } from "./table";

const HEIGHTS: Record<PanelKind, number> = {
    simple: 250,
    memory: 250,
    float: 110,
    cpu: 140,
    bucket: 110,
    pauses: 140,
};

/** The page's common means. */
export interface Means {
    engine: Engine;
    runner: Runner;
}

export interface ViewOptions {
    name: string;
    panels: PanelKind[];
    figures: string[];
    scenario: () => Scenario;
    /** c of the square-root rule, CPU per byte; null: not to be seen. */
    ruleCost?: () => number | null;
    onResults?: (results: Results) => void;
}

export class View implements Job {
    readonly charts: HTMLElement;
    readonly figures: Figures;
    readonly details: HTMLDetailsElement;
    /** The scenario, for the command. */
    readonly source: HTMLDetailsElement;
    results: Results | null = null;
    private readonly panels: [PanelKind, Chart][];
    private readonly bar: HTMLProgressElement;
    private inSight = false;
    private dirty = true;
    /** The next result follows from something that the person did. */
    private asked = false;

    constructor(
        private readonly means: Means,
        private readonly options: ViewOptions,
    ) {
        this.panels = options.panels.map((kind, i) => [
            kind,
            new Chart(options.name, HEIGHTS[kind], i === options.panels.length - 1),
        ]);
        this.figures = new Figures(options.figures);
        this.bar = make("progress", { class: "run", max: 1, hidden: true, "aria-label": "Simulating" });
        this.charts = make(
            "div",
            { class: "charts" },
            this.bar,
            this.figures.warning,
            ...this.panels.map(([, chart]) => chart.element),
        );
        this.details = make(
            "details",
            { class: "cycles", toggle: () => this.drawTable() },
            make("summary", {}, "Every cycle, as a table"),
        );
        this.source = make(
            "details",
            { class: "source", toggle: () => this.drawSource() },
            make("summary", {}, "The scenario, for gait-sim run"),
            make("pre", { tabindex: 0, "aria-label": "Scenario" }),
        );
        new IntersectionObserver(
            (entries) => {
                this.inSight = entries[entries.length - 1].isIntersecting;
                if (this.inSight && this.dirty) this.means.runner.request(this);
            },
            { rootMargin: "200px" },
        ).observe(this.charts);
    }

    /** Something changed. */
    changed(byPerson = true): void {
        this.dirty = true;
        this.asked ||= byPerson;
        this.drawSource();
        if (this.inSight) this.means.runner.request(this);
    }

    /** Draw again what there is: an overlay changed. */
    redraw(): void {
        if (this.results) this.draw(this.results);
    }

    // ---- Job --------------------------------------------------------------

    scenario(): Scenario {
        this.dirty = false;
        return this.options.scenario();
    }

    done(results: Results): void {
        this.results = results;
        this.bar.hidden = true;
        this.draw(results);
        if (this.asked) say(this.figures.sentence(results));
        this.asked = false;
    }

    refused({ key, endless }: Fault): void {
        this.bar.hidden = true;
        this.figures.warning.hidden = false;
        this.figures.warning.textContent = endless
            ? `Not run: ${key.name} makes for more steps than anyone would wait for; make a phase's ` +
              "duration shorter" + (key.name === "duration" ? "." : `, or ${key.name} longer.`)
            : `${key.name} is out of range; accepted: ${accepted(key, this.means.engine.models)}`;
    }

    progress(share: number): void {
        this.bar.hidden = false;
        this.bar.value = share;
    }

    private draw(results: Results): void {
        const cost = this.options.ruleCost?.() ?? null;
        const rule = cost === null ? null : ruleSeries(results, sqrtRule(results, cost));
        this.figures.draw(results);
        for (const [kind, chart] of this.panels)
            chart.draw(panelOf(kind, results, rule), results.summary.wall_s);
        this.drawTable();
        this.options.onResults?.(results);
    }

    private drawSource(): void {
        if (this.source.open)
            this.source.lastElementChild!.textContent = writeToml(
                this.options.scenario(),
                this.means.engine.keys,
            );
    }

    private drawTable(): void {
        if (!this.details.open || !this.results) return;
        const table = cyclesTable(this.results, this.options.name);
        this.details.replaceChildren(this.details.firstElementChild!, table);
    }
}
