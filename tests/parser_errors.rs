//! Every way to get a query wrong that we could think of, with the exact message.
//!
//! `parser_errors.txt` holds the queries, each behind `> ` (a line of a longer query behind `. `), and below each the message.
//! `UPDATE_EXPECT=1 cargo test --test parser_errors` rewrites the messages; then read the diff.

use perfdb::query::parser::{Parameters, parse_with};
use std::fmt::Write;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parser_errors.txt");

/// The queries of the file, and its comments (lines that begin with `#`) in front of them.
fn cases(text: &str) -> Vec<(Vec<&str>, String)> {
    let mut cases: Vec<(Vec<&str>, String)> = Vec::new();
    let mut comments = Vec::new();
    for line in text.lines() {
        if let Some(query) = line.strip_prefix("> ").or((line == ">").then_some("")) {
            cases.push((std::mem::take(&mut comments), query.to_owned()));
        } else if let Some(more) = line.strip_prefix(". ") {
            let query = &mut cases.last_mut().expect("a first line").1;
            query.push('\n');
            query.push_str(more);
        } else if line.starts_with('#') {
            comments.push(line);
        }
    }
    cases
}

#[test]
fn every_wrong_query_has_one_message_that_points_at_the_place() {
    let text = std::fs::read_to_string(FILE).unwrap();
    let parameters =
        Parameters::from([("agent".to_owned(), "scout 1".to_owned()), ("since".to_owned(), "1q".to_owned())]);
    let mut actual = String::new();
    let cases = cases(&text);
    for (comments, query) in &cases {
        for comment in comments {
            writeln!(actual, "{comment}\n").unwrap();
        }
        let said = match parse_with(query, &parameters) {
            Ok(statement) => panic!("{query}\nparses as {statement:#?}"),
            Err(diagnostic) => diagnostic.to_string(),
        };
        writeln!(actual, "> {}\nerror: {said}\n", query.replace('\n', "\n. ")).unwrap();
    }
    assert!(cases.len() >= 80, "{} cases", cases.len());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(FILE, actual).unwrap();
        return;
    }
    for (expected, actual) in text.split("\n\n").zip(actual.split("\n\n")) {
        assert_eq!(expected, actual);
    }
    assert_eq!(text, actual);
}
