// SPDX-License-Identifier: MIT
// The engine, compiled to WebAssembly, as the page sees it: the table of keys, one scenario at a
// time, and its run in slices. engine/web.h is the other side.
import { type Fields, type Scenario, type Stream, STREAM_KINDS, isStream } from "./scenario";

/** Types of keys, in the order of enum scenario_type. */
export enum Type {
    Text,
    Bool,
    Choice,
    Count,
    Number,
    Bytes,
    Gogc,
    Limit,
    Stream,
    ByteStream,
}

export type Section = "" | "settings" | "machine" | "memory" | "phase";

/** A row of scenario.def. */
export interface Key {
    index: number;
    section: Section;
    name: string;
    unit: string;
    meaning: string;
    type: Type;
    least: number;
    most: number;
    /** As a number; of texts 0. */
    standard: number;
}

/** Why a scenario is not run. */
export interface Fault {
    key: Key;
    /** The key is in range, but makes for a run without end. */
    endless: boolean;
}

/** Columns by name. */
export interface Table {
    rows: number;
    columns: Record<string, Float64Array>;
}

/** All that a run tells. */
export interface Results {
    summary: Record<string, number>;
    cycles: Table;
    samples: Table;
}

interface Exports {
    memory: WebAssembly.Memory;
    _initialize(): void;
    web_key_count(): number;
    web_key_text(key: number, what: number): number;
    web_key_number(key: number, what: number): number;
    web_model_name(model: number): number;
    web_scenario(phases: number, nodes: number): void;
    web_phase_count(): number;
    web_set(key: number, phase: number, value: number): void;
    web_get(key: number, phase: number): number;
    web_set_stream(key: number, phase: number, node: number): void;
    web_set_node(...figures: number[]): void;
    web_fault(): number;
    web_endless(): number;
    web_duration(): number;
    web_start(sampleS: number): void;
    web_run(steps: number): number;
    web_progress(): number;
    web_columns(table: number): number;
    web_row_count(table: number): number;
    web_rows(table: number): number;
    web_input(bytes: number): number;
    web_fit_gctrace(phases: number): number;
    web_notes(): number;
    web_fit_recording(phases: number): number;
}

enum TableKind {
    Cycles,
    Samples,
    Summary,
    Recorded,
}

/** A scenario made of what a program did. */
export interface Fitted {
    scenario: Scenario;
    cycles: number;
    /** The program's own figures, named as in a summary; of a trace, none are known. */
    recorded: Record<string, number> | null;
    /** What of the file was left out, and what was guessed. */
    notes: string[];
}

/** Why bytes are no recording, in the order of enum recording_fault. */
export enum RecordingFault {
    None,
    Foreign,
    Version,
    Cut,
    Broken,
}

/** Samples of a run, as the command takes them. */
const SAMPLES = 500;
/** Steps between two looks at the clock. */
const STEPS = 2000;
/** Phases of a fitted scenario, as the command has them. */
const FIT_PHASES = 200;
/** The end of a list of nodes, as STREAM_NONE. */
const NO_NODE = -1;
/** WASI's errno for calls that there are not: the C library brings stdio, nothing uses it. */
const ENOSYS = 52;

/** A stream's expression as the engine has it: terms of a sum are a list. */
interface Node {
    stream: Stream;
    first: number;
    next: number;
}

/** Add an expression: children after their parent. @return its index. */
function addNode(nodes: Node[], stream: Stream): number {
    const index = nodes.push({ stream, first: NO_NODE, next: NO_NODE }) - 1;
    let last: Node | null = null;
    for (const term of stream.terms) {
        const child = addNode(nodes, term);
        if (last) last.next = child;
        else nodes[index].first = child;
        last = nodes[child];
    }
    return index;
}

export class Engine {
    readonly keys: Key[] = [];
    readonly models: string[] = [];
    private readonly calls: Exports;
    private readonly columnNames: string[][];

    private constructor(calls: Exports) {
        this.calls = calls;
        this.calls._initialize();
        for (let i = 0; i < this.calls.web_key_count(); i++) this.keys.push(this.readKey(i));
        for (let i = 0, name; (name = this.calls.web_model_name(i)); i++)
            this.models.push(this.text(name));
        this.columnNames = [0, 1, 2, 3].map((table: TableKind) =>
            this.text(this.calls.web_columns(table)).split(",").slice(0, -1),
        );
    }

    /** @param bytes  engine.wasm; several engines of the same bytes know nothing of each other */
    static async create(bytes: Uint8Array): Promise<Engine> {
        const none = () => ENOSYS;
        const wasi = { fd_close: none, fd_seek: none, fd_write: none };
        const { instance } = await WebAssembly.instantiate(bytes as BufferSource, {
            wasi_snapshot_preview1: wasi,
        });
        return new Engine(instance.exports as unknown as Exports);
    }

