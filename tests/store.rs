//! The store as a whole: what goes in comes out, whichever way it went in; nothing half done shows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use perfdb::engine::Embedded;
use perfdb::model::{Cancel, Columns, Labels, Series, SeriesSet, TimeRange};
use perfdb::query::source::{Catalog, Needs, Rollups, Scan, ScanSeries, Source, ValueFilter};
use perfdb::storage::{Bulk, OpenOptions, Outcome, Store};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

fn open(path: &Path) -> Arc<Store> {
    Arc::new(Store::open(path, OpenOptions::write()).unwrap())
}

fn series(metric: &str, agent: &str) -> Series {
    Series { metric: metric.into(), labels: Labels::new([("agent", agent)]).unwrap() }
}

/// All samples of the store, by series as text, in order of time.
fn dump(store: &Arc<Store>) -> Vec<(String, Vec<(i64, f64)>)> {
    let engine = Embedded::new(Arc::clone(store)).unwrap();
    let mut out = Vec::new();
    for metric in engine.metrics().unwrap() {
        let series = engine.series(metric.id).unwrap();
        let scan = Scan {
            series: series
                .iter()
                .map(|s| ScanSeries { metric: metric.id, series: s.id, group: 0, filter: 0 })
                .collect(),
            group_count: 1,
            range: TimeRange::ALL,
            bucketing: None,
            filters: vec![ValueFilter::True],
            needs: Needs::default(),
            memory_max: u64::MAX,
            rollups: Rollups::Never,
        };
        for found in engine.samples(&scan, &Cancel::new()).unwrap().0 {
            let name = format!("{}{}", metric.name, series[found.index as usize].labels);
            out.push((name, found.times.into_iter().zip(found.values).collect()));
        }
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

fn bulk(store: &Arc<Store>, set: &SeriesSet, columns: &Columns) -> Outcome {
    let mut bulk = Bulk::begin(Arc::clone(store), "test");
    bulk.add(columns, set).unwrap();
    bulk.finish(&[], None, 0, 0).unwrap()
}

#[test]
fn log_and_chunks_are_read_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.redb");
    let store = open(&path);
    let mut set = SeriesSet::new();
    let scout = set.id(series("decision", "scout"));
    let mut columns = Columns::default();
    columns.push(scout, 10, 1.0);
    columns.push(scout, 30, 3.0);
    bulk(&store, &set, &columns);
    columns.clear();
    columns.push(scout, 20, 2.0);
    columns.push(scout, 10, 1.5);
    store.append(&columns, &set, &[], 0).unwrap();
    let want = vec![("decision{agent=\"scout\"}".to_owned(), vec![(10, 1.0), (10, 1.5), (20, 2.0), (30, 3.0)])];
    assert_eq!(dump(&store), want);
    // And again after the log is sealed by another bulk write, and after reopening.
    columns.clear();
    bulk(&store, &set, &columns);
    assert_eq!(dump(&store), want);
    drop(store);
    assert_eq!(dump(&Arc::new(Store::open(&path, OpenOptions::read()).unwrap())), want);
}

#[test]
fn the_same_hash_goes_in_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("s.redb"));
    let mut set = SeriesSet::new();
    let mut columns = Columns::default();
    columns.push(set.id(series("decision", "scout")), 10, 1.0);
    let ingest = || {
        let mut bulk = Bulk::begin(Arc::clone(&store), "file");
        bulk.add(&columns, &set).unwrap();
        bulk.finish(&[], Some(7), 0, 0).unwrap()
    };
    let Outcome::Added(id) = ingest() else { panic!("the first is new") };
    assert_eq!(ingest(), Outcome::Already(id));
    assert_eq!(store.undo(id).unwrap(), 1);
    assert!(dump(&store).is_empty());
    assert!(Embedded::new(Arc::clone(&store)).unwrap().metrics().unwrap().is_empty(), "nothing is left of it");
    assert!(matches!(ingest(), Outcome::Added(_)), "it can come again");
}

