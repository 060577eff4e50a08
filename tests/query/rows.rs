//! Order and limit, and the functions that answer with samples.

use super::naive::Naive;
use super::{answer, ask_with, rows};

fn agents() -> Naive {
    Naive::default()
        .with("d", "agent=a team=x", &[(-9.0, 3.0)])
        .with("d", "agent=b team=x", &[(-8.0, 1.0), (-7.0, 3.0)])
        .with("d", "agent=c team=y", &[(-6.0, 2.0)])
        .with("d", "agent=d", &[(-5.0, 9.0)])
}

#[test]
fn order_follows_terms_then_keys_with_nulls_last() {
    let by = |tail: &str| rows(&agents(), &format!("max(d) as m by agent {tail}")).join("; ");
    assert_eq!(by("order by m"), "c | 2; a | 3; b | 3; d | 9");
    assert_eq!(by("order by m desc, agent desc"), "d | 9; b | 3; a | 3; c | 2");
    assert_eq!(by("order by value desc limit 1"), "d | 9");
    assert_eq!(by("order by max(d) desc limit 2"), "d | 9; a | 3");
    assert_eq!(by("order by count(d) desc"), "b | 3; a | 3; c | 2; d | 9");
    let teams = |tail: &str| rows(&agents(), &format!("stddev(d) as s by team {tail}")).join("; ");
    assert_eq!(teams("order by s"), "x | 1.1547005383792515; y | -; - | -");
    assert_eq!(teams("order by s desc, team desc"), "x | 1.1547005383792515; y | -; - | -");
}

#[test]
fn a_limit_per_key_counts_each_of_its_values() {
    let query = "max(d) by team, agent order by max(d) desc limit 1 per team";
    assert_eq!(rows(&agents(), query), ["- | d | 9", "x | a | 3", "y | c | 2"]);
    let top = rows(&agents(), "max(d) by agent every 5s order by max(d) desc limit 1 per time");
    assert_eq!(top, ["11:59:55 | d | 9", "11:59:50 | a | 3"]);
}

#[test]
fn a_huge_limit_costs_nothing() {
    assert_eq!(rows(&agents(), "count(d) by agent limit 1000000000000000000").len(), 4);
    assert_eq!(rows(&agents(), "points(d) limit 1000000000000000000").len(), 5);
    assert_eq!(rows(&agents(), "slowest(d, 1000000000000000000)").len(), 5);
    assert_eq!(rows(&agents(), "points(d) limit 0").len(), 0);
}

#[test]
fn points_come_by_time_then_labels() {
    let store = Naive::default()
        .with("m", "host=b", &[(-2.0, 1.0), (-1.0, 2.0), (-1.0, 3.0)])
        .with("m", "host=a", &[(-1.0, 4.0)])
        .meta("m", "ms", None);
    let expected = "time | labels | m [ms]\n11:59:58 | {host=\"b\"} | 1\n11:59:59 | {host=\"a\"} | 4\n\
                    11:59:59 | {host=\"b\"} | 2\n11:59:59 | {host=\"b\"} | 3";
    assert_eq!(answer(&store, "points(m)"), expected);
    assert_eq!(rows(&store, "points(m) by host limit 2"), ["11:59:58 | b | 1", "11:59:59 | a | 4"]);
    let slow = rows(&store, "points(m) where value > 1ms by host order by value desc limit 2");
    assert_eq!(slow, ["11:59:59 | a | 4", "11:59:59 | b | 3"]);
    assert_eq!(rows(&store, "points(m) having m = 2 or labels =~ \".*a.*\"").len(), 2);
}

fn host() -> Naive {
    Naive::default()
        .with("cpu.user", "host=a", &[(-3.0, 95.0), (-2.0, 10.0), (-1.0, 96.0)])
        .with("cpu.system", "host=a", &[(-3.0, 1.0), (-2.0, 2.0)])
        .with("cpu.user", "host=b", &[(-3.0, 20.0)])
        .with("cpu.system", "host=b", &[(-3.0, 30.0)])
        .with("cpu.system", "host=c", &[(-3.0, 40.0)])
}

#[test]
fn samples_of_several_metrics_share_a_row_by_labels_and_time() {
    let expected = "time | host | cpu.user | cpu.system\n11:59:57 | a | 95 | 1\n11:59:57 | b | 20 | 30\n\
                    11:59:57 | c | - | 40\n11:59:58 | a | 10 | 2\n11:59:59 | a | 96 | -";
    assert_eq!(answer(&host(), "points(cpu.user, cpu.system) by host"), expected);
    assert_eq!(answer(&host(), "points(cpu.*)").lines().next(), Some("time | labels | cpu.system | cpu.user"));
    assert_eq!(rows(&host(), "points(cpu.user{host=a}, cpu.system{host=b}) by host").len(), 4);
}

