#!/usr/bin/env python3
"""Keeps the SEV guests of a host as a folder says. In: NAME.yaml, keys as LXD has them, and NAME.xml, the domain, for each
guest. Out: guests that run, or wait for their owners; a table of them. Never: a guest stopped, or one without files touched.

A guest that is off is launched. One that waits for its owner has left NAME.evidence.json in the folder; it runs once the
owner has put the answer there as NAME.packet.json. Where the files of a guest that is on have changed, its definition is
changed, which counts from its next start on.

Exit code: 0, every guest is as its files say, or waits; 1, some are not; 2, wrong usage.
"""

import argparse
import hashlib
import json
import signal
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, List, NamedTuple, Optional

import libvirt
import virtsev

#: Of the element in a domain's metadata that says from which files it was made.
NAMESPACE = "urn:virt-sev:reconcile:1"
#: What can go wrong with one guest. The others go on.
FAILURES = (virtsev.Error, libvirt.libvirtError, OSError, ValueError, ElementTree.ParseError)


class Row(NamedTuple):
    """What is to be said of a guest."""

    name: str
    state: str
    what: str


class Guest:
    """A guest as its files say that it should be."""

    def __init__(self, file: Path, skip: List[str]) -> None:
        self.name, self.file = file.stem, file
        keys, self.xml = file.read_text(), file.with_suffix(".xml").read_text()
        self.digest = hashlib.sha256("\0".join([keys, self.xml]).encode()).hexdigest()
        self.config = virtsev.Config(skip=skip)
        self.config.load(keys)

    def reconcile(self, conn: Any) -> Row:
        dom = find(conn, self.name)
        if dom is None or not dom.isActive():
            return self.launch(conn, dom)
        changed = ""
        if digest_of(dom) != self.digest:
            self.config.define(conn, self.document(dom))
            changed = ", changed from its next start on"
        if dom.state()[0] != libvirt.VIR_DOMAIN_PAUSED:
            return Row(self.name, "running", "as it should be" + changed)
        if not self.beside("evidence").exists():
            return Row(self.name, "paused", "not by this program" + changed)
        packet = self.beside("packet")
        if not packet.exists():
            return Row(self.name, "paused", "waits for its owner" + changed)
        virtsev.inject(dom, packet.read_text(), resume=True)
        # Both were for this launch alone.
        self.beside("evidence").unlink()
        packet.unlink()
        return Row(self.name, "running", "has its owner's secrets" + changed)

    def launch(self, conn: Any, dom: Any) -> Row:
        evidence = self.beside("evidence")
        # What is left of an earlier launch is of no use to this one.
        for old in (evidence, self.beside("packet")):
            old.unlink(missing_ok=True)
        answer = self.config.launch(conn, self.document(dom))
        if answer["state"] != "paused":
            return Row(self.name, answer["state"], "launched")
        # Whole or not there: its owner may be looking.
        new = evidence.with_suffix(".new")
        new.write_text(json.dumps(answer, indent=2))
        new.replace(evidence)
        return Row(self.name, "paused", "launched, waits for its owner")

    def document(self, dom: Any) -> str:
        """The domain, with the identity that it has on this host, and the digest of its files."""
        root = ElementTree.fromstring(self.xml)
        if root.findtext("name") != self.name:
            raise ValueError(f"{self.file.with_suffix('.xml')}: the domain's name is not {self.name}")
        if dom is not None and root.find("uuid") is None:
            ElementTree.SubElement(root, "uuid").text = dom.UUIDString()
        metadata = root.find("metadata")
        if metadata is None:
            metadata = ElementTree.SubElement(root, "metadata")
        ElementTree.SubElement(metadata, f"{{{NAMESPACE}}}files", sha256=self.digest)
        return ElementTree.tostring(root, encoding="unicode")

    def beside(self, what: str) -> Path:
        return self.file.with_suffix(f".{what}.json")


def find(conn: Any, name: str) -> Any:
    """The domain of this name; None where there is none."""
    try:
        return conn.lookupByName(name)
    except libvirt.libvirtError as e:
        if e.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return None


def digest_of(dom: Any) -> Optional[str]:
    """From which files a domain was made; None where nobody says."""
    kind, flags = libvirt.VIR_DOMAIN_METADATA_ELEMENT, libvirt.VIR_DOMAIN_AFFECT_CONFIG
    try:
        return ElementTree.fromstring(dom.metadata(kind, NAMESPACE, flags)).get("sha256")
    except libvirt.libvirtError as e:
        if e.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            raise
        return None


def failed(name: str, error: BaseException) -> Row:
    return Row(name, "failed", " ".join(str(error).split()))


def one_round(options: argparse.Namespace) -> List[Row]:
    """Looks at every guest once. A connection is for one round: so a daemon that was away is found again."""
    rows = []
    conn = libvirt.open(options.connect)
    try:
        try:
            for told in virtsev.recover(conn):
                print(told, file=sys.stderr)
        except virtsev.Error as e:
            rows.append(failed("recovery", e))
        for file in sorted(options.folder.glob("*.yaml")):
            try:
                rows.append(Guest(file, options.skip).reconcile(conn))
            except FAILURES as e:
                rows.append(failed(file.stem, e))
    finally:
        conn.close()
    return rows


def table(rows: List[Row]) -> str:
    widths = [max((len(row[n]) for row in rows), default=0) for n in (0, 1)]
    return "\n".join(f"{row.name:{widths[0]}}  {row.state:{widths[1]}}  {row.what}" for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="Keeps the SEV guests of a host as a folder of YAML files says.")
    parser.add_argument("folder", type=Path, help="the folder with NAME.yaml and NAME.xml for each guest")
    parser.add_argument("-c", "--connect", default="qemu:///system", metavar="URI", help="the hypervisor")
    parser.add_argument("--skip", action="append", default=[], metavar="RULE", help="leave out a rule of virt-sev")
    parser.add_argument("--once", action="store_true", help="look once, and end")
    parser.add_argument("--interval", type=float, default=10, metavar="SECONDS", help="between two looks")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    # What libvirt says is in the exceptions.
    libvirt.registerErrorHandler(lambda *_: None, None)
    # SIGTERM stops a launch in order, as SIGINT does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return rounds(options)
    except KeyboardInterrupt as e:
        # A launch that was stopped says what became of it.
        print(e.__cause__ or "stopped", file=sys.stderr)
        return int(options.once)


def rounds(options: argparse.Namespace) -> int:
    before: List[Row] = []
    while True:
        try:
            rows = one_round(options)
        except libvirt.libvirtError as e:
            rows = [failed(options.connect, e)]
        if rows != before:
            print(table(rows), flush=True)
        if options.once:
            return int(any(row.state == "failed" for row in rows))
        before = rows
        time.sleep(options.interval)


if __name__ == "__main__":
    sys.exit(main())
