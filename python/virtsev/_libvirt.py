"""libvirt-python's objects. In: a `virConnect` or `virDomain`. Out: the pointer in it. Never: an import of libvirt."""

import ctypes
from typing import Any, Optional

_name = ctypes.pythonapi.PyCapsule_GetName
_name.restype, _name.argtypes = ctypes.c_char_p, (ctypes.py_object,)
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)


def _pointer_of(given: Any, kind: str) -> Optional[int]:
    capsule = getattr(given, "_o", None)
    if capsule is None and type(given).__name__ == kind:
        raise ValueError(f"this {kind} was closed")
    try:
        if _name(capsule) == f"{kind}Ptr".encode():
            pointer: Optional[int] = _pointer(capsule, f"{kind}Ptr".encode())
            return pointer
    except ValueError:
        pass  # No capsule at all.
    raise TypeError(f"a libvirt.{kind} is wanted, not {type(given).__name__}")


def connection(conn: object) -> Optional[int]:
    """The `virConnectPtr` of a `libvirt.virConnect`."""
    return _pointer_of(conn, "virConnect")


def domain(dom: object) -> Optional[int]:
    """The `virDomainPtr` of a `libvirt.virDomain`."""
    return _pointer_of(dom, "virDomain")
