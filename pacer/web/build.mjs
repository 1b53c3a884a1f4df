// SPDX-License-Identifier: MIT
// Builds the page: the engine to WebAssembly, the scripts to one, and all of it into one file that
// needs nothing else, so that it works from a folder as well as from a server.
//
// Usage: node build.mjs [OUTPUT_FOLDER]; build/site of the tree, if none is given.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const site = path.resolve(process.argv[2] ?? path.join(root, "build/site"));
const wasm = path.join(root, "build/web/engine.wasm");

/** As meson builds them: contraction would make other bits of the same numbers. */
const CFLAGS = [
    "--target=wasm32-wasi", "-mexec-model=reactor", "-std=gnu11", "-O2", "-flto", "-DNDEBUG",
    "-D_GNU_SOURCE", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-Wl,--strip-all",
];
const INCLUDES = ["include", "pacer", "pacer/sim", "tools/command"];
/** Of the command, what is not its command line. */
const COMMAND = [
    "record", "fit", "fit_goals", "fit_notes", "gctrace", "gctrace_line", "gctrace_processes", "scan",
];

const sourcesIn = (folder) =>
    readdirSync(path.join(root, folder))
        .filter((name) => name.endsWith(".c"))
        .map((name) => path.join(folder, name));

function buildEngine() {
    mkdirSync(path.dirname(wasm), { recursive: true });
    const sources = [
        ...["pacer", "pacer/sim", "pacer/web/engine"].flatMap(sourcesIn),
        ...COMMAND.map((name) => `pacer/sim/command/${name}.c`),
    ];
    const includes = INCLUDES.map((folder) => `-I${folder}`);
    execFileSync("clang", [...CFLAGS, ...includes, "-o", wasm, ...sources], {
        cwd: root,
        stdio: "inherit",
    });
}

/** A script that the page holds as text: `import text from "./worker.ts?text"`. */
const asText = {
    name: "text",
    setup({ onResolve, onLoad }) {
        onResolve({ filter: /\?text$/ }, ({ path: name, resolveDir }) => ({
            path: path.join(resolveDir, name.replace("?text", "")),
            namespace: "text",
        }));
        onLoad({ filter: /.*/, namespace: "text" }, async ({ path: entry }) => ({
            contents: await bundle(entry),
            loader: "text",
        }));
    },
};

async function bundle(entry) {
    const result = await build({
        absWorkingDir: here,
        entryPoints: [entry],
        bundle: true,
        write: false,
        minify: true,
        format: "iife",
        target: ["es2020", "chrome100", "firefox100", "safari15"],
        legalComments: "eof",
        loader: { ".wasm": "binary", ".toml": "text" },
        logLevel: "warning",
        plugins: [asText],
    });
    return result.outputFiles[0].text;
}

/** In a script, the end of a script is written otherwise. */
const inScript = (text) => text.replaceAll("</script", "<\\/script");

buildEngine();
const [script, style] = [await bundle("src/main.ts"), await bundle("src/style.css")];
const page = readFileSync(path.join(here, "src/index.html"), "utf8")
    .replace("/* style */", () => style.trim())
    .replace("/* script */", () => inScript(script.trim()));
mkdirSync(site, { recursive: true });
writeFileSync(path.join(site, "index.html"), page);
const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`;
console.log(
    `${path.relative(process.cwd(), path.join(site, "index.html"))}: ${kib(page.length)}, ` +
        `with the engine of ${kib(statSync(wasm).size)}`,
);
