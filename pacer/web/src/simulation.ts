// SPDX-License-Identifier: MIT
// One engine at work: runs a scenario in slices, between which it takes a newer one. It stands in a
// worker (worker.ts), where it takes no time from the page; or, where a browser allows none, in the
// page itself.
import type { Engine, Fault, Results } from "./engine";
import type { Scenario } from "./scenario";

/** A run that is wanted; it takes the place of the one before. */
export interface Order {
    ticket: number;
    scenario: Scenario;
}

/** What became of a run: one of these, `progress` any number of times before. */
export interface Reply {
    ticket: number;
    fault?: Fault;
    /** How far it is, 0..1. */
    progress?: number;
    results?: Results;
}

export class Simulation {
    private ticket = 0;
    private running = false;

    /**
     * @param sliceMs  how long the engine runs before others have a turn
     * @param later    calls when they have had it
     */
    constructor(
        private readonly engine: Engine,
        private readonly sliceMs: number,
        private readonly later: (act: () => void) => void,
        private readonly tell: (reply: Reply) => void,
    ) {}

    take({ ticket, scenario }: Order): void {
        this.ticket = ticket;
        const fault = this.engine.load(scenario);
        if (fault) {
            this.tell({ ticket, fault });
            this.ticket = 0;
            return;
        }
        this.engine.start();
        if (this.running) return; // the slice that is to come goes on with this one
        this.running = true;
        this.slice();
    }

    private slice(): void {
        const ticket = this.ticket;
        this.running = ticket !== 0;
        if (!this.running) return;
        if (this.engine.run(this.sliceMs)) {
            this.tell({ ticket, progress: this.engine.progress() });
            this.later(() => this.slice());
            return;
        }
        this.running = false;
        this.ticket = 0;
        this.tell({ ticket, results: this.engine.results() });
    }
}
