"""Samples that are left out: excluded/excluded.json and the bits that it names, taken out of whatever is read.

Rule: a record belongs to a commit of the dataset; samples that came later are in. A folder of the user's own is looked
into before the dataset's.
"""

from __future__ import annotations

import os
import re
from typing import Optional

import numpy as np

from . import checked
from .bitmap import Bitmap
from .checked import Damaged
from .errors import SpillwayError
from .content import Manifest
from .manifest import check_version
from .xxh64 import xxh64

_FOLDER = "excluded"
_MAX_RECORD_BYTES = 2**16
_FILE = re.compile(r"[0-9a-f]{16}\.bits\Z")


def without_excluded(
    folder: str, manifest: Manifest, chosen: Optional[Bitmap], side: Optional[str] = None
) -> Optional[Bitmap]:
    """The chosen rows, or all where `chosen` is None, without those that are left out; None again means all.

    Raises
    ------
    SpillwayError
        `corrupt`, `version`, `io`; `mismatch` if what is left out was written for other data
    """
    for place in [folder] if side is None else [side, folder]:
        path = os.path.join(place, _FOLDER, "excluded.json")
        try:
            content = checked.read_bytes(path, _MAX_RECORD_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            continue
        excluded = _read_bits(content, path, folder, manifest)
        if not excluded.any():
            return chosen
        left = _bits_of(chosen, manifest.rows)
        size = min(len(left), len(excluded))
        left[:size] &= ~excluded[:size]
        return Bitmap(left.tobytes())
    return chosen


def _bits_of(chosen: Optional[Bitmap], rows: int) -> np.ndarray:
    bits = np.zeros(rows, np.uint8)
    bits[slice(None) if chosen is None else chosen.select(np.arange(len(chosen), dtype=np.int64))] = 1
    packed: np.ndarray = np.packbits(bits, bitorder="little")
    return packed


def _read_bits(content: bytes, path: str, folder: str, manifest: Manifest) -> np.ndarray:
    value = checked.parse_json(content, path)
    check_version(value, path)
    try:
        record = checked.record(value, "content")
        checked.choice(record.get("format"), "format", ("spillway-excluded",))
        rows = checked.count(record.get("rows"), "rows")
        fingerprint = checked.hash_text(record.get("fingerprint"), "fingerprint")
        digits = checked.hash_text(record.get("hash"), "hash")
        name = checked.text(record.get("path"), "path")
        if not _FILE.match(name):
            raise Damaged("path is no file of bits")
    except Damaged as why:
        raise checked.damaged(path, str(why)) from None
    # Of an earlier commit that is looked at, the later ones are not known any more: its own rows are what counts.
    known = any(commit.rows == rows and commit.fingerprint == fingerprint for commit in manifest.commits)
    if not known and rows <= manifest.rows:
        raise SpillwayError(
            f"{path} was written for {rows} samples with fingerprint {fingerprint}, which is no commit of {folder}",
            "mismatch",
            "Remove it if its dataset is another one.",
            {"dataset": folder, "path": path},
        )
    bits_path = os.path.join(os.path.dirname(path), name)
    size = -(-rows // 8)
    bits = checked.read_bytes(bits_path, size)
    if len(bits) != size or f"{xxh64(bits):016x}" != digits:
        raise checked.damaged(bits_path, "its hash is not the one in excluded.json")
    return np.frombuffer(bits, np.uint8)
