// spillway show: one sample, by its id or the file that it came from, as text, waves or a picture; a picture also as a
// PNG file.

import fs from "node:fs";
import { type Command, Option } from "commander";
import { classFields, findByPath, readCatalogRow } from "../catalog/catalog-reader.js";
import type { CatalogRow } from "../catalog/catalog-writer.js";
import { storedColumns } from "../catalog/columns.js";
import { readRows } from "../catalog/rows.js";
import type { Dataset } from "../dataset/dataset.js";
import { open } from "../dataset/open.js";
import { SpillwayError } from "../errors.js";
import type { ColumnValue } from "../format/columns.js";
import { hexDigits } from "../kernels/hasher.js";
import { ioError } from "../store/file.js";
import { describeField, originalField } from "../tensor/field.js";
import { addCommand, type CommonOptions, inFolder, sourceFolder } from "./command.js";
import { formatCount, formatNumber, print, printJson, say } from "./output.js";
import { type Colours, drawPicture, toPixels } from "./picture.js";
import { encodePng } from "./png.js";
import { choosePortrayal, portrayals, type WavePortrayal } from "./portrayal.js";
import { computeStatistics, readSample, type SampleField } from "./sample.js";
import { describeVariant, makeVariants, readWishes, type Variant, type VariantFlags } from "./variants.js";
import { drawWaveform, type Series } from "./waveform.js";

interface ShowFlags extends CommonOptions, VariantFlags {
  field?: string;
  as?: (typeof portrayals)[number];
  out?: string;
  values?: boolean;
  source?: string;
  in?: string;
}

/** Channels that are drawn; the others are counted. */
const maxLanes = 16;
const fewValues = 24;

export function addShow(program: Command): void {
  addCommand(program, {
    usage: "show <dataset> <sample>",
    summary: "Show one sample: what the catalog knows of it, and its values as waves, a picture, or numbers.",
    args: {
      dataset: "folder of a packed dataset; it is only read",
      sample: "its id from 0 on, or the file that it came from, with :ROW where that holds many",
    },
    examples: [
      ["spillway show gestures 0", ""],
      [
        "spillway show gestures wave/0017.npy --field accel",
        "the sample that came from this file, one field of it",
      ],
      ["spillway show fashion train-images-idx3-ubyte.gz:7 --out boot.png", "a picture into a file"],
      [
        "spillway show gestures 0 --augment jitter:sigma=0.03,shift:steps=16",
        "it, and what three epochs make of it",
      ],
    ],
  })
    .option("--field <name>", "only this field (default: all)")
    .addOption(new Option("--as <form>", "how to show it (default: judged by the shape)").choices(portrayals))
    .option("--out <file>", "write the picture to this PNG file instead of drawing it")
    .option("--values", "with --json: all values, not only figures about them")
    .option(
      "--augment <transforms>",
      "also draw variants: name:option=value:..., parted by commas (ranges LOW..HIGH), or a list as JSON; see docs/augmentation.md",
    )
    .option("--variants <n>", "how many variants: what so many epochs give (default: 3)")
    .option("--seed <n>", "seed of the variants (default: 0)")
    .option(...sourceFolder)
    .option(...inFolder)
    .action(runShow);
}

