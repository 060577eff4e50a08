//! Errors of meaning: one message each, which points at the text and names the way out.

use super::error;
use super::naive::Naive;

fn store() -> Naive {
    Naive::default()
        .with("decision", "agent=scout host=a", &[(-60.0, 1.0)])
        .with("decision", "agent=planner", &[(-10.0, 1.0)])
        .with("cache.hits", "", &[(-10.0, 1.0)])
        .with("cache.misses", "", &[(-10.0, 1.0)])
}

/// Each query and a part of its message.
#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (query, expected) in cases {
        let message = error(&store(), query);
        assert!(message.contains(expected), "{query}\n{message}\nis without\n{expected}");
    }
}

#[test]
fn an_error_points_at_the_text() {
    let expected = "unknown function `p95s`\n  |\n1 | p95s(decision) by agent since 1h\n  | ^^^^ did you mean `p95`?";
    assert_eq!(error(&store(), "p95s(decision) by agent since 1h"), expected);
    let expected = "no label `agnet` on metric `decision`\n  |\n1 | p95(decision) by agnet since 1h\n  |                  ^^^^^ did you mean `agent`?";
    assert_eq!(error(&store(), "p95(decision) by agnet since 1h"), expected);
}

#[test]
fn unknown_names_come_with_the_nearest_ones() {
    check(&[
        ("mean(decision)", "did you mean `avg`?"),
        ("frobnicate(decision)", "unknown function `frobnicate`"),
        ("p95(decison)", "unknown metric `decison`"),
        ("p95(decison)", "did you mean `decision`?"),
        ("p95(zzz)", "there is `cache.hits`, `cache.misses`, `decision`"),
        ("count(disk.*)", "no metric matches `disk.*`"),
        ("avg(cache.hits/cache.misses)", "arithmetic goes between aggregates: avg(cache.hits) / avg(cache.misses)"),
        ("p95(decision{agent=scuot})", "did you mean `scout`?"),
        ("p95(decision{agnet=scout})", "no label `agnet` on metric `decision`"),
        ("p95(decision{agent=xyzzy})", "there is `planner`, `scout`"),
        ("p95(decision) where agnet = scout", "did you mean `agent`?"),
        ("p95(decision) where time > 5", "`since` and `until` choose the range of time"),
        ("p95(decision) where decision > 5", "`value` stands for the value of a sample"),
        ("count(cache.hits) by agent", "it has no labels"),
        ("p95(decision) order by agnet", "no column or key `agnet`"),
        ("p95(decision) by agent having agnt = x", "did you mean `agent`?"),
        ("p95(decision) order by time", "`every` cuts time into buckets"),
        ("p95(decision), p99(decision) order by value", "`value` is ambiguous"),
        ("p95(decision) by agent limit 1 per host", "the keys are `agent`"),
        ("p95(decision) limit 1 per host", "there are no keys"),
        ("points(decision, cache.hits) where value > 1", "name the metric"),
    ]);
    assert!(error(&Naive::default(), "p95(decision)").contains("the store has no metrics yet"));
    assert!(error(&Naive::default(), "p95(decision)").contains("`perfdb ingest FILE`"));
}

#[test]
fn arguments_are_checked_against_the_table() {
    check(&[
        ("p101(decision)", "they go from 0 to 100"),
        ("p9999(decision)", "did you mean `p99.99`?"),
        ("p999(decision)", "did you mean `p99.9`?"),
        ("quantile(decision, 1.5)", "the percentile is `p1.5(x)`"),
        ("quantile(decision, -0.5)", "a fraction from 0 to 1"),
        ("quantile(decision)", "`quantile` needs `fraction`"),
        ("quantile(decision, 0.5, method=\"middle\")", "\"linear\" or \"nearest\""),
        ("quantile(decision, 0.5, methd=\"nearest\")", "did you mean `method`?"),
        ("quantile(decision, 0.5, fraction=0.5)", "`fraction` is given twice"),
        ("avg(decision, cache.hits)", "one call for each metric"),
        ("avg(5)", "is a metric"),
        ("avg(p95(decision))", "`avg` takes a metric, not the result of `p95`"),
        ("avg(nope(decision))", "unknown function `nope`"),
        ("histogram(decision, 0)", "a whole number from 1 to 10000"),
        ("histogram(decision, 2.5)", "a whole number"),
        ("histogram(decision, 1ms)", "a whole number"),
        ("slowest(decision, agent)", "a whole number from 1 on"),
        ("5 + 3", "this column reads no metric"),
    ]);
}

#[test]
fn clauses_that_do_not_fit_are_refused() {
    check(&[
        ("avg(decision), avg(decision)", "two columns are called `avg(decision)`"),
        ("avg(decision) as agent by agent", "two columns are called `agent`"),
        ("avg(decision) by agent, agent", "two columns are called `agent`"),
        ("avg(decision) as time every 1m", "two columns are called `time`"),
        ("avg(decision) fill zero", "add `every`"),
        ("avg(decision) every 0s", "expected at least 1ns"),
        ("avg(decision) every 1d1h", "units that do not mix"),
        ("avg(decision) since 1h until 2h", "the range ends before it starts"),
        ("avg(decision) since 2026-13-01", "`2026-13-01` is no"),
        ("points(decision) every 1m", "leave the `every` out"),
        ("points(decision), avg(decision)", "it must be the only column"),
        ("histogram(decision) + 1", "`histogram` answers with rows of its own"),
        ("histogram(decision) as h", "leave the `as` out"),
        ("histogram(decision) every 1m fill zero", "`fill` does not go with `histogram`"),
        ("show metrics using rollups", "`using rollups` does not go with `show`"),
        ("show metrics by agent", "`by` does not go with `show`"),
        ("avg(decision) by time", "`every` cuts time into buckets"),
        ("points(decision) by metric", "the columns of `points` already"),
        ("avg(decision) where value = fast", "`fast` is no number"),
        ("avg(decision) where agent > fast", "compare numbers"),
        ("avg(decision) where value =~ \"5\"", "matches no pattern"),
        ("avg(decision) having value = fast", "is a number"),
        ("last_time(decision) as t having t > 5", "a point in time"),
        ("last_time(decision) as t having t > soon", "`soon` is no point in time"),
    ]);
}

#[test]
fn what_this_version_cannot_do_is_said_in_one_way() {
    check(&[
        ("trend(p95(decision)) every 1h since 30d", "`trend` is not available in this version"),
        ("compare(p95(decision)) since 1h against previous 1d", "is not available in this version"),
        ("median(decision) last 20 runs", "`last N runs` is not available in this version"),
        ("median(decision) since 1h against previous", "`against` is not available in this version"),
        ("points(decision) using rollups", "`using rollups` where samples are asked for"),
        ("median(decision) by commit", "the run attribute `commit` is not available in this version"),
        ("median(decision) where branch = main", "the run attribute `branch` is not available in this version"),
        ("show runs", "`show runs` is not available in this version"),
        ("show baselines", "`show baselines` is not available in this version"),
    ]);
}

#[test]
fn a_regular_expression_is_bounded() {
    check(&[
        ("avg(decision{agent=~\"((a{1000}){1000}){1000}\"})", "too big"),
        ("avg(decision{agent=~\"(\"})", "unclosed"),
    ]);
}
