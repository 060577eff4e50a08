//! Runs `points`: samples as they are, those of equal labels and time in one row.
//!
//! Where a condition pins one metric down, that metric is read first, and of the others only the series and the times that
//! it leaves are looked at. Samples that share series and time are paired in their order of arrival.

use super::narrow;
use crate::error::{Error, Result};
use crate::model::{Cells, Column, Table, TimeRange};
use crate::query::plan::Plan;
use crate::query::plan::context::Context;
use crate::query::plan::points::{LabelSet, PointColumns};
use crate::query::plan::residual::RowFilter;
use crate::query::plan::schema::Role;
use crate::query::source::{Needs, Rollups, Scan, ScanReport, ScanSeries, SeriesSamples, ValueFilter};
use std::sync::Arc;

/// Rows in columns: time, label set, and one value a metric, NaN where it is missing.
pub(crate) struct Rows {
    width: usize,
    pub(crate) times: Vec<i64>,
    pub(crate) sets: Vec<u32>,
    values: Vec<f64>,
}

/// What is read: which label set and which column each series of the scan stands for.
pub(crate) struct Reading {
    pub(crate) scan: Scan,
    of: Vec<(usize, usize)>,
}

/// Runs `plan`.
pub(crate) fn run(
    ctx: &Context<'_>,
    plan: &Plan,
    columns: &PointColumns,
    sets: &[LabelSet],
) -> Result<(Table, ScanReport)> {
    let mut report = ScanReport::default();
    let rows = if columns.metrics.len() == 1 {
        one_metric(ctx, plan, columns, sets, &mut report)?
    } else {
        several_metrics(ctx, plan, columns, sets, &mut report)?
    };
    let order = rows.order(plan, &label_ranks(columns, sets, &rows.sets));
    check_count(ctx, plan, order.len(), rows.width)?;
    Ok((table(plan, columns, sets, &rows, &order), report))
}

/// The scan of some series, with `filters` by label set.
pub(crate) fn reading(
    ctx: &Context<'_>,
    plan: &Plan,
    columns: &PointColumns,
    of: Vec<(usize, usize)>,
    sets: &[LabelSet],
    filters: Vec<ValueFilter>,
) -> Reading {
    let by_set = filters.len() > 1;
    let series = of.iter().filter_map(|(set, column)| {
        let metric = ctx.metrics[columns.metrics[*column]].id;
        let filter = if by_set { sets[*set].filter } else { 0 };
        Some(ScanSeries { metric, series: sets[*set].series[*column]?, group: 0, filter })
    });
    let scan = Scan {
        series: series.collect(),
        group_count: 1,
        range: plan.window.range,
        bucketing: None,
        filters,
        needs: Needs::default(),
        memory_max: ctx.settings.memory_max,
        rollups: Rollups::Never,
    };
    Reading { scan, of }
}

fn read(ctx: &Context<'_>, scan: &Scan, report: &mut ScanReport) -> Result<Vec<SeriesSamples>> {
    if scan.series.is_empty() || scan.range.is_empty() {
        return Ok(Vec::new());
    }
    let (samples, read) = ctx.source.samples(scan, ctx.settings.cancel)?;
    report.add(&read);
    Ok(samples)
}

fn one_metric(
    ctx: &Context<'_>,
    plan: &Plan,
    columns: &PointColumns,
    sets: &[LabelSet],
    report: &mut ScanReport,
) -> Result<Rows> {
    let filters: Vec<ValueFilter> = plan.filters.iter().map(RowFilter::value_filter).collect();
    let of = (0..sets.len()).map(|set| (set, 0)).collect();
    let mut reading = reading(ctx, plan, columns, of, sets, filters);
    narrow::narrow_points(ctx, plan, &mut reading.scan)?;
    let samples = read(ctx, &reading.scan, report)?;
    let count = samples.iter().map(|s| s.times.len()).sum();
    let mut rows = Rows::new(1);
    check_count(ctx, plan, count, 1)?;
    rows.times.reserve_exact(count);
    for series in samples {
        let set = reading.of[series.index as usize].0 as u32;
        rows.sets.resize(rows.sets.len() + series.times.len(), set);
        rows.times.extend_from_slice(&series.times);
        rows.values.extend_from_slice(&series.values);
    }
    Ok(rows)
}

