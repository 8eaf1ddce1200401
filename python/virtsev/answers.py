"""The library's JSON documents, as type checkers see them. Later versions can have more members than are named here."""

from typing import Dict, List, Optional, TypedDict


class Finding(TypedDict):
    """What a rule, or the look at a host, has to say."""

    id: str
    #: "error", "warning", "info" or "ok".
    severity: str
    title: str
    detail: str
    path: str
    fix: str
    source: str


class LintFinding(Finding):
    """A finding with its place in the text."""

    #: None: the text came without a file.
    file: Optional[str]
    #: None where it has no name.
    domain: Optional[str]
    line: int
    column: int


class Edit(TypedDict):
    """A change of a domain."""

    rule: str
    reason: str
    places: List[str]
    text: str


class ConfigAnswer(TypedDict):
    """virt-sev/config/1"""

    schema: str
    #: "sev", "sev-es", "sev-snp"; None where nothing asks for SEV.
    mode: Optional[str]
    #: The fewest keys that mean it.
    keys: Dict[str, str]
    #: Keys whose values are left out for their size.
    blobs: List[str]
    notes: List[Finding]


class PlanAnswer(TypedDict):
    """virt-sev/plan/1"""

    schema: str
    mode: Optional[str]
    #: How many findings are errors.
    errors: int
    edits: List[Edit]
    findings: List[Finding]


class LintedDomain(TypedDict):
    """What `lint` says of a domain as a whole."""

    file: Optional[str]
    domain: Optional[str]
    #: By which keys it was judged; None where none asks for SEV.
    keys: Optional[str]
    mode: Optional[str]
    errors: int
    warnings: int


class LintAnswer(TypedDict):
    """virt-sev/lint/1"""

    schema: str
    errors: int
    warnings: int
    domains: List[LintedDomain]
    findings: List[LintFinding]
    #: Why others could not be judged.
    failures: List[str]


class Asids(TypedDict):
    """Address space ids: one for each guest. None where it is not known."""

    total: Optional[int]
    used: Optional[int]
    free: Optional[int]


class ModeAnswer(TypedDict):
    """What a host offers of one mode."""

    available: bool
    #: "available", "unavailable" or "unknown".
    decision: str
    #: The layers that stand in its way.
    failing: List[str]
    asids: Asids


class Fact(TypedDict):
    """Something of a host that was looked at."""

    name: str
    state: str
    text: str


class Layer(TypedDict):
    """A part of a host."""

    name: str
    facts: List[Fact]


HostAnswer = TypedDict(
    "HostAnswer",
    {
        "schema": str,
        "host": str,
        #: "sev", "sev-es", "sev-snp".
        "modes": Dict[str, ModeAnswer],
        "layers": List[Layer],
        #: What only root could have seen.
        "for-root": List[str],
        "findings": List[Finding],
    },
)
HostAnswer.__doc__ = "virt-sev/host/1"

CheckFirmware = TypedDict("CheckFirmware", {"image": str, "libvirt-chooses": bool})
CheckFirmware.__doc__ = "The image that a guest would start from."


class CheckAnswer(TypedDict):
    """virt-sev/check/1"""

    schema: str
    domain: str
    mode: str
    possible: bool
    firmware: Optional[CheckFirmware]
    #: How many edits the domain needs.
    edits: int
    findings: List[Finding]


class DefineAnswer(TypedDict):
    """virt-sev/define/1"""

    schema: str
    domain: str
    uuid: str
    findings: List[Finding]


class Step(TypedDict):
    """A step of a launch that is done."""

    #: "defined", "started", "measured", "verified", "injected", "resumed"; more may come.
    step: str
    #: For a person.
    text: str


class Launched(TypedDict):
    """What every launch tells."""

    schema: str
    domain: str
    uuid: str
    mode: str
    #: "running", or "paused" for a guest that waits for its owner.
    state: str
    verified: bool
    findings: List[Finding]


#: virt-sev/measurement/1: evidence for the owner.
Measurement = TypedDict(
    "Measurement",
    {
        "schema": str,
        "mode": str,
        "domain": str,
        "uuid": str,
        "measurement": str,
        "api-major": int,
        "api-minor": int,
        "build-id": int,
        "policy": str,
        "session": str,
    },
    total=False,
)


_Evidence = TypedDict(
    "_Evidence",
    {
        "measurement": str,
        "api-major": int,
        "api-minor": int,
        "build-id": int,
        "policy": str,
        "session": str,
        "digest": str,
    },
    total=False,
)


class LaunchAnswer(Launched, _Evidence):
    """virt-sev/launch/1: with evidence, where the guest was measured; with "digest", where it was verified."""


_Verdict = TypedDict(
    "_Verdict",
    {"schema": str, "verified": bool, "policy": str, "api-major": int, "api-minor": int, "build-id": int},
)


_Verified = TypedDict(
    "_Verified",
    {
        "digest": str,
        #: SEV-ES: "KVM_SEV_INIT" or "KVM_SEV_INIT2".
        "initial-state": str,
        #: Of the guest, from `Owner.verify_domain()`.
        "state": str,
    },
    total=False,
)


class VerifyAnswer(_Verdict, _Verified):
    """virt-sev/verify/1"""


class Packet(TypedDict):
    """virt-sev/packet/1: secrets that only the chip of one launch can read."""

    schema: str
    measurement: str
    header: str
    payload: str


class SessionAnswer(TypedDict):
    """virt-sev/session/1"""

    schema: str
    session: str
    platform: str
    pdh: str
    policy: str
    files: List[str]
    warning: Optional[str]
