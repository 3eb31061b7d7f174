"""A second, independent writer of the format, for tests: plain Python and numpy, written from FORMAT.md.

Shards have zeros where the Arrow header would be: a reader goes by the manifest alone.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from spillway.xxh64 import xxh64

BLOCK = 4096


@dataclass
class IndexOf:
    """Files that hold one field's records: by sample, the path from `root` and the byte where the record starts."""

    field: str
    root: str
    paths: Sequence[str]
    start_bytes: Sequence[int]


def tensor(array: np.ndarray, encoding: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    """A tensor field: the array holds all samples, [rows, ...], as they are stored; `encoding` as in FORMAT.md."""
    field = {"kind": "tensor", "dtype": array.dtype.name, "shape": list(array.shape[1:]), "values": array}
    return field if encoding is None else {**field, "encoding": encoding}


def classes(labels: Sequence[int], names: Sequence[str], dtype: str = "uint8") -> Dict[str, Any]:
    """A class field: one label per sample."""
    return {"kind": "class", "dtype": dtype, "classes": list(names), "values": np.asarray(labels, dtype)}


def make_dataset(
    folder: Any,
    fields: Dict[str, Dict[str, Any]],
    rows_per_shard: Sequence[int],
    splits: Optional[Dict[str, Sequence[int]]] = None,
    packing: Optional[Dict[str, Any]] = None,
    index_of: Optional[IndexOf] = None,
) -> str:
    """Writes a dataset of the given arrays, in the order of the rows; `splits` are ids by name, of the scheme main.

    With `index_of` the field that it names is left in its files, and `shards` become indexes. Gives the folder.
    """
    folder = os.fspath(folder)
    os.makedirs(os.path.join(folder, "shards" if index_of is None else "index"))
    rows = sum(rows_per_shard)
    shards: List[Dict[str, Any]] = []
    first = 0
    for index, count in enumerate(rows_per_shard):
        columns = {name: field["values"][first : first + count] for name, field in fields.items()}
        if index_of is None:
            shards.append(_write_shard(folder, index, columns))
        else:
            shards.append(_write_index(folder, index, columns, index_of, first))
        first += count
    fingerprint = f"{xxh64(''.join(shard['sums']['hash'] for shard in shards).encode()):016x}"
    manifest = {
        "format": "spillway",
        "version": 1,
        "fields": _described(fields),
        "layout": {"kind": "source"},
        "source": {"kind": "test", "fingerprint": "0" * 16},
        "rows": rows,
        "shards": shards,
        "catalog": [],
        "commits": [{"rows": rows, "fingerprint": fingerprint}],
    }
    if packing is not None:
        manifest["packing"] = packing
    if index_of is not None:
        manifest["files"] = {"field": index_of.field, "root": index_of.root}
    write_json(os.path.join(folder, "dataset.json"), manifest)
    if splits is not None:
        write_scheme(folder, "main", rows, fingerprint, splits)
    return folder


def write_scheme(
    folder: str,
    scheme: str,
    rows: int,
    fingerprint: str,
    splits: Dict[str, Sequence[int]],
    folds: Sequence[Sequence[int]] = (),
    history: Sequence[Dict[str, Any]] = (),
) -> None:
    """Writes splits/SCHEME.json and its files of bits; `history` are earlier commits, {"rows", "fingerprint"}."""
    os.makedirs(os.path.join(folder, "splits"), exist_ok=True)

    def write_part(name: str, members: Sequence[int]) -> Dict[str, Any]:
        bits = _bits_of(members, rows)
        digits = f"{xxh64(bits):016x}"
        path = f"{scheme}.{name}-{digits}.bits"
        with open(os.path.join(folder, "splits", path), "wb") as file:
            file.write(bits)
        earlier = [[row for row in members if row < commit["rows"]] for commit in history]
        hashes = [f"{xxh64(_bits_of(rest, commit['rows'])):016x}" for rest, commit in zip(earlier, history)]
        past = [{"count": len(rest), "hash": value} for rest, value in zip(earlier, hashes)]
        return {"count": len(members), "path": path, "hash": digits, "history": past}

    content = {
        "format": "spillway-split",
        "version": 1,
        "scheme": scheme,
        "rows": rows,
        "fingerprint": fingerprint,
        "seed": 0,
        "rule": {"kind": "shares", "shares": {name: len(members) / rows for name, members in splits.items()}},
        "history": list(history),
        "splits": {name: write_part(name, members) for name, members in splits.items()},
        "folds": [write_part(f"fold-{index}", members) for index, members in enumerate(folds)],
    }
    write_json(os.path.join(folder, "splits", scheme + ".json"), content)


def _bits_of(members: Sequence[int], rows: int) -> bytes:
    is_member = np.zeros(rows, np.uint8)
    is_member[list(members)] = 1
    return np.packbits(is_member, bitorder="little").tobytes()


def read_json(path: str) -> Dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(path: str, value: Any) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)


