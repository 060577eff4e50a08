//! Stores merged in any order and again and again, beside everything else that happens to stores: each holds what it must.
//!
//! The model: samples come from origins, each a file that was ingested or a stream that grows. A store has of each origin the
//! longest state that it has seen. So merging is a union, and no order of merges makes a difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use perfdb::model::{Cancel, Columns, Labels, NoProgress, Progress, Series, SeriesSet, TimeRange};
use perfdb::storage::{Bulk, MergeOptions, Merged, OpenOptions, Store};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Series, time, bits of the value.
type Sample = (u32, i64, u64);

const STORES: usize = 3;
const FILES: u64 = 3;

/// What a store must hold.
#[derive(Debug, Clone, Default)]
struct Model {
    origins: BTreeMap<u64, Vec<Sample>>,
    /// The stream that it writes to.
    stream: Option<u64>,
}

struct World {
    folder: tempfile::TempDir,
    models: Vec<Model>,
    streams: u64,
    set: SeriesSet,
}

#[derive(Debug, Clone)]
enum Step {
    Append(usize, Vec<(u32, i64, i8)>),
    Ingest(usize, u64),
    Seal(usize),
    Compact(usize),
    Merge(usize, usize),
    Copy(usize, usize),
    Snapshot(usize, usize),
}

impl World {
    fn new() -> Self {
        let mut set = SeriesSet::new();
        for agent in ["a", "b"] {
            set.id(Series { metric: "m".into(), labels: Labels::new([("agent", agent)]).unwrap() });
        }
        set.id(Series { metric: "other".into(), labels: Labels::default() });
        let models = vec![Model::default(); STORES];
        Self { folder: tempfile::tempdir().unwrap(), models, streams: 100, set }
    }

    fn path(&self, i: usize) -> PathBuf {
        self.folder.path().join(format!("{i}.redb"))
    }

    fn open(&self, i: usize) -> Arc<Store> {
        Arc::new(Store::open(&self.path(i), OpenOptions::write()).unwrap())
    }

    fn bulk(&self, i: usize, samples: &[Sample], hash: Option<u128>) {
        let store = self.open(i);
        let mut bulk = Bulk::begin(Arc::clone(&store), "file");
        bulk.add(&columns(samples), &self.set).unwrap();
        bulk.finish(&[], hash, 0, 0).unwrap();
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Append(i, samples) => {
                let samples: Vec<Sample> =
                    samples.iter().map(|s| (s.0, s.1 * 3_600_000_000_000, f64::from(s.2).to_bits())).collect();
                self.open(*i).append(&columns(&samples), &self.set, &[], 0).unwrap();
                let stream = *self.models[*i].stream.get_or_insert_with(|| {
                    self.streams += 1;
                    self.streams
                });
                self.models[*i].origins.entry(stream).or_default().extend(samples);
            }
            Step::Ingest(i, file) => {
                let samples = file_of(*file);
                self.bulk(*i, &samples, Some(u128::from(*file)));
                self.models[*i].origins.insert(*file, samples);
            }
            // Whoever writes chunks seals the log first.
            Step::Seal(i) => self.bulk(*i, &[], None),
            Step::Compact(i) => {
                drop(self.open(*i));
                let mut store = Store::open(&self.path(*i), OpenOptions::write()).unwrap();
                store.compact(&NoProgress, &Cancel::new()).unwrap();
                store.close().unwrap();
            }
            Step::Merge(i, j) if i != j => {
                self.merge(*i, *j);
                for (origin, samples) in self.models[*j].origins.clone() {
                    let mine = self.models[*i].origins.entry(origin).or_default();
                    if samples.len() > mine.len() {
                        *mine = samples;
                    }
                }
            }
            Step::Copy(i, j) | Step::Snapshot(i, j) if i != j => {
                let store = self.open(*i);
                let _ = std::fs::remove_file(self.path(*j));
                if matches!(step, Step::Snapshot(..)) {
                    store.copy_to(&self.path(*j), false, &NoProgress, &Cancel::new()).unwrap();
                } else {
                    drop(store);
                    std::fs::copy(self.path(*i), self.path(*j)).unwrap();
                }
                self.models[*j] = Model { stream: None, ..self.models[*i].clone() };
            }
            Step::Merge(..) | Step::Copy(..) | Step::Snapshot(..) => {}
        }
    }

    fn merge(&self, i: usize, j: usize) -> Merged {
        drop((self.open(i), self.open(j)));
        let other = Store::open(&self.path(j), OpenOptions::read()).unwrap();
        self.open(i).merge_from(&other, MergeOptions::default(), &NoProgress, &Cancel::new()).unwrap()
    }

    fn check(&self, i: usize) -> Result<(), TestCaseError> {
        let store = self.open(i);
        let mut want: Vec<Sample> = self.models[i].origins.values().flatten().copied().collect();
        want.sort_unstable();
        prop_assert_eq!(held(&store), want);
        drop(store);
        let mut store = Store::open(&self.path(i), OpenOptions::write()).unwrap();
        let report = store.check(&NoProgress, &Cancel::new()).unwrap();
        prop_assert_eq!(report.damages, Vec::<String>::new());
        Ok(())
    }
}

