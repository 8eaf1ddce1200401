"""Connections and domains of libvirt-python, over libvirt's own test driver: what is asked of them, and how they end."""

import os
import tempfile
from typing import Any
from unittest import mock

import libvirt
import virtsev
from support import DOMAIN, Case
from virtsev import _libvirt


class Connected(Case):
    def setUp(self) -> None:
        super().setUp()
        libvirt.registerErrorHandler(lambda *_: None, None)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        changed = mock.patch.dict(os.environ, XDG_STATE_HOME=folder.name)
        changed.start()
        self.addCleanup(changed.stop)
        self.conn = libvirt.open("test:///default")
        self.dom = self.conn.lookupByName("test")

    def tearDown(self) -> None:
        # Nobody else has a reference any more.
        if self.conn is not None:
            del self.dom
            self.assertEqual(self.conn.close(), 0)
        super().tearDown()

    def test_what_a_host_that_can_do_nothing_answers(self) -> None:
        config = virtsev.Config({"security.sev": True})
        self.assertEqual(virtsev.host(self.conn)["host"], "test:///default")
        self.assertEqual(virtsev.recover(self.conn), [])
        self.assertIn("mode-host", [finding["id"] for finding in config.plan(DOMAIN, self.conn).findings])
        check = config.check(self.conn, DOMAIN)
        self.assertEqual((check["domain"], check["mode"], check["possible"]), ("web1", "sev", False))
        heard = mock.Mock()
        for call in (
            lambda: config.define(self.conn, DOMAIN),
            lambda: config.launch(self.conn, DOMAIN, progress=heard),
            lambda: config.plan(DOMAIN, self.conn).xml,
        ):
            with self.assertRaisesRegex(virtsev.NoError, "libvirt domain capabilities") as raised:
                call()
            self.assertGreater(len(raised.exception.problems), 3)
        heard.assert_not_called()
        self.assertIsNone(raised.exception.answer)
        with self.assertRaises(libvirt.libvirtError):
            self.conn.lookupByName("web1")

    def test_a_domain_without_sev_is_defined_as_it_is(self) -> None:
        answer = virtsev.Config().define(self.conn, DOMAIN.replace("'kvm'", "'test'"))
        self.assertEqual((answer["schema"], answer["domain"], answer["findings"]), ("virt-sev/define/1", "web1", []))
        self.assertEqual(self.conn.lookupByName("web1").UUIDString(), answer["uuid"])
        with self.assertRaisesRegex(virtsev.ConfigError, "nothing asks for SEV"):
            virtsev.Config().launch(self.conn, DOMAIN)

    def test_a_guest_without_sev(self) -> None:
        owner = virtsev.Owner(insecure=True)
        owner.keys(bytes(16), bytes(16))
        owner.secret("luks-key", b"secret")
        with self.assertRaisesRegex(virtsev.StateError, "no launch security"):
            virtsev.measurement(self.dom)
        with self.assertRaises(virtsev.StateError):
            owner.verify_domain(self.dom)
        for packet in ("", "{}", {"schema": "virt-sev/packet/1"}):
            with self.assertRaises(virtsev.FileError):
                virtsev.inject(self.dom, packet)
        with self.assertRaises(virtsev.HypervisorError):
            owner.session(0x1, "/no/such", self.conn)

    def test_a_cancel_that_was_asked_before(self) -> None:
        config = virtsev.Config({"security.sev": True})
        with virtsev.Cancel() as cancel:
            cancel.ask()
            with self.assertRaises(virtsev.CancelledError):
                config.launch(self.conn, DOMAIN, cancel=cancel)
        with self.assertRaisesRegex(virtsev.UsageError, "this Cancel was closed"):
            config.launch(self.conn, DOMAIN, cancel=cancel)
        # Not NULL in its place: that would be a launch that nobody verifies.
        with virtsev.Owner() as owner:
            pass
        with self.assertRaisesRegex(virtsev.UsageError, "this Owner was closed"):
            config.launch(self.conn, DOMAIN, owner=owner)

    def test_what_is_no_connection_and_no_domain(self) -> None:
        class Other:
            _o = object()

        config, owner = virtsev.Config(), virtsev.Owner()
        wrong: Any
        for wrong in (None, 5, "test:///default", object(), Other(), self.dom, self.conn._o):
            for call in (
                lambda: virtsev.recover(wrong),
                lambda: config.check(wrong, DOMAIN),
                lambda: config.define(wrong, DOMAIN),
                lambda: config.launch(wrong, DOMAIN),
            ):
                with self.assertRaisesRegex(TypeError, "a libvirt.virConnect is wanted"):
                    call()
        for wrong in (None, object(), Other(), self.conn):
            with self.assertRaisesRegex(TypeError, "a libvirt.virDomain is wanted"):
                virtsev.measurement(wrong)
            with self.assertRaisesRegex(TypeError, "a libvirt.virDomain is wanted"):
                virtsev.inject(wrong, "{}")
            with self.assertRaisesRegex(TypeError, "a libvirt.virDomain is wanted"):
                owner.verify_domain(wrong)
        wrong = object()
        with self.assertRaises(TypeError):
            virtsev.host(wrong)

    def test_a_connection_that_was_closed(self) -> None:
        del self.dom
        self.assertEqual(self.conn.close(), 0)
        with self.assertRaisesRegex(ValueError, "this virConnect was closed"):
            virtsev.host(self.conn)
        self.conn = None

    def test_the_pointer_is_the_one_that_libvirt_python_has(self) -> None:
        self.assertEqual(_libvirt.connection(self.conn), self.conn.c_pointer())
        self.assertEqual(_libvirt.domain(self.dom), self.dom.c_pointer())
