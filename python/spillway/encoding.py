"""How numbers are stored in fewer bits than they had, and how they come back: FORMAT.md, "Encodings".

    scaled    (q + zero) * scale + offset
    divided   (q + zero) / divisor

`decode` stands between the records that `RowReader` gives and the samples that are handed out. Rule: each operation is
rounded to float64 as written, and what is left out is not computed, so that the same numbers come out as in TypeScript.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional, Sequence, Tuple

import numpy as np

if TYPE_CHECKING:
    from .content import Field

#: By part of a formula, the number that changes nothing, not even the sign of a zero.
NOTHING = {"zero": -0.0, "scale": 1.0, "divisor": 1.0, "offset": -0.0}


@dataclass(frozen=True)
class ChannelCode:
    """The formula of one channel, `kind` "scaled" or "divided"; None is left out of it."""

    kind: str
    zero: Optional[float] = None
    scale: Optional[float] = None
    offset: Optional[float] = None
    divisor: Optional[float] = None


@dataclass(frozen=True)
class CodeError:
    """How far stored values are from the original ones, measured over all of them.

    Attributes
    ----------
    max, rms
        largest difference and root of the mean square, in the unit of the values.
    sqnr_db
        signal-to-quantisation-noise ratio in dB; None without loss.
    clipped
        values beyond the range that can be stored, which were cut to its ends.
    """

    max: float
    rms: float
    sqnr_db: Optional[float]
    clipped: int


@dataclass(frozen=True)
class Encoding:
    """The encoding of a tensor field whose stored dtype is not the one that its values had.

    Attributes
    ----------
    original
        dtype of the values before.
    claim
        "lossless": every value comes back bit for bit; "exact": its float32 does; "lossy": neither.
    channels
        formulas, one per place of `axis`, or one for all, or none where stored numbers are the values.
    axis
        of a sample; None where one formula is for all.
    reason
        why this type, in a sentence.
    errors
        of lossy encodings, for each of the channels.
    """

    original: str
    claim: str
    channels: Tuple[ChannelCode, ...] = ()
    axis: Optional[int] = None
    reason: Optional[str] = None
    errors: Optional[Tuple[CodeError, ...]] = None


def delivered(stored: np.ndarray, field: "Field", dtype: str) -> np.ndarray:
    """Records of a tensor field as a dataset hands them out.

    Parameters
    ----------
    stored
        [B, ...field's shape], stored dtype
    dtype
        "stored"; "float32"; "float16", which is the float32 rounded once more; or "original"

    Returns
    -------
    [B, ...field's shape]; `stored` itself where nothing is to be done
    """
    if is_cast(field, dtype):
        return stored.astype(cast_type(field, dtype), copy=False)
    values = decode(stored, field)
    # Values beyond what a type holds become infinite: that is what was asked for.
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if dtype == "original" and field.encoding is not None:
            return _as_original(values, field.encoding.original)
        if dtype == "float16" and values.dtype != np.float16:
            return values.astype(np.float32, copy=False).astype(np.float16)
        return values.astype(dtype, copy=False)


def is_cast(field: "Field", dtype: str) -> bool:
    """Whether a field is handed out as `dtype` by a mere cast of what is stored, see `cast_type`."""
    return dtype == "stored" or (field.encoding is None and dtype != "float16")


def cast_type(field: "Field", dtype: str) -> "np.dtype[Any]":
    """What is stored is cast to this."""
    return np.dtype(np.float32 if dtype == "float32" else field.dtype)


def decode(stored: np.ndarray, field: "Field") -> np.ndarray:
    """Values of stored records: float64 where the field has formulas, else the stored numbers themselves."""
    if field.encoding is None or not field.encoding.channels:
        return stored
    values = stored.astype(np.float64)
    zero, scale, divisor, offset = (code_numbers(field, name) for name in ("zero", "scale", "divisor", "offset"))
    with np.errstate(all="ignore"):
        if zero is not None:
            values += zero
        if scale is not None:
            values *= scale
        if divisor is not None:
            values /= divisor
        if offset is not None:
            values += offset
    return values


def code_numbers(field: "Field", name: str) -> Optional[np.ndarray]:
    """One part of a field's formulas, "zero" for example, of a shape that spreads over records, [1, ...].

    Where a channel leaves it out, what changes nothing stands there; None where all of them do.
    """
    codes = () if field.encoding is None else field.encoding.channels
    given = [getattr(code, name) for code in codes]
    if all(number is None for number in given):
        return None
    numbers = [NOTHING[name] if number is None else number for number in given]
    return spread(numbers, field, None if field.encoding is None else field.encoding.axis)


def spread(numbers: Sequence[float], field: "Field", axis: Optional[int]) -> np.ndarray:
    """Numbers for the places of an axis of a field, or one for all, as float64 that spreads over records, [1, ...]."""
    shape = [1] * (len(field.shape) + 1)
    if len(numbers) > 1 and axis is not None:
        shape[axis + 1] = len(numbers)
    return np.array(numbers, np.float64).reshape(shape)


def _as_original(values: np.ndarray, original: str) -> np.ndarray:
    dtype: "np.dtype[Any]" = np.dtype(original)
    if values.dtype.kind != "f" or dtype.kind == "f":
        return values.astype(dtype, copy=False)
    if dtype.kind == "b":
        return values != 0
    # Lossy formulas miss whole numbers by a little, and may leave the range at its ends.
    limits = np.iinfo(dtype)
    most = float(limits.max)
    if most > limits.max:
        most = float(np.nextafter(most, 0.0))
    return np.clip(np.rint(values), float(limits.min), most).astype(dtype)
