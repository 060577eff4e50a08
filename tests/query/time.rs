//! Ranges, buckets, zones, fill, and what is said about empty answers.

use super::naive::Naive;
use super::{answer, notes, rows};

fn ticks() -> Naive {
    Naive::default().with("t", "h=a", &[(-300.0, 1.0), (-240.0, 2.0), (-60.0, 8.0)]).with("t", "h=b", &[(-120.0, 5.0)])
}

#[test]
fn a_range_is_half_open_and_without_until_has_no_upper_bound() {
    let store = Naive::default().with("t", "", &[(-60.0, 1.0), (0.0, 2.0), (60.0, 4.0)]);
    for (range, expected) in [
        ("", "7"),
        ("since 1m", "7"),
        ("since 59s", "6"),
        ("since 1m until now", "1"),
        ("since now", "6"),
        ("until 1m", ""),
        ("since 2026-11-20T12:00:00Z until 2026-11-20T12:01:00Z", "2"),
        ("since today", "7"),
        ("since yesterday until today", ""),
        ("since @1795176000", "6"),
        ("since 2026-11-20T12:30:00 in \"Europe/Berlin\"", "7"),
        ("since 2026-11-20T13:00:00 in \"Europe/Berlin\"", "6"),
    ] {
        assert_eq!(rows(&store, &format!("sum(t) {range}")).join(""), expected, "{range}");
    }
}

#[test]
fn buckets_are_named_by_their_start_and_come_first() {
    assert_eq!(answer(&ticks(), "sum(t) by h every 3m").lines().next(), Some("time | h | sum(t)"));
    assert_eq!(
        rows(&ticks(), "sum(t) by h every 1m"),
        ["11:55:00 | a | 1", "11:56:00 | a | 2", "11:59:00 | a | 8", "11:58:00 | b | 5"]
    );
    assert_eq!(rows(&ticks(), "sum(t) every 3m"), ["11:54:00 | 3", "11:57:00 | 13"]);
    assert_eq!(rows(&ticks(), "sum(t) by h every 3m order by time desc limit 1"), ["11:57:00 | a | 8"]);
}

#[test]
fn buckets_that_the_range_cuts_are_noted_once() {
    let all = notes(&ticks(), "sum(t) by h every 2m since 5m until 30s");
    assert_eq!(
        all,
        ["partial_bucket: cut by the range: the bucket 2026-11-20T11:54:00Z begins at 2026-11-20T11:55:00Z, \
         the bucket 2026-11-20T11:58:00Z ends at 2026-11-20T11:59:30Z"]
    );
    assert_eq!(notes(&ticks(), "sum(t) every 1m since 5m"), Vec::<String>::new());
}

#[test]
fn calendar_buckets_follow_the_zone_through_a_change_of_clocks() {
    // Berlin leaves summer time on 2026-10-25, which makes that day 25 hours long.
    let days = |n: i64| (n * 86_400 - super::NOON.rem_euclid(86_400)) as f64;
    let store = Naive::default().with(
        "t",
        "",
        &[(days(-26) - 3600.0, 1.0), (days(-26) + 3600.0, 2.0), (days(-25) - 1800.0, 4.0)],
    );
    let expected = ["2026-10-24T22:00:00 | 3", "2026-10-25T23:00:00 | 4"];
    assert_eq!(rows(&store, "sum(t) every 1d in \"Europe/Berlin\""), expected);
    assert_eq!(rows(&store, "sum(t) every 1mo"), ["2026-10-01T00:00:00 | 7"]);
}

#[test]
fn fill_makes_the_missing_buckets() {
    let h = |fill: &str| rows(&ticks(), &format!("sum(t{{h=a}}) every 1m {fill}")).join("; ");
    assert_eq!(h("fill none"), "11:55:00 | 1; 11:56:00 | 2; 11:59:00 | 8");
    assert_eq!(h("fill null"), "11:55:00 | 1; 11:56:00 | 2; 11:57:00 | -; 11:58:00 | -; 11:59:00 | 8");
    assert_eq!(h("fill zero"), "11:55:00 | 1; 11:56:00 | 2; 11:57:00 | 0; 11:58:00 | 0; 11:59:00 | 8");
    assert_eq!(h("fill 7.5"), "11:55:00 | 1; 11:56:00 | 2; 11:57:00 | 7.5; 11:58:00 | 7.5; 11:59:00 | 8");
    assert_eq!(h("fill previous"), "11:55:00 | 1; 11:56:00 | 2; 11:57:00 | 2; 11:58:00 | 2; 11:59:00 | 8");
    assert_eq!(h("fill linear"), "11:55:00 | 1; 11:56:00 | 2; 11:57:00 | 4; 11:58:00 | 6; 11:59:00 | 8");
}

