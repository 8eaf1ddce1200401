"""A launch that hangs, for SIGINT. In: a lab, as JSON. Out: "launching", and what became of it."""

import json
import signal
import sys
from pathlib import Path

import libvirt
import virtsev

# Whoever started the tests in a shell's background had them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
lab = json.loads(sys.argv[1])
keys = {"security.sev": True, "security.sev.firmware": lab["firmware"], "security.sev.memory.lock": "none"}
config = virtsev.Config(keys, skip=lab["rules"])
conn = libvirt.open(lab["uri"])
try:
    config.launch(conn, Path(lab["domain"]).read_text(), progress=lambda step: print(step["step"], flush=True))
except KeyboardInterrupt as e:
    # One that comes late is for the launch, and not for these lines.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(f"{type(e.__cause__).__name__}: {e.__cause__}", flush=True)
    raise