async function runShow(path: string, wanted: string, flags: ShowFlags): Promise<void> {
  const dataset = await open(path, { memory: "16 MiB" });
  const { size } = dataset;
  let row: CatalogRow;
  let columns: Record<string, ColumnValue>;
  try {
    if (flags.field !== undefined && !(flags.field in dataset.fields)) {
      throw new SpillwayError("missing", `${path} has no field "${flags.field}"`, {
        remedy: `Use one of ${Object.keys(dataset.fields).join(", ")}.`,
        where: { dataset: dataset.path, field: flags.field },
      });
    }
    row = await findSample(dataset, wanted);
    columns = await readColumns(dataset, row.id, flags.in);
  } finally {
    await dataset.close();
  }
  const read = async (id: number) =>
    (await readSample(path, id, flags.source)).filter(
      ({ name }) => flags.field === undefined || name === flags.field,
    );
  const fields = await read(row.id);
  const partner = (row.id + 1) % size;
  const variants = await variantsOf(flags, row.id, fields, { id: partner, read: () => read(partner) });
  const labels = Object.fromEntries(classFields(dataset.manifest).map((name, k) => [name, row.labels[k]!]));
  const out = flags.out === undefined ? undefined : writePicture(fields, flags.as, flags.out);
  if (flags.json) {
    const { id, path: from, row: fileRow, hash } = row;
    printJson({
      id,
      path: from,
      ...(fileRow === undefined ? {} : { row: fileRow }),
      hash: hexDigits(hash),
      labels,
      ...(Object.keys(columns).length > 0 && { columns }),
      fields: Object.fromEntries(
        fields.map((field) => [field.name, fieldJson(field, flags.values === true)]),
      ),
      ...(variants && { variants: variants.map((variant) => variantJson(variant, flags, partner)) }),
      ...(out && { out: flags.out, outField: out }),
    });
    return;
  }
  print(describeRow(row, labels));
  for (const [name, value] of Object.entries(columns)) print(`${name}: ${value ?? "(missing)"}`);
  for (const field of fields) print(["", ...portray(field, flags, out === field.name)].join("\n"));
  for (const variant of variants ?? []) {
    print(`\n${describeVariant(variant, partner)}`);
    for (const field of variant.fields) print(portray(field, flags, false).join("\n"));
  }
  if (out !== undefined) say(`Wrote field "${out}" to ${flags.out}.`);
}

/** The variants that are asked for. */
async function variantsOf(
  flags: ShowFlags,
  id: number,
  fields: readonly SampleField[],
  partner: { id: number; read: () => Promise<readonly SampleField[]> },
): Promise<Variant[] | undefined> {
  const wishes = readWishes(flags, fields);
  if (!wishes) return undefined;
  if (flags.out !== undefined) {
    throw new SpillwayError("usage", "--out writes the sample as it is, and --augment draws variants of it", {
      remedy: "Leave one of them out.",
    });
  }
  return makeVariants(wishes, id, fields, partner);
}

function variantJson({ epoch, weight, fields }: Variant, flags: ShowFlags, partner: number): unknown {
  return {
    epoch,
    ...(weight !== undefined && { ownLabelWeight: weight, mixedWith: partner }),
    fields: Object.fromEntries(fields.map((field) => [field.name, fieldJson(field, flags.values === true)])),
  };
}

/** The user's columns of a sample, packed and added ones. */
async function readColumns(
  { path, manifest }: Dataset,
  id: number,
  side: string | undefined,
): Promise<Record<string, ColumnValue>> {
  const place = { folder: path, manifest, ...(side !== undefined && { side }) };
  try {
    const names = storedColumns(place).flatMap(({ name, source }) =>
      source === "user" || source === "added" ? [name] : [],
    );
    if (names.length === 0) return {};
    const [row] = await readRows(place, [id]);
    return Object.fromEntries(names.map((name) => [name, row![name]!]));
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    say(`warning: ${error.message}`);
    return {};
  }
}

/** The catalog's row of what the user named: an id, or a path with perhaps a row. */
async function findSample({ path, manifest, size }: Dataset, wanted: string): Promise<CatalogRow> {
  const place = { folder: path, manifest };
  if (/^\d{1,15}$/.test(wanted)) return readCatalogRow(place, Number(wanted));
  const [, withoutRow, row] = /^(.*):(\d{1,15})$/.exec(wanted) ?? [undefined, wanted, undefined];
  // A name may itself end in ":7", so the whole is tried where the part is not found.
  const first = await findByPath(place, withoutRow!, row === undefined ? 0 : Number(row));
  const found = first.id === undefined && row !== undefined ? await findByPath(place, wanted) : first;
  if (found.id !== undefined) return readCatalogRow(place, found.id);
  const example =
    found.example === undefined ? "" : `, or a path as the catalog has it, such as ${found.example}`;
  throw new SpillwayError("missing", `${path} has no sample from "${wanted}"`, {
    remedy: `Give an id from 0 to ${size - 1}${example}.`,
    where: { dataset: path, path: wanted },
  });
}

function describeRow({ id, path, row, hash }: CatalogRow, labels: Readonly<Record<string, string>>): string {
  const from = path === "" ? [] : [row === undefined ? path : `${path}, row ${row}`];
  const names = Object.entries(labels).map(([name, label]) => `${name} "${label}"`);
  return [`sample ${id}`, ...names, ...from, `hash ${hexDigits(hash)}`].join(" · ");
}

