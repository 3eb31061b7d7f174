"""Checks augmentation against NumPy: every transform done again, from its description alone, with the parameters that were
drawn, and the distribution of what is drawn.

    node build/test/python/make-augmented.js FOLDER
    python check_augmentation.py FOLDER/augmentation.json
"""

import base64
import colorsys
import json
import math
import sys

import numpy as np


def array(text, shape=None, dtype=np.float32):
    values = np.frombuffer(base64.b64decode(text), dtype=dtype)
    return values if shape is None else values.reshape(shape)


# Waveforms are [time, channels] here, images [height, width, channels].


def scaling(x, params, options):
    return x * np.array(params)


def shift(x, by, options):
    mode = {"zero": "constant", "edge": "edge"}.get(options["fill"])
    if mode is None:
        return np.roll(x, by, axis=0)
    padded = np.pad(x, [(max(by, 0), max(-by, 0)), (0, 0)], mode=mode)
    return padded[: len(x)] if by > 0 else padded[-len(x) :]


def crop(x, params, options):
    first, kept = params
    part = x[first : first + kept]
    if options["restore"] == "pad":
        return np.pad(part, [(0, len(x) - kept), (0, 0)])
    return at_places(part, np.linspace(0, kept - 1, len(x)))


def at_places(x, places):
    return np.stack([np.interp(places, np.arange(len(x)), channel) for channel in x.T], axis=1)


def time_warp(x, speeds, options):
    steps = np.arange(len(x))
    speed = np.interp(steps, np.linspace(0, len(x) - 1, len(speeds)), speeds)
    places = np.concatenate([[0], np.cumsum((speed[1:] + speed[:-1]) / 2)])
    return at_places(x, places * (len(x) - 1) / places[-1])


def magnitude_warp(x, knots, options):
    knots = np.array(knots)
    at = np.linspace(0, len(x) - 1, len(knots))
    h = at[1] - at[0]
    slopes = np.empty_like(knots)
    slopes[1:-1] = (knots[2:] - knots[:-2]) / (2 * h)
    slopes[0] = (knots[1] - knots[0]) / h
    slopes[-1] = (knots[-1] - knots[-2]) / h
    curve = np.empty((len(x), knots.shape[1]))
    for t in range(len(x)):
        k = min(int(t / h), len(knots) - 2)
        s = t / h - k
        curve[t] = (
            (1 + 2 * s) * (1 - s) ** 2 * knots[k]
            + s * (1 - s) ** 2 * h * slopes[k]
            + s * s * (3 - 2 * s) * knots[k + 1]
            + s * s * (s - 1) * h * slopes[k + 1]
        )
    return x * curve