/// What a file holds.
fn file_of(file: u64) -> Vec<Sample> {
    (0..20 * file as i64).map(|i| ((i % 3) as u32, i / 4 * 7_200_000_000_000, ((i % 5) as f64).to_bits())).collect()
}

fn columns(samples: &[Sample]) -> Columns {
    let mut columns = Columns::default();
    for (series, time, bits) in samples {
        columns.push(*series, *time, f64::from_bits(*bits));
    }
    columns
}

/// All samples of a store.
fn held(store: &Store) -> Vec<Sample> {
    let snapshot = store.snapshot().unwrap();
    let mut all = Vec::new();
    for (metric, name, _) in snapshot.metrics().unwrap() {
        for (series, labels) in snapshot.series(metric).unwrap() {
            let id = match (name.as_str(), labels.get("agent")) {
                ("m", Some("a")) => 0,
                ("m", Some("b")) => 1,
                _ => 2,
            };
            let (mut times, mut values) = (Vec::new(), Vec::new());
            for chunk in snapshot.chunks(metric, TimeRange::ALL, |s| s == series, None).unwrap() {
                snapshot.values(&chunk, 0..chunk.count(), &mut values).unwrap();
                snapshot.times(&chunk, |t| t.decode(0..chunk.count(), &mut times)).unwrap();
            }
            if let Some((t, v)) = snapshot.log_rows(series).unwrap() {
                times.extend_from_slice(t);
                values.extend_from_slice(v);
            }
            all.extend(times.into_iter().zip(values).map(|(t, v): (i64, f64)| (id, t, v.to_bits())));
        }
    }
    all.sort_unstable();
    all
}

fn step() -> impl Strategy<Value = Step> {
    let store = || 0..STORES;
    let samples = prop::collection::vec((0u32..3, 0i64..40, 0i8..3), 1..12);
    prop_oneof![
        4 => (store(), samples).prop_map(|(i, samples)| Step::Append(i, samples)),
        2 => (store(), 1..=FILES).prop_map(|(i, file)| Step::Ingest(i, file)),
        2 => store().prop_map(Step::Seal),
        1 => store().prop_map(Step::Compact),
        5 => (store(), store()).prop_map(|(i, j)| Step::Merge(i, j)),
        1 => (store(), store()).prop_map(|(i, j)| Step::Copy(i, j)),
        1 => (store(), store()).prop_map(|(i, j)| Step::Snapshot(i, j)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PERFDB_MERGES").map_or(8, |cases| cases.parse().unwrap())
    ))]

    #[test]
    fn every_store_holds_what_it_has_seen_and_merging_all_makes_all_equal(
        steps in prop::collection::vec(step(), 1..20)
    ) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            for i in (0..STORES).filter(|i| world.path(*i).exists()) {
                world.check(i)?;
            }
        }
        for _ in 0..2 {
            for i in 0..STORES {
                for j in 0..STORES {
                    world.take(&Step::Merge(i, j));
                }
            }
        }
        let all = held(&world.open(0));
        for i in 0..STORES {
            world.check(i)?;
            prop_assert_eq!(&held(&world.open(i)), &all);
            for j in (0..STORES).filter(|j| *j != i) {
                let merged = world.merge(i, j);
                prop_assert_eq!((merged.samples, merged.ingests, merged.streams), (0, 0, 0));
            }
        }
    }
}

