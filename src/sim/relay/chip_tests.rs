//! The chip's answers, without QEMU.

use super::*;
