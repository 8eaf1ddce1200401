"""What is shipped: the wheel, its types, the library that it finds or does not find."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from typing import ClassVar, Dict, List, Optional

from support import ROOT

PACKAGE = ROOT / "python"


def run(arguments: List[str], changed: Dict[str, str], folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **changed}
    return subprocess.run(arguments, env=environment, cwd=folder, capture_output=True, text=True, timeout=300)


class Wheel(unittest.TestCase):
    """Built without a network, and used from where it was installed."""

    folder: ClassVar["tempfile.TemporaryDirectory[str]"]
    below: ClassVar[Path]
    wheel: ClassVar[Path]

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.below = Path(cls.folder.name)
        make = ["make", "-C", str(ROOT), "--no-print-directory", "wheel", f"DIST={cls.below / 'dist'}"]
        # What make itself was told is not for this one.
        without = {name: "" for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        made = run(make, {**without, "PIP_INDEX_URL": "http://127.0.0.1:9/", "PYTHONPATH": ""})
        assert made.returncode == 0, made.stdout + made.stderr
        [cls.wheel] = (cls.below / "dist").iterdir()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def test_is_pure_and_whole(self) -> None:
        version = re.search('^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]  # type: ignore[index]
        self.assertEqual(self.wheel.name, f"virtsev-{version}-py3-none-any.whl")
        with zipfile.ZipFile(self.wheel) as archive:
            names = {name for name in archive.namelist() if ".dist-info/" not in name}
            self.assertTrue(any(name.endswith("/LICENSE") for name in archive.namelist()))
            metadata = archive.read(f"virtsev-{version}.dist-info/METADATA").decode()
        sources = {f"virtsev/{path.name}" for path in (PACKAGE / "virtsev").iterdir() if path.is_file()}
        self.assertEqual(names, sources)
        self.assertIn("virtsev/py.typed", names)
        self.assertIn("Requires-Python: >=3.9", metadata)
        self.assertNotIn("Requires-Dist", metadata)
        # Nothing is left beside the sources.
        self.assertEqual({path.name for path in PACKAGE.iterdir()}, {"README.md", "pyproject.toml", "virtsev"})

    def test_is_used_from_where_it_was_installed(self) -> None:
        target = self.below / "target"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(target)]
        installed = run([*pip, str(self.wheel)], {})
        self.assertEqual(installed.returncode, 0, installed.stderr)
        program = "import virtsev as v; print(v.__file__); print(v.Config({'security.sev': 1}).resolve()['mode'])"
        used = run([sys.executable, "-c", program], {"PYTHONPATH": str(target)}, self.below)
        self.assertEqual(used.stdout.split(), [str(target / "virtsev/__init__.py"), "sev"], used.stderr)
        # libvirt-python is loaded by whoever needs it.
        program = "import sys, virtsev; print('libvirt' in sys.modules)"
        used = run([sys.executable, "-c", program], {"PYTHONPATH": str(target)}, self.below)
        self.assertEqual(used.stdout, "False\n", used.stderr)


class Loading(unittest.TestCase):
    def imported(self, library: Optional[str], **more: str) -> str:
        """What an import says at its end; nothing, where it succeeds."""
        environment = {"VIRTSEV_LIBRARY": library or "", "PYTHONPATH": str(PACKAGE), **more}
        done = run([sys.executable, "-B", "-c", "import virtsev"], environment)
        return done.stderr.strip().splitlines()[-1] if done.returncode else ""

    def build(self, folder: str, source: str) -> str:
        library = f"{folder}/libvirtsev.so.0"
        command = ["gcc", "-xc", "-shared", "-fPIC", "-o", library, "-"]
        subprocess.run(command, input=source, text=True, check=True)
        return library

    def test_a_library_that_is_missing(self) -> None:
        told = self.imported("/no/such/libvirtsev.so.0")
        self.assertIn("ImportError: /no/such/libvirtsev.so.0 cannot be loaded", told)
        self.assertIn("VIRTSEV_LIBRARY", told)

    def test_a_library_that_is_another(self) -> None:
        self.assertIn("ImportError: libc.so.6 is not virt-sev's C library", self.imported("libc.so.6"))

    def test_a_library_that_is_too_old(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library = self.build(folder, "unsigned virtsev_abi_version(void) { return 0; }")
            told = self.imported(library)
            self.assertIn("too old: it has ABI 0, and this package needs 1", told)

    def test_a_library_that_is_newer_and_one_that_lacks_a_function(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library = self.build(folder, "unsigned virtsev_abi_version(void) { return 2; }")
            self.assertRegex(self.imported(library), "ImportError: .*/libvirtsev.so.0 is not virt-sev's C library")

    def test_the_library_that_the_linker_finds(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(os.environ["VIRTSEV_LIBRARY"], f"{folder}/libvirtsev.so.0")
            self.assertEqual(self.imported(None, LD_LIBRARY_PATH=folder), "")
            self.assertIn("libvirtsev.so.0 cannot be loaded", self.imported(None, LD_LIBRARY_PATH="/no/such"))


class Types(unittest.TestCase):
    def check(self, *files: Path) -> None:
        mypy = os.environ.get("VIRT_SEV_MYPY", "")
        self.assertTrue(mypy and Path(mypy).is_dir(), "VIRT_SEV_MYPY names no mypy: `make check` does the set-up")
        with tempfile.TemporaryDirectory() as cache:
            config = ["--config-file", str(PACKAGE / "pyproject.toml"), "--cache-dir", cache]
            changed = {"PYTHONPATH": mypy, "MYPYPATH": os.pathsep.join([str(PACKAGE), str(ROOT / "tests/python")])}
            checked = run([sys.executable, "-m", "mypy", *config, *map(str, files)], changed)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_the_package_the_example_and_the_tests_are_typed(self) -> None:
        tests = [*(ROOT / "tests/python").glob("*.py"), *(ROOT / "tests/live/python").glob("*.py")]
        self.check(PACKAGE / "virtsev", ROOT / "examples/reconcile.py", *tests)

    def test_a_mistake_of_a_caller_is_found(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            wrong = Path(folder, "wrong.py")
            lines = ["import virtsev", "virtsev.Config().plan(5).edits[0]['rle']", "virtsev.Owner().num_cpus = 'two'"]
            wrong.write_text("\n".join(lines))
            with self.assertRaises(AssertionError) as raised:
                self.check(wrong)
            for mistake in ('incompatible type "int"', "no key", "Optional[int]", "Found 3 errors"):
                self.assertIn(mistake, str(raised.exception))
