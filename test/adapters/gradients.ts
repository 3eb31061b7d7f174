// Gradients of an operation on a backend of TensorFlow.js, to compare one backend with another or with differences.

import assert from "node:assert/strict";
import type { Tensor } from "@tensorflow/tfjs";
import { useWasm } from "spillway/tfjs";

export const tf = await useWasm();

/** An operation of some tensors. */
export type Operation = (...inputs: Tensor[]) => Tensor;

/** A tensor's numbers and shape. */
export interface Numbers {
  shape: number[];
  data: Float32Array;
}

/** Numbers between -1 and 1 that look random, the same ones for a seed. */
export function noise(shape: number[], seed: number): Numbers {
  const data = Float32Array.from(
    { length: shape.reduce((product, length) => product * length, 1) },
    (_, k) => {
      const mixed = Math.imul((k + 1) ^ Math.imul(seed + 1, 0x9e3779b1), 0x85ebca6b);
      return (Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 8) / 2 ** 23 - 1;
    },
  );
  return { shape, data };
}

/** Runs `work` with another backend, and goes back to "wasm". */
export async function onBackend<Result>(
  name: "cpu" | "wasm",
  work: () => Result | Promise<Result>,
): Promise<Result> {
  assert.ok(await tf.setBackend(name));
  try {
    return await work();
  } finally {
    assert.ok(await tf.setBackend("wasm"));
  }
}

/** What comes out of an operation, then its gradients by each input, for a gradient of noise at its output. */
export function gradientsOn(
  name: "cpu" | "wasm",
  operation: Operation,
  inputs: Numbers[],
): Promise<Numbers[]> {
  return onBackend(name, () => {
    const found = tf.tidy(() => {
      const tensors = inputs.map(({ data, shape }) => tf.tensor(data.slice(), shape, "float32"));
      const out = operation(...tensors);
      const weights = noise(out.shape, 99);
      const dy = tf.tensor(weights.data, weights.shape, "float32");
      const gradients = tf.grads((...given: Tensor[]) => operation(...given))(tensors, dy);
      return [out, ...gradients];
    });
    const numbers = found.map((tensor) => ({ shape: tensor.shape, data: tensor.dataSync() as Float32Array }));
    tf.dispose(found);
    return numbers;
  });
}

/** Numbers are the same but for rounding: within a share of the largest. */
export function assertClose(found: Numbers, expected: Numbers, what: string, share = 2e-5): void {
  assert.deepEqual(found.shape, expected.shape, what);
  const largest = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  for (const [at, value] of expected.data.entries()) {
    const difference = Math.abs(found.data[at]! - value);
    assert.ok(difference <= share * largest, `${what}, number ${at}: ${found.data[at]}, expected ${value}`);
  }
}

/** An operation gives the same on "wasm" as on "cpu", and so do its gradients. */
export async function assertSameAsCpu(operation: Operation, inputs: Numbers[]): Promise<void> {
  const expected = await gradientsOn("cpu", operation, inputs);
  const found = await gradientsOn("wasm", operation, inputs);
  for (const [at, numbers] of expected.entries())
    assertClose(found[at]!, numbers, at === 0 ? "output" : `gradient by input ${at}`);
}

/** Gradients of an operation that is linear in each input are its differences, whatever the step. */
export async function assertIsDifference(operation: Operation, inputs: Numbers[]): Promise<void> {
  const [, ...gradients] = await gradientsOn("wasm", operation, inputs);
  const weighted = (given: Numbers[]) =>
    tf.tidy(() => {
      const out = operation(...given.map(({ data, shape }) => tf.tensor(data, shape, "float32")));
      const weights = noise(out.shape, 99).data;
      return (out.dataSync() as Float32Array).reduce((sum, value, at) => sum + value * weights[at]!, 0);
    });
  for (const [which, input] of inputs.entries()) {
    const differences = Float32Array.from(input.data, (value, at) => {
      const sums = [value + 0.5, value - 0.5].map((moved) => {
        const data = input.data.with(at, moved);
        return weighted(inputs.map((other, k) => (k === which ? { ...input, data } : other)));
      });
      return sums[0]! - sums[1]!;
    });
    assertClose(
      gradients[which]!,
      { shape: input.shape, data: differences },
      `gradient by input ${which + 1}`,
    );
  }
}
