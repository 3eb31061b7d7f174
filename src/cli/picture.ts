// Pictures: values of a tensor as 8-bit pixels, and pixels drawn in a terminal with half blocks, one character for two
// pixels, or with letters where there is no colour.

import type { DType } from "../tensor/dtype.js";
import type { ImagePortrayal } from "./portrayal.js";
import { computeStatistics } from "./sample.js";

/** 8-bit pixels, row by row. */
export interface Pixels {
  width: number;
  height: number;
  channels: 1 | 3;
  data: Uint8Array;
}

/** How many colours the terminal shows. */
export type Colours = "none" | "256" | "true";

/** Values as pixels; `scale` says how they were stretched, and is undefined where they were not. */
export function toPixels(
  image: ImagePortrayal,
  dtype: DType,
  at: (index: number) => number,
): { pixels: Pixels; scale: readonly [number, number] | undefined } {
  const { width, height, channels, pixelStride, channelStride } = image;
  const count = width * height * channels;
  const scale = scaleOf(dtype, count, at);
  const [low, high] = scale ?? [0, 255];
  const factor = high > low ? 255 / (high - low) : 0;
  const data = new Uint8Array(count);
  for (let pixel = 0, to = 0; pixel < width * height; pixel += 1) {
    for (let channel = 0; channel < channels; channel += 1, to += 1) {
      const value = at(pixel * pixelStride + channel * channelStride);
      data[to] = Math.max(0, Math.min(255, Math.round((value - low) * factor)));
    }
  }
  return { pixels: { width, height, channels, data }, scale };
}

/** The values that become black and white. */
function scaleOf(
  dtype: DType,
  count: number,
  at: (index: number) => number,
): readonly [number, number] | undefined {
  if (dtype === "uint8") return undefined;
  if (dtype === "bool") return [0, 1];
  const { min, max } = computeStatistics(count, at);
  if (!(max >= min)) return [0, 1];
  const isUnit = dtype.startsWith("float") && min >= 0 && max <= 1;
  return isUnit ? [0, 1] : [min, max];
}

/** Dark to bright. */
const letters = " .:-=+*#%@";

/** Lines of at most `columns` characters and about `rows` lines. */
export function drawPicture(pixels: Pixels, columns: number, rows: number, colours: Colours): string[] {
  const { width, height } = pixels;
  const factor = Math.max(1, width / columns, height / (2 * rows));
  const small = shrink(
    pixels,
    Math.max(1, Math.floor(width / factor)),
    Math.max(1, Math.floor(height / factor)),
  );
  const lines: string[] = [];
  for (let y = 0; y < small.height; y += 2) {
    let line = "";
    for (let x = 0; x < small.width; x += 1) {
      const upper = colourAt(small, x, y);
      const lower = y + 1 < small.height ? colourAt(small, x, y + 1) : undefined;
      if (colours === "none")
        line += letterOf(lower ? (brightness(upper) + brightness(lower)) / 2 : brightness(upper));
      else
        line += `\x1b[${colourCode(38, upper, colours)}${lower ? `;${colourCode(48, lower, colours)}` : ";49"}m▀`;
    }
    lines.push(colours === "none" ? line.trimEnd() : `${line}\x1b[0m`);
  }
  return lines;
}

type Colour = readonly [red: number, green: number, blue: number];

function colourAt({ width, channels, data }: Pixels, x: number, y: number): Colour {
  const at = (y * width + x) * channels;
  return channels === 1 ? [data[at]!, data[at]!, data[at]!] : [data[at]!, data[at + 1]!, data[at + 2]!];
}

/** Luminance after ITU-R BT.601. */
function brightness([red, green, blue]: Colour): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

function letterOf(value: number): string {
  return letters[Math.min(letters.length - 1, Math.floor((value / 256) * letters.length))]!;
}

/** Part of an escape sequence: 38 sets the colour of the character, 48 that behind it. */
function colourCode(target: 38 | 48, [red, green, blue]: Colour, colours: "256" | "true"): string {
  if (colours === "true") return `${target};2;${red};${green};${blue}`;
  if (red === green && green === blue) {
    // 24 greys from 8 to 238 in steps of 10; black and white are in the cube.
    if (red < 4) return `${target};5;16`;
    if (red > 246) return `${target};5;231`;
    return `${target};5;${232 + Math.max(0, Math.min(23, Math.round((red - 8) / 10)))}`;
  }
  const level = (value: number) =>
    value < 48 ? 0 : value < 115 ? 1 : Math.min(5, Math.floor((value - 35) / 40));
  return `${target};5;${16 + 36 * level(red) + 6 * level(green) + level(blue)}`;
}

/** A smaller picture: each pixel the mean of those that it stands for. */
function shrink(pixels: Pixels, width: number, height: number): Pixels {
  if (width === pixels.width && height === pixels.height) return pixels;
  const { channels } = pixels;
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y += 1) {
    const [top, bottom] = [
      Math.floor((y * pixels.height) / height),
      Math.ceil(((y + 1) * pixels.height) / height),
    ];
    for (let x = 0; x < width; x += 1) {
      const [left, right] = [
        Math.floor((x * pixels.width) / width),
        Math.ceil(((x + 1) * pixels.width) / width),
      ];
      for (let channel = 0; channel < channels; channel += 1) {
        let sum = 0;
        for (let row = top; row < bottom; row += 1) {
          for (let column = left; column < right; column += 1)
            sum += pixels.data[(row * pixels.width + column) * channels + channel]!;
        }
        data[(y * width + x) * channels + channel] = Math.round(sum / ((bottom - top) * (right - left)));
      }
    }
  }
  return { width, height, channels, data };
}
