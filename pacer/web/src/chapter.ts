// SPDX-License-Identifier: MIT
// A chapter: words, a scenario, a few controls of it, and what comes of them.
import { type Control, Slider, Switch, nearest, readControl, writeControl } from "./controls";
import { make, prose } from "./dom";
import { Type } from "./engine";
import {
    Refusal,
    type Scenario,
    copyScenario,
    readToml,
    readValue,
    standardOf,
    writeValue,
} from "./scenario";
import { RuleControl } from "./rule_control";
import type { PanelKind } from "./series";
import { refuseState } from "./notice";
import { getState, onState, setState } from "./state";
import { type Means, View } from "./view";

export interface ChapterText {
    id: string;
    title: string;
    /** What it is about, before the chart; then what to try and to see, after it. */
    lead: string;
    notes: string[];
    toml: string;
    panels: PanelKind[];
    figures: string[];
    controls: Control[];
    /** Draw the square-root rule, with a slider for its c. */
    rule?: boolean;
}

export class Chapter {
    readonly element: HTMLElement;
    private readonly original: Scenario;
    private scenario: Scenario;
    private readonly view: View;
    private readonly setters: (() => void)[] = [];
    private readonly rule: RuleControl | null;

    /** @param toLab  takes a scenario to the workbench */
    constructor(
        private readonly means: Means,
        private readonly text: ChapterText,
        number: number,
        toLab: (scenario: Scenario) => void,
    ) {
        const { keys, models } = means.engine;
        this.original = readToml(text.toml, keys, models);
        this.scenario = copyScenario(this.original);
        this.rule = text.rule ? new RuleControl(() => this.setRule()) : null;
        this.view = new View(means, {
            name: text.id,
            panels: text.panels,
            figures: text.figures,
            scenario: () => this.scenario,
            ruleCost: () => this.rule?.cost() ?? null,
            onResults: (results) => this.rule?.draw(results),
        });
        const heading = `${text.id}-title`;
        this.element = make(
            "section",
            { id: text.id, class: "chapter", "aria-labelledby": heading },
            make("h3", { id: heading }, make("span", { class: "number" }, String(number)), text.title),
            make(
                "div",
                { class: text.controls.length > 1 ? "intro" : "intro beside" },
                make("p", { class: "lead" }, ...prose(text.lead)),
                make("div", { class: "side" }, ...this.controls()),
            ),
            this.view.charts,
            this.view.figures.element,
            make(
                "div",
                { class: "notes" },
                ...text.notes.map((note) => make("p", { class: "note" }, ...prose(note))),
            ),
            make(
                "div",
                { class: "after" },
                this.view.details,
                this.view.source,
                make("button", { type: "button", click: () => this.reset() }, "Reset"),
                make(
                    "button",
                    { type: "button", click: () => toLab(copyScenario(this.scenario)) },
                    "Open in the workbench",
                ),
            ),
        );
        this.readState();
        onState(() => this.readState());
    }

    private controls(): HTMLElement[] {
        const elements = this.text.controls.map((control) => {
            const element = control.scale ? this.slider(control) : this.switch(control);
            element.dataset.control = this.stateName(control.id);
            return element;
        });
        return this.rule ? [...elements, this.rule.element] : elements;
    }

    private stateName(control: string): string {
        return `${this.text.id}.${control}`;
    }

    private setRule(): void {
        const rule = this.rule!;
        setState(this.stateName("c"), rule.isStandard() ? null : String(rule.percentPerMb()));
        this.view.redraw();
    }

    private slider(control: Control): HTMLElement {
        const slider = new Slider(control.label, control.help, control.scale!, (value) =>
            this.set(control, value),
        );
        this.setters.push(() => slider.set(this.value(control) as number));
        return slider.element;
    }

    private switch(control: Control): HTMLElement {
        const element = new Switch(control.label, control.help, (value) => this.set(control, value));
        this.setters.push(() => element.set(this.value(control) as boolean));
        return element.element;
    }

    private keyOf(control: Control) {
        return this.means.engine.keys.find(
            (key) => key.section === control.section && key.name === control.key,
        )!;
    }

    private value(control: Control, scenario = this.scenario) {
        return (
            readControl(control, scenario) ??
            standardOf(this.keyOf(control), this.means.engine.models)
        );
    }

    private set(control: Control, value: number | boolean): void {
        writeControl(control, this.scenario, value);
        const written = writeValue(value, this.keyOf(control));
        const same = value === this.value(control, this.original);
        setState(this.stateName(control.id), same ? null : String(written));
        this.view.changed();
    }

    private reset(): void {
        for (const control of this.text.controls) setState(this.stateName(control.id), null);
        setState(this.stateName("c"), null);
        this.rule?.set(undefined);
        this.scenario = copyScenario(this.original);
        this.setters.forEach((set) => set());
        this.view.changed();
    }

    /** Take what the address says; what it says wrongly is told, and counts as not said. */
    private readState(): void {
        this.scenario = copyScenario(this.original);
        for (const control of this.text.controls) {
            const name = this.stateName(control.id);
            const text = getState(name);
            refuseState(name, null);
            if (text === undefined) continue;
            const key = this.keyOf(control);
            const given = key.type === Type.Bool ? text === "true" : text;
            const number = Number(text);
            try {
                const value = readValue(
                    typeof given === "string" && Number.isFinite(number) ? number : given,
                    key,
                    this.means.engine.models,
                );
                const scale = control.scale;
                writeControl(
                    control,
                    this.scenario,
                    scale ? scale.values[nearest(scale, value as number)] : value,
                );
            } catch (error) {
                if (!(error instanceof Refusal)) throw error;
                refuseState(name, `${this.text.id}.${error.message}`);
            }
        }
        if (this.rule) this.readCost(this.rule);
        this.setters.forEach((set) => set());
        this.view.changed(false);
    }

    private readCost(rule: RuleControl): void {
        const name = this.stateName("c");
        const text = getState(name);
        const cost = Number(text ?? NaN);
        const is = Number.isFinite(cost) && cost > 0;
        refuseState(name, text !== undefined && !is ? `${name}: ${text}; accepted: a number above 0` : null);
        rule.set(is ? cost : undefined);
    }
}
