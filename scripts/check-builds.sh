#!/usr/bin/env bash
# The packages again, without a network: the same bytes. In: dist/deb, dist/rpm. Out: what differs, and exit 1. As root.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${DIST:-dist}
# A network namespace of its own has no way out.
if [ -z "${CHECK_BUILDS_INSIDE:-}" ]; then
  CHECK_BUILDS_INSIDE=yes exec unshare --net scripts/check-builds.sh "$@"
fi
[ "$(grep -c : /proc/net/dev)" = 1 ] || { echo "check-builds: there is a network here" >&2; exit 1; }
again=build/again
rm -rf "$again"
mkdir -p "$again"
cp "$out"/virt-sev-*.tar.xz "$again/"
# Of .changes and .buildinfo each build has its own.
sums() { (cd "$1" && find . -name '*.deb' -o -name '*.dsc' -o -name '*.rpm' | LC_ALL=C sort | xargs sha256sum); }
for kind in deb rpm; do
  [ -d "$out/$kind" ] || { echo "check-builds: no packages in $out/$kind: run \`make $kind\`" >&2; exit 1; }
  DIST=$again "scripts/$kind.sh" >"$again/log" 2>&1 || { tail -n 40 "$again/log" >&2; exit 1; }
  diff <(sums "$out/$kind") <(sums "$again/$kind") || { echo "check-builds: $kind: these differ" >&2; exit 1; }
done
rm -rf "$again"
echo "check-builds: built again without a network, and equal"
