// SPDX-License-Identifier: MIT
// What the tests in a browser share: the browser, pages, what a page shows against what the command
// prints, and a slider that is dragged.
//
// SITE names the built folder, CHROMIUM the browser. Screenshots are left in SITE-screenshots/ for a
// person to look at.
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { commandRun, loadModules, root, temporary } from "./support.mjs";

const site = path.resolve(process.env.SITE ?? path.join(root, "build/site"));
export const shots = `${site}-screenshots`;
export const index = path.join(site, "index.html");
const { wasm, Engine, readToml } = await loadModules();
const engine = await Engine.create(wasm);
export const read = (toml) => readToml(toml, engine.keys, engine.models);

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };
/** A page that moves at 30 frames a second. */
export const FRAME_MS = 1000 / 30;

let browser;
/** What must not happen, on any page. */
export const complaints = [];

/** For before(): the browser, and a folder for screenshots. */
export async function startBrowser() {
    browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        args: [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
        ],
    });
    mkdirSync(shots, { recursive: true });
}

/** For after(). */
export async function stopBrowser() {
    await browser?.close();
    rmSync(temporary, { recursive: true, force: true });
}

/** For afterEach(). */
export async function closePages() {
    for (const context of browser.contexts()) await context.close();
}

/** @param initScript  runs before the page's own */
export async function open(url = pathToFileURL(index).href, { initScript, ...options } = {}) {
    const context = await browser.newContext({
        viewport: DESKTOP, colorScheme: "light", reducedMotion: "reduce", ...options,
    });
    if (initScript) await context.addInitScript(initScript);
    const page = await context.newPage();
    page.on("console", (message) => complaints.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
    page.on("request", (request) => {
        const isOwn = request.isNavigationRequest() && request.url().startsWith(url.split("#")[0]);
        if (!isOwn && !/^(data|blob):/.test(request.url())) complaints.push(`request: ${request.url()}`);
    });
    await page.goto(url);
    await page.waitForSelector("#lab");
    return page;
}

export const figuresIn = (page, chapter) =>
    page.$$eval(`#${chapter} [data-figure]`, (cells) =>
        Object.fromEntries(cells.map((cell) => [cell.dataset.figure, cell.dataset.value])),
    );

/** The scenario that a chapter shows. */
export async function tomlOf(page, chapter) {
    if (chapter === "lab") return page.inputValue("#export");
    const source = page.locator(`#${chapter} details.source`);
    if (!(await source.evaluate((details) => details.open))) await source.locator("summary").click();
    await page.waitForFunction((id) => document.querySelector(`#${id} pre`).textContent, chapter);
    return source.locator("pre").textContent();
}

/** Wait until a chapter's figures are those of the command, digit by digit. */
export async function agrees(page, chapter, what = chapter) {
    const { summary } = commandRun(await tomlOf(page, chapter));
    let shown;
    for (let tries = 0; tries < 100; tries++) {
        shown = await figuresIn(page, chapter);
        assert.ok(Object.keys(shown).length >= 4);
        if (Object.entries(shown).every(([name, value]) => Number(value) === summary[name])) return shown;
        await page.waitForTimeout(50);
    }
    const expected = Object.fromEntries(Object.keys(shown).map((name) => [name, String(summary[name])]));
    assert.deepEqual(shown, expected, what);
}

export async function show(page, chapter) {
    const start = (element) => element.scrollIntoView({ block: "start" });
    await page.locator(`#${chapter} .charts`).evaluate(start); // nothing runs that is out of sight
    await page.waitForSelector(`#${chapter} [data-figure][data-value]`);
    await page.locator(`#${chapter}`).evaluate(start);
}

/** In the page: move a slider by a step in each frame. @return times between frames, sorted. */
export function dragged({ control, chapter }) {
    const FRAMES = 150;
    const input = document.querySelector(`[data-control="${control}"] input`);
    const most = Number(input.max);
    let drawn = 0;
    new MutationObserver(() => drawn++).observe(document.querySelector(`#${chapter} [data-figure]`), {
        childList: true,
    });
    return new Promise((done) => {
        const times = [];
        const tick = (now) => {
            times.push(now);
            if (times.length > FRAMES) {
                const gaps = times.slice(1).map((time, i) => time - times[i]);
                done({ gaps: gaps.sort((a, b) => a - b), drawn });
                return;
            }
            const turn = times.length % (2 * most);
            input.value = String(turn <= most ? most - turn : turn - most);
            input.dispatchEvent(new Event("input", { bubbles: true }));
            requestAnimationFrame(tick);
        };
        requestAnimationFrame(tick);
    });
}

/** CPU time of the page's main thread so far: scripts, layout, painting. */
export async function mainThreadMs(client) {
    const { metrics } = await client.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
}
