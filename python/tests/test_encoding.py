"""Fields that are stored in fewer bits than they had: decoded, and held to the numbers that TypeScript delivers."""

from __future__ import annotations

import base64
import json
import os
import warnings

import numpy as np
import pytest
from conftest import assert_identical
from make_dataset import make_dataset, read_json, tensor, write_json

from spillway import ChannelCode, CodeError, Dataset, Encoding, SpillwayError

FIXTURE = os.path.join(os.path.dirname(__file__), "../../test/fixtures/decoded.jsonl")
with open(FIXTURE, encoding="utf-8") as _file:
    CASES = [json.loads(line) for line in _file]

RECORDER = {"kind": "scaled", "scale": 0.1 / 3, "offset": -1.7}


def _array(case, key: str, dtype: str) -> np.ndarray:
    values = np.frombuffer(base64.b64decode(case[key]), np.dtype(dtype).newbyteorder("<"))
    return values.reshape(case["rows"], *case["field"]["shape"]).astype(dtype)


def _same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    assert_identical(found, expected)
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_gives_the_numbers_that_typescript_delivers(tmp_path, case):
    encoding = case["field"]["encoding"]
    stored = _array(case, "stored", case["field"]["dtype"])
    path = make_dataset(tmp_path / "set", {"x": tensor(stored, encoding)}, [2, case["rows"] - 2])
    order = [3, 0, 4, 1, 2]
    for dtype in ("stored", "float32", "float16", "original"):
        name = {"stored": case["field"]["dtype"], "original": encoding["original"]}.get(dtype, dtype)
        expected = _array(case, dtype, name)
        dataset = Dataset(path, dtype=dtype)
        _same_bits(dataset.batch(order)["x"], expected[order])
        _same_bits(np.stack([sample["x"] for sample in dataset]), expected)


def test_what_is_given_is_the_callers_own(tmp_path):
    path = make_dataset(tmp_path / "set", {"x": tensor(np.arange(6, dtype=np.uint8), _lossless(channels=[]))}, [6])
    for dtype in ("stored", "float32", "float16", "original"):
        dataset = Dataset(path, dtype=dtype)
        dataset.batch([0, 1])["x"][:] = 9
        dataset[0]["x"][...] = 9
        assert dataset.batch(range(6))["x"].tolist() == list(range(6))


def test_records_of_all_sizes_are_decoded(tmp_path):
    values = np.random.default_rng(5).integers(-9999, 9999, (30, 1500, 2)).astype(np.int16)
    path = make_dataset(tmp_path / "set", {"x": tensor(values, _lossless())}, [10, 20])
    expected = (values.astype(np.float64) * RECORDER["scale"] + RECORDER["offset"]).astype(np.float32)
    _same_bits(Dataset(path).batch(range(30))["x"], expected)


