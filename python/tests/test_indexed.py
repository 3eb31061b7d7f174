"""Indexed datasets: samples that stay in their own files, and what is said of files that changed, vanished or moved."""

from __future__ import annotations

import os
import pickle
import sys

import numpy as np
import pytest
from conftest import assert_identical
from make_dataset import IndexOf, classes, make_dataset, read_json, tensor, write_json

from spillway import Dataset, SpillwayError, files, verify

COUNT = 90


class Indexed:
    """A folder of .npy files of uint8 [3, 5], one per sample, and its index in three parts."""

    def __init__(self, folder):
        random = np.random.default_rng(0)
        self.source = str(folder / "source")
        self.data = random.integers(0, 256, (COUNT, 3, 5), np.uint8)
        self.labels = np.arange(COUNT) % 2
        self.paths = [f"{'ab'[index % 2]}/{index:03}.npy" for index in range(COUNT)]
        for name in "ab":
            os.makedirs(os.path.join(self.source, name))
        for path, values in zip(self.paths, self.data):
            np.save(os.path.join(self.source, path), values)
        index_of = IndexOf("data", self.source, self.paths, [128] * COUNT)
        fields = {"data": tensor(self.data), "label": classes(self.labels, "ab")}
        self.path = make_dataset(folder / "index", fields, [40, 40, 10], {"val": range(0, 90, 3)}, index_of=index_of)

    def file(self, sample: int) -> str:
        return os.path.join(self.source, self.paths[sample])


@pytest.fixture
def indexed(tmp_path):
    return Indexed(tmp_path)


def test_samples_are_read_from_their_files(indexed):
    dataset = Dataset(indexed.path, dtype="stored")
    order = np.random.default_rng(1).permutation(COUNT)
    batch = dataset.batch(order)
    assert_identical(batch["data"], indexed.data[order])
    assert batch["label"].tolist() == indexed.labels[order].tolist()
    assert_identical(dataset[41]["data"], indexed.data[41])
    assert_identical(Dataset(indexed.path).batch([7, 7])["data"], indexed.data[[7, 7]].astype(np.float32))
    assert Dataset(indexed.path, split="val").ids.tolist() == list(range(0, 90, 3))
    assert dataset.batch([])["data"].shape == (0, 3, 5)
    dataset.verify()


def test_labels_are_read_without_the_files(indexed):
    for sample in range(COUNT):
        os.remove(indexed.file(sample))
    assert Dataset(indexed.path, fields=["label"]).batch(range(COUNT))["label"].tolist() == indexed.labels.tolist()


def test_a_pickled_copy_reads_the_same(indexed):
    dataset = Dataset(indexed.path, dtype="stored")
    dataset[3]
    assert_identical(pickle.loads(pickle.dumps(dataset)).batch(range(COUNT))["data"], indexed.data)


def test_rows_of_one_file_are_read_from_it(tmp_path):
    values = np.random.default_rng(2).normal(size=(50, 4))
    (tmp_path / "source").mkdir()
    np.save(tmp_path / "source" / "x.npy", values)
    starts = [128 + 32 * row for row in range(50)]
    index_of = IndexOf("x", str(tmp_path / "source"), ["x.npy"] * 50, starts)
    path = make_dataset(tmp_path / "set", {"x": tensor(values)}, [30, 20], index_of=index_of)
    dataset = Dataset(path, dtype="stored")
    order = np.random.default_rng(3).permutation(50)
    assert_identical(dataset.batch(order)["x"], values[order])
    dataset.verify()


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_files_are_closed_again(indexed):
    before = len(os.listdir("/proc/self/fd"))
    dataset = Dataset(indexed.path)
    dataset._reader._files.limit = 8
    for _ in range(3):
        dataset.batch(range(COUNT))
        assert len(os.listdir("/proc/self/fd")) <= before + 8
    os.remove(indexed.file(20))
    with pytest.raises(SpillwayError):
        dataset.batch(range(COUNT))
    del dataset
    assert len(os.listdir("/proc/self/fd")) == before


def _is_named(indexed, sample: int, code: str, message: str) -> None:
    """Asserts that reading and verify both name a sample with a whole message, and that others are still read."""
    dataset = Dataset(indexed.path)
    for work in (lambda: dataset[sample], lambda: dataset.batch(range(COUNT)), dataset.verify):
        with pytest.raises(SpillwayError) as raised:
            work()
        assert str(raised.value) == message
        assert raised.value.code == code
        assert raised.value.where == {"dataset": indexed.path, "path": indexed.file(sample), "sample": sample}
    assert dataset[sample - 1]["id"] == sample - 1


