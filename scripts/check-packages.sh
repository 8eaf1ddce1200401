#!/usr/bin/env bash
# The packages in fresh roots: Debian 12, Debian 12 with libvirt and QEMU of backports, Debian 13.
# In: dist/deb, dist/rpm where it is there; names of roots, or all. Out: what each root shows; 0 where all is well.
# Never: a mount or a process left behind, or the machine's own packages and devices touched. As root; each root takes some 1.5 GB and goes.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "check-packages: debootstrap and chroot need root" >&2; exit 1; }
# Mounts and processes of its own: all of them end with this script, however it ends, and so does the folder but for SIGKILL.
if [ -z "${CHECK_PACKAGES_WORK:-}" ]; then
  mkdir -p build
  CHECK_PACKAGES_WORK=$(mktemp -d -p "$PWD/build" roots.XXXXXX)
  export CHECK_PACKAGES_WORK
  trap 'pkill -KILL -P "$inside" || true; wait "$inside" || true; rm -rf --one-file-system "$CHECK_PACKAGES_WORK"' EXIT
  trap 'exit 1' HUP INT TERM
  setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child scripts/check-packages.sh "$@" &
  inside=$!
  status=0
  wait "$inside" || status=$?
  exit $status
fi
top=$PWD
work=$CHECK_PACKAGES_WORK
dist=$(realpath -m "${DIST:-dist}")
debs=$dist/deb
rpms=$dist/rpm
[ -n "$(compgen -G "$debs/*.deb")" ] || { echo "check-packages: no packages in $debs: run \`make deb\`" >&2; exit 1; }
mirror=$(cat build/apt/mirror)
root=
[ $# -gt 0 ] || set -- bookworm bookworm-backports trixie
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
ours="virt-sev libvirtsev0 libvirtsev-dev python3-virtsev virt-sev-hooks virt-sev-sim"

say() { printf '%s: %s\n' "$name" "$*"; }
fail() { printf '%s: FAILED: %s\n' "$name" "$*" >&2; exit 1; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive "$@"; }
quietly() { inside "$@" >"$work/log" 2>&1 </dev/null || { tail -n 30 "$work/log" >&2; fail "$*"; }; }
clean() {
  [ -z "$root" ] || for mount in dev/pts dev/shm sys proc; do umount -l "$root/$mount" 2>/dev/null || true; done
  # Never through a mount.
  rm -rf --one-file-system "$work"
}
trap clean EXIT

new_root() {
  local suite=${name%-backports}
  root=$work/$name
  mkdir -p "$work"
  say "debootstrap"
  debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; fail debootstrap; }
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys" # without it libvirt starts no guest, and does not say why
  # /dev is what debootstrap made: in the machine's own, systemd's package would change who may use /dev/kvm.
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  mount -t tmpfs tmpfs "$root/dev/shm"
  # No daemon starts, and what is installed is what is asked for.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 0755 "$root/usr/sbin/policy-rc.d"
  echo 'APT::Install-Recommends "false";' >"$root/etc/apt/apt.conf.d/90check"
  # A mirror's sid may be of another day.
  [ "$name" != sid ] || echo 'Acquire::Check-Valid-Until "false";' >>"$root/etc/apt/apt.conf.d/90check"
  if [ "$name" != "$suite" ]; then
    echo "deb $mirror $name main" >"$root/etc/apt/sources.list.d/backports.list"
    printf 'Package: src:libvirt src:qemu src:seabios src:brltty\nPin: release n=%s\nPin-Priority: 700\n' "$name" \
      >"$root/etc/apt/preferences.d/backports"
  fi
  mkdir -p "$root/check/old" "$root/check/new"
  cp "$debs"/*.deb "$root/check/new/"
  # The build before: the same packages under an older version, with a file that the new one has no more.
  for deb in "$debs"/*.deb; do
    dpkg-deb -R "$deb" "$work/deb"
    sed -i "s/$version-1/$version~before-1/g; s/(>= $version)/(>= $version~before)/" "$work/deb/DEBIAN/control"
    mkdir -p "$work/deb/usr/share/virt-sev"
    echo old >"$work/deb/usr/share/virt-sev/old-$(basename "$deb" | cut -d_ -f1)"
    dpkg-deb -b --root-owner-group -Znone "$work/deb" "$root/check/old/$(basename "$deb")" >/dev/null
    rm -rf "$work/deb"
  done
  # What the machine's set-up has brought, in the place of ovmf-amdsev and a kernel package.
  mkdir -p "$root/usr/share/ovmf" "$root/boot"
  cp build/firmware/OVMF.amdsev.fd "$root/usr/share/ovmf/"
  cp build/guest/vmlinuz "$root/boot/vmlinuz-of-the-check"
  quietly apt-get update
}

# All that is there, but for what apt and dpkg write down, caches, and what these checks bring.
listing() {
  (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./check -o -path ./tmp -o -path ./root -o -path ./var/lib/dpkg \
    -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log -o -path ./run -o -name __pycache__ \) -prune -o -print | LC_ALL=C sort)
}

in_tmp() { find "$root/tmp" -mindepth 1 | LC_ALL=C sort; }

dependencies() {
  say "apt install ./*.deb: what would come with it"
  inside sh -c 'cd /check/new && apt-get -s install ./*.deb' >"$work/log" 2>&1 </dev/null ||
    { tail -n 30 "$work/log" >&2; fail "apt-get cannot install the packages in a fresh root"; }
  local wanted
  wanted=$(awk '$1 == "Inst" {print $2}' "$work/log" | grep -vxF "${ours// /$'\n'}")
  # Where Debian 12 has libvirt's profiles.
  [ "$name" != bookworm ] || wanted="$wanted libvirt-daemon-system"
  # Recommended, and what looks at the result.
  quietly apt-get install -y $wanted busybox-static cpio virtinst python3-libvirt man-db bash-completion gcc libc6-dev pkg-config apparmor file
  quietly apt-get clean
  say "libvirt $(inside dpkg-query -W -f '${Version}' libvirt0), QEMU $(inside dpkg-query -W -f '${Version}' qemu-system-x86)"
}

installed() {
  local page out
  [ "$(inside virt-sev --version)" = "virt-sev $version" ] || fail "virt-sev --version"
  for page in "$root"/usr/share/man/man?/virt-sev*; do
    page=$(basename "$page" .gz)
    out=$(inside env MANROFFSEQ= MANWIDTH=80 man --warnings "${page##*.}" "${page%.*}" 2>&1) || fail "man $page: $out"
    [ "$(wc -l <<<"$out")" -gt 10 ] && ! grep -q 'warning:' <<<"$out" || fail "man $page: $out"
  done
  say "virt-sev --version, $(find "$root"/usr/share/man/man? -name 'virt-sev*' | wc -l) manual pages"
  links
  completion
  # autopkgtest, too, takes a word on standard error for a failure.
  quietly sh -c 'AUTOPKGTEST_TMP=/check sh -e /check/tests/libraries 2>/check/said && [ ! -s /check/said ] || { cat /check/said; exit 1; }'
  say "the command, a C program and Python make the same domain"
  inside ldconfig -p | grep -F libvirtsev.so.0 >/dev/null || fail "ldconfig does not know the library"
  [ "$(inside stat -c '%U:%G %a' /usr/libexec/virt-sev/virt-sev-online)" = "root:root 755" ] || fail "virt-sev-online's owner"
}

# Each link of a document that leads to a file leads to one that is installed.
links() {
  local page link wrong=
  while IFS=: read -r page link; do
    link=${link#??}
    link=${link%?}
    [ -e "$(dirname "$page")/$link" ] || wrong+=" ${page##*/}:$link"
  done < <(find "$root/usr/share/doc/virt-sev" -name '*.md' ! -name THIRD-PARTY.md -exec grep -oHE '\]\([^):#]+[)#]' {} +)
  [ -z "$wrong" ] || fail "links of the documents that lead nowhere:$wrong"
}

