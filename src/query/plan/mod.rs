//! From a query as written to what is to be done: names resolved, units settled, series matched and grouped.
//!
//! Every error of meaning is found here, before a sample is read, and points at the text.

pub(crate) mod aggregate;
pub(crate) mod calls;
pub(crate) mod condition;
pub(crate) mod context;
pub(crate) mod distribution;
pub(crate) mod expr;
pub(crate) mod groups;
pub(crate) mod having;
pub(crate) mod inputs;
pub(crate) mod keys;
pub(crate) mod points;
pub(crate) mod residual;
pub(crate) mod scans;
pub(crate) mod schema;
pub(crate) mod select;
pub(crate) mod text_test;
pub(crate) mod unavailable;
pub(crate) mod units;
pub(crate) mod window;

use crate::error::Result;
use crate::model::Note;
use crate::query::ast::{ExprKind, Fill, Query};
use crate::query::functions::{Class, Lookup, find};
use crate::query::source::Rollups;
use context::Context;
use expr::Program;
use groups::Groups;
use having::Having;
use inputs::Inputs;
use points::{LabelSet, PointColumns};
use residual::RowFilter;
use schema::{OrderBy, RowLimit, Schema};
use window::Window;

/// What is to be done.
pub(crate) struct Plan {
    /// Which time.
    pub(crate) window: Window,
    /// What is read; empty for `points`.
    pub(crate) inputs: Inputs,
    /// The groups.
    pub(crate) groups: Groups,
    /// The distinct filters of values; the first one is always true.
    pub(crate) filters: Vec<RowFilter>,
    /// What is made of it.
    pub(crate) shape: Shape,
    /// The columns of the answer.
    pub(crate) schema: Schema,
    /// Which rows stay.
    pub(crate) having: Option<Having>,
    /// In which order; the default order decides ties.
    pub(crate) order: Vec<OrderBy>,
    /// How many.
    pub(crate) limit: Option<RowLimit>,
    /// What stands in empty buckets.
    pub(crate) fill: Fill,
    /// When rollups are read.
    pub(crate) rollups: Rollups,
    /// What a reader should know.
    pub(crate) notes: Vec<Note>,
}

/// What is made of the samples.
pub(crate) enum Shape {
    /// A row for each group and bucket.
    Aggregate(Vec<Program>),
    /// The buckets of values of each group and bucket of time.
    Histogram(usize),
    /// The samples, those of equal labels and time in one row.
    Points(PointColumns, Vec<LabelSet>),
    /// The largest samples.
    Slowest(usize),
}

/// Plans `query`.
pub(crate) fn plan(ctx: &Context<'_>, query: &Query) -> Result<Plan> {
    unavailable::check_query(ctx, query)?;
    let window = Window::new(ctx, &query.clauses)?;
    for column in &query.columns {
        if let ExprKind::Call(call) = &column.expr.kind
            && let Lookup::Found(function, _) = find(&call.function.value)
            && function.class == Class::Distribution
        {
            return distribution::plan(ctx, query, window, column, call);
        }
    }
    if let (Some(fill), None) = (&query.clauses.fill, &query.clauses.every) {
        let d = ctx.wrong(&fill.span, "`fill` without buckets");
        return Err(d.label("add `every`, such as every 1m").into());
    }
    aggregate::plan(ctx, query, window)
}
