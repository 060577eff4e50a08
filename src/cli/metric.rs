//! `perfdb metric set` and `perfdb metric list`: what the numbers of a metric are.

use super::answer;
use super::args::{Global, MetricArgs, MetricCommand, MetricSetArgs, StatsArgs};
use super::config::{Layer, Settings};
use super::io::Io;
use crate::error::{Error, Result, nearest};
use crate::model::{Better, Column, MetricMeta, Table};

/// Carries out `perfdb metric`.
///
/// # Errors
/// [`Error::Usage`] for a pattern that no metric has; what the store and the streams report.
pub fn run(args: &MetricArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    match &args.command {
        MetricCommand::Set(args) => set(args, global, io),
        MetricCommand::List(args) => list(args, global, io),
    }
}

fn set(args: &MetricSetArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
    let db = settings.open_to_change()?;
    let all: Vec<String> = db.store().snapshot()?.metrics()?.into_iter().map(|(_, name, _)| name).collect();
    let meant: Vec<&str> = all.iter().map(String::as_str).filter(|n| crate::model::matches(&args.pattern, n)).collect();
    if meant.is_empty() {
        return Err(unknown(&args.pattern, &all));
    }
    for name in &meant {
        db.describe(name, |meta| {
            change(meta, args);
            Ok(())
        })?;
    }
    db.close()?;
    if !settings.quiet {
        let rest = if meant.len() > 5 { format!(" and {} more", meant.len() - 5) } else { String::new() };
        let shown = meant[..meant.len().min(5)].join("`, `");
        io.print_line(&format!("described `{shown}`{rest}"));
    }
    Ok(())
}

fn change(meta: &mut MetricMeta, args: &MetricSetArgs) {
    if let Some(unit) = &args.unit {
        meta.unit = Some(unit.clone());
    }
    if let Some(kind) = args.kind {
        meta.kind = Some(kind);
    }
    if let Some(better) = args.better {
        meta.better = better;
    }
    if let Some(description) = &args.description {
        meta.description.clone_from(description);
    }
    // Whoever says what the numbers are has seen what was guessed.
    meta.guessed = meta.guessed && args.unit.is_none() && args.kind.is_none();
}

fn unknown(pattern: &str, all: &[String]) -> Error {
    let message = format!("no metric is called `{pattern}`");
    match nearest(pattern, all.iter().map(String::as_str)).first() {
        Some(best) => Error::usage_hint(message, format!("did you mean `{best}`?")),
        None => Error::usage_hint(
            message,
            "`perfdb metric list` shows them; one that is yet to come gets its unit with `perfdb ingest --unit`",
        ),
    }
}

fn list(args: &StatsArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let typed = Layer { format: args.format, ..Layer::default() };
    let settings = Settings::resolve(typed, global, &io.surroundings)?;
    let db = settings.open_to_read()?;
    let metrics = db.store().snapshot()?.metrics()?;
    let metas = || metrics.iter().map(|(_, _, meta)| meta);
    let said = |text: String| (!text.is_empty()).then_some(text);
    let table = Table {
        columns: vec![
            Column::text("metric", metrics.iter().map(|(_, name, _)| Some(name.as_str()))),
            Column::text("unit", metas().map(|m| m.unit.as_ref().map(ToString::to_string))),
            Column::text("kind", metas().map(|m| m.kind.map(|k| k.to_string()))),
            Column::text("better", metas().map(|m| (m.better != Better::Unknown).then(|| m.better.to_string()))),
            Column::text("guessed", metas().map(|m| Some(if m.guessed { "yes" } else { "no" }))),
            Column::text("description", metas().map(|m| said(m.description.clone()))),
        ],
        notes: Vec::new(),
    };
    answer::print(&table, &settings, None, io)?;
    db.close()
}
