//! Names of databases and virtual hosts of tests: they say what for, are never used twice, and tell
//! their age, so that what a killed test left behind can be swept later.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

const PREFIX: &str = "dats_test_";
const LONGEST_HINT: usize = 20;
/// No test runs this long.
const STALE_AFTER: Duration = Duration::from_secs(4 * 3600);

/// A fresh name that contains `hint`.
pub(crate) fn fresh(hint: &str) -> String {
    let hint: String = hint
        .chars()
        .take(LONGEST_HINT)
        .map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '_' })
        .collect();
    format!("{PREFIX}{hint}_{}", Uuid::now_v7().simple())
}

/// Whether a test made this name so long ago that nobody uses it any more.
pub(crate) fn is_stale(name: &str) -> bool {
    is_stale_at(name, SystemTime::now())
}

fn is_stale_at(name: &str, now: SystemTime) -> bool {
    let made_at = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.rsplit('_').next())
        .and_then(|random| Uuid::parse_str(random).ok())
        .and_then(|id| id.get_timestamp())
        .map(|timestamp| SystemTime::UNIX_EPOCH + Duration::from_secs(timestamp.to_unix().0));
    made_at.is_some_and(|at| now.duration_since(at).is_ok_and(|age| age > STALE_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_sixty_three_characters_and_differ() {
        let (one, two) = (fresh("Outbox survives a crash between commit"), fresh("outbox"));
        assert!(one.len() <= 63 && one.starts_with("dats_test_outbox_survives_a_cr_"), "{one}");
        assert_ne!(fresh("outbox"), two);
    }

    #[test]
    fn only_old_names_of_tests_are_stale() {
        let name = fresh("probe");
        let later = SystemTime::now() + STALE_AFTER + Duration::from_secs(60);
        assert!(!is_stale(&name));
        assert!(is_stale_at(&name, later));
        assert!(!is_stale_at("dats_gateway", later) && !is_stale_at("dats_test_by_hand", later));
    }
}
