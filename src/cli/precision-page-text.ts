// Text of the page: HTML in which every value is escaped, and numbers as people read them. Rule: text becomes HTML through
// `html` alone, which leaves nothing but what it made itself as it is.

/** A piece of HTML that is safe as it is. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly Part[];

/** HTML from a template: what is put in is escaped, unless it is HTML already; lists are joined. */
export function html(pieces: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(pieces.reduce((text, piece, k) => `${text}${textOf(parts[k - 1]!)}${piece}`));
}

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  return typeof part === "object" ? part.map(textOf).join("") : escapeHtml(String(part));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => entities[letter]!);
}

/** JSON that can stand in a script element: nothing in it ends one. */
export function jsonForScript(value: unknown): Html {
  return new Html(JSON.stringify(value).replace(/[<>\u2028\u2029]/g, (letter) => unicodeEscape(letter)));
}

function unicodeEscape(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A number with so many digits: "0.001235", "101,325", "1.2 × 10⁻⁹"; "none" where there is none. */
export function formatFigure(value: number | null, digits = 4): string {
  if (value === null || Number.isNaN(value)) return "none";
  if (Math.abs(value) === Number.POSITIVE_INFINITY) return value > 0 ? "∞" : "−∞";
  const isShortWhole = Number.isInteger(value) && Math.abs(value) < 1e9;
  const rounded = isShortWhole ? value : Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return withPower(rounded, digits);
  return rounded.toLocaleString("en-US", { maximumFractionDigits: 12 }).replace("-", "−");
}

function withPower(value: number, digits: number): string {
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  const raised = Array.from(String(Number(power)), (sign) =>
    sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(sign)]!,
  ).join("");
  return `${String(Number(mantissa)).replace("-", "−")} × 10${raised}`;
}

/** "96.3 dB"; "no loss" for null; "not known" where squares are beyond what numbers can be. */
export function formatDecibels(value: number | null): string {
  if (Number.isNaN(value)) return "not known";
  return value === null ? "no loss" : `${value.toFixed(1).replace("-", "−")} dB`;
}

/** "1 value" or "12,345 values". */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
