//! Ingesting files.

use crate::{DECISIONS, Folder};

#[test]
fn a_file_goes_in_and_its_summary_is_for_people() {
    let folder = Folder::new();
    folder.write("decisions.lp", DECISIONS);
    let run = folder.run(&["ingest", "decisions.lp"]).ok();
    assert_eq!(run.out, "");
    let said =
        "decisions.lp: 3 samples in 2 series from 2026-11-20 11:00:00+00:00 to 2026-11-20 11:00:02+00:00 as ingest 1";
    assert!(run.err.starts_with(said), "{}", run.err);
    assert_eq!(folder.ask("count(decision) by agent"), "agent,count(decision)\nplanner,1\nscout,2\n");
}

#[test]
fn the_summary_for_programs_is_one_object_on_the_standard_output() {
    let folder = Folder::new();
    folder.write("decisions.lp", DECISIONS);
    let run = folder.run(&["ingest", "--summary", "json", "decisions.lp"]).ok();
    assert_eq!(run.err, "");
    let summary: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(summary["outcome"], "added");
    assert_eq!((&summary["samples"], &summary["series"]), (&3.into(), &2.into()));
    assert_eq!(summary["last"], "2026-11-20T11:00:02Z");
    assert_eq!(summary["bytes_read"], DECISIONS.len());
}

#[test]
fn the_same_file_adds_nothing_unless_it_means_something_else() {
    let folder = Folder::with_decisions();
    let count = || folder.ask("count(decision)").lines().nth(1).unwrap().to_owned();
    let again = folder.run(&["ingest", "decisions.lp", "--unit", "decision=ms"]).ok();
    assert!(again.err.contains("already ingested as 1; nothing added; `--again` adds it once more"), "{}", again.err);
    std::fs::rename(folder.path("decisions.lp"), folder.path("renamed.lp")).unwrap();
    folder.run(&["ingest", "renamed.lp", "--unit", "decision=ms", "--skip-bad", "3"]).ok();
    assert_eq!(count(), "3");
    folder.run(&["ingest", "renamed.lp", "--unit", "decision=ms", "--set", "host=a"]).ok();
    assert_eq!(count(), "6");
    folder.run(&["ingest", "renamed.lp", "--unit", "decision=ms", "--again"]).ok();
    assert_eq!(count(), "9");
}

#[test]
fn a_line_without_a_time_makes_a_file_new_each_time() {
    let folder = Folder::new();
    folder.write("a.lp", "m value=1\n");
    folder.run(&["ingest", "a.lp"]).ok();
    folder.run(&["ingest", "a.lp"]).ok();
    assert_eq!(folder.ask("count(m)"), "count(m)\n2\n");
}

#[test]
fn a_broken_line_leaves_no_store_behind() {
    let folder = Folder::new();
    folder.write("bad.lp", format!("{DECISIONS}decision value=x 5\n"));
    folder.run(&["ingest", "bad.lp"]).refused(&["bad.lp:4:", "^"]);
    assert_eq!(folder.names(), ["bad.lp"]);
}

#[test]
fn a_broken_line_at_the_end_of_a_long_file_leaves_no_store_behind() {
    let folder = Folder::new();
    let row = format!("m {} 5\n", (0..100).map(|i| format!("f{i}=1")).collect::<Vec<_>>().join(","));
    folder.write("bad.lp", row.repeat(12_000) + "m value=x 5\n");
    folder.run(&["ingest", "bad.lp"]).refused(&["bad.lp:12001:"]);
    assert_eq!(folder.names(), ["bad.lp"]);
}

#[test]
fn a_broken_line_leaves_a_store_as_it_was() {
    let folder = Folder::with_decisions();
    folder.write("bad.lp", format!("{DECISIONS}other value=x 5\n"));
    folder.run(&["ingest", "bad.lp"]).refused(&["bad.lp:4:"]);
    assert_eq!(folder.ask("count(*)"), "count(*)\n3\n");
    assert!(!folder.ask("show metrics").contains("other"));
}

