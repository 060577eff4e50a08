//! Plain words without I/O: time, labels, series, samples, metric metadata, units, and the table that answers a query.

mod cancel;
mod labels;
mod metric;
mod pattern;
mod sample;
mod table;
mod time;
mod unit;

pub use cancel::{Cancel, NoProgress, Progress};
pub use labels::{LABEL_LEN_MAX, Labels};
pub use metric::{Better, Kind, MetricMeta};
pub use pattern::matches;
pub use sample::{Columns, Series, SeriesSet, TIME_MAX, sort_by_time};
pub use table::{Cells, Column, ColumnType, Note, Table};
pub use time::{Duration, TimeRange, Timestamp, Zone};
pub use unit::{Dimension, Unit};