REMEDY = "Restore it with its time (cp -p keeps it), leave the sample out (spillway exclude), or index anew."


def test_a_file_that_vanished_is_named(indexed):
    os.remove(indexed.file(33))
    message = (
        f"{indexed.file(33)} is gone, sample 33 of {indexed.path} was in it when it was indexed. "
        "Put it back, or leave the sample out: spillway exclude."
    )
    _is_named(indexed, 33, "missing", message)


def test_a_file_of_another_size_is_named(indexed):
    stat = os.stat(indexed.file(50))
    with open(indexed.file(50), "ab") as file:
        file.write(b"more")
    os.utime(indexed.file(50), ns=(stat.st_atime_ns, stat.st_mtime_ns))
    message = (
        f"{indexed.file(50)} changed since it was indexed as sample 50 of {indexed.path}: "
        "it had 143 bytes and has 147"
    )
    _is_named(indexed, 50, "mismatch", f"{message}. {REMEDY}")


def test_a_file_of_another_time_is_named(tmp_path):
    indexed = Indexed(tmp_path)
    second = 1_700_000_000_000_000_000
    os.utime(indexed.file(85), ns=(second, second + 250_000))
    index_of = IndexOf("data", indexed.source, indexed.paths, [128] * COUNT)
    fields = {"data": tensor(indexed.data), "label": classes(indexed.labels, "ab")}
    indexed.path = make_dataset(tmp_path / "again", fields, [90], index_of=index_of)
    # What another system rounds otherwise is no change.
    os.utime(indexed.file(85), ns=(second, second + 251_000))
    Dataset(indexed.path)[85]
    os.utime(indexed.file(85), ns=(second, second + 252_000))
    message = (
        f"{indexed.file(85)} changed since it was indexed as sample 85 of {indexed.path}: "
        "it was written at 2023-11-14T22:13:20.000250Z and again at 2023-11-14T22:13:20.000252Z"
    )
    _is_named(indexed, 85, "mismatch", f"{message}. {REMEDY}")


def test_other_content_of_the_same_size_and_time_is_found_by_verify(indexed):
    stat = os.stat(indexed.file(2))
    with open(indexed.file(2), "r+b") as file:
        file.seek(130)
        file.write(b"\x01\x02")
    os.utime(indexed.file(2), ns=(stat.st_atime_ns, stat.st_mtime_ns))
    Dataset(indexed.path)[2]
    with pytest.raises(SpillwayError) as raised:
        Dataset(indexed.path).verify()
    assert raised.value.what == (
        f"{indexed.file(2)} changed since it was indexed as sample 2 of {indexed.path}: its content is another one"
    )
    assert raised.value.code == "mismatch" and raised.value.where["sample"] == 2


def test_a_folder_that_was_moved_is_found_where_source_says(indexed, tmp_path):
    moved = str(tmp_path / "moved")
    os.rename(indexed.source, moved)
    with pytest.raises(SpillwayError) as raised:
        Dataset(indexed.path)[0]
    assert str(raised.value) == (
        f"{indexed.source}, which {indexed.path} is an index of, does not exist. "
        'If it was moved, open with source="its new place".'
    )
    dataset = Dataset(indexed.path, dtype="stored", source=moved)
    assert_identical(dataset.batch(range(COUNT))["data"], indexed.data)
    dataset.verify()
    assert_identical(pickle.loads(pickle.dumps(dataset))[4]["data"], indexed.data[4])


def test_source_is_refused_for_a_packed_dataset(gestures):
    with pytest.raises(SpillwayError, match="holds its samples itself") as raised:
        Dataset(gestures.path, source="/tmp")
    assert raised.value.code == "usage"


def test_links_are_followed(indexed, tmp_path):
    os.rename(indexed.file(0), tmp_path / "elsewhere.npy")
    os.symlink(tmp_path / "elsewhere.npy", indexed.file(0))
    assert_identical(Dataset(indexed.path, dtype="stored")[0]["data"], indexed.data[0])


def _change(indexed, column: str, offset: int, content: bytes) -> None:
    shard = read_json(indexed.path + "/dataset.json")["shards"][0]
    with open(os.path.join(indexed.path, shard["path"]), "r+b") as file:
        file.seek(shard["files"][column] + offset)
        file.write(content)


