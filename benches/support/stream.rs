//! Streams: small durable batches beside SQLite, and a collector in time lapse.

use super::history::START_NS;
use super::policy;
use super::support::options::Options;
use super::support::random::Random;
use super::support::table::{Cell, Table};
use super::support::{Result, progress};
use perfdb::db::{Database, QueryOptions};
use perfdb::model::{Cancel, Cells, Columns, Kind, Labels, NoProgress, Series, SeriesSet, Timestamp};
use perfdb::storage::{ApplyOptions, Level};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// A program that takes batches on its standard input and answers each with a line once it is durable.
struct Taker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Taker {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, input, output })
    }

    /// Milliseconds until `batch` is durable.
    fn take(&mut self, batch: &str) -> Result<f64> {
        let start = Instant::now();
        self.input.write_all(batch.as_bytes())?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() { Err("it ended".into()) } else { Ok(start.elapsed().as_secs_f64() * 1e3) }
    }

    /// Bytes that it had the device write.
    fn written(&self) -> Option<f64> {
        written(&self.child.id().to_string())
    }

    fn end(mut self) -> Result<()> {
        drop(self.input);
        self.child.wait()?;
        Ok(())
    }
}

/// Batches of 100 samples of 100 series, each synced before the next is sent, to perfdb and SQLite in turns. Another process keeps the store open.
pub(crate) fn small_batches(options: &Options, folder: &Path) -> Result<Table> {
    let columns = ["store", "median ms", "p95 ms", "median / SQLite", "KB written/sample"].map(String::from);
    let mut table =
        Table::new("Durable batches of 100 samples, through a pipe, the store shared by two processes", columns);
    let perfdb = options.perfdb.clone().or_else(|| option_env!("CARGO_BIN_EXE_perfdb").map(Into::into));
    let perfdb = perfdb.ok_or("no perfdb")?;
    let path = folder.join("small.redb");
    let held = Database::create(&path)?;
    let mut ours =
        Taker::start(Command::new(&perfdb).args(["ingest", "--batch", "100", "--ack", "-", "--db"]).arg(&path))?;
    let peer = Command::new(&options.sqlite).arg(":memory:").arg("select 1;").stdin(Stdio::null()).output();
    let mut theirs = match peer {
        Ok(ran) if ran.status.success() => {
            let mut peer = Taker::start(Command::new(&options.sqlite).arg(folder.join("small.sqlite")))?;
            peer.take("pragma journal_mode=wal;\n")?;
            peer.take("pragma synchronous=full; create table s(series integer, ts integer, value real); select 1;\n")?;
            Some(peer)
        }
        _ => None,
    };
    progress("small batches");
    let mut random = Random::new(options.seed);
    let rounds = (options.samples / 2000).clamp(20, 1000);
    let (mut our_ms, mut their_ms) = (Vec::new(), Vec::new());
    for round in 0..rounds as i64 {
        let (mut lines, mut sql) = (String::new(), String::from("begin; insert into s values "));
        for k in 0..100 {
            let (time, value) = (START_NS + round * 1_000_000_000 + k, (random.unit() * 1000.0).round() / 10.0);
            writeln!(lines, "decision,agent=a{k} value={value} {time}")?;
            write!(sql, "{}({k},{time},{value})", if k == 0 { "" } else { "," })?;
        }
        sql.push_str("; commit; select 1;\n");
        our_ms.push(ours.take(&lines)?);
        if let Some(peer) = &mut theirs {
            their_ms.push(peer.take(&sql)?);
        }
    }
    let our_len = ours.written();
    let their_len = theirs.as_ref().and_then(Taker::written);
    ours.end()?;
    held.close()?;
    if let Some(peer) = theirs {
        peer.end()?;
    }
    let at = |times: &mut Vec<f64>, share: f64| {
        times.sort_by(f64::total_cmp);
        times.get(((times.len() as f64 - 1.0) * share) as usize).copied()
    };
    let peer = at(&mut their_ms, 0.5);
    for (name, times, len) in [("perfdb", &mut our_ms, our_len), ("SQLite", &mut their_ms, their_len)] {
        let median = at(times, 0.5);
        let each = len.map(|len| len / 1024.0 / (rounds * 100) as f64);
        let (p95, ratio) = (at(times, 0.95), Cell::ratio(median, peer));
        table.push(vec![Cell::Text(name.into()), Cell::of(median), Cell::of(p95), ratio, Cell::of(each)]);
    }
    Ok(table)
}

