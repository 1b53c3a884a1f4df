// SPDX-License-Identifier: MIT
// The page in a browser, as people use it: sliders, switches, dragging, keyboard, imports, addresses;
// what it shows against what the command prints; how fast it follows; whether all can use it.
//
// Usage: node --test page.test.mjs, after build.mjs. GAIT_SIM names the command; browser.mjs has more.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import {
    DESKTOP, FRAME_MS, PHONE, agrees, closePages, complaints, dragged, figuresIn, index, mainThreadMs, open,
    read, shots, show, startBrowser, stopBrowser, tomlOf,
} from "./browser.mjs";
import { commandFit, commandPredict, commandRun, readText, root } from "./support.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

before(startBrowser);
after(stopBrowser);
afterEach(closePages);

const TRACES = readdirSync(path.join(root, "tests/sim/traces")).filter((name) => name.endsWith(".log"));

const CHAPTERS = [
    "gogc", "phases", "spike", "limit", "spike-limit", "roots", "concurrent", "assists", "limiter",
    "returned", "beside", "square-root", "lab",
];

async function everyControl(page, chapter) {
    await show(page, chapter);
    const first = await agrees(page, chapter);
    const controls = await page.locator(`#${chapter} [data-control] input`).all();
    assert.ok(controls.length > 0);
    for (const control of controls) {
        const name = await control.evaluate((input) => input.closest("[data-control]").dataset.control);
        if ((await control.getAttribute("type")) === "checkbox") {
            await control.click();
            assert.notDeepEqual(await agrees(page, chapter, name), first, `${name} changes nothing`);
            await control.click();
            continue;
        }
        const most = Number(await control.getAttribute("max"));
        const start = Number(await control.inputValue());
        const seen = [];
        for (const share of [0, 0.3, 0.7, 1]) {
            await control.fill(String(Math.round(share * most)));
            seen.push(JSON.stringify(await agrees(page, chapter, `${name} at ${share}`)));
        }
        assert.ok(new Set(seen).size > 1, `${name} changes no figure`);
        await control.fill(String(start));
    }
    // back where it was, except for a value that lay between a slider's steps
    await agrees(page, chapter);
}

for (const chapter of CHAPTERS)
    test(`every control of ${chapter} moves its figures to the command's`, async () => {
        const page = await open();
        await everyControl(page, chapter);
        });

