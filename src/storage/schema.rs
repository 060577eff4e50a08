//! The tables of a store and the keys in them. Drawn in `FORMAT.md`; nothing outside `storage` knows any of it.
//!
//! Keys are big-endian with the sign bit flipped, so that the order of their bytes is the order of what they mean.

use super::rollup::Level;
use crate::error::Result;
use redb::{Key, TableDefinition, Value};

/// The format that this version writes.
pub(super) const FORMAT_VERSION: u64 = 2;
/// The oldest format that this version reads. No release wrote an older one.
pub(super) const FORMAT_VERSION_MIN: u64 = 2;

/// Name → number: `format`, `id`, `next_seq`, `next_ingest`, `next_metric`, `next_series`.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// Metric number → record.
pub(super) const METRICS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("metrics");
/// Metric name → metric number.
pub(super) const METRIC_NAMES: TableDefinition<'_, &str, u32> = TableDefinition::new("metric_names");
/// Metric number, series number → labels.
pub(super) const SERIES: TableDefinition<'_, &[u8; 8], &[u8]> = TableDefinition::new("series");
/// Hash of metric and labels → metric number, series number. Equal hashes take the next free key.
pub(super) const SERIES_HASHES: TableDefinition<'_, u64, u64> = TableDefinition::new("series_hashes");
/// Metric number, label, value, shard → bitmap of series numbers.
pub(super) const POSTINGS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("postings");
/// Order of arrival → batch of recent rows.
pub(super) const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
/// [`ChunkKey`] → header.
pub(super) const CHUNKS: TableDefinition<'_, &[u8; ChunkKey::LEN], &[u8; super::header::HEADER_LEN]> =
    TableDefinition::new("chunks");
/// [`PieceKey`] → a piece of an extent.
pub(super) const EXTENTS: TableDefinition<'_, &[u8; PieceKey::LEN], &[u8]> = TableDefinition::new("extents");
/// Number of an ingest → record.
pub(super) const INGESTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ingests");
/// Hash of an ingested file and its options → number of the ingest.
pub(super) const INGEST_HASHES: TableDefinition<'_, u128, u64> = TableDefinition::new("ingest_hashes");
/// First number of arrival of a stretch → record of the stream that this store wrote to from there on.
pub(super) const STREAMS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("streams");
/// Number of an ingest that was a stream of another store → record of that stream.
pub(super) const ORIGINS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("origins");
/// Number of an ingest that is not yet complete → record of who is at it.
pub(super) const PENDING: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("pending");
/// Series that only an incomplete ingest has given samples → number of that ingest.
pub(super) const PENDING_SERIES: TableDefinition<'_, u32, u64> = TableDefinition::new("pending_series");

/// [`RollupKey`] → buckets of a rollup.
pub(super) const ROLLUPS: TableDefinition<'_, &[u8; RollupKey::LEN], &[u8]> = TableDefinition::new("rollups");
/// Metric number, UTC day → what is rolled up and dropped of that day.
pub(super) const DAYS: TableDefinition<'_, &[u8; 8], &[u8]> = TableDefinition::new("days");
/// Pattern of metrics → how long they are kept.
pub(super) const POLICIES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("policies");

/// What the commands about a store as a whole do with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Facts that stand nowhere else.
    Facts,
    /// Follows from facts.
    Derived,
    /// Of ingests that are not complete: no copy has it.
    Pending,
}

/// Something that is done with every table.
pub(super) trait TableVisitor {
    /// Does it with `table`.
    fn visit<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
        part: Part,
    ) -> Result<()>;
}

