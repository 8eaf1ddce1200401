"""libvirt-python and virtsev on one connection in one process. In: a lab, as JSON. Out: nothing, or what is wrong."""

import gc
import json
import sys
import threading
from pathlib import Path
from typing import Any, List, get_type_hints

import libvirt
import virtsev

lab = json.loads(sys.argv[1])
folder = Path(lab["folder"])
libvirt.registerErrorHandler(lambda *_: None, None)


def session(name: str) -> virtsev.Config:
    """A fresh session for this platform, and the keys of a guest that it is for."""
    maker = virtsev.Owner(chain=lab["chain"], ca=lab["ca"])
    answer = maker.session(0x1, folder / name)
    assert answer["schema"] == "virt-sev/session/1" and len(answer["files"]) == 5, answer
    keys = {
        "security.sev": True,
        "security.sev.policy": 0x1,
        "security.sev.firmware": lab["firmware"],
        "security.sev.memory.lock": "none",
        "security.sev.session.dh": (folder / name / "godh.b64").read_text(),
        "security.sev.session.data": (folder / name / "session.b64").read_text(),
    }
    return virtsev.Config(keys, skip=lab["rules"])


def owner(name: str) -> virtsev.Owner:
    expects = virtsev.Owner(insecure=True, firmware=lab["own-firmware"])
    expects.keys(*((folder / name / key).read_bytes() for key in ("tik.bin", "tek.bin")))
    return expects


def is_like(answer: Any, kind: Any) -> None:
    """Every member is one that type checkers know."""
    unknown = {*answer} - {*get_type_hints(kind)}
    assert not unknown, (kind, unknown)


def off(dom: Any) -> None:
    dom.destroy()
    dom.undefine()


def verified_here(conn: Any, xml: str) -> None:
    config, expects = session("here"), owner("here")
    expects.secret("luks-key", b"a secret")
    is_like(config.check(conn, xml), virtsev.CheckAnswer)
    assert config.check(conn, xml)["possible"]
    steps: List[virtsev.Step] = []
    answer = config.launch(conn, xml, expects, progress=steps.append)
    is_like(answer, virtsev.LaunchAnswer)
    is_like(steps[0], virtsev.Step)
    assert [s["step"] for s in steps] == ["defined", "started", "measured", "verified", "injected", "resumed"], steps
    assert (answer["state"], answer["verified"]) == ("running", True), answer
    # libvirt-python sees the same guest.
    dom = conn.lookupByUUIDString(answer["uuid"])
    assert dom.name() == answer["domain"] and dom.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    assert dom.launchSecurityInfo()["sev-measurement"] == answer["measurement"]
    is_like(virtsev.measurement(dom), virtsev.Measurement)
    assert virtsev.measurement(dom)["measurement"] == answer["measurement"]
    try:
        config.launch(conn, xml)
        raise AssertionError("a session served twice")
    except virtsev.SessionError:
        pass
    off(dom)


def verified_over_its_connection(conn: Any, xml: str) -> None:
    config, expects = session("there"), owner("there")
    answer = config.launch(conn, xml)
    assert (answer["state"], answer["verified"]) == ("paused", False), answer
    dom = conn.lookupByUUIDString(answer["uuid"])
    # Of other firmware: a no, with its reasons, and the guest stays as it is.
    wrong = owner("there")
    wrong.firmware = lab["other-firmware"]
    for over in (True, False):
        try:
            wrong.verify_domain(dom) if over else wrong.verify(dict(answer))
            raise AssertionError("verified")
        except virtsev.NoError as e:
            assert e.answer is not None and e.answer["verified"] is False, e.answer
    assert dom.state()[0] == libvirt.VIR_DOMAIN_PAUSED
    assert expects.verify(dict(answer))["verified"]
    expects.secret("luks-key", b"a secret")
    steps: List[str] = []
    verdict = expects.verify_domain(dom, progress=lambda step: steps.append(step["step"]))
    is_like(verdict, virtsev.VerifyAnswer)
    said = ["measured", "verified", "injected", "resumed"]
    assert (verdict["verified"], verdict["state"], steps) == (True, "running", said), (verdict, steps)
    assert dom.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    off(dom)


def as_it_should_be(conn: Any, undone: bool) -> None:
    """No guest, or one that runs, which goes."""
    domains = [dom for dom in conn.listAllDomains() if dom.name() == lab["guest"]]
    assert len(domains) == (0 if undone else 1), domains
    for dom in domains:
        assert dom.state()[0] == libvirt.VIR_DOMAIN_RUNNING
        off(dom)


def stopped(conn: Any, xml: str) -> None:
    """At every step, by an exception of progress and by a cancel: all is undone."""
    config = virtsev.Config(
        {"security.sev": True, "security.sev.firmware": lab["firmware"], "security.sev.memory.lock": "none"},
        skip=lab["rules"],
    )
    for last in ("defined", "started", "measured", "resumed"):
        # Then it is too late: the guest runs.
        undone = last != "resumed"
        objection = ZeroDivisionError(last)

        def objects(step: virtsev.Step) -> None:
            if step["step"] == last:
                raise objection

        try:
            config.launch(conn, xml, progress=objects)
            raise AssertionError(f"launched: {last}")
        except ZeroDivisionError as e:
            assert e is objection and isinstance(e.__cause__, virtsev.CancelledError) == undone, (last, e.__cause__)
        as_it_should_be(conn, undone)
        with virtsev.Cancel() as cancel:

            def asks(step: virtsev.Step) -> None:
                if step["step"] == last:
                    cancel.ask()

            try:
                config.launch(conn, xml, cancel=cancel, progress=asks)
                assert not undone, last
            except virtsev.CancelledError:
                assert undone, last
        as_it_should_be(conn, undone)
    answer = config.launch(conn, xml)
    assert (answer["state"], answer["verified"]) == ("running", False)
    off(conn.lookupByName(lab["guest"]))


def together(conn: Any, xml: str) -> None:
    """libvirt-python goes on during a launch."""
    config, calls = session("together"), 0
    done = threading.Event()

    def work() -> None:
        try:
            config.launch(conn, xml)
        finally:
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.is_set():
        conn.getVersion()
        calls += 1
    thread.join()
    assert calls > 10, calls
    off(conn.lookupByName(lab["guest"]))


def main() -> None:
    conn = libvirt.open(lab["uri"])
    xml = Path(lab["domain"]).read_text()
    is_like(virtsev.host(conn), virtsev.HostAnswer)
    for test in (verified_here, verified_over_its_connection, stopped, together):
        test(conn, xml)
        gc.collect()
        assert virtsev.handle_count() == 0, (test, virtsev.handle_count())
    # The last reference is libvirt-python's.
    assert conn.close() == 0


main()
print("ok")