test("it works from a server, and asks it for nothing but itself", async (context) => {
    const asked = [];
    const server = createServer((request, response) => {
        asked.push(request.url);
        response.setHeader("content-type", "text/html");
        response.end(readFileSync(index));
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    context.after(() => {
        server.close();
        server.closeAllConnections();
    });
    const page = await open(`http://127.0.0.1:${server.address().port}/`);
    await show(page, "gogc");
    await agrees(page, "gogc");
    assert.deepEqual(asked, ["/"]);
});

test("a scenario goes in and comes out the same", async () => {
    const page = await open();
    await show(page, "lab");
    for (const file of readdirSync(path.join(root, "examples/scenarios")).filter((name) => name.endsWith(".toml"))) {
        const toml = readText("examples/scenarios", file);
        await page.fill("#import", toml);
        await page.getByRole("button", { name: "Take it" }).click();
        const out = await tomlOf(page, "lab");
        assert.deepEqual(read(out), read(toml), file);
        await agrees(page, "lab", file);
    }
    await page.fill("#import", "[[phase]]\nduratoin = 1");
    await page.getByRole("button", { name: "Take it" }).click();
    assert.match(await page.locator(".message").textContent(), /duratoin: no such key; accepted: name, duration/);
    await page.fill("#import", "nothing to see");
    await page.getByRole("button", { name: "Take it" }).click();
    assert.match(await page.locator(".message").textContent(), /neither a scenario, nor a recording, nor a trace/);
});

test("a trace is fitted as by the command, pasted and dropped", async () => {
    const page = await open();
    await show(page, "lab");
    for (const name of TRACES) {
        const expected = read(commandFit(path.join(root, "tests/sim/traces", name)));
        const text = readText("tests/sim/traces", name);
        await page.fill("#import", text);
        await page.getByRole("button", { name: "Take it" }).click();
        const pasted = read(await tomlOf(page, "lab"));
        const data = await page.evaluateHandle(
            ([content, file]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([content], file));
                return transfer;
            },
            [text, name],
        );
        await page.getByRole("button", { name: "Batch program" }).click();
        await page.dispatchEvent("body", "drop", { dataTransfer: data });
        await page.waitForFunction((file) => document.querySelector("#export").value.includes(file), name);
        const dropped = read(await tomlOf(page, "lab"));
        for (const scenario of [expected, pasted, dropped]) delete scenario[""].title;
        assert.deepEqual(pasted, expected);
        assert.deepEqual(dropped, expected);
        await agrees(page, "lab", name);
    }
});

test("a recording becomes a scenario, beside what was recorded", async () => {
    const page = await open();
    await show(page, "lab");
    const name = "compile.pacerlog";
    const file = path.join(root, "tests/sim/traces", name);
    await page.setInputFiles("#import-file", file);
    await page.waitForFunction((title) => document.querySelector("#export").value.includes(title), name);
    const [taken, expected] = [read(await tomlOf(page, "lab")), read(commandFit(file))];
    assert.deepEqual(taken, expected);
    await agrees(page, "lab", name);
    const [recorded] = commandPredict(file);
    for (const figure of ["cycles", "gc_share", "peak_heap_bytes", "wall_s"]) {
        const cell = page.locator(`[data-recorded="${figure}"]`).last();
        assert.equal(Number(await cell.getAttribute("data-value")), recorded[figure], figure);
        assert.ok(await cell.isVisible());
    }
    await page.screenshot({ path: path.join(shots, "recording.png") });
    for (const [size, told] of [[60, "cut off inside its header"], [500, "no cycle was recorded"], [50000, "used up to byte"]]) {
        const buffer = readFileSync(file).subarray(0, size);
        await page.setInputFiles("#import-file", { name: `cut at ${size}`, mimeType: "", buffer });
        await page.waitForFunction((text) => document.querySelector(".message").textContent.includes(text), told);
    }
});

test("what of a log is left out is told", async () => {
    const page = await open();
    await show(page, "lab");
    const lines = readText("tests/sim/traces", "go-1.19-trees.log").split("\n");
    await page.fill("#import", ["gc 1 @0.1s 2%: 0.1+cut off", ...lines.slice(30)].join("\n"));
    await page.getByRole("button", { name: "Take it" }).click();
    const notes = await page.locator(".message .note").allTextContents();
    assert.match(notes[0], /^1 line of cycles skipped, the first being line 1:/);
    assert.match(notes[1], /^it begins with cycle 31, at /);
});

test("the saved file is the scenario", async () => {
    const page = await open();
    await show(page, "lab");
    const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Save file" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "scenario.toml");
    assert.equal(readFileSync(await download.path(), "utf8"), await tomlOf(page, "lab"));
});

test("the address holds the state", async () => {
    const page = await open();
    await show(page, "limit");
    await page.locator('[data-control="limit.limit"] input').fill("14");
    await page.locator('[data-control="limit.gogc"] input').press("End"); // off
    await show(page, "limiter");
    await page.locator('[data-control="limiter.limiter"] input').click();
    await show(page, "lab");
    await page.getByRole("button", { name: "Batch program" }).click();
    await page.locator('[data-control="lab.gogc"] input').fill("3");
    await page.waitForFunction(() => location.hash.includes("lab="));
    await page.waitForTimeout(500);
    const other = await open(page.url());
    for (const chapter of ["limit", "limiter", "lab"]) {
        await show(other, chapter);
        assert.equal(await tomlOf(other, chapter), await tomlOf(page, chapter), chapter);
        await agrees(other, chapter);
    }
    assert.match(await tomlOf(other, "limit"), /gogc = "off"/);
    assert.ok(await other.locator(".notice").isHidden());
});

test("an address that is wrong is told in a line, and leaves the page as it comes", async () => {
    const cases = [
        ["#limit.gogc=x&limit.limit=-3&lab=%20%20&a.b=c", /lab: its scenario is none: line 1: .*, and 3 more\./],
        ["#limit.gogc=x", /limit\.gogc: x; accepted: "off", or a number from 0 to 1000000\./],
        ["#limit.limit=40MiB&limit.gog=5", /limit\.gog: no setting of this page\./],
        ["#lab=abc", /lab: the scenario in it is cut off or damaged\./],
        ["#square-root.c=much", /square-root\.c: much; accepted: a number above 0\./],
        ["#nowhere", /nowhere: no part of this page\./],
    ];
    for (const [hash, message] of cases) {
        const page = await open(pathToFileURL(index).href + hash);
        const notice = page.locator(".notice");
        assert.match(await notice.locator("span").textContent(), message, hash);
        assert.equal(await notice.getAttribute("role"), "alert");
        for (const chapter of ["limit", "lab"]) {
            await show(page, chapter);
            await agrees(page, chapter);
        }
        if (hash.includes("40MiB")) assert.match(await tomlOf(page, "limit"), /memory_limit = "40MiB"/);
        await notice.getByRole("button", { name: "Close" }).click();
        assert.ok(await notice.isHidden());
        await page.evaluate(() => (location.hash = "limit.gogc=y")); // and when it is changed by hand
        await page.waitForFunction(() => /gogc: y/.test(document.querySelector(".notice").textContent));
        await page.evaluate(() => (location.hash = "limit.gogc=50"));
        await page.waitForFunction(() => document.querySelector(".notice").hidden);
    }
    const page = await open(`${pathToFileURL(index).href}#limiter`);
    assert.ok(await page.locator(".notice").isHidden());
});

/** Let go of a file somewhere on the page. */
async function drop(page, name, content) {
    const data = await page.evaluateHandle(
        ([bytes, file]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], file));
            return transfer;
        },
        [[...content], name],
    );
    await page.dispatchEvent("body", "drop", { dataTransfer: data });
}

