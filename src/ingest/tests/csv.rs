//! CSV.

use super::*;

fn csv(text: &str) -> Vec<String> {
    read(text, Format::Csv, &options())
}

fn with(csv: CsvOptions) -> Options {
    Options { csv, ..options() }
}

#[test]
fn the_long_form_reads() {
    let text =
        "ts,metric,agent,value\n1767225600123456789,decision,a,1.5\n1767225600123456790,decision,\"b, \"\"c\"\"\",2\n";
    assert_eq!(
        csv(text),
        [r#"decision{agent="a"} 1.5 @1767225600123456789"#, r#"decision{agent="b, \"c\""} 2.0 @1767225600123456790"#]
    );
}

#[test]
fn the_wide_form_reads_and_empty_cells_are_missing() {
    let text = "time;host;cpu;mem (MiB)\r\n2026-01-01T00:00:00Z;a;;5\r\n2026-01-01 00:00:01+01:00;b;7;\r\n\r\n2026-01-01T00:00:02;;8;9\r\n";
    assert_eq!(
        csv(text),
        [
            r#"mem{host="a"} 5.0 @1767225600000000000"#,
            r#"cpu{host="b"} 7.0 @1767222001000000000"#,
            "cpu{} 8.0 @1767225602000000000",
            "mem{} 9.0 @1767225602000000000",
        ]
    );
    let summary = summary(text, Format::Csv, &options());
    assert_eq!(summary.lines, 5);
    assert_eq!(summary.metadata[0].1.unit.as_ref().unwrap().to_string(), "MiB");
    assert_eq!(
        summary.guesses,
        ["text columns are labels: `host`", "columns of numbers are metrics: `cpu`, `mem (MiB)`"]
    );
}

#[test]
fn seconds_with_decimals_keep_every_nanosecond() {
    assert_eq!(csv("ts,cpu\n1767225600.123456789,1\n"), ["cpu{} 1.0 @1767225600123456789"]);
}

#[test]
fn options_name_metric_time_and_labels() {
    let options = with(CsvOptions {
        metric: Some("decision".into()),
        time: Some("at".into()),
        time_unit: Some(Precision::Milliseconds),
        ..CsvOptions::default()
    });
    assert_eq!(read("at,rack,value\n5,75,1\n", Format::Csv, &options), [r#"decision{rack="75"} 1.0 @5000000"#]);
    assert_eq!(read("at,rack,ms\n5,r,1\n", Format::Csv, &options), [r#"decision{rack="r"} 1.0 @5000000"#]);
    let options = with(CsvOptions { labels: vec!["rack".into()], ..CsvOptions::default() });
    let text = "time_s,rack,os,cpu\n5,75,linux,1\n";
    assert_eq!(read(text, Format::Csv, &options), [r#"cpu{rack="75"} 1.0 @5000000000"#]);
    assert_eq!(
        summary(text, Format::Csv, &options).guesses[1],
        "columns that `--labels` does not name are left out: `os`"
    );
}

#[test]
fn quoted_cells_may_hold_line_breaks_and_lines_are_still_counted() {
    let text = "ts,metric,note,value\n1,m,\"a\nb\",1\n2,m,\"\",x\n";
    assert_eq!(fault(text, Format::Csv, &options()), "4:8 `x` in column `value` is no finite number");
    let text = "ts,metric,note,value\n1,m,\"a\nb\",1\n2,m,\"c\nd\",x\n";
    assert_eq!(fault(text, Format::Csv, &options()), "5:4 `x` in column `value` is no finite number");
}

#[test]
fn wrong_rows_name_their_place() {
    for (text, wanted) in [
        ("ts,cpu\n1,2\n1,2,3\n", "3:5 this row has 3 cells and the header has 2"),
        ("ts,cpu\n1,2\n1\n", "3:2 this row has 1 cells and the header has 2"),
        ("ts,cpu\n1,2\n\n1,x\n", "4:3 `x` in column `cpu` is no finite number"),
        ("ts,cpu\n1,2\n1,NaN\n", "3:3 `NaN` in column `cpu` is no finite number"),
        ("ts,cpu\n1,1e999\n", "2:3 a number too large for column `cpu`"),
        ("ts,cpu\n1,2\n,2\n", "3:1 no time in column `ts`"),
        ("ts,cpu\n1,2\nabc,2\n", "3:1 `abc` is no time"),
        ("ts,cpu\n2026-01-01,2\n5,2\n", "3:1 `5` is no time"),
        ("ts,cpu\nabc,2\n", "2:1 `abc` is no time"),
        ("ts,cpu\n1,2\n99999999999999,2\n", "3:1 the time `99999999999999` lies outside the years 1677 to 2262"),
        ("ts,cpu\n2026-01-01,2\n1500-01-01,2\n", "3:1 the time `1500-01-01` lies outside the years 1677 to 2262"),
        ("ts,host,cpu\n1,\"a,2\n", "2:3 a quote that is never closed"),
        ("ts,host,cpu\n1,\"a\"b,2\n", "2:6 text behind a closing quote"),
        ("ts,host,cpu\n1,a\0b,2\n", "2:4 a NUL character"),
        ("ts,ts\n1,2\n", "1:4 column `ts` occurs twice"),
        ("a,b\n1,2\n", "1:1 no column of times"),
        ("\n\nts,b\n1,x\n", "3:1 no column of numbers"),
        ("\n\n", "1:1 no header"),
        ("ts,metric,value\n1,,2\n", "2:3 a metric without a name"),
    ] {
        assert_eq!(fault(text, Format::Csv, &options()), wanted, "{text:?}");
    }
    assert_eq!(fault(b"ts,host,cpu\n1,\xff,2\n", Format::Csv, &options()), "2:3 invalid UTF-8");
    assert_eq!(fault(b"ts,h\xffst,cpu\n1,a,2\n", Format::Csv, &options()), "1:5 invalid UTF-8");
}

#[test]
fn a_header_alone_is_no_error() {
    let summary = summary("time,cpu\n", Format::Csv, &options());
    assert_eq!((summary.samples, summary.lines), (0, 1));
}

#[test]
fn wrong_rows_are_tolerated_and_listed() {
    let options = Options { skip_bad: 2, ..options() };
    let text = "ts,host,cpu\n3,a,3\n1,\"a\"b,2\n2,a,x\n";
    let summary = summary(text, Format::Csv, &options);
    assert_eq!((summary.samples, summary.bad_count, summary.bad[1].line_first), (1, 2, 4));
}
