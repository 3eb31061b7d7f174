"""Normalised samples and the statistics that they go by: the numbers that TypeScript delivers, bit for bit."""

from __future__ import annotations

import base64
import copy
import json
import os
import pickle

import numpy as np
import pytest
from conftest import assert_identical
from make_dataset import append_to, change_json, classes, make_dataset, read_json, tensor, write_json, write_scheme
from test_excluded import commit_of, exclude

from spillway import Dataset, SpillwayError
from spillway.bitmap import Bitmap
from spillway.xxh64 import xxh64

FIXTURE = os.path.join(os.path.dirname(__file__), "../../test/fixtures/normalised.jsonl")
with open(FIXTURE, encoding="utf-8") as _file:
    MADE = json.load(_file)
ROWS = MADE["rows"]


def _decoded(digits: str, name: str, dtype: str) -> np.ndarray:
    values = np.frombuffer(base64.b64decode(digits), np.dtype(dtype).newbyteorder("<")).astype(dtype)
    return values.reshape(ROWS, *MADE["fields"][name]["shape"])


@pytest.fixture
def made(tmp_path) -> str:
    """The fixture's dataset, as if TypeScript had packed and measured it."""
    fields = {
        name: {**field, "values": _decoded(MADE["stored"][name], name, field["dtype"])}
        for name, field in MADE["fields"].items()
    }
    path = make_dataset(tmp_path / "set", fields, [15, ROWS - 15])
    change_json(path + "/dataset.json", commits=[{"rows": ROWS, "fingerprint": MADE["fingerprint"]}])
    val = sorted(set(range(ROWS)) - set(MADE["train"]))
    write_scheme(path, "main", ROWS, MADE["fingerprint"], {"train": MADE["train"], "val": val})
    write_json(path + "/splits/main.statistics.json", MADE["statistics"])
    return path


def _everything(path: str, **options) -> dict:
    """All samples in the order of their ids, out of both splits."""
    batches = [Dataset(path, split=split, with_excluded=True, **options) for split in ("train", "val")]
    found = [batch.batch(range(len(batch))) for batch in batches]
    order = np.argsort(np.concatenate([batch["id"] for batch in found]))
    return {name: np.concatenate([batch[name] for batch in found])[order] for name in found[0]}


@pytest.mark.parametrize("way", ["standard", "range", "withoutSome", "given"])
def test_gives_the_numbers_that_typescript_delivers(made, way):
    if way in ("withoutSome", "given"):
        exclude(made, MADE["leftOut"], **commit_of(made))
    normalize = {"withoutSome": "standard", "given": MADE["given"]}.get(way, way)
    found = _everything(made, normalize=normalize)
    half = _everything(made, normalize=normalize, dtype="float16")
    for name in MADE["fields"]:
        expected = _decoded(MADE["delivered"][way][name], name, "float32")
        assert_identical(found[name], expected)
        is_number = ~np.isnan(expected)
        # Not even the signs of zeros differ; NaN has many bit patterns.
        assert found[name][is_number].tobytes() == expected[is_number].tobytes()
        with np.errstate(over="ignore"):
            assert_identical(half[name], expected.astype(np.float16))


def test_samples_one_by_one_are_those_of_batches(made):
    dataset = Dataset(made, split="val", normalize="standard")
    together = dataset.batch(range(len(dataset)))
    for place, sample in enumerate(dataset):
        for name in MADE["fields"]:
            assert_identical(np.asarray(sample[name]), together[name][place])
            assert sample[name].base is None
    again = pickle.loads(pickle.dumps(dataset))
    assert_identical(again.batch([0, 3])["wave"], together["wave"][[0, 3]])


def test_standard_and_range_are_what_they_say(made):
    plain = Dataset(made, split="val")
    values = plain.batch(range(len(plain)))
    for way in ("standard", "range"):
        found = Dataset(made, split="val", normalize=way).batch(range(len(plain)))
        for name, field in plain.statistics["fields"].items():
            shape = [1] * values[name].ndim
            if "axis" in field:
                shape[field["axis"] + 1] = len(field["channels"])
            figures = {
                figure: np.reshape([channel[figure] for channel in field["channels"]], shape)
                for figure in ("mean", "std", "min", "max")
            }
            shift = figures["mean" if way == "standard" else "min"]
            width = figures["std"] if way == "standard" else figures["max"] - figures["min"]
            if name == "count":  # Whole numbers that float32 does not tell apart.
                continue
            expected = (values[name].astype(np.float64) - shift) / np.where(width == 0, 1, width)
            # Not the same: these values were rounded to float32 before.
            np.testing.assert_allclose(found[name], expected, rtol=1e-6, atol=1e-5)


