//! Stores merged by the program.

use super::support::{Place, finish};
use super::{content, ends, ingests, names, pipe, with_store};
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Two jobs, each with its own store: a file that both have, one of its own, and a stream.
fn jobs() -> Place {
    let place = Place::new();
    std::fs::write(place.path("both.lp"), "shared value=1 1\nshared value=2 2\n").unwrap();
    for job in ["1", "2"] {
        let db = format!("job-{job}.redb");
        std::fs::write(place.path("own.lp"), format!("own,job={job} value={job} 1\n")).unwrap();
        place.must(&["--db", &db, "ingest", "--unit", "own=ms", "both.lp", "own.lp"]);
        // The same samples in both streams: they are events of their own.
        pipe(&place, &["--db", &db], &format!("stream value=7 7\nstream,job={job} value=8 8\n"));
    }
    place
}

#[test]
fn stores_of_two_jobs_end_in_the_same_whichever_order_they_are_merged_in() {
    let place = jobs();
    let merge = |db: &str, others: &[&str]| place.must(&[&["--db", db, "merge"], others].concat()).err;
    let said = merge("a.redb", &["job-1.redb", "job-2.redb"]);
    let first = "job-1.redb: added 5 samples of 2 ingests and 1 stream\n";
    assert_eq!(said, format!("{first}job-2.redb: added 3 samples of 1 ingest and 1 stream; 1 more was here already\n"));
    merge("b.redb", &["job-2.redb"]);
    merge("b.redb", &["job-1.redb", "job-2.redb"]);
    merge("job-1.redb", &["job-2.redb", "b.redb"]);
    merge("job-2.redb", &["job-1.redb"]);
    let all = content(&place, "a.redb");
    assert_eq!(all.len(), 8 + 1, "eight samples and what is known of `own`");
    for db in ["b.redb", "job-1.redb", "job-2.redb"] {
        assert_eq!(content(&place, db), all, "{db}");
        for other in ["a.redb", "b.redb", "job-1.redb", "job-2.redb"].iter().filter(|other| **other != db) {
            assert_eq!(merge(db, &[other]), format!("{other}: nothing new\n"), "into {db}");
        }
        place.must(&["--db", db, "check"]);
    }
    // Ingests are known by what they were.
    let again = place.must(&["--db", "a.redb", "ingest", "--unit", "own=ms", "both.lp", "own.lp"]).err;
    assert_eq!(again.matches("already ingested").count(), 2, "{again}");
    assert_eq!(ingests(&place, "a.redb").len(), 5, "three files and two streams");
}

#[test]
fn a_store_that_has_grown_brings_only_what_is_new() {
    let place = jobs();
    place.must(&["merge", "job-1.redb"]);
    let before = content(&place, "perf.redb").len();
    for round in 0..4 {
        pipe(&place, &["--db", "job-1.redb"], &format!("stream value={round} 100\nstream value={round} 100\n"));
        if round == 2 {
            // Seals the stream's log, and joins its chunks.
            std::fs::write(place.path("more.lp"), "more value=1 1\n").unwrap();
            place.must(&["--db", "job-1.redb", "ingest", "more.lp"]);
            place.must(&["--db", "job-1.redb", "compact"]);
        }
        let said = place.must(&["merge", "job-1.redb"]).err;
        let more =
            if round == 2 { "3 samples of 1 ingest and 1 stream" } else { "2 samples of 0 ingests and 1 stream" };
        assert!(said.starts_with(&format!("job-1.redb: added {more}")), "{said}");
    }
    assert_eq!(content(&place, "perf.redb"), content(&place, "job-1.redb"));
    assert_eq!(content(&place, "perf.redb").len(), before + 9);
    place.must(&["check"]);
}

#[test]
fn a_snapshot_of_ours_adds_nothing_and_its_own_future_does() {
    let place = with_store();
    place.must(&["snapshot", "copy.redb"]);
    let was = content(&place, "perf.redb");
    assert_eq!(place.must(&["merge", "copy.redb"]).err, "copy.redb: nothing new\n");
    std::fs::copy(place.path("perf.redb"), place.path("plain.redb")).unwrap();
    pipe(&place, &["--db", "copy.redb"], "stream,from=copy value=1 1\n");
    pipe(&place, &["--db", "plain.redb"], "stream,from=plain value=1 1\n");
    pipe(&place, &[], "stream,from=ours value=1 1\n");
    for other in ["copy.redb", "plain.redb"] {
        let said = place.must(&["merge", other]).err;
        assert!(said.starts_with(&format!("{other}: added 1 sample of 0 ingests and 1 stream")), "{said}");
    }
    assert_eq!(content(&place, "perf.redb").len(), was.len() + 3);
    place.must(&["--db", "copy.redb", "merge", "perf.redb"]);
    assert_eq!(content(&place, "copy.redb"), content(&place, "perf.redb"));
}

