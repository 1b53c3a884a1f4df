// SPDX-License-Identifier: MIT
// A scenario's ways in and out: TOML as `gait-sim` reads and writes it, logs with gctrace lines,
// recordings (docs/pacerlog.md), an address that holds all of it.
import { make } from "./dom";
import { type Fitted, RecordingFault } from "./engine";
import { Refusal, type Scenario, readToml, writeToml } from "./scenario";
import { address } from "./state";
import type { Means } from "./view";

/** Larger files are no log of a collector that somebody wants to look at here. */
const MOST_BYTES = 64 << 20;

const FAULTS: Record<RecordingFault, string> = {
    [RecordingFault.None]: "no cycle was recorded: nothing is known of what lives",
    [RecordingFault.Foreign]: "no recording",
    [RecordingFault.Version]: "a recording of another version",
    [RecordingFault.Cut]: "a recording that is cut off inside its header",
    [RecordingFault.Broken]: "a recording that is damaged",
};

export interface ExchangeOptions {
    scenario: () => Scenario;
    take: (scenario: Scenario, recorded: Record<string, number> | null) => void;
    /** Something was taken, or dropped and refused: the message may be shown elsewhere. */
    arrived: () => void;
}

export class Exchange {
    readonly element: HTMLElement;
    private readonly out: HTMLTextAreaElement;
    private readonly given: HTMLTextAreaElement;
    /** What came in last, or why it did not. */
    readonly message: HTMLElement;
    private readonly messageHome = make("div");

    constructor(
        private readonly means: Means,
        private readonly options: ExchangeOptions,
    ) {
        this.out = make("textarea", { id: "export", readonly: true, rows: 12, spellcheck: "false" });
        this.given = make("textarea", {
            id: "import",
            rows: 12,
            spellcheck: "false",
            placeholder: "gc 1 @0.012s 2%: 0.02+1.3+0.01 ms clock, …\n\nor a scenario: [[phase]] …",
        });
        this.message = make("p", { class: "message", role: "alert" });
        const button = (text: string, act: () => void) =>
            make("button", { type: "button", click: act }, text);
        this.element = make(
            "div",
            { class: "exchange" },
            make(
                "div",
                {},
                make("h3", {}, make("label", { for: "import" }, "In: a trace or a scenario")),
                make(
                    "p",
                    { class: "help" },
                    "Paste it, or drop a file anywhere on the page: the output of a program that ran with ",
                    make("code", {}, "GODEBUG=gctrace=1"),
                    " (Go's or Gait's), the file of ",
                    make("code", {}, "GAIT_DEBUG=pacerlog=FILE"),
                    ", or a scenario. Nothing leaves this page.",
                ),
                this.given,
                make(
                    "div",
                    { class: "buttons" },
                    button("Take it", () => this.read(this.given.value, "what was pasted")),
                    this.fileButton(),
                ),
                this.messageHome,
            ),
            make(
                "div",
                {},
                make("h3", {}, make("label", { for: "export" }, "Out: the scenario")),
                make(
                    "p",
                    { class: "help" },
                    "For ",
                    make("code", {}, "gait-sim run scenario.toml"),
                    ": the same figures, to the last digit.",
                ),
                this.out,
                make(
                    "div",
                    { class: "buttons" },
                    button("Save file", () => this.save()),
                    button("Copy", () => this.copy(this.out.value, "The scenario is copied.")),
                    button("Copy link", () => this.copy(address(), "The link is copied.")),
                ),
            ),
        );
        this.messageHome.append(this.message);
        this.takeDrops();
    }

    draw(): void {
        this.out.value = writeToml(this.options.scenario(), this.means.engine.keys);
    }

    // ---- In ---------------------------------------------------------------

    private fileButton(): HTMLElement {
        const input = make("input", {
            type: "file",
            class: "unseen",
            id: "import-file",
            change: () => void this.readFile(input.files?.[0]),
        });
        return make("label", { class: "button", for: "import-file" }, "Choose a file…", input);
    }

