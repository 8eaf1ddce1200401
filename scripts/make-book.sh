#!/usr/bin/env bash
# Makes the book out of docs/, and holds its links. In: docs/, book.toml, VIRT_SEV_MDBOOK (build/env.mk). Out: build/html;
# exit 1 where mdbook warns of anything or a link leads nowhere.
set -euo pipefail
cd "$(dirname "$0")/.."
read -ra mdbook <<<"${VIRT_SEV_MDBOOK:?is not set: run \`make setup\`}"
rm -rf build/html build/theme
mkdir -p build/theme

# Debian's mdbook reads its icons from a package that is not unpacked here. Its own page, with characters in their place.
"${mdbook[@]}" init --theme --force --title none --ignore none build/theme/init </dev/null &>build/theme/log ||
  { cat build/theme/log >&2; exit 1; }
sed -E 's/\{\{fa "solid" "bars"\}\}/☰/; s/\{\{fa "solid" "paintbrush"\}\}/◐/; s/\{\{fa "solid" "magnifying-glass"\}\}/⌕/
  s/\{\{fa "solid" "angle-left"\}\}/‹/; s/\{\{fa "solid" "angle-right"\}\}/›/; s/\{\{fa "regular" "copy"\}\}/⧉/
  s/\{\{fa [^}]*\}\}//' build/theme/init/theme/index.hbs >build/theme/index.hbs
rm -rf build/theme/init

"${mdbook[@]}" build &>build/theme/log || { cat build/theme/log >&2; exit 1; }
if grep -E 'WARN|ERROR' -A 4 build/theme/log >&2; then exit 1; fi
tests/docs/links.py
