//! Random devices: every kind that a rule looks at, and others. In: dice. Out: elements. Never: how they are written.

use super::dice::Dice;
use super::document::{El, el, text};

pub(super) fn devices(d: &mut Dice<'_>) -> El {
    let mut e = el("devices", "").maybe(d.once_in(2), || text("emulator", "", "/usr/bin/qemu-system-x86_64"));
    for n in 0..d.below(8) {
        e = e.with(device(d, n));
    }
    if d.once_in(96) {
        // More of them than there are dice: a small generator of its own throws on.
        let (count, seed) = (100 + d.below(200), d.below(256) as u64 + 1);
        let bytes: Vec<u8> = std::iter::successors(Some(seed), |x| {
            Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1))
        })
        .map(|x| x.to_be_bytes()[0])
        .take(count * 12)
        .collect();
        let mut more = Dice::new(&bytes);
        for n in 8..8 + count {
            e = e.with(device(&mut more, n));
        }
    }
    let model = d.pick(&["virtio", "none", "virtio-transitional"]);
    let gives_back =
        d.pick(&["", "autodeflate=on freePageReporting=on", "freePageReporting=on", "autodeflate=off"]);
    e = e.maybe(d.once_in(2), || el("memballoon", &format!("model={model} {gives_back}")));
    e.maybe(d.once_in(4), || el("vsock", "model=virtio").with(el("cid", "auto=yes")))
}

