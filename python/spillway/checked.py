"""Checks of values that came out of a JSON file: each function gives the value back, or raises `Damaged`.

Whoever reads the file turns `Damaged` into a SpillwayError with the file's name. Rule: no number from a file is used
as a length, an offset or a path before it went through here.
"""

from __future__ import annotations

import json
import math
import os
import re
from typing import Any, Dict, List, Sequence

from .errors import SpillwayError

#: Largest whole number that JavaScript, the writer, counts exactly.
MAX_COUNT = 2**53 - 1

_HASH = re.compile(r"[0-9a-f]{16}\Z")


class Damaged(Exception):
    """A value is not what the format says; the message names it."""


def count(value: Any, name: str, least: int = 0, most: int = MAX_COUNT) -> int:
    """A whole number from `least` to `most`, both included."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Damaged(f"{name} is {_shown(value)}, not a whole number from {least} to {most}")
    return value


def number(value: Any, name: str) -> float:
    """A finite number as JavaScript reads it: a float64."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(float(value)):
            return float(value)
    except OverflowError:  # A whole number beyond float64.
        pass
    raise Damaged(f"{name} is {_shown(value)}, not a finite number")


def text(value: Any, name: str, most: int = 1024) -> str:
    """A string of at most `most` characters."""
    if not isinstance(value, str) or len(value) > most:
        raise Damaged(f"{name} is not a text of at most {most} characters")
    return value


def hash_text(value: Any, name: str) -> str:
    """16 hexadecimal digits."""
    if not isinstance(value, str) or not _HASH.match(value):
        raise Damaged(f"{name} is not 16 hexadecimal digits")
    return value


def record(value: Any, name: str) -> Dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise Damaged(f"{name} is not an object")
    return value


def array(value: Any, name: str, most: int = 1_000_000) -> List[Any]:
    """A JSON array of at most `most` entries."""
    if not isinstance(value, list) or len(value) > most:
        raise Damaged(f"{name} is not a list of at most {most} entries")
    return value


def choice(value: Any, name: str, allowed: Sequence[str]) -> str:
    """One of the given strings."""
    if not isinstance(value, str) or value not in allowed:
        raise Damaged(f"{name} is {_shown(value)}, not one of {', '.join(allowed)}")
    return value


def inner_path(value: Any, name: str) -> str:
    """A relative path with `/` that stays inside the dataset's folder."""
    path = text(value, name)
    parts = path.split("/")
    if "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in parts) or os.path.splitdrive(path)[0]:
        raise Damaged(f"{name} {_shown(path)} leads out of the dataset")
    return path


def read_bytes(path: str, most: int) -> bytes:
    """The whole of a file of at most `most` bytes.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        for the caller to say what is missing
    SpillwayError
        `io` if the system refuses to read it, `corrupt` if it is larger
    """
    try:
        with open(path, "rb") as file:
            content = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as cause:
        raise unreadable(path, cause) from cause
    if len(content) > most:
        raise damaged(path, f"it has more than {most} bytes")
    return content


def parse_json(content: bytes, path: str) -> Any:
    """JSON of a dataset's own file; `corrupt` if it is none."""
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as cause:
        raise damaged(path, "it is no JSON") from cause


def damaged(path: str, why: str) -> SpillwayError:
    """The error for a file whose content is not what the format says."""
    return SpillwayError(
        f"{path} is damaged: {why}", "corrupt", "Restore it from a copy, or pack again.", {"path": path}
    )


def unreadable(path: str, cause: OSError) -> SpillwayError:
    """The error for a file that the operating system does not let us read."""
    remedy = "Check that the file is readable and its disk is there."
    return SpillwayError(f"{path} cannot be read: {cause.strerror or cause}", "io", remedy, {"path": path})


def _shown(value: Any, most: int = 60) -> str:
    shown: str = repr(value) if isinstance(value, (int, float, str, type(None))) else type(value).__name__
    return shown if len(shown) <= most else shown[:most] + "..."
