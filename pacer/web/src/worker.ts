// SPDX-License-Identifier: MIT
// The worker's own script: an engine that takes orders and replies. build.mjs puts it into the page
// as text; what WebAssembly it runs comes with the first message, so that the page has it once.
import { Engine, type Results, type Table } from "./engine";
import { type Order, type Reply, Simulation } from "./simulation";

/** Between two slices messages are taken: a newer order must not wait for longer than this. */
const SLICE_MS = 10;

/** Of the worker's scope, which is no window. */
interface Scope {
    onmessage: ((event: MessageEvent<Uint8Array | Order>) => void) | null;
    postMessage(reply: Reply, moved: ArrayBuffer[]): void;
}
const scope = self as unknown as Scope;

/** What is handed over, not copied. */
function buffersOf({ cycles, samples }: Results): ArrayBuffer[] {
    const columns = ({ columns }: Table) => Object.values(columns);
    return [...columns(cycles), ...columns(samples)].map(({ buffer }) => buffer as ArrayBuffer);
}

const turn = new MessageChannel(); // sooner than a timer of 0 ms, of which some are 4 ms long
let next: () => void = () => {};
turn.port1.onmessage = () => next();

async function begin(bytes: Uint8Array): Promise<Simulation> {
    const later = (act: () => void) => {
        next = act;
        turn.port2.postMessage(0);
    };
    const tell = (reply: Reply) =>
        scope.postMessage(reply, reply.results ? buffersOf(reply.results) : []);
    return new Simulation(await Engine.create(bytes), SLICE_MS, later, tell);
}

let simulation: Promise<Simulation>;
scope.onmessage = ({ data }) => {
    if (data instanceof Uint8Array) simulation = begin(data);
    else void simulation.then((is) => is.take(data));
};
