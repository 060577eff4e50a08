//! What a reader of an answer should know: cut buckets, and why an answer is empty.

use crate::error::Result;
use crate::model::{Duration, Note, Timestamp};
use crate::query::plan::context::Context;
use crate::query::plan::window::Window;
use crate::query::plan::{Plan, Shape};
use crate::query::source::{Rollups, ScanReport};
use crate::stats::CELL_ERROR;

/// The oldest and newest sample of all metrics of `plan`.
pub(crate) fn extent(ctx: &Context<'_>, plan: &Plan) -> Result<Option<(i64, i64)>> {
    let metrics = match &plan.shape {
        Shape::Points(columns, _) => columns.metrics.clone(),
        _ => plan.inputs.metrics(),
    };
    let mut all: Option<(i64, i64)> = None;
    for metric in metrics {
        if let Some((oldest, newest)) = ctx.source.extent(ctx.metrics[metric].id)? {
            all = Some(all.map_or((oldest, newest), |(o, n)| (o.min(oldest), n.max(newest))));
        }
    }
    Ok(all)
}

/// Says that the range cuts the first or the last bucket.
pub(crate) fn partial_buckets(plan: &Plan, buckets: &[i64], notes: &mut Vec<Note>) {
    let (Some(bucketing), range) = (plan.window.bucketing, plan.window.range) else { return };
    let (Some(first), Some(last)) = (buckets.iter().min(), buckets.iter().max()) else { return };
    let time = |t: i64| Timestamp(t).rfc3339_in(plan.window.zone);
    let mut cuts = Vec::new();
    if *first < range.start {
        cuts.push(format!("the bucket {} begins at {}", time(*first), time(range.start)));
    }
    if bucketing.every.bucket(*last, bucketing.zone).1 > range.end {
        cuts.push(format!("the bucket {} ends at {}", time(*last), time(range.end)));
    }
    if !cuts.is_empty() {
        notes.push(Note::new("partial_bucket", format!("cut by the range: {}", cuts.join(", "))));
    }
}

/// Says what was read from rollups, and what that means.
pub(crate) fn rollups(plan: &Plan, report: &ScanReport, notes: &mut Vec<Note>) {
    let time = |t: i64| Timestamp(t).rfc3339_in(plan.window.zone);
    if let Some((first, last)) = report.rollup_span {
        let width = report.rollup_width();
        let about = if report.values_from_cells > 0 {
            format!("; values there are known to {:.2} %", CELL_ERROR * 100.0)
        } else {
            String::new()
        };
        let (first, last) = (time(first), time(last.saturating_add(1)));
        notes.push(Note::new(
            "rollups",
            format!("from {first} to {last} rollups of {width} and finer were read{about}"),
        ));
        if report.rollup_cut {
            let text = "the range cuts buckets of a rollup: they count where they begin".to_owned();
            notes.push(Note::new("rollup_cut", text));
        }
    } else if plan.rollups == Rollups::Wherever {
        let text = "there are no rollups here: samples were read (`perfdb retention set` makes rollups)".to_owned();
        notes.push(Note::new("no_rollups", text));
    }
}

/// Says that samples were asked for which retention dropped.
pub(crate) fn dropped(plan: &Plan, report: &ScanReport, notes: &mut Vec<Note>) {
    if let Some(until) = report.dropped_until {
        let until = Timestamp(until).rfc3339_in(plan.window.zone);
        notes.push(Note::new(
            "dropped",
            format!("samples before {until} were dropped by retention; aggregates read their rollups"),
        ));
    }
}

/// Says why an answer is empty although its metrics are known.
pub(crate) fn empty(ctx: &Context<'_>, plan: &Plan) -> Result<Option<Note>> {
    if plan.notes.iter().any(|n| n.code == "no_match") {
        return Ok(None);
    }
    let window = &plan.window;
    let Some((oldest, newest)) = extent(ctx, plan)? else {
        return Ok(Some(Note::new("empty_range", "the metric has no samples")));
    };
    let place = place(window);
    let time = |t: i64| Timestamp(t).rfc3339_in(window.zone);
    let text = if newest < window.range.start {
        let age = age(window.now.saturating_sub(newest));
        match window.ago {
            Some(_) if newest <= window.now => {
                format!("nothing {place}; the newest sample is {age} old: try --now latest")
            }
            _ => format!("nothing {place}; the newest sample is of {}", time(newest)),
        }
    } else if oldest >= window.range.end {
        format!("nothing {place}; the oldest sample is of {}", time(oldest))
    } else {
        let (oldest, newest) = (time(oldest), time(newest));
        format!("nothing {place} matches; the samples of the metric reach from {oldest} to {newest}")
    };
    Ok(Some(Note::new("empty_range", text)))
}

/// The range in words.
fn place(window: &Window) -> String {
    let time = |t: i64| Timestamp(t).rfc3339_in(window.zone);
    match (window.ago, window.range.start, window.range.end) {
        (Some(ago), _, i64::MAX) => format!("in the last {}", spaced(ago)),
        (_, i64::MIN, i64::MAX) => "in all of time".to_owned(),
        (_, i64::MIN, end) => format!("before {}", time(end)),
        (_, start, i64::MAX) => format!("since {}", time(start)),
        (_, start, end) => format!("from {} to {}", time(start), time(end)),
    }
}

/// `1h30m` as `1 h 30 m`.
fn spaced(duration: Duration) -> String {
    let mut text = String::new();
    let mut before: Option<char> = None;
    for c in duration.to_string().chars() {
        if before.is_some_and(|b| b.is_ascii_digit() != c.is_ascii_digit()) {
            text.push(' ');
        }
        text.push(c);
        before = Some(c);
    }
    text
}

/// An age in its largest whole unit.
fn age(ns: i64) -> String {
    let seconds = ns / 1_000_000_000;
    match seconds {
        172_800.. => format!("{} d", seconds / 86_400),
        7_200.. => format!("{} h", seconds / 3_600),
        120.. => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}