    private takeDrops(): void {
        addEventListener("dragover", (event) => {
            event.preventDefault();
            document.body.classList.add("dropping");
        });
        addEventListener("dragleave", () => document.body.classList.remove("dropping"));
        addEventListener("drop", (event) => {
            event.preventDefault();
            document.body.classList.remove("dropping");
            void this.readFile(event.dataTransfer?.files[0], true);
        });
    }

    /** @param dropped  anywhere on the page: the person may see nothing of the workbench */
    private async readFile(file: File | undefined, dropped = false): Promise<void> {
        if (!file) return;
        try {
            if (file.size > MOST_BYTES) throw new Refusal("larger than 64 MiB");
            const bytes = await file.arrayBuffer().catch(() => {
                throw new Refusal("can't be read: is it a folder?");
            });
            this.read(new Uint8Array(bytes), file.name, dropped);
        } catch (error) {
            this.refuse(error, file.name, dropped);
        }
    }

    private read(given: string | Uint8Array, name: string, dropped = false): void {
        try {
            if (typeof given !== "string" && this.readRecording(given, name))
                return this.options.arrived();
            const text = typeof given === "string" ? given : new TextDecoder().decode(given);
            if (/^\s*\[\[\s*phase\s*\]\]/m.test(text)) this.readScenario(text, name);
            else this.readTrace(given, name);
            this.options.arrived();
        } catch (error) {
            this.refuse(error, name, dropped);
        }
    }

    /** Say why, where the person looks. */
    private refuse(error: unknown, name: string, dropped: boolean): void {
        if (!(error instanceof Refusal)) throw error;
        this.messageHome.append(this.message);
        this.tell(`${name}: ${error.message}`, true);
        if (dropped) this.options.arrived();
    }

    private readScenario(text: string, name: string): void {
        const { keys, models } = this.means.engine;
        const scenario = readToml(text, keys, models);
        this.options.take(scenario, null);
        this.tell(`${name}: a scenario of ${scenario.phases.length} phases.`, false);
    }

    /** A log in whatever encoding it has: the engine finds its lines. */
    private readTrace(log: string | Uint8Array, name: string): void {
        const fitted = this.means.engine.fit(log);
        if (Array.isArray(fitted)) {
            const none = "neither a scenario, nor a recording, nor a trace with a cycle in it";
            throw new Refusal(fitted.join("; ") || none);
        }
        this.takeFitted(fitted, `fitted to ${name.slice(0, 60)}`, name);
    }

    /** @return false: it is none. */
    private readRecording(bytes: Uint8Array, name: string): boolean {
        const fitted = this.means.engine.fitRecording(bytes);
        if (typeof fitted === "object") {
            this.takeFitted(fitted, `recorded in ${name.slice(0, 60)}`, name);
            return true;
        }
        if (fitted === RecordingFault.Foreign) return false;
        throw new Refusal(FAULTS[fitted]);
    }

    private takeFitted(fitted: Fitted, title: string, name: string): void {
        const { scenario, cycles, recorded, notes } = fitted;
        scenario[""].title = title;
        this.options.take(scenario, recorded);
        this.tell(`${name}: ${cycles} cycles, told by ${scenario.phases.length} phases.`, false, notes);
    }

    /** @param notes  lines below it */
    private tell(text: string, isProblem: boolean, notes: string[] = []): void {
        this.message.replaceChildren(text, ...notes.map((note) => make("span", { class: "note" }, note)));
        this.message.classList.toggle("problem", isProblem);
    }

    // ---- Out --------------------------------------------------------------

    private save(): void {
        const url = URL.createObjectURL(new Blob([this.out.value], { type: "application/toml" }));
        make("a", { href: url, download: "scenario.toml" }).click();
        URL.revokeObjectURL(url);
    }

    private copy(text: string, done: string): void {
        this.messageHome.append(this.message);
        const failed = () => this.tell("The browser allows no copying here: select the text.", true);
        navigator.clipboard?.writeText(text).then(() => this.tell(done, false), failed) ?? failed();
    }
}
