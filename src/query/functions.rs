//! The one table of all functions: the planner checks calls against it, and the reference in `LANGUAGE.md` is made from it.
//!
//! Invariant: names are unique and lower case; `pNN` stands for every percentile.

mod table;

pub use table::FUNCTIONS;

use super::source::Needs;

/// What a function works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The points of a group, pooled.
    Aggregate,
    /// The steps between neighbours of a series, then summed over the group.
    Counter,
    /// The points themselves, or how they spread; the only column of its query.
    Distribution,
    /// The values of an aggregate in time or run order.
    Analysis,
}

/// The unit of a function's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitRule {
    /// The metric's.
    Same,
    /// The square of the metric's.
    Squared,
    /// The metric's per second.
    PerSecond,
    /// None.
    Without,
}

/// The type of a function's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultType {
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// A point in time.
    Time,
    /// Rows with columns of their own.
    Rows,
}

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says what each one is")]
pub enum Compute {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    Quantile,
    Stddev,
    Variance,
    Mad,
    Iqr,
    Cv,
    First,
    Last,
    FirstTime,
    LastTime,
    Range,
    Geomean,
    TrimmedMean,
    Rate,
    Increase,
    Delta,
    Histogram,
    Points,
    Slowest,
    Analysis,
}

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A metric or a pattern of metrics, with matchers.
    Metric,
    /// One or more of those.
    Metrics,
    /// An aggregate.
    Aggregate,
    /// A number from 0 to 1.
    Fraction,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A span of time.
    Duration,
}

/// One argument of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, for `name=value`.
    pub name: &'static str,
    /// What it may be.
    pub kind: ParameterKind,
    /// What it is when left out; `None` where it must be there.
    pub default: Option<&'static str>,
}

/// A function of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// What it works on.
    pub class: Class,
    /// What is computed.
    pub compute: Compute,
    /// Its arguments.
    pub parameters: &'static [Parameter],
    /// What must be known of each group.
    pub needs: Needs,
    /// The unit of its result.
    pub unit: UnitRule,
    /// The type of its result.
    pub result: ResultType,
    /// One sentence.
    pub doc: &'static str,
    /// A query that uses it.
    pub example: &'static str,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lookup {
    /// A function, and for a percentile or the median its fraction.
    Found(&'static Function, Option<f64>),
    /// A percentile above 100.
    PercentileTooHigh,
    /// Nothing.
    Unknown,
}

/// Finds the function called `name`, in any case.
///
/// ```
/// use perfdb::query::functions::{Lookup, find};
/// assert!(matches!(find("P99.9"), Lookup::Found(f, Some(0.999)) if f.name == "pNN"));
/// assert_eq!(find("p101"), Lookup::PercentileTooHigh);
/// assert_eq!(find("p95s"), Lookup::Unknown);
/// ```
pub fn find(name: &str) -> Lookup {
    let lower = name.to_ascii_lowercase();
    if let Some(digits) = lower.strip_prefix('p').filter(|d| is_decimal(d)) {
        // The decimal point is moved in the text, since 99.9 / 100 is not the number nearest to 0.999.
        return match format!("{digits}e-2").parse::<f64>() {
            Ok(fraction) if fraction <= 1.0 => {
                by_name("pNN").map_or(Lookup::Unknown, |f| Lookup::Found(f, Some(fraction)))
            }
            _ => Lookup::PercentileTooHigh,
        };
    }
    by_name(&lower).map_or(Lookup::Unknown, |f| Lookup::Found(f, (f.name == "median").then_some(0.5)))
}

fn by_name(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|f| f.name == name)
}

/// Whether `text` is digits, perhaps with a point and more digits.
fn is_decimal(text: &str) -> bool {
    let all_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, rest)) => all_digits(whole) && all_digits(rest),
        None => all_digits(text),
    }
}

/// What other languages call our functions.
const SYNONYMS: [(&str, &str); 14] = [
    ("mean", "avg"),
    ("average", "avg"),
    ("std", "stddev"),
    ("stdev", "stddev"),
    ("sd", "stddev"),
    ("var", "variance"),
    ("percentile", "quantile"),
    ("minimum", "min"),
    ("maximum", "max"),
    ("top", "slowest"),
    ("samples", "points"),
    ("raw", "points"),
    ("irate", "rate"),
    ("total", "sum"),
];

/// The functions that somebody who typed `name` may have meant, best first.
///
/// ```
/// use perfdb::query::functions::suggest;
/// assert_eq!(suggest("p95s"), ["p95"]);
/// assert_eq!(suggest("mean"), ["avg"]);
/// ```
pub fn suggest(name: &str) -> Vec<String> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, ours)) = SYNONYMS.iter().find(|s| s.0 == lower) {
        return vec![(*ours).to_owned()];
    }
    if let Some(rest) = lower.strip_prefix('p') {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let percentile = format!("p{}", rest[..end].trim_end_matches('.'));
        if matches!(find(&percentile), Lookup::Found(..)) {
            return vec![percentile];
        }
    }
    let names = FUNCTIONS.iter().map(|f| f.name).filter(|n| *n != "pNN").chain(["p50", "p90", "p95", "p99"]);
    crate::error::nearest(&lower, names).into_iter().map(str::to_owned).collect()
}

impl Function {
    /// How it is called: `quantile(x, fraction [, method="linear"])`.
    pub fn signature(&self) -> String {
        let parameters = self.parameters.iter().enumerate().map(|(i, p)| {
            let comma = if i == 0 { "" } else { ", " };
            match (p.kind, p.default) {
                (ParameterKind::Metrics, _) => "x, ...".to_owned(),
                (ParameterKind::Choice(_), Some(default)) => format!(" [{comma}{}=\"{default}\"]", p.name),
                (_, Some(default)) => format!(" [{comma}{}={default}]", p.name),
                (_, None) => format!("{comma}{}", p.name),
            }
        });
        format!("{}({})", self.name, parameters.collect::<String>())
    }
}