/// The one list of tables: what makes, copies and checks a store goes through it, so that a new table is part of all of these.
pub(super) fn visit_tables(visitor: &mut impl TableVisitor) -> Result<()> {
    visitor.visit(META, Part::Facts)?;
    visitor.visit(METRICS, Part::Facts)?;
    visitor.visit(METRIC_NAMES, Part::Derived)?;
    visitor.visit(SERIES, Part::Facts)?;
    visitor.visit(SERIES_HASHES, Part::Derived)?;
    visitor.visit(POSTINGS, Part::Derived)?;
    visitor.visit(LOG, Part::Facts)?;
    visitor.visit(CHUNKS, Part::Facts)?;
    visitor.visit(EXTENTS, Part::Facts)?;
    visitor.visit(INGESTS, Part::Facts)?;
    visitor.visit(INGEST_HASHES, Part::Derived)?;
    visitor.visit(STREAMS, Part::Facts)?;
    visitor.visit(ORIGINS, Part::Facts)?;
    visitor.visit(PENDING, Part::Pending)?;
    visitor.visit(PENDING_SERIES, Part::Pending)?;
    visitor.visit(ROLLUPS, Part::Facts)?;
    visitor.visit(DAYS, Part::Facts)?;
    visitor.visit(POLICIES, Part::Facts)
}

/// Nanoseconds of a day.
pub(super) const DAY_NS: i64 = 86_400_000_000_000;

/// The UTC day of `time` (ns), counted from 1970-01-01.
pub(super) fn day_of(time: i64) -> i32 {
    time.div_euclid(DAY_NS) as i32
}

fn flip_i32(n: i32) -> [u8; 4] {
    (n as u32 ^ 1 << 31).to_be_bytes()
}

fn flip_i64(n: i64) -> [u8; 8] {
    (n as u64 ^ 1 << 63).to_be_bytes()
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// Where a chunk stands among all: by metric, UTC day, series, first time, order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChunkKey {
    pub(super) metric: u32,
    pub(super) day: i32,
    pub(super) series: u32,
    pub(super) start: i64,
    pub(super) seq: u64,
}

impl ChunkKey {
    pub(super) const LEN: usize = 28;

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[..4].copy_from_slice(&self.metric.to_be_bytes());
        out[4..8].copy_from_slice(&flip_i32(self.day));
        out[8..12].copy_from_slice(&self.series.to_be_bytes());
        out[12..20].copy_from_slice(&flip_i64(self.start));
        out[20..].copy_from_slice(&self.seq.to_be_bytes());
        out
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        Self {
            metric: u32::from_be_bytes(part(bytes, 0)),
            day: (u32::from_be_bytes(part(bytes, 4)) ^ 1 << 31) as i32,
            series: u32::from_be_bytes(part(bytes, 8)),
            start: (u64::from_be_bytes(part(bytes, 12)) ^ 1 << 63) as i64,
            seq: u64::from_be_bytes(part(bytes, 20)),
        }
    }

    /// In words, without the series' name.
    pub(super) fn place(&self) -> String {
        let start = crate::model::Timestamp(self.start).rfc3339();
        format!("series {} of metric {}, from {start} on", self.series, self.metric)
    }

    /// Before every chunk of `metric`, `day` and `series`.
    pub(super) fn first(metric: u32, day: i32, series: u32) -> Self {
        Self { metric, day, series, start: i64::MIN, seq: 0 }
    }

    /// After every chunk of `metric`, `day` and `series`.
    pub(super) fn last(metric: u32, day: i32, series: u32) -> Self {
        Self { metric, day, series, start: i64::MAX, seq: u64::MAX }
    }
}

/// Where a piece of an extent stands: by metric, UTC day, number of the extent, offset of the piece's first byte within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PieceKey {
    pub(super) metric: u32,
    pub(super) day: i32,
    pub(super) extent: u64,
    pub(super) offset: u32,
}

impl PieceKey {
    pub(super) const LEN: usize = 20;

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[..4].copy_from_slice(&self.metric.to_be_bytes());
        out[4..8].copy_from_slice(&flip_i32(self.day));
        out[8..16].copy_from_slice(&self.extent.to_be_bytes());
        out[16..].copy_from_slice(&self.offset.to_be_bytes());
        out
    }

    /// Metric, day and number of the extent of a key.
    pub(super) fn extent_of(bytes: &[u8; Self::LEN]) -> (u32, i32, u64) {
        (
            u32::from_be_bytes(part(bytes, 0)),
            (u32::from_be_bytes(part(bytes, 4)) ^ 1 << 31) as i32,
            u64::from_be_bytes(part(bytes, 8)),
        )
    }

    /// The offset of a key.
    pub(super) fn offset_of(bytes: &[u8; Self::LEN]) -> u32 {
        u32::from_be_bytes(part(bytes, 16))
    }
}