def permutation(x, order, options):
    edges = [k * len(x) // len(order) for k in range(len(order) + 1)]
    return np.concatenate([x[edges[k] : edges[k + 1]] for k in order])


def channel_dropout(x, params, options):
    kept, fractions = params
    dropped = np.array(fractions) < options["rate"]
    if dropped.all():
        dropped[kept] = False
    return np.where(dropped, options["fill"], x)


def time_mask(x, masks, options):
    x = x.copy()
    for first, length in masks:
        x[first : first + length] = options["fill"]
    return x


def frequency_mask(x, masks, options):
    spectrum = np.fft.rfft(x.astype(np.float64), axis=0)
    for first, length in masks:
        spectrum[first : first + length] = 0
    return np.fft.irfft(spectrum, n=len(x), axis=0)


def flip(x, params, options):
    return x[:, ::-1] if options["direction"] == "horizontal" else x[::-1]


def bilinear(x, rows, columns, fill):
    """Pixels at places; those outside have the value `fill`, or are the nearest ones where it is None."""
    height, width = x.shape[:2]
    if fill is None:
        rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    padded = np.full((height + 2, width + 2, x.shape[2]), 0 if fill is None else fill, dtype=np.float64)
    padded[1:-1, 1:-1] = x
    r0, c0 = np.floor(rows).astype(int), np.floor(columns).astype(int)
    total = 0
    for dr in (0, 1):
        for dc in (0, 1):
            r, c = np.clip(r0 + dr, -1, height), np.clip(c0 + dc, -1, width)
            weight = (1 - abs(rows - (r0 + dr))) * (1 - abs(columns - (c0 + dc)))
            total = total + weight[..., None] * padded[r + 1, c + 1]
    return total


def random_resized_crop(x, params, options):
    top, left, height, width = params
    rows = top + (np.arange(x.shape[0]) + 0.5) * height / x.shape[0] - 0.5
    columns = left + (np.arange(x.shape[1]) + 0.5) * width / x.shape[1] - 0.5
    return bilinear(x, *np.meshgrid(rows, columns, indexing="ij"), None)


def rotation(x, degrees, options):
    middle = (np.array(x.shape[:2]) - 1) / 2
    down, right = np.meshgrid(*(np.arange(n) - m for n, m in zip(x.shape, middle)), indexing="ij")
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return bilinear(x, middle[0] + sin * right + cos * down, middle[1] + cos * right - sin * down, options["fill"])


def erase(x, params, options):
    top, left, rows, columns = params
    x = x.copy()
    x[top : top + rows, left : left + columns] = options["fill"]
    return x


def colour_jitter(x, params, options):
    brightness, contrast, saturation, hue = params
    low, high = options["range"]
    unit = (x.astype(np.float64) - low) / (high - low)

    def grey(pixels):
        return pixels @ [0.299, 0.587, 0.114] if x.shape[2] == 3 else pixels.mean(axis=2)

    unit = np.clip(unit * brightness, 0, 1) if options["brightness"] else unit
    mean = grey(unit).mean()
    unit = np.clip(mean + (unit - mean) * contrast, 0, 1) if options["contrast"] else unit
    if options["saturation"]:
        own = grey(unit)[..., None]
        unit = np.clip(own + (unit - own) * saturation, 0, 1)
    if options["hue"]:
        for pixel in unit.reshape(-1, 3):
            h, s, v = colorsys.rgb_to_hsv(*pixel)
            pixel[:] = colorsys.hsv_to_rgb((h + hue) % 1, s, v)
    return low + unit * (high - low)


transforms = {
    "scaling": scaling,
    "shift": shift,
    "crop": crop,
    "timeWarp": time_warp,
    "magnitudeWarp": magnitude_warp,
    "permutation": permutation,
    "channelDropout": channel_dropout,
    "timeMask": time_mask,
    "frequencyMask": frequency_mask,
    "flip": flip,
    "randomResizedCrop": random_resized_crop,
    "rotation": rotation,
    "erase": erase,
    "colourJitter": colour_jitter,
}


def check_close(what, own, numpys, tolerance=1e-5):
    size = max(1.0, np.abs(numpys).max())
    error = np.abs(own - numpys).max() / size
    assert error < tolerance, f"{what}: off by {error:.3g} of {size:.3g}"


def check_exact(case):
    shape, axis = case["shape"], case["axis"]
    before, after = array(case["before"], shape), array(case["after"], shape)
    if axis is None:
        before, after = before[..., None], after[..., None]
    else:
        before, after = np.moveaxis(before, axis, -1), np.moveaxis(after, axis, -1)
    expected = transforms[case["name"]](before, case["params"], case["options"])
    check_close(case["what"], after, expected)


def check_mixed(case):
    before, other, after = (array(case[name], case["shape"]) for name in ("before", "other", "after"))
    weight = case["params"]
    if case["name"] == "mixup":
        check_close(case["what"], after, weight * before + (1 - weight) * other)
        return
    differs = before != other
    assert np.all((after == before) | (after == other)), case["what"]
    inside = np.argwhere((after == other) & differs)
    if len(inside) == 0:
        return
    # What was put in is a box: nothing of the own is left between its corners, along the axes that were cut.
    box = tuple(slice(low, high + 1) for low, high in zip(inside.min(axis=0), inside.max(axis=0)))
    assert np.array_equal(after[box], other[box]), case["what"]


def kolmogorov_smirnov(values, cdf):
    """sqrt(n) times the greatest distance: above 2.2 once in 10,000 times."""
    values = np.sort(values)
    expected = cdf(values)
    n = len(values)
    up, down = np.arange(1, n + 1) / n - expected, expected - np.arange(n) / n
    return math.sqrt(n) * max(up.max(), down.max())


normal_cdf = np.vectorize(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)))


