#!/usr/bin/env bash
# Brings everything that `make demo` and `make check` need. In: a machine; with the argument `demo` what only the tests
# need is left out, and with `packages` that too, but what packages are made with comes. Out: packages, build/ and build/env.mk.
# Repeatable: what is there is left alone. Never: upgrades, restarts or configures a libvirt or QEMU that is installed.
#
# - System packages come from the machine's own Debian mirror (Debian 12 and 13). On Debian 12 libvirt and QEMU
#   come from bookworm-backports, unless the machine has Debian 12's own already. The machine's apt configuration
#   is read, never written: the lists for this lie in build/apt.
# - The simulator needs two things that no machine has installed: firmware that can take a secret (ovmf-amdsev, Debian sid)
#   and a guest kernel (Debian's cloud kernel). They are unpacked below build/.
# - The tests need other firmware images too (ovmf), sevctl and snpguest (Rust packages), sev-snp-measure and mypy (Python
#   packages), and a collection of Ansible's (out of Debian's ansible). These too lie below build/, and so does mdbook, which
#   makes the book out of docs/ (Debian sid, with the C library that it wants: it runs through that one's own loader).
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
build=$top/build
only=${1:-}
case $only in '' | demo | packages) ;; *) echo "usage: setup.sh [demo | packages]" >&2; exit 2 ;; esac
mkdir -p "$build"

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Names of Debian's packages, each with the program or file that shows it is there on any distribution.
wanted="
gcc:gcc
libc6-dev:/usr/include/stdio.h
pkg-config:pkg-config
make:make
openssl:openssl
libvirt-dev:/usr/include/libvirt/libvirt.h
libssl-dev:/usr/include/openssl/ssl.h
libvirt-daemon:libvirtd
libvirt-daemon-driver-qemu:
libvirt-clients:virsh
libvirt-clients-qemu:virt-qemu-sev-validate
qemu-system-x86:qemu-system-x86_64
qemu-utils:qemu-img
virtinst:virt-install
xorriso:xorriso
osinfo-db:
python3:/usr/bin/python3
python3-pip:
python3-libvirt:
python3-lxml:
python3-cryptography:
libxml2-utils:xmllint
busybox-static:
cpio:cpio
patch:patch
bsdutils:script
checkpolicy:checkpolicy
curl:curl
"
# The tests of the C library, of the Python package and of the documents.
[ -n "$only" ] || wanted="$wanted
g++:g++
golang-go:go
valgrind:valgrind
abigail-tools:abidiff
protobuf-compiler:protoc
python3-grpcio:
python3-protobuf:
groff-base:groff
python3-jsonschema:
fish:fish
zsh:zsh
python3-setuptools:
python3-wheel:
python3-venv:
jq:jq
ansible-core:ansible-playbook
groovy:groovy
default-jre-headless:/usr/lib/jvm/default-java/bin/java
"

# `make deb`, `make rpm`, `make check-packages`.
[ "$only" != packages ] || wanted="$wanted
debhelper:dh
dh-python:dh_python3
dpkg-dev:dpkg-buildpackage
lintian:lintian
debootstrap:debootstrap
python3-setuptools:
python3-wheel:
rpm:rpmbuild
rpmlint:rpmlint
xz-utils:xz
"