def test_statistics_are_plain_data_of_the_training_split(made):
    first, second = MADE["statistics"]["entries"]
    for split in (None, "train", "val"):
        assert Dataset(made, split=split).statistics == first
    exclude(made, MADE["leftOut"], **commit_of(made))
    found = Dataset(made, split="val").statistics
    assert found == second
    assert json.loads(json.dumps(found)) == second


def test_a_channel_without_a_finite_inverse_is_only_shifted(made):
    kept = copy.deepcopy(MADE["statistics"])
    channels = kept["entries"][0]["fields"]["tenths"]["channels"]
    channels[0].update(mean=2, std=0)
    channels[1].update(mean=2, std=5e-324)
    write_json(made + "/splits/main.statistics.json", kept)
    plain, standard = (Dataset(made, split="train", normalize=way)[0]["tenths"] for way in (None, "standard"))
    np.testing.assert_allclose(standard, plain - 2, rtol=1e-5)


def test_bits_come_back_as_they_were():
    bits = np.random.default_rng(3).integers(0, 256, 77, np.uint8).tobytes()
    for size in (0, 1, 31, 32, 33, 77):
        assert Bitmap(bits[:size]).content(size * 8) == bits[:size]
    assert Bitmap(bits[:2]).content(1000) == bits[:2] + bytes(123)


def _measured(view: str, **members) -> dict:
    channel = {"count": 5, "nonFinite": 0, "min": 0, "max": 9, "mean": 1.5, "std": 2}
    return {"view": view, "split": "train", "samples": 80, "fields": {"data": {"channels": [channel]}}, **members}


def _view_of(folder: str, ids, rows: int) -> str:
    is_in = np.zeros(rows, np.uint8)
    is_in[ids] = 1
    bits = np.packbits(is_in, bitorder="little").tobytes()
    fingerprint = commit_of(folder)["fingerprint"]
    choice = f"{fingerprint} bits {xxh64(bits):016x}"
    return f"{xxh64(choice.encode()):016x}"


def _keep(folder: str, *entries: dict, of: str = "main", **members) -> str:
    path = f"{folder}/splits/{of}.statistics.json"
    content = {"format": "spillway-statistics", "version": 1, "scheme": of, "entries": list(entries)}
    write_json(path, {**content, **members})
    return path


def _refusal(action) -> tuple:
    with pytest.raises(SpillwayError) as caught:
        action()
    return caught.value.code, str(caught.value)


def test_statistics_are_missing_where_there_are_none_or_the_split_is_another(gestures):
    path = gestures.path
    none = f'split "train" of scheme "main" of {path} has no statistics yet.'
    stale = f'split "train" of scheme "main" of {path} holds other samples than when its statistics were measured.'
    remedy = f"Measure them: spillway statistics {path}."
    assert _refusal(lambda: Dataset(path, split="val", normalize="standard")) == ("missing", f"{none} {remedy}")
    entry = _measured(_view_of(path, gestures.train, 100))
    _keep(path, _measured("0" * 16), entry)
    assert Dataset(path).statistics == entry
    exclude(path, [int(gestures.train[0])], **commit_of(path))
    assert _refusal(lambda: Dataset(path).statistics) == ("missing", f"{stale} {remedy}")
    rest = _measured(_view_of(path, gestures.train[1:], 100))
    _keep(path, entry, rest)
    assert Dataset(path).statistics == rest
    # Left out of another split: this one is what it was.
    exclude(path, [int(gestures.val[0])], **commit_of(path))
    assert Dataset(path).statistics == entry


def test_statistics_of_an_earlier_commit_still_count_for_it(gestures):
    path = gestures.path
    entry = _measured(_view_of(path, gestures.train, 100))
    _keep(path, entry)
    fields = {"data": tensor(gestures.waves[:7]), "label": classes([0] * 7, ["circle", "raise", "wave"])}
    append_to(path, fields, [7])
    assert _refusal(lambda: Dataset(path).statistics)[0] == "missing"
    assert Dataset(path, commit=1).statistics == entry