#[test]
fn fill_spans_the_range_for_every_group() {
    let query = "count(t) by h every 1m since 4m until now fill zero";
    let expected = [
        "11:56:00 | a | 1i",
        "11:57:00 | a | 0i",
        "11:58:00 | a | 0i",
        "11:59:00 | a | 1i",
        "11:56:00 | b | 0i",
        "11:57:00 | b | 0i",
        "11:58:00 | b | 1i",
        "11:59:00 | b | 0i",
    ];
    assert_eq!(rows(&ticks(), query), expected);
    // Without `until` it goes on to now.
    assert_eq!(rows(&ticks(), "count(t{h=a}) every 1m since 2m fill zero").last().unwrap(), "12:00:00 | 0i");
    let edge = rows(&ticks(), "sum(t{h=a}) every 1m since 6m until now fill linear").join("; ");
    assert_eq!(edge, "11:54:00 | -; 11:55:00 | 1; 11:56:00 | 2; 11:57:00 | 4; 11:58:00 | 6; 11:59:00 | 8");
}

#[test]
fn fill_reaches_each_side_of_arithmetic_and_the_whole_where_both_are_missing() {
    let store = Naive::default().with("hits", "", &[(-300.0, 3.0), (-180.0, 1.0)]).with(
        "misses",
        "",
        &[(-300.0, 1.0), (-240.0, 2.0)],
    );
    let rate = |fill: &str| {
        let rate = "sum(hits) / (sum(hits) + sum(misses)) as r";
        rows(&store, &format!("{rate} every 1m since 5m until 1m fill {fill}")).join("; ")
    };
    assert_eq!(rate("zero"), "11:55:00 | 0.75; 11:56:00 | 0; 11:57:00 | 1; 11:58:00 | 0");
    assert_eq!(rate("null"), "11:55:00 | 0.75; 11:56:00 | -; 11:57:00 | -; 11:58:00 | -");
    assert_eq!(
        rows(&store, "sum(hits) + sum(misses) as s every 1m fill previous").join("; "),
        "11:55:00 | 4; 11:56:00 | 5; 11:57:00 | 3"
    );
}

#[test]
fn times_are_filled_by_previous_only() {
    let q = |fill: &str| rows(&ticks(), &format!("last_time(t{{h=a}}) every 2m fill {fill}")).join("; ");
    assert_eq!(q("zero"), "11:54:00 | 11:55:00; 11:56:00 | 11:56:00; 11:58:00 | 11:59:00");
    let sparse = Naive::default().with("t", "", &[(-300.0, 1.0), (-60.0, 2.0)]);
    let sparse = |fill: &str| rows(&sparse, &format!("last_time(t) every 2m fill {fill}")).join("; ");
    assert_eq!(sparse("previous"), "11:54:00 | 11:55:00; 11:56:00 | 11:55:00; 11:58:00 | 11:59:00");
    assert_eq!(sparse("linear"), "11:54:00 | 11:55:00; 11:56:00 | -; 11:58:00 | 11:59:00");
}

#[test]
fn an_empty_answer_says_where_the_samples_are() {
    let old = Naive::default().with("d", "", &[(-5.0 * 86_400.0, 1.0)]);
    assert_eq!(
        notes(&old, "p95(d) since 1h"),
        ["empty_range: nothing in the last 1 h; the newest sample is 5 d old: try --now latest"]
    );
    assert_eq!(
        notes(&old, "points(d) since 1h30m"),
        ["empty_range: nothing in the last 1 h 30 m; the newest sample is 5 d old: try --now latest"]
    );
    assert_eq!(
        notes(&old, "p95(d) since 2026-11-16 until 2026-11-17"),
        [
            "empty_range: nothing from 2026-11-16T00:00:00Z to 2026-11-17T00:00:00Z; the newest sample is of 2026-11-15T12:00:00Z"
        ]
    );
    assert_eq!(
        notes(&old, "p95(d) until 2026-11-01")[0],
        "empty_range: nothing before 2026-11-01T00:00:00Z; the oldest sample is of 2026-11-15T12:00:00Z"
    );
    assert!(notes(&old, "p95(d) where value > 5")[0].starts_with("empty_range: nothing in all of time matches"));
    assert_eq!(
        notes(&Naive::default().meta("d", "ms", None), "p95(d)"),
        ["no_match: no series matches all matchers and conditions"]
    );
    assert_eq!(rows(&old, "p95(d) every 1m since 1h fill 0").len(), 0);
}
