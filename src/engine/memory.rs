//! The engine over samples in memory: a file asked directly, and the reference that tests compare the store with.

use super::aggregate::aggregate;
use super::piece::{Piece, Reader, Rows, report_of};
use super::samples::samples;
use crate::error::Result;
use crate::model::{Cancel, Columns, MetricMeta, SeriesSet};
use crate::query::source::{
    AggregateRow, Catalog, Finish, MetricId, MetricInfo, Scan, ScanReport, SeriesInfo, SeriesSamples, Source,
};
use hashbrown::HashMap;
use std::sync::Arc;

/// Samples in memory.
#[derive(Debug, Default)]
pub struct Memory {
    metrics: Vec<MetricInfo>,
    /// By series number; `None` of a series without samples.
    series: Vec<(SeriesInfo, Option<Arc<Rows>>)>,
}

impl Memory {
    /// The samples of `columns`, whose series `set` numbers. `metas` says what is known of metrics; the names give away the rest.
    pub fn new(set: &SeriesSet, columns: &Columns, metas: &[(String, MetricMeta)]) -> Self {
        let mut ids: HashMap<&str, MetricId> = HashMap::new();
        let mut metrics: Vec<MetricInfo> = Vec::new();
        let metric = |name: &str| -> MetricInfo {
            MetricInfo { id: 0, name: name.to_owned(), meta: MetricMeta::guess(name).unwrap_or_default() }
        };
        let mut columns_of: Vec<(Vec<i64>, Vec<f64>)> = vec![(Vec::new(), Vec::new()); set.count()];
        for ((id, time), value) in columns.series.iter().zip(&columns.times).zip(&columns.values) {
            columns_of[*id as usize].0.push(*time);
            columns_of[*id as usize].1.push(*value);
        }
        let mut series = Vec::with_capacity(set.count());
        for (id, (one, (times, values))) in set.list().iter().zip(columns_of).enumerate() {
            let metric_id = *ids.entry(&one.metric).or_insert_with(|| {
                metrics.push(MetricInfo { id: metrics.len() as MetricId, ..metric(&one.metric) });
                metrics.len() as MetricId - 1
            });
            let info = SeriesInfo { id: id as u32, metric: metric_id, labels: one.labels.clone() };
            series.push((info, Rows::new(times, values).map(Arc::new)));
        }
        for (name, meta) in metas {
            if let Some(known) = metrics.iter_mut().find(|m| m.name == *name) {
                known.meta = meta.clone();
            }
        }
        Self { metrics, series }
    }

    fn pieces(&self, scan: &Scan) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (index, wanted) in scan.series.iter().enumerate() {
            let Some((_, Some(rows))) = self.series.get(wanted.series as usize) else { continue };
            let piece = Piece::of_rows(index as u32, Arc::clone(rows), false);
            let (first, last) = piece.extent();
            if scan.range.touches(first, last) {
                pieces.push(piece);
            }
        }
        pieces.sort_by_key(|p| (scan.series[p.index as usize].group, p.index));
        pieces
    }
}

impl Catalog for Memory {
    fn metrics(&self) -> Result<Vec<MetricInfo>> {
        let mut all = self.metrics.clone();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    fn series(&self, metric: MetricId) -> Result<Vec<SeriesInfo>> {
        Ok(self.series.iter().filter(|s| s.0.metric == metric).map(|s| s.0.clone()).collect())
    }

    fn extent(&self, metric: MetricId) -> Result<Option<(i64, i64)>> {
        let of_metric = self.series.iter().filter(|s| s.0.metric == metric).filter_map(|s| s.1.as_ref());
        Ok(of_metric
            .map(|rows| (rows.times[0], rows.times[rows.times.len() - 1]))
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))))
    }
}

impl Source for Memory {
    fn aggregate(&self, scan: &Scan, finish: Finish<'_>, cancel: &Cancel) -> Result<(Vec<AggregateRow>, ScanReport)> {
        let pieces = self.pieces(scan);
        let reader = Reader::new(None);
        let rows = aggregate(scan, &pieces, &reader, finish, cancel)?;
        Ok((rows, reader.report(&pieces)))
    }

    fn samples(&self, scan: &Scan, cancel: &Cancel) -> Result<(Vec<SeriesSamples>, ScanReport)> {
        let pieces = self.pieces(scan);
        let reader = Reader::new(None);
        let found = samples(scan, &pieces, &reader, cancel)?;
        Ok((found, reader.report(&pieces)))
    }

    fn estimate(&self, scan: &Scan) -> Result<ScanReport> {
        Ok(report_of(&self.pieces(scan)))
    }
}
