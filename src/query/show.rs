//! `show`: what the catalog knows, as a table.

use super::ast::{Show, ShowWhat};
use super::exec::rows;
use super::plan::condition::{Chooser, Condition, Subjects};
use super::plan::context::Context;
use super::plan::having::Having;
use super::plan::schema::{Field, Role, Schema};
use super::plan::unavailable;
use super::plan::window::Window;
use super::source::SeriesInfo;
use crate::error::Result;
use crate::model::{Cells, Column, Kind, Labels, Table};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A metric with its series that are left by `where`, `since` and `until`.
struct Shown {
    metric: usize,
    extent: Option<(i64, i64)>,
    /// Places of the series in the metric's list.
    series: Vec<usize>,
}

/// Answers `show`.
pub(crate) fn run(ctx: &Context<'_>, show: &Show) -> Result<Table> {
    unavailable::check_show(ctx, show)?;
    refuse_clauses(ctx, show)?;
    let all: Vec<usize> = (0..ctx.metrics.len()).collect();
    if let ShowWhat::Values(label) = &show.what {
        ctx.check_label(&all, &label.value, &label.span)?;
    }
    let subjects = Subjects { metrics: &all, columns: None, values: false };
    let condition = Condition::new(ctx, show.clauses.filter.as_ref(), &subjects)?;
    let window = Window::new(ctx, &show.clauses)?;
    let shown = matching(ctx, &mut Chooser::new(&condition), &window)?;
    let columns = match &show.what {
        ShowWhat::Metrics => metrics(ctx, &shown),
        ShowWhat::Series => series(ctx, &shown)?,
        ShowWhat::Labels => labels(ctx, &shown)?,
        ShowWhat::Values(label) => values(ctx, &shown, &label.value)?,
        ShowWhat::Runs | ShowWhat::Baselines => Vec::new(),
    };
    let mut table = Table { columns, notes: Vec::new() };
    let mut schema = Schema::default();
    for column in &table.columns {
        let field = Field::new(column.name.clone(), Role::Key, column.cells.column_type(), None);
        schema.push(ctx, field, &show.span)?;
    }
    let having = show.clauses.having.as_ref().map(|p| Having::new(ctx, p, &schema, window.zone)).transpose()?;
    let (order, limit) = (schema.order(ctx, &show.clauses)?, schema.limit(ctx, &show.clauses)?);
    rows::finish(&mut table, &schema, having.as_ref(), &order, limit, ctx.settings.row_max)?;
    Ok(table)
}

/// Refuses the clauses that have no meaning here.
fn refuse_clauses(ctx: &Context<'_>, show: &Show) -> Result<()> {
    let clauses = &show.clauses;
    let by = clauses.by.as_ref().map(|c| ("by", &c.span));
    let every = clauses.every.as_ref().map(|c| ("every", &c.span));
    let fill = clauses.fill.as_ref().map(|c| ("fill", &c.span));
    let using = clauses.using_rollups.as_ref().map(|span| ("using rollups", span));
    match by.or(every).or(fill).or(using) {
        Some((name, span)) => {
            let d = ctx.wrong(span, format!("`{name}` does not go with `show`"));
            Err(d.label("expected where, since, until, having, order by or limit").into())
        }
        None => Ok(()),
    }
}

/// The metrics that have something in the range and match.
fn matching(ctx: &Context<'_>, chooser: &mut Chooser<'_>, window: &Window) -> Result<Vec<Shown>> {
    let mut shown = Vec::new();
    for metric in 0..ctx.metrics.len() {
        let extent = ctx.source.extent(ctx.metrics[metric].id)?;
        let everything = window.range == crate::model::TimeRange::ALL;
        if !everything && extent.is_none_or(|(oldest, newest)| !window.range.touches(oldest, newest)) {
            continue;
        }
        let list = ctx.series(metric)?;
        let mut series = Vec::new();
        for (place, one) in list.iter().enumerate() {
            if chooser.choose(ctx, metric, one)?.is_some() {
                series.push(place);
            }
        }
        // A metric that has metadata and no series yet is shown where its name alone matches.
        let nothing = SeriesInfo { id: 0, metric: ctx.metrics[metric].id, labels: Labels::default() };
        if !series.is_empty() || (list.is_empty() && chooser.choose(ctx, metric, &nothing)?.is_some()) {
            shown.push(Shown { metric, extent, series });
        }
    }
    Ok(shown)
}

