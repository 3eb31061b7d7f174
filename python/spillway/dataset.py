"""`Dataset`: a packed or indexed dataset, or one split of it, in the form that PyTorch calls map-style.

Stands at the end of the path: manifest and splits say which rows, `RowReader` fetches them, here they become samples.
Rule: all that is handed out is owned by the caller, who may write into it.
"""

from __future__ import annotations

import operator
import os
import warnings
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from .content import Field, Manifest
from .delivery import DELIVERIES, Delivery
from .errors import SpillwayError
from .excluded import without_excluded
from .normalize import Normalisation, Normalize, given_normalisations, require_normalizable, standard_normalisations
from .opening import at_commit, chosen_names, describe_unfinished, open_manifest
from .rows import RowReader
from .splits import Scheme, read_bits, read_scheme, require_scheme
from .statistics import find_statistics
from .verify import verify_scheme, verify_shards

#: One sample, or a batch of them: a dict of field name to value, or a tuple of values.
Sample = Union[Dict[str, Any], Tuple[Any, ...]]

#: Numbers of samples, not a mask.
Indices = Union[Sequence[int], np.ndarray]

#: What iteration reads at once: samples, and bytes of them.
_SAMPLES_AT_ONCE = 256
_BYTES_AT_ONCE = 2**22


class Dataset:
    """Samples of a dataset that Spillway packed, read from disk when they are asked for.

    A sample is a dict: each tensor field an array of the field's shape, each class field its label as `numpy.int64`, each
    encoded image the `bytes` of its file (or what `decode` makes of them),
    and "id", the sample's number in the catalog, as `numpy.int64`. It is bound to the dataset as it was when opened:
    samples appended later are not seen. Many threads may use it; it may be forked and pickled, and then opens its files
    anew.

    Parameters
    ----------
    path
        The dataset's folder.
    split
        Name of a split of the scheme, such as "train"; None for all samples.
    scheme
        Which sharing-out `split` is of.
    fold
        Which fold is "val", from 0, where the scheme has folds; "train" is all others.
    side
        A folder of your own in which schemes are looked for first: what `spillway split --in` was given.
    fields
        Names of the fields to read, in this order; "id" may be among them. All, then "id", where None.
    as_tuple
        Samples and batches are tuples of the values, in the order of `fields`, instead of dicts:
        `fields=("data", "label"), as_tuple=True` gives the `(x, y)` that training loops expect.
    dtype
        "float32": values of tensors in this type, decoded where they were packed in fewer bits, the same numbers that
        the TypeScript library delivers. "float16": that rounded once more, for mixed precision. "original": decoded to
        the type that the values had before bits were cut, bit for bit where the encoding is lossless. "stored": the
        numbers as they were packed; `fields[name].encoding` says what they stand for. Labels and ids are always int64.
    commit
        Which commit of the dataset, counted from 1: the samples that were there then, and the classes that were known.
        None for the last one that is whole.
    source
        Of an indexed dataset: the folder with the samples' files, where it is no longer where it was.
    with_excluded
        Also samples that "spillway exclude" left out.
    normalize
        For float32 and float16. "standard": tensors as (value - mean) / std of their channels, "range": as
        (value - min) / (max - min), by the statistics of the split "train" of the same scheme and fold, whatever split
        this is; `spillway statistics` measures them. A channel that never changes is only shifted. Or a mean and a std by
        field, one number for all or one for each channel: {"wave": {"mean": [0.1, 9.8], "std": [1.2, 0.7]}}. The numbers
        are those that the TypeScript library delivers, bit for bit.
    decode
        What is made of an encoded image: a function from the bytes of its JPEG or PNG file to an array, such as
        `lambda file: np.asarray(PIL.Image.open(io.BytesIO(file)).convert("RGB").resize((224, 224)))`. Batches stack what
        it gives, so that it has to be of one shape. None for the bytes themselves: this package decodes nothing.

    Raises
    ------
    SpillwayError
        `missing` no such dataset, split, scheme or field; `corrupt` the manifest is damaged or a shard does not have
        the size that it names; `version` a newer Spillway wrote it; `mismatch` the scheme was made for other data;
        `usage` an argument makes no sense; `io` the operating system refused to read

    Warns
    -----
    UserWarning
        if packing has not finished: what is there is read. If samples are being added: what was there before is read.

    Notes
    -----
    Sizes of shards are checked on opening, each read is checked for its length. Checksums are not looked at while
    reading: XXH64 without native code is slower than reading from the page cache. `verify` checks them all.
    A field that is itself called "id" is delivered in the place of the sample's id.
    """

    def __init__(
        self,
        path: Union[str, "os.PathLike[str]"],
        split: Optional[str] = None,
        *,
        scheme: str = "main",
        fold: Optional[int] = None,
        side: Optional[Union[str, "os.PathLike[str]"]] = None,
        fields: Optional[Sequence[str]] = None,
        as_tuple: bool = False,
        dtype: str = "float32",
        commit: Optional[int] = None,
        source: "Optional[Union[str, os.PathLike[str]]]" = None,
        with_excluded: bool = False,
        normalize: Optional[Normalize] = None,
        decode: Optional[Callable[[bytes], Any]] = None,
    ) -> None:
        if dtype not in DELIVERIES:
            remedy = 'Give "float32", "float16", "original" or "stored".'
            raise SpillwayError(f"dtype is {dtype!r}", "usage", remedy)
        require_normalizable(normalize, dtype)
        self._path = os.path.abspath(os.fspath(path))
        self._manifest = at_commit(self._path, open_manifest(self._path), commit)
        self._source = None if source is None else os.path.abspath(os.fspath(source))
        if self._source is not None and self._manifest.files is None:
            what = f"{self._path} holds its samples itself, so there is no source to be told"
            raise SpillwayError(what, "usage", "Leave source out.", {"dataset": self._path})
        self._names = chosen_names(self._path, self._manifest, fields)
        self._as_tuple = as_tuple
        if decode is not None and not any(field.kind == "image" for field in self.fields.values()):
            what = "decode is for encoded images, and the samples have none"
            raise SpillwayError(what, "usage", "Leave decode out.", {"dataset": self._path})
        self._split = split
        self._scheme_name = scheme
        self._fold = fold
        self._side = None if side is None else os.path.abspath(os.fspath(side))
        if split is None and fold is not None:
            raise SpillwayError("a fold is of a split, and none is named", "usage", 'Give split="train" or "val".')
        chosen = None if split is None else read_bits(self._scheme(), split, fold)
        self._bitmap = chosen if with_excluded else without_excluded(self._path, self._manifest, chosen, self._side)
        self._count = self._manifest.rows if self._bitmap is None else len(self._bitmap)
        normalisations = self._normalisations_of(normalize)
        self._delivery = Delivery(self._manifest.fields, dtype, normalisations, decode)
        self._reader = RowReader(self._path, self._manifest, self._source)
        if not self._manifest.is_whole or (self._manifest.appended_rows is not None and commit is None):
            warnings.warn(describe_unfinished(self._path, self._manifest), stacklevel=2)

    @property
    def fields(self) -> Dict[str, Field]:
        """The fields that samples have, without the id: name to kind, stored dtype, shape, classes and encoding."""
        return {name: self._manifest.fields[name] for name in self._names if name in self._manifest.fields}

    @property
    def classes(self) -> Dict[str, List[str]]:
        """Class names of each class field that samples have: `classes["label"][label]` is a label's name."""
        return {name: list(field.classes) for name, field in self.fields.items() if field.kind == "class"}

    @property
    def splits(self) -> Dict[str, int]:
        """Splits of the scheme and how many samples each has, without folds; empty where it was never split.

        Raises
        ------
        SpillwayError
            as opening with a split does
        """
        scheme = self._known_scheme()
        return {} if scheme is None else {name: scheme.count_at(split) for name, split in scheme.splits.items()}

    @property
    def folds(self) -> int:
        """Folds of the scheme; 0 where it has none.

        Raises
        ------
        SpillwayError
            as opening with a split does
        """
        scheme = self._known_scheme()
        return 0 if scheme is None else len(scheme.folds)

    @property
    def statistics(self) -> Dict[str, Any]:
        """Figures of the split "train" of this scheme and fold, to normalise by them elsewhere too: for inference.

        Plain data, the caller's: {"view", "split", "samples", "fields": {name: {"channels": [{"count", "nonFinite",
        "min", "max", "mean", "std"}]}}}, in a field "axis" where its places are the channels, and "fold" of a fold. In
        the unit of the values, of finite values alone.

        Raises
        ------
        SpillwayError
            `missing` if none were measured, or samples were added, left out or shared out anew since; `corrupt`,
            `version`, `io`; as opening with a split does
        """
        return find_statistics(self._path, self._manifest, self._scheme(), self._fold, self._side)

    @property
    def ids(self) -> np.ndarray:
        """Ids of all samples of this split, ascending: int64 [len(self)], made anew for each call."""
        return np.arange(self._count, dtype=np.int64) if self._bitmap is None else self._bitmap.rows()

    @property
    def rows(self) -> int:
        """Samples in the whole dataset at this commit, whatever the split."""
        return self._manifest.rows

    @property
    def commit(self) -> int:
        """Number of this commit, counted from 1."""
        return len(self._manifest.commits)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of all that this commit holds, 16 hexadecimal digits; "" where nothing was packed yet."""
        return self._manifest.commits[-1].fingerprint if self._manifest.commits else ""

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Sample:
        """The sample at an index, negative ones from the end; of a list or an array of indices `batch` of them.

        Raises
        ------
        IndexError
            beyond the samples
        SpillwayError
            as `batch`
        """
        if isinstance(index, (list, np.ndarray)) and np.ndim(index) == 1:
            return self.batch(index)
        return self.__getitems__([operator.index(index)])[0]

    def __getitems__(self, indices: Indices) -> List[Sample]:
        """The samples at some indices: how PyTorch's DataLoader fetches a batch before it collates it."""
        stored = self._read(indices)
        columns = [self._delivery.each(name, stored[name]) for name in self._names]
        if self._as_tuple:
            return list(zip(*columns))
        return [dict(zip(self._names, values)) for values in zip(*columns)]

    def batch(self, indices: Indices) -> Sample:
        """The samples at some indices, stacked: several times faster than one by one.

        Parameters
        ----------
        indices
            integers [B], negative ones from the end

        Returns
        -------
        dict or tuple, as samples are
            tensors [B, ...field's shape], labels int64 [B], id int64 [B]; encoded images object [B] of `bytes`, or what
            `decode` makes of them, stacked

        Raises
        ------
        IndexError
            if one of them lies beyond the samples
        SpillwayError
            `corrupt` for a shard that ends early, with shard and sample; `missing` or `io` for one that cannot be
            opened or read; `missing` or `mismatch` for an indexed file that is gone or changed, with its sample
        """
        stored = self._read(indices)
        values = [self._delivery.batch(name, stored[name]) for name in self._names]
        return tuple(values) if self._as_tuple else dict(zip(self._names, values))

    def __iter__(self) -> Iterator[Sample]:
        """All samples in the order of their ids."""
        sample_bytes = sum(field.stride for field in self.fields.values())
        step = max(1, min(_SAMPLES_AT_ONCE, _BYTES_AT_ONCE // max(1, sample_bytes)))
        for start in range(0, self._count, step):
            yield from self.__getitems__(range(start, min(start + step, self._count)))

    def verify(self) -> None:
        """Checks every byte of the whole dataset, and of its scheme, against the stored checksums.

        Reads all shards once, whatever the split and the commit; several hundred MB/s where shards hold many samples.
        Of an index, all files are read.

        Raises
        ------
        SpillwayError
            `corrupt` at the first difference, naming shard, field and sample; `missing` or `mismatch` for an indexed
            file that is gone or changed
        """
        verify_shards(self._path, self._manifest, self._source)
        scheme = self._known_scheme()
        if scheme is not None:
            verify_scheme(scheme)

    def close(self) -> None:
        """Closes the open files of this process. The dataset stays usable: they are opened again when needed."""
        self._reader.close()

    def __repr__(self) -> str:
        split = "" if self._split is None else f", split={self._split!r}"
        split += "" if self._fold is None else f", fold={self._fold}"
        fields = ", ".join(
            f"{name}: {len(field.classes)} classes"
            if field.kind == "class"
            else f"{name}: {field.dtype}{list(field.shape)}"
            for name, field in self.fields.items()
        )
        return f"<spillway.Dataset {self._path!r}{split}: {self._count} samples of {fields}>"

    def _known_scheme(self) -> Optional[Scheme]:
        return read_scheme(self._path, self._manifest, self._scheme_name, self._side)

    def _scheme(self) -> Scheme:
        return require_scheme(self._path, self._manifest, self._scheme_name, self._side)

    def _read(self, indices: Indices) -> Dict[str, np.ndarray]:
        """Values of all chosen fields and the id, in stored dtypes, [B, ...]."""
        places = _places(indices, self._count)
        ids = places if self._bitmap is None else self._bitmap.select(places)
        stored = self._reader.read([name for name in self._names if name in self._manifest.fields], ids)
        if "id" in self._names and "id" not in stored:
            stored["id"] = ids
        return stored

    def _normalisations_of(self, normalize: Optional[Normalize]) -> Dict[str, Normalisation]:
        if normalize is None:
            return {}
        if not isinstance(normalize, str):
            return given_normalisations(normalize, self._manifest.fields)
        if self._split is None:
            what = f'normalize="{normalize}" goes by the statistics of a training split, and this dataset is of no split'
            remedy = 'Open a split: split="train"; or give mean and std by field.'
            raise SpillwayError(what, "usage", remedy, {"dataset": self._path})
        return standard_normalisations(normalize, self.statistics, self._manifest.fields)


def _places(indices: Indices, count: int) -> np.ndarray:
    """Indices as int64 [B] from 0 to count - 1, in an array of their own."""
    given = np.asarray(indices)
    if given.ndim != 1 or (given.size and not np.issubdtype(given.dtype, np.integer)):
        raise TypeError(f"indices must be a list of integers, not {given.dtype} of shape {given.shape}")
    places = given.astype(np.int64)
    beyond = (places < -count) | (places >= count)
    if beyond.any():
        raise IndexError(f"index {given[beyond][0]} is beyond the {count} samples")
    places[places < 0] += count
    return places
