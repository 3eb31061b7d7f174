"""Records of an indexed dataset, which stay in their own files: the index says in which file, and where in it.

    index/00000.arrow    places: start byte, size and time of the file (int64 each) | offsets (int32) | paths

Rule: a file that is gone, or is not of the size and time that it had when it was indexed, is named with its sample and
not read. No path leads out of the folder that was indexed.
"""

from __future__ import annotations

import os
import re
import struct
from datetime import datetime, timedelta, timezone
from typing import List, Optional, Tuple

import numpy as np

from . import checked
from .content import PLACE_BYTES, Manifest, Shard
from .errors import SpillwayError
from .files import OpenFile, OpenFiles

#: Longest path that is taken from an index.
_MAX_PATH_BYTES = 4096
#: Files that are opened, and asked for, before the first is waited for.
_FILES_AT_ONCE = 32
#: Systems cut and round a file's time each in their own way, to the microsecond that an index holds.
_TIME_SLACK_US = 1
_LEADS_OUT = re.compile(r"^[/\\]|^[A-Za-z]:|\0|(?:^|[/\\])\.\.(?:[/\\]|\Z)")


class IndexedFiles:
    """Reads records out of their files by row.

    Parameters
    ----------
    root
        where the files are now, if not where they were
    files
        keeps indexes and some of the records' files open
    """

    def __init__(self, folder: str, manifest: Manifest, root: Optional[str], files: OpenFiles) -> None:
        assert manifest.files is not None
        self._folder = folder
        self._shards = manifest.shards
        self._stride = manifest.fields[manifest.files.field].stride
        self._root = manifest.files.root if root is None else root
        self._files = files
        self._first_rows = np.cumsum([0, *(shard.rows for shard in manifest.shards)], dtype=np.int64)

    def read_into(self, rows: np.ndarray, ids: np.ndarray, target: np.ndarray, start: int = 0) -> None:
        """Fills `target`, uint8 [B, bytes], with bytes of each record from its byte `start` on.

        Parameters
        ----------
        rows, ids
            int64 [B]: where the records are in the layout, and which samples they are

        Raises
        ------
        SpillwayError
            `missing` or `mismatch` for a file that is gone or changed, `corrupt` for a damaged index, `io`
        """
        for first in range(0, len(rows), _FILES_AT_ONCE):
            opened: List[Tuple[OpenFile, int]] = []
            try:
                for row, sample in zip(rows[first : first + _FILES_AT_ONCE], ids[first : first + _FILES_AT_ONCE]):
                    path, record_start = self._open(int(row), int(sample), opened)
                    if len(rows) > 1:
                        opened[-1][0].ask_for(record_start + start, target.shape[1])
                for place, (file, record_start) in enumerate(opened):
                    _read_exactly(file, target[first + place].data, record_start + start)
            finally:
                for file, _ in opened:
                    self._files.release(file)

    def other_content(self, row: int, sample: int) -> SpillwayError:
        """The error for a record that is not what was indexed, although its file looks the same."""
        path, *_ = self._find(row, sample)
        return self._changed(path, sample, "its content is another one")

    def _open(self, row: int, sample: int, opened: List[Tuple[OpenFile, int]]) -> Tuple[str, int]:
        """Opens the file of a record, adds it to `opened`, and checks that it is what it was."""
        path, start_byte, byte_length, modified_us = self._find(row, sample)
        try:
            file = self._files.acquire(os.path.join(self._root, path))
        except SpillwayError as error:
            raise self._gone(path, sample) from error if error.code == "missing" else error
        opened.append((file, start_byte))
        found = os.fstat(file.descriptor)
        if found.st_size != byte_length:
            raise self._changed(path, sample, f"it had {byte_length} bytes and has {found.st_size}")
        if abs(found.st_mtime_ns - modified_us * 1000) > _TIME_SLACK_US * 1000:
            how = f"it was written at {_time(modified_us)} and again at {_time(found.st_mtime_ns // 1000)}"
            raise self._changed(path, sample, how)
        return path, start_byte

    def _find(self, row: int, sample: int) -> Tuple[str, int, int, int]:
        """What the index says of a row: path, start byte, size of the file, time of its change in microseconds."""
        number = int(self._first_rows.searchsorted(row, side="right")) - 1
        shard = self._shards[number]
        in_shard = row - int(self._first_rows[number])
        columns = shard.index
        assert columns is not None
        index = self._files.acquire(os.path.join(self._folder, shard.path))
        try:
            place = _bytes_of(index, columns.places + in_shard * PLACE_BYTES, PLACE_BYTES)
            path_start, path_end = struct.unpack("<ii", _bytes_of(index, columns.offsets + in_shard * 4, 8))
            length = path_end - path_start
            if path_start < 0 or not 0 < length <= _MAX_PATH_BYTES or path_end > columns.path_byte_length:
                raise self._damaged(shard, sample, f"its path has {length} bytes")
            content = _bytes_of(index, columns.paths + path_start, length)
        finally:
            self._files.release(index)
        start_byte, byte_length, modified_us = struct.unpack("<qqq", place)
        try:
            path = content.decode("utf-8")
        except UnicodeDecodeError:
            raise self._damaged(shard, sample, "its path is no UTF-8") from None
        if _LEADS_OUT.search(path):
            raise self._damaged(shard, sample, f"{path[:80]!r} leads out of the folder")
        if start_byte < 0 or start_byte + self._stride > byte_length:
            where = f"bytes {start_byte}-{start_byte + self._stride}"
            raise self._damaged(shard, sample, f"{where} do not lie in a file of {byte_length}")
        return path, start_byte, byte_length, modified_us

    def _damaged(self, shard: Shard, sample: int, why: str) -> SpillwayError:
        path = os.path.join(self._folder, shard.path)
        return SpillwayError(
            f"{path} is damaged at sample {sample}: {why}",
            "corrupt",
            "Restore it from a copy, or index anew.",
            {"dataset": self._folder, "path": path, "sample": sample},
        )

    def _gone(self, path: str, sample: int) -> SpillwayError:
        full = os.path.join(self._root, path)
        where = {"dataset": self._folder, "path": full, "sample": sample}
        if not os.path.exists(self._root):
            what = f"{self._root}, which {self._folder} is an index of, does not exist"
            return SpillwayError(what, "missing", 'If it was moved, open with source="its new place".', where)
        what = f"{full} is gone, sample {sample} of {self._folder} was in it when it was indexed"
        return SpillwayError(what, "missing", "Put it back, or leave the sample out: spillway exclude.", where)

    def _changed(self, path: str, sample: int, how: str) -> SpillwayError:
        full = os.path.join(self._root, path)
        return SpillwayError(
            f"{full} changed since it was indexed as sample {sample} of {self._folder}: {how}",
            "mismatch",
            "Restore it with its time (cp -p keeps it), leave the sample out (spillway exclude), or index anew.",
            {"dataset": self._folder, "path": full, "sample": sample},
        )


def _bytes_of(file: OpenFile, start_byte: int, byte_length: int) -> bytes:
    content = bytearray(byte_length)
    _read_exactly(file, memoryview(content), start_byte)
    return bytes(content)


def _read_exactly(file: OpenFile, target: memoryview, start_byte: int) -> None:
    try:
        got = file.read_into(target, start_byte)
    except OSError as cause:
        raise checked.unreadable(file.path, cause) from cause
    if got != len(target):
        raise checked.damaged(file.path, f"it ends at byte {start_byte + got}")


def _time(microseconds: int) -> str:
    """A time in words, whatever number a damaged index tells."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"{microseconds} us"
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
