//! Whatever a medium does at whatever moment, a store keeps what it acknowledged, shows nothing by halves, and goes on.
//!
//! Each step of a workload is done once for every operation on the medium that it takes, with that operation failing in one of
//! several ways. Normally a sample of the operations is tried; `PERFDB_FAULTS=all` tries all.

mod model;
mod steps;

use super::backend::Medium;
use super::backend::faulty::{Fault, Faulty};
use super::store::{OpenOptions, Store};
use super::{create, schema};
use crate::error::Result;
use crate::model::{Cancel, Progress};
use model::Model;
use redb::{ReadableTableMetadata, TableHandle};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use steps::{STEPS, Step};

/// How many operations of a step are tried for each fault, unless all are.
const TRIED_MAX: usize = 6;

const FAULTS: [Fault; 10] = [
    Fault::Fail,
    Fault::Tear,
    Fault::Full,
    Fault::Broken,
    Fault::StoppedReader,
    Fault::Unreadable,
    Fault::PowerLoss { kept_percent: 0, seed: 0 },
    Fault::PowerLoss { kept_percent: 50, seed: 1 },
    Fault::PowerLoss { kept_percent: 80, seed: 2 },
    Fault::PowerLoss { kept_percent: 100, seed: 3 },
];

fn options(write: bool) -> OpenOptions {
    OpenOptions { write, create: false, wait: Duration::from_millis(3) }
}

fn open(medium: &Faulty, write: bool) -> Result<Arc<Store>> {
    Ok(Arc::new(Store::open_on(Arc::new(medium.clone()), options(write))?))
}

/// Ends every use of `store`, and closes it.
fn close(store: Arc<Store>) -> Result<()> {
    Arc::into_inner(store).map_or(Ok(()), Store::close)
}

/// A store on which all `steps` were done, and what it has to show.
fn done(steps: &[Step]) -> (Vec<u8>, Model) {
    let medium = Faulty::new(Vec::new());
    create::make(&medium).unwrap();
    let mut model = Model::default();
    for step in steps {
        let store = open(&medium, true).unwrap();
        (step.act)(&store).unwrap();
        (step.effect)(&mut model);
        assert_eq!(model::of(&store).unwrap(), model, "{}", step.name);
        close(store).unwrap();
    }
    (medium.bytes(), model)
}

/// A step that meets a fault: where it stands, and what a reader may see before and after.
struct Case<'a> {
    step: &'a Step,
    before: &'a Model,
    after: &'a Model,
    medium: Faulty,
    fault: Option<Fault>,
    hint: String,
}

impl Case<'_> {
    /// Does the step and closes the store. Says whether the step was acknowledged.
    fn act(&self) -> bool {
        let Ok(store) = open(&self.medium, true) else { return false };
        let acknowledged = (self.step.act)(&store).is_ok();
        drop(close(store));
        acknowledged
    }

    /// Does the step while its fault comes, and everything that a person would do then.
    fn run(mut self) {
        let acted = catch_unwind(AssertUnwindSafe(|| self.meet()));
        let acknowledged = acted.unwrap_or_else(|_| panic!("{}: a panic", self.hint));
        if self.medium.is_dark() {
            self.medium = self.medium.after_power_loss();
        }
        self.medium.heal();
        self.is_sound(acknowledged);
        if self.seen() != *self.after {
            assert!(self.act(), "{}: it cannot be done again", self.hint);
        }
        assert_eq!(self.seen(), *self.after, "{}: done again", self.hint);
        // What is there is there for good.
        self.medium = self.medium.after_power_loss();
        self.is_sound(true);
        self.nothing_is_pending();
    }

    /// Does the step on a medium that fails, and says whether it was acknowledged in the end. Where the process lives, the store that
    /// it has open is of use again once the medium is.
    fn meet(&self) -> bool {
        let Ok(store) = open(&self.medium, true) else { return false };
        let mut acknowledged = (self.step.act)(&store).is_ok();
        if !self.medium.is_dark() {
            self.medium.heal();
            let seen = model::of(&store).unwrap_or_else(|e| panic!("{}: the open store: {e}", self.hint));
            assert!(self.may_show(&seen, acknowledged), "{}, in the open store, {acknowledged}: {seen:?}", self.hint);
            if seen != *self.after {
                (self.step.act)(&store).unwrap_or_else(|e| panic!("{}: in the open store again: {e}", self.hint));
            }
            acknowledged = true;
        }
        drop(close(store));
        acknowledged
    }

    /// Whether a reader may see `seen`. What failed has left nothing, unless nobody lived to hear of it or to take it back.
    fn may_show(&self, seen: &Model, acknowledged: bool) -> bool {
        let is_open = matches!(self.fault, Some(Fault::PowerLoss { .. } | Fault::Broken));
        (!acknowledged && seen == self.before) || ((acknowledged || is_open) && seen == self.after)
    }

    fn seen(&self) -> Model {
        let store = open(&self.medium, false).unwrap_or_else(|e| panic!("{}: {e}", self.hint));
        model::of(&store).unwrap_or_else(|e| panic!("{}: {e}", self.hint))
    }

    /// The store opens, shows one of the states that it may, and its check finds nothing.
    fn is_sound(&self, acknowledged: bool) {
        let seen = self.seen();
        assert!(self.may_show(&seen, acknowledged), "{}, acknowledged {acknowledged}: {seen:?}", self.hint);
        let store = open(&self.medium, true).unwrap_or_else(|e| panic!("{}: {e}", self.hint));
        let mut store = Arc::into_inner(store).unwrap();
        let report = store.check(&Silent, &Cancel::new()).unwrap_or_else(|e| panic!("{}: {e}", self.hint));
        assert!(report.damages.is_empty(), "{}: {:?}", self.hint, report.damages);
        store.close().unwrap_or_else(|e| panic!("{}: {e}", self.hint));
    }

    /// No ingest that has ended is left in the store.
    fn nothing_is_pending(&self) {
        let store = open(&self.medium, true).unwrap();
        let read = store.begin_read().unwrap();
        let pending = read.open_table(schema::PENDING).unwrap().len().unwrap();
        let series = read.open_table(schema::PENDING_SERIES).unwrap().len().unwrap();
        assert_eq!((pending, series), (0, 0), "{}: {}", self.hint, schema::PENDING.name());
    }
}

