"""A set of rows: one bit for each, and a small directory to find the k-th of them.

    bits       ........ ........ | ........ ........ | ...       32 bytes = 256 rows a block
    before     0                   7                   12 ...    set bits before each block, int64: 1/4 bit per row

Rule: never a list of row numbers; the set of 100 million rows takes 16 MB.
"""

from __future__ import annotations

import numpy as np

_BLOCK_BYTES = 32
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
#: Set bits of each byte.
_COUNTS = _BITS.sum(axis=1, dtype=np.uint8)
#: _PLACES[byte, k] is the place of the k-th set bit of the byte.
_PLACES = np.argsort(1 - _BITS, axis=1, kind="stable").astype(np.int64)


class Bitmap:
    """Rows whose bit is set, in ascending order: row r is bit `r % 8`, lowest first, of byte `r // 8`.

    Parameters
    ----------
    content
        the bits; those beyond the last row must be zero
    """

    def __init__(self, content: bytes) -> None:
        block_count = -(-len(content) // _BLOCK_BYTES)
        self._bytes = np.zeros((block_count, _BLOCK_BYTES), np.uint8)
        self._bytes.reshape(-1)[: len(content)] = np.frombuffer(content, np.uint8)
        self._before = np.zeros(block_count + 1, np.int64)
        np.cumsum(_COUNTS[self._bytes].sum(axis=1, dtype=np.int64), out=self._before[1:])

    def __len__(self) -> int:
        return int(self._before[-1])

    def select(self, places: np.ndarray) -> np.ndarray:
        """Rows at the given places of the set.

        Parameters
        ----------
        places
            int64 [B], each at least 0 and less than `len(self)`

        Returns
        -------
        int64 [B]
        """
        block = np.searchsorted(self._before, places, side="right") - 1
        rest = places - self._before[block]
        up_to = np.cumsum(_COUNTS[self._bytes[block]], axis=1, dtype=np.int64)
        byte = (up_to <= rest[:, None]).sum(axis=1)
        which = np.arange(len(places))
        value = self._bytes[block, byte]
        rest = rest - (up_to[which, byte] - _COUNTS[value])
        rows: np.ndarray = (block * _BLOCK_BYTES + byte) * 8 + _PLACES[value, rest]
        return rows

    def rows(self) -> np.ndarray:
        """All rows of the set, int64 [len(self)]: 8 bytes for each."""
        return np.flatnonzero(np.unpackbits(self._bytes.reshape(-1), bitorder="little")).astype(np.int64, copy=False)

    def content(self, rows: int) -> bytes:
        """The bits of the first `rows` rows, as they came, zeros beyond them."""
        size = -(-rows // 8)
        return self._bytes.reshape(-1)[:size].tobytes().ljust(size, b"\0")
