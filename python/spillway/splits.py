"""Schemes: splits/NAME.json and the .bits files that it names, to sets of rows.

Rule: a scheme belongs to commits of the dataset. One made for an earlier commit covers that commit's rows, the first
of the dataset; one that was extended since is cut to the rows that the dataset had when it was opened; one made for
other data is refused. A folder of the user's own is looked into before the dataset's.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from . import checked
from .bitmap import Bitmap
from .checked import Damaged
from .errors import SpillwayError
from .manifest import Commit, Manifest, check_version

_FOLDER = "splits"
#: A thousand folds over a hundred commits fit well.
_MAX_SCHEME_BYTES = 2**24
_MAX_FOLDS = 1000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
#: A file of the splits folder, never one elsewhere.
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}\Z")


@dataclass(frozen=True)
class Split:
    """A split or a fold: how many samples, the file that says which, and count and hash at each earlier commit."""

    count: int
    path: str
    hash: str
    history: Tuple[Tuple[int, str], ...]


@dataclass(frozen=True)
class Scheme:
    """How the first `rows` samples were shared out; `covered` of them belong to a commit that this dataset has."""

    name: str
    folder: str
    rows: int
    covered: int
    history: Tuple[Commit, ...]
    splits: Dict[str, Split]
    folds: Tuple[Split, ...]

    def count_at(self, split: Split) -> int:
        """Samples of a split at the commit that is covered."""
        for commit, (count, _) in zip(self.history, split.history):
            if commit.rows == self.covered:
                return count
        return split.count


def read_scheme(folder: str, manifest: Manifest, name: str, side: Optional[str] = None) -> Optional[Scheme]:
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
    for place in [folder] if side is None else [side, folder]:
        path = os.path.join(place, _FOLDER, name + ".json")
        try:
            content = checked.read_bytes(path, _MAX_SCHEME_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            continue
        return _parse_scheme(content, path, place, folder, manifest, name)
    return None


def require_scheme(folder: str, manifest: Manifest, name: str, side: Optional[str] = None) -> Scheme:
    """A dataset's scheme. Raises as `read_scheme`, and SpillwayError `missing` if it has none of that name."""
    scheme = read_scheme(folder, manifest, name, side)
    if scheme is not None:
        return scheme
    names = scheme_names(folder, side)
    remedy = (
        f"Its schemes are: {', '.join(names)}." if names else f'Run "spillway split {folder} train=0.8 val=0.2".'
    )
    raise SpillwayError(f'{folder} has no scheme of splits "{name}"', "missing", remedy, {"dataset": folder})


def _parse_scheme(content: bytes, path: str, place: str, folder: str, manifest: Manifest, name: str) -> Scheme:
    value = checked.parse_json(content, path)
    check_version(value, path)
    try:
        content_of = checked.record(value, "content")
        checked.choice(content_of.get("format"), "format", ("spillway-split",))
        last = _commit(content_of, "")
        history = tuple(
            _commit(commit, f"history.{index}.")
            for index, commit in enumerate(checked.array(content_of.get("history"), "history"))
        )
        splits = {
            checked.text(split_name, "name of a split"): _split(split, f'split "{split_name}"', last, history)
            for split_name, split in checked.record(content_of.get("splits"), "splits").items()
        }
        folds = tuple(
            _split(fold, f"fold {index}", last, history)
            for index, fold in enumerate(checked.array(content_of.get("folds"), "folds", _MAX_FOLDS))
        )
    except Damaged as why:
        raise checked.damaged(path, str(why)) from None
    covered = _known_rows(path, folder, manifest, last, history)
    return Scheme(name, place, last.rows, covered, history, splits, folds)


