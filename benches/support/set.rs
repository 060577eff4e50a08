//! A data set on disk: the same samples as line protocol and as CSV.

use super::{Result, agent, devops, options::Options, progress};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// 2026-01-01T00:00:00Z, the first moment of every set.
pub(crate) const START_NS: i64 = 1_767_225_600_000_000_000;

/// Which data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Latencies of agents at irregular times.
    Agent,
    /// Gauges of hosts at regular times.
    Devops,
}

/// A generated data set.
pub(crate) struct Set {
    /// Which data.
    pub(crate) kind: Kind,
    /// How many values there are.
    pub(crate) samples: u64,
    /// How many series they lie in.
    pub(crate) series: usize,
    /// The end of the time range, exclusive, in whole seconds since the Unix epoch.
    pub(crate) end_s: i64,
    /// What no lossless store of these distributions goes below on average, in bytes a sample.
    pub(crate) floor_bytes: f64,
    /// The line protocol.
    pub(crate) lp: PathBuf,
    /// The same as CSV.
    pub(crate) csv: PathBuf,
}

/// What a generator says of what it wrote.
pub(crate) struct Written {
    /// How many values.
    pub(crate) samples: u64,
    /// How many series.
    pub(crate) series: usize,
    /// The last timestamp, in ns since the Unix epoch.
    pub(crate) last_ns: i64,
    /// See [`Set::floor_bytes`].
    pub(crate) floor_bytes: f64,
}

impl Set {
    /// Generates about `options.samples` samples of `kind` in `folder`.
    pub(crate) fn generate(kind: Kind, options: &Options, folder: &Path) -> Result<Self> {
        progress(&format!("writing {} samples of {kind:?} data", options.samples));
        let (lp, csv) = (folder.join("data.lp"), folder.join("data.csv"));
        let mut texts = Texts { lp: Text::create(&lp)?, csv: Text::create(&csv)? };
        let written = match kind {
            Kind::Agent => agent::write(options.samples, options.seed, &mut texts)?,
            Kind::Devops => devops::write(options.samples, options.seed, &mut texts)?,
        };
        texts.lp.file.flush()?;
        texts.csv.file.flush()?;
        let Written { samples, series, last_ns, floor_bytes } = written;
        let end_s = last_ns / 1_000_000_000 + 1;
        Ok(Self { kind, samples, series, end_s, floor_bytes, lp, csv })
    }

    /// The set in one line.
    pub(crate) fn title(&self) -> String {
        let kind = match self.kind {
            Kind::Agent => "agent",
            Kind::Devops => "devops",
        };
        format!(
            "{kind}: {} samples in {} series over {:.1} h; information in the data: {:.2} bytes a sample",
            self.samples,
            self.series,
            (self.end_s - START_NS / 1_000_000_000) as f64 / 3600.0,
            self.floor_bytes
        )
    }
}

/// The two texts that a generator writes.
pub(crate) struct Texts {
    /// Line protocol.
    pub(crate) lp: Text,
    /// CSV.
    pub(crate) csv: Text,
}

/// A text file under construction.
pub(crate) struct Text {
    file: BufWriter<File>,
    line: Vec<u8>,
}

impl Text {
    fn create(path: &Path) -> Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(1 << 20, File::create(path)?), line: Vec::new() })
    }

    /// Adds `text` to the line.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.line.extend_from_slice(text.as_bytes());
        self
    }

    /// Adds a whole number to the line.
    pub(crate) fn push_integer(&mut self, number: i64) -> &mut Self {
        self.line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self
    }

    /// Adds `thousandths` / 1000 to the line, without zeros at its end: `12.5`.
    pub(crate) fn push_thousandths(&mut self, thousandths: u64) -> &mut Self {
        self.push_integer((thousandths / 1000) as i64);
        let mut rest = thousandths % 1000;
        let mut unit = 100;
        self.line.push(b'.');
        loop {
            self.line.push(b'0' + (rest / unit) as u8);
            (rest, unit) = (rest % unit, unit / 10);
            if rest == 0 {
                return self;
            }
        }
    }

    /// Ends the line.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.line.push(b'\n');
        self.file.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }
}
