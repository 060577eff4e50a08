//! Runs a statement: plans it, asks the source, and makes the table.

mod aggregate;
mod fill;
mod finish;
pub(crate) mod grid;
mod histogram;
mod narrow;
mod notes;
mod points;
pub(crate) mod rows;
mod slowest;

use super::ast::{Query, Statement};
use super::plan::context::Context;
use super::plan::{Plan, Shape, plan};
use super::source::{ScanReport, Source};
use super::{explain, show};
use crate::error::Result;
use crate::model::Table;

pub use super::plan::context::Settings;

/// Runs `statement`, whose spans point into `text`, over `source`.
///
/// # Errors
/// [`crate::error::Error::Query`] for what does not make sense in this store, [`crate::error::Error::Limit`] past a limit of
/// `settings`, and what `source` reports.
pub fn run(text: &str, statement: &Statement, source: &dyn Source, settings: &Settings<'_>) -> Result<Table> {
    let ctx = Context::new(text, source, settings)?;
    match statement {
        Statement::Show(show) => show::run(&ctx, show),
        Statement::Query(query) => match query.explain {
            Some(explain) => explain::run(&ctx, query, explain),
            None => answer(&ctx, query),
        },
    }
}

fn answer(ctx: &Context<'_>, query: &Query) -> Result<Table> {
    let plan = plan(ctx, query)?;
    Ok(execute(ctx, &plan)?.0)
}

/// Runs `plan`.
pub(crate) fn execute(ctx: &Context<'_>, plan: &Plan) -> Result<(Table, ScanReport)> {
    let (mut table, report) = match &plan.shape {
        Shape::Aggregate(programs) => aggregate::run(ctx, plan, programs)?,
        Shape::Histogram(bins) => histogram::run(ctx, plan, *bins)?,
        Shape::Points(columns, sets) => points::run(ctx, plan, columns, sets)?,
        Shape::Slowest(count) => slowest::run(ctx, plan, *count)?,
    };
    let nothing_found = table.row_count() == 0;
    rows::finish(&mut table, &plan.schema, plan.having.as_ref(), &plan.order, plan.limit, ctx.settings.row_max)?;
    notes::dropped(plan, &report, &mut table.notes);
    table.notes.splice(0..0, plan.notes.iter().cloned());
    if nothing_found {
        table.notes.extend(notes::empty(ctx, plan)?);
    }
    Ok((table, report))
}
