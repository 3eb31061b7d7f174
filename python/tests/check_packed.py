#!/usr/bin/env python3
"""Compares a packed dataset, sample by sample, with the folder of .npy files that it was packed from.

    python python/tests/check_packed.py DATASET SOURCE_FOLDER

SOURCE_FOLDER has one sub-folder per class with one .npy file per sample; DATASET was packed, indexed, compacted or
appended from it by the TypeScript library with the fields "data" and "label" and unchanged dtypes. Checked: all sums,
every sample's bytes and class, that splits share no sample, and, where pyarrow is installed, that every shard is a
valid Arrow file with the same numbers, that an index says where its records are, and that the catalog tells the truth.
Exits with 0 if all agree, with 1 and the first difference if not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from typing import Dict, List, Optional

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from spillway import Dataset, SpillwayError  # noqa: E402
from spillway.splits import scheme_names  # noqa: E402
from spillway.permutation import Placement  # noqa: E402
from spillway.xxh64 import xxh64  # noqa: E402

try:
    import pyarrow
    import pyarrow.ipc
    import pyarrow.parquet
except ImportError:
    pyarrow = None

_SAMPLES_AT_ONCE = 256


class Difference(Exception):
    """Dataset and source do not agree; the message says in what."""


def source_files(source: str) -> List[str]:
    """Paths of all .npy files, relative to the source, with /."""
    found = []
    for folder, _, names in os.walk(source):
        for name in names:
            if name.endswith(".npy"):
                found.append(os.path.relpath(os.path.join(folder, name), source).replace(os.sep, "/"))
    return sorted(found)


def load(source: str, path: str) -> np.ndarray:
    """A file's array, row-major, in the byte order of this machine."""
    array = np.load(os.path.join(source, path))
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))


def class_of(path: str) -> str:
    """Name of the sub-folder that a file lies in."""
    return path.split("/")[-2]


def read_catalog(folder: str) -> Optional[Dict[str, list]]:
    """All columns of the catalog, or None without pyarrow or without a catalog."""
    parts = os.path.join(folder, "catalog")
    if pyarrow is None or not os.path.isdir(parts):
        return None
    tables = [
        pyarrow.parquet.read_table(os.path.join(parts, name))
        for name in sorted(os.listdir(parts))
        if name.endswith(".parquet")
    ]
    return pyarrow.concat_tables(tables).to_pydict() if tables else None


def check_samples(dataset: Dataset, source: str, catalog: Optional[Dict[str, list]]) -> None:
    """Compares every sample with its file, or, without a catalog, all samples with all files."""
    files = source_files(source)
    if len(files) != len(dataset):
        raise Difference(f"{len(files)} files, {len(dataset)} samples")
    names = dataset.classes["label"]
    if sorted(names) != sorted({class_of(path) for path in files}):
        raise Difference(f"sub-folders {sorted({class_of(path) for path in files})}, classes {names}")
    if catalog is None:
        _check_as_multisets(dataset, source, files)
        return
    if catalog["id"] != list(range(len(dataset))):
        raise Difference("the ids of the catalog are not 0, 1, 2, ...")
    if sorted(catalog["path"]) != files:
        raise Difference("the paths of the catalog are not the files of the source")
    for index, sample in enumerate(dataset):
        path = catalog["path"][index]
        expected = load(source, path)
        _check_array(f"sample {index} ({path})", sample["data"], expected)
        name = names[sample["label"]]
        if not name == class_of(path) == catalog["label"][index]:
            raise Difference(f'sample {index} ({path}) has class "{name}", in the catalog "{catalog["label"][index]}"')
        content = xxh64(expected.tobytes())
        if catalog["hash"][index] != content:
            raise Difference(f"sample {index} ({path}) has hash {content}, in the catalog {catalog['hash'][index]}")


def _check_as_multisets(dataset: Dataset, source: str, files: List[str]) -> None:
    names = dataset.classes["label"]
    first = load(source, files[0])
    _check_array("the first sample, but for its values,", np.zeros_like(dataset[0]["data"]), np.zeros_like(first))
    packed = Counter((names[sample["label"]], hash(sample["data"].tobytes())) for sample in dataset)
    packed.subtract((class_of(path), hash(load(source, path).tobytes())) for path in files)
    different = sum(abs(count) for count in packed.values())
    if different:
        raise Difference(f"{different} samples and files have no partner")


def _check_array(what: str, found: np.ndarray, expected: np.ndarray) -> None:
    # Bytes, not values: a NaN must come back as the same NaN.
    if found.dtype != expected.dtype or found.shape != expected.shape or found.tobytes() != expected.tobytes():
        raise Difference(
            f"{what} is {found.dtype}{list(found.shape)} with other bytes than {expected.dtype}{list(expected.shape)}"
        )


