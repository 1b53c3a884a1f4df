// SPDX-License-Identifier: MIT
// Fields for a section's keys, made from the engine's table: each with unit, meaning and range.
// What is typed is a value of TOML; bytes and words need no quotes.
import { TomlError, parse } from "smol-toml";
import { make, newId } from "./dom";
import { type Key, Type } from "./engine";
import {
    type Fields,
    Refusal,
    type Value,
    accepted,
    isStream,
    readValue,
    standardOf,
    writeValue,
} from "./scenario";
import { stringify } from "smol-toml";

/** A value as it is typed. */
function shownValue(value: Value, key: Key): string {
    const written = writeValue(value, key);
    if (!isStream(value)) return String(written);
    return inline(written);
}

/** A stream on one line. */
function inline(value: unknown): string {
    if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
    if (typeof value === "object" && value !== null)
        return `{ ${Object.entries(value)
            .map(([name, part]) => `${name} = ${inline(part)}`)
            .join(", ")} }`;
    return stringify({ x: value }).slice("x = ".length).trim();
}

function typedValue(text: string, key: Key, models: string[]): Value {
    if (key.type === Type.Text) return readValue(text, key, models);
    const trimmed = text.trim();
    const bare = /^[\d.]+ ?[KMGT]?i?B?$/i.test(trimmed) || /^[a-z]+$/.test(trimmed);
    const isNumber = trimmed !== "" && Number.isFinite(Number(trimmed));
    if (bare && !isNumber && trimmed !== "true" && trimmed !== "false")
        return readValue(trimmed, key, models);
    return readValue(parse(`x = ${trimmed}`).x, key, models);
}

export interface FormOptions {
    keys: Key[];
    models: string[];
    /** Where the values are; null: nowhere now. */
    fields: () => Fields | null;
    changed: () => void;
}

export class Form {
    readonly element: HTMLElement;
    private readonly shows: (() => void)[] = [];

    constructor(private readonly options: FormOptions) {
        this.element = make("div", { class: "form" }, ...options.keys.map((key) => this.field(key)));
    }

    /** Show the values; where nobody sees them, once the details are opened. */
    draw(): void {
        if (this.element.closest("details")?.open === false) return;
        this.shows.forEach((show) => show());
    }

    private current(key: Key): Value {
        const { fields, models } = this.options;
        return fields()?.[key.name] ?? standardOf(key, models);
    }

    private set(key: Key, value: Value): void {
        const fields = this.options.fields();
        if (!fields) return;
        if (value === standardOf(key, this.options.models)) delete fields[key.name];
        else fields[key.name] = value;
        this.options.changed();
    }

    private field(key: Key): HTMLElement {
        if (key.type === Type.Bool) return this.checkbox(key);
        if (key.type === Type.Choice) return this.choice(key);
        return this.text(key);
    }

    private frame(key: Key, id: string, input: HTMLElement, note: HTMLElement): HTMLElement {
        const name = key.name.replaceAll("_", " ");
        const unit = key.unit ? make("span", { class: "unit" }, key.unit) : "";
        return make("div", { class: "field" }, make("label", { for: id }, name, " ", unit), input, note);
    }

    private note(key: Key, id: string): HTMLElement {
        return make("p", { class: "help", id: `${id}-help` }, key.meaning);
    }

    private text(key: Key): HTMLElement {
        const id = newId("field");
        const note = this.note(key, id);
        const input = make("input", {
            id,
            type: "text",
            spellcheck: "false",
            autocomplete: "off",
            "aria-describedby": `${id}-help`,
            "data-key": `${key.section}.${key.name}`,
            change: () => {
                const problem = this.take(key, input.value);
                input.setAttribute("aria-invalid", String(problem !== null));
                note.textContent = problem ?? key.meaning;
                note.classList.toggle("problem", problem !== null);
            },
        });
        this.shows.push(() => {
            if (document.activeElement === input) return;
            input.value = shownValue(this.current(key), key);
            input.setAttribute("aria-invalid", "false");
            note.textContent = key.meaning;
            note.classList.remove("problem");
        });
        return this.frame(key, id, input, note);
    }

    /** @return what is wrong with it; null: nothing. */
    private take(key: Key, text: string): string | null {
        try {
            this.set(key, typedValue(text, key, this.options.models));
            return null;
        } catch (error) {
            if (error instanceof Refusal) return error.message;
            if (error instanceof TomlError) return `accepted: ${accepted(key, this.options.models)}`;
            throw error;
        }
    }

    private checkbox(key: Key): HTMLElement {
        const id = newId("field");
        const input = make("input", {
            id,
            type: "checkbox",
            "aria-describedby": `${id}-help`,
            change: () => this.set(key, input.checked),
        });
        this.shows.push(() => (input.checked = this.current(key) as boolean));
        return this.frame(key, id, input, this.note(key, id));
    }

    private choice(key: Key): HTMLElement {
        const id = newId("field");
        const { models } = this.options;
        const input = make(
            "select",
            { id, "aria-describedby": `${id}-help`, change: () => this.set(key, input.value) },
            ...models.map((name) => make("option", {}, name)),
        );
        this.shows.push(() => (input.value = this.current(key) as string));
        return this.frame(key, id, input, this.note(key, id));
    }
}