/** Is all of it, or its upper part, within the window? */
const inSight = (page, selector, px = 100) =>
    page.locator(selector).first().evaluate((element, least) => {
        const { top } = element.getBoundingClientRect();
        return top >= 0 && top + least <= innerHeight;
    }, px);

test("a file that is dropped leads to its charts, or to why there are none", async () => {
    const trace = readFileSync(path.join(root, "tests/sim/traces", TRACES[0]));
    for (const [viewport, chart] of [[{ width: 1440, height: 900 }, 200], [{ width: 1024, height: 768 }, 100], [PHONE, 200]]) {
        const page = await open(undefined, { viewport });
        await show(page, "gogc"); // far from the workbench
        await drop(page, "my.log", trace);
        await page.waitForFunction(() => /^my\.log: \d+ cycles/.test(document.querySelector(".message").textContent));
        await agrees(page, "lab");
        assert.ok(await inSight(page, ".message", 20), "what was read");
        assert.ok(await inSight(page, "#lab .chart", chart), `the chart at ${viewport.width}`);
        assert.equal(await page.evaluate(() => document.activeElement.className), "arrivals");
        assert.equal(await page.locator(".message").getAttribute("role"), "alert");
        await page.waitForFunction(() => /GC CPU/.test(document.querySelector("[role=status]").textContent));
        await page.screenshot({ path: path.join(shots, `dropped-${viewport.width}.png`) });
        await show(page, "phases");
        await drop(page, "holiday.jpg", Buffer.from([0xff, 0xd8, 1, 2, 3]));
        await page.waitForFunction(() => /^holiday\.jpg: neither/.test(document.querySelector(".message").textContent));
        assert.ok(await inSight(page, ".message", 20), "why it was not read");
    }
});

