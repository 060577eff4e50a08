//! Asking questions.

use crate::{DECISIONS, Folder};
use std::io::Read;

#[test]
fn answers_go_to_people_and_to_programs() {
    let folder = Folder::with_decisions();
    let question = "p95(decision) by agent";
    assert_eq!(
        folder.run(&["query", question]).ok().out,
        "agent    p95(decision)\n───────  ─────────────\nplanner       400.5 ms\nscout          29.0 ms\n"
    );
    assert_eq!(
        folder.run(&["query", "--format", "json", question]).ok().out,
        "{\"columns\":[{\"name\":\"agent\",\"type\":\"text\",\"unit\":null,\"error_bound\":null},\
         {\"name\":\"p95(decision)\",\"type\":\"number\",\"unit\":\"ms\",\"error_bound\":null}],\
         \"rows\":[[\"planner\",400.5],[\"scout\",29]],\"notes\":[]}\n"
    );
    assert_eq!(
        folder.run(&["query", "--format", "ndjson", "max(decision) every 1s since 2026-11-20"]).ok().out.lines().next(),
        Some(r#"{"time":"2026-11-20T11:00:00Z","max(decision)":10}"#)
    );
}

#[test]
fn a_file_is_asked_without_a_store() {
    let folder = Folder::new();
    folder.write("decisions.lp", DECISIONS);
    folder.write("more.csv", "time,metric,value,agent\n2026-11-20T11:00:09Z,decision,50,scout\n");
    let answer = |words: &[&str]| folder.run(&[&["query", "--format", "csv"], words].concat()).ok().out;
    assert_eq!(answer(&["--from", "decisions.lp", "count(decision)"]), "count(decision)\n3\n");
    let both = ["--from", "decisions.lp", "--from", "more.csv", "max(decision) by agent"];
    assert_eq!(answer(&both), "agent,max(decision)\nplanner,400.5\nscout,50\n");
    let piped = folder.pipe(&["query", "--from", "-", "--format", "csv", "sum(decision)"], DECISIONS).ok();
    assert_eq!(piped.out, "sum(decision)\n440.5\n");
    assert!(!folder.path("perf.redb").exists());
}

#[test]
fn now_is_the_newest_sample_if_one_likes() {
    let folder = Folder::with_decisions();
    let answer = folder.run(&["query", "--now", "latest", "--format", "csv", "count(decision) since 1s"]).ok();
    assert_eq!(answer.out, "count(decision)\n2\n");
    let at = ["query", "--now", "2026-11-20T11:00:01Z", "--format", "csv", "count(decision) since 0s"];
    assert_eq!(folder.run(&at).ok().out, "count(decision)\n2\n");
}

#[test]
fn an_empty_answer_has_a_note_that_programs_get_too() {
    let folder = Folder::with_decisions();
    let words = ["query", "--now", "2027-01-01", "count(decision) by agent since 1h"];
    let table = folder.run(&words).ok();
    assert!(table.err.starts_with("note: ") && table.err.contains("--now latest"), "{}", table.err);
    let json = folder.run(&[&words[..], &["--format", "json"]].concat()).ok();
    assert!(json.err.is_empty() && json.out.contains("\"notes\":[{\"code\":"), "{json:?}");
    assert_eq!(folder.run(&[&words[..], &["-q"]].concat()).ok().err, "");
}

#[test]
fn a_wrong_question_is_pointed_at() {
    let folder = Folder::with_decisions();
    let run = folder.run(&["query", "p95(decision) by agnet since 1h"]).refused(&["did you mean `agent`?"]);
    assert!(run.err.contains("1 | p95(decision) by agnet since 1h\n  |                  ^^^^^"), "{}", run.err);
    folder.run(&["query", "p95(decision"]).refused(&["1 | p95(decision"]);
}

#[test]
fn a_file_of_questions_is_answered_in_turn() {
    let folder = Folder::with_decisions();
    folder.write("q", "count(decision); # how many\nmax(decision) where agent = $who;\n");
    let run = folder.run(&["query", "--file", "q", "--param", "who=scout", "--format", "json"]).ok();
    assert_eq!(run.out.lines().count(), 2, "{}", run.out);
    assert!(run.out.ends_with("\"rows\":[[30]],\"notes\":[]}\n"), "{}", run.out);
    folder.write("bad", "count(decision);\ncount(decison);\n");
    let bad = folder.run(&["query", "--file", "bad"]);
    assert!(bad.code == 2 && bad.out.contains('3') && bad.err.contains("bad:2:7"), "{bad:?}");
    let piped = folder.pipe(&["query", "--file", "-", "--format", "csv"], "count(decision)").ok();
    assert_eq!(piped.out, "count(decision)\n3\n");
}

#[test]
fn show_is_short_for_a_question() {
    let folder = Folder::with_decisions();
    let shown = folder.run(&["show", "values", "agent", "--format", "csv"]).ok().out;
    assert!(shown.contains("planner") && shown.contains("scout"), "{shown}");
    assert_eq!(shown, folder.run(&["query", "show values agent", "--format", "csv"]).ok().out);
}

#[test]
fn a_question_without_a_store_makes_none() {
    let folder = Folder::new();
    folder.run(&["query", "count(*)"]).refused(&["there is no store at `perf.redb`", "perfdb ingest"]);
    folder.run(&["stats"]).refused(&["there is no store"]);
    assert!(folder.names().is_empty());
}

#[test]
fn an_answer_that_nobody_reads_to_its_end_ends_quietly() {
    let folder = Folder::new();
    let lines: Vec<String> = (0..30_000).map(|i| format!("m value={i} {i}\n")).collect();
    folder.write("many.lp", lines.concat());
    folder.run(&["ingest", "many.lp"]).ok();
    for words in [&["query", "points(m)"][..], &["export"][..]] {
        let mut child = folder.command(words).spawn().unwrap();
        let mut first = [0; 8];
        // Closed at the end of this statement.
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{words:?}");
    }
}

#[test]
fn limits_of_time_and_memory_are_kept() {
    let folder = Folder::with_decisions();
    folder.run(&["query", "--timeout", "0s", "p95(decision)"]).refused(&["time limit", "--timeout"]);
    folder.run(&["query", "--memory", "10", "--from", "decisions.lp", "p95(decision)"]).refused(&["--memory"]);
}

#[test]
fn a_label_cannot_act_on_the_terminal_and_is_exact_for_programs() {
    let folder = Folder::new();
    folder.write("a.lp", "m,a=\u{1b}[31m\u{202e}x value=1 1\n");
    folder.run(&["ingest", "a.lp"]).ok();
    let table = folder.run(&["query", "count(m) by a"]).ok().out;
    assert!(table.contains("\\u{1b}[31m\\u{202e}x"), "{table}");
    let json = folder.run(&["query", "--format", "json", "count(m) by a"]).ok().out;
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["rows"][0][0], "\u{1b}[31m\u{202e}x");
}
