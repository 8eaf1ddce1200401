#!/usr/bin/env bash
# The crates that what ships is linked with, and their licences, as those ask. In: an unpacked tree with vendor/, a target.
# Out: Markdown. Each text stands once, below the crates that have it.
set -euo pipefail
tree=$1
target=$2
linked=$(dirname "$(realpath "$0")")/linked.sh
cd "$tree"
crates=$("$linked" "$target")
printf '# Crates in these programs\n\n| crate | licence |\n|---|---|\n'
texts=
while IFS='|' read -r crate licence; do
  [ -d "vendor/$crate" ] || continue # ours
  printf '| %s | %s |\n' "$crate" "$licence"
  for file in "vendor/$crate"/{LICENSE,LICENCE,COPYING,COPYRIGHT,NOTICE,UNLICENSE,license}*; do
    [ -f "$file" ] && texts+="$(sha256sum <"$file" | cut -c1-64) $crate $file"$'\n'
  done
done <<<"$crates"
while read -r sum; do
  printf '\n## %s\n\n' "$(awk -v s="$sum" '$1 == s {print $2}' <<<"$texts" | LC_ALL=C sort -u | paste -sd, | sed 's/,/, /g')"
  sed 's/^/    /; s/[[:space:]]*$//' "$(awk -v s="$sum" '$1 == s {print $3; exit}' <<<"$texts")"
done < <(awk 'NF {print $1}' <<<"$texts" | awk '!seen[$1]++')
