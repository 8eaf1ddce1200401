//! Keys and secrets leave memory. Looks for them in everything that this process can write to: heap, stacks, statics.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use virt_sev::inject::bundle::bundle;
use virt_sev::inject::packet;
use virt_sev::inject::table::{SecretTable, read_secret};
use virt_sev::session::cert::{Cert, Usage};
use virt_sev::session::create::create;
use virt_sev::session::keys::{read_both, read_key};
use virt_sev::snp::key::PrivateKey;

/// Bytes that stand nowhere in memory but where a test puts them: kept inverted.
#[derive(Clone, Copy)]
struct Marker([u8; 16]);

impl Marker {
    fn new() -> Self {
        let mut bytes = [0; 16];
        File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
        Self(bytes)
    }

    /// Of what stands somewhere already.
    fn of(bytes: &[u8; 16]) -> Self {
        let mut inverted = [0; 16];
        for (to, from) in inverted.iter_mut().zip(bytes) {
            *to = !from;
        }
        Self(inverted)
    }

    /// Writes the marker itself to a file, and leaves no copy.
    fn write_to(self, path: &Path, times: usize) {
        let file = File::create(path).unwrap();
        for n in 0..times * 16 {
            file.write_all_at(&[!self.0[n % 16]], n as u64).unwrap();
        }
    }

    /// Where it stands in memory now.
    fn places(self) -> Vec<String> {
        const PIECE: usize = 64 * 1024;
        let mut piece = vec![0u8; PIECE + 15];
        let own = piece.as_ptr() as usize..piece.as_ptr() as usize + piece.len();
        let memory = File::open("/proc/self/mem").unwrap();
        let mut found = Vec::new();
        for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
            let mut words = line.split_whitespace();
            let (range, rights) = (words.next().unwrap(), words.next().unwrap());
            if !rights.starts_with("rw") {
                continue;
            }
            let (start, end) = range.split_once('-').unwrap();
            let address = |hex: &str| u64::from_str_radix(hex, 16).unwrap();
            for at in (address(start)..address(end)).step_by(PIECE) {
                let Ok(read) = memory.read_at(&mut piece, at) else { continue };
                let read = read.min(usize::try_from(address(end) - at).unwrap());
                for n in 0..read.saturating_sub(15) {
                    let here = usize::try_from(at).unwrap() + n;
                    if !own.contains(&here) && (0..16).all(|i| piece[n + i] == !self.0[i]) {
                        found.push(format!("{here:#x} in {line}"));
                    }
                }
            }
            piece.fill(0);
        }
        found
    }
}

/// Runs a step that holds the marker in the middle: there it must be seen, afterwards not.
fn leaves_nothing(step: impl FnOnce(&Path, &mut dyn FnMut()), times: usize) {
    let marker = Marker::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    marker.write_to(&path, times);
    assert_eq!(marker.places(), [] as [String; 0], "the test itself leaves the marker in memory");
    let mut seen = 0;
    step(&path, &mut || seen = marker.places().len());
    assert!(seen > 0, "the marker was never in memory: the test looks at nothing");
    assert_eq!(marker.places(), [] as [String; 0]);
}

#[test]
fn a_key() {
    leaves_nothing(
        |path, look| {
            let key = read_key("TIK", &mut File::open(path).unwrap()).unwrap();
            look();
            black_box(&key);
        },
        1,
    );
}

#[test]
fn both_keys_and_the_packets_made_with_them() {
    leaves_nothing(
        |path, look| {
            let keys = read_both(&mut File::open(path).unwrap()).unwrap();
            let mut table = SecretTable::new();
            let guid = "736869e5-84f0-4973-92ec-06879ce3da0b".parse().unwrap();
            table.add(guid, read_secret(&mut File::open(path).unwrap()).unwrap()).unwrap();
            let bytes = table.to_bytes(None).unwrap();
            let packet = packet::build(&keys.tik, &keys.tek, &[7; 32], &bytes).unwrap();
            look();
            black_box(&packet);
        },
        2,
    );
}

#[test]
fn a_bundle() {
    leaves_nothing(
        |path, look| {
            let keys = vec![("key".to_owned(), read_secret(&mut File::open(path).unwrap()).unwrap())];
            let bundle = bundle(&keys).unwrap();
            look();
            black_box(&bundle);
        },
        40,
    );
}

#[test]
fn a_new_session() {
    let platform = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/session/testdata/rome-platform.bin");
    let pdh = Cert::parse(Usage::Pdh, &fs::read(platform).unwrap()[..2084]).unwrap();
    let session = create(&pdh, 1).unwrap();
    let dir = tempfile::tempdir().unwrap();
    session.write(dir.path(), None).unwrap();
    let markers = [&session.keys.tek, &session.keys.tik].map(|key| Marker::of(key.expose()));
    assert!(markers.iter().all(|m| !m.places().is_empty()), "the keys were never in memory");
    drop(session);
    for marker in markers {
        assert_eq!(marker.places(), [] as [String; 0]);
    }
}

/// Looks for the marker when all has been read.
struct Watched(File, Marker, usize);

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let size = self.0.read(into)?;
        if size == 0 {
            self.2 = self.1.places().len();
        }
        Ok(size)
    }
}

/// The key's text, and its number in either byte order. Where it signs it stands in another form (Montgomery's).
#[test]
fn an_id_key() {
    let dir = tempfile::tempdir().unwrap();
    let openssl = |args: &[&str]| {
        let done = Command::new("openssl").args(args).current_dir(dir.path()).status().unwrap();
        assert!(done.success(), "openssl {args:?}");
    };
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", "id.pem"]);
    openssl(&["pkey", "-in", "id.pem", "-outform", "DER", "-out", "id.der"]);
    let piece = |name: &str, at: u64| {
        let mut bytes = [0; 16];
        File::open(dir.path().join(name)).unwrap().read_exact_at(&mut bytes, at).unwrap();
        let marker = Marker::of(&bytes);
        bytes.fill(0);
        black_box(&bytes);
        marker
    };
    // In PKCS#8 the number stands behind 35 bytes; in the text the second line holds most of it.
    let (text, number) = (piece("id.pem", 100), piece("id.der", 40));
    let mut reversed = number;
    reversed.0.reverse();
    let markers = [text, number, reversed];
    for marker in markers {
        assert_eq!(marker.places(), [] as [String; 0], "the test itself leaves the marker in memory");
    }
    let mut file = Watched(File::open(dir.path().join("id.pem")).unwrap(), text, 0);
    let key = PrivateKey::read("ID key", &mut file).unwrap();
    black_box(key.sign(b"message"));
    assert!(file.2 > 0, "the key was never in memory");
    drop(key);
    for (marker, what) in markers.into_iter().zip(["text", "number", "number, reversed"]) {
        assert_eq!(marker.places(), [] as [String; 0], "{what}");
    }
}
