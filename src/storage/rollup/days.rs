//! What is known of each day of a metric that is rolled up: which rollups there are, whether samples changed since, whether they are gone.
//!
//! What stays true: a day without an entry has samples and no rollups. Whoever adds samples to a day or takes some away marks it in the
//! same transaction.

use super::Level;
use crate::codec::{Malformed, Reader};
use crate::error::{Error, Result};
use crate::storage::records;
use crate::storage::schema::{DAYS, POLICIES, day_key};
use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};
use std::collections::BTreeMap;

/// Metric and day → the first time (ns) from which on samples changed.
pub(in crate::storage) type Touched = BTreeMap<(u32, i32), i64>;

/// Widens `touched` by samples from `from` on.
pub(in crate::storage) fn touch(touched: &mut Touched, metric: u32, day: i32, from: i64) {
    touched.entry((metric, day)).and_modify(|t| *t = from.min(*t)).or_insert(from);
}

/// Whether a day has a rollup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::storage) enum Kept {
    /// Nobody made one, or its time is over.
    #[default]
    No,
    /// It is there.
    Yes,
    /// It would have taken more than a quarter of the samples' bytes: these stay instead.
    TooLarge,
    /// It is there without distributions: with them it would have taken more than a quarter.
    Summary,
}

/// A day of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) struct Day {
    /// By [`Level`].
    pub(in crate::storage) kept: [Kept; 3],
    /// The samples were dropped: rollups stand for them.
    pub(in crate::storage) dropped: bool,
    /// The first time from which on samples changed since the rollups were made, ns; [`FRESH`] where none did.
    pub(in crate::storage) stale_from: i64,
    /// Grows with every mark, so that whoever rolls sees that samples came meanwhile.
    pub(in crate::storage) marks: u32,
    /// Bytes of the samples when they were rolled up, and of the rollups by level.
    pub(in crate::storage) raw_len: u64,
    pub(in crate::storage) rolled_len: [u64; 3],
}

/// No sample changed.
pub(in crate::storage) const FRESH: i64 = i64::MAX;

impl Default for Day {
    fn default() -> Self {
        Self { kept: [Kept::No; 3], dropped: false, stale_from: FRESH, marks: 0, raw_len: 0, rolled_len: [0; 3] }
    }
}

impl Day {
    /// Whether samples changed since it was rolled up.
    pub(in crate::storage) fn is_stale(&self) -> bool {
        self.stale_from != FRESH
    }

    /// Whether the rollup of `level` is there.
    pub(in crate::storage) fn has(&self, level: Level) -> bool {
        matches!(self.kept[usize::from(level.number())], Kept::Yes | Kept::Summary)
    }

    /// Whether the rollup of `level` is there with all that it can keep.
    pub(in crate::storage) fn has_all(&self, level: Level) -> bool {
        self.kept[usize::from(level.number())] == Kept::Yes
    }

    pub(in crate::storage) fn to_bytes(self, key: [u8; 8]) -> Vec<u8> {
        let mut out = vec![u8::from(self.dropped)];
        out.extend(self.kept.map(|k| k as u8));
        out.extend_from_slice(&self.stale_from.to_le_bytes());
        out.extend_from_slice(&self.marks.to_le_bytes());
        for len in [self.raw_len, self.rolled_len[0], self.rolled_len[1], self.rolled_len[2]] {
            out.extend_from_slice(&len.to_le_bytes());
        }
        let crc = crate::codec::crc32(&[&key, &out]);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    pub(in crate::storage) fn from_bytes(key: [u8; 8], bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader(records::checked("a day of a metric", &key, bytes)?);
        let mut read = || -> std::result::Result<Self, Malformed> {
            let dropped = reader.u8()? != 0;
            let mut kept = [Kept::No; 3];
            for kept in &mut kept {
                *kept = match reader.u8()? {
                    0 => Kept::No,
                    1 => Kept::Yes,
                    2 => Kept::TooLarge,
                    3 => Kept::Summary,
                    _ => return Err(Malformed("an unknown state of a rollup")),
                };
            }
            let (stale_from, marks) = (reader.i64()?, reader.u32()?);
            let mut len = || Ok(reader.i64()? as u64);
            let raw_len = len()?;
            Ok(Self { kept, dropped, stale_from, marks, raw_len, rolled_len: [len()?, len()?, len()?] })
        };
        read().map_err(|e| Error::corrupt(format!("the record of a day of a metric: {}", e.0)))
    }
}

/// Notes that samples of these days changed, where any rollups are kept.
pub(in crate::storage) fn mark(txn: &WriteTransaction, touched: &Touched) -> Result<()> {
    if touched.is_empty() {
        return Ok(());
    }
    let mut days = txn.open_table(DAYS)?;
    let with_policies = !txn.open_table(POLICIES)?.is_empty()?;
    if !with_policies && days.is_empty()? {
        return Ok(());
    }
    for ((metric, day), from) in touched {
        let key = day_key(*metric, *day);
        let before = days.get(&key)?.map(|bytes| Day::from_bytes(key, bytes.value())).transpose()?;
        if before.is_none() && !with_policies {
            continue;
        }
        let mut now = before.unwrap_or_default();
        now.stale_from = now.stale_from.min(*from);
        now.marks = now.marks.wrapping_add(1);
        days.insert(&key, now.to_bytes(key).as_slice())?;
    }
    Ok(())
}

/// The entry of a day.
pub(in crate::storage) fn get(
    table: &impl ReadableTable<&'static [u8; 8], &'static [u8]>,
    metric: u32,
    day: i32,
) -> Result<Option<Day>> {
    let key = day_key(metric, day);
    table.get(&key)?.map(|bytes| Day::from_bytes(key, bytes.value())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_comes_back_and_a_flipped_bit_is_noticed() {
        let day = Day {
            kept: [Kept::TooLarge, Kept::Yes, Kept::No],
            dropped: true,
            stale_from: -5,
            marks: 7,
            raw_len: 9,
            rolled_len: [1, 2, 3],
        };
        let key = day_key(4, -2);
        let bytes = day.to_bytes(key);
        assert_eq!(Day::from_bytes(key, &bytes).unwrap(), day);
        assert_eq!(crate::storage::schema::day_of_key(key), (4, -2));
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(Day::from_bytes(key, &broken).is_err(), "bit {bit}");
        }
    }
}