def change_json(path: str, **members: Any) -> None:
    """Replaces members of a JSON file."""
    write_json(path, {**read_json(path), **members})


def append_to(
    folder: str, fields: Dict[str, Dict[str, Any]], rows_per_shard: Sequence[int], finished: bool = True
) -> None:
    """Adds shards and a commit to a dataset that `make_dataset` made, or the first shards of an unfinished one."""
    path = os.path.join(folder, "dataset.json")
    manifest = read_json(path)
    before = manifest["rows"]
    first = 0
    for count in rows_per_shard:
        columns = {name: field["values"][first : first + count] for name, field in fields.items()}
        manifest["shards"].append(_write_shard(folder, len(manifest["shards"]), columns))
        first += count
    known = {name: len(field["classes"]) for name, field in manifest["fields"].items() if field["kind"] == "class"}
    manifest["fields"] = _described(fields)
    now = {name: len(field["classes"]) for name, field in fields.items() if field["kind"] == "class"}
    if now != known:
        for commit in manifest["commits"]:
            commit.setdefault("classes", known)
    manifest["rows"] = before + first
    commit = {"rows": manifest["rows"], "fingerprint": f"{manifest['rows']:016x}"}
    manifest["commits"].append({**commit, "source": manifest["source"]})
    if not finished:
        manifest["packing"] = {"rows": None, "before": before}
    write_json(path, manifest)


def _described(fields: Dict[str, Dict[str, Any]]) -> Dict[str, Any]:
    return {name: {key: value for key, value in field.items() if key != "values"} for name, field in fields.items()}


def _write_shard(folder: str, index: int, columns: Dict[str, np.ndarray]) -> Dict[str, Any]:
    content = bytearray(BLOCK)
    places, sums = _columns(content, columns)
    content += b"\0\0\0\0ARROW1"
    rows = len(next(iter(columns.values())))
    return _write_files(folder, f"shards/{index:05}", content, sums, {"rows": rows, "columns": places})


def _write_index(
    folder: str, index: int, columns: Dict[str, np.ndarray], index_of: IndexOf, first: int
) -> Dict[str, Any]:
    rows = len(next(iter(columns.values())))
    content = bytearray(BLOCK)
    stored = {name: values for name, values in columns.items() if name != index_of.field}
    places, stored_sums = _columns(content, stored)
    records = columns[index_of.field]
    paths = list(index_of.paths)[first : first + rows]
    stats = [os.stat(os.path.join(index_of.root, path)) for path in paths]
    starts = list(index_of.start_bytes)[first : first + rows]
    file_places = [[start, stat.st_size, stat.st_mtime_ns // 1000] for start, stat in zip(starts, stats)]
    encoded = [path.encode() for path in paths]
    files = {}
    for name, part in (
        ("places", np.array(file_places, "<i8").tobytes()),
        ("offsets", np.cumsum([0, *(len(path) for path in encoded)]).astype("<i4").tobytes()),
        ("paths", b"".join(encoded)),
    ):
        content += bytes(-len(content) % BLOCK)
        files[name] = len(content)
        content += part
    files["pathBytes"] = sum(len(path) for path in encoded)
    sums: List[int] = []
    for name in columns:
        if name == index_of.field:
            sums += [xxh64(record.astype(record.dtype.newbyteorder("<")).tobytes()) for record in records]
        else:
            sums += stored_sums[name]
    entry = {"rows": rows, "columns": places, "files": files}
    return _write_files(folder, f"index/{index:05}", content, {"all": sums}, entry)


def _columns(content: bytearray, columns: Dict[str, np.ndarray]) -> Tuple[Dict[str, Any], Dict[str, List[int]]]:
    """Adds columns to a file's content; gives their places and their sums."""
    places = {}
    sums: Dict[str, List[int]] = {}
    for name, values in columns.items():
        content += bytes(-len(content) % BLOCK)
        column = values.astype(values.dtype.newbyteorder("<")).tobytes()
        stride = len(column) // len(values)
        places[name] = {"start": len(content), "stride": stride}
        content += column
        run_bytes = max(1, 4096 // stride) * stride
        sums[name] = [xxh64(column[at : at + run_bytes]) for at in range(0, len(column), run_bytes)]
    return places, sums


def _write_files(
    folder: str, name: str, content: bytes, sums: Dict[str, List[int]], entry: Dict[str, Any]
) -> Dict[str, Any]:
    with open(os.path.join(folder, name + ".arrow"), "wb") as file:
        file.write(content)
    packed_sums = np.array([value for values in sums.values() for value in values], "<u8").tobytes()
    with open(os.path.join(folder, name + ".sums"), "wb") as file:
        file.write(packed_sums)
    return {
        "path": name + ".arrow",
        "bytes": len(content),
        "sums": {"path": name + ".sums", "bytes": len(packed_sums), "hash": f"{xxh64(packed_sums):016x}"},
        **entry,
    }
