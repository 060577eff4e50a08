//! From the text of a query to a table: text → ast → plan → execution over a [`source::Source`] → [`crate::model::Table`].

pub mod aggregate;
pub mod ast;
pub mod parser;
pub mod source;
