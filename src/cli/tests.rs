//! The command line as a person meets it, in process.

use super::args::{Cli, Command, IngestArgs, IngestCommand};
use super::config::{Layer, Settings};
use super::*;
use crate::model::{Cancel, Timestamp, Zone};
use crate::render::Format;
use clap::Parser;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a command line printed, and its exit code.
fn run_line(words: &[&str], terminal: Terminal, surroundings: Surroundings) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io {
        out: &mut out,
        err: &mut err,
        input: Box::new(std::io::empty()),
        now: Timestamp(0),
        cancel: Cancel::new(),
        terminal,
        surroundings,
    };
    let args = std::iter::once("perfdb").chain(words.iter().copied()).map(OsString::from);
    let code = run(args, &mut io);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn plain(words: &[&str]) -> (u8, String, String) {
    run_line(words, Terminal::default(), Surroundings::default())
}

fn with_env(pairs: &[(&str, &str)]) -> Surroundings {
    let env = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Surroundings { env, ..Surroundings::default() }
}

fn typed(words: &[&str]) -> Cli {
    Cli::try_parse_from(std::iter::once("perfdb").chain(words.iter().copied())).unwrap()
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help_and_version_are_answers() {
    let (code, out, err) = plain(&["--help"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("Usage: perfdb") && out.contains("Examples:") && !out.contains('\u{1b}'), "{out}");
    let (code, out, _) = plain(&["--version"]);
    assert_eq!((code, out), (0, format!("perfdb {}\n", env!("CARGO_PKG_VERSION"))));
    for command in Cli::command().get_subcommands() {
        let (code, out, _) = plain(&[command.get_name(), "--help"]);
        assert_eq!(code, 0);
        assert!(out.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 132), "{out}");
    }
}

#[test]
fn wrong_use_is_code_2_and_says_what_is_right() {
    let (code, out, err) = plain(&["qeury", "x"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error: unrecognized subcommand 'qeury'") && err.contains("query"), "{err}");
    let (code, _, err) = plain(&["query", "--format", "xml", "x"]);
    assert_eq!(code, 2);
    assert!(err.contains("[possible values: table, json, ndjson, csv, markdown]"), "{err}");
    let (code, _, err) = plain(&[]);
    assert_eq!(code, 2);
    assert!(err.starts_with("error: there is nothing to do") && err.contains("Usage:"), "{err}");
}

#[test]
fn an_argument_cannot_act_on_the_terminal() {
    let (_, _, err) = plain(&["\u{1b}[31mred\u{202e}"]);
    assert!(err.contains("red\\u{202e}") && !err.contains('\u{1b}'), "{err}");
}

#[test]
fn errors_are_red_only_on_a_terminal_without_no_color() {
    let terminal = Terminal { err: true, ..Terminal::default() };
    let is_red = |words: &[&str], terminal, env: &[(&str, &str)]| {
        run_line(words, terminal, with_env(env)).2.starts_with("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m ")
    };
    assert!(is_red(&["nonsense"], terminal, &[]));
    assert!(is_red(&["nonsense"], terminal, &[("NO_COLOR", "")]));
    assert!(!is_red(&["nonsense"], terminal, &[("NO_COLOR", "1")]));
    assert!(!is_red(&["nonsense"], terminal, &[("TERM", "dumb")]));
    assert!(!is_red(&["nonsense"], Terminal::default(), &[]));
    let man = ["man", "--dir", "/dev/null/no", "--color"];
    let with = |choice| [&man[..], &[choice]].concat();
    assert!(is_red(&with("always"), Terminal::default(), &[("NO_COLOR", "1")]));
    assert!(!is_red(&with("never"), terminal, &[]));
}

#[test]
fn a_choice_of_color_holds_for_wrong_use_too() {
    let (_, _, err) = run_line(&["--color", "always", "nonsense"], Terminal::default(), Surroundings::default());
    assert!(err.starts_with('\u{1b}'), "{err}");
}

#[test]
fn completions_and_pages_come_from_the_definition() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = plain(&["completions", shell]);
        assert!(code == 0 && out.contains("skip-bad"), "{shell}: {out}");
    }
    let (code, out, _) = plain(&["man"]);
    assert!(code == 0 && out.contains(".TH perfdb 1"), "{out}");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(plain(&["man", "--dir", pages.to_str().unwrap()]), (0, String::new(), String::new()));
    for page in ["perfdb.1", "perfdb-query.1", "perfdb-ingest-undo.1"] {
        assert!(pages.join(page).exists(), "{page}");
    }
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut err = Vec::new();
    let mut io = Io {
        out: &mut Closed,
        err: &mut err,
        input: Box::new(std::io::empty()),
        now: Timestamp(0),
        cancel: Cancel::new(),
        terminal: Terminal::default(),
        surroundings: Surroundings::default(),
    };
    for words in [["perfdb", "man"], ["perfdb", "--help"]] {
        assert_eq!(run(words.map(OsString::from), &mut io), 0);
    }
    assert!(err.is_empty());
}

fn ingest(words: &[&str]) -> Box<IngestArgs> {
    match typed(&[&["ingest"], words].concat()).command {
        Command::Ingest(args) => args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_of_ingests_is_told_from_a_file_called_list() {
    assert_eq!(ingest(&["list"]).command().unwrap(), Some(&IngestCommand::List));
    assert_eq!(ingest(&["--db", "x.redb", "list"]).command().unwrap(), Some(&IngestCommand::List));
    assert_eq!(ingest(&["undo", "7"]).command().unwrap(), Some(&IngestCommand::Undo { id: 7 }));
    let file = ingest(&["./list", "-"]);
    assert_eq!(file.command().unwrap(), None);
    assert_eq!(file.files, [PathBuf::from("./list"), PathBuf::from("-")]);
    assert!(ingest(&["--format", "csv", "list"]).command().is_err());
}

#[test]
fn options_with_values_are_parsed_at_the_edge() {
    let args =
        ingest(&["--set", "a=1", "--set", "b=x=y", "--unit", "decision=ms", "--labels", "h,d", "--batch", "5", "f"]);
    let keys: Vec<_> = args.options.reading.set.iter().map(|p| p.key.as_str()).collect();
    assert_eq!((keys, args.options.reading.labels.len()), (vec!["a", "b"], 2));
    for wrong in [
        &["ingest", "--set", "a", "f"][..],
        &["ingest", "--batch", "0", "f"],
        &["ingest"],
        &["query"],
        &["query", "--file", "q", "text"],
        &["query", "--timeout", "1d", "x"],
        &["query", "--timezone", "Mars/Base", "x"],
        &["metric", "set", "x"],
        &["demo", "--seconds", "0"],
        &["export", "--since", "soon"],
    ] {
        let (code, _, err) = plain(wrong);
        assert!(code == 2 && err.starts_with("error: "), "{wrong:?}: {code} {err}");
    }
}

fn settings(typed: Layer, words: &[&str], surroundings: &Surroundings) -> Result<Settings> {
    Settings::resolve(typed, &self::typed(&[words, &["check"]].concat()).global, surroundings)
}

/// Surroundings with a `perfdb.toml` and a configuration folder of the person.
fn files(folder: &Path, project: &str, person: &str) -> Surroundings {
    let config = folder.join("config");
    std::fs::create_dir_all(config.join("perfdb")).unwrap();
    std::fs::write(folder.join("perfdb.toml"), project).unwrap();
    std::fs::write(config.join("perfdb/config.toml"), person).unwrap();
    Surroundings { folder: Some(folder.to_owned()), config_folder: Some(config), ..Surroundings::default() }
}

#[test]
fn each_setting_comes_from_the_first_place_that_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut around = files(
        folder.path(),
        "db = 'project.redb'\nmemory = 1000000\nwait = '3s'\n",
        "db = '~/person.redb'\nmemory = '1GiB'\ntimezone = 'Europe/Berlin'\nformat = 'csv'\n",
    );
    around.env.insert("PERFDB_WAIT".into(), "2s".into());
    around.env.insert("PERFDB_FORMAT".into(), "ndjson".into());
    around.env.insert("PERFDB_DB".into(), String::new());
    let found = settings(Layer { format: Some(Format::Json), ..Layer::default() }, &["--wait", "1s"], &around).unwrap();
    assert_eq!(found.format, Format::Json);
    assert_eq!(found.wait, Duration::from_secs(1));
    assert_eq!((found.db, found.memory), (PathBuf::from("project.redb"), 1_000_000));
    assert_eq!(found.zone, "Europe/Berlin".parse().unwrap());
    let found = settings(Layer::default(), &[], &around).unwrap();
    assert_eq!((found.format, found.wait), (Format::Ndjson, Duration::from_secs(2)));
}

#[test]
fn without_any_setting_there_are_defaults() {
    let found = settings(Layer::default(), &[], &Surroundings::default()).unwrap();
    assert_eq!((found.db, found.format), (PathBuf::from("perf.redb"), Format::Table));
    assert_eq!((found.memory, found.wait, found.quiet), (2 << 30, Duration::from_secs(10), false));
}

#[test]
fn the_persons_home_may_be_written_short() {
    let around = with_env(&[("PERFDB_DB", "~/a.redb"), ("HOME", "/home/me")]);
    assert_eq!(settings(Layer::default(), &[], &around).unwrap().db, PathBuf::from("/home/me/a.redb"));
}

#[test]
fn an_unknown_key_names_the_nearest_and_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let around = files(folder.path(), "# ours\nfromat = 'json'\n", "");
    let error = settings(Layer::default(), &[], &around).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.exit_code(), 2);
    assert!(text.contains("unknown key `fromat`") && text.contains("perfdb.toml:2:1"), "{text}");
    assert!(text.contains("^^^^^^ did you mean `format`?"), "{text}");
}

