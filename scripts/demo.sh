#!/bin/bash
# The main job, start to end, on a private libvirtd with the simulator. Run by `make demo`, and by virt-sev-demo of the
# packages, inside `sev-lab run`.
# In: VIRT_SEV_LAB_URI, VIRT_SEV_LAB_DIR, VIRT_SEV_LAB_FILES, VIRT_SEV_LAB_KVM. Out: a transcript. Leaves nothing behind.
set -euo pipefail
uri=$VIRT_SEV_LAB_URI
files=$VIRT_SEV_LAB_FILES
# Inside the lab, which removes it when the last process has ended: this script may end before a launch that it has begun.
work=$(mktemp -d -p "$VIRT_SEV_LAB_DIR")
trap 'rm -rf "$work"' EXIT
export XDG_STATE_HOME=$work/state # the registry of used sessions: a demo must not fill the user's own
export XDG_CACHE_HOME=$work/cache # virt-install's log
export LIBVIRT_DEFAULT_URI=$uri

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; else bold='' dim='' off=''; fi
exec 3>&1 # where commands are shown, even when their output goes to a file
step() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
note() { printf '%s# %s%s\n' "$dim" "$*" "$off"; }
short() { # standard input, without the folders that only this demo has
  sed "s|$work/||g; s|$files/||g; s|$VIRT_SEV_LAB_DIR/state/platform/||g; s|$VIRT_SEV_LAB_DIR/bin/||g; s|${uri//[|?]/.}|URI|g"
}
fit() { # standard input, long lines cut where the cut is seen
  sed -E "s/^(.{$1}).+/\\1.../"
}
show() { # a command as a person would type it, an option and its value on one line, then its output
  local word line='' shown='$' groups=()
  for word in "$@"; do
    case $word in *[!A-Za-z0-9_@%+=:,./-]*) [ "$word" = "$uri" ] || word="'$word'" ;; esac
    word=$(short <<<"$word")
    if [ ${#groups[@]} = 0 ] || [[ $word = -* ]]; then groups+=("$word"); else groups[-1]+=" $word"; fi
  done
  for word in "${groups[@]}"; do
    if [ -n "$line" ] && ((${#line} + ${#word} > 105)); then
      shown+="$line \\"$'\n   '
      line=''
    fi
    line+=" $word"
  done
  printf '%s\n' "$bold$shown$line$off" >&3
  "$@"
}

printf '%s%s: configuration keys in, an attested running guest out%s\n' "$bold" "$(virt-sev --version)" "$off"
note "libvirt $(virsh --version), QEMU $(qemu-system-x86_64 --version | sed -n '1s/.*version \([^ ]*\).*/\1/p'), both real. The chip is played by qemu-sev-sim:"
note "real keys, real certificates, real measurements, and no memory encryption. It protects nothing."

skip=(--skip mode-host)
virt=kvm
note "--skip mode-host: this machine's processor is not asked, for the simulator stands in for it."
if [ "$VIRT_SEV_LAB_KVM" != yes ]; then
  skip+=(--skip kvm)
  virt=qemu
  note "--skip kvm: the guest runs under TCG here, so that the demo needs no virtualisation."
fi
lock=()
if [ "$(ulimit -H -l)" != unlimited ]; then
  lock=(--set security.sev.memory.lock=none)
  note "security.sev.memory.lock=none: this machine allows $(ulimit -H -l) KiB of locked memory, and the simulator pins none."
fi

step "1. The guest owner, elsewhere: verify the platform's certificates, make keys for one launch"
note "The platform's chain came from the host; ask_ark.cert holds the simulator's own root, in the place of AMD's."
# Policy bit 1 on top of security.sev's own bit 0: no key sharing.
show virt-sev session --chain "$VIRT_SEV_LAB_DIR/state/platform/chain.cert" --ca "$VIRT_SEV_LAB_DIR/state/platform/ask_ark.cert" \
  --policy 0x3 -o "$work/owner" 2>&1 | short
printf 'the password of the root disk is: correct horse battery staple' >"$work/owner/disk.key"

step "2. The administrator: an instance in LXD's own form ..."
cat >"$work/instance.yaml" <<EOF
architecture: x86_64
config:
  image.os: Debian
  limits.memory: 512MiB
  security.sev: "true"
  security.sev.policy.noks: "true"
  security.sev.firmware: $files/OVMF.amdsev.fd
  security.sev.session.dh: $(cat "$work/owner/godh.b64")
  security.sev.session.data: $(cat "$work/owner/session.b64")
devices: {}
name: web1
type: virtual-machine
EOF
short <"$work/instance.yaml" | fit 76 | sed 's/^/  /'
note "policy.noks and firmware are not among LXD's own four keys. All keys: virt-sev keys"

step "3. ... and a domain as virt-install makes it"
area=$(virt-sev firmware inspect "$files/OVMF.amdsev.fd" --format json)
address=$(($(sed -n '/"secret"/,/}/s/.*"base": "\(.*\)".*/\1/p' <<<"$area")))
size=$(sed -n '/"secret"/,/}/s/.*"size": \([0-9]*\).*/\1/p' <<<"$area")
cmdline="console=ttyS0 quiet secret=$address,$size"
truncate -s 16M "$files/web1.img"
chmod 0666 "$files/web1.img"
note "secret=ADDRESS,SIZE tells the demo's tiny guest where the firmware keeps secrets (virt-sev firmware inspect)."
# Debian's own Python: another one in PATH does not have virt-install's modules.
virt-install() { /usr/bin/python3 "$(type -P virt-install)" "$@"; }
show virt-install --connect "$uri" --virt-type $virt --name web1 --memory 512 --vcpus 1 \
  --osinfo debian11 --machine q35 --disk "type=file,source.file=$files/web1.img,driver.type=raw,bus=virtio" --network user,model=virtio --graphics none \
  --serial "file,path=$files/web1.console" --rng /dev/urandom \
  --boot "kernel=$files/vmlinuz,initrd=$files/initrd.img,kernel_args=\"$cmdline\"" --print-xml --dry-run --check all=off >"$work/web1.xml"
note "$(wc -l <"$work/web1.xml") lines of XML, without SEV"

step "4. What virt-sev changes"
show virt-sev -q apply "$work/web1.xml" --config "$work/instance.yaml" "${lock[@]}" "${skip[@]}" --diff | short | fit 107 | sed '$ { /^ *$/d }'
note "Each hunk names its rule. --explain tells the reason of every edit; virt-sev lint finds the same in domains that exist."
show virt-sev explain option-rom

step "5. Launch: define, start paused, measure, verify, inject, and only then resume"
note "--insecure: the owner verifies on the hypervisor's own machine here, which proves nothing outside a demo."
# The owner's own copies of what is measured, under short names.
ln -s "$VIRT_SEV_FIRMWARE" "$work/owner/OVMF.amdsev.fd"
ln -s "$VIRT_SEV_KERNEL" "$work/owner/vmlinuz"
ln -s "$VIRT_SEV_INITRD" "$work/owner/initrd.img"
launch=(virt-sev launch -c "$uri" "$work/web1.xml" --config "$work/instance.yaml" "${lock[@]}" "${skip[@]}"
  --tik "$work/owner/tik.bin" --tek "$work/owner/tek.bin"
  --firmware "$work/owner/OVMF.amdsev.fd" --kernel "$work/owner/vmlinuz" --initrd "$work/owner/initrd.img" --cmdline "$cmdline"
  --inject-secret "luks-key:$work/owner/disk.key" --insecure)
show "${launch[@]}" 2>&1

step "6. The guest, on its own serial console"
for _ in $(seq 240); do # half seconds: under TCG, on a busy machine, a boot takes its time
  grep -q '^guest: up' "$files/web1.console" 2>/dev/null && break
  sleep 0.5
done
if ! tr -d '\r' <"$files/web1.console" | grep -a '^guest:'; then
  tail -c 2000 "$files/web1.console"
  echo "demo: the guest was launched and verified, but did not speak in two minutes." >&2
  echo "  With the QEMU 7.2 of Debian 12 itself it does not; with the one of bookworm-backports it does. On a busy machine run again." >&2
  exit 1
fi
tr -d '\r' <"$files/web1.console" | grep -aqF "guest: secret: $(cat "$work/owner/disk.key")" || { echo "the guest did not read the secret" >&2; exit 1; }
show virsh -q -c "$uri" domstate web1
show virsh -q -c "$uri" destroy web1

step "7. The same launch on a host that tampers with the firmware"
note "A session serves one launch, so the owner has made a fresh one, and the instance carries it."
virt-sev -q session --chain "$VIRT_SEV_LAB_DIR/state/platform/chain.cert" --ca "$VIRT_SEV_LAB_DIR/state/platform/ask_ark.cert" --policy 0x3 -o "$work/owner2" >/dev/null
sed -i "s|security.sev.session.dh: .*|security.sev.session.dh: $(cat "$work/owner2/godh.b64")|; s|security.sev.session.data: .*|security.sev.session.data: $(cat "$work/owner2/session.b64")|" "$work/instance.yaml"
mv "$work/owner2/tik.bin" "$work/owner2/tek.bin" "$work/owner/"
show sev-lab fault tampered-firmware
status=0
show "${launch[@]}" 2>&1 || status=$?
note "exit code $status"
[ "$status" = 1 ] || { echo "wanted exit code 1" >&2; exit 1; }
show virsh -q -c "$uri" domstate web1
[ "$(virsh -q -c "$uri" domstate web1)" = "shut off" ]

step "Done: an attested guest ran, and a tampered one did not."
