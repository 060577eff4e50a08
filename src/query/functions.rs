//! The one table of all functions: the planner checks calls against it, and the reference in `LANGUAGE.md` is made from it.
//!
//! Invariant: names are unique and lower case; `pNN` stands for every percentile.

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

const NOTHING: Needs =
    Needs { summary: false, ends: false, moments: false, logs: false, values: false, steps: false };
const SUMMARY: Needs = Needs { summary: true, ..NOTHING };
const ENDS: Needs = Needs { ends: true, ..NOTHING };
const MOMENTS: Needs = Needs { moments: true, ..NOTHING };
const LOGS: Needs = Needs { logs: true, ..NOTHING };
const VALUES: Needs = Needs { values: true, ..NOTHING };
const STEPS: Needs = Needs { steps: true, ..NOTHING };

const X: Parameter = Parameter { name: "x", kind: ParameterKind::Metric, default: None };
const AGGREGATE: Parameter = Parameter { name: "x", kind: ParameterKind::Aggregate, default: None };
const METHOD: Parameter =
    Parameter { name: "method", kind: ParameterKind::Choice(&["linear", "nearest"]), default: Some("linear") };

const fn aggregate(
    name: &'static str,
    compute: Compute,
    needs: Needs,
    unit: UnitRule,
    doc: &'static str,
    example: &'static str,
) -> Function {
    let (class, result, parameters) = (Class::Aggregate, ResultType::Number, &[X]);
    Function { name, class, compute, parameters, needs, unit, result, doc, example }
}

const fn analysis(name: &'static str, parameters: &'static [Parameter], doc: &'static str) -> Function {
    let (class, compute, result) = (Class::Analysis, Compute::Analysis, ResultType::Rows);
    Function { name, class, compute, parameters, needs: NOTHING, unit: UnitRule::Without, result, doc, example: "" }
}

