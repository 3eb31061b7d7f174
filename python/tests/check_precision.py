"""Goes over the analysis of simulated signals with numpy: python check_precision.py FOLDER.

FOLDER is what test/python/make-precision.ts wrote. Statistics and errors are computed here from the values alone; errors
must agree within 0.5 dB, and what is called lossless must come back bit for bit.
"""

import json
import sys
from pathlib import Path

import numpy as np

SHARES = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999]
TOLERANCE_DB = 0.5


def decode(numbers, code):
    """The values of stored numbers, each operation rounded to float64."""
    values = numbers.astype(np.float64)
    if "zero" in code:
        values = values + code["zero"]
    if code["kind"] == "divided":
        return values / code["divisor"]
    values = values * code.get("scale", 1.0)
    return values + code["offset"] if "offset" in code else values


def encode(values, code, dtype):
    """The stored numbers that are nearest to values."""
    if code["kind"] == "divided":
        numbers = values * code["divisor"] - code.get("zero", 0)
    else:
        numbers = (values - code.get("offset", 0.0)) / code.get("scale", 1.0) - code.get("zero", 0)
    return np.round(numbers).astype(dtype)


def reference(values, candidate):
    """What a lossy type leaves of values, with parameters found here."""
    dtype, form = candidate["dtype"], candidate["form"]
    if form == "as it is":
        with np.errstate(over="ignore"):
            limit = np.finfo(dtype).max
            return np.clip(values, -limit, limit).astype(dtype).astype(np.float64)
    if form == "standardised":
        mean, deviation = values.mean(), values.std()
        return ((values - mean) / deviation).astype(np.float16).astype(np.float64) * deviation + mean
    levels = np.iinfo(dtype).max - np.iinfo(dtype).min
    scale = (values.max() - values.min()) / levels
    return np.round((values - values.min()) / scale) * scale + values.min()


def check_channel(name, values, channel):
    """Compares one channel; returns how many candidates were compared."""
    finite = values[np.isfinite(values)]
    facts = channel["facts"]
    assert facts["count"] == values.size and facts["finite"] == finite.size, name
    assert facts["nan"] == np.isnan(values).sum(), name
    assert facts["min"] == finite.min() and facts["max"] == finite.max(), name
    size = np.abs(finite).max()
    assert abs(facts["mean"] - finite.mean()) < 1e-12 * size, name
    assert abs(channel["deviation"] - finite.std()) < 1e-9 * size, name
    for share, quantile in zip(SHARES, channel["quantiles"]):
        low, high = (finite < quantile).mean(), (finite <= quantile).mean()
        assert low - 0.02 <= share <= high + 0.02, f"{name}: quantile {share}"
    series = values.reshape(-1, 512)
    second = np.abs(series[:, :-2] - 2 * series[:, 1:-1] + series[:, 2:])
    noise = 1.4826 * np.median(second[np.isfinite(second)]) / np.sqrt(6)
    assert abs(channel["noise"] - noise) <= 1e-9 * size, f"{name}: noise {channel['noise']}, {noise}"
    compared = 0
    for candidate in channel["candidates"]:
        if candidate["claim"] not in ("lossy", "exact") or candidate["form"] == "steps":
            continue
        back = reference(finite, candidate)
        error = back - finite
        within = np.abs(finite) < 65520 if candidate["dtype"] == "float16" and candidate["form"] == "as it is" else True
        assert candidate["outOfRange"] == np.size(finite) - np.count_nonzero(np.broadcast_to(within, finite.shape)), name
        if candidate["outOfRange"] > 0:
            continue
        assert np.abs(error).max() <= candidate["bound"] * (1 + 1e-9), f"{name}: bound of {candidate['dtype']}"
        if not error.any() or finite.min() == finite.max():
            continue
        sqnr = 10 * np.log10(finite.var() / np.mean(error**2))
        label = f"{name} {candidate['dtype']} {candidate['form']}"
        assert abs(candidate["sqnrDb"] - sqnr) < TOLERANCE_DB, f"{label}: {candidate['sqnrDb']:.2f} dB, numpy {sqnr:.2f}"
        rms = 20 * np.log10(candidate["rmsError"] / np.sqrt(np.mean(error**2)))
        assert abs(rms) < TOLERANCE_DB, label
        compared += 1
    return compared


def check_choice(name, values, report):
    """What was chosen without loss gives every value back."""
    choice = report["choice"]
    encoding = choice.get("encoding")
    if not encoding:
        return
    assert encoding["claim"] == "lossless", name
    for k in range(values.shape[-1]):
        own = values[..., k].ravel()
        codes = encoding["channels"]
        code = codes[k if len(codes) > 1 else 0] if codes else {"kind": "scaled"}
        stored = encode(own, code, choice["dtype"]) if codes else own.astype(choice["dtype"])
        back = decode(stored, code)
        assert (back.view(np.uint64) == own.view(np.uint64))[~np.isnan(own)].all(), f"{name}: channel {k} changed"
        assert (np.isnan(back) == np.isnan(own)).all(), name


def main(folder):
    """Checks every signal of a folder."""
    compared = 0
    for path in sorted(Path(folder).glob("*.json")):
        report = json.loads(path.read_text())
        values = np.fromfile(path.with_suffix(".f64"), np.float64).reshape(-1, *report["shape"])
        for channel in report["channels"]:
            compared += check_channel(path.stem, values[..., channel["channel"]].ravel(), channel)
        check_choice(path.stem, values, report)
        print(f"{path.stem}: {report['choice']['dtype']}: {report['choice']['reason']}")
    print(f"{compared} candidates agree with numpy within {TOLERANCE_DB} dB")
    assert compared > 50


if __name__ == "__main__":
    main(sys.argv[1])
