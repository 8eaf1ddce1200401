"""Every function that needs no hypervisor, used right and wrong."""

import copy
import json
import pickle
import re
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Any, get_type_hints

import virtsev
from support import DOMAIN, INTEL, ROOT, WRONG_DOMAIN, Case, functions, header
from virtsev import _library, answers, errors


class Library(Case):
    def test_versions_and_every_function_of_the_header(self) -> None:
        text = header()
        self.assertEqual(virtsev.version(), re.search('VIRTSEV_VERSION "(.*)"', text)[1])  # type: ignore[index]
        self.assertEqual(virtsev.abi_version(), int(re.search("VIRTSEV_ABI_VERSION (.*)", text)[1]))  # type: ignore[index]
        named = {*_library._FALLIBLE, *_library._PLAIN}
        # A loader's table is of no use to ctypes.
        self.assertEqual({*functions()} - {"driver_get"}, named)
        self.assertGreater(len(named), 30)

    def test_an_exception_for_each_number(self) -> None:
        numbers = dict(re.findall(r"#define (VIRTSEV_ERR_\w+) \((-\d+)\)", header()))
        self.assertGreater(len(numbers), 13)
        for name, number in numbers.items():
            kind = errors.BY_CODE[int(number)]
            self.assertEqual((kind.code, kind.name), (int(number), name))
            self.assertEqual(kind.__name__.upper(), name[len("VIRTSEV_ERR_") :] + "ERROR")
            self.assertIs(getattr(virtsev, kind.__name__), kind)
        self.assertEqual(len(errors.BY_CODE), len(numbers))


