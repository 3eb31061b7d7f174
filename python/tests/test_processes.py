"""Pickling, forked and spawned processes, and PyTorch's DataLoader over them."""

from __future__ import annotations

import multiprocessing
import os
import pickle

import numpy as np
import pytest

from spillway import Dataset, SpillwayError

METHODS = [name for name in ("fork", "spawn") if name in multiprocessing.get_all_start_methods()]


def test_a_pickled_copy_reads_the_same(gestures):
    dataset = Dataset(gestures.path, split="train", fields=("data", "label"), as_tuple=True, dtype="stored")
    dataset[3]
    copy = pickle.loads(pickle.dumps(dataset))
    assert len(copy) == 80
    for one, other in zip(dataset.batch(range(80)), copy.batch(range(80))):
        np.testing.assert_array_equal(one, other)


def test_a_pickled_copy_holds_no_samples(gestures):
    dataset = Dataset(gestures.path)
    before = pickle.dumps(dataset)
    dataset.batch(range(100))
    assert len(pickle.dumps(dataset)) == len(before)


def test_a_relative_path_is_still_right_in_another_folder(gestures, monkeypatch):
    monkeypatch.chdir(os.path.dirname(gestures.path))
    content = pickle.dumps(Dataset("gestures"))
    monkeypatch.chdir("/")
    assert pickle.loads(content)[7]["id"] == 7


def _read_part(dataset, start: int, queue) -> None:
    indices = np.arange(start, len(dataset), 4)
    queue.put((indices, dataset.batch(indices)["data"]))


@pytest.mark.parametrize("method", METHODS)
def test_processes_share_a_dataset(gestures, method):
    dataset = Dataset(gestures.path, dtype="stored")
    dataset.batch(range(100))  # Files are open and labels loaded when the children start.
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    children = [context.Process(target=_read_part, args=(dataset, start, queue)) for start in range(4)]
    for child in children:
        child.start()
    seen = []
    for _ in children:
        indices, data = queue.get(timeout=60)
        np.testing.assert_array_equal(data, gestures.waves[indices])
        seen += indices.tolist()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert sorted(seen) == list(range(100))
    np.testing.assert_array_equal(dataset[50]["data"], gestures.waves[50])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_reads_though_a_lost_thread_held_the_lock(gestures):
    dataset = Dataset(gestures.path)
    dataset[0]
    held = dataset._reader._files._states[os.getpid()]
    with held.lock:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if dataset[99]["id"] == 99 and dataset._reader._files._states.keys() == {os.getpid()} else 2
            finally:
                os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert dataset[99]["id"] == 99


@pytest.mark.parametrize("method", METHODS)
def test_a_data_loader_gives_every_sample_once(gestures, method):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    dataset = Dataset(gestures.path, split="train")
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=16, shuffle=True, num_workers=2, multiprocessing_context=method
    )
    for _ in range(2):
        seen = []
        for batch in loader:
            assert batch["data"].dtype == torch.float32 and batch["data"].shape == (16, 25, 8)
            assert batch["label"].dtype == batch["id"].dtype == torch.int64
            ids = batch["id"].numpy()
            np.testing.assert_array_equal(batch["data"].numpy(), gestures.waves[ids].astype(np.float32))
            np.testing.assert_array_equal(batch["label"].numpy(), gestures.labels[ids])
            seen += ids.tolist()
        assert sorted(seen) == gestures.train.tolist()


def test_a_data_loader_takes_tuples_and_whole_batches(gestures):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    dataset = Dataset(gestures.path, split="val", fields=("data", "label", "id"), as_tuple=True)
    sampler = torch.utils.data.BatchSampler(torch.utils.data.RandomSampler(dataset), batch_size=8, drop_last=False)
    seen = []
    for x, y, ids in torch.utils.data.DataLoader(dataset, sampler=sampler, batch_size=None):
        assert x.dtype == torch.float32 and y.dtype == torch.int64 and len(x) == len(y)
        x.mul_(2)
        seen += ids.tolist()
    assert sorted(seen) == gestures.val.tolist()


def test_a_worker_of_a_data_loader_passes_our_error_on(gestures):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    dataset = Dataset(gestures.path)
    os.truncate(gestures.path + "/shards/00001.arrow", 5000)
    with pytest.raises(SpillwayError, match=r"00001\.arrow ends at byte 5000"):
        list(torch.utils.data.DataLoader(dataset, batch_size=50, num_workers=1, multiprocessing_context="spawn"))
