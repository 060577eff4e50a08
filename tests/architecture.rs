//! The layers of `src/ARCHITECTURE.md` hold: a module uses only modules that are named behind it and stand above it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The layers in the order of the block: each module and what it may use.
type Layers = Vec<(String, Vec<String>)>;

/// The first text block behind the heading `## Layers`.
fn layers(page: &str) -> Layers {
    let (_, section) = page.split_once("\n## Layers\n").expect("a section `## Layers`");
    let (_, block) = section.split_once("```text\n").expect("a text block");
    let (block, _) = block.split_once("```").expect("the end of the block");
    let line = |line: &str| {
        let (module, uses) = line.split_once(':').unwrap_or_else(|| panic!("`{line}` names no module"));
        (module.trim().to_owned(), uses.split_whitespace().map(str::to_owned).collect())
    };
    block.lines().filter(|l| !l.trim().is_empty()).map(line).collect()
}

/// What is wrong with the block itself.
fn wrong_in_block(layers: &Layers) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut above = BTreeSet::new();
    for (module, uses) in layers {
        for used in uses.iter().filter(|u| !above.contains(u.as_str())) {
            wrong.push(format!("`{module}` uses `{used}`, which does not stand above it"));
        }
        if !above.insert(module.as_str()) {
            wrong.push(format!("`{module}` is there twice"));
        }
    }
    wrong
}

/// `code` with comments, texts and characters blanked; its lines stay.
fn without_texts(code: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(code.len()), code);
    while !rest.is_empty() {
        let len = length_of_text(rest);
        if len == 0 {
            let next = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&rest[..next]);
            rest = &rest[next..];
        } else {
            out.extend(rest[..len].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[len..];
        }
    }
    out
}

/// The length of the comment, text or character that `code` begins with, or 0.
fn length_of_text(code: &str) -> usize {
    let end = |from: usize, close: &str| code[from..].find(close).map_or(code.len(), |i| from + i + close.len());
    let hashes = code.bytes().skip(1).take_while(|b| *b == b'#').count();
    match code.as_bytes() {
        [b'/', b'/', ..] => code.find('\n').unwrap_or(code.len()),
        [b'/', b'*', ..] => end(2, "*/"),
        [b'r', ..] if code[1 + hashes..].starts_with('"') => end(2 + hashes, &format!("\"{}", "#".repeat(hashes))),
        [b'\'', b'\\', _, ..] => end(3, "'"),
        [b'\'', ..] if code[1..].chars().nth(1) == Some('\'') => code[1..].chars().next().map_or(0, char::len_utf8) + 2,
        [b'"', ..] => {
            let mut escaped = false;
            let close = code.bytes().skip(1).position(|b| {
                let closes = b == b'"' && !escaped;
                escaped = b == b'\\' && !escaped;
                closes
            });
            close.map_or(code.len(), |i| i + 2)
        }
        _ => 0,
    }
}

/// The modules that the file `path` with `code` reaches through `crate::`, or through enough of `super::`, each with its
/// line (1-based). `crate::{a, b::{c}}` names `a` and `b`; a name with a capital letter is an item of no module.
fn uses(path: &str, code: &str) -> Vec<(usize, String)> {
    let code = without_texts(code);
    // `src/a.rs` and `src/a/mod.rs` stand one step below the root, `src/a/b.rs` two.
    let depth = path.trim_end_matches("/mod.rs").matches('/').count();
    let supers = "super::".repeat(depth);
    let roots = code.match_indices("crate::").chain(code.match_indices(&supers));
    let mut found = Vec::new();
    for (at, root) in roots {
        let begins = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':');
        if !begins {
            continue;
        }
        let path = &code[at + root.len()..];
        let group = path.strip_prefix('{').map_or_else(|| vec![path], heads);
        for head in group {
            let name: String = head.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if name.starts_with(|c: char| c.is_lowercase()) {
                let offset = head.as_ptr() as usize - code.as_ptr() as usize + head.len() - head.trim_start().len();
                found.push((code[..offset].matches('\n').count() + 1, name));
            }
        }
    }
    found.retain(|(_, name)| name != "super");
    found.sort();
    found
}

