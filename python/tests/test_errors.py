"""Refusals: each names what, where and what to do."""

from __future__ import annotations

import json
import os
import pickle

import numpy as np
import pytest
from make_dataset import change_json, make_dataset, read_json, tensor, write_json, write_scheme

from spillway import Dataset, SpillwayError, rows


def _refusal(*arguments, **options) -> SpillwayError:
    with pytest.raises(SpillwayError) as raised:
        Dataset(*arguments, **options)
    error = raised.value
    assert str(error) == f"{error.what}. {error.remedy}" and error.remedy.endswith(".")
    return error


def test_a_folder_that_is_not_there(tmp_path):
    error = _refusal(tmp_path / "nowhere")
    assert error.code == "missing" and "nowhere is not there" in error.what


def test_a_folder_that_is_no_dataset(tmp_path):
    error = _refusal(tmp_path)
    assert error.code == "missing" and "it has no dataset.json" in error.what


def test_a_newer_format(gestures):
    write_json(gestures.path + "/dataset.json", {"format": "spillway", "version": 3, "anything": []})
    error = _refusal(gestures.path)
    assert error.code == "version"
    assert "has format version 3, this Spillway reads up to 2. Update Spillway" in str(error)


def _without(manifest, member):
    return {key: value for key, value in manifest.items() if key != member}


def _changed(manifest, member, **changes):
    first, *others = manifest[member]
    return {**manifest, member: [{**first, **changes}, *others]}


DAMAGES = {
    "content is not an object": lambda m: [],
    "format is 'flood', not one of spillway": lambda m: {**m, "format": "flood"},
    "version is 1.5": lambda m: {**m, "version": 1.5},
    "version is 0, not a whole number from 1 to 2": lambda m: {**m, "version": 0},
    "fields is not an object": lambda m: _without(m, "fields"),
    "rows is -1": lambda m: {**m, "rows": -1},
    "rows is True": lambda m: {**m, "rows": True},
    "shards hold 100 rows, the dataset 101": lambda m: {**m, "rows": 101},
    "the last commit has 99 rows": lambda m: _changed(m, "commits", rows=99),
    "commits.0.fingerprint is not 16 hexadecimal digits": lambda m: _changed(m, "commits", fingerprint="x"),
    "shards.0.path '../elsewhere' leads out of the dataset": lambda m: _changed(m, "shards", path="../elsewhere"),
    "shards.0.path '/etc/passwd' leads out": lambda m: _changed(m, "shards", path="/etc/passwd"),
    "does not lie within its 4096 bytes": lambda m: _changed(m, "shards", bytes=4096),
    "shards.0.rows is 0": lambda m: _changed(m, "shards", rows=0),
    "has a stride of 8, its records 1600 bytes": lambda m: _changed(
        m, "shards", columns={**m["shards"][0]["columns"], "data": {"start": 4096, "stride": 8}}
    ),
    'column "label" of shards/00000.arrow is not an object': lambda m: _changed(
        m, "shards", columns=_without(m["shards"][0]["columns"], "label")
    ),
    'field "data" has the unknown member "scale"': lambda m: {
        **m,
        "fields": {**m["fields"], "data": {**m["fields"]["data"], "scale": 0.5}},
    },
    "dtype of field \"data\" is 'complex64'": lambda m: {
        **m,
        "fields": {**m["fields"], "data": {**m["fields"]["data"], "dtype": "complex64"}},
    },
    'a record of field "data" has': lambda m: {
        **m,
        "fields": {**m["fields"], "data": {"kind": "tensor", "dtype": "int8", "shape": [2**31 - 1] * 16}},
    },
}


@pytest.mark.parametrize("why", DAMAGES)
def test_a_damaged_manifest(gestures, why):
    path = gestures.path + "/dataset.json"
    write_json(path, DAMAGES[why](read_json(path)))
    error = _refusal(gestures.path)
    assert error.code == "corrupt" and error.where["path"] == path
    assert why in error.what


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"1" * 10_000])
def test_a_manifest_that_is_no_json(gestures, content):
    with open(gestures.path + "/dataset.json", "wb") as file:
        file.write(content)
    error = _refusal(gestures.path)
    assert error.code == "corrupt" and ("it is no JSON" in error.what or "not an object" in error.what)


