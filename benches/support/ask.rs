//! Asking a store: cold, as a process of its own, and warm, in a process that is open.

use super::questions::Question;
use super::support::Result;
use super::support::contender::{Contender, Store};
use super::support::process::{self, output, since};
use perfdb::db::{Database, QueryOptions};
use perfdb::model::{Cells, Table};
use std::process::Command;
use std::time::Instant;

/// How often a question is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Until this much time went by.
    budget_s: f64,
    /// How often in a peer's open process, which cannot be stopped half way.
    peer_repeats: usize,
}

impl Patience {
    /// A few times where few samples only check that everything works.
    pub(crate) fn of(samples: u64) -> Self {
        if samples < 500_000 {
            Self { budget_s: 0.05, peer_repeats: 3 }
        } else {
            Self { budget_s: 0.6, peer_repeats: 12 }
        }
    }
}

/// However slow it is, a question is asked so often, unless it takes twice the budget.
const REPEATS_MIN: usize = 3;

/// What answering took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// The fastest, in ms.
    pub(crate) wall_ms: f64,
    /// Processor time of all threads, the mean, in ms.
    pub(crate) cpu_ms: Option<f64>,
}

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

    /// Of a table, of the last `values` columns.
    fn of_table(table: &Table, values: usize) -> Self {
        let columns = &table.columns[table.columns.len().saturating_sub(values)..];
        let sum = |cells: &Cells| (0..cells.count()).filter_map(|row| cells.number(row)).sum::<f64>();
        Self { rows: table.row_count(), sum: columns.iter().map(|c| sum(&c.cells)).sum() }
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

/// Asks in processes of their own: from start to printed answer. `None` where the store cannot say it.
pub(crate) fn cold(contender: &Contender, question: &Question, patience: Patience) -> Result<Option<(Cost, Digest)>> {
    let Some(text) = words(contender.store, question) else { return Ok(None) };
    let mut answer = String::new();
    let cost = repeat(patience, process::cpu_of_children, || {
        answer = output(&mut cold_command(contender, text))?;
        Ok(())
    })?;
    Ok(Some((cost, Digest::of_csv(&answer, question.values)?)))
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
pub(crate) fn empty_process(patience: Patience) -> Result<Cost> {
    repeat(patience, process::cpu_of_children, || output(&mut Command::new("true")).map(|_| ()))
}

/// Asks an open database: from text to table.
pub(crate) fn warm(database: &Database, question: &Question, patience: Patience) -> Result<(Cost, Digest)> {
    let options = QueryOptions::default();
    let mut answer = database.query(&question.perfdb, &options)?;
    let cost = repeat(patience, cpu_of_self, || {
        answer = database.query(&question.perfdb, &options)?;
        Ok(())
    })?;
    Ok((cost, Digest::of_table(&answer, question.values)))
}

/// Asks a peer's open command line, which times itself: from text to rows that nobody reads. A slow answer is not asked for often.
pub(crate) fn warm_peer(contender: &Contender, question: &Question, patience: Patience) -> Result<Option<Cost>> {
    let Some(text) = words(contender.store, question) else { return Ok(None) };
    let first = warm_peer_times(contender, text, 2)?;
    if first.is_some_and(|cost| cost.wall_ms > 2e3 * patience.budget_s) {
        return Ok(first);
    }
    warm_peer_times(contender, text, patience.peer_repeats)
}

fn warm_peer_times(contender: &Contender, text: &str, times: usize) -> Result<Option<Cost>> {
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
    Ok(timed(&output(&mut command)?))
}

/// The cost from lines like `Run Time (s): real 0.012 user 0.020 sys 0.001`, without the first, which fills buffers.
fn timed(printed: &str) -> Option<Cost> {
    let after = |line: &str, name: &str| line.split_once(name)?.1.split_whitespace().next()?.parse::<f64>().ok();
    let lines = printed.lines().filter(|l| l.starts_with("Run Time")).skip(1);
    let times: Vec<(f64, f64)> =
        lines.filter_map(|l| Some((after(l, "real ")?, after(l, "user ")? + after(l, "sys ")?))).collect();
    let fastest = times.iter().map(|t| t.0).min_by(f64::total_cmp)?;
    let cpu = times.iter().map(|t| t.1).sum::<f64>() / times.len() as f64;
    Some(Cost { wall_ms: fastest * 1e3, cpu_ms: Some(cpu * 1e3) })
}

/// Repeats `work` within the budget; `clock` tells the processor time that it took.
fn repeat(patience: Patience, clock: impl Fn() -> Option<f64>, mut work: impl FnMut() -> Result<()>) -> Result<Cost> {
    let (cpu, start) = (clock(), Instant::now());
    let (mut fastest, mut count) = (f64::INFINITY, 0usize);
    let left = |budget_s: f64| start.elapsed().as_secs_f64() < budget_s;
    while count == 0 || left(patience.budget_s) || (count < REPEATS_MIN && left(2.0 * patience.budget_s)) {
        let from = Instant::now();
        work()?;
        fastest = fastest.min(from.elapsed().as_secs_f64());
        count += 1;
    }
    let cpu_ms = since(cpu, clock()).map(|s| s * 1e3 / count as f64);
    Ok(Cost { wall_ms: fastest * 1e3, cpu_ms })
}

/// Processor time of this process with all threads that it ever had, in s.
fn cpu_of_self() -> Option<f64> {
    process::ticks(11)
}
