#!/usr/bin/env bash
# The sources of one commit with every crate they need: dist/virt-sev-VERSION.tar.xz, which builds without a network.
# In: HEAD; SOURCE_DATE_EPOCH, or the time of the commit. Out: the same bytes for the same commit and the same time.
# Never: a file that is not committed. Cargo fetches what it does not have already.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
out=${DIST:-dist}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=virt-sev-$version
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
target=x86_64-unknown-linux-gnu
[[ $epoch =~ ^[0-9]+$ ]] || { echo "dist: SOURCE_DATE_EPOCH is no number of seconds: $epoch" >&2; exit 1; }
# What somebody likes for archives of their own.
unset TAR_OPTIONS XZ_DEFAULTS XZ_OPT

git diff --quiet HEAD || echo "dist: what is not committed is left out" >&2
mkdir -p build "$out"
work=$(mktemp -d -p build dist.XXXXXX)
trap 'rm -rf "$work"' EXIT
git -c core.autocrlf=false -c tar.umask=0022 archive --prefix="$name/" HEAD | tar -x -C "$work"
tree=$PWD/$work/$name

(cd "$tree" && "$cargo" vendor --quiet --locked --versioned-dirs vendor >/dev/null)
mkdir -p "$tree/.cargo"
cat >"$tree/.cargo/config.toml" <<'CONFIG'
# What `make dist` adds: every crate is below vendor/, and nothing is asked of a network.
[source.crates-io]
replace-with = "vendored"

[source.vendored]
directory = "vendor"

[net]
offline = true
CONFIG

# Cargo wants the manifest of every crate in Cargo.lock, but the crates of other systems are never compiled: they are a
# third of all. An empty crate each, with the checksum of the real one for Cargo.lock.
used=$(cd "$tree" && "$cargo" tree --quiet --locked --workspace --all-features --target "$target" -e all --prefix none --format '{p}' |
  awk '$2 ~ /^v/ {print $1 "-" substr($2, 2)}' | LC_ALL=C sort -u)
for crate in "$tree"/vendor/*/; do
  crate=${crate%/}
  grep -qxF "${crate##*/}" <<<"$used" && continue
  sum=$(sed -n 's/.*"package":"\([0-9a-f]*\)".*/\1/p' "$crate/.cargo-checksum.json")
  find "$crate" -mindepth 1 -not -name Cargo.toml -delete
  mkdir "$crate/src"
  : >"$crate/src/lib.rs"
  printf '{"files":{},"package":"%s"}' "$sum" >"$crate/.cargo-checksum.json"
done

scripts/third-party.sh "$tree" "$target" >"$tree/vendor/THIRD-PARTY.md"
printf '%s\n' "$epoch" >"$tree/packaging/epoch"

# One time, one owner, one order. Two threads, always: what xz writes with one differs.
tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --format=gnu -C "$work" -c "$name" |
  xz -6 -T2 --block-size=16MiB >"$work/$name.tar.xz"
mv "$work/$name.tar.xz" "$out/$name.tar.xz"
echo "$out/$name.tar.xz"
