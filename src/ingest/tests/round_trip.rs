//! What is written reads back the same.

use super::*;
use crate::ingest::writer;
use crate::model::{Labels, MetricMeta, TIME_MAX};
use proptest::prelude::*;

/// Names and values as hostile as they may be.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,3}",
        proptest::sample::select(vec![
            " ",
            ",",
            "=",
            "\"",
            "\\",
            "\n",
            "\r",
            "\t",
            "#",
            "ü",
            "\u{202e}",
            "\u{1b}[0m",
            ";",
            "'"
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 1..6).prop_map(|p| p.concat())
}

fn value() -> impl Strategy<Value = f64> {
    let special =
        vec![0.0, -0.0, 1.0, 1e300, -1e-300, f64::MIN_POSITIVE, 5e-324, f64::MAX, 1e15, 1e22, 9_007_199_254_740_993.0];
    prop_oneof![
        proptest::sample::select(special),
        any::<f64>().prop_filter("finite", |v| v.is_finite()),
        (-1_000_000i64..1_000_000).prop_map(|n| n as f64 / 1_000.0),
    ]
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![i64::MIN..=TIME_MAX, 0i64..1_000, 1_767_225_600_000_000_000i64..1_767_225_700_000_000_000]
}

fn series() -> impl Strategy<Value = Series> {
    (text(), proptest::collection::btree_map(text(), text(), 0..4))
        .prop_map(|(metric, labels)| Series { metric: metric.into(), labels: Labels::new(labels).unwrap() })
}

/// `all` written as `format`; `None` where the format cannot carry a name.
fn write(format: Format, all: &[(Series, Vec<(i64, f64)>)]) -> Option<Vec<u8>> {
    let mut keys: Vec<String> = all.iter().flat_map(|(s, _)| s.labels.iter().map(|l| l.0.to_owned())).collect();
    keys.sort();
    keys.dedup();
    let mut text = Vec::new();
    let mut out = writer(format, &mut text, &keys);
    for (series, samples) in all {
        let (times, values): (Vec<i64>, Vec<f64>) = samples.iter().copied().unzip();
        out.series(series, &times, &values).ok()?;
    }
    out.finish().unwrap();
    drop(out);
    Some(text)
}

fn flat(all: &[(Series, Vec<(i64, f64)>)]) -> Vec<Flat> {
    let of = |s: &Series, t: &(i64, f64)| (s.metric.to_string(), s.labels.to_string(), t.0, t.1.to_bits());
    all.iter().flat_map(|(series, samples)| samples.iter().map(move |sample| of(series, sample))).collect()
}

proptest! {
    #[test]
    fn samples_come_back_identical(
        all in proptest::collection::vec((series(), proptest::collection::vec((time(), value()), 1..5)), 1..5),
    ) {
        for format in Format::ALL {
            let Some(text) = write(format, &all) else {
                prop_assert_ne!(format, Format::Jsonl, "JSON Lines carries every name");
                continue;
            };
            let shown = String::from_utf8_lossy(&text).into_owned();
            let (keep, _) = run(std::io::Cursor::new(text), format, &options(), PLAIN)
                .unwrap_or_else(|e| panic!("{e} in {shown}"));
            prop_assert_eq!(keep.samples, flat(&all), "{} {}", format, shown);
        }
    }
}

fn one(metric: &str, key: &str, value: &str) -> Vec<(Series, Vec<(i64, f64)>)> {
    let labels = Labels::new([(key, value)]).unwrap();
    vec![(Series { metric: metric.into(), labels }, vec![(1, 1.5)])]
}

#[test]
fn names_that_a_format_cannot_carry_are_refused() {
    for (metric, key, value) in [
        ("m", "a", "x\ny"),
        ("m", "a", "x\\"),
        ("m", "a\\", "x"),
        ("m\n", "a", "x"),
        ("#m", "a", "x"),
        ("m\\", "a", "x"),
    ] {
        assert!(write(Format::Influx, &one(metric, key, value)).is_none());
        assert!(write(Format::Csv, &one(metric, key, value)).is_some());
    }
    for key in ["metric", "Value", "time_ns"] {
        assert!(write(Format::Csv, &one("m", key, "x")).is_none());
        assert!(write(Format::Influx, &one("m", key, "x")).is_some());
    }
    for format in Format::ALL {
        assert!(write(format, &one("m", "a", "x\0")).is_none());
    }
    let mut text = Vec::new();
    let message = writer(Format::Influx, &mut text, &[]).series(&one("m", "a", "x\ny")[0].0, &[1], &[1.0]).unwrap_err();
    assert_eq!(message.to_string(), "`x\\ny` contains a line break, which line protocol cannot carry; jsonl can");
}

#[test]
fn metadata_goes_along_in_json_lines_only() {
    let meta = MetricMeta {
        kind: Some("gauge".parse().unwrap()),
        unit: Some("ms".parse().unwrap()),
        better: "lower".parse().unwrap(),
        description: "how \"long\"\nit took".into(),
        guessed: false,
    };
    let mut text = Vec::new();
    let mut out = writer(Format::Jsonl, &mut text, &[]);
    assert!(out.metadata("m", &meta).unwrap());
    out.finish().unwrap();
    drop(out);
    let read = summary(&String::from_utf8(text).unwrap(), Format::Jsonl, &options());
    assert_eq!(read.metadata, [("m".to_owned(), meta.clone())]);
    for format in [Format::Influx, Format::Csv] {
        assert!(!writer(format, Vec::new(), &[]).metadata("m", &meta).unwrap());
    }
}

#[test]
fn an_export_without_samples_is_a_header() {
    assert_eq!(write(Format::Csv, &[]).unwrap(), b"\"metric\",\"time_ns\",\"value\"\n");
}
