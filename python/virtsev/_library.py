"""libvirtsev.so.0. In: values as ctypes takes them. Out: Python's own, or an exception. Never: a string left behind."""

import ctypes
import json
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from typing import Any, Dict, Optional, Tuple

from .errors import BY_CODE, Error

#: The ABI that this package needs at least.
ABI = 1

#: `virtsev_progress`.
PROGRESS = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)

_OUT = POINTER(c_void_p)
_TEXT = c_char_p
#: A handle, or a pointer of libvirt's.
_AT = c_void_p

#: Functions that can fail: what they take before the place for the error.
_FALLIBLE: Dict[str, Tuple[Any, ...]] = {
    "config_set": (_AT, _TEXT, _TEXT),
    "config_load": (_AT, _TEXT, _TEXT),
    "config_option": (_AT, _TEXT, _TEXT),
    "config_json": (_AT, _OUT),
    "apply": (_AT, _TEXT, _OUT),
    "plan_new": (_AT, _AT, _TEXT, _OUT),
    "plan_json": (_AT, _OUT),
    "plan_xml": (_AT, _OUT),
    "lint": (_AT, _TEXT, _OUT),
    "host": (_AT, _OUT),
    "cancel_ask": (_AT,),
    "owner_set": (_AT, _TEXT, _TEXT),
    "owner_keys": (_AT, _AT, _AT),
    "owner_secret": (_AT, _TEXT, _AT, c_size_t),
    "check": (_AT, _AT, _TEXT, _OUT),
    "define": (_AT, _AT, _TEXT, _OUT),
    "launch": (_AT, _AT, _TEXT, _AT, _AT, PROGRESS, c_void_p, _OUT),
    "recover": (_AT, _OUT),
    "measurement": (_AT, _OUT),
    "verify": (_AT, _TEXT, _OUT),
    "packet": (_AT, _TEXT, _OUT),
    "verify_domain": (_AT, _AT, _AT, PROGRESS, c_void_p, _OUT),
    "inject": (_AT, _TEXT, c_int),
    "session": (_AT, _AT, c_uint32, _TEXT, _OUT),
}

#: The others: what they return and take.
_PLAIN: Dict[str, Tuple[Any, Tuple[Any, ...]]] = {
    "abi_version": (c_uint32, ()),
    "version": (c_char_p, ()),
    "handle_count": (c_size_t, ()),
    "error_code": (c_int, (_AT,)),
    "error_name": (c_char_p, (_AT,)),
    "error_message": (c_char_p, (_AT,)),
    "error_hint": (c_char_p, (_AT,)),
    "error_json": (c_char_p, (_AT,)),
    "error_free": (None, (_AT,)),
    "string_free": (None, (_AT,)),
    "config_new": (_AT, ()),
    "config_free": (None, (_AT,)),
    "plan_free": (None, (_AT,)),
    "cancel_new": (_AT, ()),
    "cancel_free": (None, (_AT,)),
    "owner_new": (_AT, ()),
    "owner_free": (None, (_AT,)),
}


def _load() -> Dict[str, Any]:
    """Loads the library, and finds every function that this package calls."""
    name = os.environ.get("VIRTSEV_LIBRARY") or "libvirtsev.so.0"
    where = "Install virt-sev's C library and run ldconfig, or name it in the environment variable VIRTSEV_LIBRARY."
    try:
        library = ctypes.CDLL(name)
    except OSError as e:
        raise ImportError(f"{name} cannot be loaded: {e}. {where}", name="virtsev", path=name) from e
    functions: Dict[str, Any] = {}
    try:
        has = _typed(library, "abi_version", *_PLAIN["abi_version"])()
        if has < ABI:
            needs = f"{name} is too old: it has ABI {has}, and this package needs {ABI}. Install a newer virt-sev."
            raise ImportError(needs, name="virtsev", path=name)
        for function, takes in _FALLIBLE.items():
            functions[function] = _typed(library, function, c_int, (*takes, _OUT))
        for function, (gives, takes) in _PLAIN.items():
            functions[function] = _typed(library, function, gives, takes)
    except AttributeError as e:
        raise ImportError(f"{name} is not virt-sev's C library: {e}. {where}", name="virtsev", path=name) from e
    return functions


def _typed(library: ctypes.CDLL, function: str, gives: Any, takes: Tuple[Any, ...]) -> Any:
    found = library[f"virtsev_{function}"]
    found.restype, found.argtypes = gives, takes
    return found


_FUNCTIONS = _load()


def plain(function: str, *arguments: Any) -> Any:
    """A call that cannot fail."""
    return _FUNCTIONS[function](*arguments)


def done(function: str, *arguments: Any) -> None:
    """A call that gives nothing."""
    error = c_void_p()
    try:
        if _FUNCTIONS[function](*arguments, byref(error)) != 0:
            raise _told(error)
    finally:
        plain("error_free", error)


def answer(function: str, *arguments: Any) -> str:
    """A call that gives a string."""
    text = c_void_p()
    try:
        done(function, *arguments, byref(text))
        return ctypes.string_at(text).decode()
    finally:
        plain("string_free", text)


def document(function: str, *arguments: Any) -> Any:
    """A call that gives JSON."""
    return json.loads(answer(function, *arguments))


def made(function: str, *arguments: Any) -> Optional[int]:
    """A call that gives a handle."""
    handle = c_void_p()
    done(function, *arguments, byref(handle))
    return handle.value


def text(value: str, what: str) -> bytes:
    """A string for C. The library judges what is not UTF-8, such as a path of other bytes."""
    if not isinstance(value, str):
        raise TypeError(f"{what}: a str is wanted, not {type(value).__name__}")
    if "\0" in value:
        # C would see only its beginning.
        raise ValueError(f"{what}: a NUL character, which no C string can have")
    return value.encode("utf-8", "surrogateescape")


def _told(error: c_void_p) -> Error:
    hint = plain("error_hint", error)
    told = json.loads(plain("error_json", error))
    kind = BY_CODE.get(told["code"], Error)
    return kind(plain("error_message", error).decode(), None if hint is None else hint.decode(), told)