/// A store whose stream has 1 and 2, in `world` as 0 and merged into 1, and then put back to where it had only 1. It is the same
/// file as before, so that the store cannot tell.
fn put_back(world: &mut World) {
    append(world, 0, 1);
    let old = std::fs::read(world.path(0)).unwrap();
    append(world, 0, 2);
    world.merge(1, 0);
    std::fs::write(world.path(0), old).unwrap();
}

fn append(world: &World, i: usize, n: i64) {
    world.open(i).append(&columns(&[(0, n, (n as f64).to_bits())]), &world.set, &[], 0).unwrap();
}

fn times(world: &World, i: usize) -> Vec<i64> {
    held(&world.open(i)).into_iter().map(|sample| sample.1).collect()
}

#[test]
fn a_store_put_back_to_an_older_state_gets_from_others_what_it_lost() {
    let mut world = World::new();
    put_back(&mut world);
    assert_eq!(world.merge(0, 1).samples, 1);
    assert_eq!(times(&world, 0), [1, 2]);
    for n in 3..6 {
        append(&world, 0, n);
        assert_eq!((world.merge(1, 0).samples, world.merge(0, 1).samples), (1, 0));
    }
    assert_eq!((times(&world, 0), times(&world, 1)), (vec![1, 2, 3, 4, 5], vec![1, 2, 3, 4, 5]));
}

#[test]
fn a_store_put_back_to_an_older_state_takes_nothing_from_others() {
    let mut world = World::new();
    put_back(&mut world);
    append(&world, 0, 3);
    append(&world, 0, 4);
    assert_eq!(world.merge(1, 0).samples, 2);
    assert_eq!(times(&world, 1), [1, 2, 3, 4], "what was lost there is still here");
    append(&world, 0, 5);
    assert_eq!(world.merge(1, 0).samples, 1);
    assert_eq!(times(&world, 1), [1, 2, 3, 4, 5]);
    assert_eq!(world.merge(1, 0).samples, 0);
}

#[test]
fn what_another_store_deleted_since_stays_here() {
    let mut world = World::new();
    world.take(&Step::Append(0, vec![(0, 1, 1), (1, 2, 2)]));
    world.take(&Step::Seal(0));
    world.take(&Step::Ingest(0, 1));
    world.merge(1, 0);
    let all = held(&world.open(1));
    let ingest = world.open(0).ingests().unwrap().into_iter().find(|(_, r)| r.hash == Some(1)).unwrap().0;
    world.open(0).undo(ingest).unwrap();
    world.take(&Step::Append(0, vec![(0, 3, 1)]));
    assert_eq!(world.merge(1, 0).samples, 1);
    assert_eq!(held(&world.open(1)).len(), all.len() + 1);
    // Taken back here, it comes again from there; a stream too.
    let store = world.open(1);
    let gone: u64 = store.ingests().unwrap().into_iter().map(|(id, _)| store.undo(id).unwrap()).sum();
    assert_eq!(gone, all.len() as u64 + 1);
    drop(store);
    assert_eq!(world.merge(1, 0).samples, 3);
    assert_eq!(held(&world.open(1)), held(&world.open(0)));
}

/// Stops the work at its first step.
struct Stop<'a>(&'a Cancel);

impl Progress for Stop<'_> {
    fn update(&self, _: u64, _: u64) {
        self.0.cancel();
    }
}

#[test]
fn a_merge_that_is_stopped_leaves_nothing() {
    let world = World::new();
    let samples: Vec<Sample> = (0..200_000).map(|i| ((i % 2) as u32, i, (i as f64 * 1.1).sqrt().to_bits())).collect();
    world.bulk(0, &samples, Some(1));
    world.open(1).append(&columns(&[(0, 5, 0)]), &world.set, &[], 0).unwrap();
    let other = Store::open(&world.path(0), OpenOptions::read()).unwrap();
    let cancel = Cancel::new();
    let store = world.open(1);
    let stopped = store.merge_from(&other, MergeOptions::default(), &Stop(&cancel), &cancel);
    assert!(matches!(stopped, Err(perfdb::error::Error::Interrupted)));
    assert_eq!(held(&store), [(0, 5, 0)]);
    let snapshot = store.snapshot().unwrap();
    assert_eq!(snapshot.metrics().unwrap().len(), 1);
    let merged = store.merge_from(&other, MergeOptions::default(), &NoProgress, &Cancel::new()).unwrap();
    assert_eq!((merged.samples, merged.ingests), (200_000, 1));
    assert_eq!(held(&store).len(), 200_001);
}
