//! Line protocol.

use super::*;

fn lp(text: &str) -> Vec<String> {
    read(text, Format::Influx, &options())
}

#[test]
fn every_kind_of_line_reads() {
    for (line, samples) in [
        ("cpu value=1", vec!["cpu{} 1.0 @77"]),
        ("cpu value=1 5\n", vec!["cpu{} 1.0 @5"]),
        (
            "cpu,b=2,a=1 value=-1.5e3,idle=.5 -5\r\n",
            vec![r#"cpu{a="1", b="2"} -1500.0 @-5"#, r#"cpu.idle{a="1", b="2"} 0.5 @-5"#],
        ),
        ("m a=5i,b=-5i,c=5u 1", vec!["m.a{} 5.0 @1", "m.b{} -5.0 @1", "m.c{} 5.0 @1"]),
        ("m a=t,b=TRUE,c=False,d=f 1", vec!["m.a{} 1.0 @1", "m.b{} 1.0 @1", "m.c{} 0.0 @1", "m.d{} 0.0 @1"]),
        ("# comment, with = and \"\n\n  \n  m   value=1   5  ", vec!["m{} 1.0 @5"]),
        (r"my\ cpu\,x,a\ b=c\=d f\ 1\,=2 1", vec![r#"my cpu,x.f 1,{a b="c=d"} 2.0 @1"#]),
        ("m value=-0 1", vec!["m{} -0.0 @1"]),
        ("m value=9223372036854775807i 9223372036854775806", vec!["m{} 9.223372036854776e18 @9223372036854775806"]),
        ("m value=18446744073709551615u -9223372036854775808", vec!["m{} 1.8446744073709552e19 @-9223372036854775808"]),
        ("m value=0.1000000000000000055511151231257827 1", vec!["m{} 0.1 @1"]),
        ("\u{feff}m value=1 1", vec!["m{} 1.0 @1"]),
        ("mü,ß=\u{1b}[31m value=1 1", vec!["mü{ß=\"\u{1b}[31m\"} 1.0 @1"]),
        ("m a=1,a=2 1", vec!["m.a{} 1.0 @1", "m.a{} 2.0 @1"]),
    ] {
        assert_eq!(lp(line), samples, "{line:?}");
    }
}

#[test]
fn fields_may_come_in_any_order_and_go_missing() {
    let text = "m a=1,b=2,c=3 1\nm c=3,a=1 2\nm d=4,b=2 3\nm a=1,b=2,c=3,d=4 4\n";
    let read = lp(text);
    assert_eq!(read[3..5], ["m.c{} 3.0 @2", "m.a{} 1.0 @2"]);
    assert_eq!(read[5..7], ["m.d{} 4.0 @3", "m.b{} 2.0 @3"]);
    assert_eq!(read.len(), 11);
}

#[test]
fn lines_with_thousands_of_fields_read_in_any_order() {
    let fields =
        |order: &mut dyn Iterator<Item = usize>| order.map(|i| format!("f{i}={i}")).collect::<Vec<_>>().join(",");
    let text = format!("m {} 1\nm {} 2\n", fields(&mut (0..6_000)), fields(&mut (0..6_000).rev()));
    let read = lp(&text);
    assert_eq!(read.len(), 12_000);
    assert_eq!(
        (&*read[5_999], &*read[6_000], &*read[11_999]),
        ("m.f5999{} 5999.0 @1", "m.f5999{} 5999.0 @2", "m.f0{} 0.0 @2")
    );
}

#[test]
fn wrong_lines_name_their_place() {
    for (line, wanted) in [
        ("cpu", "1:4 a line without fields"),
        ("cpu ", "1:5 a line without fields"),
        ("cpu,a=1", "1:8 a line without fields"),
        ("ok value=1\ncpu value", "2:5 a field without a value"),
        ("cpu value=", "1:11 a field without a value"),
        ("cpu value= 5", "1:11 a field without a value"),
        ("cpu =1", "1:5 a field without a name"),
        ("cpu a=1,", "1:9 a field without a value"),
        ("cpu a=1,,b=2", "1:9 a field without a value"),
        ("cpu a=1, b=2", "1:9 a field without a value"),
        ("cpu, a=1", "1:5 a tag without a value"),
        ("cpu,a= b=1", "1:7 tag `a` has no value"),
        ("cpu,a=1,a=2 b=1", "1:4 label `a` occurs twice"),
        (",a=1 b=1", "1:1 a line without a measurement"),
        ("cpu a=1x 5", "1:7 `1x` is no value"),
        ("cpu a=1.5i 5", "1:7 `1.5i` is no value"),
        ("cpu a=truth 5", "1:7 `truth` is no value"),
        ("cpu a=NaN 5", "1:7 a value that is no finite number"),
        ("cpu a=-inf", "1:7 a value that is no finite number"),
        ("cpu a=1e999", "1:7 a number that is too large"),
        ("cpu a=9223372036854775808i", "1:7 an integer that does not fit 64 bits"),
        ("cpu a=-1u", "1:7 an integer that does not fit 64 bits"),
        ("cpu a=\"x\"", "1:7 field `a` is a string, and a sample is a number"),
        ("cpu a=\"x\ny\"", "1:7 a string that is never closed"),
        ("cpu a=\"x\"y", "1:10 text behind a string"),
        ("cpu a=1 5x", "1:9 `5x` is no time"),
        ("cpu a=1 5 6", "1:9 `5 6` is no time"),
        ("cpu a=1 1.5", "1:9 `1.5` is no time"),
        ("cpu a=1 9223372036854775807", "1:9 the time 9223372036854775807 ns lies outside the years 1677 to 2262"),
        ("cpu a=1 99999999999999999999", "1:9 the time 99999999999999999999 ns lies outside the years 1677 to 2262"),
        ("cpu,h=a\0b a=1", "1:8 a NUL character"),
        ("cpu a\0=1", "1:6 a NUL character"),
    ] {
        assert_eq!(fault(line, Format::Influx, &options()), wanted, "{line:?}");
    }
    assert_eq!(fault(b"cpu,a=\xff\xfe b=1", Format::Influx, &options()), "1:7 invalid UTF-8");
    assert_eq!(fault(b"# \xc3\x28", Format::Influx, &options()), "1:3 invalid UTF-8");
    assert_eq!(fault(b"cpu \xff=1", Format::Influx, &options()), "1:5 invalid UTF-8");
}

#[test]
fn a_whole_message_points_at_the_text() {
    let text = "cpu value=1 5\ncpu value=abc 6\n";
    assert_eq!(
        error(text, Format::Influx, &options()),
        "`abc` is no value\n --> file:2:11\n  |\n2 | cpu value=abc 6\n  |           ^^^ expected a number such as 1.5, 5i or 5u, true or false, or a \"string\""
    );
}

#[test]
fn precision_scales_times_and_overflow_is_an_error() {
    for (precision, time) in
        [(Precision::Microseconds, 5_000i64), (Precision::Milliseconds, 5_000_000), (Precision::Seconds, 5_000_000_000)]
    {
        let options = Options { precision, ..options() };
        assert_eq!(read("m value=1 5", Format::Influx, &options), [format!("m{{}} 1.0 @{time}")]);
        assert!(fault("m value=1 9223372036854775806", Format::Influx, &options).contains("lies outside the years"));
    }
}

#[test]
fn strings_are_left_out_and_counted_where_that_is_asked_for() {
    let options = Options { strings: Strings::Skip, ..options() };
    let text = "m s=\"a \\\"q\\\", b=2\\\\\",value=1,z=\"\" 5\nm s=\"x\" 6\nm s=2 7\n";
    assert_eq!(read(text, Format::Influx, &options), ["m{} 1.0 @5", "m.s{} 2.0 @7"]);
    let summary = summary(text, Format::Influx, &options);
    assert_eq!((summary.skipped[0].code, summary.skipped[0].count), ("strings_skipped", 3));
    assert_eq!(summary.first_time, Some(Timestamp(5)));
    assert_eq!(fault(b"m s=\"\xff\" 5", Format::Influx, &options), "1:6 invalid UTF-8");
}

#[test]
fn the_summary_counts_what_was_changed() {
    let summary = summary("m a=9007199254740993i,b=t\nm a=4i 9\n", Format::Influx, &options());
    let counted: Vec<_> = summary.skipped.iter().map(|c| (c.code, c.count)).collect();
    assert_eq!(counted, [("integers_rounded", 1), ("booleans_as_numbers", 1)]);
    assert!(summary.missing_time);
    assert_eq!((summary.first_time, summary.last_time), (Some(Timestamp(9)), Some(Timestamp(NOW))));
}

#[test]
fn labels_are_added_and_metadata_is_guessed() {
    let options = Options { set: vec![("host".into(), "z".into())], ..options() };
    assert_eq!(read("m,host=a,x=1 value=1 1", Format::Influx, &options), [r#"m{host="z", x="1"} 1.0 @1"#]);
    let summary = summary("http_ms value=1 1\nplain value=2 1\n", Format::Influx, &options);
    assert_eq!(summary.metadata.len(), 1);
    assert!(summary.metadata[0].0 == "http_ms" && summary.metadata[0].1.guessed);
}

#[test]
fn names_and_labels_have_limits() {
    let long = "x".repeat(70_000);
    assert!(fault(format!("m,a={long} v=1"), Format::Influx, &options()).contains("at most 64 KiB"));
    assert!(fault(format!("{long} v=1"), Format::Influx, &options()).contains("at most 512"));
    assert!(fault(format!("m v{long}=1"), Format::Influx, &options()).contains("at most 512"));
}

#[test]
fn what_telegraf_writes_reads() {
    // Recordings of other programs are not part of the repository: a folder of them can be named to read them, too.
    let Some(formats) = std::env::var_os("PERFDB_TEST_FORMATS") else { return };
    let files = std::fs::read_dir(Path::new(&formats).join("influx")).unwrap();
    let mut samples = 0;
    for file in files {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let read = lp(&text);
        assert_eq!(read[0], r#"cpu.usage_guest{cpu="cpu-total", host="Hugin"} 0.0 @1678124473000000123"#);
        assert_eq!(read[2], r#"cpu.usage_idle{cpu="cpu-total", host="Hugin"} 99.75000000049295 @1678124473000000123"#);
        samples += read.len();
    }
    assert_eq!(samples, 3 * 10 + 2 * 7);
}
