//! A task's history: without gaps, never backwards, one verdict for an attempt.

use std::collections::BTreeMap;

use serde_json::Value;

/// Phases of one attempt in the order in which they are passed; a task may wait for a slot before and after it waits for
/// other tasks.
const ORDER: [&[&str]; 6] =
    [&["submitted", "blocked"], &["routing"], &["ready"], &["executing"], &["validating"], &["done"]];

/// What is wrong with a task's history.
pub(super) fn faults(task: &Value, history: &[Value]) -> Vec<String> {
    let applied: Vec<&Value> = history.iter().filter(|entry| entry["outcome"] == "applied").collect();
    let mut faults = gaps(&applied);
    faults.extend(steps_back(&applied));
    faults.extend(repeated_verdicts(&applied));
    let last = applied.last().map(|entry| &entry["to_phase"]);
    if last.is_some_and(|phase| *phase != task["phase"]) {
        faults.push(format!(
            "its history ends in {} and it is {}",
            last.unwrap_or(&Value::Null),
            task["phase"]
        ));
    }
    faults
}

/// Entries that do not begin where the one before them ended.
fn gaps(applied: &[&Value]) -> Vec<String> {
    let torn = applied.windows(2).filter(|pair| pair[0]["to_phase"] != pair[1]["from_phase"]);
    torn.map(|pair| format!("a gap between {} and {}", line(pair[0]), line(pair[1]))).collect()
}

/// Entries that lead back within an attempt. The last one of an attempt may: it begins the next.
fn steps_back(applied: &[&Value]) -> Vec<String> {
    let rank = |phase: &Value| ORDER.iter().position(|known| known.iter().any(|name| phase == name));
    let leads_back = |entry: &Value| match (rank(&entry["from_phase"]), rank(&entry["to_phase"])) {
        (Some(from), Some(to)) => to < from,
        (_, _) => false,
    };
    let ends_its_attempt = |index: usize| {
        applied.get(index + 1).is_some_and(|next| next["attempt"] != applied[index]["attempt"])
    };
    let back = (0..applied.len()).filter(|&index| leads_back(applied[index]) && !ends_its_attempt(index));
    back.map(|index| format!("a step back: {}", line(applied[index]))).collect()
}

fn repeated_verdicts(applied: &[&Value]) -> Vec<String> {
    let mut verdicts: BTreeMap<u64, usize> = BTreeMap::new();
    for entry in applied {
        let event = entry["event"].as_str().unwrap_or_default();
        if matches!(event, "task.validated" | "task.rejected" | "task.completed") {
            *verdicts.entry(entry["attempt"].as_u64().unwrap_or_default()).or_default() += 1;
        }
    }
    let repeated = verdicts.into_iter().filter(|(_, count)| *count > 1);
    repeated.map(|(attempt, count)| format!("attempt {attempt} has {count} verdicts")).collect()
}

fn line(entry: &Value) -> String {
    format!("{} ({} -> {})", entry["event"], entry["from_phase"], entry["to_phase"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(event: &str, from: &str, to: &str) -> Value {
        json!({ "event": event, "from_phase": from, "to_phase": to, "attempt": 1, "outcome": "applied" })
    }

    fn good() -> Vec<Value> {
        vec![
            entry("admitted", "submitted", "routing"),
            entry("task.ready", "routing", "ready"),
            entry("task.output.created", "ready", "validating"),
            entry("task.validated", "validating", "done"),
        ]
    }

    #[test]
    fn a_good_history_has_no_faults_and_each_kind_of_bad_one_has() {
        let task = json!({ "phase": "done" });
        assert_eq!(faults(&task, &good()), Vec::<String>::new());
        let mut second_attempt = good();
        for entry in &mut second_attempt {
            entry["attempt"] = json!(2);
        }
        let mut rejected = good();
        rejected[3] = entry("task.rejected", "validating", "submitted");
        rejected.extend(second_attempt);
        assert_eq!(faults(&task, &rejected), Vec::<String>::new());
        let mut waiting = good();
        waiting.insert(0, entry("dependencies.completed", "blocked", "submitted"));
        assert_eq!(faults(&task, &waiting), Vec::<String>::new());
        let mut torn = good();
        torn.remove(1);
        let mut back = good();
        back.insert(3, entry("task.started", "validating", "ready"));
        back.insert(4, entry("task.output.created", "ready", "validating"));
        let mut twice = good();
        twice.push(entry("task.validated", "done", "done"));
        let unfinished = good()[..3].to_vec();
        for (history, told) in
            [(torn, "a gap"), (back, "a step back"), (twice, "2 verdicts"), (unfinished, "its history ends")]
        {
            let found = faults(&task, &history);
            assert!(found.iter().any(|fault| fault.contains(told)), "{told}: {found:?}");
        }
    }
}
