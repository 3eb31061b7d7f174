// Claim: converting and decoding stored numbers to float32 keeps up with memory: where the bytes that come out do not fit
// into the caches, it takes at most 1.5 times as long as copying them, and decoding in float64 at most twice. One thread,
// against a plain copy of as many bytes (TypedArray.set, which is memmove) in the same round. Within the second-level
// cache a copy moves 16 bytes or more a cycle, which only plain integers keep up with; that is shown too.
//
//   node scripts/task.mjs bench decoding [--rounds 15] [--small-kib 512] [--large-mib 128]
//
// Checksums are of the float32 that come out, so that a change of the kernels shows.

import { hashHex } from "#spillway/kernels/hasher";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import { conversionOf, planDecodings, writeDecodings } from "#spillway/load/conversion";
import { type Deliver, type LoopPlan, planLoop } from "#spillway/load/plan";
import type { ColumnTable } from "#spillway/load/table";
import { bytesOf, type DType, elementBytes } from "#spillway/tensor/dtype";
import type { ChannelCode } from "#spillway/tensor/encoding";
import { fieldStride, type TensorField } from "#spillway/tensor/field";
import { median, numberFlag, peakBytes, writeResult } from "./report.js";

const rounds = numberFlag("rounds", 15);
const sizes = { L2: numberFlag("small-kib", 512) * 2 ** 10, beyond: numberFlag("large-mib", 128) * 2 ** 20 };
/** Milliseconds that one measurement takes at least. */
const leastMs = 8;

interface Case {
  name: string;
  dtype: DType;
  /** Times of a copy that it may take. */
  target?: number;
  codes?: readonly ChannelCode[];
  /** Where channels lie: each element another, or long runs. */
  layout?: "last" | "first";
  deliver?: Deliver;
  /** Of float16: the bits are those of subnormal numbers. */
  isSubnormal?: boolean;
}

const recorder: ChannelCode = { kind: "scaled", scale: 10 / 4095, offset: -5 };
const eight = Array.from({ length: 8 }, (_, k) => ({ ...recorder, offset: k }));
const pixels: ChannelCode = { kind: "divided", divisor: 255 };
const cases: Case[] = [
  { name: "float16 to float32", dtype: "float16", target: 1.5 },
  { name: "float16, all subnormal", dtype: "float16", target: 1.5, isSubnormal: true },
  { name: "int16 to float32", dtype: "int16", target: 1.5 },
  { name: "uint8 to float32", dtype: "uint8", target: 1.5 },
  { name: "int16, scale and offset", dtype: "int16", target: 2, codes: [recorder] },
  { name: "int16, 8 channels last", dtype: "int16", target: 2, codes: eight, layout: "last" },
  { name: "int16, 8 channels first", dtype: "int16", target: 2, codes: eight, layout: "first" },
  { name: "uint8, scale and offset", dtype: "uint8", codes: [recorder] },
  { name: "uint8 / 255", dtype: "uint8", codes: [pixels] },
  { name: "int16 / 255", dtype: "int16", codes: [pixels] },
  { name: "float16, scale and offset", dtype: "float16", codes: [recorder] },
  { name: "float32 to float16", dtype: "float32", deliver: "float16" },
  { name: "int16, scale, offset, to float16", dtype: "int16", codes: [recorder], deliver: "float16" },
];

/** A field of one long sample: `elements` numbers. */
function fieldOf({ dtype, codes, layout }: Case, elements: number): TensorField {
  const count = codes?.length ?? 1;
  const shape =
    layout === "last"
      ? [elements / count, count]
      : layout === "first"
        ? [count, elements / count]
        : [elements];
  const axis = layout === "last" ? 1 : 0;
  const encoding = codes && {
    original: "float64" as const,
    claim: "lossless" as const,
    axis,
    channels: codes,
  };
  return { kind: "tensor", dtype, shape, ...(encoding && { encoding }) };
}

