//! Ingesting an input as a whole: it is in the store to its last sample, or nothing of it is.
//!
//! What stays true: a store that is not there yet is made only once there is something to put into it, and taken away again where
//! that fails.

use super::hash::{self, Hash};
use super::progress::Progress;
use super::report::{Done, Report};
use super::{Job, follow, meta};
use crate::cli::Io;
use crate::cli::source::{Input, cannot_read};
use crate::db::Database;
use crate::error::{Error, Result};
use crate::ingest::{self, Sink};
use crate::model::{Columns, MetricMeta, SeriesSet};
use crate::storage::{Bulk, Outcome};
use std::fs::File;
use std::path::Path;
use std::time::Instant;

/// So many samples wait for the end of the input before a new store is made for them.
const HELD_COUNT_MAX: usize = 1_000_000;

/// Ingests `input`, which was named as `path`.
pub(super) fn ingest(job: &Job<'_>, path: &Path, input: Input, io: &mut Io<'_>) -> Result<Report> {
    let started = Instant::now();
    let len_before = job.settings.store_len();
    let existing = if job.settings.store_exists() { Some(job.settings.open_to_fill()?) } else { None };
    if let Some(db) = &existing
        && let Some(id) = known(job, path, &input, db, io)?
    {
        return Ok(Report::already(&input.name, id, job.settings.store_len()));
    }
    let hash = Hash::new();
    let progress = Progress::new(input.len, job, io);
    let mut sink = WholeSink::new(job, &input.name, existing, &progress);
    let reader = hash.wrap(input.reader);
    let bytes = &progress.bytes_read;
    let read = ingest::read(reader, &input.name, input.format, &job.read, false, &mut sink, bytes, &io.cancel);
    let summary = match read.and_then(|summary| io.cancel.check().map(|()| summary)) {
        Ok(summary) => summary,
        Err(error) => {
            sink.abandon();
            return Err(error);
        }
    };
    let hash = match &job.typed.id {
        _ if job.typed.again => None,
        Some(key) => Some(hash::of_key(key)),
        // Read again, it would be other samples.
        None if summary.missing_time => None,
        None => Some(hash.finish(job, input.format)),
    };
    let metas = meta::metas(&summary.metadata, &job.typed.reading.unit, &sink.series);
    let mut report = Report::new(&input.name, summary, &sink.series, len_before);
    if report.summary.samples > 0 || !metas.is_empty() {
        let (db, series, outcome) = sink.finish(&metas, hash, report.summary.bytes, job.now().0)?;
        report.done = match outcome {
            Outcome::Added(id) => Done::Added(id),
            Outcome::Already(id) => Done::Already(id),
        };
        report.note_guesses(&db, &series)?;
        db.close()?;
        report.settle(job, &series, started);
    }
    drop(progress);
    if job.typed.ack && matches!(report.done, Done::Added(_)) {
        report.acknowledge(io)?;
    }
    Ok(report)
}

/// The ingest that `input` is in the store as, as far as that shows before all of it is read.
fn known(job: &Job<'_>, path: &Path, input: &Input, db: &Database, io: &mut Io<'_>) -> Result<Option<u64>> {
    if job.typed.again {
        return Ok(None);
    }
    if let Some(key) = &job.typed.id {
        return db.ingest_of_hash(hash::of_key(key));
    }
    let Some(len) = input.len else { return Ok(None) };
    if !db.ingests()?.iter().any(|(_, record)| record.bytes == len && record.hash.is_some()) {
        return Ok(None);
    }
    let file = File::open(path).map_err(|e| cannot_read(path, e))?;
    let hash = hash::of_all(Box::new(file), &io.cancel)?.map_err(|e| cannot_read(path, e))?;
    db.ingest_of_hash(hash.finish(job, input.format))
}

/// Gathers samples for one [`Bulk`].
struct WholeSink<'a> {
    job: &'a Job<'a>,
    source: String,
    progress: &'a Progress,
    series: SeriesSet,
    /// Samples that came while there was no store.
    held: Vec<Columns>,
    held_count: usize,
    bulk: Option<Bulk>,
    db: Option<Database>,
    /// Whether the store was made for this.
    is_new: bool,
}

impl<'a> WholeSink<'a> {
    fn new(job: &'a Job<'a>, name: &Path, db: Option<Database>, progress: &'a Progress) -> Self {
        let source = name.display().to_string();
        let series = SeriesSet::new();
        let is_new = db.is_none();
        Self { job, source, progress, series, held: Vec::new(), held_count: 0, bulk: None, db, is_new }
    }

    /// Makes the store if need be, and hands over what waited for it.
    fn begin(&mut self) -> Result<&mut Bulk> {
        if self.bulk.is_none() {
            let db = match self.db.take() {
                Some(db) => db,
                None => self.job.settings.open_to_fill()?,
            };
            let mut bulk = db.bulk(&self.source);
            self.db = Some(db);
            for columns in self.held.drain(..) {
                bulk.add(&columns, &self.series)?;
            }
            self.bulk = Some(bulk);
        }
        self.bulk.as_mut().ok_or_else(|| Error::Bug("an ingest that has not begun".into()))
    }

    /// Takes back what was written.
    fn abandon(mut self) {
        drop(self.bulk.take());
        if let Some(db) = self.db.take().filter(|_| self.is_new) {
            // An empty store that stays does no harm.
            drop(db.discard_if_empty());
        }
    }

    fn finish(
        mut self,
        metas: &[(String, MetricMeta)],
        hash: Option<u128>,
        bytes: u64,
        now: i64,
    ) -> Result<(Database, SeriesSet, Outcome)> {
        self.begin()?;
        match (self.bulk, self.db) {
            (Some(bulk), Some(db)) => {
                let outcome = bulk.finish(metas, hash, bytes, now)?;
                Ok((db, self.series, outcome))
            }
            _ => Err(Error::Bug("an ingest that has not begun".into())),
        }
    }
}

impl Sink for WholeSink<'_> {
    fn accept(&mut self, mut columns: Columns, series: &SeriesSet) -> Result<Columns> {
        self.progress.show();
        follow(&mut self.series, series);
        if self.bulk.is_none() && self.db.is_none() && self.held_count < HELD_COUNT_MAX {
            self.held_count += columns.count();
            self.held.push(columns);
            return Ok(Columns::default());
        }
        self.begin()?.add(&columns, series)?;
        columns.clear();
        Ok(columns)
    }

    fn idle(&mut self) -> Result<()> {
        self.progress.show();
        Ok(())
    }
}