#[test]
fn what_a_configuration_cannot_mean_is_pointed_at() {
    let folder = tempfile::tempdir().unwrap();
    for (text, message) in [
        ("format = 'xml'", "is no format"),
        ("wait = 10", "`wait` is a text in quotes, not an integer"),
        ("[db]\n", "`db` is a text in quotes, not a table"),
        ("db = 'a'\ndb = 'b'", "not TOML"),
        ("ü = = 1", "not TOML"),
        ("color = 'sometimes'", "is no choice of color"),
        ("memory = 0", "no amount of memory"),
    ] {
        let error = settings(Layer::default(), &[], &files(folder.path(), text, "")).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains("perfdb.toml:"), "{text}: {error}");
    }
    let around = with_env(&[("PERFDB_WAIT", "long")]);
    let error = settings(Layer::default(), &[], &around).unwrap_err().to_string();
    assert!(error.starts_with("PERFDB_WAIT: ") && error.contains("unset"), "{error}");
}

#[test]
fn a_configuration_that_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("perfdb.toml")).unwrap();
    let around = Surroundings { folder: Some(folder.path().to_owned()), ..Surroundings::default() };
    let error = settings(Layer::default(), &[], &around).unwrap_err().to_string();
    assert!(error.contains("no regular file"), "{error}");
}

#[test]
fn the_look_of_an_answer_follows_the_terminal() {
    let found =
        settings(Layer { timezone: Some(Zone::UTC), ..Layer::default() }, &[], &Surroundings::default()).unwrap();
    let terminal = Terminal { out: true, err: true, width: Some(80) };
    let style = found.style(None, terminal, &with_env(&[("LANG", "C")]));
    assert_eq!((style.width, style.color, style.ascii), (Some(80), true, true));
    let style = found.style(None, Terminal { out: false, ..terminal }, &with_env(&[("LANG", "C")]));
    assert_eq!((style.width, style.color, style.ascii), (None, false, false));
    for (locale, ascii) in
        [("C.UTF-8", false), ("de_DE.utf8", false), ("en_US", false), ("de_DE.ISO-8859-1", true), ("", false)]
    {
        assert_eq!(with_env(&[("LC_ALL", locale)]).ascii(), ascii, "{locale}");
    }
}
