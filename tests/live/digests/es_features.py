"""The launch digest of SEV-ES with SEV_FEATURES, made of sev-snp-measure's own parts: its command line sets none there.

In: OVMF, features, vcpus, signature, and perhaps kernel, initrd, command line. Out: the digest in hexadecimal.
"""

import hashlib
import sys

from sevsnpmeasure.ovmf import OVMF
from sevsnpmeasure.sev_hashes import SevHashes
from sevsnpmeasure.sev_mode import SevMode
from sevsnpmeasure.vmsa import VMSA

image, features, vcpus, signature, *kernel = sys.argv[1:]
ovmf = OVMF(image)
digest = hashlib.sha256(ovmf.data())
if kernel:
    digest.update(SevHashes(*kernel).construct_table())
for page in VMSA(SevMode.SEV_ES, ovmf.sev_es_reset_eip(), int(signature), int(features)).pages(int(vcpus)):
    digest.update(page)
print(digest.hexdigest())
