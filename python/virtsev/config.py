"""Keys and options of a guest, and what they make of its domain. In: keys, documents, a domain. Out: the domain made right,
defined or launched. Never: a guest that is left behind by a failure."""

from typing import Iterator, List, Mapping, MutableMapping, Optional, cast

from . import _library, _libvirt
from ._handle import Handle
from .answers import (
    CheckAnswer,
    ConfigAnswer,
    DefineAnswer,
    Edit,
    Finding,
    LaunchAnswer,
    LintAnswer,
    PlanAnswer,
)
from .cancel import Cancel, Progress, waited
from .options import Value, Values, each, value
from .owner import Owner


class Config(Handle, MutableMapping[str, str]):
    """Keys and options of a guest.

    As a mapping it holds the keys that were set here, above those of every document that was loaded:
    `config["security.sev"] = True`. An empty value hides what a document says of a key; `del` makes it count again.
    """

    _KIND = "config"

    def __init__(self, keys: Optional[Mapping[str, Value]] = None, **options: Values) -> None:
        """`keys` as set one by one; `options` as `option()` takes them, such as `skip=["kvm"]` and `no_metadata=True`."""
        super().__init__()
        self._keys: MutableMapping[str, str] = {}
        for key, given in (keys or {}).items():
            self[key] = given
        for name, some in options.items():
            for one in each(some):
                self.option(name, one)

    def __setitem__(self, key: str, given: Value) -> None:
        text = value(given, key)
        _library.done("config_set", self._at, _library.text(key, "key"), text)
        self._keys[key] = text.decode("utf-8", "surrogateescape")

    def __delitem__(self, key: str) -> None:
        if key not in self._keys:
            raise KeyError(key)
        _library.done("config_set", self._at, _library.text(key, "key"), None)
        del self._keys[key]

    def __getitem__(self, key: str) -> str:
        return self._keys[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    # Two with the same keys can differ in all else.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def load(self, document: str, format: Optional[str] = None) -> None:
        """Adds a document of keys, above those loaded before: of LXD, Incus, KubeVirt, Nova, Proxmox, a flat map of keys,
        the metadata of a domain, a guest owner's bundle; YAML, JSON or XML.

        `format` is "lxd", "kubevirt", "nova", "proxmox" or "metadata" where it is not to be recognised.
        """
        named = None if format is None else _library.text(format, "format")
        _library.done("config_load", self._at, _library.text(document, "document"), named)

    def option(self, name: str, given: Optional[Value]) -> None:
        """Sets an option; None takes it back. "skip" (the id of a rule to leave out: adds to those there), "record",
        "no-metadata", "injects-secret", "timeout" (seconds), "host-root" (a folder that stands for the host)."""
        text = None if given is None else value(given, name)
        _library.done("config_option", self._at, _library.text(name.replace("_", "-"), "name"), text)

    def resolve(self) -> ConfigAnswer:
        """What all keys together mean."""
        return cast(ConfigAnswer, _library.document("config_json", self._at))

    def apply(self, xml: str) -> str:
        """Makes a domain right. What is right already comes back as it is."""
        return _library.answer("apply", self._at, _library.text(xml, "xml"))

    def plan(self, xml: str, conn: Optional[object] = None) -> "Plan":
        """Decides what makes a domain right, and changes nothing. With a `libvirt.virConnect` its host is asked."""
        pointer = None if conn is None else _libvirt.connection(conn)
        return Plan(_library.made("plan_new", self._at, pointer, _library.text(xml, "xml")))

    def lint(self, xml: str) -> LintAnswer:
        """Which rules a domain breaks. Without any key it is judged by its own."""
        return cast(LintAnswer, _library.document("lint", self._at, _library.text(xml, "xml")))

    def check(self, conn: object, xml: str) -> CheckAnswer:
        """Whether a launch of this domain could begin on this host now. Changes nothing."""
        pointer = _libvirt.connection(conn)
        return cast(CheckAnswer, _library.document("check", self._at, pointer, _library.text(xml, "xml")))

    def define(self, conn: object, xml: str) -> DefineAnswer:
        """Makes a domain right, asks the host, and defines it."""
        pointer = _libvirt.connection(conn)
        return cast(DefineAnswer, _library.document("define", self._at, pointer, _library.text(xml, "xml")))

    def launch(
        self,
        conn: object,
        xml: str,
        owner: Optional[Owner] = None,
        progress: Optional[Progress] = None,
        cancel: Optional[Cancel] = None,
    ) -> LaunchAnswer:
        """Makes a domain right, asks the host, defines it, starts it paused and measures it. With `owner` it is verified,
        gets the owner's secrets, and only then runs; without, a guest with a session stays paused for its owner, to whom
        the answer is evidence. Whatever fails, the guest is destroyed and its definition is what it was.

        `progress` is called on another thread. What it raises, KeyboardInterrupt, and whatever else a signal raises in
        this thread, cancels the launch, and is raised once all is undone.
        """
        config, holder = self._at, None if owner is None else owner._at
        pointer, document = _libvirt.connection(conn), _library.text(xml, "xml")

        def call(stop: Cancel, heard: object) -> str:
            return _library.answer("launch", config, pointer, document, holder, stop._at, heard, None)

        return cast(LaunchAnswer, waited(call, progress, cancel))


class Plan(Handle):
    """What the rules decided for one domain. Needs neither the configuration nor the connection any more."""

    _KIND = "plan"

    def __init__(self, address: Optional[int]) -> None:
        self._own(address)
        self._answer: Optional[PlanAnswer] = None

    @property
    def answer(self) -> PlanAnswer:
        """All of it."""
        if self._answer is None:
            self._answer = cast(PlanAnswer, _library.document("plan_json", self._at))
        return self._answer

    @property
    def mode(self) -> Optional[str]:
        """ "sev", "sev-es", "sev-snp"; None where nothing asks for SEV."""
        return self.answer["mode"]

    @property
    def edits(self) -> List[Edit]:
        """What changes: each with its rule and its reason."""
        return self.answer["edits"]

    @property
    def findings(self) -> List[Finding]:
        """What else there is to say, errors among it."""
        return self.answer["findings"]

    @property
    def xml(self) -> str:
        """The domain with every edit made. Raises where a finding is an error."""
        return _library.answer("plan_xml", self._at)
