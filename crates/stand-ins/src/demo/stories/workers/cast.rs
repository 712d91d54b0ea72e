//! The tasks of the demo, and how each must end.

use serde_json::{Value, json};

/// One task of the demo.
pub(super) struct Part {
    /// Its short name on the screen.
    pub(super) label: &'static str,
    description: &'static str,
    priority: &'static str,
    /// The status it must end in.
    pub(super) ends: &'static str,
    /// The attempt it must end in.
    pub(super) attempts: u64,
    /// Whether the demo cancels it once a worker has begun.
    pub(super) cancelled_midway: bool,
}

impl Part {
    /// The body of its `POST /tasks`.
    pub(super) fn submission(&self, project: &str) -> Value {
        json!({
            "description": self.description,
            "project_id": project,
            "priority": self.priority,
            "metadata": { "tags": ["demo"], "requester": "dats-demo" },
        })
    }
}

const fn part(label: &'static str, description: &'static str) -> Part {
    Part { label, description, priority: "normal", ends: "completed", attempts: 1, cancelled_midway: false }
}

/// Everybody who plays.
pub(super) fn all() -> Vec<Part> {
    vec![
        part("code", "Write a function that parses ISO 8601 durations such as PT1H30M into seconds."),
        part(
            "documentation",
            "Write a README section that explains how to configure logging: levels, formats and where it goes.",
        ),
        Part {
            priority: "high",
            attempts: 2,
            ..part(
                "rejected once",
                "Fix the bug in the CSV reader that drops line breaks inside quoted fields. [reject-once]",
            )
        },
        part(
            "analysis",
            "Compare three ways to store time series in PostgreSQL and recommend one for 10,000 points a second.",
        ),
        Part {
            ends: "failed",
            ..part(
                "fails for good",
                "Restore the source code of a firmware image that nobody has any more. [fail]",
            )
        },
        Part {
            ends: "cancelled",
            cancelled_midway: true,
            ..part(
                "cancelled",
                "Design the architecture of an event-sourced billing system in every detail. [takes 60000ms]",
            )
        },
    ]
}
