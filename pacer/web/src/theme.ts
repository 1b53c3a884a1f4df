// SPDX-License-Identifier: MIT
// Light, dark, or as the system has it. The colours are style.css's; charts ask for them by name.
import { make } from "./dom";

const CHOICES = ["auto", "light", "dark"] as const;
const STORED = "gait-theme";

const listeners: (() => void)[] = [];
/** Colours asked for so far, of the present theme: the browser takes long to tell one. */
const colours = new Map<string, string>();
const dark = matchMedia("(prefers-color-scheme: dark)");

function stored(): string {
    try {
        return localStorage.getItem(STORED) ?? "auto";
    } catch {
        return "auto"; // a browser that keeps nothing for files
    }
}

function apply(choice: string): void {
    const isDark = choice === "dark" || (choice === "auto" && dark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    colours.clear();
    listeners.forEach((listener) => listener());
}

/** The value of a colour of style.css. */
export function colour(name: string): string {
    let value = colours.get(name);
    if (value === undefined) {
        value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
        colours.set(name, value);
    }
    return value;
}

export function onTheme(listener: () => void): void {
    listeners.push(listener);
}

/** The switch; takes effect at once. */
export function themeSwitch(): HTMLElement {
    let choice = CHOICES.find((name) => name === stored()) ?? "auto";
    const select = make("select", {
        id: "theme",
        change: () => {
            choice = CHOICES[select.selectedIndex];
            try {
                localStorage.setItem(STORED, choice);
            } catch {
                // then it holds until the page is left
            }
            apply(choice);
        },
    });
    for (const name of CHOICES) select.append(make("option", { selected: name === choice }, name));
    dark.addEventListener("change", () => apply(choice));
    apply(choice);
    return make("label", { class: "theme" }, "Colours ", select);
}
