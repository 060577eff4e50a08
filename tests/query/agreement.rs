//! The engine in memory gives the answers of the naive source, and no query of known pieces makes either panic.

use super::naive::Naive;
use super::{NOON, ask_with};
use perfdb::engine::Memory;
use perfdb::model::{Cancel, Cells, Columns, Labels, Series, SeriesSet, Table, Timestamp, Zone};
use perfdb::query::exec::{Settings, run};
use perfdb::query::parser::parse;
use perfdb::query::source::Source;
use proptest::prelude::*;

/// A sample: which of the series below, seconds from noon, value.
type Sample = (usize, i32, i16);

const SERIES: [(&str, &str); 6] =
    [("m", "a=1 b=x"), ("m", "a=2 b=x"), ("m", "a=2"), ("n", "a=1 b=x"), ("n", ""), ("o", "a=10 b=y")];

const COLUMNS: [&str; 22] = [
    "count(m), sum(m), min(m), max(m), avg(m)",
    "p50(m), p95(m), p99.9(m), quantile(m, 0.3, method=nearest)",
    "stddev(m), variance(m), mad(m), iqr(m), trimmed_mean(m), cv(m)",
    "first(m{a=1}), last(m{a=1}), first_time(m), last_time(m), range(*)",
    "increase(m), rate(m), delta(m), rate(n)",
    "sum(m) / sum(n) as r",
    "max(m), max(n), max(o), p50(o)",
    "count(*)",
    "sum(m{a=2}) + sum(m{b=x}) as s",
    "geomean(n)",
    "-sum(m) * 2 - 5",
    "histogram(m, 4)",
    "histogram(*)",
    "points(m)",
    "points(m, n)",
    "points(*)",
    "slowest(m, 3)",
    "slowest(*, 2)",
    "sum(m) as s, s",
    "last_time(m) as t",
    "count(m{a=~\"[12]\"}) as c",
    "nope(m)",
];
const WHERE: [&str; 8] = [
    "",
    "where a = 2",
    "where value > 3",
    "where not (a = 1 and value < 100) or b = x",
    "where m > 5 and not n > 2",
    "where a > 1 and b != y",
    "where metric = m",
    "where value in (1, 2, 3) and a not in (1)",
];
const BY: [&str; 7] = ["", "by a", "by b, a", "by *", "by metric", "by metric, a", "by zzz"];
const EVERY: [&str; 5] = ["", "every 7s", "every 1m", "every 1d", "every 1mo"];
const RANGE: [&str; 5] = ["", "since 2m", "since 2m until 20s", "until now", "since now"];
const FILL: [&str; 7] = ["", "fill none", "fill null", "fill zero", "fill previous", "fill linear", "fill 1.5"];
const TAIL: [&str; 8] = [
    "",
    "order by value desc",
    "order by time desc limit 3",
    "limit 2",
    "limit 1 per a",
    "having value > 2",
    "having count(m) > 1 order by sum(m) desc, a",
    "in \"Europe/Berlin\"",
];

fn any_of(pieces: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(pieces)
}

prop_compose! {
    fn query()(
        columns in any_of(&COLUMNS), filter in any_of(&WHERE), by in any_of(&BY), every in any_of(&EVERY),
        range in any_of(&RANGE), fill in any_of(&FILL), tail in any_of(&TAIL), explain in 0..12,
    ) -> String {
        let explain = match explain { 0 => "explain", 1 => "explain analyze", _ => "" };
        let fill = if every.is_empty() { "" } else { fill };
        format!("{explain} {columns} {filter} {by} {every} {range} {fill} {tail}")
    }
}

fn labels(text: &str) -> Labels {
    Labels::new(text.split_whitespace().map(|pair| pair.split_once('=').unwrap())).unwrap()
}

fn sources(samples: &[Sample]) -> (Naive, Memory) {
    let mut naive = Naive::default();
    let (mut set, mut columns) = (SeriesSet::new(), Columns::default());
    for (metric, text) in SERIES {
        set.id(Series { metric: metric.into(), labels: labels(text) });
        naive = naive.with(metric, text, &[]);
    }
    for (series, seconds, value) in samples {
        let (metric, text) = SERIES[*series];
        naive = naive.with(metric, text, &[(f64::from(*seconds), f64::from(*value))]);
        columns.push(*series as u32, (NOON + i64::from(*seconds)) * 1_000_000_000, f64::from(*value));
    }
    (naive, Memory::new(&set, &columns, &[]))
}

fn ask(source: &dyn Source, query: &str) -> Result<Table, String> {
    let cancel = Cancel::new();
    let now = Timestamp(NOON * 1_000_000_000);
    let settings =
        Settings { now, zone: Zone::UTC, memory_max: 1 << 30, row_max: 5000, cancel: &cancel, elapsed: None };
    let statement = parse(query).map_err(|e| e.to_string())?;
    run(query, &statement, source, &settings).map_err(|e| e.to_string())
}

/// Whether two answers are equal but for the rounding of sums.
fn close(a: &Table, b: &Table) -> bool {
    let cells = |a: &Cells, b: &Cells| match (a, b) {
        (Cells::Number(a), Cells::Number(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| match (a, b) {
                    (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1.0),
                    (a, b) => a.is_some() == b.is_some(),
                })
        }
        (a, b) => a == b,
    };
    let columns = a.columns.iter().zip(&b.columns);
    a.columns.len() == b.columns.len()
        && a.notes == b.notes
        && columns.into_iter().all(|(a, b)| a.name == b.name && a.unit == b.unit && cells(&a.cells, &b.cells))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_in_memory_answers_as_the_naive_source_does(
        query in query(),
        samples in prop::collection::vec((0..SERIES.len(), -200..20_i32, -5..40_i16), 0..60),
    ) {
        let (naive, memory) = sources(&samples);
        let (expected, found) = (ask(&naive, &query), ask(&memory, &query));
        match (&expected, &found) {
            _ if query.starts_with("explain") => prop_assert_eq!(expected.is_ok(), found.is_ok()),
            (Ok(a), Ok(b)) => prop_assert!(close(a, b), "{query}\n{a:?}\n{b:?}"),
            (a, b) => prop_assert_eq!(a, b, "{}", query),
        }
    }
}

#[test]
fn hostile_times_and_values_do_not_panic() {
    let far = Naive::default()
        .with("m", "", &[(-3e9, f64::MAX), (3e9, f64::MIN), (0.0, f64::MIN_POSITIVE), (0.0, -0.0)])
        .with("m", "a=1", &[(7.4e9, 1e300)]);
    for every in ["1ns", "1h", "292y", "10000y", "3650000d", "1mo", "1w", "9223372036854775807ns"] {
        for fill in ["none", "zero", "linear"] {
            for range in ["", "since 200y", "since @-9223372036 until @9223372036", "until 1y"] {
                for columns in ["sum(m), rate(m), stddev(m), p50(m)", "histogram(m, 3)"] {
                    let fill = if columns.starts_with('h') { String::new() } else { format!("fill {fill}") };
                    let query = format!("{columns} every {every} {range} {fill} by a");
                    drop(ask_with(&far, &query, 10_000, 1 << 20));
                }
            }
        }
    }
}
