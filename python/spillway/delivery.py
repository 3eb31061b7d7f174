"""From stored values to those that are handed out: decoded, normalised, cast, images as they are or decoded.

Stands behind the reading of rows. Rule: a sample on its own is a copy, so that it does not keep its batch alive.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

import numpy as np

from .content import Field
from .encoding import cast_type, delivered, is_cast
from .images import decoded_images
from .normalize import Normalisation

#: What `dtype` of a dataset may be.
DELIVERIES = ("float32", "float16", "original", "stored")


class Delivery:
    """How the fields of one dataset are handed out; a name that is no field is the id."""

    def __init__(
        self,
        fields: Mapping[str, Field],
        dtype: str,
        normalisations: Dict[str, Normalisation],
        decode: Optional[Callable[[bytes], Any]],
    ) -> None:
        self._fields = fields
        self._dtype = dtype
        self._normalisations = normalisations
        self._decode = decode

    def batch(self, name: str, stored: np.ndarray) -> np.ndarray:
        """Values of a field, or the id, of a batch, [B, ...]."""
        field = self._fields.get(name)
        if field is None or field.kind == "class":
            return stored.astype(np.int64, copy=False)
        if field.kind == "image":
            return decoded_images(stored, self._decode)
        if name in self._normalisations:
            return self._normalisations[name].apply(stored, self._dtype)
        return delivered(stored, field, self._dtype)

    def each(self, name: str, stored: np.ndarray) -> List[Any]:
        """The same one by one, each copied out of the batch that it was read in."""
        field = self._fields.get(name)
        if field is None or field.kind == "class":
            return [np.int64(value) for value in stored]
        if field.kind == "image":
            return [value if self._decode is None else np.asarray(self._decode(value)) for value in stored]
        if is_cast(field, self._dtype) and name not in self._normalisations:
            # Cast while copying: once through the numbers, not twice.
            dtype = cast_type(field, self._dtype)
            return [np.array(value, dtype) for value in stored]
        return [np.array(value) for value in self.batch(name, stored)]
