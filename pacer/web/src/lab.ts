// SPDX-License-Identifier: MIT
// The workbench: any scenario, all of its figures, edited by hand or on the chart, and its ways in
// and out.
import batch from "../../../examples/scenarios/batch.toml";
import thrashing from "../../../examples/scenarios/thrashing-job.toml";
import webService from "../../../examples/scenarios/web-service.toml";
import { Slider, Switch, floorScale, gogcScale, limitSteps, minHeapSteps, numberScale } from "./controls";
import { make } from "./dom";
import { type Section, Type } from "./engine";
import { Exchange } from "./exchange";
import { Form } from "./form";
import { Phases, phaseName } from "./phases";
import { RuleControl } from "./rule_control";
import {
    type Fields,
    NO_LIMIT,
    Refusal,
    type Scenario,
    copyScenario,
    readToml,
    writeToml,
} from "./scenario";
import { refuseState } from "./notice";
import { getState, onState, pack, setState, unpack } from "./state";
import { type Means, View } from "./view";

const PRESETS: [string, string][] = [
    ["Web service in a container", webService],
    ["Batch program", batch],
    ["A job that outgrows its limit", thrashing],
];
const FIGURES = [
    "wall_s", "gc_share", "peak_total_bytes", "peak_heap_bytes", "peak_reachable_bytes", "mean_total_bytes", "float",
    "cycles", "pause_max_s", "assist_cpu_s", "limiting_s", "stalled_s", "peak_process_bytes",
    "notices_high", "notices_limited",
];
const MODELS: Record<string, string> = {
    full: "full: concurrent cycles",
    ideal: "ideal: the pacer alone",
    stw: "stw: the program stops",
};

export class Lab {
    readonly element: HTMLElement;
    private scenario: Scenario;
    private chosen = 0;
    private withRule = false;
    private readonly view: View;
    private readonly phases: Phases;
    private readonly exchange: Exchange;
    private readonly rule: RuleControl;
    private readonly forms: Form[];
    private readonly shows: (() => void)[] = [];
    private readonly phaseHeading = make("h3", { id: "phase-heading" });
    /** Above the charts: what came in last. */
    private readonly arrivals = make("div", { class: "arrivals", tabindex: -1 });

    constructor(private readonly means: Means) {
        this.scenario = this.preset(0);
        this.rule = new RuleControl(() => this.view.redraw());
        this.view = new View(means, {
            name: "lab",
            panels: ["memory", "float", "cpu", "bucket", "pauses"],
            figures: FIGURES,
            scenario: () => this.scenario,
            ruleCost: () => (this.withRule ? this.rule.cost() : null),
            onResults: (results) => {
                if (this.withRule) this.rule.draw(results);
            },
        });
        this.phases = new Phases({
            scenario: () => this.scenario,
            chosen: () => this.chosen,
            choose: (phase) => this.choose(phase),
            changed: () => this.changed(),
        });
        this.forms = [this.phaseForm(), this.form("machine"), this.form("memory"), this.form("settings"), this.form("")];
        this.exchange = new Exchange(means, {
            scenario: () => this.scenario,
            take: (scenario, recorded) => this.take(scenario, recorded),
            arrived: () => this.arrived(),
        });
        this.element = make(
            "section",
            { id: "lab", class: "chapter lab", "aria-labelledby": "lab-title" },
            make("h2", { id: "lab-title", tabindex: -1 }, "Workbench: your program"),
            make(
                "p",
                { class: "lead" },
                "Start from an example, or from a trace of a real program. Drag the phases' handles; change any " +
                    "figure below. The scenario goes to the command as it is: ",
                make("code", {}, "gait-sim run"),
                ", ",
                make("code", {}, "sweep"),
                ".",
            ),
            this.presetButtons(),
            this.phaseEditor(),
            this.arrivals,
            make(
                "div",
                { class: "bench" },
                this.view.charts,
                make("div", { class: "side" }, ...this.controls()),
                this.view.figures.element,
            ),
            make("div", { class: "after" }, this.view.details),
            this.everyKey(),
            this.exchange.element,
        );
        this.readState();
        onState(() => this.readState());
    }

    /** Another scenario, from elsewhere; and what was recorded of its program, if anything was. */
    take(scenario: Scenario, recorded: Record<string, number> | null = null): void {
        this.scenario = scenario;
        this.chosen = 0;
        this.view.figures.setRecorded(recorded);
        this.changed();
    }

