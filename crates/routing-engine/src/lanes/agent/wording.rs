//! Agents' words as people read them: progress as a sentence, outputs cut where they are too long to travel.

use serde_json::{Value, json};

use super::wire::{Progress, ProgressState};

/// Longest step output told as progress, in bytes; the whole of it comes with the result.
const LONGEST_STEP_OUTPUT: usize = 2_000;

/// The text if it has at most `limit` bytes; else its beginning, cut between two characters, and a note that says so
/// and tells the full size. With the note it has at most `limit` bytes, unless `limit` is too small for the note alone.
pub(super) fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let note = format!("\n[cut here: the whole text has {} bytes]", text.len());
    let kept = text.floor_char_boundary(limit.saturating_sub(note.len()));
    let mut shortened = text;
    shortened.truncate(kept);
    shortened.push_str(&note);
    shortened
}

/// The value if its JSON has at most `limit` bytes; else a note that says how large it was. Half of it would be none.
pub(super) fn bounded(value: Value, limit: usize) -> Value {
    let size = value.to_string().len();
    if size <= limit {
        value
    } else {
        json!({ "left_out": format!("{size} bytes, more than {limit} are not kept") })
    }
}

/// Progress in one sentence; `None` if there is nothing to say but that it goes on.
pub(super) fn sentence(progress: &Progress) -> Option<String> {
    let number = progress.step.as_ref().and_then(|step| step.number).map(|number| number.to_string());
    let place = number.map_or_else(|| "step".to_owned(), |number| format!("step {number}"));
    let (name, output) =
        progress.step.as_ref().map_or(("", ""), |step| (step.name.trim(), step.output.trim()));
    let mut sentence = match (progress.state, progress.step.is_some()) {
        (ProgressState::Running, false) => return None,
        (ProgressState::Running, true) => capitalised(&place),
        (ProgressState::StepCompleted, false) => "A step is done".to_owned(),
        (ProgressState::StepCompleted, true) => format!("{} done", capitalised(&place)),
        (ProgressState::Paused, false) => "Paused".to_owned(),
        (ProgressState::Paused, true) => format!("Paused at {place}"),
    };
    for part in [name, output].into_iter().filter(|part| !part.is_empty()) {
        sentence.push_str(": ");
        sentence.push_str(&cut(part.to_owned(), LONGEST_STEP_OUTPUT));
    }
    Some(sentence)
}

fn capitalised(place: &str) -> String {
    place.replacen("step", "Step", 1)
}

#[cfg(test)]
mod tests {
    use protocol::TaskId;

    use super::super::wire::Step;
    use super::*;

    fn progress(state: ProgressState, step: Option<(Option<i64>, &str, &str)>) -> Progress {
        Progress {
            task_id: TaskId::generate(),
            trace_id: None,
            request_id: None,
            agent_id: None,
            state,
            percent: None,
            step: step.map(|(number, name, output)| Step {
                number,
                name: name.to_owned(),
                output: output.to_owned(),
            }),
        }
    }

    #[test]
    fn progress_is_told_in_one_sentence() {
        use ProgressState::{Paused, Running, StepCompleted};
        for (state, step, expected) in [
            (Running, Some((Some(2), "Install packages", "")), Some("Step 2: Install packages")),
            (Running, Some((Some(2), "Install", " 14 of 20\n")), Some("Step 2: Install: 14 of 20")),
            (Running, Some((None, "Install", "")), Some("Step: Install")),
            (Running, Some((Some(3), "", "")), Some("Step 3")),
            (StepCompleted, Some((Some(1), "Checkout", "")), Some("Step 1 done: Checkout")),
            (Paused, Some((Some(4), "Reboot", "")), Some("Paused at step 4: Reboot")),
            (StepCompleted, None, Some("A step is done")),
            (Paused, None, Some("Paused")),
            (Running, None, None),
        ] {
            assert_eq!(sentence(&progress(state, step)).as_deref(), expected);
        }
    }

    #[test]
    fn a_text_of_exactly_the_limit_is_whole_and_one_byte_more_is_cut_to_it() {
        assert_eq!(cut("x".repeat(1_000), 1_000), "x".repeat(1_000));
        let shortened = cut("x".repeat(1_001), 1_000);
        assert_eq!(shortened.len(), 1_000);
        assert!(shortened.ends_with("\n[cut here: the whole text has 1001 bytes]"), "{shortened}");
    }

    #[test]
    fn a_value_that_is_too_large_is_left_out_with_a_note() {
        let list = json!(["x".repeat(96)]);
        assert_eq!(bounded(list.clone(), 100), list);
        assert_eq!(bounded(list, 99), json!({ "left_out": "100 bytes, more than 99 are not kept" }));
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        for size in 60..70 {
            let shortened = cut("ä€😀".repeat(30), size);
            assert!(shortened.len() <= size);
            let kept = shortened.split("\n[cut").next().unwrap();
            assert!("ä€😀".repeat(30).starts_with(kept));
        }
    }
}
