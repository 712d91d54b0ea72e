//! What operators settle about marks and checkpoints.

use crate::checkpoints::CheckpointRules;
use crate::marks::MarkRules;

/// See the module. By default waves run without end, and no checkpoint is made or given up by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// What holds for every mark.
    pub marks: MarkRules,
    /// When checkpoints are made by themselves, and how many are kept.
    pub checkpoints: CheckpointRules,
}
