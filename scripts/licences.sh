#!/usr/bin/env bash
# The licences of all that is linked into what ships, as one SPDX expression, ours first. In: Cargo.lock. Out: a line, for packages.
set -euo pipefail
cd "$(dirname "$0")/.."
# The sources of virt and virt-sys say "or later", which their Cargo.toml leaves out.
scripts/linked.sh x86_64-unknown-linux-gnu | sed 's/^[^|]*|//; s, */ *, OR ,g; s/ AND /\n/g' | tr -d '()' |
  sed -e 's/^MIT OR Apache-2.0$/Apache-2.0 OR MIT/; s/^LGPL-2.1$/LGPL-2.1-or-later/' | LC_ALL=C sort -u |
  awk '/ OR / {$0 = "(" $0 ")"} /^LGPL-2.1-or-later$/ {ours = $0; next} {others = others " AND " $0} END {print ours others}'
