// SPDX-License-Identifier: MIT
// What the chapters say of their charts, over all that their sliders can be set to. No browser.
//
// A sentence of chapters.ts that is a claim is changed here, too.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadModules, readText } from "./support.mjs";

const { wasm, Engine, readToml } = await loadModules();
const engine = await Engine.create(wasm);
const MIB = 1048576;
const OFF = -1;
/** GOGC as the sliders have it, and more. */
const GOGCS = Array.from({ length: 200 }, (_, i) => 5 * (i + 1));

const guide = (name) => readText("examples/scenarios", `guide-${name}.toml`);
const own = (name) => readText("pacer/web/scenarios", `${name}.toml`);

/** Run a scenario with some of it changed. @return its summary, and its cycles as rows. */
function run(toml, change = () => {}) {
    const scenario = readToml(toml, engine.keys, engine.models);
    change(scenario);
    assert.equal(engine.load(scenario), null);
    engine.start();
    while (engine.run(1000));
    const { summary, cycles } = engine.results();
    const rows = Array.from({ length: cycles.rows }, (_, i) =>
        Object.fromEntries(Object.entries(cycles.columns).map(([name, column]) => [name, column[i]])),
    );
    return { ...summary, rows };
}

const at = (gogc, limit) => (scenario) => {
    scenario.settings.gogc = gogc;
    if (limit) scenario.settings.memory_limit = limit * MIB;
};

test("1: twice the GOGC, half the cycles and half their CPU time", () => {
    for (let gogc = 25; gogc <= 200; gogc += 5) {
        const [one, two] = [run(guide("1-steady"), at(gogc)), run(guide("1-steady"), at(2 * gogc))];
        assert.ok(Math.abs(two.cycles - one.cycles / 2) <= 1, `${gogc}: ${one.cycles}, ${two.cycles}`);
        assert.ok(Math.abs(two.gc_cpu_s / one.gc_cpu_s - 0.5) <= 1 / one.cycles, `${gogc}`);
    }
});

test("2: with less live, cycles come closer together and have less to mark; the rate raises no goal", () => {
    for (const gogc of [10, 25, 50, 75, 100]) {
        const { rows } = run(guide("2-phases"), at(gogc));
        const calm = rows.filter(({ start_s }) => start_s > 1 && start_s < 5);
        const gaps = calm.slice(1).map((row, i) => [calm[i].marked_bytes, row.start_s - calm[i].start_s]);
        const byLive = gaps.sort((a, b) => a[0] - b[0]).map(([, gap]) => gap);
        assert.ok(byLive[0] < byLive[byLive.length - 1], `GOGC=${gogc}`);
        for (const { scanned_bytes, dedicated_cpu_s } of calm)
            assert.ok(Math.abs(dedicated_cpu_s / (scanned_bytes / (1024 * MIB)) - 1) < 0.01);
    }
    for (const gogc of GOGCS)
        for (const { goal_bytes } of run(guide("2-phases"), at(gogc)).rows)
            assert.ok(goal_bytes <= Math.max(20 * (1 + gogc / 100), (4 * gogc) / 100) * MIB * 1.03, `${gogc}`);
});

test("3: above GOGC=100 the spike does not fit into 60 MiB, up to 100 it does", () => {
    for (const gogc of [...GOGCS, OFF]) {
        const peak = run(own("spike"), at(gogc)).peak_total_bytes / MIB;
        const fits = gogc !== OFF && gogc <= 100;
        assert.equal(peak <= 60.0001, fits, `GOGC=${gogc}: ${peak} MiB`);
    }
    // most of the time less is used: the mean, and every peak before the spike
    const { rows, mean_total_bytes } = run(own("spike"), at(100));
    assert.ok(mean_total_bytes < 38 * MIB);
    assert.ok(rows.filter(({ start_s }) => start_s < 5).every(({ peak_bytes }) => peak_bytes <= 40 * MIB));
});

test("4: a limit brings cycles closer; where what is live fits, the peak stays a little under it", () => {
    let before = Infinity;
    for (let limit = 32; limit <= 100; limit++) {
        const { cycles, peak_total_bytes: peak } = run(guide("4-limit"), at(OFF, limit));
        assert.ok(peak < limit * MIB && peak > 0.95 * limit * MIB, `${limit} MiB: ${peak / MIB}`);
        assert.ok(cycles <= before, `${limit} MiB`);
        before = cycles;
    }
    for (let limit = 22; limit < 32; limit++)
        assert.ok(run(guide("4-limit"), at(OFF, limit)).wall_s > 100, "the program all but stops");
});

test("5: quiet times use what is there; under 32 MiB the spike does not fit", () => {
    for (const gogc of [100, 400, OFF]) {
        const time = (limit) => run(guide("5-spike-limit"), at(gogc, limit)).wall_s;
        assert.ok(time(32) < 12 && time(31) > 20, `GOGC=${gogc}`);
    }
    const high = run(guide("5-spike-limit"), at(400, 64));
    assert.ok(high.peak_total_bytes <= 64 * MIB && high.cycles < run(guide("5-spike-limit"), at(100, 64)).cycles / 2);
});