fn metrics(ctx: &Context<'_>, shown: &[Shown]) -> Vec<Column> {
    let info = |s: &Shown| &ctx.metrics[s.metric];
    let texts = |name: &str, of: &dyn Fn(&Shown) -> Option<String>| Column::text(name, shown.iter().map(of));
    vec![
        texts("metric", &|s| Some(info(s).name.clone())),
        texts("kind", &|s| Some(info(s).meta.kind.unwrap_or(Kind::Sample).to_string())),
        texts("unit", &|s| info(s).meta.unit.as_ref().map(ToString::to_string)),
        texts("better", &|s| Some(info(s).meta.better.to_string())),
        Column::integer("series", shown.iter().map(|s| Some(s.series.len() as i64))),
        Column::time("oldest", shown.iter().map(|s| s.extent.map(|e| e.0))),
        Column::time("newest", shown.iter().map(|s| s.extent.map(|e| e.1))),
        texts("description", &|s| Some(info(s).meta.description.clone()).filter(|d| !d.is_empty())),
    ]
}

/// Series by metric, then by labels, each as the selector that finds it alone.
fn series(ctx: &Context<'_>, shown: &[Shown]) -> Result<Vec<Column>> {
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    for one in shown {
        let name: Arc<str> = ctx.metrics[one.metric].name.as_str().into();
        let list = ctx.series(one.metric)?;
        let mut labels: Vec<&Labels> = one.series.iter().map(|place| &list[*place].labels).collect();
        labels.sort_unstable();
        let selector = selector_name(&name);
        for labels in labels {
            names.push(Some(Arc::clone(&name)));
            let labels = if labels.is_empty() { String::new() } else { labels.to_string() };
            texts.push(Some(Arc::from(format!("{selector}{labels}"))));
        }
    }
    Ok(vec![Column::new("metric", Cells::Text(names)), Column::new("series", Cells::Text(texts))])
}

/// A metric's name as a query spells it: in quotes unless it is a bare name.
fn selector_name(name: &str) -> String {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let ends = !name.ends_with(['.', ':', '/', '-']);
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.:/-".contains(c);
    if starts && ends && name.chars().all(plain) { name.to_owned() } else { format!("{name:?}") }
}

fn labels(ctx: &Context<'_>, shown: &[Shown]) -> Result<Vec<Column>> {
    let mut counts: BTreeMap<String, (hashbrown::HashSet<String>, i64)> = BTreeMap::new();
    for one in shown {
        let list = ctx.series(one.metric)?;
        for (name, value) in one.series.iter().flat_map(|place| list[*place].labels.iter()) {
            if !counts.contains_key(name) {
                counts.insert(name.to_owned(), Default::default());
            }
            if let Some((values, series)) = counts.get_mut(name) {
                if !values.contains(value) {
                    values.insert(value.to_owned());
                }
                *series += 1;
            }
        }
    }
    Ok(vec![
        Column::text("label", counts.keys().map(|k| Some(k.as_str()))),
        Column::integer("values", counts.values().map(|c| Some(c.0.len() as i64))),
        Column::integer("series", counts.values().map(|c| Some(c.1))),
    ])
}

fn values(ctx: &Context<'_>, shown: &[Shown], label: &str) -> Result<Vec<Column>> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for one in shown {
        let list = ctx.series(one.metric)?;
        for value in one.series.iter().filter_map(|place| list[*place].labels.get(label)) {
            match counts.get_mut(value) {
                Some(count) => *count += 1,
                None => drop(counts.insert(value.to_owned(), 1)),
            }
        }
    }
    Ok(vec![
        Column::new("value", Cells::Text(counts.keys().map(|k| Some(k.as_str().into())).collect())),
        Column::integer("series", counts.values().map(|c| Some(*c))),
    ])
}
