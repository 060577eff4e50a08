//! Bad input: each is one clear error with its exit code, within seconds, and the store is as it was.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

mod support;

#[path = "bad_input/files.rs"]
mod files;
#[path = "bad_input/machine.rs"]
mod machine;
#[path = "bad_input/questions.rs"]
mod questions;
#[path = "bad_input/stores.rs"]
mod stores;

use std::process::Child;
use std::time::{Duration, Instant};
use support::{Done, Place, finish};

/// So long a mistake may take to be told.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// Runs the program, which must end with `code` and one error that has every one of `texts`.
fn refused(place: &Place, args: &[&str], code: i32, texts: &[&str]) -> Done {
    refused_by(place.command(args).spawn().unwrap(), args, code, texts)
}

fn refused_by(child: Child, args: &[&str], code: i32, texts: &[&str]) -> Done {
    let shown = args.join(" ").chars().take(200).collect::<String>();
    let started = Instant::now();
    let done = finish(child, &shown);
    let took = started.elapsed();
    let err = &done.err;
    assert_eq!(done.code, code, "{shown}: {err}");
    assert_eq!(err.lines().filter(|l| l.starts_with("error: ")).count(), 1, "{shown}: {err}");
    for text in texts {
        assert!(err.contains(text), "{shown}: no `{text}` in: {err}");
    }
    assert!(!err.contains("panicked") && !err.contains("a bug in"), "{shown}: {err}");
    assert!(err.len() < 10_000, "{shown}: an error of {} bytes", err.len());
    assert!(took < TOLD_WITHIN, "{shown}: told after {took:?}");
    done
}

/// A folder whose store has two samples of `old`.
fn with_store() -> Place {
    let place = Place::new();
    std::fs::write(place.path("old.lp"), "old,agent=scout value=1 1\nold,agent=scout value=2 2\n").unwrap();
    place.must(&["ingest", "old.lp"]);
    place
}

/// The store of [`with_store`] holds what it held.
fn is_unchanged(place: &Place) {
    assert_eq!(place.rows("count(*), sum(*)"), [[2.0, 3.0]]);
    assert_eq!(place.rows("show series").len(), 1);
}
