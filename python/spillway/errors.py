"""The one error class. Imported by all, imports nothing.

The codes are those of the TypeScript library (src/errors.ts). Rule: a message says what, where, and what to do.
"""

from __future__ import annotations

from typing import Any, Dict, Optional


class SpillwayError(Exception):
    """A problem that a user can meet.

    Parameters
    ----------
    what
        What is wrong and where, with its numbers, without the full stop.
    code
        Stable, for programs to branch on: `usage` an argument makes no sense; `missing` a dataset, split or field is
        not there; `corrupt` a file is damaged; `version` a newer Spillway wrote it; `io` the operating system refused;
        `mismatch` two things do not belong together; `thread` an error that came out of a worker process as
        text only: PyTorch's DataLoader makes the error anew from its message and stack.
    remedy
        What to do, as a sentence.
    where
        Typed place, of the known ones among: path, dataset, shard, field, sample, startByte, endByte.
    """

    def __init__(
        self, what: str, code: str = "thread", remedy: str = "", where: Optional[Dict[str, Any]] = None
    ) -> None:
        super().__init__(f"{what}. {remedy}" if remedy else what)
        self.what = what
        self.code = code
        self.remedy = remedy
        self.where: Dict[str, Any] = dict(where or {})

    def __reduce__(self) -> Any:
        # An exception pickles its message as the only argument; code and place must cross processes too.
        return (type(self), (self.what, self.code, self.remedy, self.where))
