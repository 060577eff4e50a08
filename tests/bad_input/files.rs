//! Files and pipes that break their format.

use super::support::{Place, finish};
use super::{is_unchanged, refused, refused_by, with_store};
use std::io::Write;
use std::process::Stdio;

/// Ingests `text` beside a store and without one: refused, and nothing of it is kept.
fn broken(text: impl AsRef<[u8]>, options: &[&str], texts: &[&str]) {
    let place = with_store();
    std::fs::write(place.path("bad.lp"), text).unwrap();
    let with = |db: &'static str| [&["--db", db, "ingest", "bad.lp"], options].concat();
    refused(&place, &with("perf.redb"), 2, texts);
    is_unchanged(&place);
    refused(&place, &with("none.redb"), 2, texts);
    assert!(!place.path("none.redb").exists(), "a broken file made a store");
    if options.is_empty() {
        refused(&place, &["query", "--from", "bad.lp", "count(*)"], 2, texts);
    }
}

#[test]
fn a_broken_line_names_file_line_and_column() {
    broken("a value=1 1\nb value 2\n", &[], &["bad.lp:2:3", "expected name=value"]);
    broken("a value=1 1\n\n# fine\nb,x value=1\n", &[], &["bad.lp:4:"]);
    broken("a value=1 1\nb value=\"text\" 1\n", &[], &["bad.lp:2:"]);
    let rows = (0..200_000).map(|i| format!("a value={i} {i}\n")).collect::<String>();
    broken(rows + "wrong\n", &[], &["bad.lp:200001:6"]);
}

#[test]
fn numbers_that_are_none_are_refused() {
    for value in ["NaN", "nan", "inf", "-inf", "+Inf", "Infinity"] {
        broken(format!("a value={value} 1\n"), &[], &["bad.lp:1:9", "no finite number"]);
    }
    broken("a value=1e999 1\n", &[], &["bad.lp:1:9", "too large"]);
}

#[test]
fn times_that_overflow_are_refused_in_each_precision() {
    for (precision, most) in
        [("ns", i64::MAX), ("us", i64::MAX / 1_000), ("ms", i64::MAX / 1_000_000), ("s", i64::MAX / 1_000_000_000)]
    {
        let options = ["--precision", precision];
        for time in [i128::from(most) + 1, -i128::from(most) - 2, i128::from(u64::MAX), 10_i128.pow(30)] {
            broken(format!("a value=1 {time}\n"), &options, &["bad.lp:1:11", "1677 to 2262"]);
        }
        let place = Place::new();
        std::fs::write(place.path("good.lp"), format!("a value=1 {}\n", most - 1)).unwrap();
        place.must(&["ingest", "good.lp", "--precision", precision]);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    broken(b"a,h=\xff\xfe value=1 1\n", &[], &["bad.lp:1:5", "invalid UTF-8"]);
    broken(b"ok value=1 1\na\xc3 value=1 1\n", &[], &["bad.lp:2:2", "invalid UTF-8"]);
    broken(b"a,h=b\0c value=1 1\n", &[], &["bad.lp:1:6", "NUL"]);
}

#[test]
fn lines_and_labels_have_a_longest() {
    let long = "a".repeat(1_100_000);
    broken(format!("a value=1 1\n{long} value=1 1\n"), &[], &["bad.lp:2:1", "1 MiB"]);
    broken(format!("a,h={} value=1 1\n", &long[..65_537]), &[], &["bad.lp:1:", "label `h`", "64 KiB"]);
    broken("a,h=1,h=2 value=1 1\n", &[], &["bad.lp:1:", "label `h` occurs twice"]);
}

#[test]
fn a_pipe_without_a_line_end_is_refused_at_once_and_in_little_memory() {
    for format in ["auto", "influx", "csv", "jsonl"] {
        let place = Place::new();
        let args = ["ingest", "--format", format, "-"];
        let mut command = place.command(&args);
        // 200 MB and then more: a reader that gathers them would not come to an end.
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let fed =
            std::thread::spawn(move || (0..200).take_while(|_| pipe.write_all(&vec![b'a'; 1_000_000]).is_ok()).count());
        refused_by(child, &args, 2, &[if format == "auto" { "the format of" } else { "<stdin>:1:1" }]);
        assert!(fed.join().unwrap() < 20, "{format}: it took in far more than a line may have");
        assert!(!place.path("perf.redb").exists());
    }
}

#[test]
fn what_is_no_file_of_samples_is_refused() {
    let place = with_store();
    std::fs::write(place.path("empty.lp"), "").unwrap();
    std::fs::create_dir(place.path("folder")).unwrap();
    refused(&place, &["ingest", "empty.lp"], 2, &["`empty.lp` is empty"]);
    refused(&place, &["ingest", "folder"], 2, &["`folder` is a directory"]);
    refused(&place, &["ingest", "nowhere.lp"], 2, &["there is no file `nowhere.lp`"]);
    refused(&place, &["query", "--from", "nowhere.lp", "count(*)"], 2, &["there is no file `nowhere.lp`"]);
    if cfg!(unix) {
        refused(&place, &["ingest", "/dev/null"], 2, &["`/dev/null` is empty"]);
        refused(&place, &["ingest", "/dev/zero"], 2, &["the format of `/dev/zero`"]);
        refused(&place, &["ingest", "--format", "influx", "/dev/zero"], 2, &["1 MiB"]);
        refused(&place, &["ingest", "--format", "influx", "--skip-bad", "9", "/dev/zero"], 2, &["a line of more than"]);
    }
    is_unchanged(&place);
}

#[test]
fn some_broken_lines_may_be_left_out_and_are_listed() {
    let place = with_store();
    std::fs::write(place.path("bad.lp"), "new value=1 1\nwrong\nnew value=x 2\nnew value=3 3\n").unwrap();
    refused(&place, &["ingest", "--skip-bad", "1", "bad.lp"], 2, &["bad.lp:3:11"]);
    is_unchanged(&place);
    let done = place.must(&["ingest", "--skip-bad", "2", "bad.lp"]);
    assert!(done.err.contains("bad.lp:2:6") && done.err.contains("bad.lp:3:11"), "{}", done.err);
    assert_eq!(place.rows("count(new), sum(new)"), [[2.0, 4.0]]);
}

#[test]
fn whole_numbers_that_a_float_cannot_hold_are_rounded_and_counted() {
    let place = Place::new();
    let lines = "a value=9007199254740993i 1\nb value=18446744073709551615u 2\nc value=9007199254740992i 3\n";
    std::fs::write(place.path("big.lp"), lines).unwrap();
    let done = place.must(&["ingest", "--summary", "json", "big.lp"]);
    let summary: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let counts = summary["counts"].as_object().unwrap();
    assert_eq!(counts.values().map(|v| v.as_u64().unwrap()).collect::<Vec<_>>(), [2], "{counts:?}");
    assert_eq!(place.rows("max(a), max(b)"), [[9_007_199_254_740_992.0, 18_446_744_073_709_551_616.0]]);
}

#[test]
fn what_came_before_a_broken_line_of_a_pipe_stays() {
    let place = Place::new();
    let mut child = place.command(&["ingest", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a value=1 1\na value=2 2\nwrong\n").unwrap();
    let done = finish(child, "ingest -");
    assert_eq!(done.code, 2, "{}", done.err);
    assert!(done.err.contains("<stdin>:3:6") && done.err.contains("2 samples that came before"), "{}", done.err);
    assert_eq!(place.rows("count(a)"), [[2]]);
}
