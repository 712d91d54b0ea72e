//! Splitting a task along the list in its own description. Numbered steps follow one another, so each depends on
//! the one before; bullets are independent of each other. Indented lines belong to the item above them, and what
//! stands around the list goes along with every part as its purpose.

use protocol::events::Subtask;

/// Most characters of the surrounding text that go along with every part.
const PURPOSE_CHARACTERS: usize = 4_000;

/// How an item is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    Numbered,
    Bullet,
}

struct Item {
    marker: Marker,
    text: String,
}

/// The parts that the description itself lists at its outermost level; empty if it has no list.
#[must_use]
pub fn parts_of(description: &str) -> Vec<Subtask> {
    let (items, around) = read_list(description);
    let purpose = shorten(around.trim());
    let mut previous_step: Option<String> = None;
    let mut parts = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let id = format!("part-{}", index + 1);
        let dependencies = match item.marker {
            Marker::Numbered => previous_step.replace(id.clone()).into_iter().collect(),
            Marker::Bullet => Vec::new(),
        };
        let text = item.text.trim();
        let description = if purpose.is_empty() {
            text.to_owned()
        } else {
            format!("{text}\n\nThis is part of: {purpose}")
        };
        parts.push(Subtask { id, description, dependencies, domain: None, tier: None, is_atomic: true });
    }
    parts
}

/// The items of the outermost list, and the text that belongs to none of them.
fn read_list(description: &str) -> (Vec<Item>, String) {
    let mut items: Vec<Item> = Vec::new();
    let mut around = String::new();
    let mut inside_item = false;
    let mut in_fence = false;
    let mut list_indent: Option<usize> = None;
    for line in description.lines() {
        let fence = line.trim_start().starts_with("```");
        let marked = if in_fence || fence { None } else { marked_item(line) };
        in_fence ^= fence;
        match marked {
            Some((indent, marker, text)) if indent <= *list_indent.get_or_insert(indent) => {
                items.push(Item { marker, text: text.to_owned() });
                inside_item = true;
                continue;
            }
            _ => {}
        }
        // Text at the margin ends the item, unless it is code that the item quotes.
        inside_item &= in_fence || fence || line.trim().is_empty() || line.starts_with([' ', '\t']);
        let target = match items.last_mut() {
            Some(item) if inside_item => &mut item.text,
            _ => &mut around,
        };
        target.push('\n');
        target.push_str(line);
    }
    items.retain(|item| !item.text.trim().is_empty());
    (items, around)
}

/// Indentation, marker and text of a line that begins a list item.
fn marked_item(line: &str) -> Option<(usize, Marker, &str)> {
    let body = line.trim_start();
    let indent = line.len() - body.len();
    if let Some(rest) = ["- ", "* ", "+ ", "• "].iter().find_map(|bullet| body.strip_prefix(bullet)) {
        let rest = rest.trim_start();
        let unchecked = rest.strip_prefix("[ ]").or_else(|| rest.strip_prefix("[x]")).unwrap_or(rest);
        return Some((indent, Marker::Bullet, unchecked.trim_start()));
    }
    let numbered = body.strip_prefix("Step ").or_else(|| body.strip_prefix("step ")).unwrap_or(body);
    let after_digits = numbered.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = numbered.len() - after_digits.len();
    if !(1..=3).contains(&digits) {
        return None;
    }
    let rest = after_digits.strip_prefix(['.', ')', ':'])?;
    rest.starts_with(' ').then(|| (indent, Marker::Numbered, rest.trim_start()))
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(PURPOSE_CHARACTERS) {
        Some((end, _)) => format!("{} ...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(description: &str) -> Vec<(String, Vec<String>)> {
        parts_of(description).into_iter().map(|part| (part.description, part.dependencies)).collect()
    }

    fn texts(description: &str) -> Vec<String> {
        parts_of(description).into_iter().map(|part| part.description).collect()
    }

    #[test]
    fn numbered_steps_follow_one_another() {
        let parts = parts_of("1. Design the schema\n2) Write the migration\nStep 3: Test it");
        let dependencies: Vec<_> =
            parts.iter().map(|part| (part.id.as_str(), part.dependencies.clone())).collect();
        assert_eq!(
            dependencies,
            [
                ("part-1", vec![]),
                ("part-2", vec!["part-1".to_owned()]),
                ("part-3", vec!["part-2".to_owned()])
            ]
        );
        assert_eq!(parts[2].description, "Test it");
    }

    #[test]
    fn bullets_are_independent_and_carry_the_purpose() {
        assert_eq!(
            plan("Build a shop:\n- a cart\n* [ ] a checkout\n"),
            [
                ("a cart\n\nThis is part of: Build a shop:".to_owned(), vec![]),
                ("a checkout\n\nThis is part of: Build a shop:".to_owned(), vec![]),
            ]
        );
    }

    #[test]
    fn indented_lines_and_nested_items_stay_with_the_item_above() {
        assert_eq!(texts("- one\n  - nested\n  more\n- two"), ["one\n  - nested\n  more", "two"]);
    }

    #[test]
    fn lists_inside_code_are_not_parts() {
        assert_eq!(texts("- run\n```\n- not a part\n1. neither\n```\n- stop").len(), 2);
        assert!(parts_of("```\n- x\n- y\n```").is_empty());
    }

    #[test]
    fn prose_versions_and_ranges_are_not_lists() {
        assert!(parts_of("Upgrade to 1.5 and keep 2-3 workers").is_empty());
        assert!(parts_of("1.5 is the version\n2024 was the year").is_empty());
    }

    #[test]
    fn text_after_the_list_belongs_to_every_part() {
        let parts = texts("- a\n- b\n\nKeep it small.");
        assert!(parts.iter().all(|part| part.ends_with("This is part of: Keep it small.")), "{parts:?}");
    }

    #[test]
    fn a_long_purpose_is_shortened_at_a_character() {
        let description = format!("{}\n- a\n- b", "ü".repeat(5_000));
        let part = &texts(&description)[0];
        assert_eq!(part.chars().filter(|&c| c == 'ü').count(), PURPOSE_CHARACTERS);
    }
}
