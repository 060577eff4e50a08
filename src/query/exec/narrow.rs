//! Makes a scan of samples smaller before it runs, from summaries: the few largest of many million samples lie above a bound
//! that the maxima of stretches give away, and the first ones lie before a time that their counts give away.
//!
//! Invariant: nothing that the answer needs is left out; ties at the bound stay in.

use crate::error::Result;
use crate::model::{Duration, TimeRange, Zone};
use crate::query::ast::CompareOp;
use crate::query::plan::Plan;
use crate::query::plan::context::Context;
use crate::query::plan::schema::Role;
use crate::query::source::{AggregateRow, Bucketing, Needs, Rollups, Scan, ValueFilter};

/// A scan of fewer pieces than this is not worth a look at its summaries first.
const CHUNKS_MIN: u64 = 64;

/// More rows than this are not looked for by their bound.
const ROWS_MAX: usize = 10_000;

/// Stretches of time that are looked at in one step.
const PIECES: i64 = 64;

/// Narrows the scan of `points` as far as its order and limit allow.
pub(crate) fn narrow_points(ctx: &Context<'_>, plan: &Plan, scan: &mut Scan) -> Result<()> {
    let Some(limit) = plan.limit.filter(|l| l.per.is_none() && l.count > 0 && l.count <= ROWS_MAX) else {
        return Ok(());
    };
    if plan.having.is_some() || plan.order.len() > 1 {
        return Ok(());
    }
    let order = plan.order.first().map(|o| (plan.schema.fields[o.field].role, o.descending));
    let one_metric = plan.schema.fields.iter().filter(|f| f.role == Role::Value).count() == 1;
    match order {
        None | Some((Role::Time, false)) => to_ends(ctx, scan, limit.count, false),
        Some((Role::Time, true)) => to_ends(ctx, scan, limit.count, true),
        Some((Role::Value, true)) if one_metric => to_largest(ctx, scan, limit.count),
        _ => Ok(()),
    }
}

fn is_worth_it(ctx: &Context<'_>, scan: &Scan) -> Result<bool> {
    let unfiltered = scan.series.iter().all(|s| matches!(scan.filters.get(s.filter as usize), Some(ValueFilter::True)));
    Ok(unfiltered && !scan.series.is_empty() && ctx.source.estimate(scan)?.chunks >= CHUNKS_MIN)
}

/// Times of the first and last sample that the scan can meet, as a range.
fn extent(ctx: &Context<'_>, scan: &Scan) -> Result<Option<TimeRange>> {
    let mut metrics: Vec<u32> = scan.series.iter().map(|s| s.metric).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let mut range: Option<TimeRange> = None;
    for metric in metrics {
        if let Some((oldest, newest)) = ctx.source.extent(metric)? {
            let end = newest.saturating_add(1);
            let known = range.unwrap_or(TimeRange { start: oldest, end });
            range = Some(TimeRange { start: known.start.min(oldest), end: known.end.max(end) });
        }
    }
    Ok(range
        .map(|r| TimeRange { start: r.start.max(scan.range.start), end: r.end.min(scan.range.end) })
        .filter(|r| !r.is_empty()))
}

fn summaries(
    ctx: &Context<'_>,
    scan: &Scan,
    pieces: i64,
    range: TimeRange,
    maximum: bool,
) -> Result<Vec<AggregateRow>> {
    let width = (range.end.saturating_sub(range.start) / pieces).saturating_add(1);
    let every = Duration::from_ns(width);
    let summary = Scan {
        bucketing: Some(Bucketing { every, zone: Zone::UTC }),
        needs: Needs { summary: true, ..Needs::default() },
        range,
        rollups: Rollups::Never,
        ..scan.clone()
    };
    let outputs = |_: u32, _: i64, state: &mut crate::query::aggregate::GroupState| {
        vec![Some(if maximum { state.max } else { state.count as f64 })]
    };
    Ok(ctx.source.aggregate(&summary, &outputs, ctx.settings.cancel)?.0)
}

/// Narrows `scan` to values that can be among the `count` largest of their group.
pub(crate) fn to_largest(ctx: &Context<'_>, scan: &mut Scan, count: usize) -> Result<()> {
    if count > ROWS_MAX || !is_worth_it(ctx, scan)? {
        return Ok(());
    }
    let Some(range) = extent(ctx, scan)? else { return Ok(()) };
    // Each series is a group of its own here, so that there are many maxima.
    let series_of_group = scan.series.len() / scan.group_count.max(1) as usize;
    let pieces = (4 * count as i64 / series_of_group.max(1) as i64).clamp(1, PIECES);
    let mut single = scan.clone();
    for (i, series) in single.series.iter_mut().enumerate() {
        series.group = i as u32;
    }
    single.group_count = scan.series.len() as u32;
    let mut maxima: Vec<Vec<f64>> = vec![Vec::new(); scan.group_count as usize];
    for row in summaries(ctx, &single, pieces, range, true)? {
        let group = scan.series[row.group as usize].group as usize;
        maxima[group].extend(row.outputs.first().copied().flatten());
    }
    // The count-th largest maximum of a group is a bound: at least so many samples reach it.
    let mut filter_of_group = Vec::with_capacity(maxima.len());
    for list in &mut maxima {
        if list.len() < count {
            filter_of_group.push(0);
            continue;
        }
        let (_, bound, _) = list.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a));
        scan.filters.push(ValueFilter::Compare(CompareOp::GreaterEqual, *bound));
        filter_of_group.push(scan.filters.len() as u32 - 1);
    }
    for series in &mut scan.series {
        series.filter = filter_of_group[series.group as usize];
    }
    Ok(())
}

/// Narrows `scan` to the stretch of time that holds the first (or `last`) `count` samples.
fn to_ends(ctx: &Context<'_>, scan: &mut Scan, count: usize, last: bool) -> Result<()> {
    if !is_worth_it(ctx, scan)? {
        return Ok(());
    }
    let Some(mut range) = extent(ctx, scan)? else { return Ok(()) };
    // Of several metrics one is enough: where it has so many samples, there are at least so many rows.
    let mut counted = scan.clone();
    if let Some(first) = scan.series.first() {
        counted.series.retain(|s| s.metric == first.metric);
    }
    for series in &mut counted.series {
        series.group = 0;
    }
    counted.group_count = 1;
    for _ in 0..3 {
        let mut rows = summaries(ctx, &counted, PIECES, range, false)?;
        if last {
            rows.reverse();
        }
        let width = (range.end.saturating_sub(range.start) / PIECES).saturating_add(1);
        let mut sum = 0.0;
        for row in rows {
            sum += row.outputs.first().copied().flatten().unwrap_or(0.0);
            if sum >= count as f64 {
                let next = row.bucket.saturating_add(width);
                if last {
                    range.start = range.start.max(row.bucket);
                } else {
                    range.end = range.end.min(next);
                }
                break;
            }
        }
        if sum < count as f64 {
            return Ok(());
        }
        scan.range = range;
        if sum <= 8.0 * count as f64 + 10_000.0 {
            break;
        }
    }
    Ok(())
}
