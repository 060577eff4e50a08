//! Plans `histogram`, `points` and `slowest`, which answer with rows of their own.

use super::aggregate::push_time_and_keys;
use super::calls::{Bound, bind};
use super::condition::{Chooser, Condition, Subjects, wanted};
use super::context::{Context, did_you_mean};
use super::groups::{Groups, Key};
use super::having::Having;
use super::inputs::Inputs;
use super::keys::keys;
use super::points::{PointColumns, group};
use super::schema::{Field, Role, Schema};
use super::text_test::TextTest;
use super::window::Window;
use super::{Plan, Shape};
use crate::error::{Result, nearest};
use crate::model::{ColumnType, Note, Unit};
use crate::query::ast::{Call, Fill, OutputColumn, Query, Span};
use crate::query::functions::Compute;
use crate::query::source::Rollups;

/// Plans `query`, which has the distribution function `call` as its column `column`.
pub(crate) fn plan(
    ctx: &Context<'_>,
    query: &Query,
    window: Window,
    column: &OutputColumn,
    call: &Call,
) -> Result<Plan> {
    if let Some(span) = &query.clauses.using_rollups {
        let d = ctx.wrong(span, "`using rollups` where samples are asked for");
        return Err(d.label("leave it out: rollups answer aggregates").into());
    }
    let bound = bind(ctx, call)?;
    check(ctx, query, column, &bound, &call.function.span)?;
    if bound.reduction.compute == Compute::Points {
        return points(ctx, query, window, &bound, &column.expr.span);
    }
    let clauses = &query.clauses;
    let mut inputs = Inputs::default();
    inputs.add(ctx, &bound, &column.expr.span)?;
    inputs.mark_shown();
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
    let unit = inputs.unit(ctx, 0, &column.expr.span)?;
    let mut notes = inputs.notes(ctx);
    notes.extend(no_match(ctx, &condition, &metrics, inputs.list.iter().all(|i| i.series.is_empty()))?);

    let span = &column.expr.span;
    let whole = usize::try_from(bound.whole).unwrap_or(usize::MAX);
    let (shape, schema) = if bound.reduction.compute == Compute::Histogram {
        (Shape::Histogram(whole), histogram_schema(ctx, clauses.every.as_ref().map(|e| &e.span), &keys, unit, span)?)
    } else {
        (Shape::Slowest(whole), rows_schema(ctx, &keys, vec![("value".into(), unit)], span)?)
    };
    finish(ctx, query, Parts { window, inputs, groups, chooser, shape, schema, notes })
}

/// Refuses what does not go with rows of their own.
fn check(ctx: &Context<'_>, query: &Query, column: &OutputColumn, bound: &Bound<'_>, span: &Span) -> Result<()> {
    let name = bound.function.name;
    if query.columns.len() > 1 {
        let d = ctx.wrong(span, format!("`{name}` answers with rows of its own"));
        return Err(d.label("it must be the only column").into());
    }
    if let Some(alias) = &column.alias {
        let d = ctx.wrong(&alias.span, format!("the columns of `{name}` have names of their own"));
        return Err(d.label("leave the `as` out").into());
    }
    if let (Some(every), true) = (&query.clauses.every, bound.reduction.compute != Compute::Histogram) {
        let d = ctx.wrong(&every.span, format!("`{name}` gives samples as they are, without buckets"));
        return Err(d.label("leave the `every` out").into());
    }
    if let Some(fill) = &query.clauses.fill {
        let d = ctx.wrong(&fill.span, format!("`fill` does not go with `{name}`"));
        return Err(d.label("leave the `fill` out").into());
    }
    Ok(())
}

