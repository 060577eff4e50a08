//! Compacting.

use super::support::{Place, finish};
use super::{content, ends, pipe, with_store};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

#[test]
fn compacting_gives_space_back_and_changes_no_answer() {
    let place = with_store();
    for i in 0..6 {
        // Each ingest seals what came through the pipe, so that the stream lies in short chunks.
        pipe(&place, &[], &format!("stream,from=pipe value={i} {}\n", 100 - i));
        std::fs::write(place.path("c.lp"), format!("more value={i} {i}\n")).unwrap();
        place.must(&["ingest", "c.lp"]);
    }
    place.must(&["ingest", "undo", "1"]);
    let was = content(&place, "perf.redb");
    let len = || std::fs::metadata(place.path("perf.redb")).unwrap().len();
    let before = len();
    let said = place.must(&["compact", "--dry-run"]).err;
    assert!(said.contains("of it unused") && said.contains("6 short chunks will be joined to 1 longer one"), "{said}");
    let said = place.must(&["compact"]).err;
    assert!(said.lines().last().unwrap().contains("takes") && said.contains(" now"), "{said}");
    assert!(len() < before, "{} of {before}", len());
    assert_eq!(content(&place, "perf.redb"), was);
    place.must(&["check"]);
    let said = place.must(&["compact", "--dry-run"]).err;
    assert!(!said.contains("joined"), "{said}");
    ends(&place, &["--db", "none.redb", "compact"], 2, &["there is no store"]);
    assert!(place.must(&["--quiet", "compact"]).err.is_empty());
}

#[test]
fn compacting_waits_for_nobody_longer_than_told() {
    let place = with_store();
    let held = hold_a_read(&place);
    let args = ["--wait", "300ms", "compact"];
    ends(&place, &args, 5, &["other processes have been at work in `perf.redb`", "--wait"]);
    drop(held);
    place.must(&args);
}

#[test]
fn a_writer_that_only_has_the_store_open_is_no_hindrance() {
    let place = with_store();
    let args = ["ingest", "--format", "influx", "--batch", "1", "--ack", "-"];
    let mut feeder = place.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(feeder.stdout.take().unwrap()).lines();
    let mut pipe = feeder.stdin.take().unwrap();
    for i in 3..10 {
        writeln!(pipe, "stream,from=pipe value={i} {i}").unwrap();
        lines.next().unwrap().unwrap();
        place.must(&["compact"]);
    }
    drop(pipe);
    assert_eq!(finish(feeder, "ingest -").code, 0);
    assert_eq!(place.rows("count(stream), sum(stream)"), [[9, 45]]);
    place.must(&["check"]);
}

/// A read transaction on the store, as of a process that is at work.
fn hold_a_read(place: &Place) -> (redb::ReadTransaction, redb::ReadOnlyDatabase) {
    use redb::ReadableDatabase;
    let mut builder = redb::Builder::new();
    builder.set_concurrency_mode(redb::ConcurrencyMode::MultiWriter);
    let db = builder.open_read_only(place.path("perf.redb")).unwrap();
    (db.begin_read().unwrap(), db)
}
