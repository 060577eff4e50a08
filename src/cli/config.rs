//! Settings: what was typed, else the environment, else `./perfdb.toml`, else `perfdb/config.toml` in the person's
//! configuration folder, else a default. Each setting takes the first place that has it.
//!
//! What stays true: a key or value that means nothing is an error wherever it stands, since a setting that silently does
//! nothing is worse.

use super::args::{Bytes, Color, Global, wait_of};
use super::io::{Surroundings, Terminal};
use crate::error::{Diagnostic, Error, Result, nearest};
use crate::model::Zone;
use crate::render::{Format, Style, Times};
use clap::ValueEnum;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// The keys of a configuration file; `PERFDB_` and one in capitals is its variable.
const KEYS: [&str; 6] = ["db", "format", "timezone", "memory", "wait", "color"];

/// A configuration file is at most this long.
const CONFIG_LEN_MAX: u64 = 1 << 20;

/// Bytes of samples that a query holds at once unless told otherwise.
const MEMORY_DEFAULT: u64 = 2 << 30;

/// Settings of one place; `None` is what it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer {
    /// The store.
    pub db: Option<PathBuf>,
    /// The form of answers.
    pub format: Option<Format>,
    /// The zone of days, bare dates and local times.
    pub timezone: Option<Zone>,
    /// Bytes of samples that a query may hold at once.
    pub memory: Option<u64>,
    /// How long to wait for another process that holds the store.
    pub wait: Option<Duration>,
    /// When to use colors.
    pub color: Option<Color>,
}

/// Settings as they hold for one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The store.
    pub db: PathBuf,
    /// The form of answers.
    pub format: Format,
    /// The zone of days, bare dates and local times.
    pub zone: Zone,
    /// Bytes of samples that a query may hold at once.
    pub memory: u64,
    /// How long to wait for another process that holds the store.
    pub wait: Duration,
    /// When to use colors, if anything says so.
    pub color: Option<Color>,
    /// Whether to print answers and errors only.
    pub quiet: bool,
}

impl Settings {
    /// Puts together what was typed (`typed` for the options of the command, `global` for those of all) and what the
    /// surroundings say.
    ///
    /// # Errors
    /// A configuration file that cannot be read or understood, a variable that means nothing.
    pub fn resolve(typed: Layer, global: &Global, surroundings: &Surroundings) -> Result<Self> {
        let typed =
            typed.or(Layer { db: global.db.clone(), wait: global.wait, color: global.color, ..Layer::default() });
        let project = surroundings.folder.as_ref().map(|f| f.join("perfdb.toml"));
        let person = surroundings.config_folder.as_ref().map(|f| f.join("perfdb").join("config.toml"));
        let mut layer = typed.or(of_env(surroundings)?);
        for path in [project, person].into_iter().flatten() {
            layer = layer.or(of_file(&path)?);
        }
        Ok(Self {
            db: layer.db.map_or_else(|| PathBuf::from("perf.redb"), |db| with_home(db, surroundings)),
            format: layer.format.unwrap_or(Format::Table),
            zone: layer.timezone.unwrap_or_else(Zone::of_machine),
            memory: layer.memory.unwrap_or(MEMORY_DEFAULT),
            wait: layer.wait.unwrap_or(Duration::from_secs(10)),
            color: layer.color,
            quiet: global.quiet,
        })
    }

    /// The look of an answer on the standard output.
    pub fn style(&self, times: Option<Times>, terminal: Terminal, surroundings: &Surroundings) -> Style {
        let usual = Style::new(self.format, self.zone);
        Style {
            times: times.unwrap_or(usual.times),
            color: surroundings.color(self.color, terminal.out),
            width: terminal.width.filter(|_| terminal.out),
            ascii: terminal.out && surroundings.ascii(),
            ..usual
        }
    }
}

impl Layer {
    /// This, and where it says nothing, `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            db: self.db.or(other.db),
            format: self.format.or(other.format),
            timezone: self.timezone.or(other.timezone),
            memory: self.memory.or(other.memory),
            wait: self.wait.or(other.wait),
            color: self.color.or(other.color),
        }
    }

    /// Takes in `key = value`; `key` is one of [`KEYS`].
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "db" if value.is_empty() => return Err("`db` is the path of a file".to_owned()),
            "db" => self.db = Some(PathBuf::from(value)),
            "format" => self.format = Some(value.parse()?),
            "timezone" => self.timezone = Some(value.parse()?),
            "memory" => self.memory = Some(value.parse::<Bytes>()?.0),
            "wait" => self.wait = Some(wait_of(value)?),
            "color" => self.color = Some(color_of(value)?),
            _ => return Err(unknown(key)),
        }
        Ok(())
    }
}

