//! Runs `slowest`: the largest samples, of all or of each group.

use super::narrow;
use crate::error::Result;
use crate::model::{Cells, Column, Table};
use crate::query::plan::Plan;
use crate::query::plan::context::Context;
use crate::query::plan::schema::Role;
use crate::query::source::{Needs, Rollups, Scan, ScanReport, ScanSeries};
use std::cmp::Ordering;
use std::sync::Arc;

/// A sample among the largest.
#[derive(Clone, Copy)]
struct Large {
    value: f64,
    time: i64,
    /// Index of its series in the input, then its order within the series.
    place: (u32, u32),
}

/// Largest first, then earliest, then by series and order of arrival.
fn compare(a: &Large, b: &Large) -> Ordering {
    b.value.total_cmp(&a.value).then(a.time.cmp(&b.time)).then(a.place.cmp(&b.place))
}

/// Runs `plan`, which asks for the `count` largest.
pub(crate) fn run(ctx: &Context<'_>, plan: &Plan, count: usize) -> Result<(Table, ScanReport)> {
    let series: Vec<_> = plan.inputs.list.iter().flat_map(|i| &i.series).collect();
    let mut scan = Scan {
        series: series
            .iter()
            .map(|s| ScanSeries {
                metric: ctx.metrics[s.metric as usize].id,
                series: s.series,
                group: s.group,
                filter: s.filter,
            })
            .collect(),
        group_count: plan.groups.count(),
        range: plan.window.range,
        bucketing: None,
        filters: plan.filters.iter().map(crate::query::plan::residual::RowFilter::value_filter).collect(),
        needs: Needs::default(),
        memory_max: ctx.settings.memory_max,
        rollups: Rollups::Never,
    };
    let mut largest: Vec<Vec<Large>> = vec![Vec::new(); plan.groups.count() as usize];
    let mut report = ScanReport::default();
    if !scan.series.is_empty() {
        narrow::to_largest(ctx, &mut scan, count)?;
        let (samples, read) = ctx.source.samples(&scan, ctx.settings.cancel)?;
        report = read;
        for one in samples {
            ctx.settings.cancel.check()?;
            let of_group = &mut largest[series[one.index as usize].group as usize];
            for (i, (time, value)) in one.times.iter().zip(&one.values).enumerate() {
                of_group.push(Large { value: *value, time: *time, place: (one.index, i as u32) });
                if of_group.len() >= count.saturating_mul(2).saturating_add(1024) {
                    keep(of_group, count);
                }
            }
            keep(of_group, count);
        }
    }
    for of_group in &mut largest {
        of_group.sort_unstable_by(compare);
    }
    Ok((table(ctx, plan, &largest), report))
}

/// Keeps the `count` largest, in no order.
fn keep(list: &mut Vec<Large>, count: usize) {
    if count < list.len() {
        list.select_nth_unstable_by(count - 1, compare);
        list.truncate(count);
    }
}

fn table(ctx: &Context<'_>, plan: &Plan, largest: &[Vec<Large>]) -> Table {
    let series: Vec<_> = plan.inputs.list.iter().flat_map(|i| i.series.iter().map(move |s| (i, s))).collect();
    let rows: Vec<(u32, Large)> =
        largest.iter().enumerate().flat_map(|(group, list)| list.iter().map(move |l| (group as u32, *l))).collect();
    let several_metrics = plan.inputs.list.iter().any(|i| i.metrics.len() > 1);
    let mut table = Table::default();
    let mut key = 0;
    for field in &plan.schema.fields {
        let cells = match field.role {
            Role::Time => Cells::Time(rows.iter().map(|(_, l)| Some(l.time)).collect()),
            Role::Key if key < plan.groups.keys().len() => {
                let cells = Cells::Text(rows.iter().map(|(group, _)| plan.groups.text(*group, key)).collect());
                key += 1;
                cells
            }
            Role::Key => {
                let mut texts: Vec<Option<Arc<str>>> = Vec::with_capacity(rows.len());
                for (_, large) in &rows {
                    let (input, of) = series[large.place.0 as usize];
                    let labels = input.labels(of);
                    let metric = if several_metrics { ctx.metrics[of.metric as usize].name.as_str() } else { "" };
                    texts.push(Some(format!("{metric}{labels}").into()));
                }
                Cells::Text(texts)
            }
            Role::Value | Role::Hidden => Cells::Number(rows.iter().map(|(_, l)| Some(l.value)).collect()),
        };
        table.columns.push(Column { unit: field.unit.clone(), ..Column::new(field.name.clone(), cells) });
    }
    table
}
