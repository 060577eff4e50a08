//! All functions of the language, in the order of the reference.

use super::{Class, Compute, Function, Parameter, ParameterKind, ResultType, UnitRule};
use crate::query::source::Needs;

const NOTHING: Needs =
    Needs { summary: false, ends: false, moments: false, logs: false, values: false, steps: false, raw: false };
const SUMMARY: Needs = Needs { summary: true, ..NOTHING };
const ENDS: Needs = Needs { ends: true, ..NOTHING };
const MOMENTS: Needs = Needs { moments: true, raw: true, ..NOTHING };
const LOGS: Needs = Needs { logs: true, raw: true, ..NOTHING };
const VALUES: Needs = Needs { values: true, ..NOTHING };
/// Values whose differences count: those of a rollup are too coarse for that.
const RAW_VALUES: Needs = Needs { raw: true, ..VALUES };
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
            ..aggregate(
                "count",
                Compute::Count,
                SUMMARY,
                Without,
                "How many points there are.",
                "count(decision) by agent",
            )
        },
        aggregate(
            "sum",
            Compute::Sum,
            SUMMARY,
            Same,
            "The sum of the values, with compensated rounding.",
            "sum(tokens) by agent since 1d",
        ),
        aggregate(
            "avg",
            Compute::Avg,
            SUMMARY,
            Same,
            "The arithmetic mean.",
            "avg(cpu.usage) by host every 5m since 1h",
        ),
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
        aggregate(
            "stddev",
            Compute::Stddev,
            MOMENTS,
            Same,
            "The standard deviation, with n − 1; null below two points.",
            "stddev(decision) by agent",
        ),
        aggregate(
            "variance",
            Compute::Variance,
            MOMENTS,
            Squared,
            "The variance, with n − 1; null below two points.",
            "variance(decision) by agent",
        ),
        aggregate(
            "mad",
            Compute::Mad,
            RAW_VALUES,
            Same,
            "The median absolute deviation from the median, raw (not scaled).",
            "mad(decision) by agent",
        ),
        aggregate(
            "iqr",
            Compute::Iqr,
            RAW_VALUES,
            Same,
            "The interquartile range: `p75 − p25`.",
            "iqr(decision) by agent",
        ),
        aggregate(
            "cv",
            Compute::Cv,
            MOMENTS,
            Without,
            "The coefficient of variation: `stddev` over the size of the mean; null where the mean is 0.",
            "cv(decision) by agent",
        ),
        aggregate(
            "first",
            Compute::First,
            ENDS,
            Same,
            "The first value by time, then by order of arrival.",
            "first(temperature) every 1d",
        ),
        aggregate(
            "last",
            Compute::Last,
            ENDS,
            Same,
            "The last value by time, then by order of arrival.",
            "last(temperature) by host",
        ),
        Function {
            result: ResultType::Time,
            ..aggregate(
                "first_time",
                Compute::FirstTime,
                ENDS,
                Without,
                "When the first point was.",
                "first_time(decision) by agent",
            )
        },
        Function {
            result: ResultType::Time,
            ..aggregate(
                "last_time",
                Compute::LastTime,
                ENDS,
                Without,
                "When the last point was.",
                "last_time(decision) by agent",
            )
        },
        aggregate(
            "range",
            Compute::Range,
            SUMMARY,
            Same,
            "The distance from the smallest to the largest value.",
            "range(cpu.usage) by host",
        ),
        aggregate(
            "geomean",
            Compute::Geomean,
            LOGS,
            Same,
            "The geometric mean; null unless all values are above 0.",
            "geomean(time) by benchmark",
        ),
        aggregate(
            "trimmed_mean",
            Compute::TrimmedMean,
            RAW_VALUES,
            Same,
            "The mean without the lowest and the highest 10 % of the points.",
            "trimmed_mean(decision) by agent",
        ),
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
            ..aggregate(
                "delta",
                Compute::Delta,
                STEPS,
                Same,
                "Last minus first value of each series, signed: for gauges.",
                "delta(process.memory.rss) by process since 1h",
            )
        },
        Function {
            class: Class::Distribution,
            parameters: &[X, Parameter { name: "buckets", kind: ParameterKind::Whole(1, 10_000), default: Some("10") }],
            result: ResultType::Rows,
            ..aggregate(
                "histogram",
                Compute::Histogram,
                RAW_VALUES,
                Same,
                "How the values spread: rows `low`, `high`, `count` of buckets of equal width.",
                "histogram(decision, 20) by agent",
            )
        },
        Function {
            class: Class::Distribution,
            parameters: &[Parameter { name: "x", kind: ParameterKind::Metrics, default: None }],
            result: ResultType::Rows,
            ..aggregate(
                "points",
                Compute::Points,
                NOTHING,
                Same,
                "The samples as they are; those of several metrics with equal labels and time share a row.",
                "points(db.query) where value > 500ms order by value desc limit 20",
            )
        },
        Function {
            class: Class::Distribution,
            parameters: &[X, Parameter { name: "n", kind: ParameterKind::Whole(1, u64::MAX), default: Some("10") }],
            result: ResultType::Rows,
            ..aggregate(
                "slowest",
                Compute::Slowest,
                NOTHING,
                Same,
                "The n largest samples, largest first; with `by`, the n largest of each group.",
                "slowest(decision, 5) since 1d",
            )
        },
        analysis("trend", &[AGGREGATE], "The slope of an aggregate over time, with its confidence interval."),
        analysis("changepoints", &[AGGREGATE], "Where the level of an aggregate changed."),
        analysis("anomalies", &[AGGREGATE], "Which buckets of an aggregate stand out."),
        analysis("compare", &[AGGREGATE], "An aggregate against a baseline."),
        analysis("leak", &[AGGREGATE], "Whether an aggregate grows without bound."),
        analysis(
            "forecast",
            &[AGGREGATE, Parameter { name: "horizon", kind: ParameterKind::Duration, default: None }],
            "What an aggregate is likely to be, so far ahead.",
        ),
        analysis(
            "correlate",
            &[AGGREGATE, Parameter { name: "y", kind: ParameterKind::Aggregate, default: None }],
            "How two aggregates move together.",
        ),
    ]
};