#[test]
fn broken_lines_are_tolerated_up_to_a_number_and_listed() {
    let folder = Folder::new();
    folder.write("bad.lp", format!("nonsense\n{DECISIONS}decision value=x 5\n"));
    folder.run(&["ingest", "--skip-bad", "1", "bad.lp"]).refused(&["bad.lp:5:"]);
    let run = folder.run(&["ingest", "--skip-bad", "2", "bad.lp"]).ok();
    assert_eq!(run.err.matches("warning: left out: ").count(), 2, "{}", run.err);
    assert!(run.err.contains("3 samples") && run.err.contains("2 broken lines left out"), "{}", run.err);
}

#[test]
fn several_files_go_in_until_one_is_wrong() {
    let folder = Folder::new();
    folder.write("a.lp", "m value=1 1\n");
    folder.write("b.lp", "m value=\n");
    folder.write("c.lp", "m value=3 3\n");
    let run = folder.run(&["ingest", "a.lp", "b.lp", "c.lp"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("note: 1 of 3 inputs were ingested before this one\nerror: "), "{}", run.err);
    assert_eq!(folder.ask("count(m)"), "count(m)\n1\n");
}

#[test]
fn what_is_no_input_is_named_and_makes_no_store() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("folder")).unwrap();
    folder.write("empty.lp", "");
    folder.write("words", "just some words\n");
    folder.write("packed.lp", b"\x1f\x8b\x08\x00");
    folder.run(&["ingest", "missing.lp"]).refused(&["there is no file `missing.lp`"]);
    folder.run(&["ingest", "folder"]).refused(&["`folder` is a directory"]);
    folder.run(&["ingest", "empty.lp"]).refused(&["`empty.lp` is empty"]);
    folder.run(&["ingest", "words"]).refused(&["format of `words`", "--format"]);
    folder.run(&["ingest", "packed.lp"]).refused(&["gzip"]);
    assert!(!folder.path("perf.redb").exists());
}

#[test]
fn what_is_no_store_is_named() {
    let folder = Folder::new();
    folder.write("decisions.lp", DECISIONS);
    folder.run(&["ingest", "--db", "decisions.lp", "decisions.lp"]).refused(&["`decisions.lp` is not a store"]);
    folder.run(&["ingest", "--db", ".", "decisions.lp"]).refused(&["is a directory, not a store"]);
    folder.run(&["query", "--db", "/dev/null", "count(*)"]).refused(&["device"]);
    assert_eq!(folder.read("decisions.lp"), DECISIONS);
}

#[test]
fn units_are_given_by_patterns_and_one_that_fits_nothing_is_told() {
    let folder = Folder::new();
    folder.write("a.csv", "time,cpu_user,load_ms\n2026-11-20T11:00:00Z,50,3\n");
    let run = folder.run(&["ingest", "a.csv", "--unit", "cpu_*=%", "--unit", "nothing=ms"]).ok();
    assert!(run.err.contains("note: `--unit` names `nothing`, which is no metric of this input"), "{}", run.err);
    assert!(run.err.contains("guessed from the name: `load_ms` ms; confirm"), "{}", run.err);
    let metrics = folder.run(&["metric", "list", "--format", "csv"]).ok().out;
    assert!(metrics.contains("cpu_user,%,,,no,\n") && metrics.contains("load_ms,ms,,,yes,\n"), "{metrics}");
}

#[test]
fn quiet_prints_nothing_but_errors() {
    let folder = Folder::new();
    folder.write("a.lp", "x_ms value=1 1\n");
    let run = folder.run(&["ingest", "-q", "a.lp"]).ok();
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));
}

#[test]
fn an_ingest_is_listed_and_taken_back() {
    let folder = Folder::with_decisions();
    let listed = folder.run(&["ingest", "list"]).ok();
    assert!(listed.out.contains("decisions.lp") && listed.out.contains("2026-11-20 11:00:02"), "{}", listed.out);
    let undone = folder.run(&["ingest", "undo", "1"]).ok();
    assert_eq!(undone.err, "took back ingest 1, `decisions.lp`: 3 samples\n");
    folder.run(&["ingest", "undo", "1"]).refused(&["there is no ingest 1"]);
    // What was taken back may come again.
    folder.run(&["ingest", "decisions.lp", "--unit", "decision=ms"]).ok();
    assert_eq!(folder.ask("count(decision)"), "count(decision)\n3\n");
}