test("names and menus have room", async () => {
    for (const width of [1440, 1024, 390]) {
        const page = await open(undefined, { viewport: { width, height: 900 } });
        await show(page, "lab");
        const { names, shown, wide } = await page.evaluate(() => {
            const context = document.createElement("canvas").getContext("2d");
            const select = document.querySelector("#lab-model");
            context.font = getComputedStyle(select).font;
            const texts = [...select.options].map((option) => context.measureText(option.text).width);
            const phases = [...document.querySelectorAll(".phase")];
            return {
                names: phases.map((phase) => phase.querySelector("title").textContent),
                shown: phases.map((phase) =>
                    [...phase.querySelectorAll("text:not(.rate)")].map((line) => line.textContent).join(" "),
                ),
                wide: Math.max(...texts) - (select.clientWidth - 45), // the arrow and what is around
            };
        });
        assert.ok(wide <= 0, `the menu lacks ${wide} px at ${width}`);
        assert.equal(names[0], "start: the cache fills");
        if (width > 1000) assert.deepEqual(shown, names);
        else for (const text of shown.filter((line) => line !== "")) assert.match(text, /^[^…]+…?$/);
        const sticking = await page.$$eval(".phase text", (texts) =>
            texts.filter((text) => text.getBBox().x + text.getBBox().width >
                Number(text.closest("g").querySelector(".back").getAttribute("x")) +
                    Number(text.closest("g").querySelector(".back").getAttribute("width")) + 1).length,
        );
        assert.equal(sticking, 0, `names beyond their blocks at ${width}`);
    }
});

test("cards use their width on a desktop", async () => {
    const page = await open(undefined, { viewport: { width: 1440, height: 900 } });
    for (const chapter of CHAPTERS) {
        await show(page, chapter);
        const share = await page.locator(`#${chapter}`).evaluate((card) => {
            const inside = card.clientWidth - 2 * parseFloat(getComputedStyle(card).paddingLeft);
            const side = card.querySelector(".bench .side")?.clientWidth ?? 0;
            return (card.querySelector(".plot").clientWidth + side) / inside;
        });
        assert.ok(share > 0.95, `${chapter}: charts and controls take ${share} of the card`);
    }
});

test("foreign memory is seen where a program has some, and only there", async () => {
    const page = await open();
    await show(page, "lab"); // a web service with up to 30 MiB of it
    await agrees(page, "lab");
    const chart = page.locator("#lab .chart").first();
    assert.match(await chart.locator(".legend").textContent(), /foreign, not counted/);
    assert.match(await chart.getAttribute("aria-label"), /30\.0 MiB of foreign memory/);
    await chart.focus();
    await page.keyboard.press("End");
    await page.waitForFunction(() => /foreign, not counted 25\.0 MiB/.test(document.querySelector("[role=status]").textContent));
    await page.getByRole("button", { name: "Batch program" }).click();
    await agrees(page, "lab");
    assert.doesNotMatch(await chart.locator(".legend").textContent(), /foreign/);
});

test("what floats is seen cycle by cycle", async () => {
    const page = await open();
    await show(page, "concurrent");
    await agrees(page, "concurrent");
    const { cycles } = commandRun(await tomlOf(page, "concurrent"));
    const last = cycles.at(-1);
    const chart = page.locator("#concurrent .chart").nth(1);
    assert.match(await chart.getAttribute("aria-label"), /^float per cycle\. What cycles marked over/);
    await chart.focus();
    await page.keyboard.press("End");
    await page.waitForFunction(() => /marked over live/.test(document.querySelector("[role=status]").textContent));
    const told = await page.locator("[role=status]").textContent();
    const [, shown] = /marked over live ([\d.]+)/.exec(told);
    assert.ok(Math.abs(shown - last.marked_bytes / last.live_bytes) < 0.006, told);
});