# As somebody types it. bash reads from a terminal, and loads the completion when the command is first completed.
completion() {
  inside python3 - <<'PYTHON' || fail "bash completes nothing"
import os, pty, select, sys, time

def read(fd, until, seconds=30):
    seen, end = b"", time.time() + seconds
    while until not in seen and time.time() < end:
        if select.select([fd], [], [], 0.5)[0]:
            try:
                seen += os.read(fd, 4096)
            except OSError:
                break
    return seen

pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = "ready> "
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
read(fd, b"ready> ")
os.write(fd, b". /usr/share/bash-completion/bash_completion; bind 'set enable-bracketed-paste off'\n")
read(fd, b"ready> ")
os.write(fd, b"virt-sev measurem\t")
command = read(fd, b"measurement ")
os.write(fd, b"--evid\t")
option = read(fd, b"--evidence")
os.write(fd, b"\x03exit\n")
sys.exit(0 if b"measurement " in command else f"{command!r} {option!r}")
PYTHON
  say "completion in bash"
}

demo() {
  local out=$work/demo status=0 others
  others=$(in_tmp) # sid's systemd makes folders there when it is installed
  # The lab's libvirtd asks the machine's hooks too, and they refuse a guest without KVM.
  quietly virt-sev hook remove libvirt
  inside sh /check/tests/demo >"$out" 2>&1 </dev/null || status=$?
  if [ "$name" = bookworm ]; then
    # Its QEMU is too old for the firmware, which the demo says: the launch itself is attested.
    grep -q 'With the QEMU 7.2 of Debian 12 itself it does not' "$out" || { tail -n 30 "$out" >&2; fail "demo: $status"; }
    say "demo: launched and attested; the guest stays silent, as the demo says of QEMU 7.2"
  else
    [ $status = 0 ] && grep -q '^Done: an attested guest ran, and a tampered one did not' "$out" || { tail -n 30 "$out" >&2; fail "demo: $status"; }
    say "demo: an attested guest ran, and a tampered one did not"
  fi
  [ "$(in_tmp)" = "$others" ] || fail "the demo left this in /tmp, or took it: $(diff <(echo "$others") <(in_tmp) | head -n 5)"
  # The first five minutes as docs/start.md has them, in the shell that it names for the packages.
  if [ "$name" != bookworm ]; then
    sed -n '/^```sh$/,/^```$/{/^```/d;/^make /d;p}' "$root/usr/share/doc/virt-sev/docs/start.md" >"$root/check/start"
    inside sh -c 'virt-sev-demo --shell </check/start' >"$out" 2>&1 || { tail -n 30 "$out" >&2; fail "demo --shell"; }
    grep -q '^guest: secret: correct horse battery staple' "$out" && grep -q '^exit code 1: no secret' "$out" ||
      { tail -n 30 "$out" >&2; fail "docs/start.md in demo --shell"; }
    say "docs/start.md in virt-sev-demo --shell"
  fi
  # Without firmware or kernel, or with firmware that takes no secret, it says so.
  ! out=$(inside virt-sev-demo --firmware /boot/vmlinuz-of-the-check 2>&1) || fail "the demo ran with any file as firmware"
  grep -q '^virt-sev-demo: .* takes no secret' <<<"$out" || fail "$out"
  for file in usr/share/ovmf/OVMF.amdsev.fd boot/vmlinuz-of-the-check; do
    mv "$root/$file" "$root/check/away"
    ! out=$(inside virt-sev-demo 2>&1) || fail "the demo ran without $file"
    grep -q '^virt-sev-demo: no .* Install ' <<<"$out" || fail "$out"
    mv "$root/check/away" "$root/$file"
  done
  quietly virt-sev hook install libvirt
}

