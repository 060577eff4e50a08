//! Runs `histogram`: the buckets of values of each group.

use super::grid::{Grid, scan};
use super::{aggregate, notes};
use crate::error::Result;
use crate::model::{Cells, Column, Table};
use crate::query::plan::Plan;
use crate::query::plan::context::Context;
use crate::query::source::ScanReport;
use crate::stats;

/// Runs `plan`, which asks for `bin_count` buckets of values.
pub(crate) fn run(ctx: &Context<'_>, plan: &Plan, bin_count: usize) -> Result<(Table, ScanReport)> {
    let (rows, report) = scan(ctx, plan, &|_, _, state| {
        let bins = stats::histogram(&state.values, bin_count);
        bins.iter().flat_map(|b| [Some(b.low), Some(b.high), Some(b.count as f64)]).collect()
    })?;
    let rows: Vec<_> = rows.into_iter().flatten().collect();
    let mut grid = Grid { groups: Vec::new(), buckets: Vec::new(), inputs: Vec::new() };
    let (mut low, mut high, mut count) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        for bin in row.outputs.chunks_exact(3) {
            grid.groups.push(row.group);
            grid.buckets.push(row.bucket);
            low.push(bin[0]);
            high.push(bin[1]);
            count.push(bin[2].map(|c| c as i64));
        }
    }
    let mut table = Table::default();
    aggregate::push_time_and_keys(plan, &grid, &mut table);
    let columns = [Cells::Number(low), Cells::Number(high), Cells::Integer(count)];
    let first = table.columns.len();
    for (field, cells) in plan.schema.fields[first..].iter().zip(columns) {
        table.columns.push(Column { unit: field.unit.clone(), ..Column::new(field.name.clone(), cells) });
    }
    notes::partial_buckets(plan, &grid.buckets, &mut table.notes);
    Ok((table, report))
}
