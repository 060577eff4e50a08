//! `explain`: how a query would be answered, and with `analyze` how it was.

use super::ast::{Explain, Query};
use super::exec::execute;
use super::functions::Compute;
use super::plan::calls::Reduction;
use super::plan::context::Context;
use super::plan::scans::{batches, points_scan};
use super::plan::schema::Role;
use super::plan::{Plan, Shape, plan};
use super::source::{Scan, ScanReport};
use crate::error::Result;
use crate::model::{Column, Table, Timestamp};

/// The lines of an explanation.
#[derive(Default)]
struct Lines {
    steps: Vec<String>,
    details: Vec<String>,
    values: Vec<String>,
}

impl Lines {
    fn add(&mut self, step: &str, detail: impl Into<String>, value: impl std::fmt::Display) {
        self.steps.push(step.into());
        self.details.push(detail.into());
        self.values.push(value.to_string());
    }
}

/// Explains `query`.
pub(crate) fn run(ctx: &Context<'_>, query: &Query, explain: Explain) -> Result<Table> {
    let clock = || ctx.settings.elapsed.map(|elapsed| elapsed());
    let start = clock();
    let plan = plan(ctx, query)?;
    let planned = clock();
    let mut lines = Lines::default();
    range(&mut lines, &plan);
    series(&mut lines, &plan);
    let scans = match &plan.shape {
        Shape::Points(columns, sets) => vec![points_scan(ctx, &plan, columns, sets)],
        _ => batches(&plan, ctx.settings.memory_max, |m| ctx.metrics[m as usize].id)
            .into_iter()
            .map(|b| b.scan)
            .collect(),
    };
    estimates(ctx, &mut lines, &scans)?;
    columns(&mut lines, &plan);
    rows(&mut lines, &plan);
    if explain == Explain::Analyze {
        let (table, report) = execute(ctx, &plan)?;
        let executed = clock();
        measured(&mut lines, &report);
        lines.add("ran", "rows in the answer", table.row_count());
        for (step, from, to) in [("time to plan", start, planned), ("time to read and compute", planned, executed)] {
            if let (Some(from), Some(to)) = (from, to) {
                lines.add("ran", step, format!("{:.3} ms", to.saturating_sub(from) as f64 / 1e6));
            }
        }
    }
    let column = |name: &str, texts: Vec<String>| Column::text(name, texts.into_iter().map(Some));
    let columns = vec![column("step", lines.steps), column("detail", lines.details), column("value", lines.values)];
    Ok(Table { columns, notes: plan.notes })
}

fn range(lines: &mut Lines, plan: &Plan) {
    let window = &plan.window;
    let time = |t: i64, open: i64| if t == open { "open".to_owned() } else { Timestamp(t).rfc3339_in(window.zone) };
    lines.add("range", "since", time(window.range.start, i64::MIN));
    lines.add("range", "until", time(window.range.end, i64::MAX));
    if let Some(bucketing) = window.bucketing {
        let aligned = if bucketing.every.is_fixed() {
            "the epoch".to_owned()
        } else {
            format!("the calendar of {}", bucketing.zone)
        };
        lines.add("range", "buckets", format!("{}, aligned to {aligned}", bucketing.every));
    }
}

fn series(lines: &mut Lines, plan: &Plan) {
    for input in &plan.inputs.list {
        let metrics = input.selected.metrics.len();
        let plural = if metrics == 1 { "" } else { "s" };
        lines.add("match", input.text.clone(), format!("{} series of {metrics} metric{plural}", input.series.len()));
    }
    if let Shape::Points(columns, sets) = &plan.shape {
        lines.add("match", "metrics", columns.metrics.len());
        lines.add("match", "label sets", sets.len());
    }
    let keys: Vec<&str> = plan.groups.keys().iter().map(super::plan::groups::Key::name).collect();
    if !keys.is_empty() {
        lines.add("group", keys.join(", "), format!("{} groups", plan.groups.count()));
    }
    let filters = plan.filters.len() - 1;
    if filters > 0 {
        lines.add("filter", "conditions on values", filters);
    }
}

