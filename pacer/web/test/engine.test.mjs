// SPDX-License-Identifier: MIT
// The page's engine against the command: every cycle, sample and summary line of every scenario, and
// fitted traces, to the last bit. No browser.
//
// GAIT_SIM names the command; build/ has it, if not.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { commandFit, commandPredict, commandRun, loadModules, root, temporary } from "./support.mjs";

const { wasm, Engine, RecordingFault, readToml, writeToml } = await loadModules();
const engine = await Engine.create(wasm);
const read = (toml) => readToml(toml, engine.keys, engine.models);

/** A run by the page's engine, in the shape of the command's JSON. */
function pageRun(scenario) {
    assert.equal(engine.load(scenario), null, "the engine takes the scenario");
    engine.start();
    while (engine.run(1000));
    const { summary, cycles, samples } = engine.results();
    const rows = ({ rows: count, columns }) =>
        Array.from({ length: count }, (_, i) =>
            Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column[i]])),
        );
    return { summary, cycles: rows(cycles), samples: rows(samples) };
}

function compare(toml) {
    const { summary, cycles, samples } = commandRun(toml);
    assert.ok(samples.length > 100, "the command tells samples");
    assert.deepEqual(pageRun(read(toml)), { summary, cycles, samples });
}

const folders = ["examples/scenarios", "pacer/web/scenarios"];
const files = folders.flatMap((folder) =>
    readdirSync(path.join(root, folder))
        .filter((name) => name.endsWith(".toml"))
        .map((name) => path.join(root, folder, name)),
);
assert.ok(files.length >= 14);

for (const file of files) {
    const toml = readFileSync(file, "utf8");
    test(`${path.basename(file)} runs as by the command`, () => compare(toml));
    for (const model of ["full", "ideal", "stw"])
        test(`${path.basename(file)} by the model ${model}`, () => {
            const scenario = read(toml);
            scenario[""].model = model;
            compare(writeToml(scenario, engine.keys));
        });
    test(`${path.basename(file)} is the same after it was written and read`, () => {
        const scenario = read(toml);
        assert.deepEqual(read(writeToml(scenario, engine.keys)), scenario);
    });
}

test("streams of all kinds, nested", () => {
    compare(`seed = 7
[[phase]]
duration = 5
alloc_rate = { sum = ["80MiB", { oscillate = "40MiB", period = 0.7, phase = 0.25 },
    { random = "20MiB", every = 0.2, seed = 3 }, { sum = [{ ramp = "9MiB", length = 2 },
    { unit = "5MiB", length = 1, delay = 1.5 }, { constant = 1000 }], max = "12MiB" }], min = 0 }
survival = { ramp = 0.3, length = 5 }
stacks = { random = 100000, every = 0.5, min = 0 }
noise = 0.3
`);
});

test("cycles that the program asks for", () => {
    const toml = `[machine]
cpus = 3
[memory]
initial_live = "60MiB"
[[phase]]
duration = 8
alloc_rate = "50MiB"
cpus = 2
collect_every = 0.7
`;
    compare(toml);
    assert.ok(pageRun(read(toml)).cycles.filter(({ forced }) => forced).length >= 11);
});

test("a run that is given up", () => {
    const toml = `[settings]
memory_limit = "21MiB"
[[phase]]
duration = 1
model_is_missing = 1
`;
    assert.throws(() => read(toml), /model_is_missing: no such key/);
    const hopeless = `model = "stw"
[settings]
memory_limit = "10MiB"
[machine]
cpus = 1
cycle_cost = 1
[memory]
initial_live = "20MiB"
[[phase]]
duration = 1
alloc_rate = "200MiB"
`;
    compare(hopeless);
    assert.equal(pageRun(read(hopeless)).summary.finished, 0);
});

const traces = path.join(root, "tests/sim/traces");
for (const name of readdirSync(traces).filter((file) => file.endsWith(".log")))
    test(`${name} is fitted as by the command`, () => {
        const fitted = engine.fit(readFileSync(path.join(traces, name), "utf8"));
        assert.ok(fitted && fitted.cycles > 1);
        const byCommand = read(commandFit(path.join(traces, name)));
        delete byCommand[""].title;
        assert.deepEqual(fitted.scenario, byCommand);
        compare(writeToml(fitted.scenario, engine.keys));
    });

