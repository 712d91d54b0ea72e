//! The whole matrix of phases and inputs as one snapshot, the rules one by one, and invariants under random lives.

mod document;
mod fixtures;
mod invariants;
mod matrix;
mod rules;
