//! What each function computes, how points are grouped, and how often a query reads.

use super::naive::Naive;
use super::{answer, notes, rows};
use perfdb::model::Kind;

fn decisions() -> Naive {
    Naive::default()
        .with("decision", "agent=scout host=a", &[(-50.0, 10.0), (-40.0, 20.0)])
        .with("decision", "agent=scout host=b", &[(-30.0, 30.0), (-20.0, 40.0)])
        .with("decision", "agent=planner host=a", &[(-10.0, 5.0)])
        .with("decision", "host=c", &[(-5.0, 7.0)])
}

fn numbers(values: &[f64]) -> Naive {
    let samples: Vec<(f64, f64)> = values.iter().enumerate().map(|(i, v)| (i as f64 - 100.0, *v)).collect();
    Naive::default().with("x", "", &samples)
}

fn one(store: &Naive, call: &str) -> String {
    rows(store, call).join(";")
}

#[test]
fn points_of_a_group_are_pooled_and_a_missing_label_groups_as_null_last() {
    let expected = "agent | count(decision) | median(decision)\nplanner | 1i | 5\nscout | 4i | 25\n- | 1i | 7";
    assert_eq!(answer(&decisions(), "count(decision), median(decision) by agent"), expected);
}

#[test]
fn several_keys_sort_one_after_the_other() {
    let expected = ["a | planner | 5", "a | scout | 30", "b | scout | 70", "c | - | 7"];
    assert_eq!(rows(&decisions(), "sum(decision) by host, agent"), expected);
}

#[test]
fn by_star_is_each_series_for_itself_with_the_metric_where_there_are_several() {
    assert_eq!(answer(&decisions(), "sum(decision) by *").lines().next(), Some("agent | host | sum(decision)"));
    let two = decisions().with("action", "agent=scout", &[(0.0, 1.0)]);
    let expected = "metric | agent | host | count(*)\naction | scout | - | 1i\ndecision | planner | a | 1i\n\
                    decision | scout | a | 2i\ndecision | scout | b | 2i\ndecision | - | c | 1i";
    assert_eq!(answer(&two, "count(*) by *"), expected);
}

#[test]
fn without_keys_there_is_one_row() {
    assert_eq!(answer(&decisions(), "avg(decision) as mean"), "mean\n18.666666666666668");
}