fn device(d: &mut Dice<'_>, n: usize) -> El {
    let driver = |d: &mut Dice<'_>| d.pick(&["iommu=on", "iommu=off", "packed=on", "ats=on iommu=on"]);
    match d.below(30) {
        0 | 1 => {
            let bus = d.pick(&["virtio", "virtio", "scsi", "sata"]);
            let dev = format!("{}{}", if bus == "virtio" { "vd" } else { "sd" }, letters(n));
            let options =
                d.pick(&["name=qemu type=qcow2", "name=qemu type=raw cache=none", "iommu=off", "iommu=on"]);
            let options = if bus == "virtio" { options } else { "name=qemu" };
            el("disk", "type=file device=disk")
                .maybe(d.once_in(2), || el("driver", options))
                .with(el("source", &format!("file=/var/lib/{n}&.img")))
                .with(el("target", &format!("dev={dev} bus={bus}")))
                .maybe(d.once_in(4), || el("boot", &format!("order={}", n + 1)))
        }
        2 | 3 => {
            let model = d.pick(&["virtio", "e1000e", "virtio-transitional", "virtio-non-transitional"]);
            let rom = d.pick(&["enabled=no", "bar=on", "file=/etc/a.rom", "enabled=yes"]);
            let options = driver(d);
            el("interface", "type=network")
                .maybe(d.once_in(2), || {
                    el("mac", &format!("address=52:54:00:00:{:02x}:{:02x}", n / 256, n % 256))
                })
                .with(el("source", "network=default"))
                .maybe(!d.once_in(4), || el("model", &format!("type={model}")))
                .maybe(d.once_in(3), || el("driver", options))
                .maybe(d.once_in(24), || el("boot", &format!("order={}", n + 20)))
                .maybe(d.once_in(3), || el("rom", rom))
        }
        4 => {
            let kind =
                d.pick(&["type=scsi model=virtio-scsi", "type=virtio-serial", "type=usb model=qemu-xhci"]);
            let options = driver(d);
            el("controller", &format!("{kind} index={n}"))
                .maybe(d.once_in(3) && !kind.contains("usb"), || el("driver", options))
        }
        5 => {
            let options = driver(d);
            el("rng", "model=virtio")
                .with(text("backend", "model=random", "/dev/urandom"))
                .maybe(d.once_in(3), || el("driver", options))
        }
        6 => el("input", d.pick(&["type=tablet bus=usb", "type=keyboard bus=virtio", "type=mouse bus=ps2"])),
        7 => {
            let model = d.pick(&["virtio", "vga", "qxl"]);
            el("video", "").with(el("model", &format!("type={model}")))
        }
        8 => el("crypto", "model=virtio type=qemu").with(el("backend", "model=builtin queues=1")),
        9 => el("sound", d.pick(&["model=virtio", "model=ich9"])),
        10 => el("filesystem", "type=mount accessmode=passthrough")
            .with(el("source", "dir=/srv"))
            .with(el("target", &format!("dir=share{n}"))),
        11 => {
            let number = d.pick(&["0", "1"]);
            el("channel", "type=unix").with(el("target", &format!("type=virtio name=org.{n}"))).maybe(
                d.once_in(2),
                || {
                    el(
                        "address",
                        &format!("type=virtio-serial controller={number} bus=0 port={}", n % 31 + 1),
                    )
                },
            )
        }
        12 => el("hostdev", "mode=subsystem type=pci managed=yes")
            .with(el("source", "").with(el("address", "domain=0x0000 bus=0x01 slot=0x00 function=0x0"))),
        13 => el("hostdev", "mode=subsystem type=mdev model=vfio-pci")
            .with(el("source", "").with(el("address", "uuid=6d1c1e2c-7a0e-4b5e-9c59-3a3f0c1b7d12"))),
        14 => {
            let kind = d.pick(&["vhostuser", "hostdev"]);
            let source = match kind {
                "vhostuser" => el("source", "type=unix path=/run/a.sock mode=client"),
                _ => {
                    el("source", "").with(el("address", "type=pci domain=0x0 bus=0x1 slot=0x10 function=0x0"))
                }
            };
            el("interface", &format!("type={kind}")).with(source).with(el("model", "type=virtio"))
        }
        15 => el("filesystem", "type=mount accessmode=passthrough")
            .with(el("driver", "type=virtiofs"))
            .with(el("source", "dir=/srv"))
            .with(el("target", &format!("dir=fast{n}"))),
        16 => {
            let (device, dev) = d.pick(&[("disk", "hd"), ("cdrom", "hd"), ("floppy", "fd")]);
            let letter = letters(n);
            el("disk", &format!("type=file device={device}"))
                .with(el("source", &format!("file=/old{n}.img")))
                .with(el("target", &format!("dev={dev}{letter}")))
                .maybe(d.once_in(4), || el("boot", &format!("order={}", n + 10)))
        }
        17 => el("redirdev", "bus=usb type=spicevmc"),
        18 => el("watchdog", d.pick(&["model=i6300esb action=reset", "model=itco action=none"])),
        19 => el("tpm", "model=tpm-crb")
            .with(el("backend", "type=passthrough").with(el("device", "path=/dev/tpm0"))),
        20 => el("shmem", &format!("name=shm{n}"))
            .with(el("model", "type=ivshmem-plain"))
            .with(text("size", "unit=M", "32")),
        // The schema takes one.
        21 if n == 3 => el("iommu", d.pick(&["model=intel", "model=virtio"])),
        22 => el("panic", "model=isa"),
        23 => el(
            "hostdev",
            d.pick(&["mode=subsystem type=scsi_host", "type=scsi_host model=virtio-transitional"]),
        )
        .with(el("source", "protocol=vhost wwpn=naa.5123456789abcde0")),
        24 => el("hostdev", "type=pci managed=no")
            .with(el("source", "").with(el("address", "domain=0x0000 bus=0x02 slot=0x00 function=0x0")))
            .maybe(d.once_in(2), || el("rom", "bar=off file=/gpu.rom")),
        25 => el("hostdev", "mode=subsystem type=usb")
            .with(el("source", "").with(el("vendor", "id=0x1234")).with(el("product", "id=0xbeef"))),
        26 => el(
            "input",
            d.pick(&["type=passthrough bus=virtio", "type=passthrough bus=virtio model=virtio-transitional"]),
        )
        .with(el("source", "evdev=/dev/input/event0")),
        27 => el("memory", "model=virtio-mem").with(
            el("target", "")
                .with(text("size", "unit=MiB", "128"))
                .with(text("block", "unit=MiB", "2"))
                .with(text("requested", "unit=MiB", "128")),
        ),
        28 => el("disk", "type=nvme device=disk")
            .with(
                el("source", "type=pci managed=yes namespace=1")
                    .with(el("address", "domain=0x0000 bus=0x03 slot=0x00 function=0x0")),
            )
            .with(el("target", &format!("dev=vd{} bus=virtio", letters(n)))),
        _ => el("serial", "type=pty").with(el("target", "port=0")),
    }
}

/// A disk's name behind its two letters: a, b, … z, aa, …
fn letters(n: usize) -> String {
    let last = char::from(b'a' + u8::try_from(n % 26).unwrap());
    if n < 26 { last.into() } else { format!("{}{last}", letters(n / 26 - 1)) }
}