class Configs(Case):
    def test_keys_as_a_mapping(self) -> None:
        with virtsev.Config({"security.sev": True}) as config:
            self.assertEqual(config.resolve()["mode"], "sev")
            config["security.sev.policy.es"] = "true"
            config.update({"security.sev.memory.lock": "none"})
            self.assertEqual(dict(config), {**dict(config), "security.sev": "true", "security.sev.policy.es": "true"})
            self.assertEqual(len(config), 3)
            answer = config.resolve()
            self.assertEqual((answer["mode"], answer["keys"]["security.sev.policy.es"]), ("sev-es", "true"))
            self.assertEqual(answer["schema"], "virt-sev/config/1")
            del config["security.sev.policy.es"]
            self.assertNotIn("security.sev.policy.es", config)
            self.assertEqual(config.resolve()["mode"], "sev")
            with self.assertRaises(KeyError):
                del config["security.sev.policy.es"]
            config["security.sev.policy"] = 0x5
            self.assertEqual(config["security.sev.policy"], "5")
            self.assertEqual(config.resolve()["mode"], "sev-es")

    def test_what_fails_changes_nothing(self) -> None:
        config = virtsev.Config({"security.sev": True})
        with self.assertRaisesRegex(virtsev.ConfigError, "there is no such key") as raised:
            config["security.sev.polcy"] = "1"
        with self.assertRaisesRegex(virtsev.ConfigError, "found 'maybe'"):
            config["security.sev"] = "maybe"
        with self.assertRaisesRegex(virtsev.ConfigError, "document 1"):
            config.load("a: [")
        self.assertEqual(dict(config), {"security.sev": "true"})
        e = raised.exception
        self.assertEqual((e.code, e.name, e.answer), (-4, "VIRTSEV_ERR_CONFIG", None))
        self.assertIn("Did you mean security.sev.policy?", e.hint or "")
        self.assertEqual(e.problems[0]["place"], "security.sev.polcy (virtsev_config_set)")
        self.assertEqual(str(e), f"{e.message}\n  {e.hint}")
        for same in (pickle.loads(pickle.dumps(e)), copy.copy(e)):
            self.assertEqual((type(same), str(same), same.problems), (type(e), str(e), e.problems))

    def test_every_problem_of_one_call(self) -> None:
        keys = ["security.sev", "security.sev.snp", "security.sev.policy.es"]
        config = virtsev.Config({key: True for key in keys})
        config["security.sev.memory.hard_limit"] = "1GiB"
        with self.assertRaises(virtsev.ConfigError) as raised:
            config.resolve()
        self.assertGreater(len(raised.exception.problems), 1)
        self.assertEqual(len(raised.exception.message.splitlines()), len(raised.exception.problems))

    def test_documents_lie_below_keys(self) -> None:
        config = virtsev.Config()
        config.load("name: web1\nconfig:\n  security.sev: 'true'\n", "lxd")
        self.assertEqual(config.resolve()["mode"], "sev")
        config.load(json.dumps({"security.sev.policy.es": "true"}))
        self.assertEqual(config.resolve()["mode"], "sev-es")
        config["security.sev.policy.es"] = ""
        self.assertEqual(config.resolve()["mode"], "sev")
        with self.assertRaisesRegex(virtsev.UsageError, "wanted auto, lxd"):
            config.load("a: b", "xen")

    def test_options(self) -> None:
        config = virtsev.Config({"security.sev": True}, skip=["kvm", "smm"], record=True, timeout=5, host_root=INTEL)
        with self.assertRaises(virtsev.NoError):
            config.apply(DOMAIN)
        config.option("host-root", None)
        self.assertIn("urn:virt-sev:config:1", config.apply(DOMAIN))
        wrong: Any
        for name, wrong in [("skip", "no-such-rule"), ("record", "1"), ("timeout", 0), ("timeout", -1), ("colour", 1)]:
            with self.assertRaises(virtsev.UsageError):
                config.option(name, wrong)
        with self.assertRaises(virtsev.FileError):
            config.option("host-root", "/no/such")
        with self.assertRaises(virtsev.UsageError):
            virtsev.Config(colour=True)

    def test_strings_that_c_cannot_have(self) -> None:
        config = virtsev.Config()
        with self.assertRaisesRegex(ValueError, "a NUL character"):
            config["security.sev"] = "true\0"
        with self.assertRaisesRegex(ValueError, "a NUL character"):
            config.apply(DOMAIN + "\0<x/>")
        with self.assertRaisesRegex(virtsev.UsageError, "not text in UTF-8"):
            config["security.sev"] = "\udcff"
        wrong: Any
        for wrong in (None, b"<domain/>", 5, Path("x")):
            with self.assertRaisesRegex(TypeError, "xml: a str is wanted"):
                config.apply(wrong)
        wrong = object()
        with self.assertRaises(TypeError):
            config["security.sev"] = wrong

    def test_one_is_itself_only(self) -> None:
        one, other = virtsev.Config(), virtsev.Config()
        self.assertNotEqual(one, other)
        self.assertEqual(len({one, other, one}), 2)


