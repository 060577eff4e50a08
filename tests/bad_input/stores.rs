//! Things that are no store, given as one.

use super::support::Place;
use super::{is_unchanged, refused, with_store};
use redb::TableDefinition;

/// Neither a question nor an ingest takes `db` for a store.
fn no_store(place: &Place, db: &str, texts: &[&str]) {
    refused(place, &["--db", db, "query", "count(*)"], 2, texts);
    refused(place, &["--db", db, "ingest", "old.lp"], 2, texts);
    refused(place, &["--db", db, "export"], 2, texts);
    refused(place, &["--db", db, "stats"], 2, texts);
}

#[test]
fn what_is_no_file_is_no_store() {
    let place = with_store();
    std::fs::create_dir(place.path("folder")).unwrap();
    no_store(&place, "folder", &["`folder` is a directory"]);
    if cfg!(unix) {
        let made = std::process::Command::new("mkfifo").arg(place.path("fifo")).status();
        if made.is_ok_and(|status| status.success()) {
            no_store(&place, "fifo", &["`fifo` is a pipe, socket or device"]);
        }
        no_store(&place, "/dev/null", &["`/dev/null` is a pipe, socket or device"]);
        no_store(&place, "/dev/zero", &["`/dev/zero` is a pipe, socket or device"]);
    }
    is_unchanged(&place);
}

#[test]
fn another_file_is_no_store_and_stays_as_it_is() {
    let place = with_store();
    for (name, bytes) in [("text", &b"a value=1 1\n"[..]), ("short", b"redb"), ("zeros", &vec![0; 100_000])] {
        std::fs::write(place.path(name), bytes).unwrap();
        no_store(&place, name, &[&format!("`{name}` is not a store")]);
        assert_eq!(std::fs::read(place.path(name)).unwrap(), bytes);
    }
    let mut cut = std::fs::read(place.path("perf.redb")).unwrap();
    cut.truncate(cut.len() / 3);
    std::fs::write(place.path("cut"), &cut).unwrap();
    refused(&place, &["--db", "cut", "query", "count(*)"], 4, &["damaged", "perfdb check"]);
}

#[test]
fn a_question_makes_no_store() {
    let place = Place::new();
    refused(&place, &["query", "count(*)"], 2, &["there is no store at `perf.redb`", "perfdb ingest FILE"]);
    refused(&place, &["stats"], 2, &["there is no store"]);
    refused(&place, &["ingest", "undo", "1"], 2, &["there is no store"]);
    assert!(!place.path("perf.redb").exists());
    std::fs::write(place.path("perf.redb"), "").unwrap();
    refused(&place, &["query", "count(*)"], 2, &["an empty file, not a store"]);
}

#[test]
fn a_store_of_another_format_is_left_alone() {
    let place = with_store();
    for (name, format, says) in [("newer.redb", 99, "update perfdb"), ("older.redb", 1, "perfdb export")] {
        let db = redb::Database::create(place.path(name)).unwrap();
        let txn = db.begin_write().unwrap();
        txn.open_table(TableDefinition::<&str, u64>::new("meta")).unwrap().insert("format", format).unwrap();
        txn.commit().unwrap();
        drop(db);
        no_store(&place, name, &[&format!("store format {format}"), says]);
    }
}

#[test]
fn the_database_of_another_program_is_no_store() {
    let place = with_store();
    for (name, table) in [("other.redb", "users"), ("meta.redb", "meta")] {
        let db = redb::Database::create(place.path(name)).unwrap();
        let txn = db.begin_write().unwrap();
        txn.open_table(TableDefinition::<u64, &str>::new(table)).unwrap().insert(1, "one").unwrap();
        txn.commit().unwrap();
        drop(db);
        no_store(&place, name, &["no perfdb store"]);
    }
}