def test_folds_and_schemes_have_statistics_of_their_own(gestures, tmp_path):
    path, fingerprint = gestures.path, commit_of(gestures.path)["fingerprint"]
    folds = [np.arange(30), np.arange(30, 60), np.arange(60, 90)]
    mine = str(tmp_path / "mine")
    write_scheme(mine, "folds", 100, fingerprint, {"test": range(90, 100)}, folds)
    entry = _measured(_view_of(path, np.arange(30, 90), 100), fold=0)
    _keep(mine, entry, of="folds")
    options = {"scheme": "folds", "side": mine}
    for split in ("train", "val", "test"):
        if split != "test":
            assert Dataset(path, split=split, fold=0, normalize="range", **options).statistics == entry
    what = f'split "train" with fold 1 of scheme "folds" of {path} has no statistics yet'
    remedy = f"Measure them: spillway statistics {path} --scheme folds --fold 1."
    found = _refusal(lambda: Dataset(path, split="val", fold=1, **options).statistics)
    assert found == ("missing", f"{what}. {remedy}")
    assert _refusal(lambda: Dataset(path, split="test", normalize="range", **options))[0] == "usage"


CHANNEL = {"count": 5, "nonFinite": 0, "min": 0, "max": 9, "mean": 1.5, "std": 2}


def _with(**members) -> dict:
    return {"entries": [_measured("0" * 16, **members)]}


def _channel(**members) -> dict:
    return _with(fields={"data": {"channels": [{**CHANNEL, **members}]}})


#: What is said of a damaged file, and the members that it has instead.
DAMAGES = {
    "format is 'spillway', not one of spillway-statistics": {"format": "spillway"},
    "version is 0, not a whole number from 1 to 1": {"version": 0},
    'content has the unknown member "more"': {"more": 1},
    "scheme is not a text": {"scheme": 7},
    "entries is not a list of at most 10000 entries": {"entries": {}},
    "entries is not a list of at most 10000": {"entries": [0] * 10_001},
    "entries.0 is not an object": {"entries": [7]},
    "entries.0 has no samples": {"entries": [{"view": "0" * 16, "split": "train", "fields": {}}]},
    "entries.0.view is not 16 hexadecimal digits": {"entries": [_measured("0")]},
    "entries.0.split is empty": _with(split=""),
    "entries.0.split is not a text of at most 64 characters": _with(split="a" * 65),
    "entries.0.fold is -1, not a whole number from 0": _with(fold=-1),
    "entries.0.samples is 1.5, not a whole number from 0": _with(samples=1.5),
    "entries.0.fields is not an object": _with(fields=[]),
    "name of a field of entries.0 is empty": _with(fields={"": {"channels": [CHANNEL]}}),
    "name of a field of entries.0 is not a text of at most 256": _with(fields={"a" * 257: {"channels": [CHANNEL]}}),
    "entries.0.fields.data.channels is empty": _with(fields={"data": {"channels": []}}),
    "entries.0.fields.data.channels is not a list of at most 65536": _with(fields={"data": {"channels": [0] * 65_537}}),
    "entries.0.fields.data.axis is 16, not a whole number from 0 to 15": _with(
        fields={"data": {"axis": 16, "channels": [CHANNEL]}}
    ),
    "entries.0.fields.data.channels.0.std is below 0": _channel(std=-1),
    "entries.0.fields.data.channels.0.mean is None, not a finite number": _channel(mean=None),
    "entries.0.fields.data.channels.0.max is inf, not a finite number": _channel(max=float("inf")),
    "entries.0.fields.data.channels.0.count is -1": _channel(count=-1),
    "entries.0.fields.data.channels.0.nonFinite is 9007199254740992": _channel(nonFinite=2**53),
    'entries.0.fields.data.channels.0 has the unknown member "median"': _channel(median=1),
}


@pytest.mark.parametrize("message", DAMAGES)
def test_refuses_a_file_that_is_damaged(gestures, message):
    path = _keep(gestures.path, **DAMAGES[message])
    code, text = _refusal(lambda: Dataset(gestures.path).statistics)
    assert code == "corrupt" and text.startswith(f"{path} is damaged: {message}")
    assert text.endswith(f". Remove it, and measure again: spillway statistics {gestures.path}.")


#: What is said of figures that are of other fields than the dataset's.
STRANGE = {
    'it tells of a tensor field "label", which the dataset does not have': {"label": {"channels": [CHANNEL]}},
    'field "data" has no axis 2': {"data": {"axis": 2, "channels": [CHANNEL]}},
    'field "data" has not 2 channels': {"data": {"axis": 1, "channels": [CHANNEL] * 2}},
}


