"""The layout's permutation: golden values of the TypeScript library, and laws."""

from __future__ import annotations

import numpy as np
import pytest

from spillway.permutation import Permutation, Placement

GOLDEN = [
    (10, 0, [3, 8, 6, 1, 7, 9, 2]),
    (10, 1, [5, 8, 6, 7, 9, 0, 4]),
    (1000, 7, [932, 21, 688, 606, 239, 308, 299]),
    (1025, 2**40 + 3, [453, 724, 942, 334, 878, 659, 276]),
    (2**32 + 1, 5, [1960146219, 495821064, 4144110476, 62149030, 2731215702, 2410083770, 704920829]),
    (
        2**48,
        12,
        [
            237943325275325,
            257665686045226,
            277958669585307,
            178361744856491,
            266907585406402,
            71268134645973,
            270287777773009,
        ],
    ),
]


@pytest.mark.parametrize(("n", "seed", "expected"), GOLDEN)
def test_gives_the_values_of_the_typescript_library(n, seed, expected):
    order = Permutation(n, seed)
    places = np.array([0, 1, 2, 3, 4, n // 2, n - 1])
    # Seven numbers are computed one by one, seventy all at once.
    assert order.at(places).tolist() == expected
    assert order.at(np.tile(places, 10)).tolist() == expected * 10
    assert order.place_of(np.array(expected)).tolist() == places.tolist()
    assert order.place_of(np.array(expected * 10)).tolist() == places.tolist() * 10


@pytest.mark.parametrize("n", [1, 2, 3, 1023, 1024, 1025, 5000])
def test_is_a_bijection_and_place_of_its_inverse(n):
    order = Permutation(n, n * 3)
    places = np.arange(n)
    samples = order.at(places)
    assert sorted(samples.tolist()) == places.tolist()
    assert order.place_of(samples).tolist() == places.tolist()
    assert samples.dtype == np.int64


def test_maps_blocks_and_leaves_what_lies_behind_them():
    placement = Placement([(100, 3), (1, 0), (50, 9)])
    ids = np.random.default_rng(0).permutation(170)
    rows = placement.rows_of(ids)
    assert sorted(rows.tolist()) == list(range(170))
    assert placement.ids_of(rows).tolist() == ids.tolist()
    for start, end in ((0, 100), (100, 101), (101, 151)):
        inside = (ids >= start) & (ids < end)
        assert ((rows[inside] >= start) & (rows[inside] < end)).all()
    assert (rows[ids >= 151] == ids[ids >= 151]).all()
    first = Permutation(100, 3)
    assert first.at(placement.rows_of(np.arange(100))).tolist() == list(range(100))


def test_without_blocks_ids_are_rows():
    ids = np.array([5, 3])
    assert Placement([]).rows_of(ids) is ids
