//! JSON Lines.

use super::*;
use crate::model::{Better, Kind};

#[test]
fn every_kind_of_line_reads() {
    for (line, sample) in [
        (r#"{"metric": "m", "ts": 5, "value": 1.5, "labels": {"a": "b"}}"#, r#"m{a="b"} 1.5 @5"#),
        (
            r#"{"labels": {"n": 1, "x": 1.5, "t": true, "z": null}, "time": 5, "value": -0, "metric": "m"}"#,
            r#"m{n="1", t="true", x="1.5"} -0.0 @5"#,
        ),
        (r#"{"metric": "m", "ts": "2026-01-01T00:00:00Z", "value": 1e300}"#, "m{} 1e300 @1767225600000000000"),
        (r#"{"metric": "m", "ts": "7", "value": 1}"#, "m{} 1.0 @7"),
        (r#"  {"metric": "m\u00fc\n", "value": 1, "other": [[{"x": null}]], "labels": null}  "#, "mü\n{} 1.0 @77"),
        (r#"{"metric": "m", "ts": null, "value": 1}"#, "m{} 1.0 @77"),
    ] {
        assert_eq!(read(line, Format::Jsonl, &options()), [sample], "{line}");
    }
    let seconds = Options { precision: Precision::Seconds, ..options() };
    let text = r#"{"metric": "m", "ts": 1767225600.123, "value": 1}"#;
    assert_eq!(read(text, Format::Jsonl, &seconds), ["m{} 1.0 @1767225600123000000"]);
}

#[test]
fn metadata_lines_are_carried_and_nulls_are_counted() {
    let text = concat!(
        r#"{"metric": "m", "unit": "ms", "kind": "counter", "better": "lower", "description": "d"}"#,
        "\n\n",
        r#"{"metric": "m", "value": null}"#,
        "\n",
        r#"{"metric": "big_bytes", "value": 9007199254740993}"#,
    );
    let summary = summary(text, Format::Jsonl, &options());
    let (name, meta) = &summary.metadata[1];
    assert_eq!(
        (name.as_str(), meta.kind, meta.better, meta.description.as_str()),
        ("m", Some(Kind::Counter), Better::Lower, "d")
    );
    assert!(!meta.guessed && summary.metadata[0].1.guessed);
    let counted: Vec<_> = summary.skipped.iter().map(|c| (c.code, c.count)).collect();
    assert_eq!(counted, [("integers_rounded", 1), ("nulls_skipped", 1)]);
}

#[test]
fn wrong_lines_name_their_place() {
    for (line, wanted) in [
        (r#"{"ts": 1, "value": 1}"#, "1:1 an object without `metric`"),
        (r#"{"metric": "m", "ts": 1}"#, "1:1 an object without `value`"),
        (r#"{"metric": "m", "value": "x"}"#, "1:17 a value that is no number"),
        (r#"{"metric": "m", "value": true}"#, "1:17 a value that is no number"),
        (r#"{"metric": "m", "value": 1, "ts": "soon"}"#, "1:29 a time that is none"),
        (r#"{"metric": "m", "value": 1, "ts": 9223372036854775807}"#, "1:29 a time outside the years 1677 to 2262"),
        (r#"{"metric": "m", "value": 1, "labels": {"a": "1", "a": "2"}}"#, "1:29 label `a` occurs twice"),
        (
            r#"{"metric": "m", "value": 1, "labels": {"a": "\u0000"}}"#,
            "1:29 the value of label `a` contains a NUL character",
        ),
        (r#"{"metric": "", "value": 1}"#, "1:2 a metric without a name"),
        (
            r#"{"metric": "m", "unit": "a b"}"#,
            "1:17 `a b` is no unit: 1 to 64 bytes without spaces, such as ms, B, % or req/s",
        ),
        (r#"{"metric": "m", "value": 1, "value": 2}"#, "1:39 not the JSON of a sample: `value` occurs twice"),
        (r#"{"metric": "m", "value": 1e999}"#, "1:30 not the JSON of a sample: number out of range"),
        (r#"{"metric": "m", "value": NaN}"#, "1:26 not the JSON of a sample: expected value"),
        (r#"{"metric": "m", "value": 1"#, "1:26 not the JSON of a sample: EOF while parsing an object"),
        (r#"{"metric": "m", "value": 1} x"#, "1:29 not the JSON of a sample: trailing characters"),
    ] {
        assert_eq!(fault(line, Format::Jsonl, &options()), wanted, "{line}");
    }
    for value in ["NaN", "Infinity", "-Infinity"] {
        let line = format!(r#"{{"metric": "m", "value": {value}}}"#);
        assert!(error(line, Format::Jsonl, &options()).contains("JSON has no NaN"), "{value}");
    }
    assert!(fault("[1]", Format::Jsonl, &options()).contains("expected an object"));
    assert_eq!(fault(b"{\"metric\": \"\xff\"}", Format::Jsonl, &options()), "1:13 invalid UTF-8");
}

#[test]
fn deep_nesting_ends_without_harm() {
    let deep = format!(r#"{{"metric": "m", "value": 1, "x": {}1{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    // What nobody reads is read over without recursion; what is read has no depth.
    assert_eq!(read(&deep, Format::Jsonl, &options()).len(), 1);
    let value = format!(r#"{{"metric": "m", "value": {}"#, "[".repeat(200_000));
    assert!(fault(value, Format::Jsonl, &options()).contains("not the JSON of a sample"));
}