/// The members of the group that `text` stands in, up to its closing brace.
fn heads(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0_usize, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(&text[start..i]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    members
}

/// The uses in `code`, the file `path` of `module`, that go against `layers`.
fn wrong_uses(path: &str, module: &str, code: &str, layers: &Layers) -> Vec<String> {
    let allowed = layers.iter().find(|l| l.0 == module).map_or(&[][..], |l| &l.1);
    let known = |name: &String| layers.iter().any(|l| l.0 == *name);
    let wrong =
        uses(path, code).into_iter().filter(|(_, name)| name != module && known(name) && !allowed.contains(name));
    wrong.map(|(line, name)| format!("{path}:{line}: `{module}` may not use `{name}`")).collect()
}

fn source_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The source files of each module, with their path below `src`. `main.rs` and `lib.rs` hold the modules together,
/// `build.rs` builds.
fn modules() -> BTreeMap<String, Vec<(String, PathBuf)>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut modules) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
    source_files(&src, &mut files);
    files.sort();
    for file in files {
        let path = file.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        let module = path.split('/').next().unwrap().trim_end_matches(".rs");
        if !matches!(path.as_str(), "main.rs" | "lib.rs" | "build.rs") {
            modules.entry(module.to_owned()).or_default().push((format!("src/{path}"), file));
        }
    }
    modules
}

#[test]
fn modules_use_only_what_stands_behind_them() {
    let layers = layers(include_str!("../src/ARCHITECTURE.md"));
    let modules = modules();
    let mut wrong = wrong_in_block(&layers);
    for module in modules.keys().filter(|m| !layers.iter().any(|l| l.0 == **m)) {
        wrong.push(format!("module `{module}` is missing from the block"));
    }
    for (module, _) in &layers {
        let files = modules.get(module);
        if files.is_none() {
            wrong.push(format!("module `{module}` of the block is not in src/"));
        }
        for (path, file) in files.into_iter().flatten() {
            wrong.extend(wrong_uses(path, module, &std::fs::read_to_string(file).unwrap(), &layers));
        }
    }
    assert!(wrong.is_empty(), "against the layers of src/ARCHITECTURE.md:\n{}", wrong.join("\n"));
}

#[test]
fn a_planted_use_is_found() {
    let code = r##"
//! Nothing in a comment counts: crate::cli::run.
use crate::{
    error::{Error, Result},
    render::{write, Style}, model,
};
use crate::stats::{quantile};
const TEXT: &str = "crate::cli and \" crate::cli";
const RAW: &str = r#"crate::cli "quoted" crate::cli"#; /* crate::cli */
fn f(quote: char) -> bool { quote == '"' && crate::engine::ready('\'') && mycrate::cli() && crate::Shown::new() }
use super::super::cli; use super::ast;
"##;
    let names = uses("src/query/a.rs", code);
    let expected = [(4, "error"), (5, "model"), (5, "render"), (7, "stats"), (10, "engine"), (11, "cli")];
    assert_eq!(names, expected.map(|(line, name)| (line, name.to_owned())));

    let layers =
        layers("\n## Layers\n```text\nerror:\nmodel:\nstats:\nquery: error model stats\nengine:\nrender:\ncli:\n```");
    assert_eq!(
        wrong_uses("src/query/a.rs", "query", code, &layers),
        [
            "src/query/a.rs:5: `query` may not use `render`",
            "src/query/a.rs:10: `query` may not use `engine`",
            "src/query/a.rs:11: `query` may not use `cli`",
        ]
    );
}

#[test]
fn a_cycle_in_the_block_is_found() {
    let page = "# A\n\n## Layers\n\nWords.\n\n```text\nerror:\nmodel: error db\ndb: model\n```\n";
    assert_eq!(wrong_in_block(&layers(page)), ["`model` uses `db`, which does not stand above it"]);
    let twice = layers("\n## Layers\n```text\na:\na:\n```");
    assert_eq!(wrong_in_block(&twice), ["`a` is there twice"]);
}
