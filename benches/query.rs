//! Queries: cold as whole processes and warm in an open store, beside peers and the limits of the machine. See `benches/README.md`.

#[path = "support/ask.rs"]
mod ask;
#[path = "support/questions.rs"]
mod questions;
mod support;

use ask::{Cost, Digest, Patience, Tally};
use perfdb::db::Database;
use perfdb::storage::OpenOptions;
use questions::{Limit, Question};
use support::contender::{self, Contender};
use support::options::Options;
use support::process::one_core;
use support::random::Random;
use support::set::{Kind, Set};
use support::table::{Cell, Table};
use support::{Result, progress};

fn main() -> Result<()> {
    let options = Options::of_process();
    for &kind in &options.sets {
        measure(kind, &options)?;
    }
    Ok(())
}

fn measure(kind: Kind, options: &Options) -> Result<()> {
    let folder = tempfile::tempdir_in(&options.dir)?;
    let set = Set::generate(kind, options, folder.path())?;
    let contenders = contender::all(options, folder.path());
    for contender in &contenders {
        progress(&format!("{}: {}", contender.name, contender.load(&set)?.describe()));
    }
    let questions = questions::of(&set);
    let patience = Patience::of(set.samples);
    warm_table(&set, &contenders, &questions, patience)?.print(options.json)?;
    cold_table(&set, &contenders, &questions, patience)?.print(options.json)
}

/// Each question to open stores. In brackets behind a peer's figure: how many times perfdb's.
fn warm_table(set: &Set, contenders: &[Contender], questions: &[Question], patience: Patience) -> Result<Table> {
    let (ours, peers) = (&contenders[0], &contenders[1..]);
    let mut columns = vec!["query".to_string(), "perfdb ms".into(), "perfdb CPU ms".into()];
    for peer in peers {
        columns.extend([format!("{} ms", peer.name), format!("{} CPU ms", peer.name)]);
    }
    columns.extend(["limit".into(), "limit CPU ms".into(), "perfdb / limit".into()]);
    let mut table = Table::new(format!("Warm queries, {}", set.title()), columns);
    let database = Database::open(&ours.file(), OpenOptions::read())?;
    for question in questions {
        progress(&format!("warm: {}", question.title));
        let mut tallies = vec![Tally::default(); contenders.len()];
        for _ in 0..ask::ROUNDS {
            ask::warm(&database, question, patience, &mut tallies[0])?;
            for (peer, tally) in peers.iter().zip(&mut tallies[1..]) {
                ask::warm_peer(peer, question, patience, tally)?;
            }
        }
        let mut row = vec![Cell::Text(question.title.into())];
        let cost = push_costs(&tallies, &mut row);
        row.extend(match question.limit.as_ref().map(limit) {
            Some((name, limit_ms)) => {
                let ratio = Cell::ratio(cost.and_then(|c| c.cpu_ms), Some(limit_ms));
                [Cell::Text(name), Cell::Number(limit_ms), ratio]
            }
            None => [Cell::Missing, Cell::Missing, Cell::Missing],
        });
        table.push(row);
    }
    Ok(table)
}

/// Each question to a new process. In brackets behind a peer's figure: how many times perfdb's.
fn cold_table(set: &Set, contenders: &[Contender], questions: &[Question], patience: Patience) -> Result<Table> {
    let peers = &contenders[1..];
    let mut columns = vec!["query".to_string(), "rows".into(), "perfdb ms".into(), "perfdb CPU ms".into()];
    for peer in peers {
        columns.extend([format!("{} ms", peer.name), format!("{} CPU ms", peer.name)]);
    }
    columns.extend(["answers".into(), "perfdb / empty process".into()]);
    let mut table = Table::new(format!("Cold queries, {}", set.title()), columns);
    for question in questions {
        progress(&format!("cold: {}", question.title));
        let mut tallies = vec![Tally::default(); contenders.len()];
        let mut digests = vec![None; contenders.len()];
        let mut empty = Tally::default();
        for _ in 0..ask::ROUNDS {
            ask::empty_process(patience, &mut empty)?;
            for ((contender, tally), digest) in contenders.iter().zip(&mut tallies).zip(&mut digests) {
                *digest = ask::cold(contender, question, patience, tally)?.or(*digest);
            }
        }
        let rows = digests[0].map_or(Cell::Missing, |d: Digest| Cell::Count(d.rows as u64));
        let mut row = vec![Cell::Text(question.title.into()), rows];
        let cost = push_costs(&tallies, &mut row);
        let empty_ms = empty.cost().map(|c| c.wall_ms);
        row.extend([agreement(contenders, &digests), Cell::ratio(cost.map(|c| c.wall_ms), empty_ms)]);
        table.push(row);
    }
    Ok(table)
}

/// Adds wall and processor time of each store to `row`, the peers' beside the first's, which it gives back.
fn push_costs(tallies: &[Tally], row: &mut Vec<Cell>) -> Option<Cost> {
    let ours = tallies[0].cost();
    row.extend([Cell::of(ours.map(|c| c.wall_ms)), Cell::of(ours.and_then(|c| c.cpu_ms))]);
    for theirs in tallies[1..].iter().map(Tally::cost) {
        row.push(match theirs {
            // Their own clock counts in ms.
            Some(cost) if cost.wall_ms < 1.0 => Cell::Text("< 1".into()),
            _ => Cell::beside(theirs.map(|c| c.wall_ms), ours.map(|c| c.wall_ms)),
        });
        row.push(Cell::beside(theirs.and_then(|c| c.cpu_ms), ours.and_then(|c| c.cpu_ms)));
    }
    ours
}

/// Whether all stores that answered gave the same rows and values.
fn agreement(contenders: &[Contender], digests: &[Option<Digest>]) -> Cell {
    let differs = |theirs: &Option<Digest>| !digests[0].zip(*theirs).is_none_or(|(ours, theirs)| ours.agrees(&theirs));
    let names: Vec<&str> = contenders.iter().zip(digests).filter(|(_, d)| differs(d)).map(|(c, _)| c.name).collect();
    Cell::Text(if names.is_empty() { "agree".into() } else { format!("DIFFER: {}", names.join(", ")) })
}

/// Name and ms of one core of the least work that answers a question from all of its samples.
fn limit(limit: &Limit) -> (String, f64) {
    match *limit {
        Limit::Select { samples, groups, quantiles } => {
            let values = random_values(samples);
            let size = samples.div_ceil(groups).max(1) as usize;
            let seconds = one_core(|| values.clone(), |mut v| v.chunks_mut(size).for_each(|g| select(g, quantiles)));
            (format!("select in {samples} values"), seconds * 1e3)
        }
        Limit::Sum(samples) => {
            let values = random_values(samples);
            (format!("add {samples} values"), one_core(|| (), |()| sum(&values)) * 1e3)
        }
    }
}

fn random_values(count: u64) -> Vec<f64> {
    let mut random = Random::new(count);
    (0..count).map(|_| random.unit()).collect()
}

/// Puts the values at `quantiles`, which rise, where sorting would put them.
fn select(group: &mut [f64], quantiles: &[f64]) {
    let mut from = 0;
    for quantile in quantiles {
        let at = (quantile * (group.len() - 1) as f64) as usize;
        if at >= from {
            group[from..].select_nth_unstable_by(at - from, f64::total_cmp);
            from = at;
        }
    }
}

/// The sum in as many lanes as a processor adds at once.
fn sum(values: &[f64]) -> f64 {
    const LANES: usize = 32;
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value);
    }
    lanes.iter().chain(rest).sum()
}
