"""AMD SEV, SEV-ES and SEV-SNP guests on libvirt: virt-sev's C library for Python.

Answers are the JSON documents of `virt-sev --format json`, as dictionaries. Failures are subclasses of `Error`. Connections
and domains are those of libvirt-python. Long calls leave other threads alone: none holds the interpreter's lock.
"""

from . import _library
from .answers import (
    CheckAnswer,
    ConfigAnswer,
    DefineAnswer,
    Edit,
    Finding,
    HostAnswer,
    LaunchAnswer,
    LintAnswer,
    Measurement,
    Packet,
    PlanAnswer,
    SessionAnswer,
    Step,
    VerifyAnswer,
)
from .cancel import Cancel, Progress
from .config import Config, Plan
from .errors import (
    BugError,
    CancelledError,
    CertificateError,
    ConfigError,
    DomainError,
    Error,
    FileError,
    FirmwareError,
    HypervisorError,
    InsecureError,
    NoError,
    Problem,
    SessionError,
    StateError,
    TimeoutError,
    UsageError,
)
from .hypervisor import host, inject, measurement, recover
from .owner import Owner

__all__ = [
    "BugError",
    "Cancel",
    "CancelledError",
    "CertificateError",
    "CheckAnswer",
    "Config",
    "ConfigAnswer",
    "ConfigError",
    "DefineAnswer",
    "DomainError",
    "Edit",
    "Error",
    "FileError",
    "Finding",
    "FirmwareError",
    "HostAnswer",
    "HypervisorError",
    "InsecureError",
    "LaunchAnswer",
    "LintAnswer",
    "Measurement",
    "NoError",
    "Owner",
    "Packet",
    "Plan",
    "PlanAnswer",
    "Problem",
    "Progress",
    "SessionAnswer",
    "SessionError",
    "StateError",
    "Step",
    "TimeoutError",
    "UsageError",
    "VerifyAnswer",
    "abi_version",
    "handle_count",
    "host",
    "inject",
    "measurement",
    "recover",
    "version",
]


def version() -> str:
    """The version of the library."""
    return str(_library.plain("version").decode())


def abi_version() -> int:
    """The version of the library's C ABI."""
    return int(_library.plain("abi_version"))


def handle_count() -> int:
    """How many objects and strings of the library live in this process."""
    return int(_library.plain("handle_count"))
