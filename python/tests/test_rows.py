"""Plans of reads, and how many reads and descriptors a batch takes."""

from __future__ import annotations

import gc
import os
import sys
import threading

import numpy as np
import pytest
from make_dataset import make_dataset, tensor

from spillway import Dataset, files
from spillway.rows import plan_reads

FIRST_ROWS = np.array([0, 10, 11, 30])


def test_neighbours_are_one_read():
    assert plan_reads(FIRST_ROWS, np.arange(2, 9)) == [(0, 2, 0, 7)]


def test_a_read_ends_where_the_shard_ends():
    assert plan_reads(FIRST_ROWS, np.arange(8, 14)) == [(0, 8, 0, 2), (1, 0, 2, 1), (2, 0, 3, 3)]


def test_reads_go_shard_by_shard():
    assert plan_reads(FIRST_ROWS, np.array([20, 3, 29, 2])) == [(0, 2, 3, 1), (0, 3, 1, 1), (2, 9, 0, 1), (2, 18, 2, 1)]


def test_every_record_is_read_to_its_place_once():
    random = np.random.default_rng(0)
    for _ in range(200):
        ids = random.integers(0, 30, random.integers(0, 40))
        got = np.full(len(ids), -1)
        for shard, row, place, count in plan_reads(FIRST_ROWS, ids):
            assert (got[place : place + count] == -1).all()
            assert FIRST_ROWS[shard] + row + count <= FIRST_ROWS[shard + 1]
            got[place : place + count] = FIRST_ROWS[shard] + row + np.arange(count)
        np.testing.assert_array_equal(got, ids)


@pytest.fixture
def reads(monkeypatch):
    """The byte length of each read that gave something."""
    counted = []

    def counting(real):
        def read(file, target, start_byte):
            got = real(file, target, start_byte)
            if got:
                counted.append(got)
            return got

        return read

    monkeypatch.setattr(files, "_read_some", counting(files._read_some))
    monkeypatch.setattr(files, "_read_cached", counting(files._read_cached))
    return counted


def test_a_sample_is_one_read_after_the_labels_were_read_once(gestures, reads):
    dataset = Dataset(gestures.path)
    dataset[17]
    assert reads == [40, 40, 20, 1600]
    dataset[18]
    assert reads[4:] == [1600]


def test_samples_in_order_are_one_read_per_shard(gestures, reads):
    Dataset(gestures.path, fields=["data"]).batch(range(100))
    assert reads == [40 * 1600, 40 * 1600, 20 * 1600]


@pytest.mark.parametrize("way", [files._read_by_pread, files._read_by_seek])
def test_every_way_to_read_gives_the_same(gestures, monkeypatch, way):
    if way is files._read_by_pread and not hasattr(os, "pread"):
        pytest.skip("this system has no pread")
    monkeypatch.setattr(files, "_read_some", way)
    monkeypatch.setattr(files, "_read_cached", lambda file, target, start: 0)
    np.testing.assert_array_equal(Dataset(gestures.path, dtype="stored").batch(range(100))["data"], gestures.waves)


def test_goes_on_after_the_system_gave_less_than_asked_for(gestures, monkeypatch):
    real = files._read_some
    monkeypatch.setattr(files, "_read_some", lambda file, target, start: real(file, target[:700], start))
    monkeypatch.setattr(files, "_read_cached", lambda file, target, start: real(file, target[:900], start))
    np.testing.assert_array_equal(Dataset(gestures.path, dtype="stored").batch(range(100))["data"], gestures.waves)


def test_all_reads_of_a_batch_are_asked_for_before_the_first_is_waited_for(gestures, monkeypatch):
    done = []
    real = files._read_some
    monkeypatch.setattr(files, "_read_cached", lambda file, target, start: 0)
    monkeypatch.setattr(files, "_read_some", lambda *given: done.append("wait") or real(*given))
    monkeypatch.setattr(files.OpenFile, "ask_for", lambda self, start, length: done.append("ask"))
    order = np.random.default_rng(0).permutation(100)[::3]
    dataset = Dataset(gestures.path, fields=["data"], dtype="stored")
    np.testing.assert_array_equal(dataset.batch(order)["data"], gestures.waves[order])
    assert done == ["ask"] * 34 + ["wait"] * 34
    monkeypatch.setattr("spillway.rows._BYTES_AHEAD", 1600 * 10)
    done.clear()
    np.testing.assert_array_equal(dataset.batch(order)["data"], gestures.waves[order])
    assert done == (["ask"] * 10 + ["wait"] * 10) * 3 + ["ask"] * 4 + ["wait"] * 4


@pytest.fixture
def many_shards(tmp_path):
    values = np.arange(2000 * 5, dtype=np.float32).reshape(2000, 5)
    return make_dataset(tmp_path / "many", {"x": tensor(values)}, [2] * 1000), values


def _open_shards() -> int:
    gc.collect()  # What an error of an earlier test holds on to.
    count = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{name}").endswith(".arrow")
        except OSError:
            pass
    return count


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_a_thousand_shards_need_few_descriptors(many_shards):
    path, values = many_shards
    dataset = Dataset(path)
    dataset._reader._files.limit = 8
    order = np.random.default_rng(0).permutation(2000)
    for start in range(0, 2000, 100):
        chosen = order[start : start + 100]
        np.testing.assert_array_equal(dataset.batch(chosen)["x"], values[chosen])
        assert _open_shards() <= 8
    del dataset
    assert _open_shards() == 0


def test_threads_share_a_dataset_while_descriptors_are_closed(many_shards):
    path, values = many_shards
    dataset = Dataset(path)
    dataset._reader._files.limit = 2
    failures = []

    def read(seed: int) -> None:
        try:
            for start in np.random.default_rng(seed).permutation(2000)[:300]:
                np.testing.assert_array_equal(dataset[start]["x"], values[start])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
