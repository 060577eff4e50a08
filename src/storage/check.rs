//! Checking a store: the database's own structures, then every record, header and column of ours.

use super::chunk::{self, Column};
use super::header::Header;
use super::records::{self, IngestRecord, MetricRecord};
use super::schema::{
    CHUNKS, ChunkKey, EXTENTS, INGESTS, LOG, METRIC_NAMES, METRICS, SERIES, SERIES_HASHES, day_of, series_key,
    series_of_key,
};
use super::store::Store;
use super::{catalog, log};
use crate::codec;
use crate::error::{Error, Result};
use crate::model::{Cancel, Progress, Timestamp};
use crate::stats::Bounds;
use hashbrown::HashSet;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckReport {
    /// Chunks that were read whole.
    pub chunks: u64,
    /// Samples in them and in the log.
    pub samples: u64,
    /// Bytes of their columns.
    pub bytes: u64,
    /// What is damaged, a sentence each; empty for a sound store.
    pub damages: Vec<String>,
    /// What is worth knowing and no damage.
    pub notes: Vec<String>,
}

impl Store {
    /// Reads all of the store. Finding damage is no error. The database's own check needs a store opened for writing, and is left
    /// out, with a note, where another process is in a transaction.
    ///
    /// # Errors
    /// A failed read, cancellation.
    pub fn check(&mut self, progress: &dyn Progress, cancel: &Cancel) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        self.check_database(&mut report)?;
        let txn = match self.begin_read() {
            Ok(txn) => txn,
            Err(Error::Corrupt { what }) => {
                report.damages.push(what);
                return Ok(report);
            }
            Err(e) => return Err(e),
        };
        let found = walk(&txn, Depth::Values, progress, cancel)?;
        report.damages.extend(found.damages);
        Ok(CheckReport { damages: report.damages, notes: report.notes, ..found })
    }
}

/// How far a check goes into chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The checksum of every column is right.
    Checksums,
    /// Every column is decoded too, and is what its header says.
    Values,
}

/// Reads all that `txn` sees. Finding damage is no error.
pub(super) fn walk(
    txn: &ReadTransaction,
    depth: Depth,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<CheckReport> {
    let mut report = CheckReport::default();
    Walk { txn, depth, report: &mut report, names: HashSet::new(), series: HashSet::new() }.all(progress, cancel)?;
    Ok(report)
}

struct Walk<'a> {
    txn: &'a ReadTransaction,
    depth: Depth,
    report: &'a mut CheckReport,
    /// Numbers of the metrics.
    names: HashSet<u32>,
    /// Numbers of metric and series.
    series: HashSet<(u32, u32)>,
}

