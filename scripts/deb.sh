#!/usr/bin/env bash
# Debian packages, and their source, out of dist/virt-sev-VERSION.tar.xz. In: that archive. Out: dist/deb. No network is asked.
# A Rust that is not Debian's is good enough: then the build says so by its profile.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${DIST:-dist}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
archive=$(realpath -m "$out/virt-sev-$version.tar.xz")
[ -e "$archive" ] || { echo "deb: $archive is not there: run \`make dist\`" >&2; exit 1; }
exec 9<scripts/deb.sh
flock -n 9 || { echo "deb: build/deb is in use: another one is at work" >&2; exit 1; }

rm -rf build/deb
mkdir -p build/deb "$out/deb"
tar -x -f "$archive" -C build/deb
cp "$archive" "build/deb/virt-sev_$version.orig.tar.xz"
cd "build/deb/virt-sev-$version"
cp -r packaging/debian debian
SOURCE_DATE_EPOCH=$(cat packaging/epoch)
export SOURCE_DATE_EPOCH

profiles=
if [ "$(command -v cargo)" != /usr/bin/cargo ]; then
  profiles=-Ppkg.virt-sev.rust-elsewhere
  # The compiler itself: rustup's stand-in looks for it in a home that debhelper changes.
  PATH=$(rustc --print sysroot)/bin:$PATH
fi
dpkg-buildpackage -us -uc $profiles >../log 2>&1 || { tail -n 40 ../log; echo "deb: all of it is in build/deb/log" >&2; exit 1; }
cd ../../..
rm -f "$out"/deb/*
cp build/deb/*.deb build/deb/*.dsc build/deb/*.tar.xz build/deb/*.changes build/deb/*.buildinfo "$out/deb/"
lintian --fail-on error "$out"/deb/*.changes
printf '%s\n' "$out"/deb/*.deb
