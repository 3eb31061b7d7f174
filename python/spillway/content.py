"""What a dataset consists of, as plain objects: the content of dataset.json, as far as reading samples needs it.

Made by manifest.py, which checks every number. Rule: nothing here is ever changed; another commit is another object.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Dict, Optional, Tuple

import numpy as np

from .encoding import Encoding

#: Bytes of a record's place in an index: its start byte, then size and modification time of its file.
PLACE_BYTES = 24


@dataclass(frozen=True)
class Field:
    """A named part of a sample.

    Attributes
    ----------
    kind
        "tensor", "class", or "image" for encoded images.
    dtype
        numpy's name of the stored type; of encoded images that of what they are decoded to.
    shape
        of one sample, row-major; () for scalars and class labels. Of encoded images [height, width, channels] to which
        they are meant to be brought.
    classes
        names that a label is an index into; () for tensors.
    channel_axis
        the axis of the shape that counts channels, where the packer was told.
    encoding
        how stored numbers become values, where these had another dtype.
    max_bytes
        of the longest encoded image; None for other kinds.
    """

    kind: str
    dtype: str
    shape: Tuple[int, ...]
    classes: Tuple[str, ...] = ()
    channel_axis: Optional[int] = None
    encoding: Optional[Encoding] = None
    max_bytes: Optional[int] = None

    @property
    def stride(self) -> int:
        """Bytes of one stored record; of encoded images those of the longest."""
        if self.max_bytes is not None:
            return self.max_bytes
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class IndexColumns:
    """Where the columns of an index lie that say in which file, and where in it, each record is."""

    places: int
    offsets: int
    paths: int
    path_byte_length: int


@dataclass(frozen=True)
class EncodedColumn:
    """Where encoded images lie in a shard, one after another, and the int32 offsets that say where each starts."""

    start: int
    byte_length: int
    offsets: int
    longest: int


@dataclass(frozen=True)
class Shard:
    """One file of samples: `starts[field]` is where a field's first record lies in it; `index` is that of an index.

    Fields of encoded images are in `encoded` instead.
    """

    path: str
    rows: int
    byte_length: int
    starts: Dict[str, int]
    sums_path: str
    sums_byte_length: int
    sums_hash: str
    index: Optional[IndexColumns] = None
    encoded: Dict[str, EncodedColumn] = dataclass_field(default_factory=dict)


@dataclass(frozen=True)
class Commit:
    """The dataset as it was after one packing: its rows, and a fingerprint of all that they hold.

    `class_counts` is there where later commits know more classes: how many of each field the commit knew.
    """

    rows: int
    fingerprint: str
    class_counts: Optional[Dict[str, int]] = None


@dataclass(frozen=True)
class Files:
    """Of an indexed dataset: the field that stays in its files, and the folder that their paths start from."""

    field: str
    root: str


@dataclass(frozen=True)
class Manifest:
    """The content of dataset.json at one of its commits, as far as reading samples needs it.

    Attributes
    ----------
    rows
        samples at the commit: ids from 0 on.
    shards
        of all whole commits: a sample of an early one may lie anywhere, see `placed`.
    commits
        up to this one.
    is_whole
        False while the first packing has not finished.
    planned_rows
        rows that an unfinished packing or appending will have in the end, where that is known.
    placed
        rows and seed of each block of ids that are not rows.
    appended_rows
        rows that an unfinished append has in place, which are left out; None where there is none.
    """

    fields: Dict[str, Field]
    rows: int
    shards: Tuple[Shard, ...]
    commits: Tuple[Commit, ...]
    is_whole: bool
    planned_rows: Optional[int]
    files: Optional[Files] = None
    placed: Tuple[Tuple[int, int], ...] = ()
    appended_rows: Optional[int] = None

    @property
    def stored_rows(self) -> int:
        """Rows of all shards."""
        return sum(shard.rows for shard in self.shards)

    def at_commit(self, number: int) -> "Manifest":
        """The dataset as it was at a commit, counted from 1."""
        commit = self.commits[number - 1]
        fields = self.fields if commit.class_counts is None else _known(self.fields, commit.class_counts)
        return replace(self, fields=fields, rows=commit.rows, commits=self.commits[:number])


def _known(fields: Dict[str, Field], counts: Dict[str, int]) -> Dict[str, Field]:
    """Fields with the first classes alone."""
    return {
        name: replace(field, classes=field.classes[: counts[name]]) if name in counts else field
        for name, field in fields.items()
    }