#[test]
fn every_aggregate_gives_its_textbook_value() {
    let x = numbers(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
    for (call, expected) in [
        ("count(x)", "8i"),
        ("sum(x)", "40"),
        ("avg(x)", "5"),
        ("min(x)", "2"),
        ("max(x)", "9"),
        ("range(x)", "7"),
        ("median(x)", "4.5"),
        ("p50(x)", "4.5"),
        ("p0(x)", "2"),
        ("P100(x)", "9"),
        ("p95(x)", "8.299999999999999"),
        ("quantile(x, 0.95)", "8.299999999999999"),
        ("quantile(x, 0.95, method=\"nearest\")", "9"),
        ("quantile(x, fraction=0.5, method=nearest)", "4"),
        ("variance(x)", "4.571428571428571"),
        ("stddev(x)", "2.138089935299395"),
        ("cv(x)", "0.427617987059879"),
        ("mad(x)", "0.5"),
        ("iqr(x)", "1.5"),
        ("first(x)", "2"),
        ("last(x)", "9"),
        ("first_time(x)", "11:58:20"),
        ("last_time(x)", "11:58:27"),
    ] {
        assert_eq!(one(&x, call), expected, "{call}");
    }
    assert_eq!(one(&numbers(&[1.0, 2.0, 4.0]), "geomean(x)"), "2");
    let ten: Vec<f64> = (1..=10).map(f64::from).collect();
    assert_eq!(one(&numbers(&[&ten[..9], &[1000.0]].concat()), "trimmed_mean(x)"), "5.5");
}

#[test]
fn a_time_keeps_every_nanosecond() {
    let store = Naive::default().with("x", "", &[(-0.000_000_001, 1.0)]);
    assert_eq!(one(&store, "last_time(x)"), "11:59:59.999999999");
}

#[test]
fn what_is_not_defined_is_null() {
    assert_eq!(one(&numbers(&[3.0]), "stddev(x), variance(x), cv(x), increase(x)"), "- | - | - | -");
    assert_eq!(one(&numbers(&[3.0, 0.0]), "geomean(x)"), "-");
    assert_eq!(one(&numbers(&[1.0, -1.0]), "cv(x)"), "-");
    assert_eq!(one(&numbers(&[f64::MAX, f64::MAX]), "sum(x)"), "-");
}

#[test]
fn counters_add_the_steps_of_each_series_and_take_a_fall_for_a_reset() {
    let store = Naive::default().with("hits", "host=a", &[(-60.0, 100.0), (-40.0, 110.0), (-20.0, 5.0)]).with(
        "hits",
        "host=b",
        &[(-60.0, 0.0), (-30.0, 7.0)],
    );
    assert_eq!(one(&store, "increase(hits), delta(hits)"), "22 | -88");
    assert_eq!(rows(&store, "increase(hits) by host"), ["a | 15", "b | 7"]);
    // The range starts at the oldest sample, a minute before now.
    assert_eq!(answer(&store, "rate(hits)"), format!("rate(hits) [1/s]\n{}", 22.0 / 60.0));
    assert_eq!(one(&store, "rate(hits) since 2m"), format!("{}", 22.0 / 120.0));
    assert_eq!(one(&store, "rate(hits) since 50s until 35s"), "-");
}

#[test]
fn a_rate_counts_only_the_seconds_of_a_bucket_that_lie_in_the_range() {
    let store = Naive::default().with("hits", "", &[(-90.0, 0.0), (-75.0, 30.0), (-45.0, 60.0), (-5.0, 120.0)]);
    let expected = ["11:58:00 | 1", "11:59:00 | 1.5"];
    assert_eq!(rows(&store, "rate(hits) every 1m since 90s"), expected);
}

#[test]
fn kinds_that_do_not_fit_a_function_are_noted() {
    let store = Naive::default()
        .with("hits", "", &[(-1.0, 1.0)])
        .meta("hits", "", Some(Kind::Counter))
        .with("rss", "", &[(-1.0, 1.0)])
        .meta("rss", "B", Some(Kind::Gauge));
    assert_eq!(notes(&store, "sum(hits)").len(), 1);
    assert!(notes(&store, "sum(hits)")[0].starts_with("sum_of_counter: `hits` is a counter"));
    assert!(notes(&store, "rate(rss)")[0].starts_with("counter_of_gauge: `rss` is a gauge"));
    assert_eq!(notes(&store, "delta(rss), max(hits)"), Vec::<String>::new());
}

#[test]
fn columns_over_one_selector_share_a_scan_and_metrics_of_equal_needs_do_too() {
    let store = decisions().with("action", "agent=scout", &[(0.0, 1.0)]).with("talk", "agent=scout", &[(0.0, 2.0)]);
    let scans = |query: &str| {
        store.scans.lock().unwrap().clear();
        let row = rows(&store, query).len();
        (store.scans.lock().unwrap().len(), row)
    };
    assert_eq!(scans("p50(decision), p95(decision), count(decision), avg(decision) by agent"), (1, 3));
    assert_eq!(scans("max(action), max(decision), max(talk) by agent"), (1, 3));
    assert_eq!(scans("max(action), p95(decision)"), (2, 1));
    assert_eq!(scans("max(decision{host=a}), max(decision{host=b})"), (2, 1));
    let needs = store.scans.lock().unwrap()[0].needs;
    assert!(needs.summary && !needs.values && !needs.ends && !needs.moments && !needs.steps);
}

#[test]
fn metrics_join_on_their_keys_and_a_missing_side_is_null() {
    let store = decisions().with("action", "agent=scout", &[(0.0, 1.0)]).with("action", "agent=courier", &[(0.0, 2.0)]);
    let expected = "agent | max(action) | max(decision) | d\ncourier | 2 | - | -\nplanner | - | 5 | -\n\
                    scout | 1 | 40 | 39\n- | - | 7 | -";
    assert_eq!(answer(&store, "max(action), max(decision), max(decision) - max(action) as d by agent"), expected);
}

#[test]
fn arithmetic_follows_the_usual_order_and_division_by_zero_is_null() {
    let x = numbers(&[2.0, 4.0]);
    assert_eq!(one(&x, "sum(x) + 2 * max(x) - -1"), "15");
    assert_eq!(one(&x, "(sum(x) + 2) * 2 / min(x)"), "8");
    assert_eq!(one(&x, "sum(x) / (max(x) - 4)"), "-");
    assert_eq!(one(&x, "-avg(x)"), "-3");
    assert_eq!(one(&numbers(&[0.0]), "-avg(x)"), "0");
    assert_eq!(one(&x, "count(x) / 4"), "0.5");
}

#[test]
fn a_glob_pools_metrics_and_by_metric_tells_them_apart() {
    let store = Naive::default().with("cpu.user", "", &[(-2.0, 1.0)]).with("cpu.system", "", &[(-2.0, 3.0)]).with(
        "mem",
        "",
        &[(-2.0, 9.0)],
    );
    assert_eq!(one(&store, "sum(cpu.*)"), "4");
    assert_eq!(rows(&store, "max(*) by metric"), ["cpu.system | 3", "cpu.user | 1", "mem | 9"]);
    assert_eq!(one(&store, "count(*), min(*), max(*), avg(*)"), "3i | 1 | 9 | 4.333333333333333");
}

#[test]
fn a_histogram_has_rows_of_its_own() {
    let store = numbers(&[0.0, 1.0, 1.5, 4.0]).meta("x", "ms", None);
    let expected = "low [ms] | high [ms] | count\n0 | 2 | 3i\n2 | 4 | 1i";
    assert_eq!(answer(&store, "histogram(x, 2)"), expected);
    assert_eq!(rows(&store, "histogram(x, buckets=2) having count > 1"), ["0 | 2 | 3i"]);
    assert_eq!(
        rows(&decisions(), "histogram(decision, 1) by agent order by count desc limit 1"),
        ["scout | 10 | 40 | 4i"]
    );
    assert_eq!(rows(&store, "histogram(x)").len(), 10);
}