/// Where a rollup stands: by metric, width of its buckets, UTC day, series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RollupKey {
    pub(super) metric: u32,
    pub(super) level: Level,
    pub(super) day: i32,
    pub(super) series: u32,
}

impl RollupKey {
    pub(super) const LEN: usize = 13;

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[..4].copy_from_slice(&self.metric.to_be_bytes());
        out[4] = self.level.number();
        out[5..9].copy_from_slice(&flip_i32(self.day));
        out[9..].copy_from_slice(&self.series.to_be_bytes());
        out
    }

    /// `None` where the level is none that this version knows.
    pub(super) fn from_bytes(bytes: &[u8; Self::LEN]) -> Option<Self> {
        Some(Self {
            metric: u32::from_be_bytes(part(bytes, 0)),
            level: Level::from_number(bytes[4])?,
            day: (u32::from_be_bytes(part(bytes, 5)) ^ 1 << 31) as i32,
            series: u32::from_be_bytes(part(bytes, 9)),
        })
    }
}

/// The key of a day of a metric.
pub(super) fn day_key(metric: u32, day: i32) -> [u8; 8] {
    let mut out = [0; 8];
    out[..4].copy_from_slice(&metric.to_be_bytes());
    out[4..].copy_from_slice(&flip_i32(day));
    out
}

/// Metric and day of a [`day_key`].
pub(super) fn day_of_key(key: [u8; 8]) -> (u32, i32) {
    (u32::from_be_bytes(part(&key, 0)), (u32::from_be_bytes(part(&key, 4)) ^ 1 << 31) as i32)
}

/// The key of a series among those of its metric.
pub(super) fn series_key(metric: u32, series: u32) -> [u8; 8] {
    ((u64::from(metric) << 32) | u64::from(series)).to_be_bytes()
}

/// Metric and series of a [`series_key`].
pub(super) fn series_of_key(key: [u8; 8]) -> (u32, u32) {
    let both = u64::from_be_bytes(key);
    ((both >> 32) as u32, both as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::TableHandle;

    #[test]
    fn every_table_is_in_the_list() {
        struct Names(Vec<String>);
        impl TableVisitor for Names {
            fn visit<K: Key + 'static, V: Value + 'static>(
                &mut self,
                table: TableDefinition<'static, K, V>,
                _: Part,
            ) -> Result<()> {
                self.0.push(format!("\"{}\")", table.name()));
                Ok(())
            }
        }
        let mut names = Names(Vec::new());
        visit_tables(&mut names).unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/storage");
        let mut folders = vec![std::path::PathBuf::from(folder)];
        let mut defined = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let code = std::fs::read_to_string(&path).unwrap();
                    for definition in code.split(concat!("TableDefinition::", "new(")).skip(1) {
                        let line = definition.lines().next().unwrap_or_default();
                        assert!(names.0.iter().any(|name| line.starts_with(name)), "{path:?}: {line}");
                        defined += 1;
                    }
                }
            }
        }
        assert_eq!(defined, names.0.len());
    }

    #[test]
    fn keys_sort_as_what_they_mean() {
        let keys = [
            ChunkKey { metric: 1, day: -3, series: 9, start: -5, seq: 1 },
            ChunkKey { metric: 1, day: 2, series: 0, start: i64::MIN, seq: 0 },
            ChunkKey { metric: 1, day: 2, series: 0, start: -1, seq: 7 },
            ChunkKey { metric: 1, day: 2, series: 0, start: 4, seq: 2 },
            ChunkKey { metric: 2, day: i32::MIN, series: 0, start: 0, seq: 0 },
        ];
        assert!(keys.is_sorted());
        assert!(keys.map(ChunkKey::to_bytes).is_sorted());
        for key in keys {
            assert_eq!(ChunkKey::from_bytes(&key.to_bytes()), key);
        }
        assert_eq!(series_of_key(series_key(7, 9)), (7, 9));
    }

    #[test]
    fn days_are_counted_from_the_epoch() {
        assert_eq!(day_of(0), 0);
        assert_eq!(day_of(-1), -1);
        assert_eq!(day_of(DAY_NS), 1);
    }
}
