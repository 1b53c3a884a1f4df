// SPDX-License-Identifier: MIT
// Bytes, seconds and shares, for people and for files.

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

const UNITS: [string, number][] = [
    ["TiB", 1024 * GIB],
    ["GiB", GIB],
    ["MiB", MIB],
    ["KiB", KIB],
];
const BYTES_TEXT = /^(\d+\.?\d*(?:e\d+)?) *(TiB|GiB|MiB|KiB|B)?$/i;

/** Bytes as a file has them: the largest unit of which they are a whole multiple; 12345 if none. */
export function writeBytes(bytes: number): string | number {
    for (const [name, factor] of UNITS)
        if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${name}`;
    return bytes;
}

/** "64MiB" in bytes; NaN for what is not a whole number of bytes. */
export function parseBytes(text: string): number {
    const match = BYTES_TEXT.exec(text.trim());
    if (!match) return NaN;
    const unit = UNITS.find(([name]) => name.toLowerCase() === match[2]?.toLowerCase());
    const bytes = Number(match[1]) * (unit ? unit[1] : 1);
    return Number.isSafeInteger(bytes) ? bytes : NaN;
}

/** To so many significant digits, without an exponent where it can be. */
function digits(value: number, count: number): string {
    if (value === 0) return "0";
    const whole = Math.floor(Math.log10(Math.abs(value))) + 1;
    return value.toFixed(Math.min(Math.max(count - whole, 0), 12));
}

export function showBytes(bytes: number, count = 3): string {
    if (bytes < 1) return "0 MiB";
    const [name, factor] = UNITS.find(([, size]) => bytes >= size) ?? ["B", 1];
    return `${digits(bytes / factor, count)} ${name}`;
}

/** Round figures for an axis. */
export function showBytesShort(bytes: number): string {
    if (bytes === 0) return "0";
    const [name, factor] = UNITS.find(([, size]) => bytes >= size) ?? ["B", 1];
    return `${Number(digits(bytes / factor, 4))} ${name}`;
}

export function showSeconds(seconds: number): string {
    if (seconds === 0) return "0 s";
    if (seconds < 0.001) return `${digits(seconds * 1e6, 3)} µs`;
    if (seconds < 1) return `${digits(seconds * 1e3, 3)} ms`;
    return `${digits(seconds, seconds < 100 ? 3 : 4)} s`;
}

/** Round figures for an axis. */
export function showSecondsShort(seconds: number): string {
    if (seconds < 0.00099) return `${Number((seconds * 1e6).toPrecision(3))} µs`;
    if (seconds < 0.99) return `${Number((seconds * 1e3).toPrecision(3))} ms`;
    return `${Number(seconds.toPrecision(4))} s`;
}

export function showShare(share: number): string {
    return `${digits(share * 100, share < 0.1 ? 2 : 3)} %`;
}

/** A quotient, such as 1.25. */
export function showTimes(quotient: number): string {
    return digits(quotient, 3);
}

export function showCpus(cpus: number): string {
    return cpus === 0 ? "0" : digits(cpus, 2);
}

const counts = new Intl.NumberFormat("en"); // made once: toLocaleString makes one each time

export function showCount(count: number): string {
    return counts.format(count);
}