def check_splits(folder: str) -> int:
    """Checks that the splits and folds of each scheme share no sample, and have as many as they say; counts them."""
    checked = 0
    for scheme in scheme_names(folder):
        dataset = Dataset(folder, scheme=scheme)
        seen = np.zeros(dataset.rows, bool)
        parts = [(name, None, count) for name, count in dataset.splits.items()]
        parts += [("val", fold, None) for fold in range(dataset.folds)]
        in_folds = 0
        for name, fold, count in parts:
            ids = Dataset(folder, split=name, scheme=scheme, fold=fold).ids
            if count not in (None, len(ids)) or seen[ids].any():
                raise Difference(f'split "{name}" of {len(ids)} samples shares some with another')
            seen[ids] = True
            in_folds += 0 if fold is None else len(ids)
        for fold in range(dataset.folds):
            train, val = [len(Dataset(folder, split=name, scheme=scheme, fold=fold)) for name in ("train", "val")]
            if train + val != in_folds:
                raise Difference(f"fold {fold} has {train} and {val} samples, all folds {in_folds}")
        dataset.verify()
        checked += len(parts)
    return checked


def check_arrow(dataset: Dataset, folder: str, source: str) -> None:
    """Reads every shard with pyarrow, validates it in full, and compares its numbers with those that we read."""
    with open(os.path.join(folder, "dataset.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    in_files = manifest["files"]["field"] if "files" in manifest else None
    stored = [name for name in dataset.fields if name != in_files]
    placement = Placement([(block["rows"], block["seed"]) for block in manifest.get("placed", [])])
    first = 0
    for shard in manifest["shards"]:
        name = shard["path"]
        try:
            with pyarrow.OSFile(os.path.join(folder, name)) as file:
                table = pyarrow.ipc.open_file(file).read_all()
            table.validate(full=True)
        except pyarrow.ArrowException as cause:
            raise Difference(f"{name} is no valid Arrow file: {cause}") from cause
        columns = stored if in_files is None else [*stored, "place", "path"]
        if table.column_names != columns:
            raise Difference(f"{name} has the columns {table.column_names}, expected are {columns}")
        for start in range(0, table.num_rows, _SAMPLES_AT_ONCE):
            count = min(_SAMPLES_AT_ONCE, table.num_rows - start)
            ours = dataset.batch(placement.ids_of(np.arange(first + start, first + start + count)))
            for field_name in stored:
                field = dataset.fields[field_name]
                column = table.column(field_name).slice(start, count).combine_chunks()
                theirs = _numpy_of(column, f'{name}, "{field_name}"', field.shape)
                # Arrow has no bool of one byte: FORMAT.md stores those as uint8.
                expected = ours[field_name].astype("uint8" if field.dtype == "bool" else field.dtype)
                _check_array(f'{name}, "{field_name}", rows {start} to {start + count - 1}', theirs, expected)
            if in_files is not None:
                _check_places(name, table.slice(start, count), ours[in_files], source)
        first += table.num_rows
    if first != len(dataset):
        raise Difference(f"shards have {first} rows, the dataset {len(dataset)}")


def _check_places(name: str, table, records: np.ndarray, source: str) -> None:
    """Reads records of an index where its columns say that they are."""
    places, paths = table.column("place").to_pylist(), table.column("path").to_pylist()
    for (start_byte, byte_length, modified_us), path, record in zip(places, paths, records):
        full = os.path.join(source, path)
        found = os.stat(full)
        if found.st_size != byte_length or abs(found.st_mtime_ns // 1000 - modified_us) > 1:
            raise Difference(f"{name}: {path} is not of the size and time that are told")
        with open(full, "rb") as file:
            file.seek(start_byte)
            if file.read(record.nbytes) != record.tobytes():
                raise Difference(f"{name}: {path} has other bytes at {start_byte} than the sample")


def _numpy_of(column, what: str, shape) -> np.ndarray:
    if column.null_count:
        raise Difference(f"{what} has {column.null_count} nulls")
    if not shape:
        return column.to_numpy(zero_copy_only=False)
    if not isinstance(column.type, pyarrow.FixedShapeTensorType) or tuple(column.type.shape) != tuple(shape):
        raise Difference(f"{what} is {column.type}, not a fixed_shape_tensor of {list(shape)}")
    return column.to_numpy_ndarray()


def check(folder: str, source: str) -> List[str]:
    """Does all checks; gives what was checked, in words. Raises `Difference` or `SpillwayError`."""
    dataset = Dataset(folder, dtype="stored")
    dataset.verify()
    catalog = read_catalog(folder)
    check_samples(dataset, source, catalog)
    splits = check_splits(folder)
    way = "as sets, without a catalog" if catalog is None else "each with its file"
    done = [f"{len(dataset)} samples {way}", f"{splits} splits", "all sums"]
    if pyarrow is None:
        print("pyarrow is not installed: shards were not read as Arrow files", file=sys.stderr)
    else:
        check_arrow(dataset, folder, source)
        done.append("shards as Arrow files")
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("dataset")
    parser.add_argument("source")
    arguments = parser.parse_args()
    try:
        done = check(arguments.dataset, arguments.source)
    except (Difference, SpillwayError) as error:
        print(f"{arguments.dataset}: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.dataset} agrees with {arguments.source}: {', '.join(done)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