class Plans(Case):
    def test_apply_and_plan_say_the_same(self) -> None:
        config = virtsev.Config()
        self.assertEqual(config.apply(DOMAIN), DOMAIN)
        self.assertIsNone(config.plan(DOMAIN).mode)
        config["security.sev"] = True
        plan = config.plan(DOMAIN)
        config.close()
        self.assertEqual((plan.mode, plan.answer["errors"]), ("sev", 0))
        self.assertEqual(plan.edits[0]["rule"], "launch-security")
        self.assertTrue({"policy"} <= {finding["id"] for finding in plan.findings})
        again = virtsev.Config({"security.sev": True})
        self.assertEqual(plan.xml, again.apply(DOMAIN))
        self.assertEqual(again.apply(plan.xml), plan.xml)
        plan.close()
        with self.assertRaisesRegex(virtsev.UsageError, "this Plan was closed"):
            plan.xml

    def test_a_domain_that_cannot_be_made_right(self) -> None:
        config = virtsev.Config({"security.sev": True})
        with self.assertRaisesRegex(virtsev.DomainError, "/domain/os/type"):
            config.apply(WRONG_DOMAIN)
        plan = config.plan(WRONG_DOMAIN)
        self.assertIn("error", [finding["severity"] for finding in plan.findings])
        with self.assertRaisesRegex(virtsev.DomainError, "/domain/os/type"):
            plan.xml
        for nothing in ("", "<domain>", "<network/>"):
            with self.assertRaises(virtsev.DomainError):
                config.plan(nothing)

    def test_lint(self) -> None:
        lint = virtsev.Config().lint(DOMAIN)
        self.assertEqual((lint["errors"], lint["warnings"], lint["failures"]), (0, 0, []))
        self.assertEqual((lint["domains"][0]["mode"], lint["domains"][0]["keys"]), (None, None))
        nameless = virtsev.Config({"security.sev": True}).lint("<domain type='kvm'/>")
        self.assertEqual((nameless["domains"][0]["domain"], nameless["findings"][0]["domain"]), (None, None))
        self.assertEqual(set(nameless), set(answers.LintAnswer.__annotations__))
        self.assertEqual(set(nameless["domains"][0]), set(answers.LintedDomain.__annotations__))
        self.assertEqual(set(nameless["findings"][0]), set(answers.LintFinding.__annotations__))
        lint = virtsev.Config({"security.sev": True}).lint(WRONG_DOMAIN)
        self.assertGreater(lint["errors"], 0)
        self.assertEqual(lint["findings"][0]["line"], 1)
        with self.assertRaises(virtsev.DomainError):
            virtsev.Config().lint("<domain")