def test_any_bytes_in_place_of_the_manifest_give_a_dataset_or_our_error(gestures):
    path = gestures.path + "/dataset.json"
    with open(path, "rb") as file:
        whole = file.read()
    random = np.random.default_rng(5)
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(random.integers(1, 4)):
            content[random.integers(len(content))] = random.integers(256)
        with open(path, "wb") as file:
            file.write(content[: random.integers(1, len(content) + 1)] if random.random() < 0.3 else content)
        try:
            dataset = Dataset(gestures.path)
            assert len(list(dataset)) == len(dataset)
        except SpillwayError as error:
            assert error.code in ("corrupt", "missing", "version", "io")


def test_a_truncated_shard_is_found_on_opening(gestures):
    path = gestures.path + "/shards/00001.arrow"
    size = os.path.getsize(path)
    os.truncate(path, size - 1)
    error = _refusal(gestures.path)
    assert error.code == "corrupt" and error.where["shard"] == "shards/00001.arrow"
    assert f"has {size - 1} bytes, expected {size}" in error.what


def test_a_shard_that_is_not_there(gestures):
    os.remove(gestures.path + "/shards/00002.arrow")
    error = _refusal(gestures.path)
    assert error.code == "missing" and error.where["shard"] == "shards/00002.arrow"


def test_a_shard_cut_short_while_it_is_open_names_the_sample(gestures):
    dataset = Dataset(gestures.path)
    dataset[40]
    os.truncate(gestures.path + "/shards/00001.arrow", 4096 + 10 * 1600 + 7)
    assert dataset[49]["id"] == 49
    with pytest.raises(
        SpillwayError, match=r'00001.arrow ends at byte 20103, expected 69682: "data" of sample 50 is not whole'
    ) as raised:
        dataset.batch(np.arange(45, 60))
    assert raised.value.code == "corrupt"
    assert raised.value.where == {
        "dataset": gestures.path,
        "shard": "shards/00001.arrow",
        "field": "data",
        "sample": 50,
        "endByte": 20103,
    }


def test_an_unknown_split_names_those_that_are_there(gestures):
    error = _refusal(gestures.path, split="test")
    assert error.code == "missing" and error.remedy == "Its splits are: train, val."


def test_an_unknown_scheme_names_those_that_are_there(gestures):
    error = _refusal(gestures.path, split="train", scheme="folds")
    assert error.code == "missing" and error.remedy == "Its schemes are: main."
    assert Dataset(gestures.path, scheme="folds").splits == {}


def test_a_dataset_that_was_never_split(tmp_path):
    path = make_dataset(tmp_path / "set", {"x": tensor(np.zeros((3, 2)))}, [3])
    error = _refusal(path, split="train")
    assert error.code == "missing" and "spillway split" in error.remedy
    assert Dataset(path).splits == {}


@pytest.mark.parametrize("scheme", ["", "../main", "a/b", ".main"])
def test_a_name_that_is_no_scheme(gestures, scheme):
    assert _refusal(gestures.path, split="train", scheme=scheme).code == "usage"


def test_an_unknown_field_names_those_that_are_there(gestures):
    error = _refusal(gestures.path, fields=["wave"])
    assert error.code == "missing" and error.remedy == "Its fields are: data, label."


def test_a_scheme_made_for_other_data(gestures):
    write_scheme(gestures.path, "main", 100, "f" * 16, {"train": range(10)})
    error = _refusal(gestures.path, split="train")
    assert error.code == "mismatch"
    assert "100 samples with fingerprint ffffffffffffffff" in error.what
    assert f"has 100 with fingerprint {Dataset(gestures.path).fingerprint}" in error.what


