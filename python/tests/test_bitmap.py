"""The k-th row of a set."""

from __future__ import annotations

import numpy as np
import pytest

from spillway.bitmap import Bitmap


@pytest.mark.parametrize("count", [1, 7, 8, 255, 256, 257, 1000, 100_003])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.5, 0.999, 1.0])
def test_selects_what_flatnonzero_lists(count, share):
    is_member = np.random.default_rng(count).random(count) < share
    bitmap = Bitmap(np.packbits(is_member, bitorder="little").tobytes())
    rows = np.flatnonzero(is_member)
    assert len(bitmap) == len(rows)
    np.testing.assert_array_equal(bitmap.rows(), rows)
    np.testing.assert_array_equal(bitmap.select(np.arange(len(rows))), rows)


def test_holds_less_than_two_bits_per_row():
    bitmap = Bitmap(bytes(125_000))
    assert sum(part.nbytes for part in vars(bitmap).values()) * 8 < 2 * 1_000_000
