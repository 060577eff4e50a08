//! The engine over a store's snapshot.

use super::aggregate::aggregate;
use super::piece::{Piece, Reader, Rows, report_of};
use super::rolled::Rolled;
use super::samples::samples;
use crate::error::Result;
use crate::model::{Cancel, TimeRange};
use crate::query::source::{
    AggregateRow, Catalog, Finish, MetricId, MetricInfo, Scan, ScanReport, SeriesInfo, SeriesSamples, Source,
};
use crate::storage::{Snapshot, Store};
use hashbrown::HashMap;
use std::sync::Arc;

/// Answers from a snapshot of a store.
#[derive(Debug)]
pub struct Embedded {
    // Dropped first: a snapshot ends when its store closes.
    snapshot: Snapshot,
    store: Arc<Store>,
}

/// Series are looked up one by one where the metric has this many times as many.
const SEEK_SHARE: usize = 8;

impl Embedded {
    /// The engine over what `store` holds now. It keeps the store open.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn new(store: Arc<Store>) -> Result<Self> {
        Ok(Self { snapshot: store.snapshot()?, store })
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Time of the newest sample of all, ns; `None` without samples.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn newest(&self) -> Result<Option<i64>> {
        self.snapshot.newest()
    }

    /// The pieces of `scan`, ordered by group, then series, then order of arrival; and what is to be said about rollups.
    fn pieces(&self, scan: &Scan) -> Result<(Vec<Piece>, ScanReport)> {
        let mut by_metric: HashMap<MetricId, Vec<(u32, u32)>> = HashMap::new();
        for (index, series) in scan.series.iter().enumerate() {
            by_metric.entry(series.metric).or_default().push((series.series, index as u32));
        }
        let mut pieces = Vec::new();
        let mut report = ScanReport::default();
        for (metric, mut wanted) in by_metric {
            wanted.sort_unstable();
            let rolled = Rolled::choose(scan, &self.snapshot.rolled_days(metric)?)?;
            self.rollups_of_metric(metric, &wanted, &rolled, &mut pieces)?;
            report.rollup_cut |= rolled.cut;
            report.dropped_until = report.dropped_until.max(rolled.dropped_until);
            self.pieces_of_metric(metric, &wanted, scan.range, &rolled, &mut pieces)?;
        }
        // A series' chunks come by day and time; order of arrival matters only among equal times.
        pieces.sort_by_key(|p| (scan.series[p.index as usize].group, p.index, p.order()));
        Ok((pieces, report))
    }

    /// `wanted`: series number and index in the scan, sorted.
    fn rollups_of_metric(
        &self,
        metric: MetricId,
        wanted: &[(u32, u32)],
        rolled: &Rolled,
        pieces: &mut Vec<Piece>,
    ) -> Result<()> {
        let index_of = |series: u32| wanted.binary_search_by_key(&series, |w| w.0).ok().map(|i| wanted[i].1);
        for (first, last, level) in &rolled.stretches {
            let found = self.snapshot.rollups(metric, *level, (*first, *last), |series| index_of(series).is_some())?;
            pieces.extend(found.into_iter().filter_map(|r| Some(Piece::of_rollup(index_of(r.series())?, r))));
        }
        Ok(())
    }

    /// `wanted`: series number and index in the scan, sorted.
    fn pieces_of_metric(
        &self,
        metric: MetricId,
        wanted: &[(u32, u32)],
        range: TimeRange,
        rolled: &Rolled,
        pieces: &mut Vec<Piece>,
    ) -> Result<()> {
        let index_of = |series: u32| wanted.binary_search_by_key(&series, |w| w.0).ok().map(|i| wanted[i].1);
        let few: Vec<u32> = wanted.iter().map(|w| w.0).collect();
        let span = wanted.last().map_or(0, |l| l.0 as usize) - wanted.first().map_or(0, |f| f.0 as usize);
        // Numbers far apart mean that the metric has many other series between these.
        let few = (few.len() < 4 || span > few.len() * SEEK_SHARE).then_some(few.as_slice());
        for chunk in self.snapshot.chunks(metric, range, |series| index_of(series).is_some(), few)? {
            if let Some(index) = index_of(chunk.series())
                && !rolled.replaces(chunk.extent().0)
            {
                pieces.push(Piece::of_chunk(index, chunk));
            }
        }
        for (series, index) in wanted {
            if let Some((times, values)) = self.snapshot.log_rows(*series)? {
                let inside = |t: &i64| range.contains(*t);
                if times.iter().any(inside)
                    && let Some(rows) = Rows::new(times.to_vec(), values.to_vec())
                {
                    pieces.push(Piece::of_rows(*index, Arc::new(rows), true));
                }
            }
        }
        Ok(())
    }
}

impl Catalog for Embedded {
    fn metrics(&self) -> Result<Vec<MetricInfo>> {
        Ok(self.snapshot.metrics()?.into_iter().map(|(id, name, meta)| MetricInfo { id, name, meta }).collect())
    }

    fn series(&self, metric: MetricId) -> Result<Vec<SeriesInfo>> {
        let series = self.snapshot.series(metric)?;
        Ok(series.into_iter().map(|(id, labels)| SeriesInfo { id, metric, labels }).collect())
    }

    fn series_with(&self, metric: MetricId, wanted: &[(&str, &str)]) -> Result<Vec<SeriesInfo>> {
        let series = self.snapshot.series_with(metric, wanted)?;
        Ok(series.into_iter().map(|(id, labels)| SeriesInfo { id, metric, labels }).collect())
    }

    fn extent(&self, metric: MetricId) -> Result<Option<(i64, i64)>> {
        self.snapshot.extent(metric)
    }
}

impl Source for Embedded {
    fn aggregate(&self, scan: &Scan, finish: Finish<'_>, cancel: &Cancel) -> Result<(Vec<AggregateRow>, ScanReport)> {
        let (pieces, said) = self.pieces(scan)?;
        let reader = Reader::new(Some(&self.snapshot));
        let rows = aggregate(scan, &pieces, &reader, finish, cancel)?;
        Ok((rows, with(reader.report(&pieces), &said)))
    }

    fn samples(&self, scan: &Scan, cancel: &Cancel) -> Result<(Vec<SeriesSamples>, ScanReport)> {
        let (pieces, said) = self.pieces(scan)?;
        let reader = Reader::new(Some(&self.snapshot));
        let found = samples(scan, &pieces, &reader, cancel)?;
        Ok((found, with(reader.report(&pieces), &said)))
    }

    fn estimate(&self, scan: &Scan) -> Result<ScanReport> {
        let (pieces, said) = self.pieces(scan)?;
        Ok(with(report_of(&pieces), &said))
    }
}

/// Both reports in one.
fn with(mut report: ScanReport, said: &ScanReport) -> ScanReport {
    report.add(said);
    report
}
