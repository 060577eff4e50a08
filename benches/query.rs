//! Queries: cold as whole processes and warm in an open store, beside peers and the limits of the machine. See `benches/README.md`.

#[path = "support/ask.rs"]
mod ask;
#[path = "support/questions.rs"]
mod questions;
mod support;

use ask::Patience;
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
        let (cost, _) = ask::warm(&database, question, patience)?;
        let mut row = vec![Cell::Text(question.title.into()), Cell::Number(cost.wall_ms), Cell::of(cost.cpu_ms)];
        for peer in peers {
            let theirs = ask::warm_peer(peer, question, patience)?;
            row.push(match theirs {
                // Their own clock counts in ms.
                Some(t) if t.wall_ms < 1.0 => Cell::Text("< 1".into()),
                _ => Cell::beside(theirs.map(|t| t.wall_ms), Some(cost.wall_ms)),
            });
            row.push(Cell::beside(theirs.and_then(|t| t.cpu_ms), cost.cpu_ms));
        }
        let (name, limit_ms) = limit(&question.limit);
        row.extend([Cell::Text(name), Cell::Number(limit_ms), Cell::ratio(cost.cpu_ms, Some(limit_ms))]);
        table.push(row);
    }
    Ok(table)
}

/// Each question to a new process. In brackets behind a peer's figure: how many times perfdb's.
fn cold_table(set: &Set, contenders: &[Contender], questions: &[Question], patience: Patience) -> Result<Table> {
    let (ours, peers) = (&contenders[0], &contenders[1..]);
    let mut columns = vec!["query".to_string(), "rows".into(), "perfdb ms".into(), "perfdb CPU ms".into()];
    for peer in peers {
        columns.extend([format!("{} ms", peer.name), format!("{} CPU ms", peer.name)]);
    }
    columns.extend(["answers".into(), "perfdb / empty process".into()]);
    let mut table = Table::new(format!("Cold queries, {}", set.title()), columns);
    let empty = ask::empty_process(patience)?;
    for question in questions {
        progress(&format!("cold: {}", question.title));
        let Some((cost, digest)) = ask::cold(ours, question, patience)? else { continue };
        let mut row = vec![Cell::Text(question.title.into()), Cell::Count(digest.rows as u64)];
        row.extend([Cell::Number(cost.wall_ms), Cell::of(cost.cpu_ms)]);
        let mut differ = Vec::new();
        for peer in peers {
            let answer = ask::cold(peer, question, patience)?;
            if answer.is_some_and(|(_, theirs)| !digest.agrees(&theirs)) {
                differ.push(peer.name);
            }
            row.push(Cell::beside(answer.map(|(c, _)| c.wall_ms), Some(cost.wall_ms)));
            row.push(Cell::beside(answer.and_then(|(c, _)| c.cpu_ms), cost.cpu_ms));
        }
        let agree = if differ.is_empty() { "agree".into() } else { format!("DIFFER: {}", differ.join(", ")) };
        row.extend([Cell::Text(agree), Cell::ratio(Some(cost.wall_ms), Some(empty.wall_ms))]);
        table.push(row);
    }
    Ok(table)
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