switches() { # hooks and AppArmor's addition, both off by themselves
  local hook=etc/libvirt/hooks/qemu.d/virt-sev profile=etc/apparmor.d/abstractions/libvirt-qemu.d/virt-sev
  [ ! -L "$root/$hook" ] && [ ! -L "$root/$profile" ] || fail "something is switched on by installing it"
  # AppArmor's own reader, of a profile as libvirt makes it for a guest.
  printf '#include <tunables/global>\nprofile check {\n  #include <abstractions/libvirt-qemu>\n}\n' >"$root/check/profile"
  ! inside apparmor_parser -p /check/profile 2>/dev/null | grep '/dev/sev rw' >/dev/null || fail "/dev/sev is allowed from the start"
  sed -n '/^    mkdir/,/^$/p' "$root/usr/share/doc/virt-sev/README.Debian" >"$root/check/switch"
  if [ "$name" = bookworm ]; then
    sed -n '/^    echo/,/^$/p' "$root/usr/share/doc/virt-sev/README.Debian" >>"$root/check/switch"
  fi
  quietly sh -e /check/switch
  inside apparmor_parser -p /check/profile 2>/dev/null | grep '/dev/sev rw' >/dev/null || fail "README.Debian's commands do not allow /dev/sev"
  quietly apparmor_parser -QTK /check/profile
  mkdir -p "$root/etc/libvirt/hooks"
  quietly virt-sev hook install libvirt
  [ -x "$(readlink -f "$root$(readlink "$root/$hook")")" ] || fail "the hook's link hangs in the air"
  say "hooks and AppArmor's addition: off, and on by the documented commands"
}

