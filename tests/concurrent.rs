//! Queries run while other processes write: each sees a whole state, and never an older one than before.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]
#![expect(clippy::print_stdout, reason = "shown with --nocapture, and where the test fails")]

mod support;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::{Place, finish};

/// Lines of the ingested file.
const LINES: u64 = 310_000;
/// Its samples, ten a line: so many that they take more than one commit, see `storage/bulk.rs`.
const FILE_COUNT: u64 = LINES * 10;
const BATCH: u64 = 50;
const LASTING: Duration = Duration::from_secs(4);

#[test]
fn a_query_runs_while_others_ingest() {
    let place = Place::new();
    std::fs::write(place.path("begin.lp"), "stream,from=file value=0 1\nfile,no=none f0=0 1\n").unwrap();
    place.must(&["ingest", "begin.lp"]);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stream = scope.spawn(|| stream(&place, &ended));
        let files = scope.spawn(|| ingest_files(&place, &ended));
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| ask_again_and_again(&place, &ended))).collect();
        std::thread::sleep(LASTING);
        ended.store(true, Ordering::Relaxed);
        let asked: u64 = readers.into_iter().map(|r| r.join().unwrap()).sum();
        let (acknowledged, files) = (stream.join().unwrap(), files.join().unwrap());
        println!("{asked} questions beside {acknowledged} samples in a stream and {files} files");
        assert!(asked > 0 && acknowledged > 0 && files > 0);
        let counts = place.rows("count(stream), count(file.*)");
        assert_eq!(counts, [[acknowledged + 1, files * FILE_COUNT + 1]]);
    });
}

/// Feeds a pipe until the end, and says how many samples were acknowledged.
fn stream(place: &Place, ended: &AtomicBool) -> u64 {
    let batch = BATCH.to_string();
    let args = ["ingest", "--format", "influx", "--batch", &batch, "--ack", "-"];
    let mut child = place.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let mut acks = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut pipe = child.stdin.take().unwrap();
    let mut durable = 0;
    while !ended.load(Ordering::Relaxed) {
        let mut lines = String::new();
        for i in 0..BATCH {
            writeln!(lines, "stream,from=pipe value={i} {}", durable + i).unwrap();
        }
        pipe.write_all(lines.as_bytes()).unwrap();
        pipe.flush().unwrap();
        let ack: serde_json::Value = serde_json::from_str(&acks.next().unwrap().unwrap()).unwrap();
        durable += BATCH;
        assert_eq!(ack["durable"], durable);
    }
    drop(pipe);
    let done = finish(child, "ingest -");
    assert_eq!(done.code, 0, "{}", done.err);
    durable
}

/// Ingests file after file until the end, and says how many.
fn ingest_files(place: &Place, ended: &AtomicBool) -> u64 {
    let fields: Vec<String> = (0..10).map(|field| format!("f{field}={field}")).collect();
    let fields = fields.join(",");
    let mut lines = String::new();
    for i in 0..LINES {
        writeln!(lines, "file,no=one {fields} {i}").unwrap();
    }
    std::fs::write(place.path("file.lp"), lines).unwrap();
    let mut count = 0;
    while !ended.load(Ordering::Relaxed) {
        place.must(&["ingest", "--again", "file.lp"]);
        count += 1;
    }
    count
}

/// Asks until the end, and says how often. What is there only grows, a batch or a file at a time.
fn ask_again_and_again(place: &Place, ended: &AtomicBool) -> u64 {
    let (mut asked, mut before) = (0, [0, 0]);
    while !ended.load(Ordering::Relaxed) {
        let started = Instant::now();
        let row = place.rows("count(stream), count(file.*)").remove(0);
        let now = [row[0].as_u64().unwrap(), row[1].as_u64().unwrap()];
        assert!(now[0] >= before[0] && now[1] >= before[1], "{now:?} after {before:?}");
        assert_eq!([now[0] % BATCH, now[1] % FILE_COUNT], [1, 1], "{now:?} are no whole batches and files");
        assert!(started.elapsed() < Duration::from_secs(30), "a question waited for the writers");
        (asked, before) = (asked + 1, now);
    }
    asked
}
