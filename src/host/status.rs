//! What the Secure Processor says of itself. In: the bytes that the kernel hands out. Out: [`PlatformStatus`],
//! [`SnpStatus`]. Never: a question to the device; that is [`Device`](super::Device)'s.
//!
//! Layouts: Linux `include/uapi/linux/psp-sev.h`, `struct sev_user_data_status` and
//! `struct sev_user_data_snp_status`; both packed, little-endian.

use super::facts::Fact;

/// A question to the Secure Processor that changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `SEV_PLATFORM_STATUS`.
    Platform,
    /// `SNP_PLATFORM_STATUS`.
    Snp,
}

impl Status {
    /// Its name in the kernel's header, and in a folder that stands for a host.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Platform => "SEV_PLATFORM_STATUS",
            Self::Snp => "SNP_PLATFORM_STATUS",
        }
    }

    /// Its number in `struct sev_issue_cmd`.
    #[must_use]
    pub const fn command(self) -> u32 {
        match self {
            Self::Platform => 1,
            Self::Snp => 9,
        }
    }

    /// How many bytes the answer has.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Platform => 12,
            Self::Snp => 32,
        }
    }
}

/// The answer to [`Status::Platform`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlatformStatus {
    /// The firmware's API version and build.
    pub api: (u32, u32, u32),
    /// 0 not initialised, 1 initialised, 2 with guests.
    pub state: u8,
    /// Flag 8: initialised for SEV-ES.
    pub es: bool,
    /// How many guests the firmware manages, of SEV and SEV-ES.
    pub guests: u32,
}

/// The answer to [`Status::Snp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnpStatus {
    /// The firmware's API version and build.
    pub api: (u32, u32, u32),
    /// 0 not initialised, 1 initialised.
    pub state: u8,
    /// The reverse map table is initialised.
    pub rmp: bool,
    /// How many guests of SEV-SNP the firmware manages.
    pub guests: u32,
    /// The versions of the trusted parts that run.
    pub current_tcb: u64,
    /// Those that attestation reports carry.
    pub reported_tcb: u64,
}

/// From the kernel's bytes.
pub(super) fn platform(bytes: &[u8]) -> Fact<PlatformStatus> {
    let Ok(&[major, minor, state, f0, f1, f2, f3, build, g0, g1, g2, g3]) = <&[u8; 12]>::try_from(bytes)
    else {
        return wrong(Status::Platform, bytes);
    };
    Fact::Known(PlatformStatus {
        api: (major.into(), minor.into(), build.into()),
        state,
        es: u32::from_le_bytes([f0, f1, f2, f3]) >> 8 & 1 == 1,
        guests: u32::from_le_bytes([g0, g1, g2, g3]),
    })
}

/// From the kernel's bytes.
pub(super) fn snp(bytes: &[u8]) -> Fact<SnpStatus> {
    let Some((head, numbers)) =
        bytes.split_first_chunk::<4>().filter(|_| bytes.len() == Status::Snp.length())
    else {
        return wrong(Status::Snp, bytes);
    };
    let words: Vec<u32> = numbers.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect();
    // Build, flags (masks, VLEK, features), guests; then two numbers of 64 bits.
    let (&[major, minor, state, rmp], &[build, _, guests, c0, c1, r0, r1]) = (head, words.as_slice()) else {
        return wrong(Status::Snp, bytes);
    };
    let wide = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    Fact::Known(SnpStatus {
        api: (major.into(), minor.into(), build),
        state,
        rmp: rmp & 1 == 1,
        guests,
        current_tcb: wide(c0, c1),
        reported_tcb: wide(r0, r1),
    })
}

fn wrong<T>(status: Status, bytes: &[u8]) -> Fact<T> {
    let (name, wanted) = (status.name(), status.length());
    Fact::Unreadable(format!("/dev/sev: {name} has {wanted} bytes, here are {}", bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Major, minor, state, flags (owner and ES), build, guests: in the header's order, without padding.
    const PLATFORM: [u8; 12] = [1, 55, 2, 0x00, 0x01, 0, 0, 32, 3, 0, 0, 0];
    const SNP: [u8; 32] = [
        1, 55, 1, 1, 32, 0, 0, 0, 0b1000, 0, 0, 0, 12, 0, 0, 0, //
        10, 0, 0, 0, 0, 0, 24, 84, 9, 0, 0, 0, 0, 0, 23, 84,
    ];

    #[test]
    fn each_field_stands_where_the_header_has_it() {
        let status = PlatformStatus { api: (1, 55, 32), state: 2, es: true, guests: 3 };
        assert_eq!(platform(&PLATFORM), Fact::Known(status));
        let mut without = PLATFORM;
        without[4] = 0;
        without[3] = 0xff;
        assert!(platform(&without).known().is_some_and(|s| !s.es));
        let found = snp(&SNP).known().copied().unwrap();
        assert_eq!((found.api, found.state, found.rmp, found.guests), ((1, 55, 32), 1, true, 12));
        assert_eq!((found.current_tcb, found.reported_tcb), (0x5418_0000_0000_000a, 0x5417_0000_0000_0009));
        let mut off = SNP;
        off[2..4].copy_from_slice(&[0, 0xfe]);
        assert!(snp(&off).known().is_some_and(|s| s.state == 0 && !s.rmp));
    }

    #[test]
    fn another_length_is_no_answer() {
        for length in [0, 3, 4, 11, 13, 31, 33] {
            let bytes = vec![1; length];
            assert!(matches!(platform(&bytes), Fact::Unreadable(_)), "{length}");
            assert!(matches!(snp(&bytes), Fact::Unreadable(_)), "{length}");
        }
        assert!(matches!(snp(&PLATFORM), Fact::Unreadable(why) if why.contains("32 bytes, here are 12")));
    }
}
