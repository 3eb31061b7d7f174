// What commands print: data on stdout, talk on stderr, and numbers as people read them. A pipe that closes early is no
// error: the program ends quietly.

import { SpillwayError } from "../errors.js";

/** Prints lines of data. */
export function print(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Prints the one JSON value of a command. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part), 2));
}

/** Tells the user something that is no data. */
export function say(text: string): void {
  process.stderr.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Ends the program without a word when the reader of its output has gone; without anyone to talk to, work goes on. */
export function tolerateClosedPipes(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

/** "12,345" of 12345. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** "80.0 %" of 4 in 5. */
export function formatShare(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(1)} %`;
}

/** "1:02:03" or "0:42" of seconds. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = String(Math.floor(whole / 60) % 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${minutes.padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** "12.3 s" or "0.42 s" below a minute, else as a clock. */
export function formatSeconds(seconds: number): string {
  return seconds >= 60 ? formatClock(seconds) : `${Number(seconds.toPrecision(3))} s`;
}

/** "190 MB/s". */
export function formatRate(bytesPerSecond: number): string {
  const rate = bytesPerSecond / 1e6;
  return `${rate >= 10 ? rate.toFixed(0) : rate.toPrecision(2)} MB/s`;
}

/** A value with four digits: "0.001235", "1.2e-9", "12340". */
export function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** A text in lines of at most so many columns, broken between words. */
export function wrap(text: string, columns: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    if (last !== "" && last.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

/** Rows of cells as lines: the first column to the left, the others as `align` says. */
export function formatTable(
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[],
  indent = "  ",
): string[] {
  const widths = align.map((_, k) => Math.max(0, ...rows.map((row) => (row[k] ?? "").length)));
  return rows.map((row) =>
    `${indent}${row.map((cell, k) => (align[k] === "right" ? cell.padStart(widths[k]!) : cell.padEnd(widths[k]!))).join("  ")}`.trimEnd(),
  );
}

/**
 * A whole number given on the command line.
 *
 * @throws SpillwayError `usage` if it is none, or out of range
 */
export function parseWhole(flag: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new SpillwayError("usage", `${flag} "${text}" is not a whole number from ${least} to ${most}`, {
      remedy: `Write it like ${flag} ${Math.max(least, Math.min(most, 7))}.`,
    });
  };
}
