//! Commands about a store as a whole.

use crate::Folder;

#[test]
fn stats_count_samples_and_bytes() {
    let folder = Folder::with_decisions();
    let run = folder.run(&["stats", "--format", "csv"]).ok();
    let mut lines = run.out.lines();
    assert_eq!(lines.next(), Some("metric,samples,series,bytes,bytes_per_sample,rollups,of_samples,oldest,newest"));
    let row: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!((&row[..3], row[7]), (&["decision", "3", "2"][..], "2026-11-20T11:00:00Z"));
    assert!(run.err.starts_with("note: 1 metric, 2 series, 3 samples"), "{}", run.err);
    folder.pipe(&["ingest", "-"], "decision value=1 1\n").ok();
    let run = folder.run(&["stats", "--format", "csv"]).ok();
    assert!(run.out.contains("\ndecision,4,3,") && run.err.contains("4 samples (1 of them recent"), "{run:?}");
}

#[test]
fn a_check_tells_a_sound_store_from_a_damaged_one() {
    let folder = Folder::with_decisions();
    let run = folder.run(&["check"]).ok();
    assert!(run.out.starts_with("perf.redb is sound: 3 samples in 2 chunks"), "{run:?}");
    let mut bytes = std::fs::read(folder.path("perf.redb")).unwrap();
    let at = bytes.windows(7).position(|w| w == b"planner").unwrap();
    bytes[at] ^= 1;
    folder.write("perf.redb", bytes);
    let run = folder.run(&["check"]);
    assert!(run.code == 4 && run.out.contains("damaged: ") && run.out.contains("is damaged in "), "{run:?}");
    folder.write("no.redb", "nothing");
    folder.run(&["check", "--db", "no.redb"]).refused(&["`no.redb` is not a store"]);
}

#[test]
fn metrics_are_described_by_name_or_pattern() {
    let folder = Folder::with_decisions();
    folder.pipe(&["ingest", "-"], "cache.hits_total value=1 1\ncache.load_ms value=1 1\n").ok();
    let run = folder.run(&["metric", "set", "cache.*", "--better", "higher"]).ok();
    assert_eq!(run.err, "described `cache.hits_total`, `cache.load_ms`\n");
    folder.run(&["metric", "set", "cache.load_ms", "--unit", "s", "--description", "Load."]).ok();
    let listed = folder.run(&["metric", "list", "--format", "csv"]).ok().out;
    assert!(listed.contains("cache.hits_total,,counter,higher,yes,\n"), "{listed}");
    assert!(listed.contains("cache.load_ms,s,,higher,no,Load.\n"), "{listed}");
    folder.run(&["metric", "set", "decison", "--unit", "s"]).refused(&["did you mean `decision`?"]);
    folder.run(&["metric", "set", "zzz*", "--unit", "s"]).refused(&["no metric is called `zzz*`"]);
}

#[test]
fn a_unit_that_differs_is_refused_and_nothing_of_the_file_is_kept() {
    let folder = Folder::with_decisions();
    folder.write("other.lp", "decision value=1 1\n");
    folder.run(&["ingest", "other.lp", "--unit", "decision=s"]).refused(&["in ms", "metric set"]);
    assert_eq!(folder.ask("count(decision)"), "count(decision)\n3\n");
}

#[test]
fn the_demo_answers_from_its_own_recording() {
    let folder = Folder::new();
    let run = folder.run(&["demo", "--seconds", "1", "--dir", "demo"]).ok();
    let question = "$ perfdb query 'p95(decision) by agent since 1h'\nagent";
    assert!(run.out.contains(question), "{}", run.out);
    assert!(["planner", "scout", "librarian", "courier"].iter().all(|agent| run.out.contains(agent)));
    assert!(folder.path("demo/perf.redb").exists() && folder.path("demo/samples.lp").exists());
    folder.run(&["query", "--db", "demo/perf.redb", "count(decision) by agent"]).ok();
}
