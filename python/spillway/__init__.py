"""Reads datasets packed by Spillway; needs numpy only. `Dataset` is the door, `SpillwayError` what it throws."""

from .dataset import Dataset
from .errors import SpillwayError
from .content import Field

__all__ = ["Dataset", "Field", "SpillwayError"]
__version__ = "0.1.0"
