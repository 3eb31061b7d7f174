"""Schemes: splits/NAME.json and the .bits files that it names, to sets of rows.

Rule: a scheme belongs to a commit of the dataset. One made for an earlier commit covers that commit's rows, the first
of the dataset; one made for other data is refused.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from . import checked
from .bitmap import Bitmap
from .checked import Damaged
from .errors import SpillwayError
from .manifest import Manifest, check_version

_FOLDER = "splits"
#: Thousands of folds fit well.
_MAX_SCHEME_BYTES = 2**24
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
#: A file of the splits folder, never one elsewhere.
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}\Z")


@dataclass(frozen=True)
class Split:
    """One share of a scheme: how many samples, and the file that says which."""

    count: int
    path: str
    hash: str


@dataclass(frozen=True)
class Scheme:
    """How the first `rows` samples were shared out."""

    name: str
    rows: int
    splits: Dict[str, Split]


def read_scheme(folder: str, manifest: Manifest, name: str) -> Optional[Scheme]:
    """A dataset's scheme, or None if it has none of that name.

    Raises
    ------
    SpillwayError
        `usage` for a name that is none, `version`, `corrupt`, `io`, `mismatch` if it was made for other data
    """
    if not _NAME.match(name):
        raise SpillwayError(
            f"{name!r} is no name of a scheme", "usage", "Give the name that was split with, such as main."
        )
    path = os.path.join(folder, _FOLDER, name + ".json")
    try:
        content = checked.read_bytes(path, _MAX_SCHEME_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    value = checked.parse_json(content, path)
    check_version(value, path)
    try:
        content_of = checked.record(value, "content")
        checked.choice(content_of.get("format"), "format", ("spillway-split",))
        rows = checked.count(content_of.get("rows"), "rows")
        fingerprint = checked.hash_text(content_of.get("fingerprint"), "fingerprint")
        splits = {
            checked.text(split_name, "name of a split"): _split(split, f'split "{split_name}"', rows)
            for split_name, split in checked.record(content_of.get("splits"), "splits").items()
        }
    except Damaged as why:
        raise checked.damaged(path, str(why)) from None
    _check_commit(path, folder, manifest, rows, fingerprint)
    return Scheme(name, rows, splits)


def read_bits(folder: str, scheme: Scheme, split_name: str) -> Bitmap:
    """The rows of a split.

    Raises
    ------
    SpillwayError
        `missing` if the scheme has no such split, or its file is not there; `corrupt` if the file is damaged
    """
    split = scheme.splits.get(split_name)
    if split is None:
        names = ", ".join(scheme.splits) or "none"
        raise SpillwayError(
            f'{folder} has no split "{split_name}" in its scheme "{scheme.name}"',
            "missing",
            f"Its splits are: {names}.",
            {"dataset": folder},
        )
    content = read_bits_file(folder, scheme, split)
    path = bits_path(folder, split)
    if scheme.rows % 8 and content[-1] >> scheme.rows % 8:
        raise checked.damaged(path, f"it has bits beyond the {scheme.rows} rows that were split")
    bitmap = Bitmap(content)
    if len(bitmap) != split.count:
        raise checked.damaged(path, f"{len(bitmap)} bits are set, expected {split.count}")
    return bitmap


def bits_path(folder: str, split: Split) -> str:
    """Where a split's bits lie."""
    return os.path.join(folder, _FOLDER, split.path)


def read_bits_file(folder: str, scheme: Scheme, split: Split) -> bytes:
    """A split's bits, with their number checked."""
    path = bits_path(folder, split)
    byte_length = -(-scheme.rows // 8)
    try:
        content = checked.read_bytes(path, byte_length)
    except (FileNotFoundError, NotADirectoryError) as cause:
        raise SpillwayError(
            f"{path} is not there", "missing", "Restore it from a copy, or split again.", {"path": path}
        ) from cause
    if len(content) != byte_length:
        raise checked.damaged(path, f"it has {len(content)} bytes, expected {byte_length}")
    return content


def scheme_names(folder: str) -> List[str]:
    """Names of all schemes of a dataset, sorted."""
    try:
        entries = os.listdir(os.path.join(folder, _FOLDER))
    except OSError:
        return []
    return sorted(entry[: -len(".json")] for entry in entries if entry.endswith(".json"))


def _split(value: Any, name: str, rows: int) -> Split:
    split = checked.record(value, name)
    path = checked.text(split.get("path"), f"path of {name}", 255)
    if not _FILE.match(path):
        raise Damaged(f"path of {name} is no name of a file in {_FOLDER}/")
    return Split(
        checked.count(split.get("count"), f"count of {name}", 0, rows),
        path,
        checked.hash_text(split.get("hash"), f"hash of {name}"),
    )


def _check_commit(path: str, folder: str, manifest: Manifest, rows: int, fingerprint: str) -> None:
    if any(commit.rows == rows and commit.fingerprint == fingerprint for commit in manifest.commits):
        return
    last = manifest.commits[-1].fingerprint if manifest.commits else "none"
    raise SpillwayError(
        f"{path} was made for {rows} samples with fingerprint {fingerprint}, "
        f"{folder} has {manifest.rows} with fingerprint {last}",
        "mismatch",
        f'Run "spillway split {folder}" again.',
        {"path": path, "dataset": folder},
    )
