"""The script that CI runs on packed datasets finds what it is there to find."""

from __future__ import annotations

import json
import os

import check_packed
import numpy as np
import pytest
from make_dataset import change_json, classes, make_dataset, read_json, tensor


@pytest.fixture
def source(tmp_path):
    """A folder of 30 .npy files in three sub-folders."""
    random = np.random.default_rng(0)
    for index in range(30):
        folder = tmp_path / "raw" / "abc"[index % 3]
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{index:02}.npy", random.normal(size=(16, 2)).astype("<f4"))
    return str(tmp_path / "raw")


def _pack(source: str, folder: str):
    """Packs the source as the TypeScript library would, in another order, but without Arrow and catalog."""
    files = check_packed.source_files(source)[::-1]
    waves = np.stack([check_packed.load(source, path) for path in files])
    labels = ["abc".index(check_packed.class_of(path)) for path in files]
    make_dataset(
        folder,
        {"data": tensor(waves), "label": classes(labels, "abc")},
        [20, 10],
        {"train": range(20), "val": range(20, 30)},
    )
    return files, waves, labels


def _make_arrow(folder: str, waves: np.ndarray, labels) -> None:
    """Replaces the shards by Arrow files that pyarrow wrote, and says where their columns are."""
    pyarrow = check_packed.pyarrow
    shards = read_json(folder + "/dataset.json")["shards"]
    first = 0
    for shard in shards:
        rows = slice(first, first + shard["rows"])
        columns = {
            "data": pyarrow.FixedShapeTensorArray.from_numpy_ndarray(waves[rows]),
            "label": pyarrow.array(np.array(labels[rows], np.uint8)),
        }
        batch = pyarrow.record_batch(columns)
        path = os.path.join(folder, shard["path"])
        with pyarrow.ipc.new_file(path, batch.schema) as writer:
            writer.write_batch(batch)
        with open(path, "rb") as file:
            content = file.read()
        shard["bytes"] = len(content)
        shard["columns"]["data"]["start"] = content.index(waves[rows].tobytes())
        shard["columns"]["label"]["start"] = content.index(bytes(labels[rows]))
        first += shard["rows"]
    change_json(folder + "/dataset.json", shards=shards)


def _make_catalog(folder: str, files, waves) -> None:
    pyarrow = check_packed.pyarrow
    os.mkdir(folder + "/catalog")
    columns = {
        "id": list(range(30)),
        "path": files,
        "row": [None] * 30,
        "label": [check_packed.class_of(path) for path in files],
        "hash": pyarrow.array([check_packed.xxh64(wave.tobytes()) for wave in waves], pyarrow.uint64()),
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), folder + "/catalog/00000.parquet")


def test_passes_without_pyarrow(source, tmp_path, monkeypatch):
    _pack(source, str(tmp_path / "set"))
    monkeypatch.setattr(check_packed, "pyarrow", None)
    assert check_packed.check(str(tmp_path / "set"), source)[0] == "30 samples as sets, without a catalog"


def test_passes_with_arrow_shards_and_a_catalog(source, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install pyarrow")
    folder = str(tmp_path / "set")
    files, waves, labels = _pack(source, folder)
    _make_arrow(folder, waves, labels)
    _make_catalog(folder, files, waves)
    done = check_packed.check(folder, source)
    assert done == ["30 samples each with its file", "2 splits", "all sums", "shards as Arrow files"]


def test_finds_shards_that_are_no_arrow_files(source, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install pyarrow")
    _pack(source, str(tmp_path / "set"))
    with pytest.raises(check_packed.Difference, match="00000.arrow is no valid Arrow file"):
        check_packed.check(str(tmp_path / "set"), source)


def test_finds_a_catalog_that_names_the_wrong_file(source, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install pyarrow")
    folder = str(tmp_path / "set")
    files, waves, _ = _pack(source, folder)
    _make_catalog(folder, [files[1], files[0], *files[2:]], waves)
    with pytest.raises(check_packed.Difference, match=r"sample 0 \(c/26.npy\)"):
        check_packed.check(folder, source)


def _alter_value(source, folder):
    np.save(source + "/a/00.npy", np.zeros((16, 2), np.float32))
    return "2 samples and files have no partner"


def _alter_class(source, folder):
    os.rename(source + "/a/00.npy", source + "/b/00.npy")
    return "2 samples and files have no partner"


def _alter_dtype(source, folder):
    for path in check_packed.source_files(source):
        np.save(os.path.join(source, path), check_packed.load(source, path).astype("f8"))
    return "is float32"


def _lose_file(source, folder):
    os.remove(source + "/a/00.npy")
    return "29 files, 30 samples"


def _share_sample(source, folder):
    path = folder + "/splits/main.json"
    scheme = json.loads(json.dumps(read_json(path)))
    scheme["splits"]["test"] = scheme["splits"]["val"]
    change_json(path, splits=scheme["splits"])
    return 'split "test" of 10 samples shares some'


@pytest.mark.parametrize("alter", [_alter_value, _alter_class, _alter_dtype, _lose_file, _share_sample])
def test_finds_a_difference(source, tmp_path, monkeypatch, alter):
    folder = str(tmp_path / "set")
    _pack(source, folder)
    why = alter(source, folder)
    monkeypatch.setattr(check_packed, "pyarrow", None)
    with pytest.raises(check_packed.Difference, match=why):
        check_packed.check(folder, source)


def test_exits_with_one_and_says_why(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["check_packed.py", str(tmp_path / "nowhere"), source])
    assert check_packed.main() == 1
    assert "nowhere is not there" in capsys.readouterr().err
