"""Datasets that were laid out anew or have grown: ids, commits, and what an unfinished append leaves out."""

from __future__ import annotations

import os

import numpy as np
import pytest
from conftest import NAMES, Gestures, assert_identical
from make_dataset import append_to, change_json, classes, make_dataset, read_json, tensor, write_scheme

from spillway import Dataset, SpillwayError
from spillway.permutation import Permutation


@pytest.fixture
def compacted(tmp_path, gestures) -> Gestures:
    """The gestures laid out anew by a seed, in two shards, with the same ids and splits."""
    order = Permutation(100, 11).at(np.arange(100))
    fields = {"data": tensor(gestures.waves[order]), "label": classes(gestures.labels[order], NAMES)}
    splits = {"train": gestures.train, "val": gestures.val}
    path = make_dataset(tmp_path / "compacted", fields, [60, 40], splits)
    change_json(path + "/dataset.json", placed=[{"rows": 100, "seed": 11}])
    return Gestures(path, gestures.waves, gestures.labels, gestures.train, gestures.val)


def test_samples_that_were_laid_out_anew_keep_their_ids(compacted):
    dataset = Dataset(compacted.path, dtype="stored")
    order = np.random.default_rng(1).permutation(100)
    batch = dataset.batch(order)
    assert_identical(batch["data"], compacted.waves[order])
    assert batch["label"].tolist() == compacted.labels[order].tolist()
    assert batch["id"].tolist() == order.tolist()
    for index in (0, 59, 99):
        np.testing.assert_array_equal(dataset[index]["data"], compacted.waves[index])
    assert [sample["id"] for sample in dataset] == list(range(100))


def test_splits_of_a_dataset_that_was_laid_out_anew_are_those_of_its_ids(compacted):
    dataset = Dataset(compacted.path, split="val", dtype="stored")
    assert dataset.ids.tolist() == compacted.val.tolist()
    np.testing.assert_array_equal(dataset.batch(range(20))["data"], compacted.waves[compacted.val])


def test_verify_names_the_samples_of_a_damaged_row_by_their_ids(compacted):
    Dataset(compacted.path).verify()
    path = compacted.path + "/shards/00001.arrow"
    start = read_json(compacted.path + "/dataset.json")["shards"][1]["columns"]["data"]["start"]
    with open(path, "r+b") as file:
        file.seek(start + 1600 * 10)
        byte = file.read(1)[0]
        file.seek(start + 1600 * 10)
        file.write(bytes([byte ^ 1]))
    ids = Permutation(100, 11).at(np.array([70, 71]))
    with pytest.raises(SpillwayError) as raised:
        Dataset(compacted.path).verify()
    assert raised.value.where["sample"] == ids[0]
    assert f'("data" of sample {ids[0]} and 1 that lie behind it)' in raised.value.what


def test_a_short_read_names_the_sample_by_its_id(compacted):
    dataset = Dataset(compacted.path)
    dataset[0]
    os.truncate(compacted.path + "/shards/00001.arrow", 4096 + 1600 * 10 + 7)
    sample = int(Permutation(100, 11).at(np.array([70]))[0])
    with pytest.raises(SpillwayError, match=rf'"data" of sample {sample} is not whole'):
        dataset[sample]


@pytest.fixture
def more():
    random = np.random.default_rng(8)
    waves = random.normal(size=(30, 25, 8))
    labels = random.integers(0, 4, 30)
    return waves, labels, {"data": tensor(waves), "label": classes(labels, [*NAMES, "jump"])}


@pytest.mark.parametrize("which", ["gestures", "compacted"])
def test_a_dataset_that_grew_has_the_new_samples_behind_the_old(request, which, more):
    old = request.getfixturevalue(which)
    waves, labels, fields = more
    append_to(old.path, fields, [20, 10])
    dataset = Dataset(old.path, dtype="stored")
    assert (len(dataset), dataset.commit, dataset.classes["label"]) == (130, 2, [*NAMES, "jump"])
    order = np.random.default_rng(3).permutation(130)
    batch = dataset.batch(order)
    np.testing.assert_array_equal(batch["data"], np.concatenate([old.waves, waves])[order])
    np.testing.assert_array_equal(batch["label"], np.concatenate([old.labels, labels])[order])
    dataset.verify()
    assert Dataset(old.path, split="val").ids.tolist() == old.val.tolist()


