//! Asking a store: cold, as a process of its own, and warm, in a process that is open.

use super::questions::Question;
use super::support::Result;
use super::support::contender::{Contender, Store};
use super::support::process::{self, output, since};
use perfdb::db::{Database, QueryOptions};
use perfdb::model::Zone;
use perfdb::render::{Format, Style, write};
use std::process::Command;
use std::time::Instant;

/// How often a question is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Until this much time went by, all rounds together.
    budget_s: f64,
    /// How often a round in a peer's open process, which cannot be stopped half way.
    peer_repeats: usize,
}

impl Patience {
    /// A few times where few samples only check that everything works.
    pub(crate) fn of(samples: u64) -> Self {
        if samples < 500_000 {
            Self { budget_s: 0.05, peer_repeats: 3 }
        } else {
            Self { budget_s: 0.6, peer_repeats: 8 }
        }
    }
}

/// How often all stores are asked in turn, so that a noisy moment hits them alike.
pub(crate) const ROUNDS: u32 = 3;

/// What answering took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// The median, in ms. The fastest would favour whoever is asked most often.
    pub(crate) wall_ms: f64,
    /// Processor time of all threads, the mean, in ms.
    pub(crate) cpu_ms: Option<f64>,
}

/// What each answer of one store to one question took, over all rounds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    walls_s: Vec<f64>,
    /// Processor time of all of them together.
    cpu_s: f64,
    cpu_unknown: bool,
}

impl Tally {
    fn add_cpu(&mut self, cpu_s: Option<f64>) {
        self.cpu_s += cpu_s.unwrap_or(0.0);
        self.cpu_unknown |= cpu_s.is_none();
    }

    /// The cost of an answer; `None` where the store was never asked.
    pub(crate) fn cost(&self) -> Option<Cost> {
        let mut walls = self.walls_s.clone();
        let median = perfdb::stats::median(&mut walls)?;
        let cpu_ms = (!self.cpu_unknown).then(|| self.cpu_s * 1e3 / walls.len() as f64);
        Some(Cost { wall_ms: median * 1e3, cpu_ms })
    }

    /// Whether there is an answer, and it takes so long that it is not asked for in every round.
    fn is_slow(&self) -> bool {
        self.cost().is_some_and(|cost| cost.wall_ms > SLOW_MS)
    }
}

/// An answer that takes longer is asked for in one round only.
const SLOW_MS: f64 = 1000.0;

/// What answers to one question have in common, whatever their order.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Digest {
    /// How many rows there are.
    pub(crate) rows: usize,
    sum: f64,
}

impl Digest {
    /// Whether the answers are the same but for rounding.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.rows == other.rows && (self.sum - other.sum).abs() <= 1e-9 * self.sum.abs()
    }

    /// Of a CSV with a header, of the last `values` columns.
    fn of_csv(text: &str, values: usize) -> Result<Self> {
        let mut digest = Self::default();
        for record in csv::Reader::from_reader(text.as_bytes()).records() {
            let record = record?;
            digest.rows += 1;
            let cells = record.iter().skip(record.len().saturating_sub(values));
            digest.sum += cells.filter_map(|c| c.parse::<f64>().ok()).sum::<f64>();
        }
        Ok(digest)
    }
}

/// The question in the store's words.
fn words(store: Store, question: &Question) -> Option<&str> {
    match store {
        Store::Perfdb => Some(&question.perfdb),
        Store::Duckdb => Some(&question.duckdb),
        Store::Sqlite => question.sqlite.as_deref(),
    }
}

/// Asks in processes of their own: from start to printed answer. `None` where there is nothing more to ask.
pub(crate) fn cold(
    contender: &Contender,
    question: &Question,
    patience: Patience,
    tally: &mut Tally,
) -> Result<Option<Digest>> {
    let Some(text) = words(contender.store, question) else { return Ok(None) };
    if tally.is_slow() {
        return Ok(None);
    }
    let mut answer = String::new();
    repeat(patience, process::cpu_of_children, tally, || {
        answer = output(&mut cold_command(contender, text))?;
        Ok(())
    })?;
    Ok(Some(Digest::of_csv(&answer, question.values)?))
}