fn points(ctx: &Context<'_>, query: &Query, window: Window, bound: &Bound<'_>, span: &Span) -> Result<Plan> {
    let clauses = &query.clauses;
    let mut columns = PointColumns::new(ctx, &bound.selectors)?;
    columns.load(ctx, &wanted(ctx, clauses.filter.as_ref()))?;
    let subjects = Subjects { metrics: &columns.metrics, columns: Some(&columns.metrics), values: true };
    let condition = Condition::new(ctx, clauses.filter.as_ref(), &subjects)?;
    let mut chooser = Chooser::new(&condition);
    let mut sets = columns.label_sets(ctx, &mut chooser)?;
    let mut keys = keys(ctx, clauses.by.as_ref(), &columns.metrics, sets.iter().map(|s| columns.labels(s)))?;
    if let Some((_, span)) = keys.iter().find(|(k, span)| *k == Key::Metric && is_written(ctx, span)) {
        return Err(ctx.wrong(span, "the metrics are the columns of `points` already").into());
    }
    keys.retain(|(k, _)| *k != Key::Metric);
    let mut groups = Groups::new(keys.iter().map(|(k, _)| k.clone()).collect());
    group(&columns, &mut sets, &mut groups);
    let values = columns.metrics.iter().map(|m| (ctx.metrics[*m].name.clone(), ctx.metrics[*m].meta.unit.clone()));
    let with_labels = clauses.by.is_none();
    let mut schema = Schema::default();
    push_time_and_keys(ctx, &mut schema, Some(span), &keys)?;
    if with_labels {
        schema.push(ctx, Field::new("labels", Role::Key, ColumnType::Text, None), span)?;
    }
    for (name, unit) in values {
        schema.push(ctx, Field::new(name, Role::Value, ColumnType::Number, unit), span)?;
    }
    let notes = no_match(ctx, &condition, &columns.metrics, sets.is_empty())?.into_iter().collect();
    let shape = Shape::Points(columns, sets);
    finish(ctx, query, Parts { window, inputs: Inputs::default(), groups, chooser, shape, schema, notes })
}

/// Whether the key at `span` was written out, not put in by `by *`.
fn is_written(ctx: &Context<'_>, span: &Span) -> bool {
    ctx.text.get(span.clone()).is_none_or(|text| !text.contains('*'))
}

/// Time, then labels or keys, then `values`.
fn rows_schema(
    ctx: &Context<'_>,
    keys: &[(Key, Span)],
    values: Vec<(String, Option<Unit>)>,
    span: &Span,
) -> Result<Schema> {
    let mut schema = Schema::default();
    push_time_and_keys(ctx, &mut schema, Some(span), keys)?;
    if keys.is_empty() {
        schema.push(ctx, Field::new("labels", Role::Key, ColumnType::Text, None), span)?;
    }
    for (name, unit) in values {
        schema.push(ctx, Field::new(name, Role::Value, ColumnType::Number, unit), span)?;
    }
    Ok(schema)
}

fn histogram_schema(
    ctx: &Context<'_>,
    every: Option<&Span>,
    keys: &[(Key, Span)],
    unit: Option<Unit>,
    span: &Span,
) -> Result<Schema> {
    let mut schema = Schema::default();
    push_time_and_keys(ctx, &mut schema, every, keys)?;
    schema.push(ctx, Field::new("low", Role::Value, ColumnType::Number, unit.clone()), span)?;
    schema.push(ctx, Field::new("high", Role::Value, ColumnType::Number, unit), span)?;
    schema.push(ctx, Field::new("count", Role::Value, ColumnType::Integer, None), span)?;
    Ok(schema)
}

struct Parts<'c> {
    window: Window,
    inputs: Inputs,
    groups: Groups,
    chooser: Chooser<'c>,
    shape: Shape,
    schema: Schema,
    notes: Vec<Note>,
}

fn finish(ctx: &Context<'_>, query: &Query, parts: Parts<'_>) -> Result<Plan> {
    let Parts { window, inputs, groups, chooser, shape, schema, notes } = parts;
    let clauses = &query.clauses;
    Ok(Plan {
        having: clauses.having.as_ref().map(|p| Having::new(ctx, p, &schema, window.zone)).transpose()?,
        order: schema.order(ctx, clauses)?,
        limit: schema.limit(ctx, clauses)?,
        fill: Fill::None,
        filters: chooser.filters,
        rollups: Rollups::WhereDropped,
        window,
        inputs,
        groups,
        shape,
        schema,
        notes,
    })
}

/// Why no series is left, where one condition alone explains it: no series has the value that `where` asks for.
pub(crate) fn no_match(
    ctx: &Context<'_>,
    condition: &Condition,
    metrics: &[usize],
    nothing_left: bool,
) -> Result<Option<Note>> {
    if !nothing_left {
        return Ok(None);
    }
    for test in condition.required() {
        let (Some(label), TextTest::Equal(value)) = (&test.label, &test.test) else { continue };
        let values = ctx.label_values(metrics, label)?;
        if !value.is_empty() && !values.contains(value) {
            let near = nearest(value, values.iter().map(String::as_str));
            let hint = did_you_mean(&near).map_or(String::new(), |h| format!(": {h}"));
            return Ok(Some(Note::new("no_match", format!("no series has {label} = `{value}`{hint}"))));
        }
    }
    Ok(Some(Note::new("no_match", "no series matches all matchers and conditions")))
}