fn color_of(value: &str) -> Result<Color, String> {
    Color::from_str(value, false).map_err(|_| format!("`{value}` is no choice of color: auto, always or never"))
}

fn unknown(key: &str) -> String {
    format!("unknown key `{key}`")
}

/// Programs that read a file do not know `~`, but people write it.
fn with_home(path: PathBuf, surroundings: &Surroundings) -> PathBuf {
    match (path.strip_prefix("~"), surroundings.var("HOME")) {
        (Ok(rest), Some(home)) => Path::new(home).join(rest),
        _ => path,
    }
}

fn of_env(surroundings: &Surroundings) -> Result<Layer> {
    let mut layer = Layer::default();
    for key in KEYS {
        let name = format!("PERFDB_{}", key.to_uppercase());
        if let Some(value) = surroundings.var(&name) {
            let hint = format!("change or unset the environment variable {name}");
            layer.set(key, value).map_err(|e| Error::usage_hint(format!("{name}: {e}"), hint))?;
        }
    }
    Ok(layer)
}

/// The settings of the file at `path`; none where there is no file.
fn of_file(path: &Path) -> Result<Layer> {
    let fail = |source| Error::io("read", path, source);
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(Layer::default());
        }
        Err(e) => return Err(fail(e)),
    };
    // Not `/dev/zero`, nor a pipe that nobody writes to.
    if !meta.is_file() || meta.len() > CONFIG_LEN_MAX {
        let what = if meta.is_file() { "longer than 1 MiB" } else { "no regular file" };
        return Err(Error::usage(format!("the configuration `{}` is {what}", path.display())));
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(fail)?;
    file.take(CONFIG_LEN_MAX).read_to_string(&mut text).map_err(fail)?;
    of_text(&text, path)
}

fn of_text(text: &str, path: &Path) -> Result<Layer> {
    let table = DeTable::parse(text).map_err(|e| {
        let message = format!("not TOML: {}", e.message().lines().next().unwrap_or("it cannot be read"));
        Error::Input(Box::new(pointing(text, path, e.span().unwrap_or(0..0), message)))
    })?;
    let mut layer = Layer::default();
    for (key, value) in table.get_ref() {
        take_entry(&mut layer, key, value).map_err(|e| {
            let diagnostic = pointing(text, path, e.span, e.message);
            Error::Input(Box::new(if let Some(label) = e.label { diagnostic.label(label) } else { diagnostic }))
        })?;
    }
    Ok(layer)
}

/// What is wrong with an entry, and where.
struct EntryError {
    span: std::ops::Range<usize>,
    message: String,
    label: Option<String>,
}

fn take_entry(layer: &mut Layer, key: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> Result<(), EntryError> {
    let name = key.get_ref().as_ref();
    if !KEYS.contains(&name) {
        let label = match nearest(name, KEYS).first() {
            Some(best) => format!("did you mean `{best}`?"),
            None => format!("the keys are {}", KEYS.join(", ")),
        };
        return Err(EntryError { span: key.span(), message: unknown(name), label: Some(label) });
    }
    let fail = |message| EntryError { span: value.span(), message, label: None };
    match value.get_ref() {
        DeValue::String(text) => layer.set(name, text).map_err(fail),
        // `memory = 1048576` reads well enough without quotes.
        DeValue::Integer(number) if name == "memory" => layer.set(name, number.as_str()).map_err(fail),
        other => Err(fail(format!("`{name}` is a text in quotes, not {}", article(other.type_str())))),
    }
}

fn article(noun: &str) -> String {
    let an = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if an { "an" } else { "a" })
}

/// A message about `span` of the configuration `text`, showing the one line that is wrong.
fn pointing(text: &str, path: &Path, span: std::ops::Range<usize>, message: String) -> Diagnostic {
    let start = span.start.min(text.len());
    let line_start = text.as_bytes()[..start].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let line_first = text[..line_start].matches('\n').count() + 1;
    let end = span.end.max(start) - line_start;
    Diagnostic::new(message, line, start - line_start..end.min(line.len())).at(path, line_first)
}
