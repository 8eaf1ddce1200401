#!/usr/bin/env bash
# Generated files equal the committed ones. Out: a diff and exit 1 where they do not.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0
same() { # committed file, command that makes it
  local file=$1
  shift
  if ! diff -u --label "$file (committed)" --label "$file (generated)" "$file" <("$@"); then
    echo "$file is out of date: run 'make generate' and commit." >&2
    status=1
  fi
}
same docs/keys.md cargo run --quiet --locked -p virt-sev-cli --bin virt-sev -- keys --format md
same docs/rules.md cargo run --quiet --locked -p virt-sev-cli --bin virt-sev -- explain --list --format md
same docs/messages.md cargo run --quiet --locked -p virt-sev-cli --bin virt-sev -- explain --list-messages --format md
if ! diff <(sed -n 's/^License: *//p;T;q' packaging/rpm/virt-sev.spec) <(scripts/licences.sh); then
  echo "packaging/rpm/virt-sev.spec: License is out of date: run 'make generate' and commit." >&2
  status=1
fi
exit $status