fn several_metrics(
    ctx: &Context<'_>,
    plan: &Plan,
    columns: &PointColumns,
    sets: &[LabelSet],
    report: &mut ScanReport,
) -> Result<Rows> {
    let candidates = candidates(ctx, plan, columns, sets, report)?;
    let mut of = Vec::new();
    for (set, (entry, times)) in sets.iter().zip(&candidates).enumerate() {
        if times.as_ref().is_none_or(|t| !t.is_empty()) {
            let columns = entry.series.iter().enumerate().filter(|(_, s)| s.is_some());
            of.extend(columns.map(|(column, _)| (set, column)));
        }
    }
    let mut reading = reading(ctx, plan, columns, of, sets, vec![ValueFilter::True]);
    if let Some(range) = range_of(&candidates) {
        reading.scan.range = range;
    } else if candidates.iter().all(Option::is_none) {
        narrow::narrow_points(ctx, plan, &mut reading.scan)?;
    }
    let samples = read(ctx, &reading.scan, report)?;
    let mut rows = Rows::new(columns.metrics.len());
    let mut start = 0;
    while start < samples.len() {
        ctx.settings.cancel.check()?;
        let set = reading.of[samples[start].index as usize].0;
        let same_set = |s: &SeriesSamples| reading.of[s.index as usize].0 == set;
        let end = start + samples[start..].iter().take_while(|s| same_set(s)).count();
        let mut of_columns: Vec<Option<&SeriesSamples>> = vec![None; columns.metrics.len()];
        for one in &samples[start..end] {
            of_columns[reading.of[one.index as usize].1] = Some(one);
        }
        let filter = &plan.filters[sets[set].filter as usize];
        rows.merge(set as u32, &of_columns, candidates[set].as_deref(), filter);
        check_count(ctx, plan, rows.times.len(), rows.width)?;
        start = end;
    }
    Ok(rows)
}

/// For each label set the times that can match, found by reading the one metric that its filter pins down; `None` where the
/// filter pins none down.
fn candidates(
    ctx: &Context<'_>,
    plan: &Plan,
    columns: &PointColumns,
    sets: &[LabelSet],
    report: &mut ScanReport,
) -> Result<Vec<Option<Vec<i64>>>> {
    let drivers: Vec<_> = plan.filters.iter().map(RowFilter::driver).collect();
    let filters: Vec<ValueFilter> =
        drivers.iter().map(|d| d.as_ref().map_or(ValueFilter::True, |d| d.1.clone())).collect();
    let mut times: Vec<Option<Vec<i64>>> = Vec::with_capacity(sets.len());
    let mut of = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        let driver = drivers[set.filter as usize].as_ref().map(|d| d.0 as usize);
        times.push(driver.map(|_| Vec::new()));
        of.extend(driver.filter(|column| set.series[*column].is_some()).map(|column| (i, column)));
    }
    let mut reading = reading(ctx, plan, columns, of, sets, vec![ValueFilter::True]);
    for (series, (set, _)) in reading.scan.series.iter_mut().zip(&reading.of) {
        series.filter = sets[*set].filter;
    }
    reading.scan.filters = filters;
    for mut series in read(ctx, &reading.scan, report)? {
        series.times.dedup();
        times[reading.of[series.index as usize].0] = Some(series.times);
    }
    Ok(times)
}

/// The smallest range that holds all candidates; `None` where a label set has no candidates to go by.
fn range_of(candidates: &[Option<Vec<i64>>]) -> Option<TimeRange> {
    if candidates.is_empty() || candidates.iter().any(Option::is_none) {
        return None;
    }
    let all = || candidates.iter().flatten();
    let start = all().filter_map(|t| t.first()).min().copied().unwrap_or(0);
    let end = all().filter_map(|t| t.last()).max().map_or(start, |t| t.saturating_add(1));
    Some(TimeRange { start, end })
}

impl Rows {
    fn new(width: usize) -> Self {
        Self { width, times: Vec::new(), sets: Vec::new(), values: Vec::new() }
    }

