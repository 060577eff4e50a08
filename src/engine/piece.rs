//! Pieces: stretches of a series' samples in ascending time, each with a summary. A chunk of a store is one, and so are rows in memory.

use crate::error::Result;
use crate::model::{TimeRange, sort_by_time};
use crate::query::aggregate::Point;
use crate::query::source::{Bucketing, ScanReport};
use crate::stats::Bounds;
use crate::storage::{Chunk, Rollup, Snapshot};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Samples in memory, in ascending time, equal times in order of arrival. Never empty.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) times: Vec<i64>,
    pub(super) values: Vec<f64>,
    bounds: Bounds,
}

impl Rows {
    /// Sorts samples that are in order of arrival. `None` of no samples.
    pub(super) fn new(mut times: Vec<i64>, mut values: Vec<f64>) -> Option<Self> {
        if times.is_empty() {
            return None;
        }
        sort_by_time(&mut times, &mut values);
        let bounds = Bounds::of(&values);
        Some(Self { times, values, bounds })
    }
}

/// A piece of one series of a scan.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Index into the scan's series.
    pub(super) index: u32,
    at: At,
}

#[derive(Debug, Clone)]
enum At {
    Chunk(Chunk),
    /// Rows, and whether they come from the log of a store.
    Rows(Arc<Rows>, bool),
    /// What is left of samples, or stands for them.
    Rollup(Rollup),
}

/// Samples of one piece are fewer than this, so that their order of arrival fits beside the piece's.
const ORDER_SPAN: u64 = 1 << 20;

/// What arrived last of all: the log.
const ORDER_LOG: u64 = u64::MAX / ORDER_SPAN - 1;

impl Piece {
    pub(super) fn of_chunk(index: u32, chunk: Chunk) -> Self {
        Self { index, at: At::Chunk(chunk) }
    }

    pub(super) fn of_rows(index: u32, rows: Arc<Rows>, log: bool) -> Self {
        Self { index, at: At::Rows(rows, log) }
    }

    pub(super) fn of_rollup(index: u32, rollup: Rollup) -> Self {
        Self { index, at: At::Rollup(rollup) }
    }

    /// The rollup that the piece is, if it is one. It has no samples to read.
    pub(super) fn rollup(&self) -> Option<&Rollup> {
        if let At::Rollup(rollup) = &self.at { Some(rollup) } else { None }
    }

    /// How many samples; of a rollup about how many values it takes to go through.
    pub(super) fn count(&self) -> usize {
        match &self.at {
            At::Rollup(rollup) => rollup.len(),
            At::Chunk(chunk) => chunk.count(),
            At::Rows(rows, _) => rows.times.len(),
        }
    }

    /// Times of the first and last sample.
    pub(super) fn extent(&self) -> (i64, i64) {
        match &self.at {
            At::Rollup(rollup) => rollup.day(),
            At::Chunk(chunk) => chunk.extent(),
            At::Rows(rows, _) => (rows.times[0], rows.times[rows.times.len() - 1]),
        }
    }

    pub(super) fn min_max(&self) -> (f64, f64) {
        match &self.at {
            At::Rollup(_) => (f64::NEG_INFINITY, f64::INFINITY),
            At::Chunk(chunk) => chunk.min_max(),
            At::Rows(rows, _) => (rows.bounds.min, rows.bounds.max),
        }
    }

    pub(super) fn sum(&self) -> f64 {
        match &self.at {
            At::Rollup(_) => 0.0,
            At::Chunk(chunk) => chunk.sum(),
            At::Rows(rows, _) => rows.bounds.sum,
        }
    }

    /// The first and last sample.
    pub(super) fn ends(&self) -> (Point, Point) {
        let (first_time, last_time) = self.extent();
        let (first, last) = match &self.at {
            At::Rollup(_) => (0.0, 0.0),
            At::Chunk(chunk) => chunk.end_values(),
            At::Rows(rows, _) => (rows.values[0], rows.values[rows.values.len() - 1]),
        };
        let order = self.order();
        (
            Point { time: first_time, order, value: first },
            Point { time: last_time, order: order + self.count() as u64 - 1, value: last },
        )
    }

    /// Order of arrival of the first sample; those after it follow by one each.
    pub(super) fn order(&self) -> u64 {
        match &self.at {
            At::Chunk(chunk) => chunk.order().min(ORDER_LOG - 1) * ORDER_SPAN,
            At::Rows(_, true) => ORDER_LOG * ORDER_SPAN,
            At::Rows(_, false) => u64::from(self.index) << 32,
            // Before all chunks, by day.
            At::Rollup(rollup) => rollup.order(),
        }
    }

    /// Whether it is rows of a store's log.
    pub(super) fn is_log(&self) -> bool {
        matches!(self.at, At::Rows(_, true))
    }
}

