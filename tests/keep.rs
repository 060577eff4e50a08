//! The commands that look after a store as a whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

mod support;

#[path = "keep/merging.rs"]
mod merging;
#[path = "keep/snapshots.rs"]
mod snapshots;
#[path = "keep/space.rs"]
mod space;

use serde_json::Value;
use support::{Done, Place};

/// Runs the program, which must end with `code` and say all of `texts` on the standard error.
fn ends(place: &Place, args: &[&str], code: i32, texts: &[&str]) -> Done {
    let done = place.run(args);
    assert_eq!(done.code, code, "{args:?}: {}", done.err);
    for text in texts {
        assert!(done.err.contains(text), "{args:?}: no `{text}` in: {}", done.err);
    }
    done
}

/// A folder whose store has some of everything: chunks of two ingests, rows in the log, metadata.
fn with_store() -> Place {
    let place = Place::new();
    let mut lines = String::new();
    for i in 0..5000_i64 {
        for agent in ["scout", "planner"] {
            lines += &format!("decision,agent={agent} value={} {}\n", (i * 37 % 1000) as f64 / 8.0, i * 20_000_000_000);
        }
    }
    std::fs::write(place.path("a.lp"), lines).unwrap();
    std::fs::write(place.path("b.lp"), "cpu.usage,host=web value=1.5 5\ncpu.usage,host=web value=2.5 6\n").unwrap();
    place.must(&["ingest", "--unit", "decision=ms", "a.lp"]);
    place.must(&["ingest", "b.lp"]);
    pipe(&place, &[], "stream,from=pipe value=1 1\nstream,from=pipe value=2 2\n");
    place
}

/// Feeds `lines` through a pipe.
fn pipe(place: &Place, options: &[&str], lines: &str) {
    use std::io::Write;
    let args = [options, &["ingest", "--format", "influx", "-"]].concat();
    let mut child = place.command(&args).stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let done = support::finish(child, "ingest -");
    assert_eq!(done.code, 0, "{}", done.err);
}

/// All that the store `db` says: samples in the order of their series and times, what is known of metrics, ingests.
fn content(place: &Place, db: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        place.must(&["--db", db, "export", "--format", "jsonl"]).out.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What `ingest list` shows of the store `db`.
fn ingests(place: &Place, db: &str) -> Vec<Vec<Value>> {
    let list = place.command(&["--db", db, "ingest", "list"]).env("PERFDB_FORMAT", "json").spawn().unwrap();
    support::finish(list, "ingest list").rows()
}

/// The names in the folder.
fn names(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.path("")).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
