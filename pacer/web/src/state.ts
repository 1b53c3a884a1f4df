// SPDX-License-Identifier: MIT
// The page's state in its address: what differs from the page as it comes, after the #.
//
//     #limit.memory_limit=40MiB&limit.gogc=off&lab=...
//
// A chapter's controls are chapter.control=value; `lab` is a whole scenario: its TOML, deflated, in
// base64 for addresses.
import { deflateSync, inflateSync, strFromU8, strToU8 } from "fflate";

/** Addresses change once things have been quiet for this long: browsers limit how often. */
const QUIET_MS = 300;
/** A scenario of more text than this is no one's; and an address is not a file. */
const MOST_TEXT = 4 << 20;

/** A value, or how to get it: what is costly is done when the address is written. */
type Lazy = string | null | (() => string | null);

const values = new Map<string, Lazy>();
const listeners: (() => void)[] = [];
/** Names that somebody has asked for: an address may have no others. */
const known = new Set<string>();
let timer = 0;
let written = "";

function read(): void {
    values.clear();
    if (!location.hash.includes("=")) return; // a link to a part of the page
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) values.set(name, value);
}

function write(): void {
    const parameters = [...values.keys()].flatMap((name) => {
        const value = getState(name);
        return value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`];
    });
    written = parameters.length > 0 ? `#${parameters.join("&")}` : "";
    try {
        history.replaceState(null, "", written || location.pathname + location.search);
    } catch {
        location.replace(written || "#"); // some browsers let no script rewrite a file's address
    }
}

/** Read the address now, and tell when somebody changes it; `onLink` where that leads to a part of
 * the page. */
export function startState(onLink: () => void): void {
    read();
    addEventListener("hashchange", () => {
        if (location.hash === written) return;
        if (location.hash && !location.hash.includes("=")) return onLink(); // to a chapter
        read();
        listeners.forEach((listener) => listener());
    });
}

export function onState(listener: () => void): void {
    listeners.push(listener);
}

export function getState(name: string): string | undefined {
    known.add(name);
    const value = values.get(name);
    return (typeof value === "function" ? value() : value) ?? undefined;
}

/** Names in the address that mean nothing here. */
export function unknownStates(): string[] {
    return [...values.keys()].filter((name) => !known.has(name));
}

/** @param value  null: as the page comes */
export function setState(name: string, value: Lazy): void {
    values.set(name, value);
    clearTimeout(timer);
    timer = window.setTimeout(write, QUIET_MS);
}

/** The address with all of the state in it, at once. */
export function address(): string {
    clearTimeout(timer);
    write();
    return location.href;
}

export function pack(text: string): string {
    const bytes = deflateSync(strToU8(text), { level: 9 });
    let binary = "";
    for (const byte of bytes) binary += String.fromCharCode(byte);
    return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @return null for what is no packed text */
export function unpack(packed: string): string | null {
    try {
        const binary = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
        const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
        return strFromU8(inflateSync(bytes, { out: new Uint8Array(MOST_TEXT) }));
    } catch {
        return null;
    }
}
