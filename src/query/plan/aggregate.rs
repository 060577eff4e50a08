//! Plans a query of aggregates and arithmetic between them.

use super::condition::{Chooser, Condition, Subjects, wanted};
use super::context::Context;
use super::expr::Draft;
use super::groups::{Groups, Key};
use super::having::Having;
use super::inputs::Inputs;
use super::keys::keys;
use super::schema::{Field, Role, Schema};
use super::window::Window;
use super::{Plan, Shape};
use crate::error::Result;
use crate::model::ColumnType;
use crate::query::ast::{Fill, Operand, Predicate, Query, Span};
use crate::query::functions::ResultType;
use crate::query::source::Rollups;

/// Plans `query`, whose columns are all expressions over aggregates.
pub(crate) fn plan(ctx: &Context<'_>, query: &Query, window: Window) -> Result<Plan> {
    let clauses = &query.clauses;
    let mut inputs = Inputs::default();
    let mut drafts = Vec::new();
    for column in &query.columns {
        drafts.push(Draft::new(ctx, &column.expr, &mut inputs)?);
    }
    inputs.mark_shown();
    let hidden = hidden_columns(query);
    for operand in &hidden {
        if let Some(expr) = &operand.expr {
            drafts.push(Draft::new(ctx, expr, &mut inputs)?);
        }
    }
    let metrics = inputs.metrics();
    let wanted = wanted(ctx, clauses.filter.as_ref());
    inputs.look_ahead(ctx, &wanted)?;
    let subjects = Subjects { metrics: &metrics, columns: None, values: true };
    let condition = Condition::new(ctx, clauses.filter.as_ref(), &subjects)?;
    let mut chooser = Chooser::new(&condition);
    inputs.select(ctx, &mut chooser, &wanted)?;
    let keys = keys(ctx, clauses.by.as_ref(), &metrics, inputs.labels())?;
    let mut groups = Groups::new(keys.iter().map(|(k, _)| k.clone()).collect());
    inputs.by_metric = groups.keys().contains(&Key::Metric);
    inputs.group(ctx, &mut groups);
    let programs = drafts.iter().map(|d| d.program(ctx, &inputs)).collect::<Result<Vec<_>>>()?;

    let mut schema = Schema::default();
    push_time_and_keys(ctx, &mut schema, clauses.every.as_ref().map(|e| &e.span), &keys)?;
    for (i, (program, draft)) in programs.iter().zip(&drafts).enumerate() {
        let kind = match program.result {
            ResultType::Integer if clauses.fill.as_ref().is_none_or(|f| keeps_whole(f.value)) => ColumnType::Integer,
            ResultType::Time => ColumnType::Time,
            _ => ColumnType::Number,
        };
        let (name, text, role, span) = match query.columns.get(i) {
            Some(column) => match &column.alias {
                Some(alias) => (&alias.value, &column.text, Role::Value, &alias.span),
                None => (&column.text, &column.text, Role::Value, draft.span()),
            },
            None => (
                &hidden[i - query.columns.len()].text,
                &hidden[i - query.columns.len()].text,
                Role::Hidden,
                draft.span(),
            ),
        };
        let field = Field { text: text.clone(), ..Field::new(name, role, kind, program.unit.clone()) };
        schema.push(ctx, field, span)?;
    }
    let mut notes = inputs.notes(ctx);
    notes.extend(super::distribution::no_match(
        ctx,
        &condition,
        &metrics,
        inputs.list.iter().all(|i| i.series.is_empty()),
    )?);
    Ok(Plan {
        having: clauses.having.as_ref().map(|p| Having::new(ctx, p, &schema, window.zone)).transpose()?,
        order: schema.order(ctx, clauses)?,
        limit: schema.limit(ctx, clauses)?,
        fill: clauses.fill.as_ref().map_or(Fill::None, |f| f.value),
        filters: chooser.filters,
        rollups: if clauses.using_rollups.is_some() { Rollups::Wherever } else { Rollups::WhereDropped },
        shape: Shape::Aggregate(programs),
        window,
        inputs,
        groups,
        schema,
        notes,
    })
}

/// Whether whole numbers stay whole under this fill.
fn keeps_whole(fill: Fill) -> bool {
    match fill {
        Fill::Linear => false,
        Fill::Number(n) => n.fract() == 0.0,
        Fill::None | Fill::Null | Fill::Zero | Fill::Previous => true,
    }
}

/// Adds the time of buckets and the keys.
pub(crate) fn push_time_and_keys(
    ctx: &Context<'_>,
    schema: &mut Schema,
    time: Option<&Span>,
    keys: &[(Key, Span)],
) -> Result<()> {
    if let Some(span) = time {
        schema.push(ctx, Field::new("time", Role::Time, ColumnType::Time, None), span)?;
    }
    for (key, span) in keys {
        schema.push(ctx, Field::new(key.name(), Role::Key, ColumnType::Text, None), span)?;
    }
    Ok(())
}

/// The expressions in `having` and `order by` that are no column: they are computed and not shown.
fn hidden_columns(query: &Query) -> Vec<&Operand> {
    let mut operands: Vec<&Operand> = query.clauses.order.iter().map(|t| &t.term).collect();
    let mut work: Vec<&Predicate> = query.clauses.having.iter().collect();
    while let Some(next) = work.pop() {
        match next {
            Predicate::And(list) | Predicate::Or(list) => work.extend(list),
            Predicate::Not(inner) => work.push(inner),
            Predicate::Compare { left, .. } | Predicate::In { left, .. } => operands.push(left),
        }
    }
    let mut hidden: Vec<&Operand> = Vec::new();
    for operand in operands {
        let shown = query
            .columns
            .iter()
            .any(|c| c.text == operand.text || c.alias.as_ref().is_some_and(|a| a.value == operand.text));
        if operand.expr.is_some() && !shown && !hidden.iter().any(|h| h.text == operand.text) {
            hidden.push(operand);
        }
    }
    hidden
}