#[test]
fn a_condition_on_one_metric_reads_that_one_first() {
    let store = host();
    let rows_of = |query: &str| {
        store.scans.lock().unwrap().clear();
        let found = rows(&store, query);
        (found, store.scans.lock().unwrap().iter().map(|s| s.series.len()).collect::<Vec<_>>())
    };
    let (found, scans) = rows_of("points(cpu.*) where cpu.user > 90 by host");
    assert_eq!(found, ["11:59:57 | a | 1 | 95", "11:59:59 | a | - | 96"]);
    assert_eq!(scans, [2, 2]);
    let (found, scans) = rows_of("points(cpu.*) where cpu.user > 90 and cpu.system < 5 by host");
    assert_eq!((found.len(), scans.len()), (1, 2));
    // What is missing matches no comparison, so its negation holds.
    let (found, scans) = rows_of("points(cpu.*) where not cpu.user > 15 by host");
    assert_eq!((found.len(), scans.len()), (2, 1));
    let (found, _) = rows_of("points(cpu.*) where cpu.user > 90 or cpu.system > 35 by host");
    assert_eq!(found.len(), 3);
    let (found, scans) = rows_of("points(cpu.*) where cpu.user > 1000 by host");
    assert_eq!((found.len(), scans), (0, vec![2]));
}

#[test]
fn samples_of_equal_time_are_paired_in_order_even_under_a_condition() {
    let store =
        Naive::default().with("a", "", &[(-1.0, 1.0), (-1.0, 95.0)]).with("b", "", &[(-1.0, 10.0), (-1.0, 20.0)]);
    assert_eq!(rows(&store, "points(a, b)"), ["11:59:59 | {} | 1 | 10", "11:59:59 | {} | 95 | 20"]);
    assert_eq!(rows(&store, "points(a, b) where a > 90"), ["11:59:59 | {} | 95 | 20"]);
}

#[test]
fn the_slowest_samples_come_largest_first_and_earlier_ones_before_later_ones() {
    let slow = "time | labels | value\n11:59:55 | {agent=\"d\"} | 9\n11:59:51 | {agent=\"a\", team=\"x\"} | 3\n\
                11:59:53 | {agent=\"b\", team=\"x\"} | 3";
    assert_eq!(answer(&agents(), "slowest(d, 3)"), slow);
    assert_eq!(rows(&agents(), "slowest(d, 1) by team"), ["11:59:51 | x | 3", "11:59:54 | y | 2", "11:59:55 | - | 9"]);
    assert_eq!(rows(&agents(), "slowest(d) where value < 3").len(), 2);
}

#[test]
fn many_chunks_make_narrowing_worth_it_and_the_answer_stays() {
    let samples = |seed: i64| -> Vec<(f64, f64)> {
        (0..500).map(|i| (i as f64 - 600.0, ((i * 7919 + seed * 104_729) % 251) as f64)).collect()
    };
    let store = || Naive::default().with("m", "s=1", &samples(1)).with("m", "s=2", &samples(2));
    let (plain, mut chunked) = (store(), store());
    chunked.chunks = 1000;
    for query in [
        "slowest(m, 5)",
        "slowest(m, 7) by s",
        "slowest(m, 7) by s since 5m until 3m",
        "points(m) limit 4",
        "points(m) order by time desc limit 4",
        "points(m) order by value desc limit 6",
        "points(m) by s since 200s order by time desc limit 3",
    ] {
        let before = chunked.scans.lock().unwrap().len();
        assert_eq!(rows(&plain, query), rows(&chunked, query), "{query}");
        assert!(chunked.scans.lock().unwrap().len() > before + 1, "{query} was not narrowed");
    }
}

#[test]
fn limits_of_rows_and_memory_are_named() {
    let store = agents();
    let fails = |query: &str, row_max: usize, memory_max: u64| {
        ask_with(&store, query, row_max, memory_max).map(|t| t.row_count()).map_err(|e| e.to_string())
    };
    assert!(fails("points(d)", 4, 1 << 20).unwrap_err().contains("at most 4"));
    assert_eq!(fails("points(d) limit 4", 4, 1 << 20), Ok(4));
    assert!(fails("points(d) limit 4", 4, 100).unwrap_err().contains("memory"));
    assert!(fails("count(d) by agent", 3, 1 << 20).unwrap_err().contains("4 rows"));
    assert_eq!(fails("count(d) by agent limit 3", 3, 1 << 20), Ok(3));
    let error = fails("count(d) by agent every 1s since 1d fill 0", 1000, 1 << 20).unwrap_err();
    assert!(error.contains("86401 buckets for each of the 4 groups"), "{error}");
}
