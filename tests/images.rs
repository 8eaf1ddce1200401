//! Every image of Debian's packages ovmf and ovmf-amdsev, held to a reader that works otherwise, and broken in every way.
//! Needs what `make setup` brings; without it these tests fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::fs;
use std::path::{Path, PathBuf};
use virt_sev::host::ovmf::inspect;
use virt_sev::image::{Area, ImageContents};

fn setup(name: &str) -> PathBuf {
    let path = std::env::var_os(name).map(PathBuf::from).filter(|p| p.exists());
    path.unwrap_or_else(|| {
        panic!("{name} is not set or names nothing: run `make check`, which does the set-up")
    })
}

/// Every image, by its name; links among them too.
fn images() -> Vec<(String, Vec<u8>)> {
    fn below(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, into);
            } else if path.extension().is_some_and(|x| x == "fd") {
                into.push(path);
            }
        }
    }
    let mut paths = vec![setup("VIRT_SEV_FIRMWARE")];
    below(&setup("VIRT_SEV_OVMF"), &mut paths);
    paths.sort();
    let name = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|p| (name(p), fs::read(p).unwrap())).collect()
}

/// An entry found by its GUID alone, wherever it stands in the last pages: its data are before its length.
fn searched<'a>(image: &'a [u8], guid: &str) -> Option<&'a [u8]> {
    let hex: String = guid.chars().filter(|c| *c != '-').collect();
    let mut bytes: Vec<u8> =
        (0..16).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
    // The first three fields are little-endian.
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    let tail = &image[image.len().saturating_sub(8192)..];
    let at = tail.windows(16).rposition(|w| w == bytes)?;
    let length = usize::from(u16::from_le_bytes(tail[at - 2..at].try_into().unwrap()));
    Some(&tail[at + 16 - length..at - 2])
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn every_real_image_holds_what_a_search_for_its_guids_finds() {
    let all = images();
    assert!(all.len() >= 10, "{} images", all.len());
    for (name, image) in &all {
        let found = inspect(image).unwrap_or_else(|e| panic!("{name}: {e}"));
        let area = |guid: &str| {
            let data = searched(image, guid)?;
            Some(Area { base: number(data, 0), size: number(data, 4) }).filter(|a| a.size > 0)
        };
        let reset = searched(image, "00f771de-1a7e-4fcb-890e-68c77e2fb44e").map(|d| number(d, 0));
        assert_eq!(found.es_reset_addr, reset, "{name}");
        assert_eq!(found.secret, area("4c2eb361-7d9b-4cc3-8081-127c90d3d294"), "{name}");
        assert_eq!(found.hashes, area("7255371f-3a3b-4b04-927b-1da6efa8d454"), "{name}");
        let metadata = searched(image, "dc886566-984a-4798-a75e-5585a7bf67cc").map(|data| {
            let at = image.len() - number(data, 0) as usize;
            assert_eq!(&image[at..at + 4], b"ASEV", "{name}");
            number(image, at + 12) as usize
        });
        assert_eq!(found.snp_sections.len(), metadata.unwrap_or(0), "{name}");

        // What is known of Debian's builds: code has the reset block, variables have nothing, only AmdSev takes a secret.
        let amdsev = name == "OVMF.amdsev.fd";
        if name.contains("_VARS") {
            assert_eq!(found, ImageContents::default(), "{name}");
        } else {
            assert!(found.es_reset_addr.is_some(), "{name}");
        }
        assert_eq!((found.secret.is_some(), found.hashes.is_some()), (amdsev, amdsev), "{name}");
    }
}

/// The whole of each table is overwritten byte by byte and cut at every place: an answer each time, and soon.
#[test]
fn no_broken_table_of_a_real_image_crashes_or_hangs() {
    let mut tables = 0;
    for (name, image) in images() {
        if name.contains("_VARS") {
            continue;
        }
        // As much as the metadata needs, too.
        let tail = &image[image.len() - 0x4000..];
        assert_eq!(inspect(tail).unwrap().es_reset_addr, inspect(&image).unwrap().es_reset_addr);
        let end = tail.len();
        for at in end - 400..end - 32 {
            for byte in [0, 1, 17, 18, 0x7f, 0xff] {
                let mut broken = tail.to_vec();
                broken[at] = byte;
                let _ = inspect(&broken);
            }
        }
        for cut in 0..400 {
            let _ = inspect(&tail[..end - cut]);
            let _ = inspect(&tail[end - cut..]);
        }
        tables += 1;
    }
    assert!(tables >= 4, "{tables} tables");
}
