"""What the tests of the Python package share."""

import gc
import re
import unittest
from pathlib import Path
from typing import List

import virtsev

ROOT = Path(__file__).resolve().parents[2]
HEAD = "<domain type='kvm'><name>web1</name><memory>1048576</memory><vcpu>2</vcpu>"
DOMAIN = HEAD + "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
WRONG_DOMAIN = HEAD + "<os><type arch='aarch64' machine='virt'>hvm</type></os></domain>"
#: A host that can do nothing.
INTEL = ROOT / "tests/roots/intel"


def header() -> str:
    return (ROOT / "include/virtsev.h").read_text()


def functions() -> List[str]:
    """Every function that the header declares, without its prefix."""
    declared = header().split('extern "C"')[1]
    return re.findall(r"^\w[\w *]*?\bvirtsev_(\w+)\(", declared, re.MULTILINE)


class Case(unittest.TestCase):
    """A test that leaves nothing in the library."""

    def setUp(self) -> None:
        gc.collect()
        self.before = virtsev.handle_count()

    def tearDown(self) -> None:
        gc.collect()
        self.assertEqual(virtsev.handle_count(), self.before)