fn cold_command(contender: &Contender, text: &str) -> Command {
    let mut command = Command::new(&contender.program);
    let file = contender.file();
    match contender.store {
        Store::Perfdb => command.arg("--db").arg(file).args(["query", "--format", "csv", "--timezone", "UTC", text]),
        Store::Duckdb => command.args(["-readonly", "-csv"]).arg(file).arg(text),
        Store::Sqlite => command.args(["-readonly", "-csv", "-header"]).arg(file).arg(text),
    };
    command
}

/// The least that a process costs.
pub(crate) fn empty_process(patience: Patience, tally: &mut Tally) -> Result<()> {
    repeat(patience, process::cpu_of_children, tally, || output(&mut Command::new("true")).map(|_| ()))
}

/// Asks an open database: from text to an answer in CSV that nobody reads, as the peers give it.
pub(crate) fn warm(database: &Database, question: &Question, patience: Patience, tally: &mut Tally) -> Result<()> {
    let style = Style::new(Format::Csv, Zone::UTC);
    let answer = || -> Result<()> {
        let table = database.query(&question.perfdb, &QueryOptions::default())?;
        Ok(write(&table, &style, &mut std::io::sink())?)
    };
    // The first fills buffers and does not count, for the peers neither.
    answer()?;
    repeat(patience, cpu_of_self, tally, answer)
}

/// Asks a peer's open command line, which times itself: from text to an answer in CSV that nobody reads.
pub(crate) fn warm_peer(
    contender: &Contender,
    question: &Question,
    patience: Patience,
    tally: &mut Tally,
) -> Result<()> {
    let Some(text) = words(contender.store, question) else { return Ok(()) };
    if tally.walls_s.is_empty() {
        warm_peer_times(contender, text, 2, tally)?;
    }
    if tally.is_slow() {
        return Ok(());
    }
    warm_peer_times(contender, text, patience.peer_repeats, tally)
}

/// Asks `times` times in one process; all but the first count.
fn warm_peer_times(contender: &Contender, text: &str, times: usize, tally: &mut Tally) -> Result<()> {
    let mut script = String::from(".mode csv\n.output /dev/null\n.timer on\n");
    for _ in 0..times {
        script.push_str(text);
        script.push_str(";\n");
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("script");
    std::fs::write(&file, script)?;
    let mut command = Command::new(&contender.program);
    command.arg("-readonly").arg(contender.file()).arg(format!(".read \"{}\"", file.display()));
    timed(&output(&mut command)?, tally);
    Ok(())
}

/// Reads lines like `Run Time (s): real 0.012 user 0.020 sys 0.001`, without the first, which fills buffers.
fn timed(printed: &str, tally: &mut Tally) {
    let after = |line: &str, name: &str| line.split_once(name)?.1.split_whitespace().next()?.parse::<f64>().ok();
    for line in printed.lines().filter(|l| l.starts_with("Run Time")).skip(1) {
        if let Some(wall) = after(line, "real ") {
            tally.walls_s.push(wall);
            tally.add_cpu(after(line, "user ").zip(after(line, "sys ")).map(|(user, sys)| user + sys));
        }
    }
}

/// Repeats `work` for a round's share of the budget; `clock` tells the processor time that it took.
fn repeat(
    patience: Patience,
    clock: impl Fn() -> Option<f64>,
    tally: &mut Tally,
    mut work: impl FnMut() -> Result<()>,
) -> Result<()> {
    let (cpu, start) = (clock(), Instant::now());
    let budget_s = patience.budget_s / f64::from(ROUNDS);
    let mut count = 0;
    while count == 0 || start.elapsed().as_secs_f64() < budget_s {
        let from = Instant::now();
        work()?;
        tally.walls_s.push(from.elapsed().as_secs_f64());
        count += 1;
    }
    tally.add_cpu(since(cpu, clock()));
    Ok(())
}

/// Processor time of this process with all threads that it ever had, in s.
fn cpu_of_self() -> Option<f64> {
    process::ticks(11)
}