@pytest.mark.parametrize("why", STRANGE)
def test_refuses_figures_of_other_channels(gestures, why):
    entry = _measured(_view_of(gestures.path, gestures.train, 100), fields=STRANGE[why])
    path = _keep(gestures.path, entry)
    code, text = _refusal(lambda: Dataset(gestures.path, split="val", normalize="range"))
    remedy = f"Remove it, and measure again: spillway statistics {gestures.path}."
    assert (code, text) == ("corrupt", f"{path} is damaged: {why}. {remedy}")


def test_refuses_statistics_of_a_newer_version_or_that_are_too_large(gestures):
    path = _keep(gestures.path, version=2)
    assert _refusal(lambda: Dataset(gestures.path).statistics)[0] == "version"
    with open(path, "wb") as file:
        file.truncate(2**26 + 1)
    assert _refusal(lambda: Dataset(gestures.path).statistics)[1].startswith(f"{path} is damaged: it has more than")


FINITE = "Give finite numbers."
#: What is said of a way to normalise, {} being the start of what is said of "data", and the way.
REFUSED_WAYS = {
    "normalize='none' is not known. Give \"standard\", \"range\", or mean and std by field.": "none",
    "normalize=3 is not known. Give \"standard\", \"range\", or mean and std by field.": 3,
    'there is no field "wave" to normalise. Tensor fields are: data.': {"wave": {"mean": 0, "std": 1}},
    '{label} it is a class label. Tensor fields are: data.': {"label": {"mean": 0, "std": 1}},
    '{data} 3 is not a mean and a std. Give {{"mean": 0.5, "std": 2}}.': {"data": 3},
    "{data} std of channel 0 is 0.0. Give 1 for a channel that never changes.": {"data": {"mean": 0, "std": 0}},
    f"{{data}} mean of channel 0 is nan. {FINITE}": {"data": {"mean": float("nan"), "std": 1}},
    f"{{data}} std of channel 0 is inf. {FINITE}": {"data": {"mean": 0, "std": float("inf")}},
    "{data} mean is 'a'. Give a number, or one for each channel.": {"data": {"mean": "a", "std": 1}},
    "{data} mean has 2 numbers, no channel axis is known. Give one number.": {"data": {"mean": [0, 1], "std": 1}},
}


@pytest.mark.parametrize("message", REFUSED_WAYS)
def test_refuses_a_way_that_makes_no_sense(gestures, message):
    names = {name: f'field "{name}" cannot be normalised:' for name in ("data", "label")}
    found = _refusal(lambda: Dataset(gestures.path, split="train", normalize=REFUSED_WAYS[message]))
    assert found[1] == message.format(**names)
    assert found[0] == ("missing" if message.startswith("there is no") else "usage")


def test_refuses_another_count_than_there_are_channels(gestures):
    manifest = read_json(gestures.path + "/dataset.json")
    manifest["fields"]["data"]["channelAxis"] = 1
    write_json(gestures.path + "/dataset.json", manifest)
    _, text = _refusal(lambda: Dataset(gestures.path, normalize={"data": {"mean": [1, 2], "std": 1}}))
    why = 'field "data" cannot be normalised: mean has 2 numbers, axis 1 has 8 channels'
    assert text == f"{why}. Give 8 numbers, or one for all."
    found = Dataset(gestures.path, normalize={"data": {"mean": range(8), "std": [2] * 8}}, dtype="float16")[0]["data"]
    assert_identical(found, ((gestures.waves[0] - np.arange(8)) / 2).astype(np.float32).astype(np.float16))


def test_refuses_to_normalise_without_a_split_and_what_is_not_delivered_as_values(gestures):
    what = 'normalize="range" goes by the statistics of a training split, and this dataset is of no split'
    remedy = 'Open a split: split="train"; or give mean and std by field.'
    assert _refusal(lambda: Dataset(gestures.path, normalize="range")) == ("usage", f"{what}. {remedy}")
    for dtype in ("stored", "original"):
        what = f'what is delivered as "{dtype}" cannot be normalised'
        remedy = 'Leave out normalize, or give dtype="float32" or "float16".'
        found = _refusal(lambda dtype=dtype: Dataset(gestures.path, split="train", normalize="range", dtype=dtype))
        assert found == ("usage", f"{what}. {remedy}")
