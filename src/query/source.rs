//! What a query needs of the place where samples are: two traits, implemented in `engine`.

use super::aggregate::GroupState;
use super::ast::CompareOp;
use crate::error::Result;
use crate::model::{Cancel, Duration, Labels, MetricMeta, TimeRange, Zone};

/// Number of a metric within one catalog.
pub type MetricId = u32;

/// Number of a series within one catalog; unique over all metrics.
pub type SeriesId = u32;

/// A metric of a catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricInfo {
    /// Its number.
    pub id: MetricId,
    /// Its name.
    pub name: String,
    /// What is known about it.
    pub meta: MetricMeta,
}

/// A series of a catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesInfo {
    /// Its number.
    pub id: SeriesId,
    /// The metric that it belongs to.
    pub metric: MetricId,
    /// Its labels.
    pub labels: Labels,
}

/// Names and metadata.
pub trait Catalog: Sync {
    /// All metrics, by name.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    fn metrics(&self) -> Result<Vec<MetricInfo>>;

    /// All series of `metric`, by number.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    fn series(&self, metric: MetricId) -> Result<Vec<SeriesInfo>>;

    /// The series of `metric` that carry all the labels `wanted`, by number.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    fn series_with(&self, metric: MetricId, wanted: &[(&str, &str)]) -> Result<Vec<SeriesInfo>> {
        let mut all = self.series(metric)?;
        all.retain(|s| wanted.iter().all(|(label, value)| s.labels.get(label) == Some(value)));
        Ok(all)
    }

    /// Times of the oldest and the newest sample of `metric` (ns), `None` while it has none.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    fn extent(&self, metric: MetricId) -> Result<Option<(i64, i64)>>;
}

/// What an aggregation must know about the samples of a group; the union over all its columns.
#[expect(clippy::struct_excessive_bools, reason = "a set of independent needs, each named where it is asked for")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Count, sum, min, max: answered from summaries where a summary covers the samples.
    pub summary: bool,
    /// First and last sample by time, then by order of arrival.
    pub ends: bool,
    /// Mean and sum of squared deviations.
    pub moments: bool,
    /// Sum of logarithms, and whether all values are above zero.
    pub logs: bool,
    /// All values.
    pub values: bool,
    /// Steps between neighbours of a series: increase and delta.
    pub steps: bool,
    /// The samples themselves: what a rollup keeps of them will not do.
    pub raw: bool,
}

/// A condition on the value of a sample.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueFilter {
    /// Always holds.
    True,
    /// Never holds.
    False,
    /// Compares the value with a number of the metric's own unit.
    Compare(CompareOp, f64),
    /// The value is one of these.
    In(Vec<f64>),
    /// All must hold.
    And(Vec<ValueFilter>),
    /// One must hold.
    Or(Vec<ValueFilter>),
    /// It must not hold.
    Not(Box<ValueFilter>),
}

impl ValueFilter {
    /// Whether the condition holds for `value`.
    ///
    /// ```
    /// use perfdb::query::{ast::CompareOp, source::ValueFilter};
    /// let slow = ValueFilter::Compare(CompareOp::Greater, 90.0);
    /// assert!(slow.matches(90.5));
    /// assert!(!slow.can_match(3.0, 90.0));
    /// ```
    pub fn matches(&self, value: f64) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::Compare(op, with) => match op {
                CompareOp::Equal => value == *with,
                CompareOp::NotEqual => value != *with,
                CompareOp::Less => value < *with,
                CompareOp::LessEqual => value <= *with,
                CompareOp::Greater => value > *with,
                CompareOp::GreaterEqual => value >= *with,
                // The planner refuses a regular expression on a number.
                CompareOp::Regex | CompareOp::NotRegex => false,
            },
            Self::In(list) => list.contains(&value),
            Self::And(all) => all.iter().all(|f| f.matches(value)),
            Self::Or(any) => any.iter().any(|f| f.matches(value)),
            Self::Not(inner) => !inner.matches(value),
        }
    }

    /// Whether any value from `min` to `max` could match. May say yes where none does, never no where one does.
    pub fn can_match(&self, min: f64, max: f64) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::Compare(op, with) => match op {
                CompareOp::Equal => min <= *with && *with <= max,
                CompareOp::NotEqual => !(min == *with && max == *with),
                CompareOp::Less => min < *with,
                CompareOp::LessEqual => min <= *with,
                CompareOp::Greater => max > *with,
                CompareOp::GreaterEqual => max >= *with,
                CompareOp::Regex | CompareOp::NotRegex => true,
            },
            Self::In(list) => list.iter().any(|v| min <= *v && *v <= max),
            Self::And(all) => all.iter().all(|f| f.can_match(min, max)),
            Self::Or(any) => any.iter().any(|f| f.can_match(min, max)),
            Self::Not(inner) => !inner.must_match(min, max),
        }
    }

    /// Whether every value from `min` to `max` matches. May say no where all do, never yes where one does not.
    pub fn must_match(&self, min: f64, max: f64) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::Compare(op, with) => match op {
                CompareOp::Equal => min == *with && max == *with,
                CompareOp::NotEqual => *with < min || max < *with,
                CompareOp::Less => max < *with,
                CompareOp::LessEqual => max <= *with,
                CompareOp::Greater => min > *with,
                CompareOp::GreaterEqual => min >= *with,
                CompareOp::Regex | CompareOp::NotRegex => false,
            },
            Self::In(list) => min == max && list.contains(&min),
            Self::And(all) => all.iter().all(|f| f.must_match(min, max)),
            Self::Or(any) => any.iter().any(|f| f.must_match(min, max)),
            Self::Not(inner) => !inner.can_match(min, max),
        }
    }
}

