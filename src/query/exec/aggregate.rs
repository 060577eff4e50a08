//! Runs a query of aggregates: scans, fills, arithmetic, and the table of it.

use super::fill::{fill_times, fill_values};
use super::finish::{finish, time_of, width};
use super::grid::{Grid, scan};
use super::notes;
use crate::error::Result;
use crate::model::{Cells, Column, ColumnType, Table};
use crate::query::ast::Fill;
use crate::query::functions::{Compute, ResultType};
use crate::query::plan::Plan;
use crate::query::plan::context::Context;
use crate::query::plan::expr::Program;
use crate::query::plan::schema::Role;
use crate::query::source::ScanReport;
use crate::stats::CELL_ERROR;

/// Runs `plan`, whose columns are `programs`.
pub(crate) fn run(ctx: &Context<'_>, plan: &Plan, programs: &[Program]) -> Result<(Table, ScanReport)> {
    let inputs = &plan.inputs.list;
    let with_rate = inputs.iter().any(|i| i.reductions.iter().any(|r| r.compute == Compute::Rate));
    let measured = plan.window.measured(if with_rate { notes::extent(ctx, plan)? } else { None });
    let (rows, report) = scan(ctx, plan, &|input, bucket, state| {
        let seconds = if with_rate { plan.window.seconds(bucket, measured) } else { 0.0 };
        finish(&inputs[input].reductions, state, seconds)
    })?;
    let widths: Vec<usize> = inputs.iter().map(|i| i.reductions.iter().map(width).sum()).collect();
    let mut grid = Grid::new(plan, rows, &widths, ctx.settings.row_max, ctx.settings.cancel)?;
    let present = presence(plan, &grid, programs);
    fill_inputs(plan, &mut grid);
    let mut table = Table::default();
    push_time_and_keys(plan, &grid, &mut table);
    let first = table.columns.len();
    for (i, (program, present)) in programs.iter().zip(&present).enumerate() {
        ctx.settings.cancel.check()?;
        let field = &plan.schema.fields[first + i];
        let cells = column(plan, &grid, program, present, field.kind);
        let error_bound = (report.values_from_cells > 0 && reads_values(plan, program)).then_some(CELL_ERROR);
        table.columns.push(Column { unit: field.unit.clone(), error_bound, ..Column::new(field.name.clone(), cells) });
    }
    notes::partial_buckets(plan, &grid.buckets, &mut table.notes);
    notes::rollups(plan, &report, &mut table.notes);
    Ok((table, report))
}

/// Whether `program` reads values, of which rollups know no more than the cell.
fn reads_values(plan: &Plan, program: &Program) -> bool {
    let reduction = |call: &usize| {
        let call = &plan.inputs.calls[*call];
        &plan.inputs.list[call.input].reductions[call.slot]
    };
    program.calls.iter().any(|call| reduction(call).compute == Compute::Quantile)
}

/// The columns that every row begins with.
pub(crate) fn push_time_and_keys(plan: &Plan, grid: &Grid, table: &mut Table) {
    for field in plan.schema.fields.iter().filter(|f| f.role == Role::Time) {
        table.columns.push(Column::time(field.name.clone(), grid.buckets.iter().map(|b| Some(*b))));
    }
    for (key, name) in plan.groups.keys().iter().enumerate() {
        let texts = grid.groups.iter().map(|g| plan.groups.text(*g, key));
        table.columns.push(Column::text(name.name(), texts));
    }
}

/// For each program, the rows in which one of its inputs has samples.
fn presence(plan: &Plan, grid: &Grid, programs: &[Program]) -> Vec<Vec<bool>> {
    let of_program = |program: &Program| {
        let mut present = vec![false; grid.row_count()];
        for call in &program.calls {
            let input = &grid.inputs[plan.inputs.calls[*call].input];
            present.iter_mut().zip(&input.present).for_each(|(p, i)| *p |= i);
        }
        present
    };
    if plan.fill == Fill::None { vec![Vec::new(); programs.len()] } else { programs.iter().map(of_program).collect() }
}

/// Fills each aggregate for itself, so that arithmetic finds a value where only one side has samples.
fn fill_inputs(plan: &Plan, grid: &mut Grid) {
    if matches!(plan.fill, Fill::None | Fill::Null) {
        return;
    }
    let stretches = grid.stretches();
    for (input, cells) in plan.inputs.list.iter().zip(&mut grid.inputs) {
        let mut at = 0;
        for reduction in &input.reductions {
            if width(reduction) == 1 {
                for rows in &stretches {
                    let (times, present) = (&grid.buckets[rows.clone()], &cells.present[rows.clone()]);
                    fill_values(plan.fill, times, present, &mut cells.outputs[at][rows.clone()]);
                }
            }
            at += width(reduction);
        }
    }
}

/// The column of outputs that a call reads.
fn outputs_of<'g>(plan: &Plan, grid: &'g Grid, call: usize) -> &'g [Vec<Option<f64>>] {
    let call = &plan.inputs.calls[call];
    let before = plan.inputs.list[call.input].reductions[..call.slot].iter().map(width).sum::<usize>();
    &grid.inputs[call.input].outputs[before..]
}

fn column(plan: &Plan, grid: &Grid, program: &Program, present: &[bool], kind: ColumnType) -> Cells {
    if program.result == ResultType::Time {
        return Cells::Time(time_column(plan, grid, program, present));
    }
    // By number of the call, so that the loop over rows looks nothing up.
    let mut columns: Vec<&[Option<f64>]> = vec![&[]; plan.inputs.calls.len()];
    for call in &program.calls {
        columns[*call] = outputs_of(plan, grid, *call).first().map_or(&[], Vec::as_slice);
    }
    let mut stack = Vec::new();
    let mut values: Vec<Option<f64>> = (0..grid.row_count())
        .map(|row| program.evaluate(&mut stack, |call| columns[call].get(row).copied().flatten()))
        .collect();
    if plan.fill != Fill::None {
        for rows in grid.stretches() {
            let (times, present) = (&grid.buckets[rows.clone()], &present[rows.clone()]);
            fill_values(plan.fill, times, present, &mut values[rows]);
        }
    }
    match kind {
        ColumnType::Integer => Cells::Integer(values.into_iter().map(|v| v.map(|v| v as i64)).collect()),
        _ => Cells::Number(values),
    }
}

fn time_column(plan: &Plan, grid: &Grid, program: &Program, present: &[bool]) -> Vec<Option<i64>> {
    let Some([seconds, ns, ..]) = program.calls.first().map(|c| outputs_of(plan, grid, *c)) else {
        return vec![None; grid.row_count()];
    };
    let mut times: Vec<Option<i64>> =
        seconds.iter().zip(ns).map(|(s, n)| s.zip(*n).map(|(s, n)| time_of(s, n))).collect();
    if plan.fill != Fill::None {
        for rows in grid.stretches() {
            fill_times(plan.fill, &present[rows.clone()], &mut times[rows]);
        }
    }
    times
}
