"""Normalisation as it is asked for, checked against the fields, and folded into how stored numbers are decoded.

    (q + zero) * scale + offset       with zero, scale and offset of the encoding and of (value - shift) * factor

Rule: the numbers are folded, and the operations rounded to float64, in the order of src/kernels/decoding.ts, so that
the same float32 come out as in TypeScript, bit for bit.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from .content import Field
from .encoding import NOTHING, code_numbers, spread
from .errors import SpillwayError

#: "standard", "range", or by field {"mean", "std"}, each one number for all or one for each channel.
Normalize = Union[str, Mapping[str, Mapping[str, Any]]]

_WAYS = ("standard", "range")


class Normalisation:
    """How the stored numbers of one field become normalised ones: (value - shift) * factor.

    Parameters
    ----------
    field
        a tensor
    axis
        of a sample, whose places the shifts and factors are of; None where there is one of each
    shifts, factors
        in the unit of the values, and its inverse
    """

    def __init__(self, field: Field, axis: Optional[int], shifts: Sequence[float], factors: Sequence[float]) -> None:
        shift, factor = spread(shifts, field, axis), spread(factors, field, axis)
        zero, scale, divisor, offset = (_numbers(field, name) for name in ("zero", "scale", "divisor", "offset"))
        is_plain = _is_minus_zero(zero) & (scale == 1) & (divisor == 1) & _is_minus_zero(offset)
        with np.errstate(all="ignore"):
            # Values that are stored as they are, are moved before they are scaled: a large mean costs no digits.
            self._zero = np.where(is_plain, -shift, zero)
            self._scale = np.where(is_plain, factor, (scale * factor) / divisor)
            self._offset = np.where(is_plain, NOTHING["offset"], (offset - shift) * factor)

    def apply(self, stored: np.ndarray, dtype: str) -> np.ndarray:
        """Records [B, ...field's shape] normalised: as "float32", or as "float16", that is float32 rounded once more."""
        values = stored.astype(np.float64)
        with np.errstate(all="ignore"):
            values += self._zero
            values *= self._scale
            values += self._offset
            return values.astype(np.float32).astype(dtype, copy=False)


def require_normalizable(normalize: Optional[Normalize], dtype: str) -> None:
    """Refuses with `usage` a way that is not known, and what is not delivered as values to train from."""
    if normalize is None:
        return
    if dtype not in ("float32", "float16"):
        what = f'what is delivered as "{dtype}" cannot be normalised'
        raise SpillwayError(what, "usage", 'Leave out normalize, or give dtype="float32" or "float16".')
    if normalize not in _WAYS if isinstance(normalize, str) else not isinstance(normalize, Mapping):
        remedy = 'Give "standard", "range", or mean and std by field.'
        raise SpillwayError(f"normalize={normalize!r} is not known", "usage", remedy)


def standard_normalisations(
    way: str, statistics: Dict[str, Any], fields: Mapping[str, Field]
) -> Dict[str, Normalisation]:
    """By field, "standard" or "range" by the statistics of a split; a channel that never changes is only shifted."""
    normalisations = {}
    for name, found in statistics["fields"].items():
        channels = found["channels"]
        shift = "mean" if way == "standard" else "min"
        spreads = [each["std"] if way == "standard" else each["max"] - each["min"] for each in channels]
        # The least numbers have no finite inverse.
        factors = [1 / width if width > 0 and math.isfinite(1 / width) else 1.0 for width in spreads]
        shifts = [each[shift] for each in channels]
        normalisations[name] = Normalisation(fields[name], found.get("axis"), shifts, factors)
    return normalisations


def given_normalisations(
    normalize: Mapping[str, Mapping[str, Any]], fields: Mapping[str, Field]
) -> Dict[str, Normalisation]:
    """By field, with the mean and the std that are given.

    Raises
    ------
    SpillwayError
        `missing` for a field that is not there; `usage` for one that is no tensor, numbers that are none, another count
        than there are channels
    """
    normalisations = {}
    for name, given in normalize.items():
        field = _tensor_of(name, fields)
        if not isinstance(given, Mapping) or set(given) != {"mean", "std"}:
            raise _refused(name, f"{given!r} is not a mean and a std", 'Give {"mean": 0.5, "std": 2}.')
        axis = field.channel_axis
        if field.encoding is not None and field.encoding.axis is not None:
            axis = field.encoding.axis
        shifts = _numbers_of(name, "mean", given["mean"], field, axis)
        deviations = _numbers_of(name, "std", given["std"], field, axis)
        for channel, deviation in enumerate(deviations):
            # The least numbers have no finite inverse.
            if not (deviation > 0 and math.isfinite(1 / deviation)):
                remedy = "Give 1 for a channel that never changes."
                raise _refused(name, f"std of channel {channel} is {deviation}", remedy)
        normalisations[name] = Normalisation(field, axis, shifts, [1 / deviation for deviation in deviations])
    return normalisations


def _numbers(field: Field, name: str) -> np.ndarray:
    numbers = code_numbers(field, name)
    return np.array(NOTHING[name]) if numbers is None else numbers


def _is_minus_zero(numbers: np.ndarray) -> np.ndarray:
    return (numbers == 0) & np.signbit(numbers)


def _tensor_of(name: str, fields: Mapping[str, Field]) -> Field:
    field = fields.get(name)
    if field is not None and field.kind == "tensor":
        return field
    tensors = ", ".join(other for other, each in fields.items() if each.kind == "tensor")
    remedy = f"Tensor fields are: {tensors}."
    if field is not None:
        raise _refused(name, "it is a class label", remedy)
    raise SpillwayError(f'there is no field "{name}" to normalise', "missing", remedy, {"field": name})


def _numbers_of(name: str, what: str, given: Any, field: Field, axis: Optional[int]) -> List[float]:
    try:
        found = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise _refused(name, f"{what} is {given!r}", "Give a number, or one for each channel.") from None
    numbers = [float(number) for number in found.reshape(-1)]
    count = 1 if axis is None else field.shape[axis]
    if found.ndim > 1 or len(numbers) not in (1, count):
        have = "no channel axis is known" if axis is None else f"axis {axis} has {count} channels"
        remedy = "Give one number." if count == 1 else f"Give {count} numbers, or one for all."
        raise _refused(name, f"{what} has {len(numbers)} numbers, {have}", remedy)
    for channel, number in enumerate(numbers):
        if not math.isfinite(number):
            raise _refused(name, f"{what} of channel {channel} is {number}", "Give finite numbers.")
    return numbers


def _refused(name: str, why: str, remedy: str) -> SpillwayError:
    return SpillwayError(f'field "{name}" cannot be normalised: {why}', "usage", remedy, {"field": name})
