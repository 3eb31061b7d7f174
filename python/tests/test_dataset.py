"""Values, splits, indices and forms of samples."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import NAMES, assert_identical
from make_dataset import change_json, classes, make_dataset, read_json, tensor, write_scheme

from spillway import Dataset, SpillwayError

DTYPES = [
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
]


def _random(dtype: str, shape) -> np.ndarray:
    random = np.random.default_rng(3)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype.startswith("float"):
        return random.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def test_gives_samples_as_float32_with_int64_labels_and_ids(gestures):
    dataset = Dataset(gestures.path)
    assert len(dataset) == dataset.rows == 100
    for index in (0, 39, 40, 99):
        sample = dataset[index]
        assert list(sample) == ["data", "label", "id"]
        assert sample["data"].dtype == np.float32
        np.testing.assert_array_equal(sample["data"], gestures.waves[index].astype(np.float32))
        assert type(sample["label"]) is type(sample["id"]) is np.int64
        assert (sample["label"], sample["id"]) == (gestures.labels[index], index)


def test_gives_the_stored_bytes_with_dtype_stored(gestures):
    dataset = Dataset(gestures.path, dtype="stored")
    assert_identical(np.stack([sample["data"] for sample in dataset]), gestures.waves)


@pytest.mark.parametrize("shape", [(), (3,), (5, 7)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_reads_every_dtype_and_shape(tmp_path, dtype, shape):
    values = _random(dtype, (23, *shape))
    path = make_dataset(tmp_path / "set", {"x": tensor(values)}, [10, 1, 12])
    stored = Dataset(path, dtype="stored")
    order = np.random.default_rng(1).permutation(23)
    assert_identical(stored.batch(order)["x"], values[order])
    sample = stored[5]["x"]
    assert isinstance(sample, np.ndarray) and sample.shape == shape and sample.dtype == values.dtype
    delivered = Dataset(path).batch(order)["x"]
    assert_identical(delivered, values[order].astype(np.float32))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32"])
def test_gives_labels_of_every_dtype_as_int64(tmp_path, dtype):
    path = make_dataset(tmp_path / "set", {"label": classes([2, 0, 1], NAMES, dtype)}, [3])
    batch = Dataset(path).batch([0, 1, 2])
    assert_identical(batch["label"], np.array([2, 0, 1]))


def test_describes_itself(gestures):
    dataset = Dataset(gestures.path, split="val")
    assert dataset.classes == {"label": NAMES}
    assert dataset.splits == {"train": 80, "val": 20}
    assert (dataset.fields["data"].dtype, dataset.fields["data"].shape) == ("float64", (25, 8))
    assert dataset.fingerprint == read_json(gestures.path + "/dataset.json")["commits"][-1]["fingerprint"]
    assert repr(dataset).endswith("split='val': 20 samples of data: float64[25, 8], label: 3 classes>")


def test_reads_only_the_rows_of_a_split(gestures):
    dataset = Dataset(gestures.path, split="train", dtype="stored")
    assert len(dataset) == 80 and dataset.rows == 100
    assert_identical(dataset.ids, gestures.train)
    order = np.random.default_rng(2).permutation(80)
    batch = dataset.batch(order)
    assert_identical(batch["id"], gestures.train[order])
    np.testing.assert_array_equal(batch["data"], gestures.waves[gestures.train[order]])
    np.testing.assert_array_equal(batch["label"], gestures.labels[gestures.train[order]])


def test_reads_another_scheme(gestures):
    fingerprint = Dataset(gestures.path).fingerprint
    write_scheme(gestures.path, "folds", 100, fingerprint, {"fold0": range(0, 100, 5)})
    assert Dataset(gestures.path, split="fold0", scheme="folds").ids.tolist() == list(range(0, 100, 5))


def test_a_fold_is_val_and_the_others_are_train(gestures):
    held, *folds = [np.arange(start, 100, 4) for start in range(4)]
    fingerprint = Dataset(gestures.path).fingerprint
    write_scheme(gestures.path, "folds", 100, fingerprint, {"test": held}, folds=folds)
    for fold in range(3):
        val = Dataset(gestures.path, split="val", scheme="folds", fold=fold)
        train = Dataset(gestures.path, split="train", scheme="folds", fold=fold)
        assert_identical(val.ids, folds[fold])
        assert_identical(train.ids, np.setdiff1d(np.concatenate(folds), folds[fold]))
        assert Dataset(gestures.path, split="test", scheme="folds", fold=fold).ids.tolist() == held.tolist()
    assert (val.folds, val.splits, Dataset(gestures.path).folds) == (3, {"test": 25}, 0)
    assert "split='val', fold=2: 25 samples" in repr(val)
    val.verify()


def test_a_scheme_that_was_extended_since_is_cut_to_the_rows_that_are_there(gestures):
    fingerprint = Dataset(gestures.path).fingerprint
    history = [{"rows": 100, "fingerprint": fingerprint}]
    odd = range(1, 205, 2)
    write_scheme(gestures.path, "main", 205, "b" * 16, {"odd": odd}, folds=[range(0, 205, 2)], history=history)
    dataset = Dataset(gestures.path, split="odd")
    assert dataset.ids.tolist() == list(range(1, 100, 2)) and dataset.splits == {"odd": 50}
    assert Dataset(gestures.path, split="val", fold=0).ids.tolist() == list(range(0, 100, 2))
    dataset.verify()


def test_looks_into_a_folder_of_ones_own_first(gestures, tmp_path):
    fingerprint = Dataset(gestures.path).fingerprint
    side = tmp_path / "mine"
    write_scheme(str(side), "main", 100, fingerprint, {"some": range(7)})
    assert Dataset(gestures.path, side=side).splits == {"some": 7}
    assert Dataset(gestures.path, split="some", side=side).ids.tolist() == list(range(7))
    write_scheme(gestures.path, "other", 100, fingerprint, {"few": range(3)})
    assert len(Dataset(gestures.path, split="few", scheme="other", side=side)) == 3


def test_counts_negative_indices_from_the_end(gestures):
    dataset = Dataset(gestures.path, split="val")
    assert dataset[-1]["id"] == gestures.val[-1]
    assert dataset.batch([-20, 0])["id"].tolist() == [gestures.val[0]] * 2


@pytest.mark.parametrize("index", [100, -101, 2**62])
def test_raises_index_error_beyond_the_samples(gestures, index):
    dataset = Dataset(gestures.path)
    with pytest.raises(IndexError, match=f"index {index} is beyond the 100 samples"):
        dataset[index]
    with pytest.raises(IndexError):
        dataset.batch([0, index])


@pytest.mark.parametrize("index", ["0", 1.0, None, slice(0, 2), np.array([[1]])])
def test_refuses_what_is_no_index(gestures, index):
    with pytest.raises(TypeError):
        Dataset(gestures.path)[index]


def test_refuses_a_mask_in_place_of_indices(gestures):
    with pytest.raises(TypeError, match="list of integers, not bool"):
        Dataset(gestures.path).batch(np.ones(100, bool))


def test_gives_a_batch_for_a_list_of_indices(gestures):
    dataset = Dataset(gestures.path)
    assert dataset[[3, 1]]["id"].tolist() == dataset[np.array([3, 1])]["id"].tolist() == [3, 1]


def test_reads_an_index_as_often_as_it_is_asked_for(gestures):
    batch = Dataset(gestures.path, dtype="stored").batch([7, 7, 8, 7])
    np.testing.assert_array_equal(batch["data"], gestures.waves[[7, 7, 8, 7]])


def test_gives_empty_arrays_for_no_indices(gestures):
    batch = Dataset(gestures.path).batch([])
    assert batch["data"].shape == (0, 25, 8) and batch["label"].shape == batch["id"].shape == (0,)
    assert Dataset(gestures.path).__getitems__([]) == []


def test_hands_out_arrays_that_may_be_written(gestures):
    dataset = Dataset(gestures.path, dtype="stored")
    for _ in range(2):
        samples = dataset.__getitems__([4, 4])
        for sample in samples:
            assert sample["data"].flags.writeable and sample["data"].flags.owndata
            np.testing.assert_array_equal(sample["data"], gestures.waves[4])
            sample["data"][:] = 0
        batch = dataset.batch([4])
        assert batch["label"][0] == gestures.labels[4]
        batch["label"][:] = 9
        batch["data"][:] = 0


def test_gives_tuples_in_the_order_of_the_fields(gestures):
    dataset = Dataset(gestures.path, fields=("data", "label"), as_tuple=True)
    x, y = dataset[12]
    np.testing.assert_array_equal(x, gestures.waves[12].astype(np.float32))
    assert y == gestures.labels[12]
    number, labels = Dataset(gestures.path, fields=["id", "label"], as_tuple=True).batch([5, 6])
    assert number.tolist() == [5, 6] and labels.tolist() == gestures.labels[5:7].tolist()


def test_iterates_over_all_samples_more_than_once(gestures):
    dataset = Dataset(gestures.path, split="train", fields=["id"])
    for _ in range(2):
        assert [sample["id"] for sample in dataset] == gestures.train.tolist()


def test_a_field_called_id_stands_in_the_place_of_the_id(tmp_path):
    path = make_dataset(tmp_path / "set", {"id": tensor(np.array([[1.5], [2.5]]))}, [2])
    assert Dataset(path)[1]["id"].tolist() == [2.5]


def test_reads_an_empty_dataset(tmp_path):
    path = make_dataset(tmp_path / "set", {"x": tensor(np.empty((0, 3)))}, [])
    dataset = Dataset(path)
    assert len(dataset) == 0 and list(dataset) == [] and dataset.batch([])["x"].shape == (0, 3)


def test_stays_bound_to_what_was_there_when_it_was_opened(gestures):
    dataset = Dataset(gestures.path, split="val")
    change_json(gestures.path + "/dataset.json", rows=5)
    assert len(dataset) == 20 and dataset[19]["id"] == gestures.val[19]


def test_a_closed_dataset_opens_its_files_again(gestures):
    dataset = Dataset(gestures.path)
    dataset[0]
    dataset.close()
    assert dataset[99]["id"] == 99


@pytest.mark.parametrize(
    "arguments", [{"dtype": "float64"}, {"fields": "data"}, {"fields": []}, {"fields": ["data", "data"]}]
)
def test_refuses_arguments_that_make_no_sense(gestures, arguments):
    with pytest.raises(SpillwayError) as raised:
        Dataset(gestures.path, **arguments)
    assert raised.value.code == "usage"
