"""Reads datasets packed by Spillway; needs numpy only. `Dataset` is the door, `SpillwayError` what it throws."""

from .dataset import Dataset
from .errors import SpillwayError
from .content import Field
from .encoding import ChannelCode, CodeError, Encoding

__all__ = ["ChannelCode", "CodeError", "Dataset", "Encoding", "Field", "SpillwayError"]
__version__ = "0.1.0"
