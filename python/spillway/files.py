"""Positioned reads from many files with few descriptors. Used by threads, forked and spawned processes alike.

Descriptors belong to the process that opened them: state is kept by process id, so a forked child starts with a lock
of its own that no lost thread can hold, and closes what it inherited. Pickled, it is only its limit.
Rule: a descriptor is closed only while nobody reads from it, else its number could name another file in mid-read.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Any, Dict

from . import checked
from .errors import SpillwayError

#: Files that a process keeps open for one dataset: well below the 256 that some systems allow.
MAX_OPEN_FILES = 64

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class OpenFile:
    """An open file: read from it, then give it back with `OpenFiles.release`."""

    __slots__ = ("path", "descriptor", "users", "lock")

    def __init__(self, path: str) -> None:
        self.path = path
        self.descriptor = os.open(path, _FLAGS)
        self.users = 0
        self.lock = threading.Lock()

    def read_into(self, target: memoryview, start_byte: int) -> int:
        """Fills `target` with the file's bytes from `start_byte` on; gives the bytes got, fewer only at the end."""
        got = 0
        while got < len(target):
            # The system gives at most 2 GiB at once, and may give less.
            step = _read_some(self, target[got:] if got else target, start_byte + got)
            if step == 0:
                break
            got += step
        return got

    def read_cached(self, target: memoryview, start_byte: int) -> int:
        """As `read_into`, but only what the system has in memory and without waiting; 0 also where it cannot tell."""
        return _read_cached(self, target, start_byte)

    def ask_for(self, start_byte: int, byte_length: int) -> None:
        """Lets the system fetch these bytes while we do other things, where it can."""
        if hasattr(os, "posix_fadvise"):
            try:
                os.posix_fadvise(self.descriptor, start_byte, byte_length, os.POSIX_FADV_WILLNEED)
            except OSError:
                pass  # Advice: the read itself will say what is wrong.


class _State:
    """What one process holds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.files: OrderedDict[str, OpenFile] = OrderedDict()

    def close(self) -> None:
        while self.files:
            os.close(self.files.popitem()[1].descriptor)


class OpenFiles:
    """At most `limit` open files, the least recently used closed first; more only while more are being read."""

    def __init__(self, limit: int = MAX_OPEN_FILES) -> None:
        self.limit = limit
        self._states: Dict[int, _State] = {}

    def acquire(self, path: str) -> OpenFile:
        """Opens a file, or takes it from those that are open. Give it back in a `finally`.

        Raises
        ------
        SpillwayError
            `missing` if it is not there, `io` if the system refuses
        """
        state = self._state()
        with state.lock:
            file = state.files.get(path)
            if file is None:
                file = _open(path)
                state.files[path] = file
            else:
                state.files.move_to_end(path)
            file.users += 1
            self._close_idle(state)
        return file

    def release(self, file: OpenFile) -> None:
        """Gives back what `acquire` gave."""
        state = self._state()
        with state.lock:
            file.users -= 1
            self._close_idle(state)

    def close(self) -> None:
        """Closes all files of this process; nobody may be reading. Later reads open them again."""
        state = self._states.pop(os.getpid(), None)
        if state is not None:
            state.close()

    def _state(self) -> _State:
        pid = os.getpid()
        state = self._states.get(pid)
        if state is None:
            # setdefault is atomic: of several threads one wins, and it alone clears up after the parent process.
            made = _State()
            state = self._states.setdefault(pid, made)
            if state is made:
                for other in [key for key in self._states if key != pid]:
                    self._states.pop(other).close()
        return state

    def _close_idle(self, state: _State) -> None:
        if len(state.files) <= self.limit:
            return
        for path in [path for path, file in state.files.items() if file.users == 0]:
            if len(state.files) <= self.limit:
                break
            os.close(state.files.pop(path).descriptor)

    def __reduce__(self) -> Any:
        return (type(self), (self.limit,))

    def __del__(self) -> None:
        for state in self._states.values():
            state.close()


def _open(path: str) -> OpenFile:
    try:
        return OpenFile(path)
    except (FileNotFoundError, NotADirectoryError) as cause:
        raise SpillwayError(
            f"{path} is not there", "missing", "Restore it from a copy, or pack again.", {"path": path}
        ) from cause
    except OSError as cause:
        raise checked.unreadable(path, cause) from cause


def _read_by_preadv(file: OpenFile, target: memoryview, start_byte: int) -> int:
    return os.preadv(file.descriptor, [target], start_byte)


def _read_by_pread(file: OpenFile, target: memoryview, start_byte: int) -> int:
    content = os.pread(file.descriptor, min(len(target), 2**30), start_byte)
    target[: len(content)] = content
    return len(content)


def _read_by_seek(file: OpenFile, target: memoryview, start_byte: int) -> int:
    with file.lock:  # The place in the file is shared by all threads.
        os.lseek(file.descriptor, start_byte, os.SEEK_SET)
        content = os.read(file.descriptor, min(len(target), 2**30))
    target[: len(content)] = content
    return len(content)


def _read_cached(file: OpenFile, target: memoryview, start_byte: int) -> int:
    if not hasattr(os, "RWF_NOWAIT"):
        return 0
    try:
        return os.preadv(file.descriptor, [target], start_byte, os.RWF_NOWAIT)
    except OSError:
        return 0  # Not in memory, or a file system that cannot tell.


if hasattr(os, "preadv"):
    _read_some = _read_by_preadv
elif hasattr(os, "pread"):
    _read_some = _read_by_pread
else:  # Windows
    _read_some = _read_by_seek
