//! Questions that ask too much, and labels that would act on a terminal.

use super::{is_unchanged, refused, with_store};

#[test]
fn a_question_that_nests_without_end_is_refused() {
    let place = with_store();
    let deep = 50_000;
    for text in [
        format!("{}avg(old){}", "(".repeat(deep), ")".repeat(deep)),
        "(".repeat(deep),
        format!("avg(old) where {}agent = a{}", "(".repeat(deep), ")".repeat(deep)),
        format!("avg(old) where {}agent = a", "not ".repeat(25_000)),
        format!("{}old{}", "avg(".repeat(deep / 2), ")".repeat(deep / 2)),
        format!("1{}avg(old)", "-".repeat(deep)),
    ] {
        refused(&place, &["query", &text], 2, &["nested deeper than"]);
    }
    let wide = vec!["avg(old)"; 10_000];
    refused(&place, &["query", &wide.join(" + ")], 2, &["operators"]);
    refused(&place, &["query", &wide.join(", ")], 2, &["columns"]);
    is_unchanged(&place);
}

#[test]
fn a_catastrophic_regular_expression_takes_no_time() {
    let place = with_store();
    let long = "a".repeat(60_000);
    let lines: String = (0..20).map(|i| format!("long,agent={long}{i}! value={i} {i}\n")).collect();
    std::fs::write(place.path("long.lp"), lines).unwrap();
    place.must(&["ingest", "long.lp"]);
    let started = std::time::Instant::now();
    let rows = place.rows("count(long) where agent =~ \"(a+)+$\"");
    assert!(rows.is_empty() || rows == [[0]], "{rows:?}");
    assert_eq!(place.rows("count(long) where agent =~ \"(a+)+[0-9]*!\""), [[20]]);
    assert!(started.elapsed() < super::TOLD_WITHIN);
    refused(&place, &["query", "count(long{agent=~\"(((a{100}){100}){100}){100}\"})"], 2, &["too big"]);
}

#[test]
fn a_huge_limit_is_no_more_than_what_is_there() {
    let place = with_store();
    assert_eq!(place.rows("count(old) by agent limit 18446744073709551615").len(), 1);
    assert_eq!(place.rows("points(old) limit 9223372036854775807").len(), 2);
    refused(&place, &["query", "count(old) limit 99999999999999999999999"], 2, &["too large"]);
    refused(&place, &["query", "count(old) every 1ns since @0 until @10 fill zero"], 2, &["10000000000 buckets"]);
}

#[test]
fn what_could_act_on_a_terminal_is_escaped_for_people_and_exact_for_programs() {
    const WHO: &str = "a\u{1b}[31mred\u{202e}evil";
    const ESCAPED: &str = "a\\u{1b}[31mred\\u{202e}evil";
    let place = with_store();
    std::fs::write(place.path("bad.lp"), format!("bad,who={WHO} value=1 1\n")).unwrap();
    place.must(&["ingest", "bad.lp"]);
    for text in ["count(bad) by who", "show values who", "show series where metric = bad"] {
        let done = place.must(&["query", text]);
        assert!(done.out.contains(ESCAPED), "{text}: {}", done.out);
        assert!(!done.out.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    assert_eq!(place.rows("count(bad) by who")[0][0], WHO);

    let nearly = format!("count(bad{{who=\"{WHO}x\"}})");
    let done = refused(&place, &["query", &nearly], 2, &[ESCAPED]);
    assert!(!done.err.contains(['\u{1b}', '\u{202e}']));
    std::fs::write(place.path("worse.lp"), format!("bad,who={WHO} value=x 1\n")).unwrap();
    let done = refused(&place, &["ingest", "worse.lp"], 2, &[ESCAPED]);
    assert!(!done.err.contains(['\u{1b}', '\u{202e}']));
    let done = refused(&place, &["ingest", WHO], 2, &[ESCAPED]);
    assert!(!done.err.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn a_reader_that_goes_away_ends_a_question_quietly() {
    let place = with_store();
    let lines: String = (0..200_000).map(|i| format!("many value={i} {i}\n")).collect();
    std::fs::write(place.path("many.lp"), lines).unwrap();
    place.must(&["ingest", "many.lp"]);
    for args in [&["query", "points(many)"][..], &["query", "--format", "csv", "points(many)"], &["export", "many"]] {
        let mut child = place.command(args).spawn().unwrap();
        // One line's worth, as `head -1` takes.
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0; 8]).unwrap();
        drop(child.stdout.take());
        let done = super::finish(child, &args.join(" "));
        assert!(done.code == 0 && done.err.is_empty(), "{args:?}: {} {}", done.code, done.err);
    }
}
