"""A second, independent writer of the format, for tests: plain Python and numpy, written from FORMAT.md.

Shards have zeros where the Arrow header would be: a reader goes by the manifest alone.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from spillway.xxh64 import xxh64

BLOCK = 4096


def tensor(array: np.ndarray) -> Dict[str, Any]:
    """A tensor field: the array holds all samples, [rows, ...]."""
    return {"kind": "tensor", "dtype": array.dtype.name, "shape": list(array.shape[1:]), "values": array}


def classes(labels: Sequence[int], names: Sequence[str], dtype: str = "uint8") -> Dict[str, Any]:
    """A class field: one label per sample."""
    return {"kind": "class", "dtype": dtype, "classes": list(names), "values": np.asarray(labels, dtype)}


def make_dataset(
    folder: Any,
    fields: Dict[str, Dict[str, Any]],
    rows_per_shard: Sequence[int],
    splits: Optional[Dict[str, Sequence[int]]] = None,
    packing: Optional[Dict[str, Any]] = None,
) -> str:
    """Writes a dataset of the given arrays; `splits` are rows by name, of the scheme main. Gives the folder."""
    folder = os.fspath(folder)
    os.makedirs(os.path.join(folder, "shards"))
    rows = sum(rows_per_shard)
    shards: List[Dict[str, Any]] = []
    first = 0
    for index, count in enumerate(rows_per_shard):
        shards.append(
            _write_shard(
                folder, index, {name: field["values"][first : first + count] for name, field in fields.items()}
            )
        )
        first += count
    fingerprint = f"{xxh64(''.join(shard['sums']['hash'] for shard in shards).encode()):016x}"
    manifest = {
        "format": "spillway",
        "version": 1,
        "fields": {
            name: {key: value for key, value in field.items() if key != "values"} for name, field in fields.items()
        },
        "layout": {"kind": "source"},
        "source": {"kind": "test", "fingerprint": "0" * 16},
        "rows": rows,
        "shards": shards,
        "catalog": [],
        "commits": [{"rows": rows, "fingerprint": fingerprint}],
    }
    if packing is not None:
        manifest["packing"] = packing
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


def _write_shard(folder: str, index: int, columns: Dict[str, np.ndarray]) -> Dict[str, Any]:
    path = f"shards/{index:05}.arrow"
    content = bytearray(BLOCK)
    places = {}
    sums: List[int] = []
    for name, values in columns.items():
        content += bytes(-len(content) % BLOCK)
        column = values.astype(values.dtype.newbyteorder("<")).tobytes()
        stride = len(column) // len(values)
        places[name] = {"start": len(content), "stride": stride}
        content += column
        run_bytes = max(1, 4096 // stride) * stride
        sums += [xxh64(column[at : at + run_bytes]) for at in range(0, len(column), run_bytes)]
    content += b"\0\0\0\0ARROW1"
    with open(os.path.join(folder, path), "wb") as file:
        file.write(content)
    packed_sums = np.array(sums, "<u8").tobytes()
    sums_path = f"shards/{index:05}.sums"
    with open(os.path.join(folder, sums_path), "wb") as file:
        file.write(packed_sums)
    return {
        "path": path,
        "rows": len(next(iter(columns.values()))),
        "bytes": len(content),
        "columns": places,
        "sums": {"path": sums_path, "bytes": len(packed_sums), "hash": f"{xxh64(packed_sums):016x}"},
    }
