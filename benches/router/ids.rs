//! The message ids of the benchmark: each stands for the number of its event, and looks as scattered as a random UUID.
//!
//! Separate because the sender writes them and the receiver reads them. Ids in order would flatter every index that has
//! them as its key, so the numbers are multiplied, which can be undone and never gives one id twice.

/// What stands before the number of an event in every body.
pub(crate) const BEFORE: &[u8] = br#""messageId":"b6d1c0de-0000-4000-8000-"#;
/// An id with its number still to be written.
pub(crate) const BLANK: &str = "b6d1c0de-0000-4000-8000-000000000000";
/// Hexadecimal digits of the number.
pub(crate) const DIGITS: usize = 12;

const MASK: u64 = (1 << 48) - 1;
/// 2⁴⁸ divided by the golden ratio: neighbours are as far apart as can be.
const FACTOR: u64 = 0x9E37_79B9_7F4B;
const INVERSE: u64 = inverse(FACTOR);

/// Writes the digits of an event's number.
pub(crate) fn write(number: usize, digits: &mut [u8]) {
    let mut id = (number as u64).wrapping_mul(FACTOR) & MASK;
    for digit in digits.iter_mut().rev() {
        let value = (id & 15) as u8;
        *digit = if value < 10 { b'0' + value } else { b'a' + value - 10 };
        id >>= 4;
    }
}

/// Reads an event's number back; `None` when these are no such digits.
pub(crate) fn read(digits: &[u8]) -> Option<usize> {
    let id = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    usize::try_from(id.wrapping_mul(INVERSE) & MASK).ok()
}

/// Returns what an odd number must be multiplied with to give 1 in 64 bits, by Newton's method.
const fn inverse(odd: u64) -> u64 {
    let (mut inverse, mut round) = (odd, 0);
    while round < 6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}