def test_a_scheme_made_for_fewer_samples_of_no_commit(gestures):
    write_scheme(gestures.path, "main", 60, Dataset(gestures.path).fingerprint, {"train": range(10)})
    assert _refusal(gestures.path, split="train").code == "mismatch"


def test_a_scheme_of_an_earlier_commit_covers_the_first_rows(gestures):
    path = gestures.path + "/dataset.json"
    change_json(path, commits=[{"rows": 60, "fingerprint": "a" * 16}, *read_json(path)["commits"]])
    write_scheme(gestures.path, "main", 60, "a" * 16, {"train": range(0, 60, 2)})
    assert Dataset(gestures.path, split="train").ids.tolist() == list(range(0, 60, 2))


def test_folds_that_are_not_there(gestures):
    fingerprint = Dataset(gestures.path).fingerprint
    write_scheme(gestures.path, "folds", 100, fingerprint, {"test": [0]}, folds=[range(1, 50), range(50, 100)])
    folds = {"scheme": "folds"}
    error = _refusal(gestures.path, split="train", fold=0)
    assert (error.code, error.remedy) == ("usage", "Leave fold out: its splits are train, val.")
    for fold in (2, -1, True, 0.0):
        error = _refusal(gestures.path, split="val", fold=fold, **folds)
        assert (error.code, error.remedy) == ("usage", "Use 0 to 1.") and f"has no fold {fold!r}" in error.what
    error = _refusal(gestures.path, split="val", **folds)
    assert error.code == "usage" and error.remedy == "Say which one is val: fold=0 to 1."
    error = _refusal(gestures.path, split="dev", fold=0, **folds)
    assert error.code == "missing" and error.remedy == "Its splits are: test, train, val."
    error = _refusal(gestures.path, fold=0, **folds)
    assert error.code == "usage" and error.what == "a fold is of a split, and none is named"


def test_a_scheme_that_contradicts_itself(gestures):
    path = gestures.path + "/splits/main.json"
    fingerprint = "a" * 16
    change_json(path, history=[{"rows": 60, "fingerprint": fingerprint}])
    error = _refusal(gestures.path, split="train")
    assert error.code == "corrupt" and 'split "train" tells of 0 earlier commits, the scheme of 1' in error.what
    change_json(path, history={})
    assert "history is not a list" in _refusal(gestures.path, split="train").what
    change_json(path, history=[], folds=None)
    assert "folds is not a list" in _refusal(gestures.path, split="train").what


def test_damaged_bits(gestures):
    split = read_json(gestures.path + "/splits/main.json")["splits"]["train"]
    path = f"{gestures.path}/splits/{split['path']}"
    with open(path, "rb") as file:
        bits = file.read()
    for content, why in [
        (bits[:-1], "it has 12 bytes, expected 13"),
        (bits + b"\0", "it has more than 13 bytes"),
        (bits[:-1] + bytes([bits[-1] | 0x80]), "it has bits beyond the 100 rows"),
        (bytes([bits[0] ^ 1]) + bits[1:], "bits are set, expected 80"),
    ]:
        with open(path, "wb") as file:
            file.write(content)
        error = _refusal(gestures.path, split="train")
        assert error.code == "corrupt" and why in error.what
    os.remove(path)
    assert _refusal(gestures.path, split="train").code == "missing"


def test_a_split_outside_the_splits_folder(gestures):
    path = gestures.path + "/splits/main.json"
    scheme = read_json(path)
    scheme["splits"]["train"]["path"] = "../dataset.json"
    write_json(path, scheme)
    error = _refusal(gestures.path, split="train")
    assert error.code == "corrupt" and "is no name of a file in splits/" in error.what


def test_a_newer_scheme(gestures):
    change_json(gestures.path + "/splits/main.json", version=9)
    assert _refusal(gestures.path, split="train").code == "version"


def test_an_unfinished_pack_is_read_with_a_warning(gestures):
    change_json(gestures.path + "/dataset.json", packing={"rows": 250})
    with pytest.warns(UserWarning, match="is not whole: packing has not finished, 100 of 250 samples are there"):
        dataset = Dataset(gestures.path)
    assert len(dataset) == 100


