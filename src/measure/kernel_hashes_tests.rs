use super::*;
use std::io::{self, Cursor};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

// Oracle: Python's hashlib and struct, over the same three inputs.
#[test]
fn the_table_is_byte_for_byte_the_known_one() {
    let t =
        KernelHashes::read(&mut &b"kernel"[..], Some(&mut &b"initrd"[..]), Some(b"console=ttyS0")).unwrap();
    assert_eq!(hex(&t.table()), include_str!("testdata/kernel_table.hex").trim());
}

#[test]
fn no_command_line_is_an_empty_one_and_no_initrd_is_the_hash_of_nothing() {
    let a = KernelHashes::read(&mut &b"k"[..], None, None).unwrap();
    let b = KernelHashes::read(&mut &b"k"[..], Some(&mut io::empty()), Some(b"")).unwrap();
    assert_eq!(a, b);
    // SHA-256 of nothing, and of one NUL.
    assert_eq!(hex(&a.initrd), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(hex(&a.cmdline), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

#[test]
fn blanks_around_the_command_line_count() {
    let of = |c: &[u8]| KernelHashes::read(&mut &b"k"[..], None, Some(c)).unwrap();
    assert_ne!(of(b" console=ttyS0 "), of(b"console=ttyS0"));
    assert_ne!(of(b"console=ttyS0\n"), of(b"console=ttyS0"));
}

#[test]
fn a_stream_that_breaks_is_an_error_that_names_it() {
    struct Broken;
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk on fire"))
        }
    }
    let e = KernelHashes::read(&mut &b"k"[..], Some(&mut Broken), None).unwrap_err();
    assert_eq!(e.to_string(), "cannot read the initrd: disk on fire");
}

#[test]
fn interrupted_and_short_reads_do_not_change_the_hash() {
    struct Slow(Cursor<Vec<u8>>, bool);
    impl io::Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            self.0.read(&mut into[..7])
        }
    }
    let data = vec![0x5a; 1000];
    let a = KernelHashes::read(&mut Slow(Cursor::new(data.clone()), false), None, None).unwrap();
    assert_eq!(a, KernelHashes::read(&mut &data[..], None, None).unwrap());
}

// Who collects a stream asks for larger and larger pieces of it.
#[test]
fn memory_does_not_grow_with_the_initrd() {
    struct Large {
        left: u64,
        largest_request: usize,
    }
    impl io::Read for Large {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.largest_request = self.largest_request.max(into.len());
            let n = into.len().min(usize::try_from(self.left).unwrap());
            into[..n].fill(0);
            self.left -= n as u64;
            Ok(n)
        }
    }
    let mut initrd = Large { left: 64 << 20, largest_request: 0 };
    let t = KernelHashes::read(&mut &b"k"[..], Some(&mut initrd), None).unwrap();
    assert_eq!(initrd.left, 0);
    assert!(initrd.largest_request <= 1 << 20, "{}", initrd.largest_request);
    // sha256sum of 64 MiB of zeroes.
    assert_eq!(hex(&t.initrd), include_str!("testdata/zeroes_64m.hex").trim());
}
