"""Values of keys and options. In: Python's. Out: their text."""

import os
from typing import Iterable, Union

from . import _library

#: A value: text, a number, a truth, a path.
Value = Union[str, int, bool, "os.PathLike[str]"]
#: One, or several where an option takes them.
Values = Union[Value, Iterable[Value]]


def value(given: Value, what: str) -> bytes:
    """The text of a value."""
    if isinstance(given, bool):
        return b"true" if given else b"false"
    if isinstance(given, int):
        return str(given).encode()
    return _library.text(os.fspath(given), what)


def each(given: Values) -> Iterable[Value]:
    """Several values, or the one."""
    if isinstance(given, (str, int, os.PathLike)):
        return [given]
    return given
