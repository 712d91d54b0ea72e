//! Splitting a task into subtasks.

pub mod plan;
