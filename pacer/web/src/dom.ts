// SPDX-License-Identifier: MIT
// Making elements, and saying things to screen readers.

type Child = Node | string;
type Attributes = Record<string, string | number | boolean | ((event: never) => void)>;

function fill(element: Element, attributes: Attributes, children: Child[]): void {
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === "function") element.addEventListener(name, value as EventListener);
        else if (value === true) element.setAttribute(name, "");
        else if (value !== false) element.setAttribute(name, String(value));
    }
    element.append(...children);
}

/** An element; a function among the attributes listens to the event of that name. */
export function make<Name extends keyof HTMLElementTagNameMap>(
    name: Name,
    attributes: Attributes = {},
    ...children: Child[]
): HTMLElementTagNameMap[Name] {
    const element = document.createElement(name);
    fill(element, attributes, children);
    return element;
}

export function makeSvg<Name extends keyof SVGElementTagNameMap>(
    name: Name,
    attributes: Attributes = {},
    ...children: Child[]
): SVGElementTagNameMap[Name] {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    fill(element, attributes, children);
    return element;
}

/** Text with `code` between backticks and *emphasis* between stars. */
export function prose(text: string): Child[] {
    return text.split(/(`[^`]+`|\*[^*]+\*)/).map((piece) => {
        if (piece.startsWith("`")) return make("code", {}, piece.slice(1, -1));
        if (piece.startsWith("*")) return make("em", {}, piece.slice(1, -1));
        return piece;
    });
}

let unique = 0;
export function newId(prefix: string): string {
    return `${prefix}-${++unique}`;
}

/** Said once things have been quiet for this long: a dragged slider is not read out at each step. */
const QUIET_MS = 600;
const live = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
let timer = 0;

/** Where what is said stands in the page. */
export function liveRegion(): HTMLElement {
    return live;
}

export function say(text: string): void {
    clearTimeout(timer);
    timer = window.setTimeout(() => (live.textContent = text), QUIET_MS);
}