    // ---- State ------------------------------------------------------------

    private preset(index: number): Scenario {
        const { keys, models } = this.means.engine;
        return readToml(PRESETS[index][1], keys, models);
    }

    /** @param phases  false: they are as they were, and need not be drawn again */
    private changed(phases = true): void {
        setState("lab", () => this.packed());
        this.draw(phases);
        this.view.changed();
    }

    /** The scenario for an address; null: it is as the page comes. */
    private packed(): string | null {
        const toml = writeToml(this.scenario, this.means.engine.keys);
        const standard = writeToml(this.preset(0), this.means.engine.keys);
        return toml === standard ? null : pack(toml);
    }

    private readState(): void {
        const packed = getState("lab");
        const toml = packed === undefined ? null : unpack(packed);
        const { keys, models } = this.means.engine;
        const isCut = packed !== undefined && toml === null;
        refuseState("lab", isCut ? "lab: the scenario in it is cut off or damaged" : null);
        try {
            this.scenario = toml === null ? this.preset(0) : readToml(toml, keys, models);
        } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            refuseState("lab", `lab: its scenario is none: ${error.message}`);
            this.scenario = this.preset(0);
        }
        this.chosen = 0;
        this.view.figures.setRecorded(null);
        this.draw();
        this.view.changed(false);
    }

    private draw(phases = true): void {
        this.chosen = Math.min(this.chosen, this.scenario.phases.length - 1);
        if (phases) this.phases.draw();
        this.forms.forEach((form) => form.draw());
        this.shows.forEach((show) => show());
        this.exchange.draw();
        const fields = this.scenario.phases[this.chosen];
        this.phaseHeading.textContent =
            `Phase ${this.chosen + 1} of ${this.scenario.phases.length}: ` + phaseName(fields, this.chosen);
    }

    // ---- Parts ------------------------------------------------------------

    private presetButtons(): HTMLElement {
        const buttons = PRESETS.map(([name], i) =>
            make("button", { type: "button", click: () => this.take(this.preset(i)) }, name),
        );
        return make("div", { class: "presets", role: "group", "aria-label": "Examples" }, ...buttons);
    }

    private choose(phase: number): void {
        if (this.chosen === phase) return;
        this.chosen = phase;
        this.draw();
    }

    private phaseEditor(): HTMLElement {
        const button = (text: string, act: () => void) =>
            make("button", { type: "button", click: act }, text);
        const { phases } = this;
        return make(
            "div",
            { class: "editor" },
            make(
                "p",
                { class: "help" },
                "A block is a phase: its width is how long it takes without a collector, its height how fast it " +
                    "allocates, the lower part what survives of that. Round handles: duration and rate; square " +
                    "ones: survival.",
            ),
            phases.element,
            make(
                "div",
                { class: "phase-buttons" },
                this.phaseHeading,
                button("Before", () => this.choose(Math.max(this.chosen - 1, 0))),
                button("Next", () =>
                    this.choose(Math.min(this.chosen + 1, this.scenario.phases.length - 1)),
                ),
                button("Copy", () => this.copyPhase()),
                button("Delete", () => this.deletePhase()),
            ),
            make(
                "details",
                { class: "keys", toggle: () => this.forms[0].draw() },
                make("summary", {}, "All figures of this phase"),
                this.forms[0].element,
            ),
        );
    }

    private copyPhase(): void {
        const { phases } = this.scenario;
        phases.splice(this.chosen, 0, structuredClone(phases[this.chosen]));
        this.chosen++;
        this.changed();
    }

    private deletePhase(): void {
        if (this.scenario.phases.length === 1) return;
        this.scenario.phases.splice(this.chosen, 1);
        this.changed();
    }

    private phaseForm(): Form {
        return this.form("phase", () => this.scenario.phases[this.chosen] ?? null);
    }

    private form(section: Section, fields?: () => Fields | null): Form {
        const { keys, models } = this.means.engine;
        return new Form({
            keys: keys.filter((key) => key.section === section),
            models,
            fields: fields ?? (() => this.scenario[section as "machine"]),
            changed: () => this.changed(),
        });
    }

    private everyKey(): HTMLElement {
        const part = (title: string, form: Form) => [make("h4", {}, title), form.element];
        return make(
            "details",
            { class: "keys", toggle: () => this.forms.forEach((form) => form.draw()) },
            make("summary", {}, "Machine, memory and settings: every figure"),
            ...part("Machine", this.forms[1]),
            ...part("Memory", this.forms[2]),
            ...part("Settings", this.forms[3]),
            ...part("Run", this.forms[4]),
        );
    }

    // ---- Controls ---------------------------------------------------------

    private slider(slider: Slider, name: string, read: () => number): HTMLElement {
        slider.element.dataset.control = `lab.${name}`;
        this.shows.push(() => slider.set(read()));
        return slider.element;
    }

    private setting(name: string, value: number | boolean): void {
        this.scenario.settings[name] = value;
        this.changed(false);
    }

    private controls(): HTMLElement[] {
        const settings = () => this.scenario.settings;
        const gogc = new Slider("GOGC", "new memory before the next cycle, in percent of what is live",
            gogcScale, (value) => this.setting("gogc", value));
        const limit = new Slider("GOMEMLIMIT", "soft limit on all memory that the heap holds",
            limitSteps, (value) => this.setting("memory_limit", value));
        const cpus = new Slider("CPUs", "that the program may use (GOMAXPROCS)",
            numberScale([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]), (value) => {
                this.scenario.machine.cpus = value;
                this.changed(false);
            });
        const limiter = new Switch("CPU limiter", "keeps the collector to half of the CPU time",
            (value) => this.setting("cpu_limiter", value));
        const minHeap = new Slider("Least heap", "least heap goal, whatever GOGC says (GAIT_MIN_HEAP)",
            minHeapSteps, (value) => this.setting("min_heap", value));
        const floor = new Slider("GOGC floor", "under a limit, collect no oftener than this GOGC would " +
            "(GAIT_GOGC_FLOOR)", floorScale, (value) => this.setting("gogc_floor", value));
        const assists = new Switch("Assists", "threads mark for what they allocate (GAIT_ASSISTS)",
            (value) => this.setting("assists", value));
        const minors = new Switch("Minor cycles", "some cycles mark what is new alone (GAIT_MINOR)",
            (value) => this.setting("minors", value));
        const rule = new Switch("Square-root rule", "beside GOGC's goal, what that rule would give", (value) => {
            this.withRule = value;
            this.rule.element.hidden = !value;
            this.view.redraw();
        });
        this.rule.element.hidden = true;
        this.shows.push(() => limiter.set((settings().cpu_limiter ?? true) as boolean));
        this.shows.push(() => assists.set((settings().assists ?? true) as boolean));
        this.shows.push(() => minors.set((settings().minors ?? false) as boolean));
        return [
            this.modelSelect(),
            this.slider(gogc, "gogc", () => (settings().gogc ?? 100) as number),
            this.slider(limit, "limit", () => (settings().memory_limit ?? NO_LIMIT) as number),
            this.slider(minHeap, "min_heap", () => (settings().min_heap ?? 0) as number),
            this.slider(floor, "gogc_floor", () => (settings().gogc_floor ?? 0) as number),
            assists.element,
            minors.element,
            this.slider(cpus, "cpus", () => (this.scenario.machine.cpus ?? 2) as number),
            limiter.element,
            rule.element,
            this.rule.element,
        ];
    }

    private modelSelect(): HTMLElement {
        const { models, keys } = this.means.engine;
        const standard = models[keys.find((key) => key.type === Type.Choice)!.standard];
        const select = make(
            "select",
            {
                id: "lab-model",
                change: () => {
                    this.scenario[""].model = select.value;
                    this.changed();
                },
            },
            ...models.map((name) => make("option", { value: name }, MODELS[name] ?? name)),
        );
        this.shows.push(() => (select.value = (this.scenario[""].model ?? standard) as string));
        return make(
            "div",
            { class: "control" },
            make("label", { for: "lab-model" }, "Model"),
            select,
            make("p", { class: "help" }, "full: a machine with CPUs and memory; the others leave that out"),
        );
    }

    /** For a chapter's button. */
    open(scenario: Scenario): void {
        this.take(copyScenario(scenario));
        this.lead(this.element, this.element.querySelector("#lab-title"));
    }

    /** A file or what was pasted is there: lead the eye, and the focus, to what comes of it. */
    private arrived(): void {
        this.arrivals.replaceChildren(this.exchange.message);
        this.lead(this.arrivals, this.arrivals);
    }

    private lead(to: HTMLElement, focus: HTMLElement | null): void {
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        focus?.focus({ preventScroll: true });
        to.scrollIntoView({ behavior: calm ? "auto" : "smooth" });
    }
}
