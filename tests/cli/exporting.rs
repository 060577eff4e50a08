//! Writing samples out, and taking them in again.

use crate::{DECISIONS, Folder};

/// Awkward values and labels of two metrics, twice one of the samples.
const AWKWARD: &str = "\
{\"metric\":\"a.b\",\"unit\":\"ms\",\"kind\":\"gauge\",\"better\":\"lower\",\"description\":\"One, \\\"two\\\".\"}
{\"metric\":\"a.b\",\"ts\":-5,\"value\":-0.0,\"labels\":{\"k\":\"x y,z=\\\"q\\\"\",\"ü\":\"1\"}}
{\"metric\":\"a.b\",\"ts\":7,\"value\":5e-324,\"labels\":{\"k\":\"x y,z=\\\"q\\\"\",\"ü\":\"1\"}}
{\"metric\":\"a.b\",\"ts\":7,\"value\":0.1,\"labels\":{\"other\":\"\\\\d\"}}
{\"metric\":\"c_ms\",\"ts\":1795172400000000001,\"value\":1.7976931348623157e308}
{\"metric\":\"c_ms\",\"ts\":1795172400000000001,\"value\":1.7976931348623157e308}
";

#[test]
fn samples_and_metadata_come_back_identical_from_every_format() {
    let folder = Folder::new();
    folder.write("awkward.jsonl", AWKWARD);
    folder.run(&["ingest", "awkward.jsonl"]).ok();
    let samples = folder.run(&["export", "--format", "jsonl"]).ok().out;
    let metrics = folder.run(&["metric", "list"]).ok().out;
    assert_eq!(samples.lines().count(), 6, "{samples}");
    for format in ["influx", "csv", "jsonl"] {
        let (file, db) = (format!("out.{format}"), format!("{format}.redb"));
        folder.run(&["export", "--format", format, "--output", &file]).ok();
        folder.run(&["ingest", "--db", &db, "--format", format, &file]).ok();
        if format != "jsonl" {
            folder.run(&["ingest", "--db", &db, &format!("{file}.meta.jsonl")]).ok();
        }
        assert_eq!(folder.run(&["export", "--db", &db, "--format", "jsonl"]).ok().out, samples, "{format}");
        assert_eq!(folder.run(&["metric", "list", "--db", &db]).ok().out, metrics, "{format}");
    }
}

#[test]
fn a_selector_and_a_range_choose_what_is_written() {
    let folder = Folder::with_decisions();
    let lines = |words: &[&str]| folder.run(&[&["export", "-q"], words].concat()).ok().out.lines().count();
    assert_eq!(lines(&[]), 3);
    assert_eq!(lines(&["decision{agent=\"scout\"}"]), 2);
    assert_eq!(lines(&["dec*{agent=~\"s.*\"}"]), 2);
    assert_eq!(lines(&["decision{agent!=\"scout\"}"]), 1);
    assert_eq!(lines(&["--since", "2026-11-20T11:00:01Z"]), 2);
    assert_eq!(lines(&["--since", "2026-11-20T11:00:01Z", "--until", "2026-11-20T11:00:02Z"]), 1);
    assert_eq!(folder.run(&["export", "-q"]).ok().out.lines().nth(1), DECISIONS.lines().next());
}

#[test]
fn a_wrong_selector_is_pointed_at_as_it_was_typed() {
    let folder = Folder::with_decisions();
    let run = folder.run(&["export", "decison"]).refused(&["did you mean `decision`?"]);
    assert!(run.err.contains("1 | decison\n  | ^^^^^^^"), "{}", run.err);
    folder.run(&["export", "decision) by (agent"]).refused(&[]);
    folder.run(&["export", "decision), count(decision"]).refused(&[]);
    folder.run(&["export", "decision{agent=~\"(\"}"]).refused(&[]);
}

#[test]
fn what_a_format_cannot_carry_leaves_the_old_file_alone() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"metric\":\"m\",\"ts\":1,\"value\":1,\"labels\":{\"a\":\"line\\nbreak\"}}\n");
    folder.run(&["ingest", "a.jsonl"]).ok();
    folder.write("out.lp", "what was there");
    folder.run(&["export", "--output", "out.lp"]).refused(&["line break", "--format jsonl"]);
    assert_eq!(folder.read("out.lp"), "what was there");
    assert_eq!(folder.names(), ["a.jsonl", "out.lp", "perf.redb"]);
    folder.run(&["export", "--output", "missing/out.lp"]).code.eq(&6).then_some(()).unwrap();
}