def test_verify_passes_what_is_whole(gestures):
    Dataset(gestures.path).verify()


@pytest.mark.parametrize(
    ("place", "field", "sample", "shown"),
    [
        (4096, "data", 40, "samples 40 to 41"),
        (4096 + 1600 * 40 - 1, "data", 78, "samples 78 to 79"),
        (69632 + 39, "label", 40, "samples 40 to 79"),
    ],
)
def test_verify_finds_a_flipped_bit(gestures, place, field, sample, shown):
    path = gestures.path + "/shards/00001.arrow"
    _flip(path, place)
    with pytest.raises(SpillwayError) as raised:
        Dataset(gestures.path).verify()
    assert raised.value.code == "corrupt"
    assert raised.value.where == {
        "dataset": gestures.path,
        "shard": "shards/00001.arrow",
        "field": field,
        "sample": sample,
    }
    assert f'("{field}" of {shown})' in raised.value.what


def test_verify_names_the_one_sample_of_a_large_record(tmp_path):
    # 2,500 records of 4,104 bytes: more runs than are hashed at once, and a rest of 8 bytes in each.
    path = make_dataset(tmp_path / "set", {"x": tensor(np.random.default_rng(0).normal(size=(2500, 513)))}, [2500])
    dataset = Dataset(path)
    dataset.verify()
    _flip(path + "/shards/00000.arrow", 4096 + 4104 * 2100 + 4103)
    with pytest.raises(SpillwayError, match='"x" of sample 2100'):
        dataset.verify()


def test_verify_reads_huge_records_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("spillway.verify._PIECE_BYTES", 2**12)
    path = make_dataset(tmp_path / "set", {"x": tensor(np.random.default_rng(0).normal(size=(7, 1001)))}, [7])
    dataset = Dataset(path)
    dataset.verify()
    _flip(path + "/shards/00000.arrow", 4096 + 8008 * 6 + 8007)
    with pytest.raises(SpillwayError, match='"x" of sample 6'):
        dataset.verify()


def test_verify_finds_damaged_sums_and_bits(gestures):
    dataset = Dataset(gestures.path)
    sums = gestures.path + "/shards/00002.sums"
    _flip(sums, 3)
    with pytest.raises(SpillwayError, match=r"00002\.sums is damaged: checksum"):
        dataset.verify()
    _flip(sums, 3)
    bits = gestures.path + "/splits/" + read_json(gestures.path + "/splits/main.json")["splits"]["val"]["path"]
    _flip(bits, 0)
    with pytest.raises(SpillwayError, match=r"\.bits is damaged: checksum"):
        dataset.verify()
    _flip(bits, 0)
    scheme = read_json(gestures.path + "/splits/main.json")
    for split in scheme["splits"].values():
        split["history"] = [{"count": 0, "hash": "0" * 16}]
    scheme["history"] = [{"rows": 13, "fingerprint": "a" * 16}]
    write_json(gestures.path + "/splits/main.json", scheme)
    with pytest.raises(SpillwayError, match=r"\.bits is damaged: checksum \w{16} of its first 13 rows, expected 0{16}"):
        dataset.verify()
    os.truncate(sums, 8)
    with pytest.raises(SpillwayError, match=r"00002\.sums is damaged: it has 8 bytes, expected 88"):
        dataset.verify()


def test_errors_cross_processes_whole():
    error = SpillwayError("shard a is corrupt", "corrupt", "Pack again.", {"shard": "a", "sample": 3})
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.code, copy.remedy, copy.where) == (str(error), error.code, error.remedy, error.where)
    assert json.dumps(copy.where)


def test_small_columns_above_the_limit_are_read_by_position(gestures, monkeypatch):
    monkeypatch.setattr(rows, "MAX_KEPT_BYTES", 99)
    dataset = Dataset(gestures.path)
    assert dataset.batch(range(100))["label"].tolist() == gestures.labels.tolist()
    assert dataset._reader._kept == {}


def _flip(path: str, place: int) -> None:
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 4]))
