// SPDX-License-Identifier: MIT
// What build.mjs bundles beside scripts.
declare module "*.wasm" {
    const bytes: Uint8Array;
    export default bytes;
}
declare module "*?text" {
    const script: string;
    export default script;
}
declare module "*.toml" {
    const text: string;
    export default text;
}
