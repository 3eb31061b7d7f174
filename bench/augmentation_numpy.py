"""The rival of bench/augmentation.ts: the same transforms in plain NumPy, sample by sample, as one writes them.

Reads one JSON line {"name", "shape", "count"} at a time, prints {"seconds", "mean", "std"} of so many samples.
"""

import json
import sys
import time

import numpy as np

rng = np.random.default_rng(7)


def jitter(x):
    return x + rng.normal(0, 0.03, x.shape).astype(np.float32)


def scaling(x):
    return x * rng.normal(1, 0.1, x.shape[1]).astype(np.float32)


def shift(x):
    by = rng.integers(-16, 17)
    out = np.zeros_like(x)
    if by >= 0:
        out[by:] = x[: len(x) - by]
    else:
        out[:by] = x[-by:]
    return out


def at_places(x, places):
    low = np.minimum(places.astype(np.intp), len(x) - 2)
    part = (places - low).astype(np.float32)[:, None]
    return x[low] * (1 - part) + x[low + 1] * part


def crop(x):
    kept = round(rng.uniform(0.8, 1) * len(x))
    first = rng.integers(len(x) - kept + 1)
    return at_places(x, np.linspace(first, first + kept - 1, len(x)))


def curve(steps, knots):
    at = np.linspace(0, len(knots) - 1, steps)
    k = np.minimum(at.astype(np.intp), len(knots) - 2)
    s = (at - k)[:, None]
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    a, b, c, d = padded[k], padded[k + 1], padded[k + 2], padded[k + 3]
    return b + 0.5 * s * (c - a + s * (2 * a - 5 * b + 4 * c - d + s * (3 * (b - c) + d - a)))


def time_warp(x):
    speeds = np.maximum(0.1, rng.normal(1, 0.2, 4))
    speed = np.interp(np.linspace(0, 3, len(x)), np.arange(4), speeds)
    places = np.concatenate([[0], np.cumsum((speed[1:] + speed[:-1]) / 2)])
    return at_places(x, places * (len(x) - 1) / places[-1])


def magnitude_warp(x):
    return x * curve(len(x), rng.normal(1, 0.2, (4, x.shape[1]))).astype(np.float32)


def permutation(x):
    parts = np.array_split(x, 4)
    return np.concatenate([parts[k] for k in rng.permutation(4)])


def channel_dropout(x):
    out = x.copy()
    out[:, rng.random(x.shape[1]) < 0.2] = 0
    return out


