"""Statistics of a training split: splits/NAME.statistics.json to the entry that fits, with every number checked.

Rule: an entry belongs to one set of samples, by its fingerprint. Where samples were added, left out or shared out anew
since, it is another set, and the entry is said to be missing. None is ever measured here.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Tuple

from . import checked
from .checked import Damaged
from .content import Manifest
from .errors import SpillwayError
from .excluded import without_excluded
from .manifest import SIDE_VERSION, check_version
from .splits import Scheme, read_bits
from .xxh64 import xxh64

#: The split that is normalised by.
_SPLIT = "train"
_MAX_BYTES = 2**26
_MAX_ENTRIES = 10_000
_MAX_CHANNELS = 65_536
_FIGURES = ("min", "max", "mean", "std")


def find_statistics(
    folder: str, manifest: Manifest, scheme: Scheme, fold: Optional[int], side: Optional[str] = None
) -> Dict[str, Any]:
    """The entry of a scheme's split "train", as plain data.

    Raises
    ------
    SpillwayError
        `missing` if there is none, or the split holds other samples now; `corrupt`, `version`, `io`; as `read_bits`
    """
    fingerprint = _fingerprint_of(folder, manifest, scheme, fold, side)
    known = _read_entries(folder, scheme)
    for entry in known:
        if entry["view"] == fingerprint:
            _check_channels(entry, manifest, folder, scheme)
            return entry
    of_fold = "" if fold is None else f" with fold {fold}"
    is_stale = any(entry["split"] == _SPLIT and entry.get("fold") == fold for entry in known)
    why = "holds other samples than when its statistics were measured" if is_stale else "has no statistics yet"
    options = "" if scheme.name == "main" else f" --scheme {scheme.name}"
    options += "" if fold is None else f" --fold {fold}"
    raise SpillwayError(
        f'split "{_SPLIT}"{of_fold} of scheme "{scheme.name}" of {folder} {why}',
        "missing",
        f"Measure them: spillway statistics {folder}{options}.",
        {"dataset": folder},
    )


def _fingerprint_of(
    folder: str, manifest: Manifest, scheme: Scheme, fold: Optional[int], side: Optional[str]
) -> str:
    """Tells which samples are in the split now, at the commit that is looked at."""
    chosen = read_bits(scheme, _SPLIT, fold)
    left = without_excluded(folder, manifest, chosen, side)
    # What leaves nothing out is as it was: the bits of the rows that the scheme covers.
    bits = chosen.content(scheme.covered)
    if left is not None and len(left) != len(chosen):
        bits = left.content(manifest.rows)
    choice = f"{manifest.commits[-1].fingerprint} bits {xxh64(bits):016x}"
    return f"{xxh64(choice.encode()):016x}"


def _path_of(scheme: Scheme) -> str:
    return os.path.join(scheme.folder, "splits", f"{scheme.name}.statistics.json")


def _read_entries(folder: str, scheme: Scheme) -> List[Dict[str, Any]]:
    path = _path_of(scheme)
    try:
        content = checked.read_bytes(path, _MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return []
    value = checked.parse_json(content, path)
    check_version(value, path)
    try:
        kept = _members(value, "content", ("format", "version", "scheme", "entries"))
        checked.choice(kept["format"], "format", ("spillway-statistics",))
        checked.count(kept["version"], "version", 1, SIDE_VERSION)
        checked.text(kept["scheme"], "scheme")
        entries = checked.array(kept["entries"], "entries", _MAX_ENTRIES)
        return [_entry(entry, f"entries.{place}") for place, entry in enumerate(entries)]
    except Damaged as why:
        raise _damaged(path, folder, str(why)) from None


def _entry(value: Any, name: str) -> Dict[str, Any]:
    entry = _members(value, name, ("view", "split", "samples", "fields"), ("fold",))
    fields = checked.record(entry["fields"], f"{name}.fields")
    return {
        "view": checked.hash_text(entry["view"], f"{name}.view"),
        "split": _name(entry["split"], f"{name}.split", 64),
        **({"fold": checked.count(entry["fold"], f"{name}.fold")} if "fold" in entry else {}),
        "samples": checked.count(entry["samples"], f"{name}.samples"),
        "fields": {
            _name(field_name, f"name of a field of {name}", 256): _field(field, f"{name}.fields.{field_name}")
            for field_name, field in fields.items()
        },
    }


def _field(value: Any, name: str) -> Dict[str, Any]:
    field = _members(value, name, ("channels",), ("axis",))
    channels = checked.array(field["channels"], f"{name}.channels", _MAX_CHANNELS)
    if not channels:
        raise Damaged(f"{name}.channels is empty")
    return {
        **({"axis": checked.count(field["axis"], f"{name}.axis", 0, 15)} if "axis" in field else {}),
        "channels": [_channel(channel, f"{name}.channels.{place}") for place, channel in enumerate(channels)],
    }


def _channel(value: Any, name: str) -> Dict[str, Any]:
    channel = _members(value, name, ("count", "nonFinite", *_FIGURES))
    if checked.number(channel["std"], f"{name}.std") < 0:
        raise Damaged(f"{name}.std is below 0")
    return {
        **{member: checked.count(channel[member], f"{name}.{member}") for member in ("count", "nonFinite")},
        **{member: checked.number(channel[member], f"{name}.{member}") for member in _FIGURES},
    }


def _name(value: Any, name: str, most: int) -> str:
    if checked.text(value, name, most) == "":
        raise Damaged(f"{name} is empty")
    return str(value)


def _members(value: Any, name: str, needed: Tuple[str, ...], others: Tuple[str, ...] = ()) -> Dict[str, Any]:
    """An object with these members and no more."""
    members = checked.record(value, name)
    for member in needed:
        if member not in members:
            raise Damaged(f"{name} has no {member}")
    for member in members:
        if member not in needed and member not in others:
            raise Damaged(f'{name} has the unknown member "{member[:60]}"')
    return members


def _check_channels(entry: Dict[str, Any], manifest: Manifest, folder: str, scheme: Scheme) -> None:
    """Refuses figures for other channels than the fields of the dataset have."""
    for name, found in entry["fields"].items():
        field = manifest.fields.get(name)
        shape = None if field is None or field.kind != "tensor" else field.shape
        axis = found.get("axis")
        if shape is None:
            why = f'it tells of a tensor field "{name}", which the dataset does not have'
        elif axis is not None and axis >= len(shape):
            why = f'field "{name}" has no axis {axis}'
        elif len(found["channels"]) != (1 if axis is None else shape[axis]):
            why = f'field "{name}" has not {len(found["channels"])} channels'
        else:
            continue
        raise _damaged(_path_of(scheme), folder, why)


def _damaged(path: str, folder: str, why: str) -> SpillwayError:
    remedy = f"Remove it, and measure again: spillway statistics {folder}."
    return SpillwayError(f"{path} is damaged: {why}", "corrupt", remedy, {"path": path})
