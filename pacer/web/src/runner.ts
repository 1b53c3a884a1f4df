// SPDX-License-Identifier: MIT
// Runs scenarios, one after the other, off the page's own thread. A caller that asks again while its run goes
// on gets the newest state next: the latest wins, for runs as for drawing, which is done once per
// frame. So a slider that is dragged follows the hand however long a run takes.
import workerText from "./worker.ts?text";
import { Engine, type Fault, type Results } from "./engine";
import type { Scenario } from "./scenario";
import { type Order, type Reply, Simulation } from "./simulation";

/** Of a frame of 16.7 ms, what the engine may take where there is no worker. */
const SLICE_MS = 9;
/** A run that is out of date is dropped when it has taken so long; a shorter one is shown. */
const STALE_MS = 400;

export interface Job {
    scenario(): Scenario;
    done(results: Results): void;
    refused(fault: Fault): void;
    /** It takes more than a slice: how far it is, 0..1. */
    progress(share: number): void;
}

export class Runner {
    private readonly waiting = new Set<Job>();
    /** Results that the next frame draws. */
    private readonly ready = new Map<Job, Results>();
    private active: Job | null = null;
    private order: Order | null = null;
    private ticket = 0;
    private startedMs = 0;
    private frame = 0;
    private send: (order: Order) => void;

    /** @param wasm  the engine: the worker has one of its own */
    constructor(private readonly wasm: Uint8Array) {
        this.send = this.worker() ?? this.here();
    }

    request(job: Job): void {
        this.waiting.add(job);
        this.next();
    }

    // ---- Where it runs ----------------------------------------------------

    /** In a worker; null: this browser has none for a page like this. */
    private worker(): ((order: Order) => void) | null {
        try {
            const url = URL.createObjectURL(new Blob([workerText], { type: "text/javascript" }));
            const worker = new Worker(url);
            worker.onmessage = ({ data }: MessageEvent<Reply>) => this.reply(data);
            worker.onerror = (event) => {
                event.preventDefault();
                worker.terminate();
                this.send = this.here();
                if (this.active && this.order) this.send(this.order);
            };
            worker.postMessage(this.wasm);
            return (order) => worker.postMessage(order);
        } catch {
            return null;
        }
    }

    /** On the page's own thread, a slice per frame. */
    private here(): (order: Order) => void {
        const later = (act: () => void) => void requestAnimationFrame(act);
        const simulation = Engine.create(this.wasm).then(
            (engine) => new Simulation(engine, SLICE_MS, later, (reply) => this.reply(reply)),
        );
        return (order) => void simulation.then((is) => is.take(order));
    }

    // ---- One after the other ----------------------------------------------

    /** Start the one that waits longest, if nothing runs that is worth its end. */
    private next(): void {
        if (this.active) {
            const stale = this.waiting.has(this.active);
            if (!stale || performance.now() - this.startedMs < STALE_MS) return;
        }
        const [job] = this.waiting;
        if (!job) return;
        this.waiting.delete(job);
        this.active = job;
        this.startedMs = performance.now();
        this.order = { ticket: ++this.ticket, scenario: job.scenario() };
        this.send(this.order);
    }

    private reply({ ticket, fault, progress, results }: Reply): void {
        const job = this.active;
        if (!job || ticket !== this.ticket) return; // of a run that was dropped
        if (progress !== undefined) {
            job.progress(progress);
        } else {
            this.active = null;
            if (fault) job.refused(fault);
            if (results) this.ready.set(job, results);
            if (results && this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
        }
        this.next(); // while this one is drawn
    }

    private draw(): void {
        this.frame = 0;
        const drawn = [...this.ready];
        this.ready.clear();
        drawn.forEach(([job, results]) => job.done(results));
    }
}