def test_float16_of_any_field_is_its_float32_rounded_once_more(tmp_path):
    # Between two float16, a little above the middle in float64 and on it in float32.
    values = np.array([[1 + 2**-11 + 2**-40, 1e300]])
    path = make_dataset(tmp_path / "set", {"x": tensor(values)}, [1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Dataset(path, dtype="float16")[0]["x"].tolist() == [1, np.inf]
    assert_identical(Dataset(path, dtype="original")[0]["x"], values[0])


def test_values_beyond_float32_become_infinite_without_a_warning(tmp_path):
    huge = _lossless(channels=[{"kind": "scaled", "scale": 1e300}])
    path = make_dataset(tmp_path / "set", {"x": tensor(np.array([[1, -1, 0]], np.int8), huge)}, [1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Dataset(path)[0]["x"].tolist() == [np.inf, -np.inf, 0]


def test_lossy_whole_numbers_are_rounded_and_kept_in_range(tmp_path):
    lossy = {"original": "uint8", "claim": "lossy", "channels": [{"kind": "scaled", "scale": 1.01, "offset": -0.6}]}
    path = make_dataset(tmp_path / "set", {"x": tensor(np.array([[0, 1, 100, 255]], np.uint8), lossy)}, [1])
    assert_identical(Dataset(path, dtype="original")[0]["x"], np.array([0, 0, 100, 255], np.uint8))


def test_describes_its_encoding(tmp_path):
    encoding = {
        "original": "float64",
        "claim": "lossy",
        "axis": 1,
        "channels": [RECORDER, {"kind": "divided", "zero": 5, "divisor": 255}],
        "reason": "Its step is below the noise.",
        "errors": [
            {"max": 0.5, "rms": 0.25, "sqnrDb": 60.5, "clipped": 2},
            {"max": 0, "rms": 0, "sqnrDb": None, "clipped": 0},
        ],
    }
    path = make_dataset(tmp_path / "set", {"x": tensor(np.zeros((2, 3, 2), np.int16), encoding)}, [2])
    assert Dataset(path).fields["x"].encoding == Encoding(
        "float64",
        "lossy",
        (ChannelCode("scaled", scale=0.1 / 3, offset=-1.7), ChannelCode("divided", zero=5, divisor=255)),
        1,
        "Its step is below the noise.",
        (CodeError(0.5, 0.25, 60.5, 2), CodeError(0, 0, None, 0)),
    )


def _lossless(**members):
    return {"original": "float64", "claim": "lossless", "channels": [RECORDER], **members}


ERROR = {"max": 1, "rms": 1, "sqnrDb": 3, "clipped": 0}


def _channel(**members):
    return _lossless(channels=[members])


#: What is said of a damaged encoding, {} being the field's name, and the encoding.
DAMAGES = {
    "the encoding of {} is not an object": 7,
    'the encoding of {} has the unknown member "bits"': _lossless(bits=7),
    "original of the encoding of {} is 'float128', not one of bool, uint8": _lossless(original="float128"),
    "claim of the encoding of {} is 'good', not one of lossless, exact, lossy": _lossless(claim="good"),
    "channels of the encoding of {} is not a list of at most 65536": _lossless(channels=None),
    "axis of the encoding of {} is -1, not a whole number from 0": _lossless(axis=-1),
    "the encoding of {} has axis 2 of 2": _lossless(axis=2),
    "the encoding of {} has 3 channels, its axis 2": _lossless(axis=1, channels=[RECORDER] * 3),
    "the encoding of {} has 2 channels, its axis 1": _lossless(channels=[RECORDER] * 2),
    "the encoding of {} tells the errors of 3 channels": _lossless(errors=[ERROR] * 3),
    "reason of the encoding of {} is not a text of at most 1024": _lossless(reason="a" * 1025),
    "channel 0 of the encoding of {} is not an object": _lossless(channels=[3]),
    "kind of channel 0 of the encoding of {} is 'log', not one of scaled, divided": _channel(kind="log"),
    'channel 0 of the encoding of {} has the unknown member "divisor"': _channel(kind="scaled", divisor=3),
    "channel 0 of the encoding of {} has no divisor": _channel(kind="divided"),
    "divisor of channel 0 of the encoding of {} is 0": _channel(kind="divided", divisor=0),
    "scale of channel 0 of the encoding of {} is 0": _channel(kind="scaled", scale=0),
    "scale of channel 0 of the encoding of {} is None, not a finite": _channel(kind="scaled", scale=None),
    "zero of channel 0 of the encoding of {} is 0.5, not a whole": _channel(kind="scaled", zero=0.5),
    "zero of channel 0 of the encoding of {} is 1e+16, not a whole": _channel(kind="scaled", zero=1e16),
    "offset of channel 0 of the encoding of {} is inf, not a finite": _channel(kind="scaled", offset=float("inf")),
    "offset of channel 0 of the encoding of {} is 1000": _channel(kind="scaled", offset=10**400),
    "errors of the encoding of {} are below 0": _lossless(errors=[{**ERROR, "rms": -1}]),
    "max of errors of the encoding of {} is '1', not a finite": _lossless(errors=[{**ERROR, "max": "1"}]),
    "clipped of errors of the encoding of {} is 0.5": _lossless(errors=[{**ERROR, "clipped": 0.5}]),
}


@pytest.mark.parametrize("message", DAMAGES)
def test_refuses_an_encoding_that_is_damaged(tmp_path, message):
    path = make_dataset(tmp_path / "set", {"x": tensor(np.zeros((1, 3, 2), np.int16))}, [1])
    manifest = read_json(path + "/dataset.json")
    manifest["fields"]["x"]["encoding"] = DAMAGES[message]
    write_json(path + "/dataset.json", manifest)
    with pytest.raises(SpillwayError) as caught:
        Dataset(path)
    assert caught.value.code == "corrupt"
    why = message.format('field "x"')
    assert str(caught.value).startswith(f"{path}/dataset.json is damaged: {why}")


def test_refuses_a_dtype_that_is_none(gestures):
    with pytest.raises(SpillwayError) as caught:
        Dataset(gestures.path, dtype="float64")
    remedy = 'Give "float32", "float16", "original" or "stored".'
    assert (caught.value.code, str(caught.value)) == ("usage", f"dtype is 'float64'. {remedy}")
