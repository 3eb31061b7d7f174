// One sample on its way from a source to the packer: the bytes of each field, ready to be stored, and where they came
// from. Sources fill it, `pack/` writes it; nobody keeps it longer than one step, so its arrays may be reused.

/** One sample: `bytes[k]` belongs to the k-th field and has exactly its stride, or holds a frame of its encoded image. */
export interface Sample {
  /** Little-endian, C-ordered bytes by field, in the order of the source's fields. */
  bytes: readonly Uint8Array[];
  /** The file it came from, relative to the source's root; empty where there is none. */
  path: string;
  /** Row within that file, from 0, where the file holds many. */
  row?: number;
}
