//! `where` and matchers: which series and which samples a query reads.

use super::naive::Naive;
use super::{answer, notes, rows};

fn store() -> Naive {
    Naive::default()
        .with("q", "agent=scout size=9", &[(-4.0, 1.0), (-3.0, 5.0)])
        .with("q", "agent=planner size=100", &[(-4.0, 2.0), (-2.0, 6.0)])
        .with("q", "size=large", &[(-1.0, 3.0)])
        .with("r", "agent=scout", &[(-1.0, 1500.0)])
        .meta("r", "ms", None)
}

fn values(query: &str) -> String {
    let of = |row: &String| row.rsplit(" | ").next().unwrap().to_owned();
    rows(&store(), query).iter().map(of).collect::<Vec<_>>().join(" ")
}

#[test]
fn matchers_choose_series() {
    for (matchers, expected) in [
        ("agent=scout", "6"),
        ("agent!=scout", "11"),
        ("agent=~\"s.*|p.*\"", "14"),
        ("agent=~\"cou\"", ""),
        ("agent!~\"s.*\"", "11"),
        ("agent=\"\"", "3"),
        ("agent=scout, size=\"9\"", "6"),
        ("agent=scout, size=\"100\"", ""),
    ] {
        assert_eq!(values(&format!("sum(q{{{matchers}}})")), expected, "{matchers}");
    }
}

#[test]
fn conditions_mix_labels_and_values_freely() {
    for (condition, expected) in [
        ("agent = scout", "6"),
        ("agent = \"\"", "3"),
        ("agent in (scout, planner)", "14"),
        ("agent not in (scout)", "11"),
        ("size > 50", "8"),
        ("size <= 9", "6"),
        ("size != 9", "11"),
        ("not size > 50", "9"),
        ("value > 2", "14"),
        ("value in (1, 2)", "3"),
        ("agent = scout and value > 2", "5"),
        ("agent = scout or value > 2", "15"),
        ("not (agent = scout or value > 2)", "2"),
        ("(agent = scout and value < 2) or (agent = planner and value > 2)", "7"),
        ("metric = q", "17"),
        ("metric =~ \"q|r\" and value < 2", "1"),
        ("metric != q", ""),
        ("agent =~ \"s.+\"", "6"),
        ("agent !~ \"s.+\"", "11"),
    ] {
        assert_eq!(values(&format!("sum(q) where {condition}")), expected, "{condition}");
    }
}

#[test]
fn a_value_compares_in_the_unit_of_its_metric() {
    assert_eq!(values("max(r) where value > 1s"), "1500");
    assert_eq!(values("max(r) where value > 1.5s"), "");
    assert_eq!(values("max(r) where value in (1.5s)"), "1500");
    // A plain number is in the metric's own unit, and a unit that does not fit does no harm where names decide.
    assert_eq!(values("max(r) where value > 1000"), "1500");
    assert_eq!(values("count(*) where metric = r and value > 1s"), "1i");
}

#[test]
fn equal_filters_are_kept_once_and_series_that_cannot_match_are_not_read() {
    let store = store();
    rows(&store, "sum(q) where value > 2 and agent != scout");
    let scans = store.scans.lock().unwrap();
    assert_eq!((scans.len(), scans[0].series.len(), scans[0].filters.len()), (1, 2, 2));
}

#[test]
fn a_condition_on_a_value_that_no_series_has_says_so() {
    let expected = ["no_match: no series has agent = `planer`: did you mean `planner`?"];
    assert_eq!(notes(&store(), "sum(q) where agent = planer"), expected);
    assert_eq!(rows(&store(), "sum(q) where agent = planer").len(), 0);
    let both = notes(&store(), "sum(q{agent=scout, size=\"100\"})");
    assert_eq!(both, ["no_match: no series matches all matchers and conditions"]);
}

#[test]
fn having_tests_columns_keys_and_what_is_not_shown() {
    let by = |having: &str| rows(&store(), &format!("sum(q) as s by agent having {having}"));
    assert_eq!(by("s > 5"), ["planner | 8", "scout | 6"]);
    assert_eq!(by("sum(q) > 6"), ["planner | 8"]);
    assert_eq!(by("value > 6"), ["planner | 8"]);
    assert_eq!(by("count(q) = 1"), ["- | 3"]);
    assert_eq!(by("agent =~ \"s.*\" or agent = \"\""), ["scout | 6", "- | 3"]);
    assert_eq!(by("agent in (planner) and not s < 5"), ["planner | 8"]);
    assert_eq!(rows(&store(), "max(r) by agent having max(r) >= 1.5s"), ["scout | 1500"]);
    assert_eq!(rows(&store(), "last_time(q) as t by agent having t >= \"2026-11-20T11:59:58Z\"").len(), 2);
    // What is not shown makes no rows.
    assert_eq!(rows(&store(), "max(r) by agent order by max(q)"), ["scout | 1500"]);
    assert_eq!(answer(&store(), "sum(q) by agent having count(q) = 1").lines().next(), Some("agent | sum(q)"));
}
