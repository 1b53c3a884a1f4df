// SPDX-License-Identifier: MIT
// Runs the tests of a module: each export whose name begins with test_, in an instance of its own.
// Prints TAP.
//
// Usage: node run.mjs MODULE.wasm
import { readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const imports = WebAssembly.Module.imports(module);
const tests = WebAssembly.Module.exports(module)
    .map(({ name }) => name)
    .filter((name) => name.startsWith("test_"));
let failed = imports.length > 0 || tests.length === 0 ? 1 : 0;
for (const { module, name } of imports) console.log(`# it asks for ${module}.${name}`);
console.log(`1..${tests.length + 1}`);
console.log(`${failed ? "not ok" : "ok"} 1 - it needs nothing of its surroundings`);
tests.forEach((name, i) => {
    const { exports } = new WebAssembly.Instance(module);
    let why = "";
    try {
        exports[name]();
    } catch (error) {
        why = exports.failed_line() ? ` # line ${exports.failed_line()}` : ` # ${error.message}`;
        failed++;
    }
    console.log(`${why ? "not ok" : "ok"} ${i + 2} - ${name.slice(5)}${why}`);
});
process.exitCode = failed ? 1 : 0;