impl Walk<'_> {
    fn all(mut self, progress: &dyn Progress, cancel: &Cancel) -> Result<()> {
        for step in [Self::metrics, Self::all_series, Self::ingests, Self::log] {
            let found = step(&mut self);
            self.keep_going(found)?;
            cancel.check()?;
        }
        let found = self.chunks(progress, cancel);
        self.keep_going(found)
    }

    /// Damage that ends one step is written down, and the next step goes on.
    fn keep_going(&mut self, found: Result<()>) -> Result<()> {
        match found {
            Err(Error::Corrupt { what }) => {
                self.report.damages.push(what);
                Ok(())
            }
            other => other,
        }
    }

    fn damage(&mut self, what: impl Into<String>) {
        self.report.damages.push(what.into());
    }

    fn metrics(&mut self) -> Result<()> {
        let table = self.txn.open_table(METRICS)?;
        let names = self.txn.open_table(METRIC_NAMES)?;
        for entry in table.iter()? {
            let (id, bytes) = entry?;
            let id = id.value();
            self.names.insert(id);
            match records::from_bytes::<MetricRecord>(&format!("metric {id}"), &id.to_be_bytes(), bytes.value()) {
                Err(e) => self.damage(plain(e)),
                Ok(record) => {
                    if names.get(record.name.as_str())?.map(|found| found.value()) != Some(id) {
                        self.damage(format!("metric `{}` is not found by its name", record.name));
                    }
                }
            }
        }
        if names.len()? != table.len()? {
            self.damage("there are names of metrics without a metric");
        }
        Ok(())
    }

    fn all_series(&mut self) -> Result<()> {
        let table = self.txn.open_table(SERIES)?;
        for entry in table.iter()? {
            let (key, bytes) = entry?;
            let (metric, id) = series_of_key(*key.value());
            self.series.insert((metric, id));
            if let Err(e) = records::labels_from_bytes(key.value(), bytes.value()) {
                self.damage(format!("series {id} of metric {metric}: {}", plain(e)));
            }
            if !self.names.contains(&metric) {
                self.damage(format!("series {id} is of metric {metric}, which is missing"));
            }
        }
        if self.txn.open_table(SERIES_HASHES)?.len()? != table.len()? {
            self.damage("the index of series has not as many entries as there are series");
        }
        Ok(())
    }

    fn ingests(&mut self) -> Result<()> {
        for entry in self.txn.open_table(INGESTS)?.iter()? {
            let (id, bytes) = entry?;
            let id = id.value();
            let record = records::from_bytes::<IngestRecord>(&format!("ingest {id}"), &id.to_be_bytes(), bytes.value());
            if let Err(e) = record {
                self.damage(plain(e));
            }
        }
        Ok(())
    }

    fn log(&mut self) -> Result<()> {
        for (id, rows) in log::read(&self.txn.open_table(LOG)?)? {
            self.report.samples += rows.times.len() as u64;
            if !self.series.contains(&(rows.metric, id)) {
                self.damage(format!("the log holds samples of series {id}, which is missing"));
            }
        }
        Ok(())
    }

    fn chunks(&mut self, progress: &dyn Progress, cancel: &Cancel) -> Result<()> {
        let table = self.txn.open_table(CHUNKS)?;
        let extents = self.txn.open_table(EXTENTS)?;
        let total = table.len()?;
        for (done, entry) in table.iter()?.enumerate() {
            if done % 64 == 0 {
                progress.update(done as u64, total);
                cancel.check()?;
            }
            let (key_bytes, header) = entry?;
            let key = ChunkKey::from_bytes(key_bytes.value());
            let found = Header::from_bytes(key_bytes.value(), header.value()).and_then(|header| {
                match self.depth {
                    Depth::Checksums => {
                        chunk::read_column(&extents, &key, &header, Column::Values, |_| Ok(()))?;
                        chunk::read_column(&extents, &key, &header, Column::Times, |_| Ok(()))?;
                    }
                    Depth::Values => check_chunk(&extents, &key, &header)?,
                }
                Ok(header)
            });
            match found {
                Ok(header) => {
                    self.report.chunks += 1;
                    self.report.samples += u64::from(header.count);
                    self.report.bytes += u64::from(header.values.len) + u64::from(header.times.len);
                }
                Err(Error::Corrupt { what }) => {
                    let name = self.name_of(&key);
                    self.damage(format!("{name}: {what}"));
                }
                Err(e) => return Err(e),
            }
            if !self.series.contains(&(key.metric, key.series)) {
                self.damage(format!("a chunk is of series {} of metric {}, which is missing", key.series, key.metric));
            }
        }
        progress.update(total, total);
        Ok(())
    }

    /// The series of a chunk in words, as far as its records can be read.
    fn name_of(&self, key: &ChunkKey) -> String {
        let metric =
            self.txn.open_table(METRICS).ok().and_then(|t| catalog::metric_record(&t, key.metric).ok().flatten());
        let labels = self
            .txn
            .open_table(SERIES)
            .ok()
            .and_then(|t| catalog::labels_of(&t, key.metric, key.series).ok().flatten());
        match (metric, labels) {
            (Some(metric), Some(labels)) => format!("`{}{labels}`", metric.name),
            _ => format!("a series without a readable name (key {:?})", series_key(key.metric, key.series)),
        }
    }
}

fn plain(e: Error) -> String {
    match e {
        Error::Corrupt { what } => what,
        other => other.to_string(),
    }
}

/// Decodes both columns and compares them with the header.
fn check_chunk(
    extents: &impl ReadableTable<&'static [u8; super::schema::PieceKey::LEN], &'static [u8]>,
    key: &ChunkKey,
    header: &Header,
) -> Result<()> {
    let count = header.count as usize;
    let mut values = Vec::new();
    chunk::read_column(extents, key, header, Column::Values, |bytes| {
        codec::values::decode(bytes, count, 0..count, &mut values)
    })?;
    let mut times = Vec::new();
    chunk::read_column(extents, key, header, Column::Times, |bytes| {
        codec::times::Times::read(bytes, count)?.decode(0..count, &mut times)
    })?;
    let bounds = Bounds::of(&values);
    let belief = |holds: bool, what: &str| {
        if holds {
            return Ok(());
        }
        let span = |t: i64| Timestamp(t).rfc3339();
        Err(Error::corrupt(format!("{} to {}: {what}", span(key.start), span(header.last))))
    };
    belief(values.iter().all(|v| v.is_finite()), "a value is not finite")?;
    belief(
        times.first() == Some(&key.start) && times.last() == Some(&header.last),
        "its times are not those of its header",
    )?;
    belief(times.iter().all(|t| day_of(*t) == key.day), "it reaches beyond its day")?;
    belief((bounds.min, bounds.max) == (header.min, header.max), "its bounds are not those of its header")?;
    belief(
        (bounds.sum - header.sum).abs() <= bounds.sum.abs() * 1e-9 || bounds.sum.to_bits() == header.sum.to_bits(),
        "its sum is not that of its header",
    )?;
    belief(
        values.first() == Some(&header.first_value) && values.last() == Some(&header.last_value),
        "its ends are not those of its header",
    )
}
