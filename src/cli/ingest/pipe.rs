//! Ingesting a stream: durable batch by batch, as it comes.
//!
//! What stays true: what was acknowledged is in the store, whatever happens next.

use super::report::{Done, Report, acknowledge};
use super::{Job, follow, meta};
use crate::cli::Io;
use crate::cli::source::Input;
use crate::db::Database;
use crate::error::{Error, Result};
use crate::ingest::{self, Sink};
use crate::model::{Columns, MetricMeta, SeriesSet};
use std::io::Write;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

/// Samples in a commit, unless told otherwise.
const BATCH_COUNT: usize = 10_000;

/// Unless a batch's size was asked for, a sample waits at most about this long for others.
const AGE_MAX: Duration = Duration::from_secs(1);

/// Ingests `input` as it comes.
pub(super) fn ingest(job: &Job<'_>, input: Input, io: &mut Io<'_>) -> Result<Report> {
    let started = Instant::now();
    let len_before = job.settings.store_len();
    let cancel = io.cancel.clone();
    let out: &mut dyn Write = &mut *io.out;
    let ack = job.typed.ack.then_some(out);
    let mut sink = StreamSink::new(job, ack);
    let bytes = AtomicU64::new(0);
    let options = ingest::Options { now_at: Some(job.begun), ..job.read.clone() };
    let read = ingest::read(input.reader, &input.name, input.format, &options, true, &mut sink, &bytes, &cancel);
    // What was understood before a broken line, or before the person had enough, is kept.
    let kept = if sink.failed { Ok(()) } else { sink.commit_all() };
    let (durable, db, series) = (sink.durable, sink.db.take(), std::mem::take(&mut sink.series));
    drop(sink);
    let summary = match (read, kept) {
        (Ok(summary), Ok(())) => summary,
        (Err(error), _) | (Ok(_), Err(error)) => {
            if durable > 0 {
                io.print_note(&format!("{durable} samples that came before are in the store and stay there"));
            }
            // After a failed write closing fails too, and only says that one was before.
            let _ = db.map(Database::close);
            return Err(error);
        }
    };
    let metas = meta::metas(&summary.metadata, &job.typed.reading.unit, &series);
    let mut report = Report::new(&input.name, summary, &series, len_before);
    if durable > 0 || !metas.is_empty() {
        let db = db.map_or_else(|| job.settings.open_to_fill(), Ok)?;
        db.append(&Columns::default(), &SeriesSet::new(), &metas, job.now())?;
        report.done = Done::Streamed;
        report.note_guesses(&db, &series)?;
        db.close()?;
    }
    report.settle(job, &series, started);
    Ok(report)
}

/// Gathers samples for a commit.
struct StreamSink<'a> {
    job: &'a Job<'a>,
    /// Where commits are acknowledged.
    ack: Option<&'a mut dyn Write>,
    db: Option<Database>,
    series: SeriesSet,
    /// Series whose metadata is in the store.
    described: usize,
    waiting: Columns,
    /// When the first of those came.
    since: Option<Instant>,
    /// Samples that are safe.
    durable: u64,
    /// Whether a batch could not be stored or acknowledged, so that none after it may go in.
    failed: bool,
}

impl<'a> StreamSink<'a> {
    fn new(job: &'a Job<'a>, ack: Option<&'a mut dyn Write>) -> Self {
        Self {
            job,
            ack,
            db: None,
            series: SeriesSet::new(),
            described: 0,
            waiting: Columns::default(),
            since: None,
            durable: 0,
            failed: false,
        }
    }

    /// Commits everything that waits, in batches of the size that was asked for.
    fn commit_all(&mut self) -> Result<()> {
        self.commit_full()?;
        let rest = std::mem::take(&mut self.waiting);
        self.commit(&rest)
    }

    /// Commits what fills batches of the size that was asked for.
    fn commit_full(&mut self) -> Result<()> {
        let Some(batch) = self.job.typed.batch.map(|b| b.get() as usize) else { return Ok(()) };
        if self.waiting.count() < batch {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let full = waiting.count() - waiting.count() % batch;
        for start in (0..full).step_by(batch) {
            self.commit(&part(&waiting, start, start + batch))?;
        }
        self.waiting = part(&waiting, full, waiting.count());
        Ok(())
    }

    fn commit(&mut self, batch: &Columns) -> Result<()> {
        self.since = None;
        if batch.is_empty() {
            return Ok(());
        }
        self.failed = true;
        let metas = self.new_metas();
        let db = match &self.db {
            Some(db) => db,
            None => self.db.insert(self.job.settings.open_to_fill()?),
        };
        let started = Instant::now();
        db.append(batch, &self.series, &metas, self.job.now())?;
        self.durable += batch.count() as u64;
        if let Some(out) = &mut self.ack {
            acknowledge(self.durable, started.elapsed(), *out)?;
        }
        self.failed = false;
        Ok(())
    }

    /// What was typed about metrics that are new.
    fn new_metas(&mut self) -> Vec<(String, MetricMeta)> {
        let mut new = SeriesSet::new();
        if !self.job.typed.reading.unit.is_empty() {
            for series in &self.series.list()[self.described..] {
                new.id(series.clone());
            }
        }
        self.described = self.series.count();
        meta::metas(&[], &self.job.typed.reading.unit, &new)
    }
}

impl Sink for StreamSink<'_> {
    fn accept(&mut self, mut columns: Columns, series: &SeriesSet) -> Result<Columns> {
        follow(&mut self.series, series);
        self.since.get_or_insert_with(Instant::now);
        self.waiting.series.append(&mut columns.series);
        self.waiting.times.append(&mut columns.times);
        self.waiting.values.append(&mut columns.values);
        if self.job.typed.batch.is_some() {
            self.commit_full()?;
        } else if self.waiting.count() >= BATCH_COUNT {
            self.commit_all()?;
        }
        Ok(columns)
    }

    fn idle(&mut self) -> Result<()> {
        if self.job.typed.batch.is_none() && self.since.is_some_and(|since| since.elapsed() >= AGE_MAX) {
            self.commit_all()?;
        }
        Ok(())
    }
}

/// The samples `start..end` of `columns`.
fn part(columns: &Columns, start: usize, end: usize) -> Columns {
    Columns {
        series: columns.series[start..end].to_vec(),
        times: columns.times[start..end].to_vec(),
        values: columns.values[start..end].to_vec(),
    }
}

/// A failed acknowledgement: its reader is gone, which must not look like a quiet end.
pub(super) fn ack_error(source: &std::io::Error) -> Error {
    let source = std::io::Error::other(source.to_string());
    Error::Io { doing: "acknowledge what is durable on the standard output".into(), source }
}
