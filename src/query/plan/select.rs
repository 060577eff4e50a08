//! From a selector as written to the metrics that it names and a test of its matchers.

use super::context::{Context, SeriesList, Wanted, did_you_mean, list};
use super::text_test::{TextTest, anchored};
use crate::error::{Diagnostic, Result, nearest};
use crate::query::ast::{MatchOp, Matcher, Selector};
use crate::query::source::SeriesInfo;

/// The metrics of a selector, by their index in the context, and its matchers.
pub(crate) struct Selected {
    /// At least one metric, by name.
    pub(crate) metrics: Vec<usize>,
    matchers: Vec<(String, TextTest)>,
    /// What the `=` matchers ask for.
    wanted: Wanted,
}

impl Selected {
    /// Finds the metrics, and checks that labels and values of the matchers exist.
    pub(crate) fn new(ctx: &Context<'_>, selector: &Selector) -> Result<Self> {
        let metrics = metrics_of(ctx, selector)?;
        let equal = selector.matchers.iter().filter(|m| m.op == MatchOp::Equal && !m.value.value.is_empty());
        let wanted: Wanted = equal.map(|m| (m.label.value.clone(), m.value.value.clone())).collect();
        let found = !wanted.is_empty() && any(&metrics, |m| Ok(!ctx.series_with(m, &wanted)?.is_empty()))?;
        let mut matchers = Vec::with_capacity(selector.matchers.len());
        for matcher in &selector.matchers {
            ctx.check_label(&metrics, &matcher.label.value, &matcher.label.span)?;
            if !found && matcher.op == MatchOp::Equal {
                check_value(ctx, &metrics, matcher)?;
            }
            matchers.push((matcher.label.value.clone(), test_of(ctx, matcher)?));
        }
        Ok(Self { metrics, matchers, wanted })
    }

    /// The series of `metric` that can match; `also` says what else they must have.
    pub(crate) fn series(&self, ctx: &Context<'_>, metric: usize, also: &Wanted) -> Result<SeriesList> {
        let mut wanted = self.wanted.clone();
        wanted.extend(also.iter().cloned());
        ctx.series_with(metric, &wanted)
    }

    /// Whether all matchers hold for `series`.
    pub(crate) fn holds(&self, series: &SeriesInfo) -> bool {
        self.matchers.iter().all(|(label, test)| test.holds(series.labels.get(label).unwrap_or("")))
    }
}

fn any(metrics: &[usize], test: impl Fn(usize) -> Result<bool>) -> Result<bool> {
    for metric in metrics {
        if test(*metric)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn test_of(ctx: &Context<'_>, matcher: &Matcher) -> Result<TextTest> {
    let value = &matcher.value;
    Ok(match matcher.op {
        MatchOp::Equal => TextTest::Equal(value.value.clone()),
        MatchOp::NotEqual => TextTest::NotEqual(value.value.clone()),
        MatchOp::Regex => TextTest::Regex(anchored(ctx, &value.value, &value.span)?),
        MatchOp::NotRegex => TextTest::NotRegex(anchored(ctx, &value.value, &value.span)?),
    })
}

/// Refuses an `=` matcher with a value that no series has. An empty value asks for series without the label.
fn check_value(ctx: &Context<'_>, metrics: &[usize], matcher: &Matcher) -> Result<()> {
    let (label, value) = (&matcher.label.value, &matcher.value.value);
    if value.is_empty() {
        return Ok(());
    }
    let wanted = vec![(label.clone(), value.clone())];
    if any(metrics, |m| Ok(!ctx.series_with(m, &wanted)?.is_empty()))? {
        return Ok(());
    }
    let values = ctx.label_values(metrics, label)?;
    let of = match metrics {
        [one] => format!("no series of `{}`", ctx.metrics[*one].name),
        _ => "no series of these metrics".to_owned(),
    };
    let names = values.iter().map(String::as_str);
    let message = format!("{of} has {label} = `{value}`");
    Err(ctx.wrong_name(&matcher.value.span, message, value, names, &list("there is", &values)).into())
}

fn metrics_of(ctx: &Context<'_>, selector: &Selector) -> Result<Vec<usize>> {
    let name = &selector.metric.value;
    if ctx.metrics.is_empty() {
        let d = ctx.wrong(&selector.metric.span, "the store has no metrics yet");
        return Err(d.help("`perfdb ingest FILE` puts some in").into());
    }
    let found: Vec<usize> = if selector.is_glob() {
        (0..ctx.metrics.len()).filter(|i| crate::model::matches(name, &ctx.metrics[*i].name)).collect()
    } else {
        ctx.metric(name).into_iter().collect()
    };
    if found.is_empty() { Err(unknown_metric(ctx, selector).into()) } else { Ok(found) }
}

fn unknown_metric(ctx: &Context<'_>, selector: &Selector) -> Diagnostic {
    let name = &selector.metric.value;
    let message =
        if selector.is_glob() { format!("no metric matches `{name}`") } else { format!("unknown metric `{name}`") };
    let names = || ctx.metrics.iter().map(|m| m.name.as_str());
    let mut d = ctx.wrong(&selector.metric.span, message);
    let near = nearest(&name.replace('*', ""), names());
    d = match did_you_mean(&near) {
        Some(label) => d.label(label),
        None => d.label(list("there is", &names().collect::<Vec<_>>())),
    };
    match (arithmetic_in(ctx, name), near.is_empty()) {
        (Some(parts), _) => d.help(format!("arithmetic goes between aggregates: {parts}")),
        (None, true) => d.help("`show metrics` lists all metrics"),
        (None, false) => d,
    }
}

/// `avg(a) / avg(b)` where `name` is `a/b` and one of the two is a metric.
fn arithmetic_in(ctx: &Context<'_>, name: &str) -> Option<String> {
    name.char_indices().filter(|(_, c)| matches!(c, '/' | '-' | '*')).find_map(|(at, op)| {
        let (left, right) = (&name[..at], &name[at + 1..]);
        (ctx.metric(left).is_some() && !right.is_empty() || ctx.metric(right).is_some() && !left.is_empty())
            .then(|| format!("avg({left}) {op} avg({right})"))
    })
}
