"""dataset.json to objects, with every number checked: what a dataset consists of, by FORMAT.md.

Rule: what the manifest does not name does not exist, and a manifest that passed `parse_manifest` can be trusted: each
column lies within its shard's bytes, and the rows of shards, dataset and last commit agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

import numpy as np

from . import checked
from .checked import Damaged
from .errors import SpillwayError

FORMAT_VERSION = 1
MANIFEST_NAME = "dataset.json"
#: 100,000 shards fit well.
MAX_MANIFEST_BYTES = 2**26

_DTYPES = (
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float16",
    "float32",
    "float64",
)
_CLASS_DTYPES = ("uint8", "uint16", "int32")


@dataclass(frozen=True)
class Field:
    """A named part of a sample.

    Attributes
    ----------
    kind
        "tensor" or "class".
    dtype
        numpy's name of the stored type.
    shape
        of one sample, row-major; () for scalars and class labels.
    classes
        names that a label is an index into; () for tensors.
    channel_axis
        the axis of the shape that counts channels, where the packer was told.
    """

    kind: str
    dtype: str
    shape: Tuple[int, ...]
    classes: Tuple[str, ...] = ()
    channel_axis: Optional[int] = None

    @property
    def stride(self) -> int:
        """Bytes of one stored record."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Shard:
    """One file of samples: `starts[field]` is where the field's first record lies in it."""

    path: str
    rows: int
    byte_length: int
    starts: Dict[str, int]
    sums_path: str
    sums_byte_length: int
    sums_hash: str


@dataclass(frozen=True)
class Commit:
    """The dataset as it was after one packing: its rows, and a fingerprint of all that they hold."""

    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Manifest:
    """The content of dataset.json, as far as reading samples needs it."""

    fields: Dict[str, Field]
    rows: int
    shards: Tuple[Shard, ...]
    commits: Tuple[Commit, ...]
    is_whole: bool
    planned_rows: Optional[int]


def parse_manifest(content: bytes, path: str) -> Manifest:
    """Bytes of dataset.json to a manifest.

    Raises
    ------
    SpillwayError
        `version` if a newer Spillway wrote it, `corrupt` if it is damaged
    """
    value = checked.parse_json(content, path)
    check_version(value, path)
    try:
        return _manifest(checked.record(value, "content"))
    except Damaged as why:
        raise checked.damaged(path, str(why)) from None


def check_version(value: Any, path: str) -> None:
    """Refuses what a newer Spillway wrote, before anything else in it is looked at."""
    version = value.get("version") if isinstance(value, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise SpillwayError(
            f"{path} has format version {version}, this Spillway reads up to {FORMAT_VERSION}",
            "version",
            "Update Spillway: pip install --upgrade spillway.",
            {"path": path},
        )


def _manifest(value: Dict[str, Any]) -> Manifest:
    checked.choice(value.get("format"), "format", ("spillway",))
    checked.count(value.get("version"), "version", 1, FORMAT_VERSION)
    fields = {
        checked.text(name, "name of a field", 256): _field(field, f'field "{name}"')
        for name, field in checked.record(value.get("fields"), "fields").items()
    }
    rows = checked.count(value.get("rows"), "rows")
    shards = tuple(
        _shard(shard, f"shards.{index}", fields)
        for index, shard in enumerate(checked.array(value.get("shards"), "shards"))
    )
    commits = tuple(
        _commit(commit, f"commits.{index}")
        for index, commit in enumerate(checked.array(value.get("commits"), "commits"))
    )
    held = sum(shard.rows for shard in shards)
    if held != rows:
        raise Damaged(f"shards hold {held} rows, the dataset {rows}")
    last = commits[-1].rows if commits else 0
    if last != rows:
        raise Damaged(f"the last commit has {last} rows, the dataset {rows}")
    planned = None
    if "packing" in value:
        planned = checked.record(value["packing"], "packing").get("rows")
        if planned is not None:
            planned = checked.count(planned, "packing.rows")
    return Manifest(fields, rows, shards, commits, "packing" not in value, planned)


def _field(value: Any, name: str) -> Field:
    field = checked.record(value, name)
    kind = checked.choice(field.get("kind"), f"kind of {name}", ("tensor", "class"))
    # A member that we do not know could change what the stored numbers mean (a scale, say): better no number at all.
    known = ("kind", "dtype", "shape", "channelAxis") if kind == "tensor" else ("kind", "dtype", "classes")
    for member in field:
        if member not in known:
            raise Damaged(f'{name} has the unknown member "{member}"')
    if kind == "class":
        dtype = checked.choice(field.get("dtype"), f"dtype of {name}", _CLASS_DTYPES)
        names = checked.array(field.get("classes"), f"classes of {name}")
        return Field(kind, dtype, (), tuple(checked.text(entry, f"a class of {name}") for entry in names))
    dtype = checked.choice(field.get("dtype"), f"dtype of {name}", _DTYPES)
    shape = tuple(
        checked.count(extent, f"shape of {name}", 1, 2**31 - 1)
        for extent in checked.array(field.get("shape"), f"shape of {name}", 16)
    )
    axis = field.get("channelAxis")
    if axis is not None:
        axis = checked.count(axis, f"channelAxis of {name}", 0, 15)
    tensor = Field(kind, dtype, shape, (), axis)
    if tensor.stride > 2**30:
        raise Damaged(f"a record of {name} has {tensor.stride} bytes, more than {2**30}")
    return tensor


def _shard(value: Any, name: str, fields: Dict[str, Field]) -> Shard:
    shard = checked.record(value, name)
    path = checked.inner_path(shard.get("path"), f"{name}.path")
    rows = checked.count(shard.get("rows"), f"{name}.rows", 1)
    byte_length = checked.count(shard.get("bytes"), f"{name}.bytes")
    columns = checked.record(shard.get("columns"), f"{name}.columns")
    starts = {}
    for field_name, field in fields.items():
        column = checked.record(columns.get(field_name), f'column "{field_name}" of {path}')
        start = checked.count(column.get("start"), f'start of column "{field_name}" of {path}')
        stride = column.get("stride")
        if stride != field.stride:
            raise Damaged(f'column "{field_name}" of {path} has a stride of {stride}, its records {field.stride} bytes')
        if start + field.stride * rows > byte_length:
            raise Damaged(f'column "{field_name}" of {path} does not lie within its {byte_length} bytes')
        starts[field_name] = start
    sums = checked.record(shard.get("sums"), f"{name}.sums")
    return Shard(
        path,
        rows,
        byte_length,
        starts,
        checked.inner_path(sums.get("path"), f"{name}.sums.path"),
        checked.count(sums.get("bytes"), f"{name}.sums.bytes"),
        checked.hash_text(sums.get("hash"), f"{name}.sums.hash"),
    )


def _commit(value: Any, name: str) -> Commit:
    commit = checked.record(value, name)
    rows = checked.count(commit.get("rows"), f"{name}.rows")
    return Commit(rows, checked.hash_text(commit.get("fingerprint"), f"{name}.fingerprint"))
