"""What lives in the library. In: its address. Out: an object that frees it: at the end of a `with`, or with the object."""

import weakref
from typing import Optional, Type, TypeVar

from . import _library
from .errors import BugError, UsageError

_Self = TypeVar("_Self", bound="Handle")


class Handle:
    """The base of all that the library keeps for its caller."""

    _KIND = ""

    def __init__(self) -> None:
        self._own(_library.plain(f"{self._KIND}_new"))

    def _own(self, address: Optional[int]) -> None:
        if address is None:
            raise BugError(f"virtsev_{self._KIND}_new() failed inside")
        self._address = address
        self._free = weakref.finalize(self, _library.plain, f"{self._KIND}_free", address)
        # The end of the process frees everything, and a forked child must not wait for a lock of its parent's.
        self._free.atexit = False

    @property
    def _at(self) -> int:
        # Never NULL in its place: for an owner that would mean that nothing is to be verified.
        if not self._free.alive:
            raise UsageError(f"this {type(self).__name__} was closed")
        return self._address

    def close(self) -> None:
        """Frees it. A call that uses it on another thread goes on; the next one is refused. Twice does no harm."""
        self._free()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: object, trace: object) -> None:
        self.close()
