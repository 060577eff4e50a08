//! Retention, rollups and deletion: whatever was done to a store in whatever order, its answers are those of plain vectors, within the bound
//! that rollups promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use perfdb::db::{Database, QueryOptions};
use perfdb::model::{Cancel, Cells, Columns, Kind, Labels, NoProgress, Series, SeriesSet, Table, TimeRange, Timestamp};
use perfdb::stats::{CELL_ERROR, quantiles};
use perfdb::storage::{ApplyOptions, Level, OpenOptions, Policy};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Series and samples of what a store should hold: agent → time → values.
type Model = BTreeMap<&'static str, Vec<(i64, f64)>>;

/// An ingest and what it brought.
type Ingest = (u64, Vec<Row>);

/// Start, agent and samples of a day.
type AgentDay = (i64, &'static str, Vec<(i64, f64)>);

/// Number of the agent, time, value.
type Row = (usize, i64, f64);

const AGENTS: [&str; 2] = ["planner", "scout"];

fn policy(raw_days: i64, levels: &[Level]) -> Policy {
    Policy {
        pattern: "dec*".into(),
        raw: Some(raw_days * DAY),
        rollups: levels.iter().map(|l| (*l, None)).collect(),
        histograms: false,
    }
}

fn columns(rows: &[Row]) -> (Columns, SeriesSet) {
    let mut set = SeriesSet::new();
    let mut columns = Columns::default();
    for (agent, time, value) in rows {
        let labels = Labels::new([("agent", AGENTS[*agent])]).unwrap();
        columns.push(set.id(Series { metric: "decision".into(), labels }), *time, *value);
    }
    (columns, set)
}

fn ask(db: &Database, text: &str) -> Table {
    let options = QueryOptions { now: Timestamp(10 * DAY), ..QueryOptions::default() };
    db.query(text, &options).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn number(cells: &Cells, row: usize) -> f64 {
    match cells {
        Cells::Integer(all) => all[row].unwrap() as f64,
        cells => cells.number(row).unwrap(),
    }
}

/// Compares count, sum, min, max, first, last and percentiles by agent and day with the model.
fn compare(db: &Database, model: &Model, clause: &str) {
    let text = format!(
        "count(decision), sum(decision), min(decision), max(decision), first(decision), last(decision), p50(decision), p95(decision) \
         by agent every 1d {clause}"
    );
    let table = ask(db, &text);
    let mut expected: Vec<AgentDay> = Vec::new();
    for (agent, samples) in model {
        let mut days: BTreeMap<i64, Vec<(i64, f64)>> = BTreeMap::new();
        for sample in samples {
            days.entry(sample.0.div_euclid(DAY) * DAY).or_default().push(*sample);
        }
        expected.extend(days.into_iter().map(|(day, samples)| (day, *agent, samples)));
    }
    expected.sort_by_key(|e| (e.1, e.0));
    assert_eq!(table.row_count(), expected.len(), "{clause}: {expected:?}");
    for (row, (day, agent, mut samples)) in expected.into_iter().enumerate() {
        let Cells::Time(times) = &table.columns[0].cells else { panic!("no time") };
        assert_eq!((times[row], table.columns[1].cells.text(row)), (Some(day), Some(agent)));
        samples.sort_by_key(|s| s.0);
        let mut values: Vec<f64> = samples.iter().map(|s| s.1).collect();
        let got = |column: usize| number(&table.columns[2 + column].cells, row);
        let sum: f64 = values.iter().sum();
        assert_eq!(got(0), values.len() as f64, "{clause} {day} {agent}");
        assert!((got(1) - sum).abs() <= 1e-6 * sum.abs().max(1.0));
        assert_eq!(got(2), values.iter().copied().fold(f64::INFINITY, f64::min));
        assert_eq!(got(3), values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        // Times of rollups are kept to a part of the bucket: samples closer than that may change places.
        let near = |time: i64, value: f64| samples.iter().any(|s| s.1 == value && (s.0 - time).abs() <= DAY / 60_000);
        assert!(near(samples[0].0, got(4)), "{clause} {day} {agent}: first {} of {samples:?}", got(4));
        assert!(near(samples[samples.len() - 1].0, got(5)));
        let exact = quantiles(&mut values, &[0.5, 0.95]).unwrap();
        for (i, exact) in exact.into_iter().enumerate() {
            let bound = table.columns[8 + i].error_bound.unwrap_or(0.0).max(1e-12);
            assert!(
                (got(6 + i) - exact).abs() <= bound * exact.abs().max(1.0),
                "{clause} {day} {agent}: {} {exact}",
                got(6 + i)
            );
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Samples through the log, or as an ingest.
    Add(Vec<Row>, bool),
    /// The newest ingest goes.
    Undo,
    /// What is older than so many days goes.
    Apply(i64),
    /// A policy with these levels.
    Policy(i64, bool),
    /// Days `from..to` of an agent go.
    Delete(usize, i64, i64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let row = (0usize..2, 0i64..(6 * 86_400_000), 1u32..100_000);
    let rows = prop::collection::vec(row, 1..60).prop_map(|rows| {
        rows.into_iter().map(|(agent, ms, value)| (agent, ms * 1_000_000, f64::from(value) / 10.0)).collect::<Vec<_>>()
    });
    prop_oneof![
        6 => (rows, any::<bool>()).prop_map(|(rows, bulk)| Step::Add(rows, bulk)),
        1 => Just(Step::Undo),
        3 => (0i64..6).prop_map(Step::Apply),
        2 => (0i64..4, any::<bool>()).prop_map(|(days, minutes)| Step::Policy(days, minutes)),
        1 => (0usize..2, 0i64..6, 1i64..3).prop_map(|(agent, from, days)| Step::Delete(agent, from, from + days)),
        1 => Just(Step::Reopen),
    ]
}

/// Does one step to both.
fn take(db: &mut Database, path: &Path, model: &mut Model, ingests: &mut Vec<Ingest>, step: Step) {
    match step {
        Step::Add(rows, bulk) => {
            let (columns, set) = columns(&rows);
            for (agent, time, value) in &rows {
                model.entry(AGENTS[*agent]).or_default().push((*time, *value));
            }
            if bulk {
                let mut ingest = db.bulk("test");
                ingest.add(&columns, &set).unwrap();
                let perfdb::storage::Outcome::Added(id) = ingest.finish(&[], None, 0, 0).unwrap() else {
                    panic!("no id")
                };
                ingests.push((id, rows));
            } else {
                db.append(&columns, &set, &[], Timestamp(0)).unwrap();
            }
        }
        Step::Undo => {
            if let Some((id, rows)) = ingests.pop()
                && db.undo(id).is_ok()
            {
                for (agent, time, value) in rows {
                    let samples = model.get_mut(AGENTS[agent]).unwrap();
                    let at = samples.iter().position(|s| *s == (time, value)).unwrap();
                    samples.remove(at);
                }
            }
        }
        Step::Apply(days) => {
            let options = ApplyOptions { yes: true, ..ApplyOptions::default() };
            db.store().apply_retention(days * DAY, options, &NoProgress, &Cancel::new()).unwrap();
        }
        Step::Policy(days, minutes) => {
            let levels = [Level::Minute, Level::Hour, Level::Day];
            let levels = if minutes { &levels[..] } else { &levels[1..] };
            db.store().set_policy(&policy(days, levels)).unwrap();
        }
        Step::Delete(agent, from, to) => {
            let snapshot = db.store().snapshot().unwrap();
            let mut series = Vec::new();
            for (metric, _, _) in snapshot.metrics().unwrap() {
                let found = snapshot.series_with(metric, &[("agent", AGENTS[agent])]).unwrap();
                series.extend(found.into_iter().map(|(id, _)| (metric, id)));
            }
            let range = TimeRange { start: from * DAY, end: to * DAY };
            let deleted = db.store().delete(&series, range, false).unwrap();
            assert_eq!(deleted.buckets_cut, 0);
            ingests.retain(|(id, _)| !deleted.ingests.iter().any(|d| d.0 == *id));
            if let Some(samples) = model.get_mut(AGENTS[agent]) {
                samples.retain(|s| !range.contains(s.0));
            }
        }
        Step::Reopen => {
            let opened = Database::open(path, OpenOptions::write()).unwrap();
            std::mem::replace(db, opened).close().unwrap();
        }
    }
    model.retain(|_, samples| !samples.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn a_store_answers_as_plain_vectors_do_whatever_was_done_to_it(steps in prop::collection::vec(step(), 1..14)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.redb");
        let mut db = Database::create(&path).unwrap();
        let (mut model, mut ingests) = (Model::new(), Vec::new());
        for step in steps {
            take(&mut db, &path, &mut model, &mut ingests, step);
            if db.store().snapshot().unwrap().metrics().unwrap().is_empty() || model.is_empty() {
                continue;
            }
            compare(&db, &model, "");
            compare(&db, &model, "using rollups");
        }
        drop(db);
        let mut store = perfdb::storage::Store::open(&path, OpenOptions::write()).unwrap();
        let report = store.check(&NoProgress, &Cancel::new()).unwrap();
        prop_assert_eq!(report.damages, Vec::<String>::new());
    }
}

/// `days` days of a sample each `step` seconds: of a latency with three decimals.
fn filled(db: &Database, days: i64, step: i64, metric: &str) -> Vec<(i64, f64)> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut set = SeriesSet::new();
    let mut columns = Columns::default();
    let id = set.id(Series { metric: metric.into(), labels: Labels::default() });
    let mut samples = Vec::new();
    for second in (0..days * 86_400).step_by(step as usize) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
        let value = (20.0 * (1.0 / (1.0 - unit)).powf(0.4) * 1000.0).round() / 1000.0;
        let time = second * SECOND + (state % 900_000_000) as i64;
        columns.push(id, time, value);
        samples.push((time, value));
    }
    let mut bulk = db.bulk("test");
    bulk.add(&columns, &set).unwrap();
    bulk.finish(&[], None, 0, 0).unwrap();
    samples
}

fn apply(db: &Database, now: i64) -> Vec<perfdb::storage::Applied> {
    let options = ApplyOptions { yes: true, ..ApplyOptions::default() };
    db.store().apply_retention(now, options, &NoProgress, &Cancel::new()).unwrap()
}

#[test]
fn dropped_days_are_answered_within_the_bound_and_take_a_quarter_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::create(&folder.path().join("s.redb")).unwrap();
    let samples = filled(&db, 6, 2, "decision");
    // A minute holds thirty samples here: their distribution would take too much, so that minutes keep summaries only.
    db.store().set_policy(&policy(2, &Level::ALL)).unwrap();
    let done = apply(&db, 6 * DAY);
    let snapshot = db.store().snapshot().unwrap();
    let (rolled, raw) = snapshot.rollup_len(snapshot.metrics().unwrap()[0].0).unwrap();
    assert!(rolled > 0 && rolled * 4 <= raw, "{rolled} of {raw}");
    let dropped: u64 = done.iter().filter(|a| a.what == "samples" && a.action == "drop").map(|a| a.samples).sum();
    assert_eq!(dropped, 3 * 43_200, "three whole days are older than two days before the newest sample: {done:?}");
    let table = ask(&db, "p50(decision), p99(decision), count(decision) since 1970-01-01 until 1970-01-03");
    let mut values: Vec<f64> = samples.iter().filter(|s| s.0 < 2 * DAY).map(|s| s.1).collect();
    let exact = quantiles(&mut values, &[0.5, 0.99]).unwrap();
    for (column, exact) in exact.into_iter().enumerate() {
        assert_eq!(table.columns[column].error_bound, Some(CELL_ERROR));
        assert!((number(&table.columns[column].cells, 0) / exact - 1.0).abs() <= CELL_ERROR);
    }
    assert_eq!(number(&table.columns[2].cells, 0), values.len() as f64);
    assert_eq!(table.columns[2].error_bound, None, "a count is exact");
    assert!(table.notes.iter().any(|n| n.code == "rollups"), "{:?}", table.notes);
    // What a rollup cannot tell is an error, not a wrong number.
    let options = QueryOptions::default();
    for wrong in
        ["stddev(decision)", "count(decision) where value > 3", "avg(decision) every 1s", "histogram(decision)"]
    {
        let error = db.query(wrong, &options).unwrap_err().to_string();
        assert!(error.contains("1970-01-01"), "{wrong}: {error}");
    }
    let points = db.query("points(decision)", &options).unwrap();
    assert!(points.notes.iter().any(|n| n.code == "dropped"), "{:?}", points.notes);
}

#[test]
fn a_clock_that_jumps_forward_deletes_nothing_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::create(&folder.path().join("s.redb")).unwrap();
    filled(&db, 4, 60, "decision");
    db.store().set_policy(&policy(1, &[])).unwrap();
    let years_on = 4000 * DAY;
    let careful = ApplyOptions::default();
    let error = db.store().apply_retention(years_on, careful, &NoProgress, &Cancel::new()).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("--yes"), "{error}");
    assert_eq!(number(&ask(&db, "count(decision)").columns[0].cells, 0), 4.0 * 1440.0);
    // The newest sample is what counts even then.
    let dry = ApplyOptions { dry_run: true, yes: true };
    let planned = db.store().apply_retention(years_on, dry, &NoProgress, &Cancel::new()).unwrap();
    assert_eq!(planned.iter().map(|a| a.samples).sum::<u64>(), 2 * 1440, "{planned:?}");
    let done = apply(&db, years_on);
    assert_eq!(planned, done, "a dry run says what is done");
    assert_eq!(number(&ask(&db, "count(decision)").columns[0].cells, 0), 2.0 * 1440.0);
}

#[test]
fn rollups_are_dropped_when_their_time_is_over_and_the_series_goes_with_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::create(&folder.path().join("s.redb")).unwrap();
    filled(&db, 3, 2, "decision");
    let mut of_day = policy(1, &[]);
    of_day.rollups = vec![(Level::Hour, Some(2 * DAY)), (Level::Day, Some(3 * DAY))];
    db.store().set_policy(&of_day).unwrap();
    filled(&db, 1, 600, "other");
    let newest = |days: i64| {
        let mut set = SeriesSet::new();
        let mut columns = Columns::default();
        columns.push(set.id(Series { metric: "clock".into(), labels: Labels::default() }), days * DAY, 1.0);
        db.append(&columns, &set, &[], Timestamp(0)).unwrap();
        apply(&db, days * DAY)
    };
    newest(4);
    assert_eq!(ask(&db, "count(decision) every 1d").row_count(), 2, "day 0 is older than all that is kept of it");
    newest(9);
    let left = db.store().snapshot().unwrap().metrics().unwrap();
    assert!(left.iter().all(|m| m.1 != "decision") || ask(&db, "count(decision)").row_count() == 0, "{left:?}");
    assert_eq!(number(&ask(&db, "count(other)").columns[0].cells, 0), 144.0, "no policy, no loss");
}

#[test]
fn rollups_of_counters_keep_the_increase() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::create(&folder.path().join("s.redb")).unwrap();
    let mut set = SeriesSet::new();
    let mut columns = Columns::default();
    let id = set.id(Series { metric: "decided_total".into(), labels: Labels::default() });
    for second in (0..3 * 86_400).step_by(2) {
        // It starts again from zero every three hours.
        columns.push(id, second * SECOND, (second % 10_800) as f64);
    }
    db.append(&columns, &set, &[], Timestamp(0)).unwrap();
    // Rolled up as something else at first: what a rollup keeps follows the kind.
    let kind = |kind: Kind| {
        db.describe("decided_total", |meta| {
            meta.kind = Some(kind);
            Ok(())
        })
        .unwrap();
    };
    kind(Kind::Gauge);
    let policy = Policy { pattern: "*".into(), raw: Some(DAY), rollups: vec![(Level::Hour, None)], histograms: false };
    db.store().set_policy(&policy).unwrap();
    db.store().roll(&NoProgress, &Cancel::new()).unwrap();
    kind(Kind::Counter);
    let before = ask(&db, "increase(decided_total), delta(decided_total), last(decided_total) every 1h");
    let done = apply(&db, 3 * DAY);
    assert!(done.iter().any(|a| a.samples > 0));
    let after = ask(&db, "increase(decided_total), delta(decided_total), last(decided_total) every 1h");
    assert_eq!(before.columns, after.columns);
    let error = db.query("p95(decided_total)", &QueryOptions::default()).unwrap_err().to_string();
    assert!(error.contains("no distribution"), "{error}");
}
