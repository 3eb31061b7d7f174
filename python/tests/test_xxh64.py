"""XXH64 against known values, and the two ways to compute it against each other."""

from __future__ import annotations

import numpy as np
import pytest

from spillway.xxh64 import ManyHashes, xxh64


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", 0xEF46DB3751D8E999),
        (b"a", 0xD24EC4F1A98C6E5B),
        (b"abc", 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
    ],
)
def test_gives_the_published_values(content, expected):
    assert xxh64(content) == expected


@pytest.mark.parametrize("byte_length", [*range(0, 70), 511, 512, 513, 4095, 4096])
def test_many_at_once_equal_one_by_one(byte_length):
    texts = np.random.default_rng(byte_length).integers(0, 256, (5, byte_length), np.uint8)
    whole = byte_length // 32 * 32
    hashes = ManyHashes(5)
    hashes.update(texts[:, : whole // 64 * 32])
    hashes.update(texts[:, whole // 64 * 32 : whole])
    assert hashes.finish(texts[:, whole:]).tolist() == [xxh64(text.tobytes()) for text in texts]
