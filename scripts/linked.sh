#!/usr/bin/env bash
# The crates that what ships is linked with, ours too. In: the folder that it is started in, a target. Out: NAME-VERSION|LICENCE, sorted.
set -euo pipefail
"${CARGO:-cargo}" tree --quiet --locked --workspace --target "$1" -e normal,no-proc-macro --prefix none --format '{p}|{l}' |
  sed -n 's/^\([^ ]*\) v\([^ |]*\)[^|]*|\(.*\)$/\1-\2|\3/p' | sed 's/ (\*)$//' | LC_ALL=C sort -u