removed() {
  mkdir -p "$root/var/lib/virt-sev" && echo kept >"$root/var/lib/virt-sev/kept"
  # As an administrator has it who keeps hooks elsewhere.
  mv "$root/etc/libvirt/hooks/qemu.d" "$root/check/hooks"
  ln -s /check/hooks "$root/etc/libvirt/hooks/qemu.d"
  quietly apt-get purge -y virt-sev
  [ -e "$root/var/lib/virt-sev/kept" ] || fail "the purge of the command took what the library remembers"
  [ ! -L "$root/check/hooks/virt-sev" ] || fail "removal left the hook's link in a folder that is one"
  rm "$root/etc/libvirt/hooks/qemu.d"
  quietly apt-get remove -y libvirtsev0 libvirtsev-dev python3-virtsev
  [ -e "$root/var/lib/virt-sev/kept" ] || fail "removal took the state"
  [ ! -L "$root/etc/libvirt/hooks/qemu.d/virt-sev" ] || fail "removal left the hook's link"
  [ ! -L "$root/etc/apparmor.d/abstractions/libvirt-qemu.d/virt-sev" ] || fail "removal left AppArmor's link"
  quietly dpkg --purge $ours # to apt those without a file to purge are unknown by now
  listing >"$work/after"
  diff "$work/before" "$work/after" >"$work/left" || { cat "$work/left" >&2; fail "this is left, or gone, after purge"; }
  [ -z "$(inside dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | grep -E 'virt-?sev' | grep -v '^un')" ] || fail "dpkg still knows of it"
  say "removed, purged: nothing is left"
}

# RPM's files in a root that has their libraries, by rpm2cpio: this is no Fedora, and says nothing of its dependency solver.
unpacked_rpms() {
  [ -d "$rpms" ] || return 0
  for rpm in "$rpms"/*.{x86_64,noarch}.rpm; do rpm2cpio "$rpm" | (cd "$root" && cpio --quiet -idm); done
  quietly ldconfig /usr/lib64
  [ "$(inside virt-sev --version)" = "virt-sev $version" ] || fail "rpm: virt-sev --version"
  quietly sh -c 'PYTHONPATH=$(echo /usr/lib/python3*/site-packages) python3 -c "import virtsev; virtsev.Config()"'
  local out status=0
  out=$(inside virt-sev-demo 2>&1 </dev/null) || status=$?
  [ $status = 0 ] || { tail -n 30 <<<"$out" >&2; fail "rpm: demo: $status"; }
  say "RPM: unpacked, and the demo runs from them"
}

for name in "$@"; do
  new_root
  dependencies
  mkdir -p "$root/etc/libvirt/hooks" "$root/check/tests"
  cp packaging/debian/tests/* "$root/check/tests/"
  listing >"$work/before"
  quietly sh -c 'apt-get install -y /check/old/*.deb'
  [ "$(inside sh -c 'ls /usr/share/virt-sev' | grep -c '^old-')" = 6 ] || fail "the older packages are not there"
  switches
  quietly sh -c 'apt-get install -y /check/new/*.deb'
  [ -z "$(find "$root/usr/share/virt-sev" -name 'old-*')" ] || fail "the upgrade left old files"
  [ -L "$root/etc/libvirt/hooks/qemu.d/virt-sev" ] || fail "the upgrade switched the hook off"
  say "upgraded from the build before, what was switched on stays on"
  installed
  demo
  removed
  [ "$name" != trixie ] || unpacked_rpms
  clean
  root=
done
echo "check-packages: everything passed"
