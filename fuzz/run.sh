#!/usr/bin/env bash
# Fuzzes each target for a while. In: FUZZ_SECONDS (60), targets as arguments (all). Out: exit 1 and the input that broke
# it, in build/fuzz/findings. Never: a nightly compiler. The flags are those that `cargo fuzz -s none` gives: the code is
# free of `unsafe`, so there is nothing for an address sanitizer, and coverage alone is in the stable compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
build=$top/build/fuzz
seconds=${FUZZ_SECONDS:-60}
target=$(rustc -vV | sed -n 's/^host: //p')
mapfile -t all < <(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' fuzz/Cargo.toml)
[ $# -gt 0 ] || set -- "${all[@]}"

command -v c++ >/dev/null || { echo "fuzz: LLVM's fuzzer needs a C++ compiler (Debian: g++)" >&2; exit 1; }

seed() { # target: what to begin with
  local case
  case $1 in
    scan) cp tests/cases/*/in.xml tests/cases/*/out.xml "$2" --backup=numbered ;;
    # The first byte chooses the keys.
    splice) for case in tests/cases/*/; do { printf '\1'; cat "${case}in.xml"; } >"$2/$(basename "$case")"; done ;;
    config_document) for case in tests/cases/*/; do cp "${case}config.yaml" "$2/$(basename "$case")"; done ;;
    metadata)
      printf '<virtsev:config xmlns:virtsev="urn:virt-sev:config:1"><virtsev:key name="security.sev">true</virtsev:key></virtsev:config>' >"$2/one"
      for case in tests/cases/*/in.xml; do sed -n '/<metadata>/,/<\/metadata>/{//!p}' "$case" >"$2/$(basename "$(dirname "$case")")"; done ;;
    firmware) find tests/roots -name '*.fd' -exec cp -t "$2" {} + ; [ -z "${VIRT_SEV_FIRMWARE:-}" ] || tail -c 4096 "$VIRT_SEV_FIRMWARE" >"$2/real" ;;
    exchange)
      printf '{"schema":"virt-sev/measurement/1","mode":"sev","domain":"g","uuid":"u","measurement":"%s","api-major":1,"api-minor":55,"build-id":21,"policy":"0x1"}' \
        "$(head -c 48 /dev/zero | base64 -w0)" >"$2/evidence"
      printf '{"schema":"virt-sev/packet/1","measurement":"%s","header":"%s","payload":"%s"}' "$(head -c 48 /dev/zero | base64 -w0)" \
        "$(head -c 52 /dev/zero | base64 -w0)" "$(head -c 16 /dev/zero | base64 -w0)" >"$2/packet" ;;
    # A report with its certificate behind.
    snp) for case in src/snp/testdata/*.bin; do
        [ ! -e "${case%.bin}-vcek.der" ] || cat "$case" "${case%.bin}-vcek.der" >"$2/$(basename "$case")"; done ;;
    policy_file)
      printf 'allowed_digests: [%064d]\nallowed_policies: [0x5]\nmin_fw_api_major: 1\nmin_fw_api_minor: 51\nallowed_build_ids: [3]\n' 0 >"$2/all" ;;
    chain) cp src/session/testdata/*.bin "$2" ; cat src/session/roots/milan-*.cert >"$2/ca" ;;
  esac
}

flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares"
# With --target the flags are for the targets only, not for build scripts.
RUSTFLAGS=$flags cargo build --quiet --release --locked --manifest-path fuzz/Cargo.toml \
  --target "$target" --target-dir "$build/target"

run() {
  local corpus=$build/corpus/$1
  mkdir -p "$corpus" "$build/seeds/$1" "$build/findings" "$build/log"
  seed "$1" "$build/seeds/$1"
  if "$build/target/$target/release/$1" "$corpus" "$build/seeds/$1" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -dict=fuzz/domain.dict -artifact_prefix="$build/findings/$1-" -print_final_stats=1 \
    >"$build/log/$1" 2>&1; then
    printf 'fuzz: %-16s %s runs, no finding\n' "$1" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/log/$1")"
  else
    printf 'fuzz: %s: a finding\n' "$1" >&2
    tail -n 40 "$build/log/$1" >&2
    return 1
  fi
}

failed=0
for one; do run "$one" || failed=1; done
exit "$failed"
