"""The host's half. In: a connection or a guest of libvirt-python. Out: what the host can do, evidence, secrets injected."""

from typing import List, Optional, cast

from . import _library, _libvirt
from .answers import HostAnswer, Measurement
from .owner import Document, document


def host(conn: Optional[object] = None) -> HostAnswer:
    """What the host of a `libvirt.virConnect` offers, mode by mode, and what is missing; without one, this machine."""
    pointer = None if conn is None else _libvirt.connection(conn)
    return cast(HostAnswer, _library.document("host", pointer))


def recover(conn: object) -> List[str]:
    """Ends what launches that were cut off have left on this hypervisor, and says of each what was done."""
    return cast(List[str], _library.document("recover", _libvirt.connection(conn))["told"])


def measurement(dom: object) -> Measurement:
    """What a launched `libvirt.virDomain` reports: evidence for its owner."""
    return cast(Measurement, _library.document("measurement", _libvirt.domain(dom)))


def inject(dom: object, packet: Document, resume: bool = False) -> None:
    """Injects the secrets that an owner encrypted for this launch into the paused guest; `resume` lets it run then."""
    _library.done("inject", _libvirt.domain(dom), document(packet, "packet"), int(resume))
