"""Checks every byte of a dataset's samples, sums and splits against the sums that were stored with them.

Order of trust: the manifest names each .sums file's sum; the .sums file holds the sums of runs of records, of an index
also those of the records in their files.
Rule: bounded memory, whatever the size of a record or shard: hundreds of runs are read side by side, piece by piece.
"""

from __future__ import annotations

import os
from typing import Callable, List, Optional, Tuple

import numpy as np

from . import checked
from .content import Manifest, Shard
from .errors import SpillwayError
from .files import OpenFile, OpenFiles
from .images import EncodedImages
from .indexed import IndexedFiles
from .permutation import Placement
from .splits import Scheme, bits_path, cut_bits, read_bits_file
from .xxh64 import ManyHashes, xxh64

#: Records smaller than this share a sum.
_SUM_BYTES = 4096
#: Runs hashed at once, and the bytes of them held at once.
_RUNS_AT_ONCE = 1024
_PIECE_BYTES = 2**24


def verify_shards(folder: str, manifest: Manifest, root: Optional[str] = None) -> None:
    """Checks all shards and their sums; raises `corrupt`, naming shard, field and samples, at the first difference.

    Parameters
    ----------
    root
        where the files of an index are now, if not where they were
    """
    first_row = 0
    files = OpenFiles()
    placement = Placement(manifest.placed)
    indexed = None if manifest.files is None else IndexedFiles(folder, manifest, root, files)
    try:
        for shard in manifest.shards:
            sums = _read_sums(folder, manifest, shard)
            file = files.acquire(os.path.join(folder, shard.path))
            try:
                _verify_columns(folder, manifest, shard, file, sums, placement, first_row)
            finally:
                files.release(file)
            if indexed is not None:
                _verify_files(manifest, shard, indexed, sums, first_row)
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


