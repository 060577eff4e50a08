//! Processes that stand still with their locks: whoever meets one ends within the time that it was given, says who is in the way,
//! and all goes on once that one does.
//!
//! `PERFDB_SEED` says at which moments they are stopped; the seed is printed where something fails.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]
#![expect(clippy::print_stdout, reason = "shown with --nocapture, and where the test fails")]

#[path = "support/random.rs"]
mod random;
mod support;

use random::Random;
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::ops::Bound;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{Done, Place, finish};

/// How long the moments are tried that a pipe, a file or a question is stopped at.
const LASTING: Duration = Duration::from_secs(6);

/// What a command takes at most that waits a little for others.
const PROMPT: Duration = Duration::from_secs(20);

/// The bytes of the header, and that of the writer: see `docs/design.md` of redb.
const HEADER: (Bound<u64>, Bound<u64>) = (Bound::Included(0), Bound::Excluded(320));
const WRITER: (Bound<u64>, Bound<u64>) = (Bound::Included(1 << 62), Bound::Included(1 << 62));

/// A place whose store has two samples of `old`.
fn with_store() -> Place {
    let place = Place::new();
    std::fs::write(place.path("old.lp"), "old value=1 1\nold value=2 2\n").unwrap();
    place.must(&["ingest", "old.lp"]);
    place
}

fn ask(place: &Place) -> Child {
    place.command(&["query", "--wait", "300ms", "--format", "csv", "count(old)"]).spawn().unwrap()
}

fn add(place: &Place, name: &str) -> Child {
    std::fs::write(place.path(name), format!("new,from={name} value=1 1\n")).unwrap();
    place.command(&["--wait", "300ms", "ingest", name]).spawn().unwrap()
}

/// Waits for `child`, which must succeed or, in time, say that `holder` is in its way.
fn succeeds_or_is_kept_by(child: Child, what: &str, holder: &str) -> bool {
    let started = Instant::now();
    let Done { code, err, .. } = finish(child, what);
    assert!(started.elapsed() < PROMPT, "{what} took {:?}", started.elapsed());
    assert!(code == 0 || code == 5, "{what}: {code}, {err}");
    if code == 5 {
        assert!(err.contains("`perf.redb` is busy") && err.contains("--wait"), "{what}: {err}");
        assert!(err.contains(holder), "{what}: no {holder} in {err}");
    }
    code == 0
}

#[test]
fn a_held_lock_is_waited_for_and_its_holder_named() {
    let place = with_store();
    let file = std::fs::OpenOptions::new().read(true).write(true).open(place.path("perf.redb")).unwrap();
    let locks = FileBackend::new(file).unwrap();
    let holder = format!("process {} (", std::process::id());
    for (span, alone, can_read) in [(WRITER, true, true), (HEADER, true, false), (HEADER, false, true)] {
        let locked =
            if alone { locks.try_lock_range(span.0, span.1) } else { locks.try_lock_shared_range(span.0, span.1) };
        assert!(locked.unwrap());
        let (reader, writer) = (ask(&place), add(&place, "new.lp"));
        assert_eq!(succeeds_or_is_kept_by(reader, "query", &holder), can_read);
        assert!(!succeeds_or_is_kept_by(writer, "ingest", &holder));
        locks.unlock_range(span.0, span.1).unwrap();
        assert_eq!(place.rows("count(*)"), [[2]]);
    }
    place.must(&["ingest", "new.lp"]);
    assert_eq!(place.rows("count(*)"), [[3]]);
}

/// Stops `child` after `delay`, has others read and write meanwhile, and lets it go on. Says whether they were kept from that; `None`
/// where it had ended before.
fn stop_for_a_while(place: &Place, child: &mut Child, delay: Duration, round: usize) -> Option<(bool, bool)> {
    std::thread::sleep(delay);
    signal("STOP", child.id());
    if child.try_wait().unwrap().is_some() {
        return None;
    }
    let holder = format!("process {} (perfdb ", child.id());
    let (reader, writer) = (ask(place), add(place, &format!("new{round}.lp")));
    let read = succeeds_or_is_kept_by(reader, "query", &holder);
    let wrote = succeeds_or_is_kept_by(writer, "ingest", &holder);
    signal("CONT", child.id());
    if !wrote {
        place.must(&["ingest", &format!("new{round}.lp")]);
    }
    Some((!read, !wrote))
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap().success());
}

#[test]
fn a_stopped_pipe_keeps_nobody_waiting() {
    const BATCH: u64 = 10;
    let place = with_store();
    let mut random = Random::new();
    let args = ["ingest", "--format", "influx", "--batch", "10", "--ack", "-"];
    let mut child = place.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let (mut pipe, acks) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let feeder = std::thread::spawn(move || {
        let (mut fed, mut acks) = (0, BufReader::new(acks).lines());
        while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            let lines: String = (0..BATCH).fold(String::new(), |mut lines, i| {
                writeln!(lines, "stream value={i} {}", fed + i).unwrap();
                lines
            });
            pipe.write_all(lines.as_bytes()).unwrap();
            fed += BATCH;
            let ack: serde_json::Value = serde_json::from_str(&acks.next().unwrap().unwrap()).unwrap();
            assert_eq!(ack["durable"], fed);
        }
        fed
    });
    let (started, mut rounds, mut kept) = (Instant::now(), 0, 0);
    while started.elapsed() < LASTING {
        let delay = Duration::from_secs_f64(random.fraction() * 0.03);
        let (reader, writer) = stop_for_a_while(&place, &mut child, delay, rounds).unwrap();
        rounds += 1;
        kept += usize::from(reader || writer);
    }
    drop(end);
    let fed = feeder.join().unwrap();
    let done = finish(child, "ingest -");
    println!("seed {}: stopped {rounds} times, {kept} times in somebody's way", random.seed);
    assert_eq!(done.code, 0, "seed {}: {}", random.seed, done.err);
    assert_eq!(place.rows("count(stream), count(new)"), [[fed, rounds as u64]], "seed {}", random.seed);
    place.must(&["check"]);
}

#[test]
fn a_stopped_ingest_of_a_file_keeps_nobody_waiting() {
    /// Enough samples for several commits: see `storage/bulk.rs`.
    const LINES: u64 = 350_000;
    let place = with_store();
    let mut random = Random::new();
    let mut lines = String::new();
    for i in 0..LINES {
        writeln!(lines, "long a={},b={},c={},d=4,e=5,f=6,g=7,h=8,i=9 {i}", i * 7919 % 100_003, i % 997, i % 31)
            .unwrap();
    }
    std::fs::write(place.path("long.lp"), lines).unwrap();
    let (started, mut rounds, mut kept, mut whole) = (Instant::now(), 0, 0, 0);
    while started.elapsed() < LASTING {
        let mut child = place.command(&["ingest", "--again", "long.lp"]).spawn().unwrap();
        let mut delay = Duration::from_secs_f64(random.fraction() * 0.3);
        while let Some((reader, writer)) = stop_for_a_while(&place, &mut child, delay, rounds) {
            rounds += 1;
            kept += usize::from(reader || writer);
            delay = Duration::from_secs_f64(random.fraction() * 0.3);
        }
        let done = finish(child, "ingest long.lp");
        assert_eq!(done.code, 0, "seed {}: {}", random.seed, done.err);
        whole += 1;
    }
    println!("seed {}: {whole} files, stopped {rounds} times, {kept} times in somebody's way", random.seed);
    let counts = place.rows("count(long.*), count(new)");
    assert_eq!(counts, [[whole * LINES * 9, rounds as u64]], "seed {}", random.seed);
    place.must(&["check"]);
}