def time_mask(x):
    out = x.copy()
    length = rng.integers(len(x) // 10 + 1)
    first = rng.integers(len(x) - length + 1)
    out[first : first + length] = 0
    return out


def frequency_mask(x):
    spectrum = np.fft.rfft(x, axis=0)
    count = len(spectrum) - 1
    length = rng.integers(count // 10 + 1)
    first = 1 + rng.integers(count - length + 1)
    spectrum[first : first + length] = 0
    return np.fft.irfft(spectrum, n=len(x), axis=0).astype(np.float32)


def noise(x, slope=0):
    added = rng.normal(size=x.shape)
    if slope:
        spectrum = np.fft.rfft(added, axis=0)
        frequency = np.arange(len(spectrum))
        frequency[0] = 1
        spectrum *= (frequency ** (slope / 2))[:, None]
        added = np.fft.irfft(spectrum, n=len(x), axis=0)
    added -= added.mean(axis=0)
    wanted = x.var(axis=0) / 10 ** (rng.uniform(10, 30) / 10)
    return x + (added * np.sqrt(wanted / added.var(axis=0))).astype(np.float32)


def flip(x):
    return x[:, ::-1].copy()


def bilinear(x, rows, columns, fill=None):
    if fill is not None:
        # A frame of one pixel, to which all that lies outside is drawn.
        x = np.pad(x, [(1, 1), (1, 1), (0, 0)], constant_values=fill)
        rows, columns = rows + 1, columns + 1
    height, width = x.shape[:2]
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    r, c = np.minimum(rows.astype(np.intp), height - 2), np.minimum(columns.astype(np.intp), width - 2)
    fr, fc = (rows - r).astype(np.float32)[..., None], (columns - c).astype(np.float32)[..., None]
    upper = x[r, c] * (1 - fc) + x[r, c + 1] * fc
    lower = x[r + 1, c] * (1 - fc) + x[r + 1, c + 1] * fc
    return upper * (1 - fr) + lower * fr


def random_resized_crop(x):
    height, width = x.shape[:2]
    while True:
        area = rng.uniform(0.25, 1) * height * width
        ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        h, w = np.sqrt(area / ratio), np.sqrt(area * ratio)
        if h <= height and w <= width:
            break
    rows = rng.uniform(0, height - h) + (np.arange(height) + 0.5) * h / height - 0.5
    columns = rng.uniform(0, width - w) + (np.arange(width) + 0.5) * w / width - 0.5
    return bilinear(x, rows[:, None], columns[None, :])


def rotation(x):
    angle = np.radians(rng.uniform(-15, 15))
    down = np.arange(x.shape[0])[:, None] - (x.shape[0] - 1) / 2
    right = np.arange(x.shape[1])[None, :] - (x.shape[1] - 1) / 2
    cos, sin = np.cos(angle), np.sin(angle)
    rows = (x.shape[0] - 1) / 2 + sin * right + cos * down
    return bilinear(x, rows, (x.shape[1] - 1) / 2 + cos * right - sin * down, 0)


def colour_jitter(x):
    out = np.clip(x * np.float32(rng.uniform(0.8, 1.2)), 0, 255)
    grey = (out @ np.float32([0.299, 0.587, 0.114]) if x.shape[2] == 3 else out).mean()
    return np.clip(grey + (out - grey) * np.float32(rng.uniform(0.8, 1.2)), 0, 255)


def erase(x):
    out = x.copy()
    height, width = x.shape[:2]
    while True:
        area = rng.uniform(0.02, 0.2) * height * width
        ratio = np.exp(rng.uniform(np.log(0.3), np.log(3.3)))
        h, w = round(np.sqrt(area / ratio)), round(np.sqrt(area * ratio))
        if h <= height and w <= width:
            break
    top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
    out[top : top + h, left : left + w] = 0
    return out


transforms = {
    "jitter": jitter,
    "scaling": scaling,
    "shift": shift,
    "crop": crop,
    "timeWarp": time_warp,
    "magnitudeWarp": magnitude_warp,
    "permutation": permutation,
    "channelDropout": channel_dropout,
    "timeMask": time_mask,
    "frequencyMask": frequency_mask,
    "noise white": noise,
    "noise pink": lambda x: noise(x, -1),
    "flip": flip,
    "randomResizedCrop": random_resized_crop,
    "rotation": rotation,
    "colourJitter": colour_jitter,
    "erase": erase,
}


def sample(shape):
    """The sample of bench/augmentation.ts: values 0 to 255 of a multiplicative hash, or 1 / 64 of that less 2."""
    count = int(np.prod(shape))
    k = (np.arange(1, count + 1, dtype=np.uint64) * 0x9E3779B1 % 2**32) >> 8
    values = (k % 256).astype(np.float32)
    return (values if len(shape) == 3 else values / 64 - 2).reshape(shape)


for line in sys.stdin:
    job = json.loads(line)
    apply, x = transforms[job["name"]], sample(job["shape"])
    for _ in range(20):
        apply(x)
    mean = std = 0.0
    start = time.perf_counter()
    for _ in range(job["count"]):
        out = apply(x)
    seconds = time.perf_counter() - start
    checked = min(job["count"], 2000)
    for _ in range(checked):
        out = apply(x)
        mean += float(out.mean()) / checked
        std += float(out.std()) / checked
    print(json.dumps({"seconds": seconds, "mean": mean, "std": std}), flush=True)