/// One series to read.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanSeries {
    /// Its metric.
    pub metric: MetricId,
    /// Its number.
    pub series: SeriesId,
    /// The group that its samples fall into.
    pub group: u32,
    /// Index into [`Scan::filters`].
    pub filter: u32,
}

/// How time is cut into buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucketing {
    /// The width.
    pub every: Duration,
    /// The zone that calendar widths follow.
    pub zone: Zone,
}

/// Which samples to read, and how they are grouped.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The series, in any order; a series occurs once.
    pub series: Vec<ScanSeries>,
    /// Groups are numbered `0..group_count`.
    pub group_count: u32,
    /// Which times.
    pub range: TimeRange,
    /// The buckets; `None` makes one of all.
    pub bucketing: Option<Bucketing>,
    /// The conditions on values that series refer to. Index 0 is always there.
    pub filters: Vec<ValueFilter>,
    /// What must be known of each group.
    pub needs: Needs,
    /// Bytes of values that may be held at once.
    pub memory_max: u64,
    /// When rollups are read instead of samples.
    pub rollups: Rollups,
}

/// When rollups are read instead of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rollups {
    /// Never: samples that were dropped are missing.
    Never,
    /// Where the samples were dropped.
    #[default]
    WhereDropped,
    /// Wherever there are any.
    Wherever,
}

/// One group and bucket of an aggregation.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateRow {
    /// The group.
    pub group: u32,
    /// Start of the bucket, ns; 0 without buckets.
    pub bucket: i64,
    /// What the finisher made of the group's state.
    pub outputs: Vec<Option<f64>>,
}

/// The samples of one series.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SeriesSamples {
    /// Index into [`Scan::series`].
    pub index: u32,
    /// Times, ascending; samples of equal time in order of arrival.
    pub times: Vec<i64>,
    /// Values, parallel to `times`.
    pub values: Vec<f64>,
}

/// How an engine would answer, and after a run how it did: named counts for `explain`, in display order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScanReport {
    /// Series read.
    pub series: u64,
    /// Pieces (chunks) that overlap the range.
    pub chunks: u64,
    /// Pieces answered from their summaries.
    pub chunks_from_summary: u64,
    /// Pieces left out because no value of theirs can match.
    pub chunks_pruned: u64,
    /// Samples whose values were decoded.
    pub samples_decoded: u64,
    /// Samples read from the log of recent batches.
    pub samples_from_log: u64,
    /// Rollups read instead of samples: one is the buckets of a series and day.
    pub rollups: u64,
    /// The widest buckets among them, ns.
    pub rollup_width_max: i64,
    /// Start of the first and end of the last day that rollups were read of, ns.
    pub rollup_span: Option<(i64, i64)>,
    /// Values taken from the cells of rollups, which are approximate.
    pub values_from_cells: u64,
    /// Whether the range cuts a bucket of a rollup: it counts where it begins.
    pub rollup_cut: bool,
    /// End of the last day (ns) whose samples were dropped, where samples were asked for.
    pub dropped_until: Option<i64>,
}

impl ScanReport {
    /// The widest buckets of rollups that were read, as people write it.
    pub(crate) fn rollup_width(&self) -> Duration {
        const DAY_NS: i64 = 86_400_000_000_000;
        match self.rollup_width_max {
            DAY_NS => Duration { days: 1, ..Duration::default() },
            ns => Duration::from_ns(ns),
        }
    }

    /// Adds what another scan read.
    pub fn add(&mut self, other: &Self) {
        self.series += other.series;
        self.chunks += other.chunks;
        self.chunks_from_summary += other.chunks_from_summary;
        self.chunks_pruned += other.chunks_pruned;
        self.samples_decoded += other.samples_decoded;
        self.samples_from_log += other.samples_from_log;
        self.rollups += other.rollups;
        self.rollup_width_max = self.rollup_width_max.max(other.rollup_width_max);
        self.rollup_span = match (self.rollup_span, other.rollup_span) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        self.values_from_cells += other.values_from_cells;
        self.rollup_cut |= other.rollup_cut;
        self.dropped_until = self.dropped_until.max(other.dropped_until);
    }
}

/// Turns the state of one group and bucket into the outputs of its row. Runs in parallel. The first argument is the group,
/// the second the start of the bucket (ns).
pub type Finish<'a> = &'a (dyn Fn(u32, i64, &mut GroupState) -> Vec<Option<f64>> + Sync);

/// A place that holds samples and can filter, group and aggregate them.
pub trait Source: Catalog {
    /// Aggregates the samples of `scan`; one row for each group and bucket that has samples, ordered by group, then bucket.
    ///
    /// # Errors
    /// A damaged store, a failed read, [`crate::error::Error::Limit`] past `scan.memory_max`, cancellation.
    fn aggregate(&self, scan: &Scan, finish: Finish<'_>, cancel: &Cancel) -> Result<(Vec<AggregateRow>, ScanReport)>;

    /// The samples of `scan` as they are, one entry for each series that has some, ordered by index.
    ///
    /// # Errors
    /// As for `aggregate`.
    fn samples(&self, scan: &Scan, cancel: &Cancel) -> Result<(Vec<SeriesSamples>, ScanReport)>;

    /// What `aggregate` would read, without reading samples.
    ///
    /// # Errors
    /// As for `aggregate`.
    fn estimate(&self, scan: &Scan) -> Result<ScanReport>;
}
