//! The header of a chunk: what is in it, a summary that answers covered queries, and where its columns lie.

use super::schema::ChunkKey;
use crate::codec::crc32;
use crate::error::{Error, Result};

/// Bytes of a header: see `FORMAT.md`.
pub(super) const HEADER_LEN: usize = 100;

const HEADER_VERSION: u32 = 1;

/// Where a column lies within its extent, and its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) offset: u32,
    pub(super) len: u32,
    /// CRC-32 over the chunk's key, the column's letter (`v` or `t`) and the column.
    pub(super) crc: u32,
}

/// What is known of a chunk without reading its columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Header {
    /// Samples in the chunk, 1 and more.
    pub(crate) count: u32,
    /// Time of the last sample, ns.
    pub(crate) last: i64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) sum: f64,
    pub(crate) first_value: f64,
    pub(crate) last_value: f64,
    /// The ingest that the chunk belongs to, 0 for none.
    pub(super) batch: u64,
    /// The extent that holds the columns.
    pub(super) extent: u64,
    pub(super) values: Place,
    pub(super) times: Place,
}

impl Header {
    pub(super) fn to_bytes(self, key: &[u8; ChunkKey::LEN]) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&HEADER_VERSION.to_le_bytes());
        put(&self.count.to_le_bytes());
        put(&self.last.to_le_bytes());
        for value in [self.min, self.max, self.sum, self.first_value, self.last_value] {
            put(&value.to_le_bytes());
        }
        put(&self.batch.to_le_bytes());
        put(&self.extent.to_le_bytes());
        for place in [self.values, self.times] {
            put(&place.offset.to_le_bytes());
            put(&place.len.to_le_bytes());
            put(&place.crc.to_le_bytes());
        }
        let used = at;
        let crc = crc32(&[key, &out[..used]]);
        out[HEADER_LEN - 4..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub(super) fn from_bytes(key: &[u8; ChunkKey::LEN], bytes: &[u8; HEADER_LEN]) -> Result<Self> {
        let damaged = |why: &str| {
            let key = ChunkKey::from_bytes(key);
            Error::corrupt(format!(
                "the header of a chunk of series {} (metric {}, day {}): {why}",
                key.series, key.metric, key.day
            ))
        };
        let (body, crc) = bytes.split_at(HEADER_LEN - 4);
        if crc32(&[key, &body[..FIELDS_LEN]]).to_le_bytes() != crc {
            return Err(damaged("its checksum differs"));
        }
        let mut reader = crate::codec::Reader(body);
        let mut read = || -> std::result::Result<(u32, Self), crate::codec::Malformed> {
            let version = reader.u32()?;
            let header = Self {
                count: reader.u32()?,
                last: reader.i64()?,
                min: f64::from_bits(reader.i64()? as u64),
                max: f64::from_bits(reader.i64()? as u64),
                sum: f64::from_bits(reader.i64()? as u64),
                first_value: f64::from_bits(reader.i64()? as u64),
                last_value: f64::from_bits(reader.i64()? as u64),
                batch: reader.i64()? as u64,
                extent: reader.i64()? as u64,
                values: Place { offset: reader.u32()?, len: reader.u32()?, crc: reader.u32()? },
                times: Place { offset: reader.u32()?, len: reader.u32()?, crc: reader.u32()? },
            };
            Ok((version, header))
        };
        let (version, header) = read().map_err(|e| damaged(e.0))?;
        if version != HEADER_VERSION {
            return Err(damaged("an unknown version"));
        }
        Ok(header)
    }
}

/// Bytes of the fields before the checksum.
const FIELDS_LEN: usize = 4 + 4 + 8 + 5 * 8 + 2 * 8 + 2 * 12;

const _: () = assert!(FIELDS_LEN + 4 <= HEADER_LEN);

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (ChunkKey, Header) {
        let key = ChunkKey { metric: 1, day: 2, series: 3, start: 4, seq: 5 };
        let header = Header {
            count: 7,
            last: 99,
            min: -1.5,
            max: 8.25,
            sum: 20.0,
            first_value: 1.0,
            last_value: 2.0,
            batch: 11,
            extent: 12,
            values: Place { offset: 0, len: 10, crc: 1 },
            times: Place { offset: 10, len: 20, crc: 2 },
        };
        (key, header)
    }

    #[test]
    fn a_header_comes_back() {
        let (key, header) = sample();
        let key = key.to_bytes();
        assert_eq!(Header::from_bytes(&key, &header.to_bytes(&key)).unwrap(), header);
    }

    #[test]
    fn every_flipped_bit_of_key_or_header_is_noticed() {
        let (key, header) = sample();
        let key = key.to_bytes();
        let bytes = header.to_bytes(&key);
        for bit in 0..FIELDS_LEN * 8 {
            let mut broken = bytes;
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::from_bytes(&key, &broken).is_err(), "bit {bit}");
        }
        for bit in 0..ChunkKey::LEN * 8 {
            let mut other = key;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::from_bytes(&other, &bytes).is_err(), "bit {bit} of the key");
        }
    }
}