/// All functions, in the order of the reference.
pub const FUNCTIONS: [Function; 33] = {
    use UnitRule::{PerSecond, Same, Squared, Without};
    [
        Function {
            result: ResultType::Integer,
            ..aggregate("count", Compute::Count, SUMMARY, Without, "How many points there are.", "count(decision) by agent")
        },
        aggregate("sum", Compute::Sum, SUMMARY, Same, "The sum of the values, with compensated rounding.", "sum(tokens) by agent since 1d"),
        aggregate("avg", Compute::Avg, SUMMARY, Same, "The arithmetic mean.", "avg(cpu.usage) by host every 5m since 1h"),
        aggregate("min", Compute::Min, SUMMARY, Same, "The smallest value.", "min(decision) by agent"),
        aggregate("max", Compute::Max, SUMMARY, Same, "The largest value.", "max(process.memory.rss) every 1h"),
        aggregate("median", Compute::Quantile, VALUES, Same, "The middle value: `p50`.", "median(decision) by agent"),
        aggregate(
            "pNN",
            Compute::Quantile,
            VALUES,
            Same,
            "A percentile, such as `p95` or `p99.9`: exact, by linear interpolation between closest ranks (Hyndman & Fan type 7).",
            "p95(decision), p99.9(decision) by agent since 1h",
        ),
        Function {
            parameters: &[X, Parameter { name: "fraction", kind: ParameterKind::Fraction, default: None }, METHOD],
            ..aggregate(
                "quantile",
                Compute::Quantile,
                VALUES,
                Same,
                "The value below which this fraction of the points lies; `method=\"nearest\"` gives the nearest rank.",
                "quantile(decision, 0.95, method=\"nearest\")",
            )
        },
        aggregate("stddev", Compute::Stddev, MOMENTS, Same, "The standard deviation, with n − 1; null below two points.", "stddev(decision) by agent"),
        aggregate("variance", Compute::Variance, MOMENTS, Squared, "The variance, with n − 1; null below two points.", "variance(decision) by agent"),
        aggregate("mad", Compute::Mad, VALUES, Same, "The median absolute deviation from the median, raw (not scaled).", "mad(decision) by agent"),
        aggregate("iqr", Compute::Iqr, VALUES, Same, "The interquartile range: `p75 − p25`.", "iqr(decision) by agent"),
        aggregate("cv", Compute::Cv, MOMENTS, Without, "The coefficient of variation: `stddev` over the size of the mean; null where the mean is 0.", "cv(decision) by agent"),
        aggregate("first", Compute::First, ENDS, Same, "The first value by time, then by order of arrival.", "first(temperature) every 1d"),
        aggregate("last", Compute::Last, ENDS, Same, "The last value by time, then by order of arrival.", "last(temperature) by host"),
        Function {
            result: ResultType::Time,
            ..aggregate("first_time", Compute::FirstTime, ENDS, Without, "When the first point was.", "first_time(decision) by agent")
        },
        Function {
            result: ResultType::Time,
            ..aggregate("last_time", Compute::LastTime, ENDS, Without, "When the last point was.", "last_time(decision) by agent")
        },
        aggregate("range", Compute::Range, SUMMARY, Same, "The distance from the smallest to the largest value.", "range(cpu.usage) by host"),
        aggregate("geomean", Compute::Geomean, LOGS, Same, "The geometric mean; null unless all values are above 0.", "geomean(time) by benchmark"),
        aggregate("trimmed_mean", Compute::TrimmedMean, VALUES, Same, "The mean without the lowest and the highest 10 % of the points.", "trimmed_mean(decision) by agent"),
        Function {
            class: Class::Counter,
            ..aggregate(
                "rate",
                Compute::Rate,
                STEPS,
                PerSecond,
                "The increase per second of the bucket (or of the range) that lies in the range.",
                "rate(requests_total) by host every 1m since 1h",
            )
        },
        Function {
            class: Class::Counter,
            ..aggregate(
                "increase",
                Compute::Increase,
                STEPS,
                Same,
                "The sum of the steps of each series, a fall counting as a reset to 0; null without a step.",
                "increase(requests_total) by host since 1d",
            )
        },
        Function {
            class: Class::Counter,
            ..aggregate("delta", Compute::Delta, STEPS, Same, "Last minus first value of each series, signed: for gauges.", "delta(process.memory.rss) by process since 1h")
        },
        Function {
            class: Class::Distribution,
            parameters: &[X, Parameter { name: "buckets", kind: ParameterKind::Whole(1, 10_000), default: Some("10") }],
            result: ResultType::Rows,
            ..aggregate("histogram", Compute::Histogram, VALUES, Same, "How the values spread: rows `low`, `high`, `count` of buckets of equal width.", "histogram(decision, 20) by agent")
        },
        Function {
            class: Class::Distribution,
            parameters: &[Parameter { name: "x", kind: ParameterKind::Metrics, default: None }],
            result: ResultType::Rows,
            ..aggregate("points", Compute::Points, NOTHING, Same, "The samples as they are; those of several metrics with equal labels and time share a row.", "points(db.query) where value > 500ms order by value desc limit 20")
        },
        Function {
            class: Class::Distribution,
            parameters: &[X, Parameter { name: "n", kind: ParameterKind::Whole(1, u64::MAX), default: Some("10") }],
            result: ResultType::Rows,
            ..aggregate("slowest", Compute::Slowest, NOTHING, Same, "The n largest samples, largest first; with `by`, the n largest of each group.", "slowest(decision, 5) since 1d")
        },
        analysis("trend", &[AGGREGATE], "The slope of an aggregate over time, with its confidence interval."),
        analysis("changepoints", &[AGGREGATE], "Where the level of an aggregate changed."),
        analysis("anomalies", &[AGGREGATE], "Which buckets of an aggregate stand out."),
        analysis("compare", &[AGGREGATE], "An aggregate against a baseline."),
        analysis("leak", &[AGGREGATE], "Whether an aggregate grows without bound."),
        analysis("forecast", &[AGGREGATE, Parameter { name: "horizon", kind: ParameterKind::Duration, default: None }], "What an aggregate is likely to be, so far ahead."),
        analysis("correlate", &[AGGREGATE, Parameter { name: "y", kind: ParameterKind::Aggregate, default: None }], "How two aggregates move together."),
    ]
};

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
            Ok(fraction) if fraction <= 1.0 => by_name("pNN").map_or(Lookup::Unknown, |f| Lookup::Found(f, Some(fraction))),
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
        let mut text = format!("{}(", self.name);
        for (i, p) in self.parameters.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            match (p.kind, p.default) {
                (ParameterKind::Metrics, _) => text.push_str("x, ..."),
                (ParameterKind::Choice(_), Some(default)) => text.push_str(&format!(" [{comma}{}=\"{default}\"]", p.name)),
                (_, Some(default)) => text.push_str(&format!(" [{comma}{}={default}]", p.name)),
                (_, None) => text.push_str(&format!("{comma}{}", p.name)),
            }
        }
        text.push(')');
        text
    }
}
