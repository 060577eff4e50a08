//! Keeping a history: small durable batches, rollups, and what age costs. See `benches/README.md`.

#[path = "support/history.rs"]
mod history;
#[path = "support/stream.rs"]
mod stream;
#[expect(dead_code, reason = "this benchmark needs a part of what all share")]
mod support;

use history::History;
use perfdb::db::{Database, QueryOptions};
use perfdb::model::{Cancel, NoProgress, Timestamp};
use perfdb::storage::{ApplyOptions, Level, OpenOptions, Policy};
use std::path::Path;
use std::time::Instant;
use support::options::Options;
use support::process::watch;
use support::table::{Cell, Table};
use support::{Result, progress};

const DAY: i64 = 86_400_000_000_000;

fn main() -> Result<()> {
    let options = Options::of_process();
    let folder = tempfile::tempdir_in(&options.dir)?;
    let parts: [(&str, Part); 5] = [
        ("small", stream::small_batches),
        ("rollups", ingest_with_rollups),
        ("year", year),
        ("age", age),
        ("week", week),
    ];
    for (name, measure) in parts {
        if options.part.as_deref().is_none_or(|part| part == name) {
            measure(&options, folder.path())?.print(options.json)?;
        }
    }
    Ok(())
}

/// One part of the benchmark.
type Part = fn(&Options, &Path) -> Result<Table>;

/// A policy for all metrics that keeps samples for `raw_days`.
fn policy(raw_days: Option<i64>, levels: &[Level]) -> Policy {
    Policy {
        pattern: "*".into(),
        raw: raw_days.map(|d| d * DAY),
        rollups: levels.iter().map(|l| (*l, None)).collect(),
        histograms: false,
    }
}

/// The same samples into a store that keeps rollups and into one that does not.
fn ingest_with_rollups(options: &Options, folder: &Path) -> Result<Table> {
    let columns = ["rollups", "M samples/s", "wall / without", "file bytes/sample", "rollups / samples"];
    let title =
        format!("Bulk ingest with rollups of an hour and a day: {} samples in 500 series over 2 days", options.samples);
    let mut table = Table::new(title, columns.map(String::from));
    // Taken in turns, the best of three: both do the same but for the rollups.
    let mut best = [f64::INFINITY; 2];
    let mut said = [(0.0, None), (0.0, None)];
    for _ in 0..3 {
        for (i, with) in [false, true].into_iter().enumerate() {
            progress(if with { "ingest with rollups" } else { "ingest without rollups" });
            let path = folder.join("rollups.redb");
            let db = Database::create(&path)?;
            if with {
                db.store().set_policy(&policy(None, &[Level::Hour, Level::Day]))?;
            }
            let mut history = History::new(options.seed, 500, 2 * DAY, options.samples);
            let mut seconds = 0.0;
            let mut bulk = db.bulk("bench");
            while let Some((columns, set)) = history.next(1_000_000) {
                let start = Instant::now();
                bulk.add(&columns, set)?;
                seconds += start.elapsed().as_secs_f64();
            }
            let start = Instant::now();
            bulk.finish(&[], None, 0, 0)?;
            let snapshot = db.store().snapshot()?;
            let (rolled, raw) = snapshot.rollup_len(snapshot.metrics()?[0].0)?;
            drop(snapshot);
            db.close()?;
            seconds += start.elapsed().as_secs_f64();
            best[i] = best[i].min(seconds);
            said[i] = (std::fs::metadata(&path)?.len() as f64, (with && raw > 0).then(|| rolled as f64 / raw as f64));
            std::fs::remove_file(&path)?;
        }
    }
    let samples = options.samples as f64;
    for (i, name) in ["no", "1h, 1d"].into_iter().enumerate() {
        table.push(vec![
            Cell::Text(name.into()),
            Cell::Number(samples / best[i] / 1e6),
            Cell::ratio(Some(best[i]), Some(best[0])),
            Cell::Number(said[i].0 / samples),
            said[i].1.map_or(Cell::Missing, Cell::Ratio),
        ]);
    }
    Ok(table)
}

