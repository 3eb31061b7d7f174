# The Python rivals of rivals.ts: one epoch in a random order of all samples, whole batches of float32 in the hands of
# whoever would train. Told what to do by JSON on the command line; prints one line of JSON.
# Rule: the checksum is the one of rivals-samples.ts.

import json
import mmap
import os
import signal
import sys
import threading
import time

import numpy as np

task = json.loads(sys.argv[1])
folder, count, length = task["folder"], task["count"], task["length"]
batch_size, workers = task["batchSize"], task["workers"]


def end_with_parent():
    """Ends this process and its workers when the one that started it is gone and its pipe closes."""

    def watch():
        while os.read(0, 4096):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def label_array():
    return np.arange(count, dtype=np.int64) % 10


class Files:
    """One .npy file per sample."""

    def __init__(self):
        self.labels = label_array()

    def __len__(self):
        return count

    def __getitem__(self, i):
        return np.load(f"{folder}/files/{i // 1000}/{i}.npy"), self.labels[i]


class Memmap:
    """One .npy file of all samples, mapped; samples are taken one by one and collated, as it is mostly done."""

    def __init__(self):
        self.labels = label_array()
        self.data = np.load(f"{folder}/samples.npy", mmap_mode="r")

    def __len__(self):
        return count

    def __getitem__(self, i):
        return np.array(self.data[i]), self.labels[i]


class TunedMemmap(Memmap):
    """The same as fast as it gets: a whole batch gathered at once, and no read-ahead."""

    def __init__(self):
        super().__init__()
        self.data._mmap.madvise(mmap.MADV_RANDOM)

    def __getitems__(self, indices):
        import torch

        return torch.from_numpy(np.asarray(self.data[indices])), torch.from_numpy(self.labels[indices])


def torch_batches(dataset):
    from torch.utils.data import DataLoader, default_collate

    collate = (lambda batch: batch) if hasattr(dataset, "__getitems__") else default_collate
    loader = DataLoader(
        dataset,
        batch_size=batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=collate,
    )
    return lambda epoch: ((data.numpy(), labels.numpy()) for data, labels in loader)


def datasets_folder():
    return f"{folder}/datasets"


def hugging_face_batches():
    import datasets

    samples = datasets.load_from_disk(datasets_folder())

    def batches(epoch):
        shuffled = samples.shuffle(seed=epoch, keep_in_memory=True).with_format("numpy")
        return ((batch["data"], batch["label"]) for batch in shuffled.iter(batch_size))

    return batches


def make_datasets():
    import datasets
    import pyarrow as pa
    from datasets.table import InMemoryTable

    data = np.load(f"{folder}/samples.npy", mmap_mode="r")
    at_once = max(1, 2**26 // (length * 4))
    pieces = [
        pa.FixedSizeListArray.from_arrays(pa.array(data[start : start + at_once].reshape(-1)), length)
        for start in range(0, count, at_once)
    ]
    table = pa.table({"data": pa.chunked_array(pieces), "label": label_array()})
    # From arrays: row by row, as from_generator does it, takes minutes for a gibibyte.
    made = datasets.Dataset(InMemoryTable(table))
    made.save_to_disk(datasets_folder())
    return {"made": len(made)}


def peak_of(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def children():
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == os.getpid():
                found.append(int(name))
    return found


def run(batches):
    timed = -1 if task["isWarm"] else 0
    is_cut = False
    while not is_cut and (timed <= 0 or time.perf_counter() - start < task["leastSeconds"]):
        samples = ids = hashes = label = 0
        if timed <= 0:
            start = time.perf_counter()
        for data, labels in batches(timed + 1):
            if data.dtype != np.float32 or data.shape[1:] != (length,) or not data.flags.c_contiguous:
                raise TypeError(f"a batch is {data.dtype} of {data.shape}")
            words = data.view(np.uint32)
            ids += int(data[:, 0].sum(dtype=np.float64))
            hashes += int((words[:, 1] ^ words[:, length // 2] ^ words[:, -1]).sum(dtype=np.uint64))
            label += int(labels.sum())
            samples += len(data)
            is_cut = time.perf_counter() - start > task["mostSeconds"]
            if is_cut:
                break
        timed += 1
    seconds = (time.perf_counter() - start) / timed
    peak = sum(peak_of(pid) for pid in [os.getpid(), *children()])
    sums = {"samples": samples, "ids": ids, "hash": hashes, "label": label}
    return {**sums, "seconds": seconds, "peakBytes": peak, "isCut": is_cut}


kinds = {
    "torch-files": lambda: run(torch_batches(Files())),
    "torch-memmap": lambda: run(torch_batches(Memmap())),
    "torch-memmap-tuned": lambda: run(torch_batches(TunedMemmap())),
    "datasets": lambda: run(hugging_face_batches()),
    "make-datasets": make_datasets,
}
end_with_parent()
print(json.dumps(kinds[task["kind"]]()), flush=True)
# Workers that wait for more are not asked to finish.
for pid in children():
    os.kill(pid, signal.SIGKILL)
os._exit(0)