for (const name of readdirSync(traces).filter((file) => file.endsWith(".pacerlog")))
    test(`${name} becomes the command's scenario`, () => {
        const file = path.join(traces, name);
        const bytes = new Uint8Array(readFileSync(file));
        const fitted = engine.fitRecording(bytes);
        const byCommand = read(commandFit(file));
        delete byCommand[""].title;
        assert.deepEqual(fitted.scenario, byCommand);
        compare(writeToml(fitted.scenario, engine.keys));
        const [recorded] = commandPredict(file);
        for (const figure of ["cycles", "wall_s", "gc_share", "peak_heap_bytes", "peak_total_bytes"])
            assert.equal(fitted.recorded[figure], recorded[figure], figure);
        assert.equal(engine.fitRecording(bytes.slice(0, 60)), RecordingFault.Cut);
        const cut = engine.fitRecording(bytes.slice(0, -3));
        assert.match(cut.notes[0], /^cut off inside a record: used up to byte \d+ of \d+$/);
        assert.deepEqual(cut.scenario, fitted.scenario, "its last record tells nothing but the end");
        assert.equal(engine.fitRecording(new Uint8Array(1000)), RecordingFault.Foreign);
        assert.equal(engine.fitRecording(new TextEncoder().encode("[[p")), RecordingFault.Foreign);
    });

test("text without a cycle is no trace", () => {
    assert.deepEqual(engine.fit("hello\ngc 7 @x\n"), []);
    assert.match(engine.fit("hello\ngc 7 @1.5s 2%: 0.1+\n")[0], /^1 line of cycles skipped, .* line 2:/);
});

test("a log says what was left out of it and what was guessed", () => {
    const text = readFileSync(path.join(traces, "go-1.19-trees.log"), "utf8");
    const lines = text.split("\n");
    const { notes, scenario } = engine.fit(text);
    assert.deepEqual(notes, []);
    const cut = [...lines.slice(0, 9), lines[9].slice(0, 50), ...lines.slice(10)].join("\n");
    assert.match(engine.fit(cut).notes[0], /^1 line of cycles skipped, the first being line 10:/);
    assert.match(engine.fit(lines.slice(30).join("\n")).notes[0], /begins with cycle 31/);
    assert.match(engine.fit(text + text).notes.at(-1), /left out: number 2, with 83 cycles/);
    const limited = readFileSync(path.join(traces, "go-1.19-limit.log"), "utf8");
    assert.match(engine.fit(limited).notes[0], /^a memory limit gave 18 of 18 goals/);
    const wide = Buffer.from("\ufeff" + text, "utf16le");
    assert.deepEqual(engine.fit(new Uint8Array(wide)).scenario, scenario);
});

test("the command reads what the page writes of odd titles", () => {
    const scenario = read('title = "a \\"b\\" \\\\ µ"\n[[phase]]\nduration = 1\n');
    const file = path.join(temporary, "title.toml");
    writeFileSync(file, writeToml(scenario, engine.keys));
    assert.equal(commandRun(readFileSync(file, "utf8")).title, 'a "b" \\ µ');
});

for (const [what, toml, expected] of [
    ["no phase", "seed = 1", /phase/],
    ["not TOML", "[[phase]]\nduration = = 1", /line 2/],
    ["a value out of range", "[[phase]]\nsurvival = 2", /survival: 2; accepted: a number from 0 to 1/],
    ["bytes that are none", '[settings]\nmemory_limit = "1.3B"\n[[phase]]', /memory_limit/],
    ["a section that is a value", "settings = 1\n[[phase]]", /settings/],
    ["a stream of two kinds", "[[phase]]\nalloc_rate = { ramp = 1, unit = 2 }", /alloc_rate/],
    ["a stream's unknown key", "[[phase]]\nalloc_rate = { ramp = 1, every = 2 }", /alloc_rate.every/],
])
    test(`${what} is refused`, () => assert.throws(() => read(toml), expected));

process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