def check_normal(what, values):
    n = len(values)
    mean, std = values.mean(), values.std()
    kurtosis = ((values - mean) ** 4).mean() / std**4 - 3
    skew = ((values - mean) ** 3).mean() / std**3
    ks = kolmogorov_smirnov(values, normal_cdf)
    for name, value, spread in (
        ("mean", mean, 1 / math.sqrt(n)),
        ("std", std - 1, 1 / math.sqrt(2 * n)),
        ("skewness", skew, math.sqrt(6 / n)),
        ("excess kurtosis", kurtosis, math.sqrt(24 / n)),
    ):
        assert abs(value) < 5 * spread, f"{what}: {name} {value:.4g}, where {spread:.2g} is usual"
    assert ks < 2.5, f"{what}: KS {ks:.3g}"


def check_noise(case):
    signal = array(case["signal"], (case["steps"], 2)).astype(np.float64)
    added = array(case["added"], (case["samples"], case["steps"], 2)).astype(np.float64)
    reached = 10 * np.log10(signal.var(axis=0) / added.var(axis=1))
    assert np.abs(reached - case["snr"]).max() < 0.01, f"{case['colour']}: {np.abs(reached - case['snr']).max()} dB off"
    assert np.abs(added.mean(axis=1)).max() < 1e-5
    correlation = (added[:, :, 0] * added[:, :, 1]).mean() / added.var()
    assert abs(correlation) < 0.05, f"channels correlate: {correlation}"
    power = (np.abs(np.fft.rfft(added, axis=0 if added.ndim == 1 else 1)) ** 2).mean(axis=(0, 2))
    k = np.arange(4, 200)
    slope = np.polyfit(np.log(k), np.log(power[k]), 1)[0]
    expected = {"white": 0, "pink": -1, "brown": -2}[case["colour"]]
    assert abs(slope - expected) < 0.08, f"{case['colour']}: slope {slope:.3f}"


def check_beta(case):
    alpha, values = case["alpha"], array(case["values"], dtype=np.float64)
    assert values.min() >= 0 and values.max() <= 1
    reference = np.random.default_rng(1).beta(alpha, alpha, 400_000)
    both = np.sort(np.concatenate([values, reference]))
    own = np.searchsorted(np.sort(values), both, side="right") / len(values)
    numpys = np.searchsorted(np.sort(reference), both, side="right") / len(reference)
    n = len(values) * len(reference) / (len(values) + len(reference))
    ks = math.sqrt(n) * np.abs(own - numpys).max()
    assert ks < 2.5, f"beta({alpha}): KS {ks:.3g}"
    levels = np.arange(0.05, 1, 0.05)
    off = np.abs(np.quantile(values, levels) - np.quantile(reference, levels)).max()
    assert off < 0.02, f"beta({alpha}): quantiles off by {off:.3g}"


def check_fourier(case):
    before, after = (array(case[name], dtype=np.float64).view(np.complex128) for name in ("before", "after"))
    expected = np.fft.fft(before)
    check_close(f"transform of {case['steps']}", after, expected, 1e-12)
    # Two real series at once: the transform of the first is what NumPy's rfft gives.
    mirrored = np.conj(np.roll(after[::-1], 1))
    half = case["steps"] // 2 + 1
    check_close(f"rfft of {case['steps']}", ((after + mirrored) / 2)[:half], np.fft.rfft(before.real), 1e-12)


def main(path):
    with open(path, encoding="utf-8") as file:
        cases = json.load(file)
    for case in cases["exact"]:
        check_exact(case)
    for case in cases["mixed"]:
        check_mixed(case)
    for case in cases["jitter"]:
        check_normal(f"jitter {case['sigma']}", array(case["values"]).astype(np.float64) / case["sigma"])
    check_normal("normal", array(cases["normals"], dtype=np.float64))
    ks = kolmogorov_smirnov(array(cases["fractions"], dtype=np.float64), lambda x: x)
    assert ks < 2.5, f"fractions: KS {ks:.3g}"
    for case in cases["noise"]:
        check_noise(case)
    for case in cases["beta"]:
        check_beta(case)
    for case in cases["fourier"]:
        check_fourier(case)
    distributions = len(cases["jitter"]) + len(cases["noise"]) + len(cases["beta"]) + 2
    print(f"{len(cases['exact'])} exact cases, {len(cases['mixed'])} mixed, {distributions} distributions agree")


if __name__ == "__main__":
    main(*sys.argv[1:])
