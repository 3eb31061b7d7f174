"""What most tests start from: 100 gestures in three shards, with splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from make_dataset import classes, make_dataset, tensor

NAMES = ["circle", "raise", "wave"]


@dataclass
class Gestures:
    """A dataset's folder, and the arrays that it was made of."""

    path: str
    waves: np.ndarray
    labels: np.ndarray
    train: np.ndarray
    val: np.ndarray


@pytest.fixture
def gestures(tmp_path) -> Gestures:
    random = np.random.default_rng(7)
    waves = random.normal(size=(100, 25, 8))
    labels = random.integers(0, 3, 100)
    shuffled = random.permutation(100)
    train, val = np.sort(shuffled[:80]), np.sort(shuffled[80:])
    fields = {"data": tensor(waves), "label": classes(labels, NAMES)}
    path = make_dataset(tmp_path / "gestures", fields, [40, 40, 20], {"train": train, "val": val})
    return Gestures(path, waves, labels, train, val)


def assert_identical(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal in dtype, shape and every value."""
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)