    /** Take a scenario. @return why it can't be run; null: it can. */
    load(scenario: Scenario): Fault | null {
        const nodes: Node[] = [];
        const streams: (() => void)[] = [];
        for (const key of this.keys)
            this.eachPlace(scenario, key, (value, phase) => {
                if (!isStream(value)) return;
                const node = addNode(nodes, value);
                streams.push(() => this.calls.web_set_stream(key.index, phase, node));
            });
        this.calls.web_scenario(scenario.phases.length, nodes.length);
        nodes.forEach((node, index) => this.setNode(index, node));
        streams.forEach((set) => set());
        for (const key of this.keys)
            this.eachPlace(scenario, key, (value, phase) => {
                if (typeof value === "number") this.calls.web_set(key.index, phase, value);
                else if (typeof value === "boolean")
                    this.calls.web_set(key.index, phase, value ? 1 : 0);
                else if (key.type === Type.Choice)
                    this.calls.web_set(key.index, phase, this.models.indexOf(value as string));
            });
        const fault = this.calls.web_fault();
        if (fault !== -1) return { key: this.keys[fault] ?? this.keys[0], endless: false };
        const endless = this.calls.web_endless();
        return endless === -1 ? null : { key: this.keys[endless], endless: true };
    }

    /** Start the loaded scenario. */
    start(): void {
        this.calls.web_start(this.calls.web_duration() / SAMPLES);
    }

    /** Run on for some milliseconds. @return whether there is more to come. */
    run(budgetMs: number): boolean {
        const end = performance.now() + budgetMs;
        let more = true;
        while (more && performance.now() < end) more = this.calls.web_run(STEPS) !== 0;
        return more;
    }

    progress(): number {
        return this.calls.web_progress();
    }

    results(): Results {
        return {
            summary: this.only(TableKind.Summary),
            cycles: this.table(TableKind.Cycles),
            samples: this.table(TableKind.Samples),
        };
    }

    /** A scenario fitted to a log with gctrace lines; or why there is none, which is nothing if the
     * log has no cycle in it. */
    fit(log: string | Uint8Array): Fitted | string[] {
        this.putInput(typeof log === "string" ? new TextEncoder().encode(log) : log);
        const cycles = this.calls.web_fit_gctrace(FIT_PHASES);
        const notes = this.notes();
        return cycles > 0 ? { scenario: this.readScenario(), cycles, recorded: null, notes } : notes;
    }

    /** A scenario of a recording; or why there is none, None being that no cycle was recorded. */
    fitRecording(bytes: Uint8Array): Fitted | RecordingFault {
        this.putInput(bytes);
        const cycles = this.calls.web_fit_recording(FIT_PHASES);
        if (cycles <= 0) return -cycles;
        const recorded = this.only(TableKind.Recorded);
        return { scenario: this.readScenario(), cycles, recorded, notes: this.notes() };
    }

    private notes(): string[] {
        return this.text(this.calls.web_notes()).split("\n").filter((line) => line !== "");
    }

    private putInput(bytes: Uint8Array): void {
        const at = this.calls.web_input(bytes.length);
        new Uint8Array(this.calls.memory.buffer, at, bytes.length).set(bytes);
    }

    /** The one row of a table. */
    private only(kind: TableKind): Record<string, number> {
        const { columns } = this.table(kind);
        return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column[0]]));
    }

    /** What the engine holds, where it differs from the defaults. */
    private readScenario(): Scenario {
        const count = this.calls.web_phase_count();
        const phases: Fields[] = Array.from({ length: count }, () => ({}));
        const scenario: Scenario = { "": {}, settings: {}, machine: {}, memory: {}, phases };
        for (const key of this.keys) {
            if (key.type === Type.Text) continue;
            const places = key.section === "phase" ? phases : [scenario[key.section]];
            places.forEach((fields, phase) => {
                const value = this.calls.web_get(key.index, phase);
                if (value === key.standard) return;
                if (key.type === Type.Bool) fields[key.name] = value !== 0;
                else if (key.type === Type.Choice) fields[key.name] = this.models[value];
                else fields[key.name] = value;
            });
        }
        return scenario;
    }

    private readKey(index: number): Key {
        const text = (what: number) => this.text(this.calls.web_key_text(index, what));
        const number = (what: number) => this.calls.web_key_number(index, what);
        return {
            index,
            name: text(0),
            section: text(1) as Section,
            unit: text(2),
            meaning: text(3).replaceAll("`", ""), // plain text here
            type: number(0),
            least: number(1),
            most: number(2),
            standard: number(3),
        };
    }

    private eachPlace(
        scenario: Scenario,
        key: Key,
        take: (value: unknown, phase: number) => void,
    ): void {
        const places = key.section === "phase" ? scenario.phases : [scenario[key.section]];
        places.forEach((fields, phase) => {
            if (key.name in fields) take(fields[key.name], phase);
        });
    }

    private setNode(index: number, { stream, first, next }: Node): void {
        const { amount, length, phase, delay, min, max, seed } = stream;
        const kind = STREAM_KINDS.indexOf(stream.kind);
        this.calls.web_set_node(
            ...[index, kind, amount, length, phase, delay, min, max, seed, first, next],
        );
    }

    private table(kind: TableKind): Table {
        const names = this.columnNames[kind];
        const rows = this.calls.web_row_count(kind);
        const at = this.calls.web_rows(kind);
        const cells = new Float64Array(this.calls.memory.buffer, at, rows * names.length);
        const columns: Record<string, Float64Array> = {};
        names.forEach((name, column) => {
            const values = new Float64Array(rows);
            for (let row = 0; row < rows; row++) values[row] = cells[row * names.length + column];
            columns[name] = values;
        });
        return { rows, columns };
    }

    private text(at: number): string {
        const bytes = new Uint8Array(this.calls.memory.buffer, at);
        return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
    }
}
