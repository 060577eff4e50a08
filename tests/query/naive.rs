//! Samples in a list, and a source over them that does everything the slow and obvious way.

use perfdb::error::Result;
use perfdb::model::{Cancel, Kind, Labels, MetricMeta};
use perfdb::query::aggregate::GroupState;
use perfdb::query::source::{
    AggregateRow, Catalog, Finish, MetricId, MetricInfo, Scan, ScanReport, SeriesId, SeriesInfo, SeriesSamples, Source,
    ValueFilter,
};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A store of few samples.
#[derive(Default)]
pub(crate) struct Naive {
    metrics: Vec<MetricInfo>,
    series: Vec<SeriesInfo>,
    /// Series, time (ns), value, in order of arrival.
    samples: Vec<(SeriesId, i64, f64)>,
    /// The needs of every scan so far, for tests of how often and how a query reads.
    pub(crate) scans: Mutex<Vec<Scan>>,
    /// Chunks that an estimate claims.
    pub(crate) chunks: u64,
}

impl Naive {
    /// Adds samples of the series `metric` with `labels` (`agent=scout host=a`): seconds from noon, and values.
    pub(crate) fn with(mut self, metric: &str, labels: &str, samples: &[(f64, f64)]) -> Self {
        let pairs = labels.split_whitespace().map(|pair| pair.split_once('=').unwrap());
        let labels = Labels::new(pairs).unwrap();
        let metric = self.metric(metric);
        let known = self.series.iter().find(|s| s.metric == metric && s.labels == labels).map(|s| s.id);
        let id = known.unwrap_or_else(|| {
            let id = self.series.len() as SeriesId;
            self.series.push(SeriesInfo { id, metric, labels });
            id
        });
        for (seconds, value) in samples {
            let time = super::NOON * 1_000_000_000 + (seconds * 1e9) as i64;
            self.samples.push((id, time, *value));
        }
        self
    }

    /// Gives `metric` a unit (unless empty) and a kind.
    pub(crate) fn meta(mut self, metric: &str, unit: &str, kind: Option<Kind>) -> Self {
        let id = self.metric(metric);
        self.metrics[id as usize].meta = MetricMeta { unit: unit.parse().ok(), kind, ..MetricMeta::default() };
        self
    }

    fn metric(&mut self, name: &str) -> MetricId {
        if let Some(known) = self.metrics.iter().find(|m| m.name == name) {
            return known.id;
        }
        let id = self.metrics.len() as MetricId;
        self.metrics.push(MetricInfo { id, name: name.into(), meta: MetricMeta::default() });
        id
    }

    /// The samples of one series that `scan` asks for, in order of time and arrival, each with its order of arrival.
    fn matching(&self, series: SeriesId, filter: &ValueFilter, scan: &Scan) -> Vec<(i64, u64, f64)> {
        let of_series = self.samples.iter().enumerate().filter(|(_, s)| s.0 == series && scan.range.contains(s.1));
        let mut found: Vec<(i64, u64, f64)> =
            of_series.filter(|(_, s)| filter.matches(s.2)).map(|(order, s)| (s.1, order as u64, s.2)).collect();
        found.sort_by_key(|s| (s.0, s.1));
        found
    }
}

impl Catalog for Naive {
    fn metrics(&self) -> Result<Vec<MetricInfo>> {
        let mut metrics = self.metrics.clone();
        metrics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(metrics)
    }

    fn series(&self, metric: MetricId) -> Result<Vec<SeriesInfo>> {
        Ok(self.series.iter().filter(|s| s.metric == metric).cloned().collect())
    }

    fn extent(&self, metric: MetricId) -> Result<Option<(i64, i64)>> {
        let times = || {
            let of_metric = |id: SeriesId| self.series[id as usize].metric == metric;
            self.samples.iter().filter(move |s| of_metric(s.0)).map(|s| s.1)
        };
        Ok(times().min().zip(times().max()))
    }
}

impl Source for Naive {
    fn aggregate(&self, scan: &Scan, finish: Finish<'_>, _cancel: &Cancel) -> Result<(Vec<AggregateRow>, ScanReport)> {
        self.scans.lock().unwrap().push(scan.clone());
        let mut states: BTreeMap<(u32, i64), GroupState> = BTreeMap::new();
        for one in &scan.series {
            let bucket = |time: i64| scan.bucketing.map_or(0, |b| b.every.bucket(time, b.zone).0);
            let samples = self.matching(one.series, &scan.filters[one.filter as usize], scan);
            let mut ends: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
            for (i, (time, order, value)) in samples.iter().enumerate() {
                let state = states.entry((one.group, bucket(*time))).or_default();
                state.add(scan.needs, Some(&[*time]), &[*value], *order);
                if scan.needs.steps {
                    if i > 0 {
                        state.add_step(samples[i - 1].2, *value);
                    }
                    ends.entry(bucket(*time)).or_insert((*value, *value)).1 = *value;
                }
            }
            for (bucket, (first, last)) in ends {
                states.get_mut(&(one.group, bucket)).unwrap().add_delta(first, last);
            }
        }
        let row = |((group, bucket), mut state): ((u32, i64), GroupState)| AggregateRow {
            group,
            bucket,
            outputs: finish(group, bucket, &mut state),
        };
        Ok((states.into_iter().map(row).collect(), ScanReport::default()))
    }

    fn samples(&self, scan: &Scan, _cancel: &Cancel) -> Result<(Vec<SeriesSamples>, ScanReport)> {
        self.scans.lock().unwrap().push(scan.clone());
        let mut found = Vec::new();
        for (index, one) in scan.series.iter().enumerate() {
            let samples = self.matching(one.series, &scan.filters[one.filter as usize], scan);
            if !samples.is_empty() {
                found.push(SeriesSamples {
                    index: index as u32,
                    times: samples.iter().map(|s| s.0).collect(),
                    values: samples.iter().map(|s| s.2).collect(),
                });
            }
        }
        let report = ScanReport { series: found.len() as u64, ..ScanReport::default() };
        Ok((found, report))
    }

    fn estimate(&self, scan: &Scan) -> Result<ScanReport> {
        Ok(ScanReport { series: scan.series.len() as u64, chunks: self.chunks, ..ScanReport::default() })
    }
}
