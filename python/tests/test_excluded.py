"""Samples that are left out: in no set, reversibly, and only where the record is the dataset's own."""

from __future__ import annotations

import json
import os
from typing import Iterable, Optional

import numpy as np
import pytest
from make_dataset import read_json

from spillway import Dataset, SpillwayError
from spillway.xxh64 import xxh64


def exclude(folder: str, ids: Iterable[int], *, rows: int, fingerprint: str, digits: Optional[str] = None) -> None:
    bits = np.zeros(rows, np.uint8)
    bits[list(ids)] = 1
    content = np.packbits(bits, bitorder="little").tobytes()
    os.makedirs(os.path.join(folder, "excluded"), exist_ok=True)
    name = f"{xxh64(content):016x}"
    with open(os.path.join(folder, "excluded", f"{name}.bits"), "wb") as file:
        file.write(content)
    record = {"format": "spillway-excluded", "version": 1, "rows": rows, "fingerprint": fingerprint}
    record.update(count=int(bits.sum()), path=f"{name}.bits", hash=digits or name)
    with open(os.path.join(folder, "excluded", "excluded.json"), "w", encoding="utf-8") as file:
        json.dump(record, file)


def commit_of(path: str) -> dict:
    last = read_json(path + "/dataset.json")["commits"][-1]
    return {"rows": last["rows"], "fingerprint": last["fingerprint"]}


def test_excluded_samples_are_in_no_set(gestures):
    whole = Dataset(gestures.path)
    train = Dataset(gestures.path, split="train").ids
    left = [0, 5, int(train[0]), len(whole) - 1]
    exclude(gestures.path, left, **commit_of(gestures.path))
    assert Dataset(gestures.path).ids.tolist() == [i for i in range(len(whole)) if i not in left]
    assert Dataset(gestures.path, split="train").ids.tolist() == [i for i in train.tolist() if i not in left]
    assert len(Dataset(gestures.path, with_excluded=True)) == len(whole)
    exclude(gestures.path, [], **commit_of(gestures.path))
    assert len(Dataset(gestures.path)) == len(whole)


def test_a_folder_of_ones_own_is_looked_into_first(gestures, tmp_path):
    exclude(str(tmp_path / "mine"), [1, 2, 3], **commit_of(gestures.path))
    assert len(Dataset(gestures.path, side=tmp_path / "mine")) == len(Dataset(gestures.path)) - 3


def test_a_record_of_other_data_or_with_other_bits_is_refused(gestures):
    commit = commit_of(gestures.path)
    exclude(gestures.path, [1], rows=commit["rows"], fingerprint="0" * 16)
    with pytest.raises(SpillwayError, match="which is no commit of") as caught:
        Dataset(gestures.path)
    assert caught.value.code == "mismatch"
    exclude(gestures.path, [1], **commit, digits="0" * 16)
    with pytest.raises(SpillwayError, match="its hash is not the one in excluded.json") as caught:
        Dataset(gestures.path)
    assert caught.value.code == "corrupt"
