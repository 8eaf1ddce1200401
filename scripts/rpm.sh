#!/usr/bin/env bash
# RPM packages, and their source, out of dist/virt-sev-VERSION.tar.xz. In: that archive. Out: dist/rpm. No network is asked.
# On Debian too, where rpmbuild cannot know what is installed: there the compiler says what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${DIST:-dist}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
archive=$(realpath -m "$out/virt-sev-$version.tar.xz")
[ -e "$archive" ] || { echo "rpm: $archive is not there: run \`make dist\`" >&2; exit 1; }
exec 9<scripts/rpm.sh
flock -n 9 || { echo "rpm: build/rpm is in use: another one is at work" >&2; exit 1; }

top=$PWD/build/rpm
rm -rf "$top"
mkdir -p "$top/SOURCES" "$out/rpm"
cp "$archive" "$top/SOURCES/"
SOURCE_DATE_EPOCH=$(tar -x -O -f "$archive" "virt-sev-$version/packaging/epoch")
export SOURCE_DATE_EPOCH
tar -x -O -f "$archive" "virt-sev-$version/packaging/rpm/virt-sev.spec" >"$top/virt-sev.spec"
# The compiler itself, and not rustup's stand-in, which fetches.
PATH=$(rustc --print sysroot)/bin:$PATH
here=(--define "_topdir $top")
[ -e /etc/redhat-release ] || here+=(--nodeps)
rpmbuild -ba "${here[@]}" "$top/virt-sev.spec" >"$top/log" 2>&1 ||
  { tail -n 40 "$top/log"; echo "rpm: all of it is in build/rpm/log" >&2; exit 1; }
rm -f "$out"/rpm/*
cp "$top"/RPMS/*/*.rpm "$top"/SRPMS/*.rpm "$out/rpm/"
rpmlint --config packaging/rpm/rpmlint.toml "$out"/rpm/*.rpm packaging/rpm/virt-sev.spec
printf '%s\n' "$out"/rpm/*.rpm
