//! The SNP guest policy. In: its number. Out: its parts by their names. Never: a judgement.
//!
//! AMD SEV-SNP ABI (56860), section 4.3. The names are those of the keys `security.sev.snp.policy.*`.

use std::fmt;

/// A guest policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GuestPolicy(pub u64);

/// One bit: its number, its name, and what it says where it is set and where it is not.
struct Bit(u32, &'static str, &'static str, &'static str);

const BITS: &[Bit] = &[
    Bit(16, "smt", "allowed", "not allowed"),
    Bit(17, "reserved_one", "set", "not set"),
    Bit(18, "migrate_ma", "allowed", "not allowed"),
    Bit(19, "debug", "allowed", "not allowed"),
    Bit(20, "single_socket", "required", "not required"),
    Bit(21, "cxl", "allowed", "not allowed"),
    Bit(22, "aes256xts", "required", "not required"),
    Bit(23, "rapl_disabled", "required", "not required"),
    Bit(24, "ciphertext_hiding", "required", "not required"),
    Bit(25, "page_swap_disabled", "required", "not required"),
];

impl GuestPolicy {
    /// Host threads may share a core.
    pub const SMT: u64 = 1 << 16;
    /// Must be one.
    pub const ONE: u64 = 1 << 17;
    /// A migration agent may be bound to the guest.
    pub const MIGRATE_MA: u64 = 1 << 18;
    /// The host may read and write the guest's memory in the clear.
    pub const DEBUG: u64 = 1 << 19;
    /// The running average power limit must be off.
    pub const RAPL_DISABLED: u64 = 1 << 23;
    /// Ciphertext hiding must be on.
    pub const CIPHERTEXT_HIDING: u64 = 1 << 24;
    /// Must be zero.
    pub const RESERVED: u64 = !((1 << 26) - 1);

    /// True where any of these bits is set.
    #[must_use]
    pub fn has(self, bits: u64) -> bool {
        self.0 & bits != 0
    }

    /// The lowest firmware API version, major and minor.
    #[must_use]
    pub fn min_abi(self) -> (u8, u8) {
        let [minor, major, ..] = self.0.to_le_bytes();
        (major, minor)
    }

    /// The bits by their names, for showing them.
    pub fn bits(self) -> impl Iterator<Item = (&'static str, bool)> {
        BITS.iter().filter(|b| b.0 != 17).map(move |b| (b.1, self.has(1 << b.0)))
    }

    /// Where this policy is another than the one that is wanted: one text a difference.
    #[must_use]
    pub fn differences(self, wanted: Self) -> Vec<String> {
        let mut out = Vec::new();
        let say = |policy: Self, bit: &Bit| if policy.has(1 << bit.0) { bit.2 } else { bit.3 };
        for bit in BITS.iter().filter(|b| self.has(1 << b.0) != wanted.has(1 << b.0)) {
            out.push(format!("{} is {}, wanted {}", bit.1, say(self, bit), say(wanted, bit)));
        }
        let (found, want) = (self.min_abi(), wanted.min_abi());
        if found != want {
            out.push(format!("min_abi is {}.{}, wanted {}.{}", found.0, found.1, want.0, want.1));
        }
        let (found, want) = (self.0 & Self::RESERVED, wanted.0 & Self::RESERVED);
        if found != want {
            out.push(format!("the reserved bits are {found:#x}, wanted {want:#x}"));
        }
        out
    }
}

impl fmt::Display for GuestPolicy {
    /// As libvirt writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_that_differs_is_named() {
        let usual = GuestPolicy(0x3_0000);
        assert!(usual.differences(usual).is_empty());
        for bit in 0..64 {
            let other = GuestPolicy(usual.0 ^ 1 << bit);
            assert_eq!(other.differences(usual).len(), 1, "bit {bit}");
        }
        assert_eq!(
            GuestPolicy(0xb_0137).differences(GuestPolicy(0x2_0100)),
            [
                "smt is allowed, wanted not allowed",
                "debug is allowed, wanted not allowed",
                "min_abi is 1.55, wanted 1.0"
            ]
        );
    }
}