def read_bits(scheme: Scheme, split_name: str, fold: Optional[int] = None) -> Bitmap:
    """The rows of a split, or, of a scheme with folds, of "train" and "val" where one fold is val.

    Raises
    ------
    SpillwayError
        `missing` if the scheme has no such split, or its file is not there; `usage` for a fold that is not there, or
        is not said; `corrupt` if a file is damaged
    """
    parts = _chosen_parts(scheme, split_name, fold)
    joined = np.zeros(-(-scheme.rows // 8), np.uint8)
    for part in parts:
        content = read_bits_file(scheme, part)
        if scheme.rows % 8 and content[-1] >> scheme.rows % 8:
            path = bits_path(scheme, part)
            raise checked.damaged(path, f"it has bits beyond the {scheme.rows} rows that were split")
        joined |= np.frombuffer(content, np.uint8)
    bitmap = Bitmap(cut_bits(joined.tobytes(), scheme.covered))
    expected = sum(scheme.count_at(part) for part in parts)
    if len(bitmap) != expected:
        raise checked.damaged(bits_path(scheme, parts[0]), f"{len(bitmap)} bits are set, expected {expected}")
    return bitmap


def cut_bits(content: bytes, rows: int) -> bytes:
    """The bits of the first `rows` rows, those beyond cleared."""
    cut = bytearray(content[: -(-rows // 8)])
    if rows % 8:
        cut[-1] &= (1 << rows % 8) - 1
    return bytes(cut)


def _chosen_parts(scheme: Scheme, split_name: str, fold: Optional[int]) -> List[Split]:
    where = {"dataset": scheme.folder}
    last = len(scheme.folds) - 1
    if fold is not None and not scheme.folds:
        names = ", ".join(scheme.splits) or "none"
        raise SpillwayError(
            f'scheme "{scheme.name}" of {scheme.folder} has no folds',
            "usage",
            f"Leave fold out: its splits are {names}.",
            where,
        )
    if fold is not None and (not isinstance(fold, int) or isinstance(fold, bool) or not 0 <= fold <= last):
        raise SpillwayError(
            f'scheme "{scheme.name}" of {scheme.folder} has no fold {fold!r}', "usage", f"Use 0 to {last}.", where
        )
    if split_name in scheme.splits:
        return [scheme.splits[split_name]]
    if scheme.folds and split_name in ("train", "val"):
        if fold is None:
            raise SpillwayError(
                f'"{split_name}" of scheme "{scheme.name}" of {scheme.folder} depends on the fold',
                "usage",
                f"Say which one is val: fold=0 to {last}.",
                where,
            )
        return [part for index, part in enumerate(scheme.folds) if (index == fold) == (split_name == "val")]
    names = ", ".join([*scheme.splits, *(["train", "val"] if scheme.folds else [])]) or "none"
    raise SpillwayError(
        f'{scheme.folder} has no split "{split_name}" in its scheme "{scheme.name}"',
        "missing",
        f"Its splits are: {names}.",
        where,
    )


def bits_path(scheme: Scheme, split: Split) -> str:
    """Where a split's bits lie."""
    return os.path.join(scheme.folder, _FOLDER, split.path)


def read_bits_file(scheme: Scheme, split: Split) -> bytes:
    """A split's bits, with their number checked."""
    path = bits_path(scheme, split)
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


def scheme_names(folder: str, side: Optional[str] = None) -> List[str]:
    """Names of all schemes of a dataset, sorted."""
    entries: List[str] = []
    for place in [folder] if side is None else [side, folder]:
        try:
            entries += os.listdir(os.path.join(place, _FOLDER))
        except OSError:
            continue
    return sorted({entry[: -len(".json")] for entry in entries if entry.endswith(".json")})


def _commit(value: Any, name: str) -> Commit:
    commit = checked.record(value, name.rstrip(".") or "content")
    return Commit(
        checked.count(commit.get("rows"), f"{name}rows"),
        checked.hash_text(commit.get("fingerprint"), f"{name}fingerprint"),
    )


def _split(value: Any, name: str, last: Commit, history: Tuple[Commit, ...]) -> Split:
    split = checked.record(value, name)
    path = checked.text(split.get("path"), f"path of {name}", 255)
    if not _FILE.match(path):
        raise Damaged(f"path of {name} is no name of a file in {_FOLDER}/")
    earlier = checked.array(split.get("history"), f"history of {name}")
    if len(earlier) != len(history):
        raise Damaged(f"{name} tells of {len(earlier)} earlier commits, the scheme of {len(history)}")
    return Split(
        checked.count(split.get("count"), f"count of {name}", 0, last.rows),
        path,
        checked.hash_text(split.get("hash"), f"hash of {name}"),
        tuple(_earlier(entry, f"history of {name}", commit.rows) for entry, commit in zip(earlier, history)),
    )


def _earlier(value: Any, name: str, rows: int) -> Tuple[int, str]:
    entry = checked.record(value, name)
    return (
        checked.count(entry.get("count"), f"count in the {name}", 0, rows),
        checked.hash_text(entry.get("hash"), f"hash in the {name}"),
    )


def _known_rows(path: str, folder: str, manifest: Manifest, last: Commit, history: Tuple[Commit, ...]) -> int:
    """Rows of the latest commit of a scheme that the dataset has."""
    for known in (last, *reversed(history)):
        if any(
            commit.rows == known.rows and commit.fingerprint == known.fingerprint for commit in manifest.commits
        ):
            return known.rows
    newest = manifest.commits[-1].fingerprint if manifest.commits else "none"
    raise SpillwayError(
        f"{path} was made for {last.rows} samples with fingerprint {last.fingerprint}, "
        f"{folder} has {manifest.rows} with fingerprint {newest}",
        "mismatch",
        f'Run "spillway split {folder}" again.',
        {"path": path, "dataset": folder},
    )