test("a table says of each cycle its kind and what gave its goal", async () => {
    const page = await open();
    const seen = new Set();
    for (const chapter of ["assists", "limiter"]) {
        await show(page, chapter);
        await page.locator(`#${chapter} details:not(.source) > summary`).click();
        await agrees(page, chapter);
        const { cycles } = commandRun(await tomlOf(page, chapter));
        const rows = await page.$$eval(`#${chapter} details tbody tr`, (found) =>
            found.map((row) => [...row.cells].slice(-2).map((cell) => cell.textContent)),
        );
        assert.ok(rows.length > 2);
        for (const [i, [kind, rule]] of rows.entries()) {
            const { by_floor, by_limit, forced, minor, periodic } = cycles[i];
            assert.equal(kind.startsWith("minor"), Boolean(minor));
            assert.equal(kind.endsWith("forced"), Boolean(forced));
            assert.equal(kind.endsWith("by the clock"), Boolean(periodic && !forced));
            const asked = by_limit ? "limit" : "GOGC";
            assert.equal(rule, by_floor ? `CPU, above ${asked}` : asked, `${chapter}, cycle ${i + 1}`);
            seen.add(rule);
        }
    }
    assert.ok(seen.has("CPU, above GOGC") && seen.has("CPU, above limit"), [...seen].join("; "));
});

test("lines are told apart without their colours, also among hundreds of cycles", async () => {
    const page = await open();
    await show(page, "limiter");
    const { cycles } = await agrees(page, "limiter");
    assert.ok(Number(cycles) > 200);
    const styles = await page.$$eval("#limiter .chart:first-of-type .swatch", (swatches) =>
        swatches.map(({ className }) => className.replace("swatch ", "")).filter((style) => style !== "area"),
    );
    assert.deepEqual(styles, ["dotted", "dashed", "line"]); // trigger, goal, limit
});

test("without workers it works all the same", async () => {
    const page = await open(undefined, { initScript: "delete globalThis.Worker;" });
    for (const chapter of ["gogc", "limiter"]) {
        await show(page, chapter);
        await agrees(page, chapter);
    }
    const failing = await open(undefined, { initScript: "URL.createObjectURL = () => 'blob:null/none';" });
    await show(failing, "gogc");
    await agrees(failing, "gogc");
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !/blob:null\/none/.test(text)));
});

test("the keyboard is enough", async () => {
    const page = await open();
    await show(page, "gogc");
    await agrees(page, "gogc");
    const slider = page.locator('[data-control="gogc.gogc"] input');
    await slider.focus();
    const before = await figuresIn(page, "gogc");
    await page.keyboard.press("ArrowRight");
    assert.equal(await slider.getAttribute("aria-valuetext"), "105");
    assert.notDeepEqual(await agrees(page, "gogc"), before);
    await page.keyboard.press("End");
    assert.equal(await slider.getAttribute("aria-valuetext"), "off");
    await agrees(page, "gogc");
    await page.waitForFunction(() => /Takes .* GC CPU/.test(document.querySelector("[role=status]").textContent));
    await page.locator("#gogc .chart").focus();
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction(() => /^At .*live 20/.test(document.querySelector("[role=status]").textContent));
    await show(page, "limiter");
    const limiter = page.locator('[data-control="limiter.limiter"] input');
    await limiter.focus();
    await page.keyboard.press("Space");
    assert.equal(await limiter.isChecked(), false);
    await agrees(page, "limiter");
    await show(page, "lab");
    for (const [figure, key] of [["duration", "ArrowRight"], ["alloc_rate", "PageUp"], ["survival", "ArrowUp"]]) {
        const handle = page.locator(`[data-handle="0-${figure}"]`);
        const value = Number(await handle.getAttribute("aria-valuenow"));
        await handle.focus();
        await page.keyboard.press(key);
        await page.keyboard.press(key);
        assert.ok(Number(await handle.getAttribute("aria-valuenow")) > value, figure);
        assert.equal(await page.evaluate(() => document.activeElement.dataset.handle), `0-${figure}`);
        await agrees(page, "lab", figure);
    }
});