/// A year folded to rollups of an hour and a day, and a question about all of it.
fn year(options: &Options, folder: &Path) -> Result<Table> {
    let samples = options.samples * 10;
    let title = format!("A year of 500 series, {samples} samples dropped but for their rollups");
    let columns = ["query", "rows", "ms", "ns / sample that was", "error bound"].map(String::from);
    let mut table = Table::new(title, columns);
    let path = folder.join("year.redb");
    let db = Database::create(&path)?;
    db.store().set_policy(&policy(Some(1), &[Level::Hour, Level::Day]))?;
    let mut history = History::new(options.seed, 500, 366 * DAY, samples);
    let mut done = 0;
    while let Some((columns, set)) = history.next(2_000_000.min(samples as usize / 10 + 1)) {
        let mut bulk = db.bulk("bench");
        bulk.add(&columns, set)?;
        bulk.finish(&[], None, 0, 0)?;
        // Aged as it would be, so that the samples of all the year never lie there together.
        apply(&db)?;
        done += columns.count();
        progress(&format!("a year: {done} of {samples} samples"));
    }
    db.close()?;
    let db = Database::open(&path, OpenOptions::read())?;
    let until = "since 2026-01-01 until 2026-12-31";
    for (title, text) in [
        ("p95 by agent by day", format!("p95(decision) by agent every 1d {until}")),
        ("p95 by agent, the whole year", format!("p95(decision) by agent {until}")),
        ("count, avg, max by day", format!("count(decision), avg(decision), max(decision) every 1d {until}")),
        (
            "avg by agent by hour, one day",
            "avg(decision) by agent every 1h since 2026-06-01 until 2026-06-02".to_owned(),
        ),
    ] {
        progress(title);
        let mut best = f64::INFINITY;
        let mut answer = None;
        for _ in 0..5 {
            let start = Instant::now();
            answer = Some(db.query(&text, &QueryOptions { now: Timestamp(history.end()), ..QueryOptions::default() })?);
            best = best.min(start.elapsed().as_secs_f64());
        }
        let bound = answer.as_ref().and_then(|a| a.columns.iter().find_map(|c| c.error_bound));
        table.push(vec![
            Cell::Text(title.into()),
            Cell::Count(answer.map_or(0, |a| a.row_count() as u64)),
            Cell::Number(best * 1e3),
            Cell::Number(best * 1e9 / samples as f64),
            Cell::of(bound),
        ]);
    }
    Ok(table)
}

fn apply(db: &Database) -> Result<()> {
    let options = ApplyOptions { yes: true, ..ApplyOptions::default() };
    db.store().apply_retention(i64::MAX, options, &NoProgress, &Cancel::new())?;
    Ok(())
}

/// The last hour of 1,000 series, as a whole process, of stores of growing age.
fn age(options: &Options, folder: &Path) -> Result<Table> {
    let columns = ["days", "samples", "file MiB", "ms, whole process", "/ 1 day"].map(String::from);
    let mut table = Table::new("The last hour of 1,000 series by age of the store, one sample a minute each", columns);
    let Some(perfdb) = options.perfdb.clone().or_else(|| option_env!("CARGO_BIN_EXE_perfdb").map(Into::into)) else {
        return Ok(table);
    };
    let mut first = None;
    let ages: &[i64] = if options.samples >= 1_000_000 { &[1, 10, 100] } else { &[1, 3] };
    for &days in ages {
        progress(&format!("{days} days"));
        let path = folder.join("age.redb");
        let db = Database::create(&path)?;
        let samples = 1_440_000 * days as u64;
        let mut history = History::new(options.seed, 1000, days * DAY, samples);
        let mut bulk = db.bulk("bench");
        while let Some((columns, set)) = history.next(2_000_000) {
            bulk.add(&columns, set)?;
        }
        bulk.finish(&[], None, 0, 0)?;
        db.close()?;
        let mut times = Vec::new();
        for _ in 0..15 {
            let mut command = std::process::Command::new(&perfdb);
            command.args(["query", "--format", "csv", "--now", "latest", "--db"]).arg(&path);
            command.arg("p95(decision) by agent since 1h");
            times.push(watch(&mut command)?.wall_s * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let first = *first.get_or_insert(median);
        table.push(vec![
            Cell::Count(days as u64),
            Cell::Count(samples),
            Cell::Number(std::fs::metadata(&path)?.len() as f64 / 1_048_576.0),
            Cell::Number(median),
            Cell::Ratio(median / first),
        ]);
        std::fs::remove_file(&path)?;
    }
    Ok(table)
}

/// A week of collecting in time lapse: four hosts with 200 gauges each, every second, sealed, joined, rolled up and dropped as it goes.
fn week(options: &Options, folder: &Path) -> Result<Table> {
    let days = if options.samples >= 10_000_000 { 7 } else { 1 };
    let title = format!("{days} days of four hosts with 200 gauges each, every second, in time lapse");
    let columns = ["kept", "samples", "file MiB", "bytes/sample", "KB written/sample", "samples/s", "avg differs by"];
    let mut table = Table::new(title, columns.map(String::from));
    for (name, raw) in [("samples for ever", None), ("samples 1d, rollups 1m 1h 1d", Some(1))] {
        let collected = stream::collect(&folder.join("week.redb"), days, raw, options.samples)?;
        table.push(vec![
            Cell::Text(name.into()),
            Cell::Count(collected.samples),
            Cell::Number(collected.file_len as f64 / 1_048_576.0),
            Cell::Number(collected.file_len as f64 / collected.samples as f64),
            Cell::of(collected.written.map(|w| w / 1024.0 / collected.samples as f64)),
            Cell::Number(collected.samples as f64 / collected.seconds),
            Cell::Number(collected.difference),
        ]);
        std::fs::remove_file(folder.join("week.redb"))?;
    }
    Ok(table)
}
