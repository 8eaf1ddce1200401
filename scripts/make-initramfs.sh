#!/bin/bash
# An initramfs of busybox and scripts/guest-init. In: path of a static busybox, path of the image to write.
# Out: the same bytes for the same inputs, so that its launch digest is the same too.
set -euo pipefail
busybox=$1
image=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$(dirname "$image")"
tree=$(mktemp -d -p "$(dirname "$image")")
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/bin"
install -m 0755 "$busybox" "$tree/bin/busybox"
ln -s busybox "$tree/bin/sh"
install -m 0755 "$here/guest-init" "$tree/init"
find "$tree" -exec touch -h -d @0 {} +
(cd "$tree" && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) | gzip -n9 >"$image.new"
mv "$image.new" "$image"