test("phases are edited by dragging", async () => {
    const page = await open();
    await show(page, "lab");
    for (const [figure, right, up] of [["duration", 60, 0], ["alloc_rate", 0, 40], ["survival", 0, 6]]) {
        const handle = page.locator(`[data-handle="0-${figure}"]`);
        await handle.scrollIntoViewIfNeeded();
        const value = Number(await handle.getAttribute("aria-valuenow"));
        const box = await handle.boundingBox();
        const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
        await page.mouse.move(x, y);
        await page.mouse.down();
        for (let i = 1; i <= 10; i++) await page.mouse.move(x + (right * i) / 10, y - (up * i) / 10);
        await page.mouse.up();
        assert.ok(Number(await handle.getAttribute("aria-valuenow")) > value * 1.02, figure);
        await agrees(page, "lab", figure);
    }
    const count = read(await tomlOf(page, "lab")).phases.length;
    await page.getByRole("button", { name: "Copy", exact: true }).first().click();
    assert.equal(read(await tomlOf(page, "lab")).phases.length, count + 1);
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    assert.equal(read(await tomlOf(page, "lab")).phases.length, count - 1);
    await agrees(page, "lab");
});

test("every figure can be typed, and what is none is refused", async () => {
    const page = await open();
    await show(page, "lab");
    for (const summary of await page.locator("#lab .keys > summary").all()) await summary.click();
    const field = page.locator('[data-key="phase.alloc_rate"]');
    await field.fill('{ oscillate = "30MiB", period = 2, min = "1MiB" }');
    await field.press("Enter");
    await page.locator('[data-key="machine.scan_rate"]').fill("512MiB");
    await page.locator('[data-key="machine.scan_rate"]').press("Tab");
    const scenario = read(await tomlOf(page, "lab"));
    assert.equal(scenario.phases[0].alloc_rate.kind, "oscillate");
    assert.equal(scenario.machine.scan_rate, 512 * 1024 * 1024);
    await agrees(page, "lab");
    const lifetime = page.locator('[data-key="phase.lifetime"]');
    await lifetime.fill("long");
    await lifetime.press("Tab");
    assert.equal(await lifetime.getAttribute("aria-invalid"), "true");
    assert.match(await page.locator("#lab .problem").first().textContent(), /lifetime: long; accepted: a number/);
});

test("the square-root rule is what its formula says of the command's cycles", async () => {
    const page = await open();
    await show(page, "square-root");
    const { cycles } = commandRun(await tomlOf(page, "square-root"));
    const c = 0.05e-8; // as the slider stands
    let [end, marked] = [0, 0];
    const gogc = cycles.map((cycle) => {
        const cpu = ["assist", "dedicated", "fractional", "idle", "fixed"]
            .map((name) => cycle[`${name}_cpu_s`])
            .reduce((a, b) => a + b);
        const now = cycle.start_s + cycle.mark_s;
        const g = (cycle.peak_bytes - marked) / (now - end);
        const s = cycle.scanned_bytes / cpu;
        [end, marked] = [now, cycle.marked_bytes];
        return (Math.sqrt((cycle.marked_bytes * g) / (c * s)) / cycle.marked_bytes) * 100;
    });
    const middle = gogc.sort((a, b) => a - b)[gogc.length >> 1];
    const shown = Number(await page.locator("#square-root .rule-verdict").getAttribute("data-value"));
    assert.ok(Math.abs(shown / middle - 1) < 1e-9, `${shown}, not ${middle}`);
});

test("charts and figures follow a dragged slider at 30 frames a second", async () => {
    const page = await open();
    const client = await page.context().newCDPSession(page);
    await client.send("Performance.enable", { timeDomain: "threadTicks" });
    for (const control of ["gogc.gogc", "limiter.limit", "lab.gogc"]) {
        const chapter = control.split(".")[0];
        await show(page, chapter);
        await agrees(page, chapter);
        const start = await mainThreadMs(client);
        const { gaps, drawn } = await page.evaluate(dragged, { control, chapter });
        const busy = ((await mainThreadMs(client)) - start) / gaps.length;
        const middle = gaps[gaps.length >> 1];
        console.log(
            `${control}: ${busy.toFixed(1)} ms of CPU time per frame; a frame each ${middle.toFixed(1)} ms ` +
                `(95 % within ${gaps[Math.floor(gaps.length * 0.95)].toFixed(1)} ms); ` +
                `${drawn} of ${gaps.length} with new figures`,
        );
        // CPU time, since others may have the machine busy; half of a frame's, since others may have a CPU
        assert.ok(busy <= FRAME_MS / 2, `${control}: a frame takes ${busy} ms`);
        assert.ok(drawn >= gaps.length / 3, `${control}: only ${drawn} runs in ${gaps.length} frames`);
    }
});

