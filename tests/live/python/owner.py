"""A guest owner, with nothing but files. In: "session" or "answer", the files, as JSON. Out: a session, or a packet."""

import json
import sys
from pathlib import Path

import virtsev

step, known = sys.argv[1], json.loads(sys.argv[2])
keys = Path(known["keys"])
if step == "session":
    virtsev.Owner(chain=known["chain"], ca=known["ca"]).session(0x5, keys)
else:
    evidence = json.loads(Path(known["evidence"]).read_text())
    owner = virtsev.Owner(tik=keys / "tik.bin", tek=keys / "tek.bin", firmware=known["firmware"], num_cpus=1)
    owner.secret("luks-key", b"the disk's key")
    # Of another processor it is not what was measured.
    owner.vcpu_type = "EPYC-Genoa"
    try:
        owner.packet(evidence)
        sys.exit("verified")
    except virtsev.NoError as e:
        assert e.answer and not e.answer["verified"]
    owner.vcpu_type = "EPYC-Milan"
    assert owner.verify(evidence)["verified"]
    Path(known["packet"]).write_text(json.dumps(owner.packet(evidence)))
