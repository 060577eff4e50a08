//! Each form of an answer, whole, with labels that try to break it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use perfdb::model::{Column, Note, Table, Unit, Zone};
use perfdb::render::{Format, Style, Times, write, write_notes};
use std::io;

/// 2026-11-20T11:00:00Z
const NOON: i64 = 1_795_172_400_000_000_000;
const MINUTE: i64 = 60_000_000_000;

fn berlin() -> Zone {
    "Europe/Berlin".parse().unwrap()
}

fn unit(symbol: &str) -> Option<Unit> {
    symbol.parse().ok()
}

fn text(table: &Table, style: &Style) -> String {
    let mut out = Vec::new();
    write(table, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn assert_lines(found: &str, expected: &[&str]) {
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, expected, "\n{}", found.join("\n"));
}

/// Labels that act on a terminal, reorder what is read, break lines, quotes and cells.
fn hostile() -> Table {
    let labels = ["esc\u{1b}[31m", "rtl\u{202e}txt", "a\nb", "say \"hi\", ok", "p|pe <b>`x`", "漢字エージェント", ""];
    let agents = labels.into_iter().map(Some).chain([None]);
    let mut bounded = Column::number("p95(decision)", unit("ms"), (0..8).map(|i| Some(412.5 * f64::from(i))));
    bounded.error_bound = Some(0.005);
    Table {
        columns: vec![
            Column::text("agent", agents),
            bounded,
            Column::integer("count", (0..8).map(|i| (i != 3).then_some(i * 1000))),
            Column::number("odd \"|\" ratio", None, [0.1, 1e300, -0.0, 5.0, 1e-9, f64::NAN, 0.25, -7.0].map(Some)),
        ],
        notes: vec![Note::new("approximate", "from rollups \u{1b}[2J \"so\"")],
    }
}

fn every() -> Table {
    Table {
        columns: vec![
            Column::time("time", (0..4).map(|i| Some(NOON + i / 2 * MINUTE))),
            Column::text("agent", ["planner", "scout", "planner", "scout"].map(Some)),
            Column::number("p95(decision)", unit("ms"), [Some(412.5), Some(9.0), Some(206.25), None]),
        ],
        notes: vec![],
    }
}

#[test]
fn json_is_exact_and_on_one_line() {
    assert_lines(
        &text(&hostile(), &Style::new(Format::Json, berlin())),
        &[concat!(
            r#"{"columns":[{"name":"agent","type":"text","unit":null,"error_bound":null},"#,
            r#"{"name":"p95(decision)","type":"number","unit":"ms","error_bound":0.005},"#,
            r#"{"name":"count","type":"integer","unit":null,"error_bound":null},"#,
            r#"{"name":"odd \"|\" ratio","type":"number","unit":null,"error_bound":null}],"#,
            r#""rows":[["esc\u001b[31m",0,0,0.1],["#,
            "\"rtl\u{202e}txt\",412.5,1000,1e+300],",
            r#"["a\nb",825,2000,-0],["say \"hi\", ok",1237.5,null,5],["p|pe <b>`x`",1650,4000,1e-9],"#,
            r#"["漢字エージェント",2062.5,5000,null],["",2475,6000,0.25],[null,2887.5,7000,-7]],"#,
            r#""notes":[{"code":"approximate","text":"from rollups \u001b[2J \"so\""}]}"#,
        )],
    );
}

#[test]
fn json_reads_back_as_the_same_values() {
    let parsed: serde_json::Value =
        serde_json::from_str(&text(&hostile(), &Style::new(Format::Json, Zone::UTC))).unwrap();
    assert_eq!(parsed["rows"][0][0], "esc\u{1b}[31m");
    assert_eq!(parsed["rows"][1][3], 1e300);
}

#[test]
fn json_times_are_utc_unless_asked_otherwise() {
    let rows = |times| {
        let style = Style { times, ..Style::new(Format::Json, berlin()) };
        let parsed: serde_json::Value = serde_json::from_str(&text(&every(), &style)).unwrap();
        parsed["rows"][2][0].to_string()
    };
    assert_eq!(Style::new(Format::Json, berlin()).times, Times::Rfc3339);
    assert_eq!(rows(Times::Rfc3339), "\"2026-11-20T11:01:00Z\"");
    assert_eq!(rows(Times::Local), "\"2026-11-20T12:01:00+01:00\"");
    assert_eq!(rows(Times::Ns), "1795172460000000000");
    assert_eq!(rows(Times::S), "1795172460");
}

#[test]
fn ndjson_is_one_object_a_row() {
    assert_lines(
        &text(&every(), &Style::new(Format::Ndjson, berlin())),
        &[
            r#"{"time":"2026-11-20T11:00:00Z","agent":"planner","p95(decision)":412.5}"#,
            r#"{"time":"2026-11-20T11:00:00Z","agent":"scout","p95(decision)":9}"#,
            r#"{"time":"2026-11-20T11:01:00Z","agent":"planner","p95(decision)":206.25}"#,
            r#"{"time":"2026-11-20T11:01:00Z","agent":"scout","p95(decision)":null}"#,
        ],
    );
}

#[test]
fn csv_quotes_what_needs_it_and_keeps_texts_exact() {
    let expected = [
        r#"agent,p95(decision),count,"odd ""|"" ratio""#,
        "esc\u{1b}[31m,0,0,0.1",
        "rtl\u{202e}txt,412.5,1000,1e+300",
        "\"a",
        "b\",825,2000,-0",
        r#""say ""hi"", ok",1237.5,,5"#,
        "p|pe <b>`x`,1650,4000,1e-9",
        "漢字エージェント,2062.5,5000,",
        ",2475,6000,0.25",
        ",2887.5,7000,-7",
    ];
    assert_lines(&text(&hostile(), &Style::new(Format::Csv, Zone::UTC)), &expected);
}

#[test]
fn a_lone_missing_value_is_still_a_record_of_csv() {
    let table = Table { columns: vec![Column::number("x", None, [None, Some(1.0)])], notes: vec![] };
    assert_eq!(text(&table, &Style::new(Format::Csv, Zone::UTC)), "x\n\"\"\n1\n");
}

#[test]
fn markdown_escapes_what_it_would_act_on() {
    assert_lines(
        &text(&hostile(), &Style::new(Format::Markdown, Zone::UTC)),
        &[
            r#"| agent | p95(decision) ±0.5 % | count | odd "\|" ratio |"#,
            "| --- | ---: | ---: | ---: |",
            r"| esc\\u{1b}\[31m | ≈0.0 ms | 0 | 0.10 |",
            r"| rtl\\u{202e}txt | ≈412.5 ms | 1000 | 1.000e300 |",
            r"| a\\nb | ≈825.0 ms | 2000 | 0.00 |",
            r#"| say "hi", ok | ≈1.238 s | - | 5.00 |"#,
            r"| p\|pe \<b\>\`x\` | ≈1.650 s | 4000 | 1.000e-9 |",
            "| 漢字エージェント | ≈2.062 s | 5000 | - |",
            "|  | ≈2.475 s | 6000 | 0.25 |",
            "| (none) | ≈2.888 s | 7000 | -7.00 |",
        ],
    );
}

#[test]
fn a_table_is_aligned_and_cannot_act_on_a_terminal() {
    assert_lines(
        &text(&hostile(), &Style::new(Format::Table, Zone::UTC)),
        &[
            "agent             p95(decision) ±0.5 %  count  odd \"|\" ratio",
            "────────────────  ────────────────────  ─────  ─────────────",
            "esc\\u{1b}[31m                  ≈0.0 ms      0           0.10",
            "rtl\\u{202e}txt               ≈412.5 ms   1000      1.000e300",
            "a\\nb                         ≈825.0 ms   2000           0.00",
            "say \"hi\", ok                  ≈1.238 s      -           5.00",
            "p|pe <b>`x`                   ≈1.650 s   4000       1.000e-9",
            "漢字エージェント              ≈2.062 s   5000              -",
            "                              ≈2.475 s   6000           0.25",
            "(none)                        ≈2.888 s   7000          -7.00",
        ],
    );
}

#[test]
fn a_table_keeps_to_ascii_where_asked() {
    let style = Style { ascii: true, width: Some(80), ..Style::new(Format::Table, berlin()) };
    let mut table = every();
    table.columns[2].unit = unit("us");
    table.columns[2].error_bound = Some(0.01);
    assert_lines(
        &text(&table, &style),
        &[
            "time (+01:00)     agent    p95(decision) +-1 %  trend",
            "----------------  -------  -------------------  ----------",
            "2026-11-20 12:00  planner            ~412.5 us  ##########",
            "2026-11-20 12:00  scout                ~9.0 us  ##########",
            "2026-11-20 12:01  planner            ~206.2 us  #####",
            "2026-11-20 12:01  scout                      -",
        ],
    );
}

#[test]
fn a_terminal_gets_a_bar_for_each_bucket_scaled_within_its_group() {
    let style = Style { width: Some(80), ..Style::new(Format::Table, Zone::UTC) };
    assert_lines(
        &text(&every(), &style),
        &[
            "time (UTC)        agent    p95(decision)  trend",
            "────────────────  ───────  ─────────────  ──────────",
            "2026-11-20 11:00  planner       412.5 ms  ██████████",
            "2026-11-20 11:00  scout           9.0 ms  ██████████",
            "2026-11-20 11:01  planner       206.2 ms  █████",
            "2026-11-20 11:01  scout                -",
        ],
    );
}

#[test]
fn a_narrow_terminal_cuts_texts_but_never_numbers() {
    let table = Table {
        columns: vec![
            Column::text("statement", [Some("select * from 漢字漢字漢字 where id = 7"), Some("commit")]),
            Column::text("host", [Some("web-1"), Some("web-2")]),
            Column::number("p95(db.query{kind=\"read\"})", unit("ms"), [Some(1.5), Some(12.25)]),
        ],
        notes: vec![],
    };
    let style = Style { width: Some(40), ..Style::new(Format::Table, Zone::UTC) };
    assert_lines(
        &text(&table, &style),
        &[
            "statement        host   p95(db.query{k…",
            "───────────────  ─────  ───────────────",
            "select * from …  web-1          1.50 ms",
            "commit           web-2         12.25 ms",
        ],
    );
    let narrow = text(&table, &Style { width: Some(3), ..style });
    assert!(narrow.contains("12.25 ms"), "{narrow}");
}

#[test]
fn colors_stand_around_the_header_only() {
    let table = Table { columns: vec![Column::integer("n", [Some(1)])], notes: vec![] };
    let style = Style { color: true, ..Style::new(Format::Table, Zone::UTC) };
    assert_eq!(text(&table, &style), "\u{1b}[1mn\u{1b}[0m\n\u{1b}[2m─\u{1b}[0m\n1\n");
}

#[test]
fn one_huge_label_does_not_blow_up_every_row() {
    let huge = "x".repeat(60_000);
    let labels = std::iter::once(Some(huge.as_str())).chain((0..1000).map(|_| Some("a")));
    let table = Table {
        columns: vec![Column::text("label", labels), Column::integer("n", (0..1001).map(Some))],
        notes: vec![],
    };
    assert!(text(&table, &Style::new(Format::Table, Zone::UTC)).len() < 400_000);
}

#[test]
fn an_empty_answer_has_a_header() {
    let table = Table { columns: vec![Column::text("agent", [None::<&str>; 0])], notes: vec![] };
    let forms = Format::ALL.map(|f| text(&table, &Style::new(f, Zone::UTC)));
    assert_eq!(forms[0], "agent\n─────\n");
    assert!(forms[1].ends_with("\"rows\":[],\"notes\":[]}\n"));
    assert_eq!((forms[2].as_str(), forms[3].as_str()), ("", "agent\n"));
    assert_eq!(forms[4], "| agent |\n| --- |\n");
    let nothing = Table::default();
    assert_eq!(text(&nothing, &Style::new(Format::Json, Zone::UTC)), "{\"columns\":[],\"rows\":[],\"notes\":[]}\n");
    assert_eq!(text(&nothing, &Style::new(Format::Table, Zone::UTC)), "");
}

#[test]
fn notes_are_lines_that_cannot_act_on_a_terminal() {
    let mut out = Vec::new();
    write_notes(&hostile(), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "note: from rollups \\u{1b}[2J \"so\"\n");
}

#[test]
fn a_closed_pipe_is_reported_as_such() {
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = write(&hostile(), &Style::new(Format::Csv, Zone::UTC), &mut Closed).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