function fieldJson({ field, count, at }: SampleField, withValues: boolean): unknown {
  if (field.kind === "class")
    return { ...field, classes: undefined, value: at(0), name: field.classes[at(0)] };
  if (field.shape.length === 0) return { ...field, value: at(0) };
  const values = withValues ? { values: Array.from({ length: count }, (_, index) => at(index)) } : {};
  return { ...field, ...computeStatistics(count, at), ...values };
}

/** Lines for one field. */
function portray(sample: SampleField, flags: ShowFlags, isWritten: boolean): string[] {
  const { name, field, count, at } = sample;
  if (field.kind === "class") return [`${name}: ${field.classes[at(0)] ?? "no name"} (class ${at(0)})`];
  if (count === 1) return [`${name}: ${formatNumber(at(0))} (${describeField(field)})`];
  const { min, max, mean, std, nonFinite } = computeStatistics(count, at);
  const figures = Object.entries({ min, max, mean, std }).map(
    ([word, value]) => `${word} ${formatNumber(value)}`,
  );
  if (nonFinite > 0) figures.push(`${formatCount(nonFinite)} not finite`);
  const lines = [`${name}: ${describeField(field)} · ${figures.join(" · ")}`];
  if (isWritten) return lines;
  const portrayal = choosePortrayal(name, field, flags.as);
  const width = process.stdout.columns ?? 80;
  if (portrayal.kind === "wave") return [...lines, ...portrayWave(sample, portrayal, width)];
  if (portrayal.kind === "numbers") return [...lines, `  ${listValues(count, at)}`];
  const { pixels, scale } = toPixels(portrayal, originalField(field).dtype, at);
  if (scale) lines.push(`  (black is ${formatNumber(scale[0])}, white ${formatNumber(scale[1])})`);
  return [
    ...lines,
    ...drawPicture(pixels, width, Math.max(16, (process.stdout.rows ?? 40) - 6), terminalColours()),
  ];
}

function portrayWave({ at }: SampleField, wave: WavePortrayal, width: number): string[] {
  const { steps, channels, stepStride, channelStride } = wave;
  const lanes = Array.from(
    { length: Math.min(channels, maxLanes) },
    (_, channel): Series => ({
      name: channels === 1 ? "" : `ch ${channel}`,
      count: steps,
      at: (step) => at(step * stepStride + channel * channelStride),
    }),
  );
  const laneRows = channels <= 2 ? 6 : channels <= 4 ? 4 : channels <= 8 ? 3 : 2;
  const lines = drawWaveform(lanes, width, laneRows);
  if (channels > maxLanes) lines.push(`  (the first ${maxLanes} of ${channels} channels)`);
  return lines;
}

function listValues(count: number, at: (index: number) => number): string {
  const shown = Array.from({ length: Math.min(count, fewValues) }, (_, index) => formatNumber(at(index)));
  return `${shown.join(" ")}${count > fewValues ? ` ... ${formatCount(count - fewValues)} more` : ""}`;
}

function terminalColours(): Colours {
  if (!process.stdout.isTTY || process.env.NO_COLOR) return "none";
  const depth = process.stdout.getColorDepth();
  return depth >= 24 ? "true" : depth >= 8 ? "256" : "none";
}

/** Writes the one field that is a picture, and gives its name. */
function writePicture(fields: readonly SampleField[], as: ShowFlags["as"], file: string): string {
  if (!/\.png$/i.test(file)) {
    throw new SpillwayError("usage", `${file} is no name for a PNG file`, {
      remedy: "Let it end in .png: that is the one kind that is written.",
    });
  }
  for (const { name, field, at } of fields) {
    const portrayal =
      field.kind === "class" ? undefined : choosePortrayal(name, field, fields.length === 1 ? "image" : as);
    if (portrayal?.kind !== "image") continue;
    try {
      fs.writeFileSync(file, encodePng(toPixels(portrayal, originalField(field).dtype, at).pixels));
    } catch (cause) {
      throw ioError(cause, file, "cannot be written");
    }
    return name;
  }
  throw new SpillwayError(
    "usage",
    `no field of the sample looks like a picture: ${fields.map(({ name, field }) => `${name} is ${describeField(field)}`).join(", ")}`,
    {
      remedy: "Name the field and say so: --field NAME --as image.",
    },
  );
}
