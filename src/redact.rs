//! Values that never show themselves. In: key material. Out: [`Secret`], which wipes itself when dropped.
//! Never: `Display`, `Serialize`, or a `Debug` that tells anything.

use std::fmt;
use zeroize::Zeroize;

/// Holds a secret: no `Display`, a `Debug` that prints `<redacted>`, wiped when dropped. It has a place of its own that it
/// never leaves: whoever moves an array moves a copy, and the stack keeps the original.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Box<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes the value in. An array that is secret already leaves a copy where it came from: give zeroes, and fill them.
    pub fn new(value: T) -> Self {
        Self(Box::new(value))
    }

    /// The value itself. Each call is a place to look at in a review.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, to fill it in place.
    pub fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let s = Secret::new(*b"0123456789abcdef");
        assert_eq!(format!("{s:?}"), "<redacted>");
        assert_eq!(s.expose(), b"0123456789abcdef");
    }
}
