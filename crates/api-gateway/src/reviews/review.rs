//! A review as the gateway knows it.

use std::fmt;
use std::str::FromStr;

use protocol::vocabulary::{Priority, ReviewDecision};
use protocol::{ProjectId, TaskId, Timestamp};
use serde::Serialize;
use thiserror::Error;

/// Most characters of a review's id.
const MOST_ID_CHARS: usize = 255;

/// A review's id, as QA chose it: 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ReviewId(String);

/// A text that is no review's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must have 1 to {MOST_ID_CHARS} characters and no NUL")]
pub struct InvalidReviewId;

impl ReviewId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReviewId {
    type Err = InvalidReviewId;

    fn from_str(text: &str) -> Result<Self, InvalidReviewId> {
        let fits = (1..=MOST_ID_CHARS).contains(&text.chars().count()) && !text.contains('\0');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidReviewId) }
    }
}

impl fmt::Display for ReviewId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether a review was answered, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStatus {
    /// A person is asked.
    Pending,
    /// The output is good.
    Approved,
    /// The output is not good.
    Rejected,
    /// The output is good once it is changed.
    ChangesRequested,
    /// The task went on without an answer.
    Withdrawn,
}

impl ReviewStatus {
    /// All words, as they are stored and shown.
    pub const WORDS: &'static [&'static str] =
        &["pending", "approved", "rejected", "changes_requested", "withdrawn"];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::ChangesRequested => "changes_requested",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for ReviewStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for ReviewStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Pending, Self::Approved, Self::Rejected, Self::ChangesRequested, Self::Withdrawn];
        all.into_iter().find(|status| status.as_str() == text).ok_or_else(|| text.to_owned())
    }
}

impl From<ReviewDecision> for ReviewStatus {
    fn from(decision: ReviewDecision) -> Self {
        match decision {
            ReviewDecision::Approved => Self::Approved,
            ReviewDecision::Rejected => Self::Rejected,
            ReviewDecision::ChangesRequested => Self::ChangesRequested,
        }
    }
}

/// A question that a person is or was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// The task it is about.
    pub task_id: TaskId,
    /// The task's project.
    pub project_id: ProjectId,
    /// Which attempt of the task.
    pub attempt: u32,
    /// How urgent.
    pub priority: Priority,
    /// Why a person is asked.
    pub summary: String,
    /// What the person should look at.
    pub questions: Vec<String>,
    /// Whether it was answered.
    pub status: ReviewStatus,
    /// When it was asked.
    pub created_at: Timestamp,
}

/// What a person answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The decision.
    pub decision: ReviewDecision,
    /// In words.
    pub comments: Option<String>,
    /// Changes that must be made.
    pub required_changes: Vec<String>,
    /// Who answers, where that is known.
    pub reviewer: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_texts_and_words_round_trip() {
        assert!("".parse::<ReviewId>().is_err() && "r\0".parse::<ReviewId>().is_err());
        assert!("r".repeat(256).parse::<ReviewId>().is_err());
        assert_eq!("ü/1".parse::<ReviewId>().unwrap().as_str(), "ü/1");
        for word in ReviewStatus::WORDS {
            assert_eq!(word.parse::<ReviewStatus>().unwrap().as_str(), *word);
        }
    }
}
