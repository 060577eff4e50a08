//! Text into samples and back: InfluxDB line protocol, CSV and JSON Lines.
//!
//! [`read`] parses an input of any size on several threads in bounded memory and hands the samples, in the order of the
//! input, to a [`Sink`]. The first wrong line ends it with an error that names file, line and column; what the sink has
//! taken until then is for its owner to roll back. [`writer`] goes the other way.
//!
//! Invariant: what a [`SampleWriter`] writes, [`read`] reads back as the same series, times and bits of values.

mod block;
mod csv;
mod csv_guess;
mod csv_plan;
mod csv_record;
mod detect;
mod influx;
mod influx_head;
mod jsonl;
mod jsonl_row;
mod number;
mod options;
mod pipeline;
mod reader;
mod series;
mod summary;
mod write;

#[cfg(test)]
mod tests;

pub use detect::detect;
pub use options::{CsvOptions, Format, Options, Precision, Strings};
pub use pipeline::{Sink, read};
pub use series::NAME_LEN_MAX;
pub use summary::{Counted, ReadSummary};
pub use write::{SampleWriter, writer};

/// The longest line (of CSV: the longest row), in bytes.
pub const LINE_LEN_MAX: usize = 1 << 20;
