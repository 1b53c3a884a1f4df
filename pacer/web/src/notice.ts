// SPDX-License-Identifier: MIT
// One line at the top of the page about an address that it could not take whole: a link that was
// cut, mistyped, or made by another version.
import { make } from "./dom";
import { unknownStates } from "./state";

const SHOWN_TEXT = 160;
const problems = new Map<string, string>();
const text = make("span", {});
const bar = make(
    "p",
    { class: "notice", role: "alert", hidden: true },
    text,
    make("button", { type: "button", click: () => (bar.hidden = true) }, "Close"),
);

export function noticeBar(): HTMLElement {
    return bar;
}

/** A part of the address is wrong. @param why  null: it is not, any more */
export function refuseState(name: string, why: string | null): void {
    if (why === null) problems.delete(name);
    else problems.set(name, why);
}

/** All have read the address: say what was wrong. */
export function drawNotice(): void {
    const target = location.hash.slice(1);
    const all = [...problems.values()];
    all.push(...unknownStates().map((name) => `${name}: no setting of this page`));
    if (target && !target.includes("=") && !document.getElementById(target))
        all.push(`${target}: no part of this page`);
    bar.hidden = all.length === 0;
    if (bar.hidden) return;
    const first = all[0].length > SHOWN_TEXT ? `${all[0].slice(0, SHOWN_TEXT)}…` : all[0];
    const more = all.length > 1 ? `, and ${all.length - 1} more` : "";
    text.textContent = `This link can't be followed in all. ${first}${more}. What is wrong is as the page comes.`;
}
