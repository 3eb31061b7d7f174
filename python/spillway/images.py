"""Encoded images of a dataset: the bytes of JPEG and PNG files, which differ in number.

They lie one after another in a shard; a column of int32 offsets says where each starts and ends. Rule: no offset is
believed before it was held against the bytes of its column, and a short read is an error, never zeros.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Optional

import numpy as np

from . import checked
from .content import Manifest, Shard
from .errors import SpillwayError
from .files import OpenFile, OpenFiles
from .permutation import Placement

#: Offsets of all shards are kept in memory if they take no more than this: 16 million images.
MAX_KEPT_BYTES = 2**26


class EncodedImages:
    """Reads encoded images by row of the layout; usable from many threads, after a fork, and when unpickled elsewhere."""

    def __init__(self, folder: str, manifest: Manifest, files: OpenFiles) -> None:
        self._folder = folder
        self._manifest = manifest
        self._files = files
        self._placement = Placement(manifest.placed)
        self._first_rows = np.cumsum([0, *(shard.rows for shard in manifest.shards)], dtype=np.int64)
        self._is_kept = 4 * int(self._first_rows[-1]) <= MAX_KEPT_BYTES
        self._offsets: Dict[Any, np.ndarray] = {}

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        """The images of a field: an object array [B] of `bytes`.

        Raises
        ------
        SpillwayError
            `corrupt` for a shard that ends early, or offsets that are none; `missing` or `io` for one that cannot be
            opened or read
        """
        images = np.empty(len(rows), object)
        shards = np.searchsorted(self._first_rows, rows, side="right") - 1
        for shard_index in np.unique(shards).tolist():
            shard = self._manifest.shards[shard_index]
            places = np.flatnonzero(shards == shard_index)
            inside = rows[places] - self._first_rows[shard_index]
            file = self._files.acquire(os.path.join(self._folder, shard.path))
            try:
                ends = self.ends(name, shard_index, file, inside)
                start = shard.encoded[name].start
                # Many reads under way at once: all are asked for before the first is waited for.
                for first, end in ends.tolist():
                    file.ask_for(start + first, end - first)
                for place, row, (first, end) in zip(places.tolist(), inside.tolist(), ends.tolist()):
                    target = bytearray(end - first)
                    self._read_exactly(file, memoryview(target), start + first, shard, name, shard_index, row)
                    images[place] = bytes(target)
            finally:
                self._files.release(file)
        return images

    def ends(self, name: str, shard_index: int, file: OpenFile, rows: np.ndarray) -> np.ndarray:
        """Where images of a shard start and end in their column: int64 [B, 2], by rows of the shard."""
        shard = self._manifest.shards[shard_index]
        column = shard.encoded[name]
        if self._is_kept:
            offsets = self._offsets.get((name, shard_index))
            if offsets is None:
                offsets = np.empty(shard.rows + 1, "<i4")
                target = memoryview(offsets.view(np.uint8))
                self._read_exactly(file, target, column.offsets, shard, name, shard_index, 0)
                self._offsets[name, shard_index] = offsets
            ends = np.stack([offsets[rows], offsets[rows + 1]], 1).astype(np.int64)
        else:
            pairs = np.empty((len(rows), 2), "<i4")
            for pair, row in zip(pairs, rows.tolist()):
                target = memoryview(pair.view(np.uint8))
                self._read_exactly(file, target, column.offsets + 4 * row, shard, name, shard_index, row)
            ends = pairs.astype(np.int64)
        lengths = ends[:, 1] - ends[:, 0]
        wrong = (ends[:, 0] < 0) | (lengths < 1) | (lengths > column.longest) | (ends[:, 1] > column.byte_length)
        if wrong.any():
            row = int(rows[int(np.flatnonzero(wrong)[0])])
            raise self._damaged(file, shard, name, shard_index, row, "does not lie where its column says")
        return ends

    def close(self) -> None:
        """Forgets kept offsets; they come back when they are needed."""
        self._offsets = {}

    def __getstate__(self) -> Dict[str, Any]:
        return {**vars(self), "_offsets": {}}

    def _read_exactly(
        self, file: OpenFile, target: memoryview, start_byte: int, shard: Shard, name: str, shard_index: int, row: int
    ) -> None:
        try:
            got = file.read_into(target, start_byte)
        except OSError as cause:
            raise checked.unreadable(file.path, cause) from cause
        if got != len(target):
            raise self._damaged(file, shard, name, shard_index, row, "is not whole")

    def _damaged(
        self, file: OpenFile, shard: Shard, name: str, shard_index: int, row: int, why: str
    ) -> SpillwayError:
        at = self._first_rows[shard_index : shard_index + 1] + row
        sample = int(self._placement.ids_of(at)[0])
        return SpillwayError(
            f'shard {file.path} is damaged: "{name}" of sample {sample} {why}',
            "corrupt",
            "Restore the shard from a copy, or pack again.",
            {"dataset": self._folder, "shard": shard.path, "field": name, "sample": sample},
        )


def decoded_images(images: np.ndarray, decode: "Optional[Any]") -> np.ndarray:
    """What a dataset hands out of encoded images [B]: their bytes, or what `decode` makes of each, stacked."""
    if decode is None:
        return images
    return np.stack([np.asarray(decode(image)) for image in images]) if len(images) else images