/// What a collector in time lapse left.
pub(crate) struct Collected {
    pub(crate) samples: u64,
    pub(crate) file_len: u64,
    /// Bytes that went to the device.
    pub(crate) written: Option<f64>,
    pub(crate) seconds: f64,
    /// The largest relative difference between an hour's mean and what was collected.
    pub(crate) difference: f64,
}

const HOSTS: usize = 4;
const GAUGES: usize = 200;

/// Collects `days` days of all gauges at 1 s; a batch holds a second, or a minute where only few samples were asked for.
pub(crate) fn collect(path: &Path, days: i64, raw: Option<i64>, budget: u64) -> Result<Collected> {
    let db = Database::create(path)?;
    if raw.is_some() {
        db.store().set_policy(&policy(raw, &Level::ALL))?;
    }
    let mut set = SeriesSet::new();
    let mut ids = Vec::new();
    for host in 0..HOSTS {
        for gauge in 0..GAUGES {
            let labels = Labels::new([("host", format!("host-{host}").as_str())])?;
            ids.push(set.id(Series { metric: format!("gauge_{gauge:03}").into(), labels }));
        }
    }
    for gauge in 0..GAUGES {
        db.describe(&format!("gauge_{gauge:03}"), |meta| {
            meta.kind = Some(Kind::Gauge);
            Ok(())
        })?;
    }
    let mut random = Random::new(7);
    let mut levels: Vec<f64> = ids.iter().map(|_| 2000.0 + 6000.0 * random.unit()).collect();
    let seconds = (days * 86_400).min((budget as i64).max(800 * 3600) / 800);
    let lapse = 50;
    let (start, before) = (Instant::now(), written("self"));
    let mut hours = vec![(0.0, 0u64); (seconds / 3600 + 1) as usize];
    let mut at = 0;
    while at < seconds {
        let mut columns = Columns::default();
        let end = (at + lapse).min(seconds);
        for second in at..end {
            for (level, id) in levels.iter_mut().zip(&ids) {
                // A walk that turns back at its ends, with two decimals.
                *level = (*level + 20.0 * random.normal()).clamp(0.0, 10_000.0).round();
                columns.push(*id, START_NS + second * 1_000_000_000, *level / 100.0);
            }
            let hour = &mut hours[(second / 3600) as usize];
            *hour = (hour.0 + levels[0] / 100.0, hour.1 + 1);
        }
        let now = START_NS + end * 1_000_000_000;
        db.append(&columns, &set, &[], Timestamp(now))?;
        at = end;
        if at % 3600 < lapse && raw.is_some() {
            let options = ApplyOptions { yes: true, ..ApplyOptions::default() };
            db.store().apply_retention(now, options, &NoProgress, &Cancel::new())?;
        }
        if at % 43_200 < lapse {
            progress(&format!("collecting: {} of {} h", at / 3600, seconds / 3600));
        }
    }
    let seconds_taken = start.elapsed().as_secs_f64();
    let options = QueryOptions { now: Timestamp(START_NS + seconds * 1_000_000_000), ..QueryOptions::default() };
    let table = db.query("avg(gauge_000{host=\"host-0\"}) every 1h", &options)?;
    let mut difference = 0f64;
    if let (Cells::Time(times), Some(column)) = (&table.columns[0].cells, table.columns.get(1)) {
        for (row, time) in times.iter().enumerate() {
            let hour = hours[((time.unwrap_or_default() - START_NS) / 3_600_000_000_000) as usize];
            let mean = hour.0 / hour.1 as f64;
            difference = difference.max((column.cells.number(row).unwrap_or(f64::NAN) / mean - 1.0).abs());
        }
        if times.len() as i64 != (seconds + 3599) / 3600 {
            return Err("hours are missing".into());
        }
    }
    let written = written("self").zip(before).map(|(after, before)| after - before);
    db.close()?;
    let file_len = std::fs::metadata(path)?.len();
    Ok(Collected { samples: seconds as u64 * ids.len() as u64, file_len, written, seconds: seconds_taken, difference })
}

/// Bytes that a process had the device write.
fn written(process: &str) -> Option<f64> {
    let io = std::fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok())
}
