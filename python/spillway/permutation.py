"""The permutation of 0 .. n-1 by a seed and its inverse, by FORMAT.md, for whole arrays of numbers at once.

A Feistel network over the least power of two that holds n, walked again while it leads outside (at most two walks
expected). Rule: the same numbers as src/order/permutation.ts and layout.ts; the tests hold them against each other.
"""

from __future__ import annotations

from typing import Callable, List, Sequence, Tuple

import numpy as np

_MASK = 2**32 - 1
_ROUNDS = 6
#: Halves of fewer bits would be visibly uneven.
_LEAST_BITS = 10
#: Numbers up to which each is computed by itself.
_FEW = 8
#: "layout", where orders of views have the view's fingerprint.
_LAYOUT = (0x6C61796F, 0x75740000)


class Permutation:
    """The order in which n samples were laid out by a seed: row r holds sample `at(r)`."""

    def __init__(self, n: int, seed: int) -> None:
        self.n = n
        bits = max(_LEAST_BITS, (n - 1).bit_length())
        self._right_bits = np.uint64(bits - bits // 2)
        self._left_mask = np.uint32((1 << bits // 2) - 1)
        self._right_mask = np.uint32((1 << (bits - bits // 2)) - 1)
        self._plain_keys = _round_keys(seed)
        self._keys = [np.uint32(key) for key in self._plain_keys]

    def at(self, places: np.ndarray) -> np.ndarray:
        """The samples at some places: int64 [B] from 0 to n - 1, to the same."""
        return self._walk(places, self._forward)

    def place_of(self, samples: np.ndarray) -> np.ndarray:
        """The places of some samples, the inverse of `at`."""
        return self._walk(samples, self._backward)

    def _walk(self, start: np.ndarray, step: "Callable[[_Half, _Half], Tuple[_Half, _Half]]") -> np.ndarray:
        if len(start) < _FEW:
            return np.array([self._walk_one(int(value), step == self._forward) for value in start], np.int64)
        value = start.astype(np.uint64)
        todo = np.arange(len(value))
        while len(todo):
            inside = value[todo]
            left, right = step(
                (inside >> self._right_bits).astype(np.uint32),
                (inside & np.uint64(self._right_mask)).astype(np.uint32),
            )
            value[todo] = left.astype(np.uint64) << self._right_bits | right
            todo = todo[value[todo] >= self.n]
        return value.astype(np.int64)

    def _walk_one(self, value: int, is_forward: bool) -> int:
        """The same for one number: array operations would take ten times as long."""
        keys, bits = self._plain_keys, int(self._right_bits)
        left_mask, right_mask = int(self._left_mask), int(self._right_mask)
        while True:
            left, right = value >> bits, value & right_mask
            for turn in (0, 2, 4) if is_forward else (4, 2, 0):
                if is_forward:
                    left = (left ^ _mix_one(right ^ keys[turn])) & left_mask
                    right = (right ^ _mix_one(left ^ keys[turn + 1])) & right_mask
                else:
                    right = (right ^ _mix_one(left ^ keys[turn + 1])) & right_mask
                    left = (left ^ _mix_one(right ^ keys[turn])) & left_mask
            value = left << bits | right
            if value < self.n:
                return value

    def _forward(self, left: "_Half", right: "_Half") -> "Tuple[_Half, _Half]":
        for turn in range(0, _ROUNDS, 2):
            left = (left ^ _mix(right ^ self._keys[turn])) & self._left_mask
            right = (right ^ _mix(left ^ self._keys[turn + 1])) & self._right_mask
        return left, right

    def _backward(self, left: "_Half", right: "_Half") -> "Tuple[_Half, _Half]":
        for turn in range(_ROUNDS - 2, -1, -2):
            right = (right ^ _mix(left ^ self._keys[turn + 1])) & self._right_mask
            left = (left ^ _mix(right ^ self._keys[turn])) & self._left_mask
        return left, right


#: Half of each value: uint32 [B].
_Half = np.ndarray


class Placement:
    """Which sample lies in which row, where samples kept their ids when they were laid out anew.

    Parameters
    ----------
    placed
        rows and seed of each block of ids from 0 on; ids beyond the blocks are rows
    """

    def __init__(self, placed: Sequence[Tuple[int, int]]) -> None:
        self._blocks: List[Tuple[int, int, Permutation]] = []
        start = 0
        for rows, seed in placed:
            self._blocks.append((start, start + rows, Permutation(rows, seed)))
            start += rows

    def rows_of(self, ids: np.ndarray) -> np.ndarray:
        """Rows of some ids, int64 [B]."""
        return self._map(ids, Permutation.place_of)

    def ids_of(self, rows: np.ndarray) -> np.ndarray:
        """Ids of some rows, int64 [B]."""
        return self._map(rows, Permutation.at)

    def _map(self, numbers: np.ndarray, way: Callable[[Permutation, np.ndarray], np.ndarray]) -> np.ndarray:
        if not self._blocks:
            return numbers
        mapped = numbers.copy()
        for start, end, order in self._blocks:
            chosen = (numbers >= start) & (numbers < end)
            mapped[chosen] = way(order, numbers[chosen] - start) + start
        return mapped


def _mix(value: np.ndarray) -> np.ndarray:
    """The finaliser of MurmurHash3 (Austin Appleby), uint32 [B]."""
    value = (value ^ value >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    value = (value ^ value >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    mixed: np.ndarray = value ^ value >> np.uint32(16)
    return mixed


def _round_keys(seed: int) -> List[int]:
    words = [1, seed & _MASK, seed >> 32, 0, 0, *_LAYOUT]
    return [_murmur3([*words, turn], (turn + 1) * 0x9E3779B1 & _MASK) for turn in range(_ROUNDS)]


def _murmur3(words: Sequence[int], seed: int) -> int:
    """MurmurHash3 x86 32 of uint32 words."""
    value = seed
    for word in words:
        word = word * 0xCC9E2D51 & _MASK
        word = (word << 15 | word >> 17) & _MASK
        value ^= word * 0x1B873593 & _MASK
        value = (value << 13 | value >> 19) & _MASK
        value = (value * 5 + 0xE6546B64) & _MASK
    return _mix_one(value ^ 4 * len(words))


def _mix_one(value: int) -> int:
    value = (value ^ value >> 16) * 0x85EBCA6B & _MASK
    value = (value ^ value >> 13) * 0xC2B2AE35 & _MASK
    return value ^ value >> 16
