// SPDX-License-Identifier: MIT
// Puts the page together.
import { Chapter, type ChapterText } from "./chapter";
import { BEYOND, GUIDE } from "./chapters";
import { liveRegion, make } from "./dom";
import wasm from "../../../build/web/engine.wasm";
import { Engine } from "./engine";
import { Lab } from "./lab";
import { drawNotice, noticeBar } from "./notice";
import { Runner } from "./runner";
import { onState, startState } from "./state";
import { themeSwitch } from "./theme";

function part(id: string, title: string, lead: string, ...chapters: HTMLElement[]): HTMLElement {
    return make(
        "section",
        { class: "part", "aria-labelledby": id },
        make("h2", { id }, title),
        make("p", { class: "lead" }, lead),
        ...chapters,
    );
}

function contents(): HTMLElement {
    const link = ({ id, title }: ChapterText, i: number) =>
        make("li", { value: i }, make("a", { href: `#${id}` }, title));
    return make(
        "nav",
        { class: "contents", "aria-label": "Contents" },
        make("h2", { class: "small" }, "The guide's five charts"),
        make("ol", {}, ...GUIDE.map((text, i) => link(text, i + 1))),
        make("h2", { class: "small" }, "What they leave out"),
        make("ol", {}, ...BEYOND.map((text, i) => link(text, i + 1 + GUIDE.length))),
        make("p", {}, make("a", { class: "to-lab", href: "#lab" }, "Workbench: your program")),
    );
}

function header(): HTMLElement {
    return make(
        "header",
        { class: "top" },
        make("h1", {}, "What GOGC and GOMEMLIMIT do"),
        make(
            "p",
            { class: "lead" },
            "A garbage collector trades memory for CPU time; two settings say how. Here you see what they do, " +
                "before you set them. Every chart is a run of ",
            make("em", {}, "Gait"),
            "'s own pacer, the code that ships, under a simulated program.",
        ),
        themeSwitch(),
    );
}

function footer(): HTMLElement {
    return make(
        "footer",
        {},
        make(
            "p",
            {},
            "The first five programs are those of Go's GC guide (go.dev/doc/gc-guide), told and drawn anew; the " +
                "spike of the third lasts longer. " +
                "Figures are the same, to the last digit, as those of the command ",
            make("code", {}, "gait-sim"),
            ". The model's assumptions and limits: docs/simulator.md. Charts: uPlot (MIT); TOML: smol-toml " +
                "(BSD-3-Clause); addresses: fflate (MIT).",
        ),
    );
}

async function start(): Promise<void> {
    startState(drawNotice);
    const engine = await Engine.create(wasm);
    const means = { engine, runner: new Runner(wasm) };
    const lab = new Lab(means);
    const chapter = (text: ChapterText, number: number) =>
        new Chapter(means, text, number, (scenario) => lab.open(scenario)).element;
    const main = make(
        "main",
        { id: "main" },
        part(
            "guide",
            "The guide's five charts",
            "The program stands still while a cycle runs: not what happens, but the simplest model in which all " +
                "that matters can be seen.",
            ...GUIDE.map((text, i) => chapter(text, i + 1)),
        ),
        part(
            "beyond",
            "What they leave out",
            "Roots, concurrency, assists, the limiter, memory that is returned or lies beside the heap, and another " +
                "rule than GOGC's.",
            ...BEYOND.map((text, i) => chapter(text, i + 1 + GUIDE.length)),
        ),
        lab.element,
    );
    document.body.prepend(
        make("a", { class: "skip", href: "#main" }, "Skip to the charts"),
        noticeBar(),
        header(),
        make("div", { class: "columns" }, contents(), main),
        footer(),
        liveRegion(),
    );
    drawNotice();
    onState(drawNotice); // the last to listen: all others have read the address by then
    const target = location.hash.slice(1);
    if (target && !target.includes("=")) document.getElementById(target)?.scrollIntoView();
}

void start();
