"""Samples to arrays: where they lie, which reads a batch takes (`plan_reads`, pure), and doing them.

A sample is one positioned read per field. Fields of few bytes, labels above all, are read once and kept, so that a
sample is one read, not two. A disk is fast only with many reads under way, so those of a batch are all asked for before
the first is waited for. Rule: a short read is an error that names shard and sample, never zeros.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from . import checked
from .content import Manifest, Shard
from .errors import SpillwayError
from .files import OpenFile, OpenFiles
from .images import EncodedImages
from .indexed import IndexedFiles
from .permutation import Placement

#: A column of records up to this size is kept in memory, if the whole of it takes no more than MAX_KEPT_BYTES.
MAX_KEPT_RECORD_BYTES = 16
MAX_KEPT_BYTES = 2**26
#: Bytes that the system is asked to fetch before we wait for the first: many reads at once, in little memory.
_BYTES_AHEAD = 2**24


def plan_reads(first_rows: np.ndarray, wanted: np.ndarray) -> List[Tuple[int, int, int, int]]:
    """The reads that give the records of some rows: few files at a time, neighbours together.

    Parameters
    ----------
    first_rows
        int64 [shards + 1], ascending: the first row of each shard, then the number of rows
    wanted
        int64 [B], each a row of the layout

    Returns
    -------
    list of (shard, row in the shard, place in the batch, count)
        shard by shard; records that follow each other in the file and in the batch are one read
    """
    if len(wanted) == 1:  # All that follows costs some 40 microseconds, ten times the read itself.
        shard = int(first_rows.searchsorted(wanted[0], side="right")) - 1
        return [(shard, int(wanted[0] - first_rows[shard]), 0, 1)]
    order = np.argsort(wanted, kind="stable")
    rows = wanted[order]
    shards = np.searchsorted(first_rows, rows, side="right") - 1
    is_new = np.ones(len(wanted) + 1, bool)
    is_new[1:-1] = (rows[1:] - rows[:-1] != 1) | (order[1:] - order[:-1] != 1) | (shards[1:] != shards[:-1])
    bounds = np.flatnonzero(is_new)
    starts, counts = bounds[:-1], bounds[1:] - bounds[:-1]
    shards = shards[starts]
    return list(
        zip(shards.tolist(), (rows[starts] - first_rows[shards]).tolist(), order[starts].tolist(), counts.tolist())
    )


class RowReader:
    """Reads records of a dataset by id; usable from many threads, after a fork, and when unpickled elsewhere.

    Parameters
    ----------
    root
        where the files of an index are now, if not where they were
    """

    def __init__(self, folder: str, manifest: Manifest, root: Optional[str] = None) -> None:
        self._folder = folder
        self._manifest = manifest
        self._files = OpenFiles()
        self._placement = Placement(manifest.placed)
        self._indexed = None if manifest.files is None else IndexedFiles(folder, manifest, root, self._files)
        self._first_rows = np.cumsum([0, *(shard.rows for shard in manifest.shards)], dtype=np.int64)
        self._images = EncodedImages(folder, manifest, self._files)
        self._kept: Dict[str, np.ndarray] = {}

    def read(self, names: Sequence[str], ids: np.ndarray) -> Dict[str, np.ndarray]:
        """Records of the given fields.

        Parameters
        ----------
        names
            fields of the dataset
        ids
            int64 [B], each a sample of the dataset

        Returns
        -------
        dict of name to array [B, ...field's shape], stored dtype, owned; of encoded images object [B] of `bytes`

        Raises
        ------
        SpillwayError
            `corrupt` for a shard that ends early, `missing` or `io` for one that cannot be opened or read; `missing`
            or `mismatch` for an indexed file that is gone or changed
        """
        rows = self._placement.rows_of(ids)
        raw = {}
        far = []
        for name in names:
            field = self._manifest.fields[name]
            if field.kind == "image":
                raw[name] = self._images.read(name, rows)
            elif self._indexed is not None and self._manifest.files is not None and name == self._manifest.files.field:
                raw[name] = np.empty((len(ids), field.stride), np.uint8)
                self._indexed.read_into(rows, ids, raw[name])
            elif field.stride <= MAX_KEPT_RECORD_BYTES and field.stride * self._first_rows[-1] <= MAX_KEPT_BYTES:
                raw[name] = self._kept_column(name)[rows]
            else:
                raw[name] = np.empty((len(ids), field.stride), np.uint8)
                far.append(name)
        if far:
            self._fill(far, plan_reads(self._first_rows, rows), {name: raw[name] for name in far})
        return {name: self._typed(name, raw[name]) for name in names}

    def close(self) -> None:
        """Closes files and forgets kept columns; both come back when they are needed."""
        self._files.close()
        self._images.close()
        self._kept = {}

    def __getstate__(self) -> Dict[str, Any]:
        # Another process loads labels for itself: columns of up to 64 MiB do not go through pickle.
        return {**vars(self), "_kept": {}}

    def _typed(self, name: str, raw: np.ndarray) -> np.ndarray:
        field = self._manifest.fields[name]
        if field.kind == "image":
            return raw
        return raw.view(np.dtype(field.dtype).newbyteorder("<")).reshape(len(raw), *field.shape)

    def _kept_column(self, name: str) -> np.ndarray:
        """All records of a small field, uint8 [rows, stride]. Two threads may both load it: the same bytes."""
        column = self._kept.get(name)
        if column is None:
            column = np.empty((self._first_rows[-1], self._manifest.fields[name].stride), np.uint8)
            first_rows = self._first_rows.tolist()
            plan = [(index, 0, first_rows[index], shard.rows) for index, shard in enumerate(self._manifest.shards)]
            self._fill([name], plan, {name: column})
            self._kept[name] = column
        return column

    def _fill(self, names: Sequence[str], plan: List[Tuple[int, int, int, int]], raw: Dict[str, np.ndarray]) -> None:
        """Does the reads of a plan: copies what the system has in memory, asks for the rest all at once, then waits."""
        columns = [(name, raw[name].shape[1], raw[name].reshape(-1).data) for name in names]
        is_ahead = len(plan) > 1
        late: List[_LateRead] = []
        late_bytes = 0
        with _ShardInUse(self._folder, self._files) as shard_in_use:
            for shard_index, row, place, count in plan:
                shard = self._manifest.shards[shard_index]
                file = shard_in_use.open(shard)
                for name, stride, target in columns:
                    part = target[place * stride : (place + count) * stride]
                    start_byte = shard.starts[name] + row * stride
                    got = file.read_cached(part, start_byte) if is_ahead else 0
                    if got == len(part):
                        continue
                    if is_ahead:
                        file.ask_for(start_byte + got, len(part) - got)
                    late.append((shard_index, row, name, part, start_byte, got))
                    late_bytes += len(part)
                if late_bytes >= _BYTES_AHEAD:
                    self._wait_for(late, shard_in_use)
                    late, late_bytes = [], 0
            self._wait_for(late, shard_in_use)

    def _wait_for(self, late: "List[_LateRead]", shard_in_use: "_ShardInUse") -> None:
        for shard_index, row, name, part, start_byte, got in late:
            file = shard_in_use.open(self._manifest.shards[shard_index])
            try:
                got += file.read_into(part[got:], start_byte + got)
            except OSError as cause:
                raise checked.unreadable(file.path, cause) from cause
            if got != len(part):
                raise self._ends_early(file, shard_index, row + got // self._manifest.fields[name].stride, name)

    def _ends_early(self, file: OpenFile, shard_index: int, row: int, name: str) -> SpillwayError:
        shard = self._manifest.shards[shard_index]
        end_byte = os.fstat(file.descriptor).st_size
        sample = int(self._placement.ids_of(self._first_rows[shard_index : shard_index + 1] + row)[0])
        return SpillwayError(
            f"shard {file.path} ends at byte {end_byte}, expected {shard.byte_length}: "
            f'"{name}" of sample {sample} is not whole',
            "corrupt",
            "Restore the shard from a copy, or pack again.",
            {"dataset": self._folder, "shard": shard.path, "field": name, "sample": sample, "endByte": end_byte},
        )


#: A read that could not be done at once: shard, row in it, field, target, start in the file, bytes got already.
_LateRead = Tuple[int, int, str, memoryview, int, int]


class _ShardInUse:
    """The one shard that a batch is being read from; given back when the next is opened, and at the end."""

    def __init__(self, folder: str, files: OpenFiles) -> None:
        self._folder = folder
        self._files = files
        self._shard: Optional[Shard] = None
        self._file: Optional[OpenFile] = None

    def open(self, shard: Shard) -> OpenFile:
        if self._file is None or self._shard is not shard:
            self._give_back()
            self._file = self._files.acquire(os.path.join(self._folder, shard.path))
            self._shard = shard
        return self._file

    def _give_back(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._files.release(file)

    def __enter__(self) -> "_ShardInUse":
        return self

    def __exit__(self, *reason: object) -> None:
        self._give_back()