/// Reads pieces. Counts what it reads.
pub(super) struct Reader<'a> {
    snapshot: Option<&'a Snapshot>,
    decoded: AtomicU64,
    from_log: AtomicU64,
    from_summary: AtomicU64,
    pruned: AtomicU64,
    from_cells: AtomicU64,
}

impl<'a> Reader<'a> {
    /// A reader of pieces; chunks need the snapshot that they are of.
    pub(super) fn new(snapshot: Option<&'a Snapshot>) -> Self {
        Self {
            snapshot,
            decoded: AtomicU64::new(0),
            from_log: AtomicU64::new(0),
            from_summary: AtomicU64::new(0),
            pruned: AtomicU64::new(0),
            from_cells: AtomicU64::new(0),
        }
    }

    fn snapshot(&self) -> Result<&'a Snapshot> {
        self.snapshot.ok_or_else(|| crate::error::Error::Bug("a chunk without its store".into()))
    }

    /// Appends the values at `range`.
    pub(super) fn values(&self, piece: &Piece, range: Range<usize>, out: &mut Vec<f64>) -> Result<()> {
        let counter = if piece.is_log() { &self.from_log } else { &self.decoded };
        counter.fetch_add(range.len() as u64, Ordering::Relaxed);
        match &piece.at {
            At::Rollup(_) => Ok(()),
            At::Chunk(chunk) => self.snapshot()?.values(chunk, range, out),
            At::Rows(rows, _) => {
                out.extend_from_slice(&rows.values[range]);
                Ok(())
            }
        }
    }

    /// Appends the times at `range`.
    pub(super) fn times(&self, piece: &Piece, range: Range<usize>, out: &mut Vec<i64>) -> Result<()> {
        match &piece.at {
            At::Rollup(_) => Ok(()),
            At::Chunk(chunk) => self.snapshot()?.times(chunk, |times| times.decode(range, out)),
            At::Rows(rows, _) => {
                out.extend_from_slice(&rows.times[range]);
                Ok(())
            }
        }
    }

    /// The samples of `piece` whose times lie in `range`.
    pub(super) fn within(&self, piece: &Piece, range: TimeRange) -> Result<Range<usize>> {
        let (first, last) = piece.extent();
        if range.covers(first, last) {
            return Ok(0..piece.count());
        }
        let bounds = (range.start > first, range.end <= last);
        match &piece.at {
            At::Rollup(_) => Ok(0..0),
            At::Chunk(chunk) => self.snapshot()?.times(chunk, |times| {
                let start = if bounds.0 { times.count_before(range.start)? } else { 0 };
                let end = if bounds.1 { times.count_before(range.end)? } else { chunk.count() };
                Ok(start..end.max(start))
            }),
            At::Rows(rows, _) => {
                let start = rows.times.partition_point(|t| *t < range.start);
                let end = rows.times.partition_point(|t| *t < range.end);
                Ok(start..end.max(start))
            }
        }
    }

    pub(super) fn note_summary(&self) {
        self.from_summary.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_cells(&self, values: u64) {
        self.from_cells.fetch_add(values, Ordering::Relaxed);
    }

    pub(super) fn note_pruned(&self) {
        self.pruned.fetch_add(1, Ordering::Relaxed);
    }

    /// What was read, of `pieces` in all.
    pub(super) fn report(&self, pieces: &[Piece]) -> ScanReport {
        ScanReport {
            chunks_from_summary: self.from_summary.load(Ordering::Relaxed),
            chunks_pruned: self.pruned.load(Ordering::Relaxed),
            samples_decoded: self.decoded.load(Ordering::Relaxed),
            samples_from_log: self.from_log.load(Ordering::Relaxed),
            values_from_cells: self.from_cells.load(Ordering::Relaxed),
            ..report_of(pieces)
        }
    }
}

/// What there is to read.
pub(super) fn report_of(pieces: &[Piece]) -> ScanReport {
    let mut series: Vec<u32> = pieces.iter().map(|p| p.index).collect();
    series.sort_unstable();
    series.dedup();
    let rollups = || pieces.iter().filter_map(Piece::rollup);
    let spans = rollups().map(Rollup::day);
    ScanReport {
        series: series.len() as u64,
        chunks: pieces.iter().filter(|p| !p.is_log() && p.rollup().is_none()).count() as u64,
        rollups: rollups().count() as u64,
        rollup_width_max: rollups().map(|r| r.level().width()).max().unwrap_or(0),
        rollup_span: spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))),
        ..ScanReport::default()
    }
}

/// The bucket that holds `time`: start and first time after it. Without buckets, all of time.
pub(super) fn bucket_of(bucketing: Option<Bucketing>, time: i64) -> (i64, i64) {
    match bucketing {
        Some(Bucketing { every, zone }) => every.bucket(time, zone),
        None => (0, i64::MAX),
    }
}
