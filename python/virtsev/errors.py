"""What can go wrong. In: an error of the library. Out: an exception for each of its numbers. Never: a secret."""

from typing import Any, Dict, List, Optional, Type, TypedDict


class Problem(TypedDict):
    """One of the things that are wrong."""

    code: int
    name: str
    message: str
    place: Optional[str]
    hint: Optional[str]


class Error(Exception):
    """A call that failed. One of a number that this package does not know is of this class itself."""

    #: The number, VIRTSEV_ERR_*: the same in C, in JSON and here.
    code: int = 0
    #: Its name, such as "VIRTSEV_ERR_CONFIG".
    name: str = ""
    #: What is wrong, for a person: each problem on a line of its own, with its place.
    message: str
    #: What to do about it, where there is something to say.
    hint: Optional[str]
    #: Each problem with its parts, for programs.
    problems: List[Problem]
    #: What was found out, where the failure is a verdict of no.
    answer: Optional[Dict[str, Any]]

    def __init__(self, message: str, hint: Optional[str] = None, told: Optional[Dict[str, Any]] = None) -> None:
        # All of it in `args`, so that an error survives pickle.
        super().__init__(message, hint, told)
        told = told or {}
        self.code = told.get("code", self.code)
        self.name = told.get("name", self.name)
        self.message = message
        self.hint = hint
        alone: Problem = {"code": self.code, "name": self.name, "message": message, "place": None, "hint": hint}
        self.problems = told.get("problems", [alone])
        self.answer = told.get("answer")

    def __str__(self) -> str:
        if self.hint is None:
            return self.message
        return "\n  ".join([self.message, *self.hint.splitlines()])


class NoError(Error):
    """It was found out, and the answer is no."""

    code, name = -1, "VIRTSEV_ERR_NO"


class UsageError(Error):
    """The call is wrong."""

    code, name = -2, "VIRTSEV_ERR_USAGE"


class InsecureError(Error):
    """The call needs a permission that was not given."""

    code, name = -3, "VIRTSEV_ERR_INSECURE"


class ConfigError(Error):
    """The configuration is wrong."""

    code, name = -4, "VIRTSEV_ERR_CONFIG"


class DomainError(Error):
    """The domain is wrong."""

    code, name = -5, "VIRTSEV_ERR_DOMAIN"


class FirmwareError(Error):
    """The firmware is wrong."""

    code, name = -6, "VIRTSEV_ERR_FIRMWARE"


class CertificateError(Error):
    """A certificate is wrong."""

    code, name = -7, "VIRTSEV_ERR_CERTIFICATE"


class SessionError(Error):
    """The session is wrong, or was used."""

    code, name = -8, "VIRTSEV_ERR_SESSION"


class FileError(Error):
    """A file is wrong, or cannot be used."""

    code, name = -9, "VIRTSEV_ERR_FILE"


class HypervisorError(Error):
    """The hypervisor refused."""

    code, name = -10, "VIRTSEV_ERR_HYPERVISOR"


class StateError(Error):
    """The guest is in the wrong state."""

    code, name = -11, "VIRTSEV_ERR_STATE"


class TimeoutError(Error):
    """There was no answer in time."""

    code, name = -12, "VIRTSEV_ERR_TIMEOUT"


class BugError(Error):
    """A fault of virt-sev. The process and its other objects are well."""

    code, name = -13, "VIRTSEV_ERR_BUG"


class CancelledError(Error):
    """The caller cancelled it."""

    code, name = -14, "VIRTSEV_ERR_CANCELLED"


#: The class of each number.
BY_CODE: Dict[int, Type[Error]] = {kind.code: kind for kind in Error.__subclasses__()}
