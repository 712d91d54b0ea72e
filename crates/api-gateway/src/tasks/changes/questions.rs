//! Questions to people that a change asks or closes.

use protocol::vocabulary::Priority;

use crate::reviews::ReviewStatus;
use crate::reviews::store::{ClosedReview, NewReview};
use crate::tasks::lifecycle::Input;
use crate::tasks::task::Task;

/// The questions of a set of changes, in the order in which they came about.
#[derive(Default)]
pub(super) struct Questions {
    pub(super) asked: Vec<NewReview>,
    pub(super) closed: Vec<ClosedReview>,
}

impl Questions {
    /// Notes what a change means for the question that its task waits for.
    pub(super) fn note(&mut self, before: &Task, after: &Task, input: &Input) {
        if before.review == after.review && before.attempt == after.attempt {
            return;
        }
        if let Some(review) = &before.review {
            let status = match input {
                Input::ReviewCompleted { decision, .. } => (*decision).into(),
                _ => ReviewStatus::Withdrawn,
            };
            let (task_id, attempt) = (before.submission.id, before.attempt);
            self.closed.push(ClosedReview { review_id: review.review_id.clone(), task_id, attempt, status });
        }
        if let (Some(review), Input::ReviewRequested { priority, questions, .. }) = (&after.review, input) {
            self.asked.push(NewReview {
                review_id: review.review_id.clone(),
                task_id: after.submission.id,
                attempt: after.attempt,
                project_id: after.submission.project_id.clone(),
                priority: urgency(priority.as_deref(), after.submission.priority),
                summary: review.reason.clone(),
                questions: questions.clone(),
            });
        }
    }
}

/// QA has words of its own; what is not known counts as the task's.
fn urgency(told: Option<&str>, of_task: Priority) -> Priority {
    match told {
        Some("medium") => Priority::Normal,
        Some(word) => word.parse().unwrap_or(of_task),
        None => of_task,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qa_s_words_for_urgency_are_understood_or_the_task_s_is_taken() {
        for (told, expected) in [
            (Some("medium"), Priority::Normal),
            (Some("critical"), Priority::Critical),
            (Some("whenever"), Priority::High),
            (None, Priority::High),
        ] {
            assert_eq!(urgency(told, Priority::High), expected, "{told:?}");
        }
    }
}