    /// Adds the rows of one label set that pass `filter`; with `candidates` only those of these times.
    fn merge(&mut self, set: u32, columns: &[Option<&SeriesSamples>], candidates: Option<&[i64]>, filter: &RowFilter) {
        let times = |c: usize| columns[c].map_or(&[][..], |s| s.times.as_slice());
        let mut at = vec![0_usize; columns.len()];
        let mut row = vec![f64::NAN; columns.len()];
        let mut wanted = candidates.map(|t| t.iter().copied());
        loop {
            let next = match &mut wanted {
                Some(wanted) => wanted.next(),
                None => (0..columns.len()).filter_map(|c| times(c).get(at[c]).copied()).min(),
            };
            let Some(time) = next else { return };
            let mut ends = at.clone();
            for c in 0..columns.len() {
                at[c] += times(c)[at[c]..].iter().take_while(|t| **t < time).count();
                ends[c] = at[c] + times(c)[at[c]..].iter().take_while(|t| **t == time).count();
            }
            // The first sample of each metric makes the first row of this time, the second ones the second, and so on.
            while (0..columns.len()).any(|c| at[c] < ends[c]) {
                for c in 0..columns.len() {
                    let here = columns[c].filter(|_| at[c] < ends[c]);
                    row[c] = here.map_or(f64::NAN, |s| s.values[at[c]]);
                    at[c] += usize::from(here.is_some());
                }
                if filter.holds(&row) {
                    self.times.push(time);
                    self.sets.push(set);
                    self.values.extend_from_slice(&row);
                }
            }
        }
    }

    /// The rows by time, then labels, then order of arrival; only the first ones where no other clause can ask for more.
    fn order(&self, plan: &Plan, ranks: &[u32]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.times.len()).collect();
        let key = |row: &usize| (self.times[*row], ranks[self.sets[*row] as usize], *row);
        if let (Some(limit), true, None) = (plan.limit, plan.order.is_empty(), &plan.having)
            && limit.per.is_none()
            && limit.count < order.len()
        {
            if limit.count > 0 {
                order.select_nth_unstable_by_key(limit.count - 1, key);
            }
            order.truncate(limit.count);
        }
        order.sort_unstable_by_key(key);
        order
    }
}

/// The place of each label set that has rows when those are sorted by their labels.
fn label_ranks(columns: &PointColumns, sets: &[LabelSet], with_rows: &[u32]) -> Vec<u32> {
    let mut ranks = vec![0; sets.len()];
    let mut seen = vec![false; sets.len()];
    let mut sorted: Vec<u32> = Vec::new();
    for set in with_rows {
        if !std::mem::replace(&mut seen[*set as usize], true) {
            sorted.push(*set);
        }
    }
    sorted.sort_unstable_by_key(|set| columns.labels(&sets[*set as usize]));
    for (rank, set) in sorted.iter().enumerate() {
        ranks[*set as usize] = rank as u32;
    }
    ranks
}

/// Refuses more rows than the limits allow. With `having` or `limit` the answer may be smaller than what it is made from, and
/// then only memory counts.
fn check_count(ctx: &Context<'_>, plan: &Plan, count: usize, width: usize) -> Result<()> {
    let hint = "add `limit`, a condition, or ask for a shorter range";
    let row_max = ctx.settings.row_max;
    if count > row_max && plan.limit.is_none() && plan.having.is_none() {
        return Err(Error::limit(format!("`points` has {count} rows and more, but an answer at most {row_max}"), hint));
    }
    let len = (count as u64).saturating_mul(48 + 16 * width as u64);
    if len > ctx.settings.memory_max {
        let limit = ctx.settings.memory_max;
        return Err(Error::limit(
            format!("{count} rows need about {len} bytes of memory, but {limit} is the limit"),
            hint,
        ));
    }
    Ok(())
}

fn table(plan: &Plan, columns: &PointColumns, sets: &[LabelSet], rows: &Rows, order: &[usize]) -> Table {
    let mut table = Table::default();
    let mut texts: Vec<Option<Arc<str>>> = vec![None; sets.len()];
    let mut key = 0;
    let mut column = 0;
    for field in &plan.schema.fields {
        let cells = match field.role {
            Role::Time => Cells::Time(order.iter().map(|r| Some(rows.times[*r])).collect()),
            Role::Key if key < plan.groups.keys().len() => {
                let text = |r: &usize| plan.groups.text(sets[rows.sets[*r] as usize].group, key);
                let cells = Cells::Text(order.iter().map(text).collect());
                key += 1;
                cells
            }
            Role::Key => {
                let mut cells = Vec::with_capacity(order.len());
                for row in order {
                    let set = rows.sets[*row] as usize;
                    let text = texts[set].get_or_insert_with(|| columns.labels(&sets[set]).to_string().into());
                    cells.push(Some(Arc::clone(text)));
                }
                Cells::Text(cells)
            }
            Role::Value | Role::Hidden => {
                let value = |r: &usize| Some(rows.values[r * rows.width + column]).filter(|v| !v.is_nan());
                let cells = Cells::Number(order.iter().map(value).collect());
                column += 1;
                cells
            }
        };
        table.columns.push(Column { unit: field.unit.clone(), ..Column::new(field.name.clone(), cells) });
    }
    table
}
