//! Names of the earlier system are any text; ours are UUIDs. A name that is one stands for itself, any other for a
//! UUID that is derived from it, so that everybody finds the same one.

use protocol::ProjectId;
use uuid::Uuid;

/// Namespace of ids that are derived from names in files.
const FILE_NAMESPACE: Uuid = Uuid::from_u128(0x5ad1_0d4e_8c52_5b8f_9d0a_3c1f_77e2_4b65);

/// The record of that name.
pub(crate) fn record_uuid(name: &str) -> Uuid {
    Uuid::parse_str(name).unwrap_or_else(|_| derived("record", name))
}

/// The task of that name.
pub(crate) fn task_uuid(name: &str) -> Uuid {
    Uuid::parse_str(name).unwrap_or_else(|_| derived("task", name))
}

/// The task of a record that names none: its own, so that such records are not taken for one task's.
pub(super) fn nameless_task_uuid(record: &str) -> Uuid {
    derived("task of record", record)
}

/// The checkpoint of that name.
pub(super) fn checkpoint_uuid(name: &str) -> Uuid {
    Uuid::parse_str(name).unwrap_or_else(|_| derived("checkpoint", name))
}

/// The name of a taint event that happened here: the same whenever it is written, and no other store's.
pub(super) fn event_uuid(record: &str, number: i64, timestamp: &str) -> Uuid {
    derived("taint event", &format!("{record}/{number}/{timestamp}"))
}

fn derived(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&FILE_NAMESPACE, format!("{kind}:{name}").as_bytes())
}

/// The project of that name: as projects are named elsewhere, lower case with `-` for what ids do not take, if it is
/// no id as it stands. `None` for a name without a character.
pub(super) fn project(name: &str) -> Option<ProjectId> {
    if let Ok(project) = ProjectId::new(name) {
        return Some(project);
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    let lower = name.to_lowercase();
    let slug = lower.chars().map(|c| if allowed(c) { c } else { '-' });
    ProjectId::new(slug.take(ProjectId::MAX_CHARS).collect::<String>()).ok()
}

/// Whether a file may be written back under that name: a plain name, no path.
pub(super) fn is_plain_file_name(name: &str) -> bool {
    let chars = name.chars().count();
    (1..=255).contains(&chars)
        && !name.starts_with('.')
        && !name.contains(|c: char| c == '/' || c == '\\' || c.is_control())
}

/// The name of a file when it is not the first to want that name.
pub(super) fn numbered(name: &str, number: u32) -> String {
    let stem = name.strip_suffix(".json").unwrap_or(name);
    if number < 2 { name.to_owned() } else { format!("{stem}-{number}.json") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_stands_for_itself_and_any_other_name_for_a_fixed_one() {
        let uuid = "338faa86-17b0-48a2-a961-1b9458e40045";
        assert_eq!(record_uuid(uuid).to_string(), uuid);
        assert_eq!(record_uuid("legacy-005"), record_uuid("legacy-005"));
        assert_ne!(record_uuid("legacy-005"), task_uuid("legacy-005"));
    }

    #[test]
    fn a_name_that_is_no_project_id_becomes_one() {
        assert_eq!(project("shop-backend").unwrap().as_str(), "shop-backend");
        assert_eq!(project("My Shop/2").unwrap().as_str(), "my-shop-2");
        assert_eq!(project(""), None);
    }

    #[test]
    fn a_file_name_is_never_a_path() {
        for (name, plain) in
            [("a.json", true), ("../a.json", false), ("a/b.json", false), (".hidden", false), ("", false)]
        {
            assert_eq!(is_plain_file_name(name), plain, "{name}");
        }
    }
}