#[test]
fn undo_leaves_what_others_brought() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("s.redb"));
    let mut set = SeriesSet::new();
    let (scout, planner) = (set.id(series("decision", "scout")), set.id(series("decision", "planner")));
    let mut columns = Columns::default();
    columns.push(scout, 10, 1.0);
    bulk(&store, &set, &columns);
    columns.push(planner, 20, 2.0);
    let Outcome::Added(id) = bulk(&store, &set, &columns) else { panic!("it is new") };
    assert_eq!(store.undo(id).unwrap(), 2);
    assert_eq!(dump(&store), [("decision{agent=\"scout\"}".to_owned(), vec![(10, 1.0)])]);
}

/// More samples than one commit takes, so that the ingest becomes a pending batch.
fn large(set: &mut SeriesSet) -> Columns {
    let mut columns = Columns::default();
    for i in 0..3_100_000i64 {
        columns.push((i % 2) as u32, i * 1_000_000, (i % 1000) as f64);
    }
    set.id(series("decision", "scout"));
    set.id(series("action", "scout"));
    columns
}

#[test]
fn an_unfinished_batch_does_not_show_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("s.redb"));
    let mut set = SeriesSet::new();
    let columns = large(&mut set);
    let mut bulk = Bulk::begin(Arc::clone(&store), "test");
    bulk.add(&columns, &set).unwrap();
    assert!(dump(&store).is_empty());
    assert!(Embedded::new(Arc::clone(&store)).unwrap().metrics().unwrap().is_empty());
    // Another writer has its turn meanwhile, on a series that the batch brought.
    let mut other = Columns::default();
    other.push(0, 5, 5.0);
    store.append(&other, &set, &[], 0).unwrap();
    assert_eq!(dump(&store).len(), 1);
    drop(bulk);
    assert_eq!(dump(&store), [("decision{agent=\"scout\"}".to_owned(), vec![(5, 5.0)])]);
}

#[test]
fn a_finished_batch_shows_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("s.redb"));
    let mut set = SeriesSet::new();
    let columns = large(&mut set);
    bulk(&store, &set, &columns);
    let found = dump(&store);
    assert_eq!(found.iter().map(|s| s.1.len()).sum::<usize>(), columns.count());
    assert_eq!(found[1].1[7], (14_000_000, 14.0));
}

#[test]
fn what_is_no_store_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path, options| Store::open(path, options).unwrap_err().to_string();
    assert!(message(&folder.path().join("none"), OpenOptions::read()).starts_with("there is no store at"));
    assert!(!folder.path().join("none").exists(), "reading never makes a store");
    assert!(message(folder.path(), OpenOptions::write()).contains("is a directory"));
    let text = folder.path().join("text");
    std::fs::write(&text, "decision value=1\n").unwrap();
    assert!(message(&text, OpenOptions::write()).contains("is not a store"));
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    assert!(message(&empty, OpenOptions::read()).contains("is an empty file"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However samples are batched, and whether they went through the log or straight to chunks, they all come out in order.
    #[test]
    fn samples_come_back_however_they_went_in(batches in prop::collection::vec(
        (any::<bool>(), prop::collection::vec((0u32..3, prop_oneof![0i64..50, 86_399_999_999_990..86_400_000_000_010i64], -5i32..5), 0..30)), 1..8)) {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("s.redb"));
        let mut set = SeriesSet::new();
        for agent in ["a", "b", "c"] {
            set.id(series("m", agent));
        }
        let mut want: Vec<Vec<(i64, f64)>> = vec![Vec::new(); 3];
        for (direct, samples) in &batches {
            let mut columns = Columns::default();
            for (id, time, value) in samples {
                columns.push(*id, *time, f64::from(*value) / 4.0);
                want[*id as usize].push((*time, f64::from(*value) / 4.0));
            }
            if *direct { bulk(&store, &set, &columns); } else { store.append(&columns, &set, &[], 0).unwrap(); }
        }
        let mut found = dump(&store).into_iter();
        for (agent, mut samples) in ["a", "b", "c"].iter().zip(want) {
            if !samples.is_empty() {
                samples.sort_by_key(|s| s.0);
                prop_assert_eq!(found.next(), Some((format!("m{{agent=\"{agent}\"}}"), samples)));
            }
        }
    }
}
