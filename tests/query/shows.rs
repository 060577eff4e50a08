//! `show` and `explain`.

use super::naive::Naive;
use super::{NOON, answer, error, rows};
use perfdb::model::{Cancel, Kind, Timestamp, Zone};
use perfdb::query::exec::{Settings, run};
use perfdb::query::parser::parse;
use std::cell::Cell;

fn store() -> Naive {
    Naive::default()
        .with("decision", "agent=scout host=a", &[(-60.0, 1.0), (-30.0, 2.0)])
        .with("decision", "agent=planner", &[(-10.0, 1.0)])
        .meta("decision", "ms", None)
        .with("odd name", "agent=scout", &[(-1.0, 1.0)])
        .meta("hits", "", Some(Kind::Counter))
}

#[test]
fn show_metrics_lists_what_is_known_of_each() {
    let expected = "metric | kind | unit | better | series | oldest | newest | description\n\
                    decision | sample | ms | unknown | 2i | 11:59:00 | 11:59:50 | -\n\
                    hits | counter | - | unknown | 0i | - | - | -\n\
                    odd name | sample | - | unknown | 1i | 11:59:59 | 11:59:59 | -";
    assert_eq!(answer(&store(), "show metrics"), expected);
    assert_eq!(rows(&store(), "show metrics where metric =~ \"dec.*\"").len(), 1);
    assert_eq!(
        rows(&store(), "show metrics where agent = scout order by series desc limit 1")[0].split(' ').next(),
        Some("decision")
    );
    assert_eq!(rows(&store(), "show metrics since 5s").len(), 1);
    assert_eq!(rows(&Naive::default(), "show metrics").len(), 0);
}

#[test]
fn show_series_gives_selectors_that_find_them() {
    let expected = [
        "decision | decision{agent=\"planner\"}",
        "decision | decision{agent=\"scout\", host=\"a\"}",
        "odd name | \"odd name\"{agent=\"scout\"}",
    ];
    assert_eq!(rows(&store(), "show series"), expected);
    assert_eq!(rows(&store(), "show series where host = a").len(), 1);
}

#[test]
fn show_labels_and_values_count() {
    assert_eq!(answer(&store(), "show labels"), "label | values | series\nagent | 2i | 3i\nhost | 1i | 1i");
    assert_eq!(answer(&store(), "show values agent order by series desc"), "value | series\nscout | 2i\nplanner | 1i");
    assert!(error(&store(), "show values agnet").contains("did you mean `agent`?"));
    assert!(error(&store(), "show metrics where vlaue > 5").contains("no label `vlaue`"));
}

#[test]
fn explain_says_what_is_read_and_how_columns_come_about() {
    let plan =
        rows(&store(), "explain p95(decision), count(decision) by agent every 1m since 1h order by time desc limit 3");
    for line in [
        "range | since | 2026-11-20T11:00:00Z",
        "range | until | open",
        "range | buckets | 1m, aligned to the epoch",
        "match | decision | 2 series of 1 metric",
        "group | agent | 2 groups",
        "read | scans | 1",
        "compute | p95(decision) | exact, type 7, by selection",
        "rows | order by | time desc",
        "rows | limit | 3",
    ] {
        assert!(plan.iter().any(|l| l == line), "{line} is not in\n{}", plan.join("\n"));
    }
    let ran = rows(&store(), "explain analyze points(decision) where value > 1");
    assert!(ran.iter().any(|l| l == "ran | rows in the answer | 1"), "{}", ran.join("\n"));
    assert!(ran.iter().any(|l| l == "filter | conditions on values | 1"), "{}", ran.join("\n"));
}

#[test]
fn explain_analyze_times_its_steps_by_the_clock_that_it_is_given() {
    let cancel = Cancel::new();
    let ticks = Cell::new(0);
    let elapsed = || {
        ticks.set(ticks.get() + 1_500_000);
        ticks.get()
    };
    let now = Timestamp(NOON * 1_000_000_000);
    let settings =
        Settings { now, zone: Zone::UTC, memory_max: 1 << 20, row_max: 1000, cancel: &cancel, elapsed: Some(&elapsed) };
    let query = "explain analyze count(decision)";
    let table = run(query, &parse(query).unwrap(), &store(), &settings).unwrap();
    let last = table.row_count() - 1;
    assert_eq!(table.column("detail").unwrap().cells.text(last), Some("time to read and compute"));
    assert_eq!(table.column("value").unwrap().cells.text(last), Some("1.500 ms"));
}

#[test]
fn a_raised_flag_stops_a_query() {
    let cancel = Cancel::new();
    cancel.cancel();
    let now = Timestamp(NOON * 1_000_000_000);
    let settings =
        Settings { now, zone: Zone::UTC, memory_max: 1 << 20, row_max: 1000, cancel: &cancel, elapsed: None };
    let query = "count(decision)";
    let stopped = run(query, &parse(query).unwrap(), &store(), &settings);
    assert!(matches!(stopped, Err(perfdb::error::Error::Interrupted)));
}