/** How many threads of the machine run or could, this one left out; Linux tells. */
function runnable() {
    return Number(readFileSync("/proc/loadavg", "utf8").split(" ")[3].split("/")[0]) - 1;
}

/** Frames a second, and of these with new figures, while a slider is dragged. */
async function framesPerSecond(page, control, chapter) {
    const { gaps, drawn } = await page.evaluate(dragged, { control, chapter });
    const seconds = gaps.reduce((a, b) => a + b) / 1000;
    return { frames: gaps.length / seconds, drawn: drawn / seconds };
}

test("beside a busy process on every CPU it moves at 30 frames a second", async (context) => {
    const page = await open();
    const busy = [];
    context.after(() => busy.forEach((process) => process.kill()));
    for (const control of ["limiter.limit", "lab.gogc"]) {
        const chapter = control.split(".")[0];
        await show(page, chapter);
        await agrees(page, chapter);
        let best = { frames: 0, drawn: 0 };
        let others = 0;
        for (let tries = 0; tries < 4 && best.frames < 30; tries++) {
            others = runnable() - busy.length;
            while (busy.length < cpus().length) busy.push(spawn(process.execPath, ["-e", "for (;;);"]));
            const now = await framesPerSecond(page, control, chapter);
            if (now.frames > best.frames) best = now;
        }
        const told = `${control}: ${best.frames.toFixed(1)} frames a second, ${best.drawn.toFixed(1)} with new figures`;
        console.log(`${told}, beside ${busy.length} busy processes and ${others} threads of others`);
        if (best.frames < 30 && others > cpus().length) return context.skip(`${told}: others have the machine`);
        assert.ok(best.frames >= 30, told);
        assert.ok(best.drawn >= best.frames / 2, told);
    }
});

// axe takes a quarter of a minute: it sees each width and each scheme of colours once.
for (const [name, viewport] of [["desktop", DESKTOP], ["phone", PHONE]])
    for (const colorScheme of ["light", "dark"]) {
        const withAxe = (name === "desktop") === (colorScheme === "light");
        test(`on a ${name}, ${colorScheme}: nothing sticks out${withAxe ? ", axe finds nothing" : ""}, screenshots`, async () => {
            const page = await open(undefined, { viewport, colorScheme });
            for (const chapter of CHAPTERS) {
                await show(page, chapter);
                await page.waitForTimeout(60);
                await page.screenshot({ path: path.join(shots, `${name}-${colorScheme}-${chapter}.png`) });
            }
            for (const details of await page.locator("details > summary").all()) await details.click();
            const sticking = await page.evaluate(
                () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
            );
            assert.equal(sticking, 0);
            if (!withAxe) return;
            await page.evaluate(axe);
            const { violations, passes } = await page.evaluate(() => window.axe.run());
            assert.ok(passes.length > 20);
            assert.deepEqual(
                violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html.slice(0, 160))]),
                [],
            );
        });
    }

test("the narrowest phones have it all in sight", async () => {
    const page = await open(undefined, { viewport: { width: 320, height: 640 } });
    for (const chapter of CHAPTERS) await show(page, chapter);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 320, `${width} px wide`);
});

test("colours can be chosen", async () => {
    const page = await open();
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.selectOption("#theme", "dark");
    assert.notEqual(await background(), light);
    await page.reload();
    await page.waitForSelector("#lab");
    assert.equal(await page.inputValue("#theme"), "dark");
});

test("no page said anything on the console, failed, or asked the network", () => {
    assert.deepEqual(complaints, []);
});
