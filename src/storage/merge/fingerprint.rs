//! Whether two chunks of different stores hold the same, told without reading them.

use super::holdings::Stored;
use crate::model::Series;
use crate::storage::header::Place;
use crc32fast::Hasher;

/// What a chunk holds: equal only where series, summary and the checksums of both columns are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint<'n> {
    series: &'n Series,
    span: (i64, i64),
    count: u32,
    summary: [u64; 5],
    values: (u32, u32),
    times: (u32, u32),
}

impl<'n> Fingerprint<'n> {
    /// Of a chunk of `series`.
    pub(super) fn of((key, header): &Stored, series: &'n Series) -> Self {
        let bytes = key.to_bytes();
        let bare = |place: Place, letter: &[u8]| (place.len, bare_crc(&[&bytes, letter], place));
        Self {
            series,
            span: (key.start, header.last),
            count: header.count,
            summary: [header.min, header.max, header.sum, header.first_value, header.last_value].map(f64::to_bits),
            values: bare(header.values, b"v"),
            times: bare(header.times, b"t"),
        }
    }
}

/// The checksum of a column alone, from that of `before` (its key and letter, which differ from store to store) and the column.
///
/// A CRC is linear: that of two parts is that of the first, moved on by the length of the second, plus that of the second.
fn bare_crc(before: &[&[u8]], place: Place) -> u32 {
    let mut moved = Hasher::new();
    for part in before {
        moved.update(part);
    }
    moved.combine(&Hasher::new_with_initial_len(0, place.len.into()));
    place.crc ^ moved.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::crc32;

    #[test]
    fn the_checksum_of_a_column_is_found_without_it() {
        for len in [0usize, 1, 7, 4096, 100_000] {
            let column: Vec<u8> = (0..len).map(|i| (i * 31 + len) as u8).collect();
            let place = Place { offset: 9, len: len as u32, crc: crc32(&[b"a key", b"v", &column]) };
            assert_eq!(bare_crc(&[b"a key", b"v"], place), crc32(&[&column]), "{len} bytes");
        }
    }
}