class Owners(Case):
    def test_options_are_attributes(self) -> None:
        owner = virtsev.Owner(num_cpus=2, vcpu_type="EPYC-Milan", insecure=True, chain=["a", Path("b")], legacy_vm_type=True)
        self.assertEqual((owner.num_cpus, owner.vcpu_type, owner.insecure), (2, "EPYC-Milan", True))
        self.assertEqual((owner.firmware, owner.legacy_vm_type), (None, "on"))
        owner.firmware = Path("/firmware")
        owner.policy = 0x5
        owner.vcpu_type = None
        self.assertIsNone(owner.vcpu_type)
        owner.option("chain", None)
        options = [name for name, value in vars(virtsev.Owner).items() if type(value).__name__ == "_Option"]
        said = re.search(r" \* name and value: files that.*?VIRTSEV_ERR", header(), re.DOTALL)[0]  # type: ignore[index]
        named = {name.replace("-", "_") for name in re.findall('"([a-z][a-z0-9-]+)"', said)} - {"on", "off", "true"}
        self.assertEqual({*options, "chain", "inject_secret"}, named)
        for name in options:
            setattr(owner, name, None)

    def test_wrong_options(self) -> None:
        with self.assertRaisesRegex(virtsev.UsageError, "there is no such option"):
            virtsev.Owner(colour="red")
        owner = virtsev.Owner(num_cpus=2)
        for name, wrong in [("num_cpus", 0), ("num_cpus", -1), ("firmware", ""), ("kernel", "-"), ("insecure", "yes")]:
            with self.assertRaises(virtsev.UsageError):
                setattr(owner, name, wrong)
        self.assertEqual(owner.num_cpus, 2)
        with self.assertRaises(virtsev.UsageError):
            owner.option("inject-secret", "no-such-name:/x")

    def test_keys_and_secrets(self) -> None:
        owner = virtsev.Owner()
        owner.keys(b"\0" * 16, bytearray(16))
        for tik, tek in [(b"", b""), (b"\0" * 15, b"\0" * 16), (b"\0" * 16, b"\0" * 17)]:
            with self.assertRaisesRegex(ValueError, "16 bytes are wanted"):
                owner.keys(tik, tek)
        wrong: Any = "0" * 16
        with self.assertRaisesRegex(TypeError, "tik: bytes or a bytearray"):
            owner.keys(wrong, wrong)
        secret = bytearray(b"s3cr3t-\0-inside")
        owner.secret("luks-key", secret)
        secret[:] = bytes(len(secret))
        owner.secret("736869e5-84f0-4973-92ec-06879ce3da0c", b"another")
        with self.assertRaisesRegex(virtsev.UsageError, "the same GUID"):
            owner.secret("luks-key", b"again")
        with self.assertRaisesRegex(virtsev.UsageError, "too long to be injected"):
            owner.secret("luks-key", bytes(10_000_000))
        for empty in (b"", bytearray()):
            with self.assertRaises(virtsev.UsageError):
                owner.secret("luks-key", empty)
        # Who swaps name and secret finds the secret in no text.
        with self.assertRaises(virtsev.UsageError) as raised:
            owner.secret("hunter2", b"luks-key")
        self.assertNotIn("hunter2", repr(raised.exception) + str(raised.exception))
        self.assertNotIn("another", repr(vars(owner)) + repr(owner))

    def test_no_evidence(self) -> None:
        owner = virtsev.Owner()
        owner.keys(bytes(16), bytes(16))
        nothing: Any
        for nothing in ("", "{}", {}, {"schema": "virt-sev/measurement/1"}):
            with self.assertRaises(virtsev.Error):
                owner.verify(nothing)
        with self.assertRaisesRegex(virtsev.UsageError, "the owner holds no secret"):
            owner.packet("{}")
        with self.assertRaises(TypeError):
            owner.verify({"schema": object()})

    def test_a_session_needs_a_chain_and_a_policy_of_32_bits(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            owner = virtsev.Owner()
            with self.assertRaisesRegex(virtsev.UsageError, "neither a connection nor a chain"):
                owner.session(0x1, folder)
            for policy in (-1, 1 << 32):
                with self.assertRaisesRegex(ValueError, "policy: 32 bits"):
                    owner.session(policy, folder)
            owner.option("chain", ROOT / "README.md")
            with self.assertRaises(virtsev.Error):
                owner.session(0x1, folder)
            self.assertEqual(list(Path(folder).iterdir()), [])


class Handles(Case):
    def test_closed_by_with_by_close_and_by_itself(self) -> None:
        def count() -> int:
            return virtsev.handle_count() - self.before

        for kind in (virtsev.Config, virtsev.Owner, virtsev.Cancel):
            with kind() as one:
                self.assertEqual(count(), 1)
            self.assertEqual(count(), 0)
            one.close()
            one = kind()
            gone = weakref.ref(one)
            self.assertEqual(count(), 1)
            del one
            self.assertIsNone(gone())
            self.assertEqual(count(), 0)

    def test_what_was_closed_is_refused(self) -> None:
        config, owner, cancel = virtsev.Config({"security.sev": True}), virtsev.Owner(), virtsev.Cancel()
        for handle in (config, owner, cancel):
            handle.close()
        for call in (
            lambda: config.apply(DOMAIN),
            lambda: config.__setitem__("security.sev.policy", 7),
            lambda: config.__delitem__("security.sev"),
            lambda: owner.keys(bytes(16), bytes(16)),
            lambda: owner.verify("{}"),
            cancel.ask,
        ):
            with self.assertRaisesRegex(virtsev.UsageError, "was closed"):
                call()
        # What was refused has changed nothing.
        self.assertEqual(dict(config), {"security.sev": "true"})

    def test_a_hundred_thousand_calls_from_eight_threads_leave_memory_flat(self) -> None:
        def work(calls: int) -> None:
            config = virtsev.Config({"security.sev": True})
            for _ in range(calls):
                config.resolve()
                try:
                    config["security.sev"] = "maybe"
                except virtsev.ConfigError:
                    pass

        def all_together(calls: int) -> int:
            threads = [threading.Thread(target=work, args=(calls,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])  # type: ignore[index]

        first = all_together(600)
        self.assertLess(all_together(5650) - first, 4096)


class Host(Case):
    def test_this_machine(self) -> None:
        answer = virtsev.host()
        self.assertEqual(answer["schema"], "virt-sev/host/1")
        self.assertEqual([*answer["modes"]], ["sev", "sev-es", "sev-snp"])
        self.assertEqual({*answer}, {*get_type_hints(virtsev.HostAnswer)})
