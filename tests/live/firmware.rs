//! `firmware list` over descriptors and real images: what is there counts, not what is claimed.

use crate::cases;
use crate::lab::{assert_code, err, program, setup};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A host with milan's descriptors, and a real image behind one of them.
fn host(image: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let from = cases::tests().join("roots/milan");
    for folder in ["usr/share/qemu/firmware", "etc/qemu/firmware"] {
        std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        for file in std::fs::read_dir(from.join(folder)).unwrap() {
            let file: PathBuf = file.unwrap().path();
            std::fs::copy(&file, dir.path().join(folder).join(file.file_name().unwrap())).unwrap();
        }
    }
    std::fs::create_dir_all(dir.path().join("usr/share/ovmf")).unwrap();
    std::fs::write(dir.path().join("usr/share/ovmf/OVMF.amdsev.fd"), image).unwrap();
    dir
}

fn list(root: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(program("virt-sev"));
    command.args(["firmware", "list", "--host-root"]).arg(root).args(more).output().unwrap()
}

#[test]
fn a_real_image_serves_what_it_holds_and_has_the_digest_that_sha256sum_gives() {
    let image = setup("VIRT_SEV_FIRMWARE");
    let root = host(&std::fs::read(&image).unwrap());
    let out = list(root.path(), &[]);
    assert_code(&out, 0);
    let text = String::from_utf8(out.stdout.clone()).unwrap();
    let sum = Command::new("sha256sum").arg(&image).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap().split(' ').next().unwrap().to_owned();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(
        rows[0],
        [
            "/usr/share/ovmf/OVMF.amdsev.fd",
            "memory",
            "sev,sev-es,sev-snp",
            "es-reset,snp-metadata,secret,kernel-hashes",
            "sev,sev-es,sev-snp",
            &sum
        ]
    );
    assert_eq!(rows[1][..3], ["/usr/share/OVMF/OVMF_CODE_4M.fd", "flash", "sev"]);
    assert_eq!(rows.len(), 2, "what an empty file in /etc hides, and other targets, are not listed: {text}");
    assert!(err(&out).contains("claims sev, but its image is not there"), "{}", err(&out));

    let out = list(root.path(), &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(json["schema"], "virt-sev/firmware-list/1");
    assert_eq!(json["images"][0]["sha256"], sum);
    assert_eq!(json["images"][0]["bytes"], std::fs::metadata(&image).unwrap().len());
    assert_eq!(json["images"][1]["because"], "the image is not there");
}

#[test]
fn a_broken_image_is_told_and_serves_nothing_that_is_known() {
    let mut image = std::fs::read(setup("VIRT_SEV_FIRMWARE")).unwrap();
    // The footer's length, which is that of the whole table: longer than the image.
    let length = image.len() - 32 - 18;
    image[length..length + 2].copy_from_slice(&[0xff, 0xff]);
    image.drain(..image.len() - 4096);
    let root = host(&image);
    let out = list(root.path(), &[]);
    assert_code(&out, 0);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let row: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!((row[3], row[4]), ("(unreadable)", "?"), "{text}");
    assert!(
        err(&out).contains("60-edk2-x86_64-amdsev.json: /usr/share/ovmf/OVMF.amdsev.fd: "),
        "{}",
        err(&out)
    );
}

#[test]
fn another_hosts_images_are_not_looked_for_here() {
    let out = Command::new(program("virt-sev"))
        .args(["firmware", "list", "-c", "qemu+ssh://elsewhere/system"])
        .output()
        .unwrap();
    assert_code(&out, 2);
    assert!(err(&out).contains("Run it on that host"), "{}", err(&out));
}

/// Debian's ordinary package: it claims less than its images hold for SEV-ES, and they take no secret.
#[test]
fn every_image_of_debians_package_is_listed_and_inspected() {
    let root = setup("VIRT_SEV_OVMF");
    let out = list(&root, &["--format", "json"]);
    assert_code(&out, 0);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let listed = json["images"].as_array().unwrap();
    assert_eq!(listed.len(), std::fs::read_dir(root.join("usr/share/qemu/firmware")).unwrap().count());
    for image in listed {
        assert!(image["holds"].as_array().unwrap().contains(&"es-reset".into()), "{image}");
        assert!(!image["holds"].as_array().unwrap().contains(&"secret".into()), "{image}");
        assert_eq!(image["sha256"].as_str().unwrap().len(), 64, "{image}");
    }
    let mut seen = 0;
    for folder in ["usr/share/OVMF", "usr/share/ovmf"] {
        for file in std::fs::read_dir(root.join(folder)).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|x| x == "fd") {
                let mut command = Command::new(program("virt-sev"));
                assert_code(&command.args(["firmware", "inspect"]).arg(&file).output().unwrap(), 0);
                seen += 1;
            }
        }
    }
    assert!(seen >= 8, "{seen} images");
}