@pytest.mark.parametrize(
    "crafted", ["../0.npy.", "/etc/pass", "a/../../x", "\\x\\00.npy", "C:\\00.npy", "a\0000.npyx", ".."]
)
def test_a_crafted_path_does_not_lead_out_of_the_folder(indexed, crafted):
    name = crafted.encode()
    _change(indexed, "paths", 0, name)
    _change(indexed, "offsets", 4, len(name).to_bytes(4, "little"))
    with pytest.raises(SpillwayError) as raised:
        Dataset(indexed.path)[0]
    assert raised.value.code == "corrupt"
    path = indexed.path + "/index/00000.arrow"
    assert raised.value.what == f"{path} is damaged at sample 0: {crafted!r} leads out of the folder"


@pytest.mark.parametrize(
    ("column", "offset", "content", "why"),
    [
        ("places", 0, (-1).to_bytes(8, "little", signed=True), "bytes -1-14 do not lie in a file of 143"),
        ("places", 0, (129).to_bytes(8, "little"), "bytes 129-144 do not lie in a file of 143"),
        ("places", 8, (5).to_bytes(8, "little"), "bytes 128-143 do not lie in a file of 5"),
        ("offsets", 4, b"\0\0\0\0", "its path has 0 bytes"),
        ("offsets", 4, b"\xff\xff\xff\x7f", "its path has 2147483647 bytes"),
        ("offsets", 0, b"\xff\xff\xff\xff", "its path has 10 bytes"),
        ("paths", 0, b"\xff", "its path is no UTF-8"),
        ("places", 16, b"\xff" * 7 + b"\x7f", "it was written at 9223372036854775807 us and again at "),
    ],
)
def test_an_impossible_index_is_refused(indexed, column, offset, content, why):
    _change(indexed, column, offset, content)
    with pytest.raises(SpillwayError) as raised:
        Dataset(indexed.path)[0]
    assert why in raised.value.what and raised.value.where["sample"] == 0


DAMAGES = {
    'field "wave", which is said to be in files, is no tensor': ("files", {"field": "wave", "root": "/"}),
    'field "label", which is said to be in files, is no tensor': ("files", {"field": "label", "root": "/"}),
    "files.root is not a text": ("files", {"field": "data", "root": 3}),
    "files of index/00000.arrow is not an object": ("shards", None),
    "the files of index/00000.arrow do not lie within": (
        "shards",
        {"places": 0, "offsets": 0, "paths": 0, "pathBytes": 2**30},
    ),
    "places of index/00000.arrow is -1": ("shards", {"places": -1, "offsets": 0, "paths": 0, "pathBytes": 1}),
}


@pytest.mark.parametrize("why", DAMAGES)
def test_a_damaged_manifest_of_an_index_is_refused(indexed, why):
    manifest = read_json(indexed.path + "/dataset.json")
    member, value = DAMAGES[why]
    if member == "files":
        manifest["files"] = value
    else:
        manifest["shards"][0]["files"] = value
    write_json(indexed.path + "/dataset.json", manifest)
    with pytest.raises(SpillwayError) as raised:
        Dataset(indexed.path)
    assert raised.value.code == "corrupt" and why in raised.value.what


def test_verify_reads_large_records_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(verify, "_PIECE_BYTES", 2**10)
    values = np.random.default_rng(5).normal(size=(9, 501))
    (tmp_path / "source").mkdir()
    for index, record in enumerate(values):
        np.save(tmp_path / "source" / f"{index}.npy", record)
    index_of = IndexOf("x", str(tmp_path / "source"), [f"{index}.npy" for index in range(9)], [128] * 9)
    path = make_dataset(tmp_path / "set", {"x": tensor(values)}, [5, 4], index_of=index_of)
    Dataset(path).verify()
    stat = os.stat(tmp_path / "source" / "7.npy")
    with open(tmp_path / "source" / "7.npy", "r+b") as file:
        file.seek(128 + 4007)
        file.write(b"\x01")
    os.utime(tmp_path / "source" / "7.npy", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(SpillwayError, match="as sample 7 of .*: its content is another one"):
        Dataset(path).verify()


def test_all_files_of_a_group_are_asked_for_before_the_first_is_read(indexed, monkeypatch):
    done = []
    monkeypatch.setattr(files.OpenFile, "ask_for", lambda self, start, length: done.append("ask"))
    real = files._read_some

    def read(file, target, start):
        if file.path.endswith(".npy"):
            done.append("read")
        return real(file, target, start)

    monkeypatch.setattr(files, "_read_some", read)
    Dataset(indexed.path, fields=["data"]).batch(range(40))
    assert done == ["ask"] * 32 + ["read"] * 32 + ["ask"] * 8 + ["read"] * 8