has() { # program or file
  case $1 in /*) [ -e "$1" ] ;; *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;; esac
}

command -v cargo >/dev/null || die "cargo is not here. Install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer, for example with rustup, and run again."

. /etc/os-release
codename=${VERSION_CODENAME:-}
debian=no
case "${ID:-}:$codename" in debian:bookworm | debian:trixie) debian=yes ;; esac

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
version() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || true; }

# Debian's mirror as the machine names it: the first source of this release whose lists Debian's key signs.
find_mirror() {
  local line uri
  mkdir -p "$build/apt/lists/partial" "$build/apt/cache/archives/partial"
  while read -r uri; do
    line="deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $codename main"
    printf '%s\n' "$line" >"$build/apt/probe.list"
    if apt_with probe update >>"$build/apt/log" 2>&1; then
      printf '%s\n' "$uri"
      return
    fi
  done < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    awk -v r="$codename" '$2 == r && $3 == "main" && !seen[$1]++ {print $1}')
  die "no Debian mirror for $codename among this machine's apt sources (see $build/apt/log)."
}

apt_with() { # list-name apt arguments…: apt with lists of its own and the machine's package database
  local list=$1
  shift
  mkdir -p "$build/apt/$list.lists/partial"
  # A mirror may lag behind sid for longer than sid's week. Its lists are signed all the same, and what is taken from sid
  # is firmware for the simulator, nothing that is installed.
  local late=()
  [ "$list" != sid ] || late=(-o Acquire::Check-Valid-Until=false)
  apt-get -qq "${late[@]}" -o Dir::Etc::SourceList="$build/apt/$list.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::Preferences="$build/apt/preferences" -o Dir::Etc::PreferencesParts=/dev/null \
    -o Dir::State::Lists="$build/apt/$list.lists" -o Dir::Cache="$build/apt/cache" \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o APT::Update::Error-Mode=any "$@"
}

# On Debian 12, backports for libvirt and QEMU, unless Debian 12's own are installed: those are left as they are.
wants_backports() { # package that tells what is installed
  [ "$codename" = bookworm ] || return 1
  local v
  v=$(version "$1")
  [ -z "$v" ] || [[ $v == *~bpo12* ]]
}

debian_packages() {
  local missing=() p
  for p in $wanted; do
    p=${p%%:*}
    installed "$p" || missing+=("$p")
  done
  if [ ${#missing[@]} -eq 0 ] && [ -e "$build/firmware/OVMF.amdsev.fd" ] && [ -e "$build/guest/vmlinuz" ] &&
    { [ -n "$only" ] || { [ -d "$build/ovmf/usr" ] && [ -d "$build/ansible/$collection" ] && [ -d "$build/book/usr" ]; }; }; then
    say "packages: all here"
    return
  fi
  : >"$build/apt/log"
  : >"$build/apt/preferences"
  local mirror keyring='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
  mirror=$(find_mirror)
  {
    printf 'deb %s %s %s main\n' "$keyring" "$mirror" "$codename"
    [ "$codename" = bookworm ] && printf 'deb %s %s bookworm-backports main\n' "$keyring" "$mirror"
    # Security updates, where the machine has that source: else a dependency may be older than what is installed.
    apt-get indextargets --format "deb $keyring \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' |
      awk -v r="$codename" '$4 == r"-security" && $5 == "main" && !seen[$3]++' || true
    apt-get indextargets --format "deb $keyring \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' |
      awk -v r="$codename" '$4 == r"-updates" && $5 == "main" && !seen[$3]++' || true
  } >"$build/apt/release.list"
  printf 'deb %s %s sid main\n' "$keyring" "$mirror" >"$build/apt/sid.list"
  local pin=
  wants_backports libvirt0 && pin="$pin src:libvirt"
  if wants_backports qemu-system-x86 && wants_backports qemu-utils; then pin="$pin src:qemu src:seabios src:brltty"; fi
  if [ -n "$pin" ]; then
    printf 'Package:%s\nPin: release n=bookworm-backports\nPin-Priority: 700\n' "$pin" >"$build/apt/preferences"
  fi
  apt_with release update >>"$build/apt/log" 2>&1 || die "apt-get update failed (see $build/apt/log)."
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
  unpack_firmware
  unpack_kernel
  [ -n "$only" ] || unpack_ovmf
  [ -n "$only" ] || unpack_ansible
  [ -n "$only" ] || unpack_mdbook
}

install_packages() {
  local sudo='' upgrades
  local arguments=(release -y --no-install-recommends --no-remove install "$@")
  upgrades=$(LC_ALL=C apt_with "${arguments[@]}" --simulate 2>>"$build/apt/log" | awk '$1 == "Inst" && $2 ~ /^(libvirt|qemu)/ && $3 ~ /^\[/ {printf " %s", $2}') ||
    die "apt cannot install $* (see $build/apt/log)."
  [ -z "$upgrades" ] ||
    die "what is missing would also upgrade$upgrades, which set-up does not do by itself. Install this yourself and run again: $*"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "packages are missing, and there is neither root nor sudo. As root: apt-get install $*. Then run again."
    sudo=sudo
  fi
  say "packages: installing $*"
  $sudo env DEBIAN_FRONTEND=noninteractive bash -c "$(declare -f apt_with); build='$build'; apt_with \"\$@\"" - \
    "${arguments[@]}" >>"$build/apt/log" 2>&1 </dev/null || die "apt-get install failed (see $build/apt/log)."
}

fetch_deb() { # list package folder [path]: unpacks a package, or what is below a path in it, below the folder, without installing it
  rm -rf "$3.new" "$build/apt/debs"
  mkdir -p "$3.new" "$build/apt/debs"
  (cd "$build/apt/debs" && apt_with "$1" download "$2" >>"$build/apt/log" 2>&1) ||
    die "$2 cannot be downloaded (see $build/apt/log)."
  dpkg-deb --fsys-tarfile "$build/apt/debs/"*.deb | tar -x -C "$3.new" ${4:+"./$4"} || die "$2 cannot be unpacked; what tar says is above."
  rm -rf "$build/apt/debs"
}

unpack_firmware() {
  [ -e "$build/firmware/OVMF.amdsev.fd" ] && return
  say "firmware: ovmf-amdsev from Debian sid"
  apt_with sid update >>"$build/apt/log" 2>&1 || die "apt-get update for sid failed (see $build/apt/log)."
  fetch_deb sid ovmf-amdsev "$build/firmware"
  mkdir -p "$build/firmware"
  cp "$build/firmware.new/usr/share/ovmf/OVMF.amdsev.fd" "$build/firmware.new/usr/share/qemu/firmware/"*amdsev.json "$build/firmware/"
  rm -rf "$build/firmware.new"
}

# The whole package, where it would lie on a host: what tests read is not what this machine has.
unpack_ovmf() {
  [ -d "$build/ovmf/usr" ] && return
  say "firmware without SEV's tables, for the tests: ovmf"
  rm -rf "$build/ovmf"
  fetch_deb release ovmf "$build/ovmf"
  mv "$build/ovmf.new" "$build/ovmf"
}

# The module for libvirt alone: the whole package has a thousand others, and 250 MB.
collection=ansible_collections/community/libvirt
unpack_ansible() {
  local packages=usr/lib/python3/dist-packages
  [ -d "$build/ansible/$collection" ] && return
  say "Ansible's collection for libvirt, for the tests"
  rm -rf "$build/ansible"
  fetch_deb release ansible "$build/ansible" "$packages/$collection"
  mv "$build/ansible.new/$packages" "$build/ansible"
  rm -rf "$build/ansible.new"
}

# Debian 12 and 13 have none, and sid's wants sid's C library.
unpack_mdbook() {
  local package
  [ -d "$build/book/usr" ] && return
  say "mdbook from Debian sid, for the book"
  rm -rf "$build/book" "$build/book.parts"
  mkdir -p "$build/book.parts"
  apt_with sid update >>"$build/apt/log" 2>&1 || die "apt-get update for sid failed (see $build/apt/log)."
  for package in mdbook libc6 libgcc-s1; do
    fetch_deb sid "$package" "$build/book.one"
    cp -a "$build/book.one.new/." "$build/book.parts"
    rm -rf "$build/book.one.new"
  done
  mv "$build/book.parts" "$build/book"
}

unpack_kernel() {
  [ -e "$build/guest/vmlinuz" ] && return
  local package
  package=$(apt-cache -o Dir::Etc::SourceList="$build/apt/release.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$build/apt/release.lists" -o Dir::Cache="$build/apt/cache" depends linux-image-cloud-amd64 |
    awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ {print $2; exit}')
  [ -n "$package" ] || die "linux-image-cloud-amd64 names no kernel package."
  say "guest kernel: $package"
  fetch_deb release "$package" "$build/guest"
  mkdir -p "$build/guest"
  cp "$build/guest.new/boot/"vmlinuz-* "$build/guest/vmlinuz"
  rm -rf "$build/guest.new"
}

other_packages() {
  local p probe missing=
  for p in $wanted; do
    probe=${p#*:}
    [ -z "$probe" ] || has "$probe" || missing="$missing ${p%%:*}"
  done
  [ -z "$missing" ] || die "this is not Debian 12 or 13. Install what Debian calls:$missing, then run again."
  [ -e "$build/firmware/OVMF.amdsev.fd" ] ||
    die "put an AmdSev build of OVMF (Debian: ovmf-amdsev, Fedora: edk2-ovmf) at $build/firmware/OVMF.amdsev.fd and run again."
  [ -e "$build/guest/vmlinuz" ] || die "put a Linux kernel of 5.19 or newer at $build/guest/vmlinuz and run again."
  [ -n "$only" ] || [ -d "$build/ovmf/usr" ] ||
    die "unpack a package of other OVMF images (Debian: ovmf, Fedora: edk2-ovmf) below $build/ovmf, so that $build/ovmf/usr is there, and run again."
  [ -n "$only" ] || [ -d "$build/ansible/$collection" ] ||
    die "put Ansible's collection community.libvirt (Debian, Fedora: in ansible) at $build/ansible/$collection and run again."
  [ -n "$only" ] || has mdbook || die "mdbook 0.5 is not here. Install it, for example with \`cargo install mdbook\`, and run again."
}

mkdir -p "$build/apt"
# scripts/check-packages.sh makes its roots from there.
if [ "$only" = packages ] && [ $debian = yes ] && [ ! -s "$build/apt/mirror" ]; then find_mirror >"$build/apt/mirror"; fi
if [ $debian = yes ]; then debian_packages; else other_packages; fi

# The system's OpenSSL instead of one built from source: minutes less, and no need for Perl. Not a debug build: sevctl's
# leaves rubbish in reserved bytes of its certificates.
peer_crate() {
  local name=$1 version=$2
  shift 2
  [ -z "$only" ] && [ ! -x "$build/peers/bin/$name" ] || return 0
  say "$name $version (a peer to test against; some minutes)"
  OPENSSL_NO_VENDOR=1 CARGO_TARGET_DIR=$build/peers/target cargo install --quiet --locked --root "$build/peers" --version "$version" "$@" "$name" </dev/null ||
    die "$name $version cannot be built; what cargo says is above. Mend that and run again: finished steps are not repeated."
  rm -rf "$build/peers/target"
}
peer_crate sevctl 0.6.2
# A debug build is made sooner, and nobody times this one.
peer_crate snpguest 0.11.0 --debug

# A Python package of PyPI in a folder of its own, pinned by content.
peer_module() {
  local name=$1 into=$build/peers/$1
  [ -z "$only" ] && [ ! -d "$into" ] || return 0
  say "$name ($2)"
  rm -rf "$into.new"
  PIP_ROOT_USER_ACTION=ignore /usr/bin/python3 -m pip install --quiet --no-deps --only-binary :all: --require-hashes --target "$into.new" \
    -r "scripts/$name-requirements.txt" </dev/null || die "$name cannot be installed; what pip says is above. Mend that and run again."
  mv "$into.new" "$into"
}
peer_module sev-snp-measure "a peer to test against"
peer_module mypy "to check the Python package's types"

busybox=$(dpkg-query -L busybox-static 2>/dev/null | grep -E '/busybox$' | head -n 1 || true)
busybox=${busybox:-$(command -v busybox || true)}
[ -n "$busybox" ] || die "busybox-static is not here."
if [ ! -e "$build/guest/initrd.img" ] || [ scripts/guest-init -nt "$build/guest/initrd.img" ]; then
  say "guest initramfs: busybox and scripts/guest-init"
  scripts/make-initramfs.sh "$busybox" "$build/guest/initrd.img"
fi

mdbook=mdbook
if [ -d "$build/book/usr" ]; then
  libraries=$(echo "$build"/book/usr/lib/*-linux-gnu)
  mdbook="$(echo "$libraries"/ld-linux-*.so.*) --library-path $libraries $build/book/usr/bin/mdbook"
fi

cat >"$build/env.mk.new" <<EOF
export VIRT_SEV_SEVCTL := $build/peers/bin/sevctl
export VIRT_SEV_VALIDATE := $(PATH=$PATH:/usr/sbin command -v virt-qemu-sev-validate)
export VIRT_SEV_SNP_MEASURE := $build/peers/sev-snp-measure
export VIRT_SEV_MYPY := $build/peers/mypy
export VIRT_SEV_OVMF := $build/ovmf
export VIRT_SEV_ANSIBLE := $build/ansible
export VIRT_SEV_MDBOOK := $mdbook
export VIRT_SEV_SNPGUEST := $build/peers/bin/snpguest
export VIRT_SEV_FIRMWARE := $build/firmware/OVMF.amdsev.fd
export VIRT_SEV_KERNEL := $build/guest/vmlinuz
export VIRT_SEV_INITRD := $build/guest/initrd.img
export VIRT_SEV_DOMAIN_RNG := /usr/share/libvirt/schemas/domain.rng
EOF
mv "$build/env.mk.new" "$build/env.mk"
say "ready: $(virsh --version 2>/dev/null | sed 's/^/libvirt /'), $(qemu-system-x86_64 --version | sed -n '1s/^QEMU emulator version \([^ ]*\).*/QEMU \1/p'), $(cargo --version | cut -d' ' -f1,2)"
