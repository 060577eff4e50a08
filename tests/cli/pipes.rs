//! Ingesting streams.

use crate::{DECISIONS, Folder};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// How many samples each line of `acks` says are durable.
fn durable(acks: &str) -> Vec<u64> {
    let ack = |line: &str| {
        let ack: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(ack["commit_ms"].as_f64().unwrap() >= 0.0);
        ack["durable"].as_u64().unwrap()
    };
    acks.lines().map(ack).collect()
}

#[test]
fn a_pipe_is_committed_in_batches_of_the_size_asked_for() {
    let folder = Folder::new();
    let run = folder.pipe(&["ingest", "--batch", "2", "--ack", "-"], DECISIONS).ok();
    assert_eq!(durable(&run.out), [2, 3]);
    assert!(run.out.starts_with("{\"durable\": 2, \"commit_ms\": "), "{}", run.out);
    assert!(run.err.starts_with("<stdin>: 3 samples in 2 series"), "{}", run.err);
    assert_eq!(folder.ask("count(decision)"), "count(decision)\n3\n");
}

#[test]
fn a_producer_hears_what_is_durable_while_it_goes_on() {
    let folder = Folder::new();
    let mut child = folder.command(&["ingest", "--ack", "--batch", "1", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut acks = BufReader::new(child.stdout.take().unwrap()).lines();
    for (i, line) in DECISIONS.lines().enumerate() {
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
        assert_eq!(durable(&acks.next().unwrap().unwrap()), [i as u64 + 1]);
        assert_eq!(folder.ask("count(decision)"), format!("count(decision)\n{}\n", i + 1));
    }
    drop(input);
    assert!(child.wait().unwrap().success() && acks.next().is_none());
}

#[test]
fn without_a_batch_samples_become_durable_within_seconds() {
    let folder = Folder::new();
    let mut child = folder.command(&["ingest", "--ack", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(DECISIONS.as_bytes()).unwrap();
    let mut acks = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(durable(&acks.next().unwrap().unwrap()), [3]);
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_broken_line_of_a_pipe_keeps_what_came_before_and_says_so() {
    let folder = Folder::new();
    let mut child = folder.command(&["ingest", "--ack", "--batch", "3", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(DECISIONS.as_bytes()).unwrap();
    let mut acks = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(durable(&acks.next().unwrap().unwrap()), [3]);
    input.write_all(b"nonsense\n").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err.starts_with("note: 3 samples that came before are in the store and stay there\nerror: "), "{err}");
    assert!(err.contains("<stdin>:4:"), "{err}");
    assert_eq!(folder.ask("count(decision)"), "count(decision)\n3\n");
}

#[test]
fn a_pipe_that_is_wrong_from_the_start_makes_no_store() {
    let folder = Folder::new();
    folder.pipe(&["ingest", "-"], "").refused(&["the input is empty"]);
    folder.pipe(&["ingest", "-"], "just words\n").refused(&["format"]);
    folder.pipe(&["ingest", "--format", "influx", "-"], "m value=\n").refused(&["<stdin>:1:"]);
    assert!(folder.names().is_empty());
}

#[test]
fn a_producers_key_makes_a_pipe_whole_and_known() {
    let folder = Folder::new();
    let words = ["ingest", "--id", "run-7", "--ack", "-"];
    folder.pipe(&words, &format!("{DECISIONS}nonsense\n")).refused(&["<stdin>:4:"]);
    assert!(folder.names().is_empty());
    let run = folder.pipe(&words, DECISIONS).ok();
    assert_eq!(durable(&run.out), [3]);
    let again = folder.pipe(&words, "m value=5 5\n").ok();
    assert!(again.out.is_empty() && again.err.contains("already ingested as 1"), "{again:?}");
    assert_eq!(folder.ask("count(*)"), "count(*)\n3\n");
    folder.write("a.lp", "m value=1 1\n");
    folder.run(&["ingest", "--id", "k", "a.lp", "a.lp"]).refused(&["`--id` names one input"]);
}

#[test]
fn samples_that_come_twice_by_pipe_are_twice_there() {
    let folder = Folder::new();
    folder.pipe(&["ingest", "-"], DECISIONS).ok();
    folder.pipe(&["ingest", "-"], DECISIONS).ok();
    assert_eq!(folder.ask("count(decision)"), "count(decision)\n6\n");
}

#[test]
fn lines_without_a_time_get_the_time_at_which_they_come() {
    let folder = Folder::new();
    let mut child = folder.command(&["ingest", "--ack", "--batch", "1", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut acks = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        input.write_all(b"m value=1\n").unwrap();
        acks.next().unwrap().unwrap();
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    let points = folder.ask("points(m)");
    let times: Vec<&str> = points.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert!(times.len() == 2 && times[0] < times[1], "{points}");
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read_as_a_stream() {
    let folder = Folder::new();
    let made = std::process::Command::new("mkfifo").arg(folder.path("fifo")).status();
    if !made.is_ok_and(|status| status.success()) {
        return;
    }
    let child = folder.command(&["ingest", "fifo", "--unit", "decision=ms"]).spawn().unwrap();
    folder.write("fifo", DECISIONS);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(folder.run(&["query", "max(decision)"]).ok().out.contains("400.5 ms"));
}
