//! `kill -9` at random moments: what was acknowledged is there, and nothing is half there.
//!
//! `PERFDB_KILLS` says how many kills (20), `PERFDB_SEED` which moments; the seed is printed where something fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]
#![expect(clippy::print_stdout, reason = "shown with --nocapture, and where the test fails")]

#[path = "support/random.rs"]
mod random;
mod support;

use random::Random;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::{Place, finish};

/// Fields of a line of the long file, each a series.
const FIELDS: u64 = 10;
/// Enough samples that an ingest commits some of them before it has read all: see `storage/bulk.rs`.
const LINES: u64 = 350_000;

#[test]
fn a_killed_ingest_of_a_file_leaves_nothing() {
    let place = Place::new();
    let mut random = Random::new();
    write_long_file(&place.path("long.lp"));
    std::fs::write(place.path("before.lp"), "before value=1 1\nbefore value=2 2\n").unwrap();
    place.must(&["ingest", "before.lp"]);
    let started = Instant::now();
    place.must(&["--db", "other.redb", "ingest", "long.lp"]);
    let mut whole = started.elapsed();
    std::fs::remove_file(place.path("other.redb")).unwrap();

    let (mut killed, mut half) = (0, 0);
    for round in 0..kills() {
        // Commits come late, so half of the moments do too.
        let from = if round % 2 == 0 { 0.0 } else { 0.7 };
        let delay = whole.mul_f64(from + random.fraction() * (1.05 - from));
        let mut child =
            place.command(&["ingest", "long.lp"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let ended = wait_at_most(&mut child, delay);
        child.kill().unwrap();
        child.wait().unwrap();
        // The machine may have more to do, or less, than at first.
        whole = ended.map_or(whole, |took| (whole + took) / 2);
        let was_killed = ended.is_none();
        killed += usize::from(was_killed);
        let hint = format!("seed {}, round {round}, killed {was_killed} after {delay:?} of {whole:?}", random.seed);
        let there = ingests(&place).iter().any(|row| row[2] == "long.lp");
        assert!(there || was_killed, "it ended by itself, but is not there; {hint}");
        assert_eq!(held(&place), if there { LINES * FIELDS + 2 } else { 2 }, "{hint}");
        assert_eq!(series(&place), if there { FIELDS + 1 } else { 1 }, "{hint}");
        half += usize::from(pending(&place.path("perf.redb")));
        if there {
            take_back(&place, &hint);
        }
    }
    println!("{killed} killed, {half} with something to sweep; a whole ingest takes {whole:?}");

    place.must(&["ingest", "long.lp"]);
    let again = place.must(&["ingest", "long.lp"]);
    assert!(again.err.contains("already ingested"), "{}", again.err);
    assert_eq!((held(&place), series(&place)), (LINES * FIELDS + 2, FIELDS + 1), "seed {}", random.seed);
    assert!(!pending(&place.path("perf.redb")), "seed {}: something is left of a killed ingest", random.seed);
    place.must(&["check"]);
}

#[test]
fn a_killed_first_ingest_leaves_a_store_or_none() {
    let place = Place::new();
    let mut random = Random::new();
    std::fs::write(place.path("few.lp"), "few value=1 1\nfew value=2 2\n").unwrap();
    let started = Instant::now();
    place.must(&["ingest", "few.lp"]);
    let whole = started.elapsed();
    for round in 0..kills() * 2 {
        std::fs::remove_file(place.path("perf.redb")).unwrap_or_default();
        let delay = whole.mul_f64(random.fraction() * 1.2);
        let mut child =
            place.command(&["ingest", "few.lp"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(delay);
        child.kill().unwrap();
        child.wait().unwrap();
        let hint = format!("seed {}, round {round}, after {delay:?} of {whole:?}", random.seed);
        let asked = place.run(&["query", "--format", "json", "count(few)"]);
        let count = if asked.code == 0 { asked.rows()[0][0].as_u64().unwrap() } else { 0 };
        let nothing = ["there is no store", "the store has no metrics"].iter().any(|text| asked.err.contains(text));
        assert!(asked.code == 0 || asked.code == 2 && nothing, "{hint}: {}", asked.err);
        assert!(count == 0 || count == 2, "{hint}: {count} samples");
        let again = place.run(&["ingest", "few.lp"]);
        assert_eq!(again.code, 0, "{hint}: {}", again.err);
        assert_eq!(place.rows("count(few)")[0][0], 2, "{hint}");
    }
    let left: Vec<_> = std::fs::read_dir(place.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only the file and the store: {left:?}");
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    const BATCH: u64 = 100;
    let place = Place::new();
    let mut random = Random::new();
    for round in 0..kills() {
        let delay = Duration::from_secs_f64(random.fraction() * 0.4);
        let args = ["ingest", "--format", "influx", "--batch", "100", "--ack", "-"];
        let mut child = place.command(&args).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let feeder = std::thread::spawn(move || {
            // Until the reader is gone, which is long before the numbers end.
            (1..u64::MAX).take_while(|i| writeln!(pipe, "stream,round={round} value={i} {i}").is_ok()).count() as u64
        });
        let acks = BufReader::new(child.stdout.take().unwrap());
        let acks =
            std::thread::spawn(move || acks.lines().map_while(|line| durable(&line.unwrap())).last().unwrap_or(0));
        std::thread::sleep(delay);
        child.kill().unwrap();
        child.wait().unwrap();
        let (fed, acknowledged) = (feeder.join().unwrap(), acks.join().unwrap());

        let hint = format!("seed {}, round {round}, after {delay:?}: {acknowledged} of {fed}", random.seed);
        let text = format!("count(stream), sum(stream), min(stream), max(stream) where round = {round}");
        let asked = place.run(&["query", "--format", "json", &text]);
        let row = if asked.code == 0 { asked.rows().pop().unwrap_or_default() } else { Vec::new() };
        assert!(asked.code == 0 || acknowledged == 0, "{hint}: {}", asked.err);
        let count = row.first().and_then(Value::as_u64).unwrap_or(0);
        assert!(count == acknowledged || count == acknowledged + BATCH, "{hint}: {count} are there");
        assert!(count <= fed && count % BATCH == 0, "{hint}: {count} are there");
        if count > 0 {
            let numbers: Vec<f64> = row[1..].iter().map(|v| v.as_f64().unwrap()).collect();
            let first = (count * (count + 1) / 2) as f64;
            assert_eq!(numbers, [first, 1.0, count as f64], "{hint}: not the first {count} that were fed");
        }
    }
    place.must(&["check"]);
}

/// How long `child` took, if it ended by itself within `delay`.
fn wait_at_most(child: &mut Child, delay: Duration) -> Option<Duration> {
    let started = Instant::now();
    while started.elapsed() < delay {
        if child.try_wait().unwrap().is_some() {
            return Some(started.elapsed());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

/// The number of samples that an acknowledgement says are safe; `None` for a line that the kill has cut.
fn durable(line: &str) -> Option<u64> {
    serde_json::from_str::<Value>(line).ok()?["durable"].as_u64()
}

/// All samples of the store.
fn held(place: &Place) -> u64 {
    place.rows("count(*)")[0][0].as_u64().unwrap()
}

/// All series of the store.
fn series(place: &Place) -> u64 {
    place.rows("show series").len() as u64
}

/// What `ingest list` shows: id, time, source and more.
fn ingests(place: &Place) -> Vec<Vec<Value>> {
    let list = place.command(&["ingest", "list"]).env("PERFDB_FORMAT", "json").spawn().unwrap();
    finish(list, "ingest list").rows()
}

/// Takes the long file back, so that the next round begins as this one did.
fn take_back(place: &Place, hint: &str) {
    let ingests = ingests(place);
    let id = ingests.iter().find(|row| row[2] == "long.lp").unwrap()[0].to_string();
    place.must(&["ingest", "undo", &id]);
    assert_eq!((held(place), series(place)), (2, 1), "taken back; {hint}");
}

/// Whether the store holds something of an ingest that is not complete. Readers skip it, the next writer sweeps it away.
fn pending(path: &Path) -> bool {
    use redb::{ConcurrencyMode, ReadableDatabase, ReadableTableMetadata, TableDefinition};
    const PENDING: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("pending");
    let db = redb::Builder::new().set_concurrency_mode(ConcurrencyMode::MultiWriter).open_read_only(path).unwrap();
    let read = db.begin_read().unwrap();
    read.open_table(PENDING).unwrap().len().unwrap() > 0
}

/// Numbers with as many digits as a number can have, so that they do not pack well and there is much to commit.
fn write_long_file(path: &Path) {
    let mut random = Random::of(7);
    let mut out = BufWriter::new(File::create(path).unwrap());
    for line in 0..LINES {
        out.write_all(b"long ").unwrap();
        for field in 0..FIELDS {
            let comma = if field > 0 { "," } else { "" };
            write!(out, "{comma}f{field}={}", random.next() >> 11).unwrap();
        }
        writeln!(out, " {}", line * 1_000_000).unwrap();
    }
    out.flush().unwrap();
}

fn kills() -> usize {
    std::env::var("PERFDB_KILLS").map_or(20, |kills| kills.parse().unwrap())
}
