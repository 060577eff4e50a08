//! Which series a command is about.

use crate::cli::Io;
use crate::cli::config::Settings;
use crate::engine::Embedded;
use crate::error::{Error, Result};
use crate::query::ast::{Argument, ExprKind, MatchOp, Matcher, Selector, Statement};
use crate::query::exec;
use crate::query::parser;
use crate::query::source::{Catalog, MetricInfo, SeriesInfo};
use regex::Regex;

/// A metric and those of its series that are meant.
pub(super) type Chosen = (MetricInfo, Vec<SeriesInfo>);

/// A selector is checked as the argument of this question.
const BEFORE: &str = "explain points(";

/// The metrics and series that `selector` names; all of them without one.
pub(super) fn select(
    selector: Option<&str>,
    engine: &Embedded,
    settings: &Settings,
    io: &Io<'_>,
) -> Result<Vec<Chosen>> {
    let metrics = engine.metrics()?;
    let Some(text) = selector else {
        return metrics.into_iter().map(|m| Ok((m.clone(), sorted(engine.series(m.id)?)))).collect();
    };
    let selector = checked(text, engine, settings, io)?;
    let matchers = selector.matchers.iter().map(Test::of).collect::<Result<Vec<_>>>()?;
    let mut chosen = Vec::new();
    for metric in metrics {
        let name = &selector.metric.value;
        let is_meant =
            if selector.is_glob() { crate::model::matches(name, &metric.name) } else { *name == metric.name };
        if is_meant {
            let mut series = engine.series(metric.id)?;
            series.retain(|s| matchers.iter().all(|m| m.holds(s.labels.get(&m.label).unwrap_or_default())));
            chosen.push((metric, sorted(series)));
        }
    }
    Ok(chosen)
}

/// `series` by their labels, which do not depend on the order in which they came.
fn sorted(mut series: Vec<SeriesInfo>) -> Vec<SeriesInfo> {
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    series
}

/// The selector that `text` is, all of whose names exist.
fn checked(text: &str, engine: &Embedded, settings: &Settings, io: &Io<'_>) -> Result<Selector> {
    let question = format!("{BEFORE}{text})");
    let statement = parser::parse(&question).map_err(|d| within(text, Error::Query(d)))?;
    let run = exec::Settings {
        now: io.now,
        zone: settings.zone,
        memory_max: settings.memory,
        row_max: 10_000,
        cancel: &io.cancel,
        elapsed: None,
    };
    exec::run(&question, &statement, engine, &run).map_err(|e| within(text, e))?;
    if let Statement::Query(query) = statement
        && let [column] = query.columns.as_slice()
        && let ExprKind::Call(call) = &column.expr.kind
        && let [Argument::Selector(selector)] = call.arguments.as_slice()
    {
        return Ok(selector.clone());
    }
    Err(Error::usage_hint(
        format!("`{text}` is no selector of series"),
        "such as `decision`, `cpu.*` or `decision{agent=\"scout\"}`",
    ))
}

/// `error` about the question, pointing into `text` instead.
fn within(text: &str, error: Error) -> Error {
    let Error::Query(mut diagnostic) = error else { return error };
    let inside = |at: usize| at.saturating_sub(BEFORE.len()).min(text.len());
    diagnostic.span = inside(diagnostic.span.start)..inside(diagnostic.span.end);
    text.clone_into(&mut diagnostic.text);
    Error::Query(diagnostic)
}

/// A matcher, ready to be asked.
struct Test {
    label: String,
    value: String,
    /// Of those that compare with one.
    regex: Option<Regex>,
    /// Whether it must hold, or must not.
    wanted: bool,
}

impl Test {
    fn of(matcher: &Matcher) -> Result<Self> {
        let value = matcher.value.value.clone();
        let is_regex = matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex);
        let regex = is_regex.then(|| Regex::new(&format!("^(?:{value})$"))).transpose();
        Ok(Self {
            label: matcher.label.value.clone(),
            regex: regex.map_err(|e| Error::usage(format!("`{value}` is no regular expression: {e}")))?,
            value,
            wanted: matches!(matcher.op, MatchOp::Equal | MatchOp::Regex),
        })
    }

    fn holds(&self, value: &str) -> bool {
        let found = self.regex.as_ref().map_or_else(|| self.value == value, |regex| regex.is_match(value));
        found == self.wanted
    }
}
