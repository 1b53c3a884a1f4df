// SPDX-License-Identifier: MIT
// Runs scenarios on the one engine, a slice per frame, so that the page stays responsive however
// long a run takes. Who asks again while its run goes on gets the newest state next.
import type { Engine, Key, Results } from "./engine";
import type { Scenario } from "./scenario";

/** Of a frame of 16.7 ms, what the engine may take; drawing needs the rest. */
const SLICE_MS = 9;
/** A run that is out of date is dropped when it has taken so long; a shorter one is shown. */
const STALE_MS = 400;

export interface Job {
    scenario(): Scenario;
    done(results: Results): void;
    /** A key is out of range. */
    refused(key: Key): void;
    /** It takes more than a frame: how far it is, 0..1. */
    progress(share: number): void;
}

export class Runner {
    private readonly waiting = new Set<Job>();
    private active: Job | null = null;
    private startedMs = 0;
    private frame = 0;

    constructor(private readonly engine: Engine) {}

    request(job: Job): void {
        this.waiting.add(job);
        if (this.frame === 0) this.frame = requestAnimationFrame(() => this.onFrame());
    }

    private onFrame(): void {
        const end = performance.now() + SLICE_MS;
        do this.step(end - performance.now());
        while ((this.active || this.waiting.size > 0) && performance.now() < end);
        const more = this.active || this.waiting.size > 0;
        this.frame = more ? requestAnimationFrame(() => this.onFrame()) : 0;
    }

    private step(budgetMs: number): void {
        const stale = this.active !== null && this.waiting.has(this.active);
        if (stale && performance.now() - this.startedMs > STALE_MS) this.active = null;
        if (!this.active && !this.begin()) return;
        const job = this.active!;
        if (this.engine.run(budgetMs)) {
            job.progress(this.engine.progress());
            return;
        }
        this.active = null;
        job.done(this.engine.results());
    }

    /** Start who waits longest. @return whether there is a run. */
    private begin(): boolean {
        const [job] = this.waiting;
        if (!job) return false;
        this.waiting.delete(job);
        const fault = this.engine.load(job.scenario());
        if (fault) {
            job.refused(fault);
            return false;
        }
        this.engine.start();
        this.startedMs = performance.now();
        this.active = job;
        return true;
    }
}
