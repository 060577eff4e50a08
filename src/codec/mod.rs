//! Columns of numbers to bytes and back, knowing nothing of stores or metrics.
//!
//! A column of times ([`times`]) or of values ([`values`]) is cut into pages of [`PAGE_COUNT`] numbers that can be decoded on their
//! own. Each encoder looks at the numbers, estimates what the available layouts would cost and takes the smallest that
//! decodes fast enough. Everything is lossless. The layouts are drawn in `FORMAT.md` beside this file.
//!
//! Decoders take any bytes: what is not a well-formed column gives [`Malformed`], never a panic.
#![doc = include_str!("FORMAT.md")]

mod bitpack;
mod decimal;
mod ints;
pub mod sorted;
pub mod times;
pub mod values;

/// Numbers in a page, the smallest part of a column that can be decoded on its own (the last page may be shorter).
pub const PAGE_COUNT: usize = 4096;

/// The most numbers that one column may hold.
pub const COLUMN_COUNT_MAX: usize = 1 << 20;

/// Bytes that no encoder has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

/// CRC-32 (IEEE) of `parts` one after another.
///
/// ```
/// assert_eq!(perfdb::codec::crc32(&[b"1234", b"56789"]), 0xCBF4_3926);
/// ```
pub fn crc32(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// Reads little-endian fields from the front of a slice.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        if len > self.0.len() {
            return Err(Malformed("ends too early"));
        }
        let (head, tail) = self.0.split_at(len);
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed("ends too early"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// A LEB128 number of up to 64 bits.
    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed("a number of more than 64 bits"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed("a number of more than 64 bits"))
    }
}

/// Appends `value` as LEB128.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A signed number as an unsigned one, small where it is near zero.
pub(crate) fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

/// The number that [`zigzag`] took.
pub(crate) fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// Bytes that [`put_varint`] takes for a number of `bits` bits.
pub(crate) fn varint_len(bits: u32) -> usize {
    bits.div_ceil(7).max(1) as usize
}
