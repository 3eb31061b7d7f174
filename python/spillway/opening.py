"""From a folder to the manifest of one of its commits: the first steps of opening a dataset, nothing else is read.

Rule: a shard that is not there or has another size is found here, not in the middle of a training run.
"""

from __future__ import annotations

import operator
import os
import stat
from typing import List, Optional, Sequence

from . import checked
from .content import Manifest
from .errors import SpillwayError
from .manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, parse_manifest


def open_manifest(folder: str) -> Manifest:
    """A dataset's manifest, its shards checked for their sizes.

    Raises
    ------
    SpillwayError
        `missing` no such dataset or shard; `corrupt` the manifest is damaged or a shard has another size; `version`;
        `io`
    """
    path = os.path.join(folder, MANIFEST_NAME)
    try:
        content = checked.read_bytes(path, MAX_MANIFEST_BYTES)
    except (FileNotFoundError, NotADirectoryError) as cause:
        is_folder = os.path.isdir(folder)
        raise SpillwayError(
            f"{folder} is no Spillway dataset: it has no {MANIFEST_NAME}" if is_folder else f"{folder} is not there",
            "missing",
            'Check the path, or make a dataset with "spillway pack <source> <dataset>".',
            {"dataset": folder},
        ) from cause
    manifest = parse_manifest(content, path)
    for shard in manifest.shards:
        _check_size(folder, os.path.join(folder, shard.path), shard.path, shard.byte_length)
    return manifest


def at_commit(folder: str, manifest: Manifest, commit: Optional[int]) -> Manifest:
    """The dataset as it was at a commit, counted from 1; None for the last. `missing` if there is no such commit."""
    if commit is None:
        return manifest
    number = operator.index(commit)
    if not 1 <= number <= len(manifest.commits):
        what = f"{folder} has {len(manifest.commits)} commits, there is no commit {number}"
        remedy = f"Give 1 to {len(manifest.commits)}, or leave it out."
        raise SpillwayError(what, "missing", remedy, {"dataset": folder})
    return manifest.at_commit(number)


def describe_unfinished(folder: str, manifest: Manifest) -> str:
    """What is missing of a dataset that is being packed or added to, and what to do."""
    if manifest.appended_rows is not None:
        planned = "" if manifest.planned_rows is None else f" of {manifest.planned_rows - manifest.rows}"
        return (
            f"{folder} is being added to, or that was interrupted: {manifest.appended_rows}{planned} new samples are "
            'in place, and left out until it is finished. Run the same "spillway pack --append" again to go on.'
        )
    planned = "" if manifest.planned_rows is None else f" of {manifest.planned_rows}"
    return (
        f"{folder} is not whole: packing has not finished, {manifest.rows}{planned} samples are there. "
        'Run the same "spillway pack" again to go on.'
    )


def _check_size(folder: str, path: str, shard: str, byte_length: int) -> None:
    where = {"dataset": folder, "shard": shard}
    remedy = "Restore the shard from a copy, or pack again."
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError) as cause:
        raise SpillwayError(f"shard {path} is not there", "missing", remedy, where) from cause
    except OSError as cause:
        raise checked.unreadable(path, cause) from cause
    if not stat.S_ISREG(found.st_mode) or found.st_size != byte_length:
        raise SpillwayError(f"shard {path} has {found.st_size} bytes, expected {byte_length}", "corrupt", remedy, where)


def chosen_names(folder: str, manifest: Manifest, fields: Optional[Sequence[str]]) -> List[str]:
    """Names of the fields that samples have, the id among them. Raises `usage`, `missing` for what is asked wrongly."""
    if fields is None:
        return [*manifest.fields, *([] if "id" in manifest.fields else ["id"])]
    if isinstance(fields, str) or len(set(fields)) != len(fields) or len(fields) == 0:
        raise SpillwayError(f"fields is {fields!r}", "usage", 'Give different names, as in fields=("data", "label").')
    for name in fields:
        if name != "id" and name not in manifest.fields:
            names = ", ".join(manifest.fields)
            raise SpillwayError(
                f'{folder} has no field "{name}"',
                "missing",
                f"Its fields are: {names}.",
                {"dataset": folder, "field": name},
            )
    return list(fields)