def test_an_earlier_commit_has_the_samples_and_classes_that_it_had(compacted, more):
    _, _, fields = more
    fingerprint = Dataset(compacted.path).fingerprint
    append_to(compacted.path, fields, [30])
    write_scheme(compacted.path, "later", 130, Dataset(compacted.path).fingerprint, {"all": range(130)})
    dataset = Dataset(compacted.path, commit=1, dtype="stored")
    assert (len(dataset), dataset.rows, dataset.commit, dataset.fingerprint) == (100, 100, 1, fingerprint)
    assert dataset.classes["label"] == NAMES
    np.testing.assert_array_equal(dataset.batch(range(100))["data"], compacted.waves)
    assert Dataset(compacted.path, commit=1, split="val").ids.tolist() == compacted.val.tolist()
    with pytest.raises(IndexError):
        dataset[100]
    with pytest.raises(SpillwayError) as raised:
        Dataset(compacted.path, commit=1, split="all", scheme="later")
    assert raised.value.code == "mismatch"
    assert len(Dataset(compacted.path, commit=2, split="all", scheme="later")) == 130
    for commit in (0, 3, -1):
        with pytest.raises(SpillwayError, match=f"has 2 commits, there is no commit {commit}. Give 1 to 2") as raised:
            Dataset(compacted.path, commit=commit)
        assert raised.value.code == "missing"
    with pytest.raises(TypeError):
        Dataset(compacted.path, commit=1.5)


def test_an_unfinished_append_is_left_out_with_a_warning(gestures, more):
    _, _, fields = more
    append_to(gestures.path, fields, [20], finished=False)
    change_json(gestures.path + "/dataset.json", packing={"rows": 150, "before": 100})
    with pytest.warns(UserWarning, match="is being added to, or that was interrupted: 20 of 50 new samples are in"):
        dataset = Dataset(gestures.path, dtype="stored")
    assert (len(dataset), dataset.commit, dataset.classes["label"]) == (100, 1, NAMES)
    np.testing.assert_array_equal(dataset.batch(range(100))["data"], gestures.waves)
    dataset.verify()
    with pytest.raises(IndexError):
        dataset[100]


def test_files_of_an_unfinished_append_are_not_needed(gestures, more, recwarn):
    _, _, fields = more
    append_to(gestures.path, fields, [20], finished=False)
    os.remove(gestures.path + "/shards/00003.arrow")
    dataset = Dataset(gestures.path, commit=1)
    assert dataset[99]["id"] == 99
    assert not recwarn.list


DAMAGES = {
    "commits.1.rows is 40, not a whole number from 60": {
        "commits": [{"rows": 60, "fingerprint": "0" * 16}, {"rows": 40, "fingerprint": "0" * 16}]
    },
    "samples are being added behind 60 rows, which no commit has": {"packing": {"rows": 200, "before": 60}},
    "packing.before is -1": {"packing": {"rows": 200, "before": -1}},
    'classes of "label" of commits.0 is 4, not a whole number from 0 to 3': {
        "commits": [{"rows": 100, "fingerprint": "0" * 16, "classes": {"label": 4}}]
    },
    "101 rows are placed, the dataset has 100": {"placed": [{"rows": 60, "seed": 1}, {"rows": 41, "seed": 2}]},
    "placed.0.seed is 1.5": {"placed": [{"rows": 60, "seed": 1.5}]},
    "placed.0.rows is 0": {"placed": [{"rows": 0, "seed": 1}]},
}


@pytest.mark.parametrize("why", DAMAGES)
def test_damaged_commits_and_places_are_refused(gestures, why):
    change_json(gestures.path + "/dataset.json", **DAMAGES[why])
    with pytest.raises(SpillwayError) as raised:
        Dataset(gestures.path)
    assert raised.value.code == "corrupt" and why in raised.value.what