def _sum_places(manifest: Manifest, shard: Shard) -> List[Tuple[str, int, int]]:
    """Of each field in order: its name, the records that share a sum, and how many sums it has in the shard."""
    places = []
    for name, field in manifest.fields.items():
        is_in_files = manifest.files is not None and name == manifest.files.field
        length = 1 if is_in_files or field.kind == "image" else run_length(field.stride)
        places.append((name, length, -(-shard.rows // length)))
    return places


def _read_sums(folder: str, manifest: Manifest, shard: Shard) -> np.ndarray:
    path = os.path.join(folder, shard.sums_path)
    expected = 8 * sum(count for _, _, count in _sum_places(manifest, shard))
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
    folder: str,
    manifest: Manifest,
    shard: Shard,
    file: OpenFile,
    sums: np.ndarray,
    placement: Placement,
    first_row: int,
) -> None:
    sum_index = 0
    for name, length, sum_count in _sum_places(manifest, shard):
        field = manifest.fields[name]
        if manifest.files is not None and name == manifest.files.field:
            sum_index += sum_count
            continue
        if field.kind == "image":
            _verify_images(folder, manifest, shard, sums[sum_index : sum_index + sum_count], name, placement, first_row)
            sum_index += sum_count
            continue
        full_count, rest_rows = divmod(shard.rows, length)
        groups = [
            (first, min(_RUNS_AT_ONCE, full_count - first), length) for first in range(0, full_count, _RUNS_AT_ONCE)
        ]
        if rest_rows:
            groups.append((full_count, 1, rest_rows))
        for first, count, rows in groups:
            start_byte = shard.starts[name] + first * length * field.stride
            found = _hash_runs(_reads_of(file, start_byte, count, rows * field.stride), count, rows * field.stride)
            wrong = np.flatnonzero(found != sums[sum_index + first : sum_index + first + count])
            if len(wrong):
                run = first + int(wrong[0])
                samples = placement.ids_of(first_row + run * length + np.arange(rows))
                raise _corrupt(folder, shard, name, samples, int(found[wrong[0]]), int(sums[sum_index + run]))
        sum_index += sum_count


def _corrupt(
    folder: str, shard: Shard, name: str, samples: np.ndarray, found: int, expected: int
) -> SpillwayError:
    return SpillwayError(
        f"shard {os.path.join(folder, shard.path)} is corrupt: checksum {found:016x}, expected {expected:016x} "
        f'("{name}" of {_samples(samples)})',
        "corrupt",
        "Restore the shard from a copy, or pack again.",
        {"dataset": folder, "shard": shard.path, "field": name, "sample": int(samples[0])},
    )


def _verify_images(
    folder: str,
    manifest: Manifest,
    shard: Shard,
    sums: np.ndarray,
    name: str,
    placement: Placement,
    first_row: int,
) -> None:
    """Reads all encoded images of a shard, some at a time."""
    files = OpenFiles()
    images = EncodedImages(folder, manifest, files)
    at_once = max(1, min(_RUNS_AT_ONCE, _PIECE_BYTES // shard.encoded[name].longest))
    try:
        for first in range(0, shard.rows, at_once):
            rows = first_row + np.arange(first, min(first + at_once, shard.rows))
            for row, image in zip(rows.tolist(), images.read(name, rows)):
                found, expected = xxh64(image), int(sums[row - first_row])
                if found != expected:
                    raise _corrupt(folder, shard, name, placement.ids_of(np.array([row])), found, expected)
    finally:
        files.close()


def _verify_files(
    manifest: Manifest, shard: Shard, indexed: IndexedFiles, sums: np.ndarray, first_row: int
) -> None:
    """Reads all records of an index from their files."""
    assert manifest.files is not None
    name = manifest.files.field
    stride = manifest.fields[name].stride
    places = _sum_places(manifest, shard)
    first_sum = sum(count for _, _, count in places[: [field for field, _, _ in places].index(name)])
    at_once = max(1, min(_RUNS_AT_ONCE, _PIECE_BYTES // stride))
    for first in range(0, shard.rows, at_once):
        rows = first_row + np.arange(first, min(first + at_once, shard.rows))

        def read(start: int, piece_bytes: int, rows: np.ndarray = rows) -> np.ndarray:
            pieces = np.empty((len(rows), piece_bytes), np.uint8)
            indexed.read_into(rows, rows, pieces, start)
            return pieces

        found = _hash_runs(read, len(rows), stride)
        wrong = np.flatnonzero(found != sums[first_sum + first : first_sum + first + len(rows)])
        if len(wrong):
            row = int(rows[wrong[0]])
            raise indexed.other_content(row, row)


#: Gives bytes of some runs from a byte of each on: (start, bytes) to uint8 [runs, bytes].
_ReadPieces = Callable[[int, int], np.ndarray]


def _reads_of(file: OpenFile, start_byte: int, count: int, run_bytes: int) -> _ReadPieces:
    """Reads of `count` runs that follow each other in a file."""

    def read(start: int, piece_bytes: int) -> np.ndarray:
        pieces = np.empty((count, piece_bytes), np.uint8)
        if piece_bytes == run_bytes:
            _read_exactly(file, pieces.reshape(-1), start_byte)
            return pieces
        for index in range(count):
            _read_exactly(file, pieces[index], start_byte + index * run_bytes + start)
        return pieces

    return read


def _hash_runs(read: _ReadPieces, count: int, run_bytes: int) -> np.ndarray:
    """Sums of `count` runs of `run_bytes` each, uint64 [count]."""
    hashes = ManyHashes(count)
    whole = run_bytes // 32 * 32
    piece_bytes = max(32, min(whole, _PIECE_BYTES // count // 32 * 32))
    if piece_bytes >= whole:
        content = read(0, run_bytes)
        hashes.update(content[:, :whole])
        return hashes.finish(content[:, whole:])
    for piece_start in range(0, whole, piece_bytes):
        hashes.update(read(piece_start, min(piece_bytes, whole - piece_start)))
    return hashes.finish(read(whole, run_bytes - whole))


def _read_exactly(file: OpenFile, target: np.ndarray, start_byte: int) -> None:
    try:
        got = file.read_into(target.data, start_byte)
    except OSError as cause:
        raise checked.unreadable(file.path, cause) from cause
    if got != len(target):
        raise checked.damaged(file.path, f"it ends at byte {os.fstat(file.descriptor).st_size}")


def _samples(ids: np.ndarray) -> str:
    """Samples that share a sum in words: their ids follow one another, unless they were laid out anew."""
    first, last = int(ids[0]), int(ids[-1])
    if len(ids) == 1:
        return f"sample {first}"
    if last - first == len(ids) - 1:
        return f"samples {first} to {last}"
    return f"sample {first} and {len(ids) - 1} that lie behind it"