/** The plan of a loop of one field, only to get at what a reader would do. */
function planFor(field: TensorField, deliver: Deliver): { plan: LoopPlan; columns: ColumnTable[] } {
  const column = { name: "data", field, stride: fieldStride(field), rowsPerSum: 1, isInFiles: false };
  const columns = [column as unknown as ColumnTable];
  const decodings = planDecodings(columns, deliver);
  const isResident = [false];
  const plan = planLoop({ columns, decodings, isResident, batchSize: 1, deliver, readers: 1, ringBytes: 0 });
  return { plan, columns };
}

function prepare(one: Case, outBytes: number) {
  const deliver = one.deliver ?? "float32";
  const elements = outBytes / (deliver === "float16" ? 2 : 4);
  const field = fieldOf(one, elements);
  const { plan, columns } = planFor(field, deliver);
  const code = { at: 64, byteLength: 65_536 };
  const block = code.at + code.byteLength;
  const from = 2 ** 20;
  const to = from + Math.ceil((elements * elementBytes(one.dtype)) / 4096) * 4096 + 4096;
  const memory = sharedMemory(to + outBytes + 4096);
  const stored = new Uint16Array(memory.buffer, from, (elements * elementBytes(one.dtype)) / 2);
  for (let k = 0; k < stored.length; k += 1) {
    const bits = Math.imul(k, 0x9e3779b1) >>> 16;
    stored[k] = one.isSubnormal ? bits & 0x83ff : one.dtype === "float16" ? bits & 0xbbff : bits;
  }
  if (one.dtype === "float32") {
    const floats = new Float32Array(memory.buffer, from, elements);
    for (let k = 0; k < elements; k += 1) floats[k] = ((k * 7919) % 20_000) / 7 - 1000;
  }
  const planned = { ...plan, fields: plan.fields.map((each) => ({ ...each, code: each.code && code.at })) };
  writeDecodings(planned, planDecodings(columns, deliver), { memory, address: 0 });
  const convert = conversionOf(bindKernels(kernelModule(), memory), planned.fields[0]!, 0, block)!;
  const out = new Uint8Array(memory.buffer, to, outBytes);
  return { run: () => convert(from, to, elements), checksum: () => hashHex(bytesOf(out)) };
}

/** Bytes per second of some work that gives `outBytes`, repeated until it takes long enough. */
function rateOf(run: () => void, outBytes: number): number {
  const start = performance.now();
  let times = 0;
  let passed = 0;
  do {
    run();
    times += 1;
    passed = performance.now() - start;
  } while (passed < leastMs);
  return (times * outBytes) / (passed / 1000);
}

const results = [];
for (const [place, outBytes] of Object.entries(sizes)) {
  console.log(
    `\n${outBytes / 2 ** 10} KiB that come out${place === "L2" ? ", in the second-level cache" : ""}`,
  );
  const [source, target] = [new Uint8Array(outBytes).fill(7), new Uint8Array(outBytes)];
  for (const one of cases) {
    const { run, checksum } = prepare(one, outBytes);
    const copy = () => target.set(source);
    for (let k = 0; k < 3; k += 1) for (const warm of [run, copy]) rateOf(warm, outBytes);
    const raw = { copy: [] as number[], kernel: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      const inTurn: [number[], () => void][] = [
        [raw.copy, copy],
        [raw.kernel, run],
      ];
      if (round % 2 === 1) inTurn.reverse();
      for (const [rates, work] of inTurn) rates.push(rateOf(work, outBytes));
    }
    const timesOfCopy = median(raw.copy.map((rate, round) => rate / raw.kernel[round]!));
    const goal =
      one.target === undefined ? "" : ` (target ${one.target}${timesOfCopy <= one.target ? "" : ", missed"})`;
    const gigabytes = (rates: number[]) => (median(rates) / 1e9).toFixed(1).padStart(5);
    console.log(
      `  ${one.name.padEnd(34)} ${gigabytes(raw.kernel)} GB/s   copy ${gigabytes(raw.copy)} GB/s   ` +
        `${timesOfCopy.toFixed(2)} x a copy${goal}   ${checksum()}`,
    );
    results.push({ ...one, place, outBytes, timesOfCopy, raw, checksum: checksum() });
  }
}
writeResult("decoding", { results, peakBytes: peakBytes() });
