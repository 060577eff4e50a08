//! Snapshots, taken and put back.

use super::support::{Place, finish};
use super::{content, ends, ingests, names, with_store};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_snapshot_is_the_store_and_can_be_put_back() {
    let place = with_store();
    let said = place.must(&["snapshot", "copy.redb"]).err;
    assert!(said.starts_with("saved `perf.redb` as `copy.redb`: 10004 samples in 5 chunks and the log"), "{said}");
    place.must(&["--db", "copy.redb", "check"]);
    let was = content(&place, "perf.redb");
    assert_eq!(content(&place, "copy.redb"), was);
    assert_eq!(ingests(&place, "copy.redb"), ingests(&place, "perf.redb"));
    // It knows what was ingested, and takes more.
    let again = place.must(&["--db", "copy.redb", "ingest", "--unit", "decision=ms", "a.lp"]);
    assert!(again.err.contains("already ingested as 1"), "{}", again.err);
    std::fs::write(place.path("c.lp"), "more value=1 1\n").unwrap();
    place.must(&["--db", "copy.redb", "ingest", "c.lp"]);
    place.must(&["--db", "copy.redb", "ingest", "undo", "1"]);

    place.must(&["snapshot", "other.redb"]);
    std::fs::remove_file(place.path("perf.redb")).unwrap();
    place.must(&["restore", "other.redb"]);
    assert_eq!(content(&place, "perf.redb"), was);
    place.must(&["check"]);
    assert_eq!(names(&place), ["a.lp", "b.lp", "c.lp", "copy.redb", "other.redb", "perf.redb"]);
}

#[test]
fn what_is_there_is_replaced_only_with_force() {
    let place = with_store();
    place.must(&["snapshot", "copy.redb"]);
    let old = std::fs::read(place.path("copy.redb")).unwrap();
    ends(&place, &["snapshot", "copy.redb"], 2, &["`copy.redb` is there already", "--force"]);
    ends(&place, &["restore", "copy.redb"], 2, &["there is a store at `perf.redb`", "--force"]);
    ends(&place, &["snapshot", "--force", "perf.redb"], 2, &["is the store itself"]);
    ends(&place, &["snapshot", "--force", "."], 2, &["no regular file"]);
    ends(&place, &["restore", "none.redb"], 2, &["--force"]);
    ends(&place, &["restore", "--force", "none.redb"], 2, &["there is no store at `none.redb`"]);
    ends(&place, &["restore", "--force", "a.lp"], 2, &["`a.lp` is not a store"]);
    assert_eq!(std::fs::read(place.path("copy.redb")).unwrap(), old);

    std::fs::write(place.path("c.lp"), "more value=1 1\n").unwrap();
    place.must(&["ingest", "c.lp"]);
    place.must(&["snapshot", "--force", "copy.redb"]);
    place.must(&["ingest", "undo", "1"]);
    place.must(&["restore", "--force", "copy.redb"]);
    assert_eq!(place.rows("count(*)"), [[10_005]]);
    assert_eq!(names(&place), ["a.lp", "b.lp", "c.lp", "copy.redb", "perf.redb"]);
}

#[test]
fn a_store_that_somebody_has_open_is_not_replaced() {
    let place = with_store();
    place.must(&["snapshot", "copy.redb"]);
    let mut feeder = place
        .command(&["ingest", "--format", "influx", "--batch", "1", "--ack", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = feeder.stdin.take().unwrap();
    pipe.write_all(b"stream,from=pipe value=3 3\n").unwrap();
    let mut acks = std::io::BufReader::new(feeder.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut acks, &mut String::new()).unwrap();
    ends(&place, &["restore", "--force", "copy.redb"], 5, &["another process has `", "perf.redb` open", "stop it"]);
    ends(&place, &["--db", "copy.redb", "snapshot", "--force", "perf.redb"], 5, &["open"]);
    drop(pipe);
    assert_eq!(finish(feeder, "ingest -").code, 0);
    assert_eq!(place.rows("count(stream)"), [[3]]);
    place.must(&["restore", "--force", "copy.redb"]);
    assert_eq!(place.rows("count(stream)"), [[2]]);
    assert_eq!(names(&place), ["a.lp", "b.lp", "copy.redb", "perf.redb"]);
}

/// Lines of the long file.
const LINES: u64 = 310_000;
/// Its samples, ten a line: so many that they take more than one commit, see `storage/bulk.rs`.
const FILE_COUNT: u64 = LINES * 10;
const BATCH: u64 = 50;

#[test]
fn a_snapshot_beside_writers_holds_whole_ingests_and_batches() {
    let place = Place::new();
    std::fs::write(place.path("begin.lp"), "stream,from=file value=0 1\nfile,no=none f0=0 1\n").unwrap();
    place.must(&["ingest", "begin.lp"]);
    let fields: Vec<String> = (0..10).map(|field| format!("f{field}={field}")).collect();
    let fields = fields.join(",");
    let lines: String = (0..LINES).map(|i| format!("file,no=one {fields} {i}\n")).collect();
    std::fs::write(place.path("file.lp"), lines).unwrap();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| stream(&place, &ended));
        let file = scope.spawn(|| place.must(&["ingest", "file.lp"]));
        let (mut before, mut without) = (0, 0);
        let mut round = 0;
        while !ended.load(Ordering::Relaxed) {
            // One more after the file is in.
            let last = file.is_finished();
            let name = format!("copy-{round}.redb");
            place.must(&["snapshot", &name]);
            place.must(&["--db", &name, "check"]);
            let rows = place.must(&["--db", &name, "query", "--format", "json", "count(stream), count(file.*)"]).rows();
            let (streamed, filed) = (rows[0][0].as_u64().unwrap(), rows[0][1].as_u64().unwrap());
            assert!(streamed >= before && streamed % BATCH == 1, "{streamed} after {before}");
            assert!(filed == 1 || filed == FILE_COUNT + 1, "{filed} of the file");
            let series = place.must(&["--db", &name, "query", "--format", "json", "show series"]).rows().len();
            assert_eq!(series, if filed == 1 { if streamed > 1 { 3 } else { 2 } } else { 13 }, "{streamed} {filed}");
            without += u64::from(filed == 1);
            (before, round) = (streamed, round + 1);
            std::fs::remove_file(place.path(&name)).unwrap();
            if last {
                assert_eq!(filed, FILE_COUNT + 1);
                ended.store(true, Ordering::Relaxed);
            }
        }
        assert!(before > 1 && without > 0, "{before} streamed, {without} snapshots without the file");
    });
    place.must(&["check"]);
}

/// Feeds a pipe until the end.
fn stream(place: &Place, ended: &AtomicBool) {
    let batch = BATCH.to_string();
    let args = ["ingest", "--format", "influx", "--batch", &batch, "-"];
    let mut child = place.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let mut sent = 0;
    while !ended.load(Ordering::Relaxed) {
        let mut lines = String::new();
        for i in 0..BATCH {
            writeln!(lines, "stream,from=pipe value={i} {}", sent + i).unwrap();
        }
        pipe.write_all(lines.as_bytes()).unwrap();
        sent += BATCH;
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    drop(pipe);
    assert_eq!(finish(child, "ingest -").code, 0);
}