test("6: more stacks, a higher goal and a longer pause", () => {
    let [goal, pause] = [0, 0];
    for (let stacks = 0; stacks <= 64; stacks += 8) {
        const { rows, pause_max_s } = run(own("roots"), ({ phases }) =>
            phases.forEach((phase) => (phase.stacks = stacks * MIB)),
        );
        const last = rows[rows.length - 1].goal_bytes;
        assert.ok(last > goal && pause_max_s > pause, `${stacks} MiB`);
        assert.ok(Math.abs(last / MIB - (20 + (20 + stacks + 1))) < 1, `${last / MIB} at ${stacks}`);
        [goal, pause] = [last, pause_max_s];
    }
});

test("7: the trigger stays beyond a quarter of the way; marking takes up to a quarter of the CPUs", () => {
    for (const rate of [25, 100, 400, 1600, 4096])
        for (const scan of [100, 400, 800, 4096]) {
            const { rows } = run(own("concurrent"), ({ phases, machine }) => {
                phases[1].alloc_rate = rate * MIB;
                machine.scan_rate = scan * MIB;
            });
            for (const row of rows.slice(3)) {
                const way = (row.trigger_bytes - row.before_bytes) / (row.goal_bytes - row.before_bytes);
                assert.ok(way > 0.24 && way < 0.98, `${rate}, ${scan}: ${way}`);
                assert.ok(row.dedicated_cpu_s <= 0.251 * 4 * row.mark_s);
            }
        }
});

test("7: the goal is twice what is live, and a quarter of that floats, but where the CPU gives the goal", () => {
    for (const rate of [25, 100, 400, 1600, 4096])
        for (const scan of [100, 400, 800, 4096]) {
            const { rows } = run(own("concurrent"), ({ phases, machine }) => {
                phases[1].alloc_rate = rate * MIB;
                machine.scan_rate = scan * MIB;
            });
            for (const row of rows.filter(({ start_s }) => start_s > 4)) {
                const [goal, marked] = [row.goal_bytes / row.live_bytes, row.marked_bytes / row.live_bytes];
                const what = `${rate}, ${scan}, at ${row.start_s}: ${goal}, ${marked}`;
                assert.ok(goal > 1.99 && (row.by_floor || (goal < 2.2 && marked < 1.3)), what);
            }
        }
});

test("8: the rush ends near its goal, which rises where half of the CPU would not do", () => {
    const rush = (rate) =>
        run(own("assists"), ({ phases }) => (phases[1].alloc_rate = rate * MIB)).rows.filter(
            ({ start_s }) => start_s > 5,
        );
    const over = ({ peak_bytes, goal_bytes }) => peak_bytes / goal_bytes;
    for (const rate of [100, 500, 2048, 4096, 8192, 16384])
        for (const row of rush(rate)) assert.ok(over(row) < 1.1 || row.limited, `${rate}: ${over(row)}`);
    assert.ok(rush(2048).every(({ limited }) => !limited));
    assert.ok(rush(2048).some(({ assist_cpu_s }) => assist_cpu_s > 0.1));
    const goal = (rate) => Math.max(...rush(rate).map(({ goal_bytes }) => goal_bytes));
    assert.ok(goal(16384) > 1.5 * goal(500), `${goal(16384) / goal(500)}`);
});

test("9: without the limiter near what is live, and slow; with it half of the CPU time is the program's", () => {
    const toml = readText("examples/scenarios/thrashing-job.toml");
    const on = run(toml);
    const off = run(toml, ({ settings }) => (settings.cpu_limiter = false));
    assert.ok(on.gc_share < 0.52 && on.peak_total_bytes > 1.5 * 256 * MIB);
    assert.ok(off.wall_s > 1.5 * on.wall_s && off.gc_share > 0.6 && off.limiting_s === 0);
    assert.ok(off.peak_total_bytes < 1.4 * off.peak_reachable_bytes);
});

test("11: off-heap memory lowers the limit's goal; without a limit it makes no difference", () => {
    const goals = (offHeap, limit) =>
        run(own("beside"), ({ phases, settings }) => {
            [1, 2].forEach((i) => (phases[i].off_heap = offHeap * MIB));
            if (limit === OFF) delete settings.memory_limit;
        }).rows.map(({ start_s, goal_bytes }) => [start_s, goal_bytes / MIB]);
    assert.deepEqual(goals(0, OFF), goals(240, OFF));
    const offHeaps = [144, 192, 240]; // with less, GOGC gives the goal
    const held = offHeaps.map((size) => goals(size).find(([start]) => start > 5.5)[1]);
    held.slice(1).forEach((goal, i) => {
        const share = (held[i] - goal) / (offHeaps[i + 1] - offHeaps[i]);
        assert.ok(share > 0.8 && share <= 1, `${held}`);
    });
});

test("12: the small busy heap gets several times its size by the rule, the large quiet one far less", () => {
    const { rows } = run(own("square-root"));
    const room = ({ marked_bytes: live, ...row }, rate) => {
        const cpu = row.dedicated_cpu_s + row.fractional_cpu_s + row.idle_cpu_s + row.assist_cpu_s + row.fixed_cpu_s;
        return Math.sqrt((live * rate * MIB) / (0.05e-8 * (row.scanned_bytes / cpu))) / live;
    };
    const busy = rows.filter(({ start_s }) => start_s > 1 && start_s < 6).map((row) => room(row, 300));
    const quiet = rows.filter(({ start_s }) => start_s > 10).map((row) => room(row, 30));
    assert.ok(Math.min(...busy) > 3 && Math.max(...quiet) < 1.5, `${Math.min(...busy)}, ${Math.max(...quiet)}`);
});
