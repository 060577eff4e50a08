//! A machine that refuses: no room, no permission.

#![cfg(unix)]

use super::support::Place;
use super::{is_unchanged, refused, refused_by, with_store};
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// The program with these arguments, under a limit on the length of the files that it writes.
fn with_little_room(place: &Place, kib: u64, args: &[&str]) -> Command {
    // Ignored, the signal becomes an error of the write, as on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
    let mut command = Command::new("bash");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_perfdb")]).args(args).current_dir(place.path(""));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Ingests more than there is room for: an error of the machine, and the old samples are there.
fn write_long_file(place: &Place) {
    let mut state = 1_u64;
    let lines: String = (0..60_000)
        .map(|i| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            format!("new value={} {i}\n", state >> 11)
        })
        .collect();
    std::fs::write(place.path("long.lp"), lines).unwrap();
}

#[test]
fn no_room_for_an_ingest_leaves_what_was_there() {
    let place = with_store();
    write_long_file(&place);
    let args = ["ingest", "long.lp"];
    refused_by(with_little_room(&place, 300, &args).spawn().unwrap(), &args, 6, &["the store", "too large"]);
    is_unchanged(&place);
    let args = ["--db", "none.redb", "ingest", "long.lp"];
    refused_by(with_little_room(&place, 60, &args).spawn().unwrap(), &args, 6, &["none.redb", "too large"]);
    assert!(!place.path("none.redb").exists());
    // With room again it goes in.
    place.must(&["ingest", "long.lp"]);
    assert_eq!(place.rows("count(new)"), [[60_000]]);
}

#[test]
fn no_room_for_a_stream_keeps_what_was_acknowledged() {
    let place = with_store();
    write_long_file(&place);
    let args = ["ingest", "--format", "influx", "--batch", "100", "--ack", "-"];
    let input = std::fs::File::open(place.path("long.lp")).unwrap();
    let child = with_little_room(&place, 300, &args).stdin(input).spawn().unwrap();
    let done = refused_by(child, &args, 6, &["the store", "too large", "stay there"]);
    let last: serde_json::Value = serde_json::from_str(done.out.lines().last().unwrap()).unwrap();
    assert_eq!(place.rows("count(new)"), [[last["durable"].as_u64().unwrap()]]);
    assert_eq!(place.rows("count(old)"), [[2]]);
}

#[test]
fn a_folder_that_cannot_be_written_can_be_read() {
    let place = with_store();
    std::fs::create_dir(place.path("fixed")).unwrap();
    std::fs::rename(place.path("perf.redb"), place.path("fixed/perf.redb")).unwrap();
    let read_only = |fixed: bool| {
        set_permissions(place.path("fixed/perf.redb"), Permissions::from_mode(if fixed { 0o444 } else { 0o644 }))
            .unwrap();
        set_permissions(place.path("fixed"), Permissions::from_mode(if fixed { 0o555 } else { 0o755 })).unwrap();
    };
    read_only(true);
    let allowed = std::fs::File::create(place.path("fixed/probe")).is_ok();
    if !allowed {
        // As the superuser is allowed everything, there is nothing to see.
        assert_eq!(
            place.must(&["--db", "fixed/perf.redb", "query", "--format", "csv", "count(*)"]).out,
            "count(*)\n2\n"
        );
        let denied = ["denied"];
        refused(&place, &["--db", "fixed/perf.redb", "ingest", "old.lp"], 6, &denied);
        refused(&place, &["--db", "fixed/new.redb", "ingest", "old.lp"], 6, &denied);
    }
    read_only(false);
    refused(&place, &["--db", "nowhere/new.redb", "ingest", "old.lp"], 6, &["nowhere/new.redb", "No such file"]);
}
