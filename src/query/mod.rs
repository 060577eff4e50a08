//! From the text of a query to a table: text → ast → plan → execution over a [`source::Source`] → [`crate::model::Table`].

pub mod aggregate;
pub mod ast;
pub mod exec;
mod explain;
pub mod functions;
pub mod parser;
mod plan;
mod show;
pub mod source;
