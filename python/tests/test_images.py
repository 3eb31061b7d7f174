"""Encoded images: bytes as they were, whatever is asked for, by the dataset that all versions have to read."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import shutil

import numpy as np
import pytest

from spillway import Dataset, SpillwayError, images
from spillway.manifest import parse_manifest

FIXTURE = os.path.join(os.path.dirname(__file__), "../../test/fixtures/pictures")
FILES = ["grey/1.png", "red/2.jpg", "red/3.jpg"]


def read_file(path: str) -> bytes:
    with open(os.path.join(FIXTURE, path), "rb") as file:
        return file.read()


SOURCES = [read_file(f"source/{name}") for name in FILES]
MANIFEST = json.loads(read_file("dataset/dataset.json"))


@pytest.fixture
def pictures(tmp_path) -> str:
    return shutil.copytree(os.path.join(FIXTURE, "dataset"), tmp_path / "pictures")


def flip(path, at: int) -> None:
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def test_gives_the_bytes_of_the_files(pictures):
    dataset = Dataset(pictures)
    field = dataset.fields["picture"]
    assert (field.kind, field.dtype, field.shape, field.max_bytes) == ("image", "uint8", (3, 4, 3), 359)
    assert [(sample["picture"], sample["label"]) for sample in dataset] == list(zip(SOURCES, [0, 1, 1]))
    batch = dataset.batch([2, 0, 2])
    assert batch["picture"].tolist() == [SOURCES[2], SOURCES[0], SOURCES[2]]
    assert batch["picture"].dtype == object
    dataset.verify()


def test_gives_what_a_function_makes_of_them(pictures):
    dataset = Dataset(pictures, decode=lambda file: np.array([len(file), file[0]]), fields=("picture", "label"))
    assert dataset[1]["picture"].tolist() == [359, 0xFF]
    assert dataset.batch([0, 1])["picture"].tolist() == [[293, 0x89], [359, 0xFF]]


def test_decodes_with_pillow(pictures):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pip install pillow")
    dataset = Dataset(pictures, decode=lambda file: np.asarray(image.open(io.BytesIO(file)).convert("RGB")))
    assert dataset[1]["picture"].shape == (24, 24, 3)
    assert np.abs(dataset[2]["picture"][0, 0].astype(int) - [120, 0, 60]).max() < 30


def test_reads_offsets_anew_where_they_are_too_many_to_keep(pictures, monkeypatch):
    monkeypatch.setattr(images, "MAX_KEPT_BYTES", 0)
    assert Dataset(pictures).batch([1, 2])["picture"].tolist() == SOURCES[1:]


def test_goes_to_other_processes(pictures):
    dataset = Dataset(pictures)
    assert dataset[0]["picture"] == pickle.loads(pickle.dumps(dataset))[0]["picture"]


def test_pyarrow_reads_the_same_images():
    ipc = pytest.importorskip("pyarrow.ipc", reason="pyarrow is not installed: pip install pyarrow")
    with open(os.path.join(FIXTURE, "dataset/shards/00000.arrow"), "rb") as file:
        table = ipc.open_file(file).read_all()
    table.validate(full=True)
    assert table["picture"].to_pylist() == SOURCES
    assert table["label"].to_pylist() == [0, 1, 1]
    assert table.schema.field("picture").metadata == {b"spillway.image": b'{"shape":[3,4,3]}'}


def test_refuses_damage(pictures):
    place = MANIFEST["shards"][0]["encoded"]["picture"]
    shard = os.path.join(pictures, "shards/00000.arrow")
    flip(shard, place["start"] + 300)
    with pytest.raises(SpillwayError, match=r'is corrupt: checksum [0-9a-f]{16}, expected [0-9a-f]{16} \("picture" of sample 1\)') as error:
        Dataset(pictures).verify()
    assert error.value.where["sample"] == 1
    flip(shard, place["offsets"] + 7)
    with pytest.raises(SpillwayError, match='"picture" of sample 0 does not lie where its column says') as error:
        Dataset(pictures)[0]
    assert error.value.code == "corrupt"


def test_refuses_a_function_where_nothing_is_encoded(pictures):
    with pytest.raises(SpillwayError, match="decode is for encoded images, and the samples have none"):
        Dataset(pictures, fields=("label",), decode=len)


def refused(change, text: str) -> None:
    manifest = copy.deepcopy(MANIFEST)
    change(manifest)
    with pytest.raises(SpillwayError, match=text) as error:
        parse_manifest(json.dumps(manifest).encode(), "dataset.json")
    assert error.value.code in ("corrupt", "version")


def test_refuses_manifests_that_cannot_be():
    field = MANIFEST["fields"]["picture"]
    place = MANIFEST["shards"][0]["encoded"]["picture"]

    def put(name, value):
        return lambda manifest: manifest["fields"]["picture"].update({name: value})

    def move(name, value):
        return lambda manifest: manifest["shards"][0]["encoded"]["picture"].update({name: value})

    refused(lambda manifest: manifest.update(version=1), "it has encoded images and version 1, which has none")
    refused(lambda manifest: manifest.update(version=3), "format version 3, this Spillway reads up to 2")
    refused(put("dtype", "uint16"), "dtype of field")
    refused(put("shape", [3, 4, 2]), r"is \[3, 4, 2\], not height, width and 1 or 3 channels")
    refused(put("maxBytes", 0), "maxBytes of field")
    refused(put("novel", 1), 'unknown member "novel"')
    refused(lambda manifest: manifest["shards"][0].pop("encoded"), "encoded of shards/00000.arrow is not an object")
    refused(move("bytes", 2), "bytes of column")
    refused(move("longest", field["maxBytes"] + 1), "longest of column")
    refused(move("offsets", MANIFEST["shards"][0]["bytes"] - 15), "does not lie within its")
    refused(move("start", place["start"] + 2**40), "does not lie within its")
