//! The rows of an aggregation before arithmetic: groups and buckets down, the results of each input across.
//!
//! Invariant: rows are sorted by group, then bucket, and unique; `present` says where an input has samples.

use super::fill;
use crate::error::Result;
use crate::model::Cancel;
use crate::query::ast::Fill;
use crate::query::plan::Plan;
use crate::query::plan::context::Context;
use crate::query::plan::scans::batches;
use crate::query::source::{AggregateRow, ScanReport};

/// The results of one input.
pub(crate) struct InputCells {
    /// For each row whether the input has samples there.
    pub(crate) present: Vec<bool>,
    /// The outputs, one column each.
    pub(crate) outputs: Vec<Vec<Option<f64>>>,
}

/// The rows and what each input has there.
pub(crate) struct Grid {
    /// The group of each row.
    pub(crate) groups: Vec<u32>,
    /// The bucket of each row; 0 without buckets.
    pub(crate) buckets: Vec<i64>,
    /// The inputs.
    pub(crate) inputs: Vec<InputCells>,
}

/// Turns the state of a group into outputs: input, bucket, state.
pub(crate) type FinishInput<'a> =
    &'a (dyn Fn(usize, i64, &mut crate::query::aggregate::GroupState) -> Vec<Option<f64>> + Sync);

/// Runs the scans of `plan`. Gives the rows of each input, by group of the plan, then bucket.
pub(crate) fn scan(
    ctx: &Context<'_>,
    plan: &Plan,
    finish: FinishInput<'_>,
) -> Result<(Vec<Vec<AggregateRow>>, ScanReport)> {
    let mut rows: Vec<Vec<AggregateRow>> = plan.inputs.list.iter().map(|_| Vec::new()).collect();
    let mut report = ScanReport::default();
    for batch in batches(plan, ctx.settings.memory_max, |m| ctx.metrics[m as usize].id) {
        let of_group = |group: u32, bucket: i64, state: &mut _| {
            let input = batch.groups.get(group as usize).map_or(0, |g| g.0);
            finish(input as usize, bucket, state)
        };
        let (found, read) = ctx.source.aggregate(&batch.scan, &of_group, ctx.settings.cancel)?;
        report.add(&read);
        for row in found {
            if let Some((input, group)) = batch.groups.get(row.group as usize) {
                rows[*input as usize].push(AggregateRow { group: *group, ..row });
            }
        }
    }
    Ok((rows, report))
}

impl Grid {
    /// Lays the rows of each input out; `widths` says how many outputs each has. With a fill, every group gets all buckets.
    pub(crate) fn new(
        plan: &Plan,
        rows: Vec<Vec<AggregateRow>>,
        widths: &[usize],
        row_max: usize,
        cancel: &Cancel,
    ) -> Result<Self> {
        // What only `having` and `order by` read makes no rows of its own.
        let shown = rows.iter().zip(&plan.inputs.list).filter(|(_, input)| input.shown).map(|(rows, _)| rows);
        let mut keys: Vec<(u32, i64)> = shown.flatten().map(|r| (r.group, r.bucket)).collect();
        if rows.len() > 1 {
            keys.sort_unstable();
            keys.dedup();
        }
        cancel.check()?;
        if plan.fill != Fill::None {
            keys = all_buckets(plan, &keys, row_max)?;
        }
        let inputs = rows.into_iter().zip(widths).map(|(rows, width)| lay_out(&keys, rows, *width)).collect();
        let (groups, buckets) = keys.into_iter().unzip();
        Ok(Self { groups, buckets, inputs })
    }

    /// How many rows there are.
    pub(crate) fn row_count(&self) -> usize {
        self.groups.len()
    }

    /// The stretches of rows of one group each.
    pub(crate) fn stretches(&self) -> Vec<std::ops::Range<usize>> {
        let mut stretches = Vec::new();
        let mut start = 0;
        for end in 1..=self.groups.len() {
            if end == self.groups.len() || self.groups[end] != self.groups[start] {
                stretches.push(start..end);
                start = end;
            }
        }
        stretches
    }
}

/// Every group with each bucket of the filled span.
fn all_buckets(plan: &Plan, keys: &[(u32, i64)], row_max: usize) -> Result<Vec<(u32, i64)>> {
    let bounds = keys.iter().map(|k| k.1).fold(None, |bounds: Option<(i64, i64)>, b| {
        Some(bounds.map_or((b, b), |(low, high)| (low.min(b), high.max(b))))
    });
    let Some((first, last)) = bounds else { return Ok(Vec::new()) };
    let mut groups: Vec<u32> = keys.iter().map(|k| k.0).collect();
    groups.dedup();
    let (first, last) = fill::span(&plan.window, first, last);
    let buckets = fill::buckets(&plan.window, first, last, groups.len(), row_max)?;
    Ok(groups.iter().flat_map(|g| buckets.iter().map(|b| (*g, *b))).collect())
}

fn lay_out(keys: &[(u32, i64)], rows: Vec<AggregateRow>, width: usize) -> InputCells {
    let mut present = vec![false; keys.len()];
    let mut outputs = vec![vec![None; keys.len()]; width];
    let mut at = 0;
    for row in rows {
        // Both are sorted, so the place of a row lies behind that of the row before.
        while at < keys.len() && keys[at] < (row.group, row.bucket) {
            at += 1;
        }
        if at == keys.len() {
            break;
        }
        if keys[at] == (row.group, row.bucket) {
            present[at] = true;
            for (column, value) in outputs.iter_mut().zip(row.outputs) {
                column[at] = value;
            }
        }
    }
    InputCells { present, outputs }
}
