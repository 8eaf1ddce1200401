"""The guest owner's half. In: what is expected, keys, secrets, evidence. Out: verdicts, packets, sessions. Never: a secret
for a guest that was not verified."""

import ctypes
import json
import os
from typing import Any, Dict, Generic, Mapping, Optional, Type, TypeVar, Union, cast, overload

from . import _library, _libvirt
from ._handle import Handle
from .answers import Packet, SessionAnswer, VerifyAnswer
from .cancel import Cancel, Progress, waited
from .options import Value, Values, each, value

#: A document: its text, or what was read from it.
Document = Union[str, Mapping[str, Any]]
_T = TypeVar("_T", bound=Value)
_PathLike = Union[str, "os.PathLike[str]"]


class _Option(Generic[_T]):
    """An option of an owner as an attribute. None takes it back."""

    def __set_name__(self, owner: Type["Owner"], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, kind: Type["Owner"]) -> "_Option[_T]": ...

    @overload
    def __get__(self, owner: "Owner", kind: Type["Owner"]) -> Optional[_T]: ...

    def __get__(self, owner: Optional["Owner"], kind: Type["Owner"]) -> Union["_Option[_T]", Optional[_T]]:
        return self if owner is None else cast(Optional[_T], owner._options.get(self._name))

    def __set__(self, owner: "Owner", given: Optional[_T]) -> None:
        owner.option(self._name, given)


class Owner(Handle):
    """What a guest owner expects of a launch, and the keys and secrets that go with it.

    The attributes are the options of `virt-sev verify` and `virt-sev session` by their names. Keys and secrets are wiped
    when it is closed.
    """

    _KIND = "owner"

    #: What the guest starts from: files, and the text of the command line.
    firmware = _Option[_PathLike]()
    kernel = _Option[_PathLike]()
    initrd = _Option[_PathLike]()
    cmdline = _Option[str]()
    #: Its processors, which SEV-ES measures.
    num_cpus = _Option[int]()
    vcpu_type = _Option[str]()
    vcpu_sig = _Option[int]()
    cpu_family = _Option[int]()
    cpu_model = _Option[int]()
    cpu_stepping = _Option[int]()
    guest_features = _Option[int]()
    legacy_vm_type = _Option[str]()
    vmsa_cpu0 = _Option[_PathLike]()
    vmsa_cpu1 = _Option[_PathLike]()
    #: What the platform is to report.
    policy = _Option[int]()
    api_major = _Option[int]()
    api_minor = _Option[int]()
    build_id = _Option[int]()
    #: What is acceptable.
    policy_file = _Option[_PathLike]()
    #: The keys of the session, in files.
    tik = _Option[_PathLike]()
    tek = _Option[_PathLike]()
    tk = _Option[_PathLike]()
    #: Permits what proves less than it seems to.
    insecure = _Option[bool]()
    #: Leaves the guest's configuration unlooked at.
    ignore_config = _Option[bool]()
    #: The longest wait for one answer of the hypervisor, in seconds.
    timeout = _Option[int]()
    #: For `session()`: what the platform's certificates lead to, its CEK as AMD signed it, its id, the file for the host.
    ca = _Option[_PathLike]()
    cek = _Option[_PathLike]()
    chip_id = _Option[str]()
    bundle = _Option[_PathLike]()

    def __init__(self, **options: Values) -> None:
        """`options` as the attributes, and those of which there can be several: `chain`, `inject_secret`."""
        super().__init__()
        self._options: Dict[str, Optional[Value]] = {}
        for name, some in options.items():
            for one in each(some):
                self.option(name, one)

    def option(self, name: str, given: Optional[Value]) -> None:
        """Sets an option; None takes it back. "chain" and "inject-secret" (NAME:PATH) add to those there."""
        name = name.replace("-", "_")
        if name == "legacy_vm_type" and isinstance(given, bool):
            given = "on" if given else "off"
        text = None if given is None else value(given, name)
        _library.done("owner_set", self._at, _library.text(name.replace("_", "-"), "name"), text)
        self._options[name] = given

    def keys(self, tik: bytes, tek: bytes) -> None:
        """Sets the keys of the session, 16 bytes each, in place of files."""
        for key, name in ((tik, "tik"), (tek, "tek")):
            if len(key) != 16:
                raise ValueError(f"{name}: 16 bytes are wanted, not {len(key)}")
        _library.done("owner_keys", self._at, _bytes(tik, "tik"), _bytes(tek, "tek"))

    def secret(self, name: str, secret: bytes) -> None:
        """Adds a secret for the guest: "luks-key", another name of `virt-sev verify --inject-secret`, or a GUID.

        The library's copy is wiped. A bytearray can be wiped by its owner too; bytes cannot.
        """
        text = _library.text(name, "name")
        _library.done("owner_secret", self._at, text, _bytes(secret, "secret"), len(secret))

    def verify(self, evidence: Document) -> VerifyAnswer:
        """Verifies evidence off line: what `measurement()` or `Config.launch()` gave. Raises `NoError` for a guest that is
        not verified; its `answer` has the reasons."""
        return cast(VerifyAnswer, _library.document("verify", self._at, document(evidence, "evidence")))

    def packet(self, evidence: Document) -> Packet:
        """Verifies evidence, and encrypts the secrets for this launch: for `inject()`, on the host, who cannot read them."""
        return cast(Packet, _library.document("packet", self._at, document(evidence, "evidence")))

    def verify_domain(
        self, dom: object, progress: Optional[Progress] = None, cancel: Optional[Cancel] = None
    ) -> VerifyAnswer:
        """Verifies a paused `libvirt.virDomain` over its connection and, with secrets, injects them and lets it run.
        `progress` and signals: as `Config.launch()`; the guest stays paused then."""
        holder, pointer = self._at, _libvirt.domain(dom)

        def call(stop: Cancel, heard: object) -> str:
            return _library.answer("verify_domain", holder, pointer, stop._at, heard, None)

        return cast(VerifyAnswer, waited(call, progress, cancel))

    def session(self, policy: int, folder: _PathLike, conn: Optional[object] = None) -> SessionAnswer:
        """Makes fresh keys for one launch on one platform, as files in a folder. The platform is that of a
        `libvirt.virConnect`, which must not be this machine, or of the certificates in the option "chain"."""
        if not 0 <= policy < 1 << 32:
            raise ValueError("policy: 32 bits are wanted")
        pointer = None if conn is None else _libvirt.connection(conn)
        into = _library.text(os.fspath(folder), "folder")
        return cast(SessionAnswer, _library.document("session", self._at, pointer, policy, into))


def document(given: Document, what: str) -> bytes:
    """The text of a document."""
    return _library.text(given if isinstance(given, str) else json.dumps(given), what)


def _bytes(given: bytes, what: str) -> Any:
    """Bytes for C; not copied, where that can be."""
    if isinstance(given, bytes):
        return given
    if isinstance(given, bytearray):
        return (ctypes.c_char * len(given)).from_buffer(given)
    raise TypeError(f"{what}: bytes or a bytearray are wanted, not {type(given).__name__}")
