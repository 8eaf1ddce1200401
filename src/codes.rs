//! The one table of error kinds: kind, number, exit code, name in C, what it means.
//! In: nothing. Out: [`Kind`] and its properties. Numbers are never reused.

/// What sort of trouble an [`crate::Error`] is; decides the exit code and the number in the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The answer is no: a measurement differs, a check fails, the host cannot do it.
    No,
    /// The command line or a call is not well formed.
    Usage,
    /// Something that only `--insecure` permits.
    Insecure,
    /// A configuration key or document is wrong.
    Config,
    /// A domain document is wrong, or cannot be made right.
    Domain,
    /// A firmware image or descriptor is wrong.
    Firmware,
    /// A certificate or a chain is wrong.
    Certificate,
    /// A session is wrong, or was used before.
    Session,
    /// A file cannot be read or written, or holds something else than it should.
    File,
    /// libvirt or QEMU refused, or cannot be reached.
    Hypervisor,
    /// The guest is not in the state that the step needs.
    State,
    /// No answer within the time allowed.
    Timeout,
    /// A fault of virt-sev itself.
    Bug,
    /// The caller asked to stop.
    Cancelled,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The kind.
    pub kind: Kind,
    /// The number that a C function returns. Negative, never reused.
    pub number: i32,
    /// The exit code of every command.
    pub exit: u8,
    /// The constant in `virtsev.h`.
    pub c_name: &'static str,
    /// What it means, in one line.
    pub text: &'static str,
}

/// The table. Exit codes are those of virt-qemu-sev-validate.
pub const CODES: &[Code] = &[
    row(Kind::No, -1, 1, "VIRTSEV_ERR_NO", "the answer is no"),
    row(Kind::Usage, -2, 2, "VIRTSEV_ERR_USAGE", "wrong usage"),
    row(Kind::Insecure, -3, 3, "VIRTSEV_ERR_INSECURE", "insecure usage refused"),
    row(Kind::Config, -4, 4, "VIRTSEV_ERR_CONFIG", "the configuration is wrong"),
    row(Kind::Domain, -5, 4, "VIRTSEV_ERR_DOMAIN", "the domain is wrong"),
    row(Kind::Firmware, -6, 4, "VIRTSEV_ERR_FIRMWARE", "the firmware is wrong"),
    row(Kind::Certificate, -7, 4, "VIRTSEV_ERR_CERTIFICATE", "a certificate is wrong"),
    row(Kind::Session, -8, 4, "VIRTSEV_ERR_SESSION", "the session is wrong or used"),
    row(Kind::File, -9, 4, "VIRTSEV_ERR_FILE", "a file is wrong or cannot be used"),
    row(Kind::Hypervisor, -10, 5, "VIRTSEV_ERR_HYPERVISOR", "the hypervisor refused"),
    row(Kind::State, -11, 5, "VIRTSEV_ERR_STATE", "the guest is in the wrong state"),
    row(Kind::Timeout, -12, 5, "VIRTSEV_ERR_TIMEOUT", "no answer in time"),
    row(Kind::Bug, -13, 6, "VIRTSEV_ERR_BUG", "a fault of virt-sev"),
    row(Kind::Cancelled, -14, 5, "VIRTSEV_ERR_CANCELLED", "cancelled by the caller"),
];

const fn row(kind: Kind, number: i32, exit: u8, c_name: &'static str, text: &'static str) -> Code {
    Code { kind, number, exit, c_name, text }
}

impl Kind {
    /// The row of this kind.
    #[must_use]
    pub fn code(self) -> Code {
        // The test below holds that every kind has its row, so the fallback is never taken.
        CODES.iter().copied().find(|c| c.kind == self).unwrap_or(CODES[Kind::Bug as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_and_name_stands_once() {
        for (i, a) in CODES.iter().enumerate() {
            assert_eq!(a.kind.code().number, a.number);
            assert!(a.number < 0 && (1..=6).contains(&a.exit));
            for b in &CODES[i + 1..] {
                assert!(a.number != b.number && a.c_name != b.c_name && a.kind != b.kind);
            }
        }
        assert_eq!(CODES.len(), Kind::Cancelled as usize + 1, "a kind has no row");
    }
}
