"""Checks every byte of a dataset's samples, sums and splits against the sums that were stored with them.

Order of trust: the manifest names each .sums file's sum; the .sums file holds the sums of runs of records.
Rule: bounded memory, whatever the size of a record or shard: hundreds of runs are read side by side, piece by piece.
"""

from __future__ import annotations

import os

import numpy as np

from . import checked
from .errors import SpillwayError
from .files import OpenFile, OpenFiles
from .manifest import Manifest, Shard
from .splits import Scheme, bits_path, cut_bits, read_bits_file
from .xxh64 import ManyHashes, xxh64

#: Records smaller than this share a sum.
_SUM_BYTES = 4096
#: Runs hashed at once, and the bytes of them held at once.
_RUNS_AT_ONCE = 1024
_PIECE_BYTES = 2**24


def verify_shards(folder: str, manifest: Manifest) -> None:
    """Checks all shards and their sums; raises `corrupt`, naming shard, field and samples, at the first difference."""
    first_row = 0
    files = OpenFiles()
    try:
        for shard in manifest.shards:
            sums = _read_sums(folder, manifest, shard)
            file = files.acquire(os.path.join(folder, shard.path))
            try:
                _verify_columns(folder, manifest, shard, file, sums, first_row)
            finally:
                files.release(file)
            first_row += shard.rows
    finally:
        files.close()


def verify_scheme(scheme: Scheme) -> None:
    """Checks the bits of every split and fold of a scheme, at each of its commits; raises `corrupt` at the first
    difference."""
    for split in [*scheme.splits.values(), *scheme.folds]:
        content = read_bits_file(scheme, split)
        earlier = [(commit.rows, digits) for commit, (_, digits) in zip(scheme.history, split.history)]
        for rows, expected in [(scheme.rows, split.hash), *earlier]:
            found = f"{xxh64(cut_bits(content, rows) if rows < scheme.rows else content):016x}"
            if found != expected:
                at = "" if rows == scheme.rows else f" of its first {rows} rows"
                raise checked.damaged(bits_path(scheme, split), f"checksum {found}{at}, expected {expected}")


def run_length(stride: int) -> int:
    """Records that share a sum, for records of `stride` bytes."""
    return max(1, _SUM_BYTES // stride)


def _read_sums(folder: str, manifest: Manifest, shard: Shard) -> np.ndarray:
    path = os.path.join(folder, shard.sums_path)
    expected = 8 * sum(-(-shard.rows // run_length(field.stride)) for field in manifest.fields.values())
    try:
        content = checked.read_bytes(path, max(expected, shard.sums_byte_length))
    except (FileNotFoundError, NotADirectoryError) as cause:
        remedy = "Restore it from a copy, or pack again."
        raise SpillwayError(f"{path} is not there", "missing", remedy, {"path": path}) from cause
    if len(content) != expected or len(content) != shard.sums_byte_length:
        raise checked.damaged(path, f"it has {len(content)} bytes, expected {expected}")
    found = f"{xxh64(content):016x}"
    if found != shard.sums_hash:
        raise checked.damaged(path, f"checksum {found}, expected {shard.sums_hash}")
    return np.frombuffer(content, "<u8")


def _verify_columns(
    folder: str, manifest: Manifest, shard: Shard, file: OpenFile, sums: np.ndarray, first_row: int
) -> None:
    sum_index = 0
    for name, field in manifest.fields.items():
        length = run_length(field.stride)
        full_count, rest_rows = divmod(shard.rows, length)
        groups = [
            (first, min(_RUNS_AT_ONCE, full_count - first), length) for first in range(0, full_count, _RUNS_AT_ONCE)
        ]
        if rest_rows:
            groups.append((full_count, 1, rest_rows))
        for first, count, rows in groups:
            start_byte = shard.starts[name] + first * length * field.stride
            found = _hash_runs(file, start_byte, count, rows * field.stride)
            wrong = np.flatnonzero(found != sums[sum_index + first : sum_index + first + count])
            if len(wrong):
                run = first + int(wrong[0])
                sample = first_row + run * length
                expected = int(sums[sum_index + run])
                raise SpillwayError(
                    f"shard {file.path} is corrupt: checksum {int(found[wrong[0]]):016x}, expected {expected:016x} "
                    f'("{name}" of {_samples(sample, rows)})',
                    "corrupt",
                    "Restore the shard from a copy, or pack again.",
                    {"dataset": folder, "shard": shard.path, "field": name, "sample": sample},
                )
        sum_index += full_count + (1 if rest_rows else 0)


def _hash_runs(file: OpenFile, start_byte: int, count: int, run_bytes: int) -> np.ndarray:
    """Sums of `count` runs of `run_bytes` each that follow each other in a file, uint64 [count]."""
    hashes = ManyHashes(count)
    whole = run_bytes // 32 * 32
    piece_bytes = max(32, min(whole, _PIECE_BYTES // count // 32 * 32))
    if piece_bytes >= whole:
        content = np.empty((count, run_bytes), np.uint8)
        _read_exactly(file, content.reshape(-1), start_byte)
        hashes.update(content[:, :whole])
        return hashes.finish(content[:, whole:])
    for piece_start in range(0, whole, piece_bytes):
        hashes.update(
            _read_pieces(file, start_byte + piece_start, count, run_bytes, min(piece_bytes, whole - piece_start))
        )
    return hashes.finish(_read_pieces(file, start_byte + whole, count, run_bytes, run_bytes - whole))


def _read_pieces(file: OpenFile, start_byte: int, count: int, run_bytes: int, piece_bytes: int) -> np.ndarray:
    pieces = np.empty((count, piece_bytes), np.uint8)
    for index in range(count):
        _read_exactly(file, pieces[index], start_byte + index * run_bytes)
    return pieces


def _read_exactly(file: OpenFile, target: np.ndarray, start_byte: int) -> None:
    try:
        got = file.read_into(target.data, start_byte)
    except OSError as cause:
        raise checked.unreadable(file.path, cause) from cause
    if got != len(target):
        raise checked.damaged(file.path, f"it ends at byte {os.fstat(file.descriptor).st_size}")


def _samples(first: int, count: int) -> str:
    return f"sample {first}" if count == 1 else f"samples {first} to {first + count - 1}"