struct Silent;

impl Progress for Silent {
    fn update(&self, _: u64, _: u64) {}
}

fn tries_all() -> bool {
    std::env::var("PERFDB_FAULTS").is_ok_and(|which| which == "all")
}

/// More ways to lose power, where all is tried.
fn more_faults() -> impl Iterator<Item = Fault> {
    let seeds = if tries_all() { 4..16 } else { 0..0 };
    seeds.map(|seed| Fault::PowerLoss { kept_percent: 20 + seed * 5, seed })
}

/// The operations of `count` that are tried: all, or some from all over, others for each fault.
fn tried(count: usize, salt: usize) -> Vec<usize> {
    if tries_all() || count <= TRIED_MAX {
        return (0..count).collect();
    }
    (0..TRIED_MAX).map(|i| (i * count + salt * count / 7 % count) / TRIED_MAX % count).collect()
}

/// Opening a store, which heals and sweeps it.
const OPEN: Step = Step { name: "open", act: |_| Ok(()), effect: |_| {} };

/// Tries `step` on the store in `bytes`, which shows `before`, with every fault.
fn try_step(step: &Step, bytes: &[u8], before: &Model, found: &str) {
    let mut after = before.clone();
    (step.effect)(&mut after);
    let case = |planned: Option<(usize, Fault)>| {
        let medium = Faulty::new(bytes.to_vec());
        let hint = format!("step `{}`{found}, {planned:?}", step.name);
        if let Some((at, fault)) = planned {
            medium.plan(at, fault);
        }
        Case { step, before, after: &after, medium, fault: planned.map(|p| p.1), hint }
    };
    let calm = case(None);
    assert!(calm.act());
    for (salt, fault) in FAULTS.into_iter().chain(more_faults()).enumerate() {
        for at in tried(calm.medium.count(fault), salt) {
            case(Some((at, fault))).run();
        }
    }
}

/// The store after `step`, as a process leaves it that is killed right then.
fn killed_after(step: &Step, bytes: &[u8]) -> Vec<u8> {
    let medium = Faulty::new(bytes.to_vec());
    let store = open(&medium, true).unwrap();
    (step.act)(&store).unwrap();
    medium.bytes()
}

#[test]
fn every_step_survives_every_fault() {
    for at in 0..STEPS.len() {
        let (bytes, before) = done(&STEPS[..at]);
        try_step(&STEPS[at], &bytes, &before, "");
    }
}

#[test]
fn healing_after_a_kill_survives_every_fault() {
    for (at, step) in STEPS.iter().enumerate() {
        let (bytes, mut model) = done(&STEPS[..at]);
        let bytes = killed_after(step, &bytes);
        (step.effect)(&mut model);
        try_step(&OPEN, &bytes, &model, &format!(" after a kill in `{}`", step.name));
    }
}

/// A new store is made aside and gets its name once it is made: until then it may be in any state.
#[test]
fn a_store_that_was_made_stays() {
    let calm = Faulty::new(Vec::new());
    create::make(&calm).unwrap();
    for fault in FAULTS {
        for at in 0..calm.count(fault) {
            let medium = Faulty::new(Vec::new());
            medium.plan(at, fault);
            let made = catch_unwind(AssertUnwindSafe(|| create::make(&medium).is_ok()));
            if made.unwrap_or_else(|_| panic!("a panic at {at}, {fault:?}")) {
                medium.heal();
                let store = open(&medium.after_power_loss(), true).unwrap();
                assert_eq!(model::of(&store).unwrap(), Model::default(), "{fault:?} at {at}");
            }
        }
    }
    assert!(calm.len() > 0);
}