fn estimates(ctx: &Context<'_>, lines: &mut Lines, scans: &[Scan]) -> Result<()> {
    let mut sum = ScanReport::default();
    for scan in scans {
        sum.add(&ctx.source.estimate(scan)?);
    }
    lines.add("read", "scans", scans.len());
    lines.add("read", "series", sum.series);
    lines.add("read", "chunks that overlap the range", sum.chunks);
    if sum.rollups > 0 {
        let width = sum.rollup_width();
        lines.add("read", format!("rollups of a series and day, {width} and finer").as_str(), sum.rollups);
    }
    // How many of them a summary answers, or rules out, shows only when they are looked at: see `measured`.
    Ok(())
}

fn measured(lines: &mut Lines, report: &ScanReport) {
    lines.add("ran", "series", report.series);
    lines.add("ran", "chunks that overlap the range", report.chunks);
    lines.add("ran", "chunks answered from their summary", report.chunks_from_summary);
    lines.add("ran", "chunks that no value could match in", report.chunks_pruned);
    lines.add("ran", "samples decoded", report.samples_decoded);
    lines.add("ran", "samples from the log", report.samples_from_log);
    if report.rollups > 0 {
        lines.add("ran", "rollups of a series and day", report.rollups);
        lines.add("ran", "values known by their cell", report.values_from_cells);
    }
}

fn columns(lines: &mut Lines, plan: &Plan) {
    let values = plan.schema.fields.iter().filter(|f| matches!(f.role, Role::Value | Role::Hidden));
    match &plan.shape {
        Shape::Aggregate(programs) => {
            for (field, program) in values.zip(programs) {
                let mut methods: Vec<&str> = Vec::new();
                for call in program.calls.iter().map(|c| &plan.inputs.calls[*c]) {
                    let method = method(&plan.inputs.list[call.input].reductions[call.slot]);
                    if !methods.contains(&method) {
                        methods.push(method);
                    }
                }
                let text = if field.role == Role::Hidden { &field.text } else { &field.name };
                lines.add("compute", text.clone(), methods.join("; "));
            }
        }
        Shape::Histogram(bins) => {
            lines.add("compute", "histogram", format!("{bins} buckets of equal width, counted exactly"));
        }
        Shape::Points(columns, _) => {
            let driven = plan.filters.iter().any(|f| f.driver().is_some()) && columns.metrics.len() > 1;
            let how =
                if driven { "the filtered metric first, then the others at its times" } else { "samples as they are" };
            lines.add("compute", "points", how);
        }
        Shape::Slowest(count) => {
            lines.add("compute", "slowest", format!("the {count} largest of each group, by selection"));
        }
    }
}

fn rows(lines: &mut Lines, plan: &Plan) {
    if plan.having.is_some() {
        lines.add("rows", "having", "rows that meet it");
    }
    if !plan.order.is_empty() {
        let terms: Vec<String> = plan
            .order
            .iter()
            .map(|o| format!("{}{}", plan.schema.fields[o.field].text, if o.descending { " desc" } else { "" }))
            .collect();
        lines.add("rows", "order by", terms.join(", "));
    }
    if let Some(limit) = plan.limit {
        let per = limit.per.map_or(String::new(), |p| format!(" per {}", plan.schema.fields[p].name));
        lines.add("rows", "limit", format!("{}{per}", limit.count));
    }
}

/// How a number comes about.
fn method(reduction: &Reduction) -> &'static str {
    match reduction.compute {
        Compute::Count | Compute::Sum | Compute::Avg | Compute::Min | Compute::Max | Compute::Range => {
            "exact, from summaries where a chunk lies inside range and bucket"
        }
        Compute::Quantile if reduction.nearest => "exact, nearest rank, by selection",
        Compute::Quantile | Compute::Iqr => "exact, type 7, by selection",
        Compute::Mad => "exact, by selection twice",
        Compute::TrimmedMean => "exact, by selection",
        Compute::Stddev | Compute::Variance | Compute::Cv => "exact, moments joined pairwise",
        Compute::First | Compute::Last | Compute::FirstTime | Compute::LastTime => {
            "exact, by time, then order of arrival"
        }
        Compute::Geomean => "exact, mean of logarithms",
        Compute::Rate | Compute::Increase => "exact, steps of each series with resets, summed",
        Compute::Delta => "exact, last minus first of each series, summed",
        Compute::Histogram | Compute::Points | Compute::Slowest | Compute::Analysis => "exact",
    }
}
