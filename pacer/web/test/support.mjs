// SPDX-License-Identifier: MIT
// What the tests share: the command, and the page's modules without the page.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, "../../..");
export const temporary = mkdtempSync(path.join(tmpdir(), "gait-page-"));
const gaitSim = path.resolve(process.env.GAIT_SIM ?? path.join(root, "build/pacer/sim/gait-sim"));
if (!existsSync(gaitSim)) throw new Error(`no command to compare with: ${gaitSim} (GAIT_SIM names it)`);

function command(...args) {
    return execFileSync(gaitSim, args, { encoding: "utf8", maxBuffer: 1 << 30 });
}

/** What `gait-sim run` tells of a scenario, all digits; also of one that is given up. */
export function commandRun(toml) {
    const file = path.join(temporary, "scenario.toml");
    writeFileSync(file, toml);
    const run = spawnSync(gaitSim, ["run", file, "--json", "-"], {
        encoding: "utf8",
        maxBuffer: 1 << 30,
    });
    if (run.status !== 0 && !run.stderr.includes(": given up after ")) throw new Error(run.stderr);
    return JSON.parse(run.stdout);
}

export function commandFit(file) {
    return command("fit", file);
}

/** What `gait-sim predict` tells of a recording: as recorded, then as predicted. */
export function commandPredict(file) {
    return JSON.parse(command("predict", file, "--json", "-")).settings;
}

/** The page's engine and its reader of scenarios, as a module for Node. */
export async function loadModules() {
    const out = path.join(temporary, "modules.mjs");
    await build({
        stdin: {
            contents: 'export * from "./engine"; export * from "./scenario";' +
                'export { default as wasm } from "../../../build/web/engine.wasm";',
            resolveDir: path.join(here, "../src"),
            loader: "ts",
        },
        bundle: true,
        format: "esm",
        platform: "node",
        target: "node18",
        loader: { ".wasm": "binary", ".toml": "text" },
        outfile: out,
        logLevel: "warning",
    });
    return import(pathToFileURL(out).href);
}

export function readText(...parts) {
    return readFileSync(path.join(root, ...parts), "utf8");
}
