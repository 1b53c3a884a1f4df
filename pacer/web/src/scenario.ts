// SPDX-License-Identifier: MIT
// Scenarios: what differs from the defaults, by section and key; and their way from and to TOML.
// Which keys there are, and what they accept, the engine's table says.
import { TomlError, parse, stringify } from "smol-toml";
import { type Key, Type } from "./engine";
import { parseBytes, writeBytes } from "./units";

export const GOGC_OFF = -1;
/** GOMEMLIMIT=off, as a double. */
export const NO_LIMIT = 2 ** 63;

/** Kinds of streams, in the order of enum stream_kind. */
export const STREAM_KINDS = ["constant", "ramp", "unit", "oscillate", "random", "sum"];
const STREAM_LENGTHS: Record<string, string> = {
    ramp: "length",
    unit: "length",
    oscillate: "period",
    random: "every",
};
const STREAM_DEPTH = 8;
const MOST_PHASES = 100000;

/** A figure that changes over time: pacer/sim/stream.h. */
export interface Stream {
    kind: string;
    amount: number;
    length: number;
    phase: number;
    delay: number;
    min: number;
    max: number;
    seed: number;
    terms: Stream[];
}

export type Value = number | boolean | string | Stream;
export type Fields = Record<string, Value>;

export interface Scenario {
    "": Fields;
    settings: Fields;
    machine: Fields;
    memory: Fields;
    phases: Fields[];
}

const SECTIONS = ["settings", "machine", "memory"] as const;

export function isStream(value: unknown): value is Stream {
    return typeof value === "object" && value !== null && "kind" in value;
}

export function copyScenario(scenario: Scenario): Scenario {
    return structuredClone(scenario);
}

/** Why a scenario can't be read, for the person who wrote it. */
export class Refusal extends Error {}

function refuse(where: string, given: string, accepted: string): never {
    throw new Refusal(`${where}: ${given}; accepted: ${accepted}`);
}

function shown(value: unknown): string {
    if (Array.isArray(value)) return "a list";
    if (typeof value === "object") return "a table";
    return String(value).slice(0, 40);
}

function isBytes(key: Key): boolean {
    return key.type === Type.Bytes || key.type === Type.Limit || key.type === Type.ByteStream;
}

/** What a key accepts, in words. */
export function accepted(key: Key, models: string[]): string {
    const bound = (value: number) => (isBytes(key) ? String(writeBytes(value)) : String(value));
    switch (key.type) {
        case Type.Text:
            return "text of at most 79 bytes";
        case Type.Bool:
            return "true or false";
        case Type.Choice:
            return models.map((name) => `"${name}"`).join(", ");
        default: {
            const what = isBytes(key) ? "bytes" : "a number";
            const range = `${what} from ${bound(key.least)} to ${bound(key.most)}`;
            const off = key.type === Type.Gogc || key.type === Type.Limit ? `"off", or ` : "";
            const stream = key.type === Type.Stream || key.type === Type.ByteStream;
            return `${off}${range}${stream ? ", or a stream" : ""}`;
        }
    }
}

// ---- Values ---------------------------------------------------------------

function plainNumber(value: unknown, asBytes: boolean): number {
    if (typeof value === "number") return value;
    return typeof value === "string" && asBytes ? parseBytes(value) : NaN;
}

function readStream(table: unknown, key: Key, depth: number): Stream {
    const where = key.name;
    const stream: Stream = {
        kind: "constant",
        amount: 0,
        length: 1,
        phase: 0,
        delay: 0,
        min: -Infinity,
        max: Infinity,
        seed: 0,
        terms: [],
    };
    if (depth > STREAM_DEPTH)
        refuse(where, "a stream that is too large", `streams nested ${STREAM_DEPTH} deep`);
    if (typeof table !== "object" || table === null) {
        stream.amount = plainNumber(table, isBytes(key));
        if (!Number.isFinite(stream.amount)) refuse(where, shown(table), "a number or a stream");
        return stream;
    }
    const kinds = STREAM_KINDS.filter((kind) => kind in table);
    if (kinds.length !== 1) refuse(where, "a table of no stream", `one of ${STREAM_KINDS.join(", ")}`);
    stream.kind = kinds[0];
    for (const [name, value] of Object.entries(table)) {
        if (name === "sum") {
            if (!Array.isArray(value) || value.length === 0)
                refuse(`${where}.sum`, shown(value), "a list of streams");
            stream.terms = value.map((term) => readStream(term, key, depth + 1));
            continue;
        }
        const field = streamField(stream.kind, name);
        if (!field) refuse(`${where}.${name}`, "no such key", `the keys of ${stream.kind}`);
        const inBytes = isBytes(key) && ["amount", "min", "max"].includes(field);
        const number = plainNumber(value, inBytes);
        const least = field === "length" ? 1e-6 : field === "delay" || field === "seed" ? 0 : -1e300;
        if (!(number >= least && number <= 1e300)) refuse(`${where}.${name}`, shown(value), "a number");
        stream[field] = number;
    }
    if (!(stream.min <= stream.max)) refuse(where, "min is above max", "min up to max");
    return stream;
}

type StreamField = "amount" | "length" | "phase" | "delay" | "min" | "max" | "seed";