#[test]
fn what_differs_about_metrics_is_named() {
    let place = Place::new();
    for (db, unit, better) in [("perf.redb", "ms", "lower"), ("b.redb", "ms", "higher"), ("c.redb", "s", "lower")] {
        std::fs::write(place.path("a.lp"), format!("decision,db={db} value=1 1\n")).unwrap();
        place.must(&["--db", db, "ingest", "a.lp"]);
        place.must(&["--db", db, "metric", "set", "decision", "--unit", unit, "--better", better]);
    }
    std::fs::write(place.path("a.lp"), "only.there value=1 1\n").unwrap();
    place.must(&["--db", "b.redb", "ingest", "a.lp"]);
    place.must(&["--db", "b.redb", "metric", "set", "only.there", "--description", "seen only there"]);
    let said = place.must(&["merge", "b.redb"]).err;
    let named = "warning: the better direction of `decision` is lower here and higher in `b.redb`; it stays lower";
    assert!(said.contains(named), "{said}");
    let known = place.must(&["metric", "list"]).out;
    assert!(known.contains("seen only there"), "{known}");

    let was = content(&place, "perf.redb");
    let args = ["merge", "c.redb"];
    ends(&place, &args, 2, &["the samples of `decision` are in ms here and in s in `c.redb`", "--ignore-units"]);
    assert_eq!(content(&place, "perf.redb"), was);
    let said = place.must(&["merge", "--ignore-units", "c.redb"]).err;
    assert!(said.contains("warning: the unit of `decision` is ms here and s in `c.redb`; it stays ms"), "{said}");
    assert_eq!(place.rows("count(decision)"), [[3]]);
}

#[test]
fn what_cannot_be_merged_leaves_everything_as_it_was() {
    let place = with_store();
    ends(&place, &["merge", "perf.redb"], 2, &["is the store itself"]);
    ends(&place, &["merge", "./perf.redb"], 2, &["is the store itself"]);
    ends(&place, &["merge", "none.redb"], 2, &["there is no store at `none.redb`"]);
    ends(&place, &["merge", "a.lp"], 2, &["`a.lp` is not a store"]);
    ends(&place, &["--db", "new.redb", "merge", "none.redb"], 2, &["there is no store"]);
    assert!(!place.path("new.redb").exists());
    std::fs::write(place.path("c.lp"), "other value=1 1\n").unwrap();
    place.must(&["--db", "good.redb", "ingest", "c.lp"]);
    let done = ends(&place, &["merge", "good.redb", "none.redb"], 2, &["1 of 2 stores were merged before this one"]);
    assert!(done.err.contains("good.redb: added 1 sample"), "{}", done.err);
    assert_eq!(names(&place), ["a.lp", "b.lp", "c.lp", "good.redb", "perf.redb"]);
}

/// A store `big.redb` of more than one commit, in one ingest of as many samples as said.
fn big(place: &Place) -> u64 {
    let mut state = 1_u64;
    let mut lines = String::new();
    for i in 0..300_000 {
        lines += "big ";
        for field in 0..10 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            lines += &format!("{}f{field}={}", if field > 0 { "," } else { "" }, state >> 11);
        }
        lines += &format!(" {i}\n");
    }
    std::fs::write(place.path("big.lp"), lines).unwrap();
    place.must(&["--db", "big.redb", "ingest", "big.lp"]);
    std::fs::remove_file(place.path("big.lp")).unwrap();
    3_000_000
}

#[test]
fn a_killed_merge_leaves_nothing_and_others_write_meanwhile() {
    let place = with_store();
    let count = big(&place);
    let was = content(&place, "perf.redb").len();
    std::fs::copy(place.path("perf.redb"), place.path("first.redb")).unwrap();
    let started = Instant::now();
    place.must(&["--db", "first.redb", "merge", "big.redb"]);
    let whole = started.elapsed();
    for round in 1..6_u32 {
        let mut child = place.command(&["merge", "big.redb"]).spawn().unwrap();
        std::thread::sleep(whole * round / 7);
        child.kill().unwrap();
        child.wait().unwrap();
        let held = place.rows("count(*)")[0][0].as_u64().unwrap() as usize;
        assert!(held == was - 1 || held == was - 1 + count as usize, "{held} after {round}");
        assert_eq!(place.rows("show series").len(), if held < was { 4 } else { 14 });
    }
    let mut feeder =
        place.command(&["ingest", "--format", "influx", "--batch", "10", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = feeder.stdin.take().unwrap();
    let merge = place.command(&["merge", "big.redb"]).spawn().unwrap();
    let mut fed = 0;
    let merge = std::thread::spawn(move || finish(merge, "merge"));
    while !merge.is_finished() || fed < 100 {
        (0..10).for_each(|i| writeln!(pipe, "fed value={i} {}", fed + i).unwrap());
        fed += 10;
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(pipe);
    assert_eq!((merge.join().unwrap().code, finish(feeder, "ingest -").code), (0, 0));
    assert_eq!(place.rows("count(fed), count(big.*)"), [[fed, count]]);
    place.must(&["check"]);
    assert_eq!(place.must(&["merge", "big.redb"]).err, "big.redb: nothing new\n");
}
