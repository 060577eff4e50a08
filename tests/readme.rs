//! The commands of `README.md` work as they stand there.
//!
//! Each line that begins with `$ ` in a block of `console` or `sh` runs in one temporary folder, which has the
//! repository's `data` and in which `perfdb` is the program that was built. It has to end with 0, or with the code that a
//! comment behind it states: `# exits 1`. Commands of cargo would build everything anew: those are only looked up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use std::path::Path;
use std::process::{Command, Stdio};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The commands of cargo that a reader may be told to type.
const CARGO: [&str; 5] =
    ["cargo run --release -- demo", "cargo test", "cargo install --path .", "cargo build --release", "cargo bench"];

/// A command and where it stands.
#[derive(Debug, PartialEq)]
struct Step {
    line: usize,
    command: String,
    exit_code: i32,
}

/// The commands of `page`, in their order. A line that ends with `\` goes on in the next one, which may begin with `> `.
fn steps(page: &str) -> Vec<Step> {
    let (mut steps, mut in_block, mut goes_on) = (Vec::<Step>::new(), false, false);
    for (i, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            in_block = !in_block && matches!(line.trim_start_matches('`').trim(), "console" | "sh");
            goes_on = false;
            continue;
        }
        let text = match (in_block, goes_on, line.strip_prefix("$ ")) {
            (true, true, _) => line.strip_prefix("> ").unwrap_or(line),
            (true, false, Some(command)) => {
                steps.push(Step { line: i + 1, command: String::new(), exit_code: 0 });
                command
            }
            _ => continue,
        };
        let part = text.strip_suffix('\\');
        goes_on = part.is_some();
        if let Some(step) = steps.last_mut() {
            step.command += part.unwrap_or(text);
            if let Some((command, code)) = step.command.split_once("# exits ") {
                step.exit_code = code.trim().parse().expect("a code behind `# exits`");
                step.command = command.to_owned();
            }
            if !goes_on {
                step.command.truncate(step.command.trim_end().len());
            }
        }
    }
    steps
}

/// What is wrong with a command of cargo.
fn wrong_of_cargo(command: &str) -> Option<String> {
    let known =
        |known: &&str| command.strip_prefix(*known).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    (!CARGO.iter().any(known)).then(|| format!("none of the known ones: {}", CARGO.join(", ")))
}

/// Runs `step` in `folder` and says what went wrong.
fn wrong_of(step: &Step, folder: &Path) -> Option<String> {
    if step.command.starts_with("cargo ") {
        return wrong_of_cargo(&step.command);
    }
    let program = Path::new(env!("CARGO_BIN_EXE_perfdb"));
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(program.parent().unwrap().to_owned()).chain(std::env::split_paths(&rest));
    let mut shell = Command::new("sh");
    for (name, _) in std::env::vars_os().filter(|v| v.0.to_string_lossy().starts_with("PERFDB_")) {
        shell.env_remove(name);
    }
    let output = shell
        .args(["-c", &step.command])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(paths).unwrap())
        .envs(["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"].map(|name| (name, folder)))
        .stdin(Stdio::null())
        .output()
        .expect("sh runs");
    let code = output.status.code();
    (code != Some(step.exit_code)).then(|| {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        format!("ended with {code:?}, not {}\n{out}{err}", step.exit_code)
    })
}

/// A folder that looks like the repository to somebody who follows the page.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("data");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(Path::new(ROOT).join("data")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    folder
}

#[cfg(unix)]
#[test]
fn every_command_of_the_readme_works() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let steps = steps(&page);
    assert!(steps.iter().any(|s| s.command.contains("perfdb ")), "no command of perfdb in README.md");
    let folder = folder();
    for step in &steps {
        if let Some(wrong) = wrong_of(step, folder.path()) {
            panic!("README.md:{}: `{}` {wrong}", step.line, step.command);
        }
    }
}

#[test]
fn commands_are_found_with_their_codes() {
    let page = "$ not this\n```console\n$ perfdb query \"a\"\nan answer\n$ false | perfdb x   # exits 2\n```\n```sh\n$ a \\\n> b\n```\n```rust\n$ nor this\n```\n";
    let step = |line, command: &str, exit_code| Step { line, command: command.to_owned(), exit_code };
    let expected = [step(3, "perfdb query \"a\"", 0), step(5, "false | perfdb x", 2), step(8, "a b", 0)];
    assert_eq!(steps(page), expected);
}

#[test]
fn only_known_commands_of_cargo_pass() {
    assert_eq!(wrong_of_cargo("cargo test --release"), None);
    assert!(wrong_of_cargo("cargo testing").is_some());
}

#[cfg(unix)]
#[test]
fn a_command_that_fails_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let run =
        |command: &str, exit_code| wrong_of(&Step { line: 1, command: command.to_owned(), exit_code }, folder.path());
    assert_eq!(run("perfdb --version", 0), None);
    assert_eq!(run("perfdb query \"nonsense(\" 2>/dev/null", 2), None);
    assert!(run("perfdb query \"nonsense(\"", 0).is_some());
}