/** The field that a key of a stream's table stands for. */
function streamField(kind: string, name: string): StreamField | null {
    if (name === kind) return "amount";
    if (name === STREAM_LENGTHS[kind]) return "length";
    if (name === "delay" || name === "min" || name === "max") return name;
    if (name === "phase" && kind === "oscillate") return "phase";
    return name === "seed" && kind === "random" ? "seed" : null;
}

/** A key's value, from what TOML has there. */
export function readValue(given: unknown, key: Key, models: string[]): Value {
    const no = () => refuse(key.name, shown(given), accepted(key, models));
    switch (key.type) {
        case Type.Text:
            return typeof given === "string" && new TextEncoder().encode(given).length < 80
                ? given
                : no();
        case Type.Bool:
            return typeof given === "boolean" ? given : no();
        case Type.Choice:
            return models.includes(given as string) ? (given as string) : no();
        default:
            break;
    }
    if (given === "off" && key.type === Type.Gogc) return GOGC_OFF;
    if (given === "off" && key.type === Type.Limit) return NO_LIMIT;
    const streams = key.type === Type.Stream || key.type === Type.ByteStream;
    if (streams && typeof given === "object") return readStream(given, key, 1);
    const number = plainNumber(given, isBytes(key));
    const whole = key.type === Type.Number || streams || Number.isInteger(number);
    return number >= key.least && number <= key.most && whole ? number : no();
}

// ---- TOML -----------------------------------------------------------------

function readFields(table: unknown, section: string, keys: Key[], models: string[]): Fields {
    if (typeof table !== "object" || table === null || Array.isArray(table))
        refuse(section, shown(table), "a table");
    const fields: Fields = {};
    const known = keys.filter((key) => key.section === section);
    for (const [name, given] of Object.entries(table)) {
        const key = known.find((candidate) => candidate.name === name);
        if (!key) refuse(name, "no such key", known.map((candidate) => candidate.name).join(", "));
        const value = readValue(given, key, models);
        if (value !== standardOf(key, models)) fields[name] = value;
    }
    return fields;
}

/** A key's default. */
export function standardOf(key: Key, models: string[]): Value {
    if (key.type === Type.Text) return "";
    if (key.type === Type.Bool) return key.standard !== 0;
    return key.type === Type.Choice ? models[key.standard] : key.standard;
}

/** Read a scenario. @throws Refusal with what is wrong. */
export function readToml(text: string, keys: Key[], models: string[]): Scenario {
    let root: Record<string, unknown>;
    try {
        root = parse(text);
    } catch (error) {
        if (!(error instanceof TomlError)) throw error;
        throw new Refusal(`line ${error.line}: not TOML: ${error.message.split("\n")[0]}`);
    }
    const { settings = {}, machine = {}, memory = {}, phase, ...top } = root;
    if (!Array.isArray(phase) || phase.length === 0 || phase.length > MOST_PHASES)
        refuse("phase", "none, or too many", "one [[phase]] or more");
    const read = (table: unknown, section: string) => readFields(table, section, keys, models);
    return {
        "": read(top, ""),
        settings: read(settings, "settings"),
        machine: read(machine, "machine"),
        memory: read(memory, "memory"),
        phases: phase.map((table) => read(table, "phase")),
    };
}

type Toml = number | boolean | string | Toml[] | { [key: string]: Toml };

function writeStream(stream: Stream, asBytes: boolean): Toml {
    const number = (value: number) => (asBytes && value >= 0 ? writeBytes(value) : value);
    const table: { [key: string]: Toml } = {
        [stream.kind]:
            stream.kind === "sum"
                ? stream.terms.map((term) => writeStream(term, asBytes))
                : number(stream.amount),
    };
    if (stream.kind in STREAM_LENGTHS) table[STREAM_LENGTHS[stream.kind]] = stream.length;
    if (stream.phase !== 0) table.phase = stream.phase;
    if (stream.seed !== 0) table.seed = stream.seed;
    if (stream.delay !== 0) table.delay = stream.delay;
    if (stream.min !== -Infinity) table.min = number(stream.min);
    if (stream.max !== Infinity) table.max = number(stream.max);
    return table;
}

/** A key's value as TOML has it. */
export function writeValue(value: Value, key: Key): Toml {
    if (isStream(value)) return writeStream(value, isBytes(key));
    if (key.type === Type.Gogc && value === GOGC_OFF) return "off";
    if (key.type === Type.Limit && value === NO_LIMIT) return "off";
    return isBytes(key) ? writeBytes(value as number) : value;
}

/** A scenario as TOML: each section's keys in the order of the table. */
export function writeToml(scenario: Scenario, keys: Key[]): string {
    const fieldsOf = (fields: Fields, section: string) => {
        const table: { [key: string]: Toml } = {};
        for (const key of keys)
            if (key.section === section && key.name in fields)
                table[key.name] = writeValue(fields[key.name], key);
        return table;
    };
    const root = fieldsOf(scenario[""], "");
    for (const section of SECTIONS)
        if (Object.keys(scenario[section]).length > 0)
            root[section] = fieldsOf(scenario[section], section);
    root.phase = scenario.phases.map((fields) => fieldsOf(fields, "phase"));
    return `${stringify(root).trim()}\n`;
}
