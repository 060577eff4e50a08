//! What is done to a store, step by step. A step more is an entry in [`STEPS`].

use super::model::Model;
use crate::error::Result;
use crate::model::{Columns, Labels, Series, SeriesSet};
use crate::storage::bulk::{Bulk, Limits, Outcome};
use crate::storage::records::Owner;
use crate::storage::store::Store;
use std::sync::Arc;

/// One thing that is done to a store.
pub(super) struct Step {
    pub(super) name: &'static str,
    /// Does it. Where it fails, a reader sees nothing of it, and it can be done again.
    pub(super) act: fn(&Arc<Store>) -> Result<()>,
    /// What a reader sees of it once it is done.
    pub(super) effect: fn(&mut Model),
}

/// The workload: each step finds what those before it left.
pub(super) const STEPS: [Step; 11] = [
    Step { name: "append", act: |store| append(store, 0, 20, 0), effect: |model| appended(model, 0, 20) },
    Step { name: "append again", act: |store| append(store, 5, 8, 60), effect: |model| appended(model, 5, 8) },
    Step {
        name: "describe",
        act: |store| {
            store.describe("m", |meta| {
                meta.unit = Some("ms".parse().unwrap());
                Ok(())
            })
        },
        effect: |model| drop(model.units.insert("m".into(), "ms".into())),
    },
    Step { name: "seal the log", act: |store| append(store, 7, 3, 700), effect: |model| appended(model, 7, 3) },
    Step {
        name: "append straight to chunks",
        act: |store| append(store, 1000, 50_000, 800),
        effect: |model| appended(model, 1000, 50_000),
    },
    Step {
        name: "ingest in one commit",
        act: |store| ingest(store, "small", 1),
        effect: |model| ingested(model, "small"),
    },
    Step { name: "append in between", act: |store| append(store, 9, 5, 900), effect: |model| appended(model, 9, 5) },
    Step {
        name: "ingest in many commits",
        act: |store| ingest(store, "large", 2),
        effect: |model| ingested(model, "large"),
    },
    Step {
        name: "take an ingest back",
        act: |store| {
            let found = store.ingests()?.into_iter().find(|(_, record)| record.source == "small");
            found.map_or(Ok(()), |(id, _)| store.undo(id).map(drop))
        },
        effect: |model| {
            model.samples.remove("small{}");
            model.ingests.retain(|source| source != "small");
        },
    },
    Step { name: "leave an ingest unfinished", act: abandon, effect: |_| {} },
    Step { name: "sweep when opening", act: |_| Ok(()), effect: |_| {} },
];

/// Samples per ingest.
const COUNT: i64 = 3000;

/// Small enough that `COUNT` samples take several commits.
const LIMITS: Limits = Limits { gathered_count_max: 1000, commit_len: 2000 };

fn set_of(metric: &str, agents: &[&str]) -> SeriesSet {
    let mut set = SeriesSet::new();
    for agent in agents {
        let labels = Labels::new(if agent.is_empty() { vec![] } else { vec![("agent", *agent)] });
        set.id(Series { metric: metric.into(), labels: labels.unwrap() });
    }
    set
}

/// `count` samples from time `first` on, at `now_s`, by turns for two series.
fn append(store: &Store, first: i64, count: i64, now_s: i64) -> Result<()> {
    let mut columns = Columns::default();
    for i in 0..count {
        columns.push((i % 2) as u32, first + i, i as f64);
    }
    store.append(&columns, &set_of("m", &["a", "b"]), &[], now_s * 1_000_000_000)
}

fn appended(model: &mut Model, first: i64, count: i64) {
    for (agent, odd) in [("a", 0), ("b", 1)] {
        let samples = (0..count).filter(|i| i % 2 == odd).map(|i| (first + i, i as f64));
        model.add(&format!("m{{agent=\"{agent}\"}}"), samples);
    }
}

/// The value of an ingest's sample: digits that do not pack well, so that there is something to commit.
fn value(i: i64) -> f64 {
    (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) as f64
}

/// The ingest of `source`, a metric of that name, begun and fed.
fn feed(store: &Arc<Store>, source: &str, owner: Owner, limits: Limits) -> Result<Bulk> {
    let mut bulk = Bulk::begin_as(Arc::clone(store), source, owner, limits);
    let set = set_of(source, &[""]);
    for part in 0..3 {
        let mut columns = Columns::default();
        for i in part * COUNT / 3..(part + 1) * COUNT / 3 {
            columns.push(0, i * 1_000_000, value(i));
        }
        bulk.add(&columns, &set)?;
    }
    Ok(bulk)
}

fn ingest(store: &Arc<Store>, source: &str, hash: u128) -> Result<()> {
    let limits = if hash == 1 { Limits { gathered_count_max: usize::MAX, ..LIMITS } } else { LIMITS };
    let bulk = feed(store, source, Owner::ended(), limits)?;
    match bulk.finish(&[], Some(hash), 1, 0)? {
        Outcome::Added(_) | Outcome::Already(_) => Ok(()),
    }
}

fn ingested(model: &mut Model, source: &str) {
    model.add(&format!("{source}{{}}"), (0..COUNT).map(|i| (i * 1_000_000, value(i))));
    model.ingests.push(source.into());
}

/// What a process leaves that is killed in the middle of an ingest.
fn abandon(store: &Arc<Store>) -> Result<()> {
    feed(store, "abandoned", Owner::ended(), LIMITS)?.abandon();
    Ok(())
}
