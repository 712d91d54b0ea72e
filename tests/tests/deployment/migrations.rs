//! Migrations only add: while an upgrade rolls, the version before works on the tables of the version after it. What
//! looks unsafe and is not says why, in a comment `-- safe: ...` right above the statement.

use std::collections::BTreeSet;
use std::fs;

use crate::checkout;

/// A statement and the comment lines right above it.
struct Statement {
    comments: Vec<String>,
    /// On one line, blanks joined, in upper case but for texts.
    text: String,
}

/// Splits a migration at its semicolons, outside of texts and comments.
fn statements(sql: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    let (mut text, mut comments) = (String::new(), Vec::new());
    let (mut quoted, mut in_body) = (false, false);
    for line in sql.lines() {
        if !quoted && line.trim_start().starts_with("--") {
            comments.push(line.trim_start().trim_start_matches('-').trim().to_owned());
            continue;
        }
        if !quoted && line.trim().is_empty() && text.trim().is_empty() {
            comments.clear();
        }
        let mut rest = line.chars().peekable();
        while let Some(letter) = rest.next() {
            match letter {
                // The body of a function, which has semicolons of its own.
                '$' if !quoted && rest.peek() == Some(&'$') => {
                    in_body = !in_body;
                    rest.next();
                }
                '\'' => quoted = !quoted,
                '-' if !quoted && rest.peek() == Some(&'-') => break,
                ';' if !quoted && !in_body => {
                    let text = std::mem::take(&mut text);
                    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
                    found.push(Statement { comments: std::mem::take(&mut comments), text });
                    continue;
                }
                _ => {}
            }
            text.push(letter);
        }
        text.push(' ');
    }
    assert!(text.trim().is_empty(), "a statement without its semicolon: {text}");
    found
}

/// What is wrong with a statement, for versions that know nothing of it.
fn danger(statement: &str, new_tables: &BTreeSet<String>) -> Option<&'static str> {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let own = |name: Option<&&str>| name.is_some_and(|name| new_tables.contains(name.trim_matches('(')));
    match words.as_slice() {
        ["CREATE", "TABLE", ..] | ["COMMENT", "ON", ..] | ["CREATE", "INDEX", ..] => None,
        ["CREATE", "UNIQUE", "INDEX", ..] => {
            let table = words.iter().position(|word| *word == "ON").and_then(|at| words.get(at + 1));
            (!own(table)).then_some("a uniqueness that the version before does not keep")
        }
        ["INSERT", "INTO", ..] => None,
        ["ALTER", "TABLE", table, ..] if own(Some(table)) => None,
        ["ALTER", "TABLE", ..] => danger_of_change(statement),
        ["CREATE", "FUNCTION" | "TYPE" | "SEQUENCE" | "EXTENSION" | "TRIGGER", ..] => None,
        ["UPDATE", table, ..] if own(Some(table)) => None,
        _ => Some("not one of the statements that only add"),
    }
}

fn danger_of_change(statement: &str) -> Option<&'static str> {
    let forbidden = [
        ("DROP ", "what is dropped may be used by the version before"),
        ("RENAME ", "the version before knows the old name"),
        (" TYPE ", "the version before writes the old type"),
        ("SET NOT NULL", "the version before may write null"),
        ("ADD UNIQUE", "the version before does not keep the rule"),
    ];
    let new_rule = statement.contains("ADD CHECK") || statement.contains("ADD CONSTRAINT");
    if new_rule && !is_about_new_columns(statement) {
        return Some("the version before does not keep the rule");
    }
    if let Some((_, problem)) = forbidden.iter().find(|(words, _)| statement.contains(words)) {
        return Some(problem);
    }
    let columns = statement.split("ADD COLUMN").skip(1);
    let needs_value = |column: &str| {
        column.contains("NOT NULL") && !column.contains("DEFAULT") && !column.contains("GENERATED")
    };
    columns
        .into_iter()
        .any(needs_value)
        .then_some("the version before inserts rows without it: give it a default")
}

/// Whether the rules of a change are about columns that it adds: the version before leaves those as they are by default.
fn is_about_new_columns(statement: &str) -> bool {
    const WORDS: [&str; 6] = ["IS", "NOT", "NULL", "AND", "OR", "IN"];
    let added: BTreeSet<&str> =
        statement.split("ADD COLUMN ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
    let rules = statement.split("ADD CONSTRAINT").skip(1).chain(statement.split("ADD CHECK").skip(1));
    rules.filter_map(|rule| rule.split_once("CHECK").map_or(Some(rule), |(_, rule)| Some(rule))).all(|rule| {
        rule.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .filter(|word| {
                word.starts_with(|letter: char| letter.is_ascii_alphabetic()) && !WORDS.contains(word)
            })
            .all(|word| added.contains(word))
    })
}

fn table_made_by(statement: &str) -> Option<String> {
    let rest = statement.strip_prefix("CREATE TABLE ")?;
    let rest = rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest);
    Some(rest.split([' ', '(']).next()?.to_owned())
}

fn is_explained(statement: &Statement) -> bool {
    statement.comments.iter().any(|comment| comment.strip_prefix("safe:").is_some_and(|why| why.len() > 10))
}

/// The problems of one migration.
fn problems(sql: &str) -> Vec<String> {
    let statements = statements(sql);
    let new_tables: BTreeSet<String> = statements.iter().filter_map(|one| table_made_by(&one.text)).collect();
    let mut problems: Vec<String> = statements
        .iter()
        .filter(|statement| !is_explained(statement))
        .filter_map(|one| danger(&one.text, &new_tables).map(|problem| format!("{problem}: {}", one.text)))
        .collect();
    for table in &new_tables {
        if !statements.iter().any(|one| one.text.starts_with(&format!("COMMENT ON TABLE {table} "))) {
            problems.push(format!("table {table} has no comment"));
        }
    }
    problems
}

#[test]
fn the_migrations_only_add() {
    let mut seen = 0;
    for service in ["api-gateway", "provenance-store"] {
        for entry in fs::read_dir(checkout("migrations").join(service)).unwrap() {
            let folder = entry.unwrap().path();
            let sql = fs::read_to_string(folder.join("up.sql")).unwrap();
            let found = problems(&sql);
            assert!(found.is_empty(), "{}: {found:#?}", folder.display());
            let down = fs::read_to_string(folder.join("down.sql")).unwrap();
            assert!(!statements(&down).is_empty(), "{}: no way back", folder.display());
            seen += 1;
        }
    }
    assert!(seen >= 3, "the migrations are there");
}

#[test]
fn stamps_are_distinct_within_a_database() {
    for service in ["api-gateway", "provenance-store"] {
        let mut stamps = BTreeSet::new();
        for entry in fs::read_dir(checkout("migrations").join(service)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let (stamp, what) = name.split_once('_').unwrap();
            assert!(stamp.len() == 14 && stamp.chars().all(|digit| digit.is_ascii_digit()), "{name}");
            assert!(!what.is_empty() && stamps.insert(stamp.to_owned()), "{name}: its stamp is taken");
        }
    }
}

#[test]
fn what_the_version_before_could_not_bear_is_found() {
    for sql in [
        "ALTER TABLE tasks DROP COLUMN output;",
        "ALTER TABLE tasks RENAME COLUMN output TO result;",
        "ALTER TABLE tasks ALTER COLUMN attempt TYPE bigint;",
        "ALTER TABLE tasks ALTER COLUMN tier SET NOT NULL;",
        "ALTER TABLE tasks ADD COLUMN color text NOT NULL;",
        "ALTER TABLE tasks ADD COLUMN a text, ADD COLUMN b text NOT NULL;",
        "ALTER TABLE tasks ADD CONSTRAINT x CHECK (attempt < 9);",
        "CREATE UNIQUE INDEX x ON tasks (request_id);",
        "DROP TABLE tasks;",
        "DELETE FROM tasks;",
        "UPDATE tasks SET tier = '';",
        "TRUNCATE tasks;",
        "CREATE TABLE x (a int);",
        "-- safe:\nDROP TABLE tasks;",
    ] {
        assert!(!problems(sql).is_empty(), "{sql}");
    }
}

#[test]
fn what_only_adds_or_says_why_it_is_safe_is_let_through() {
    for sql in [
        "CREATE TABLE x (a int); COMMENT ON TABLE x IS 'a; b'; CREATE UNIQUE INDEX y ON x (a);",
        "ALTER TABLE tasks ADD COLUMN a text, ADD COLUMN b int NOT NULL DEFAULT 0;",
        "ALTER TABLE tasks ADD COLUMN a int, ADD COLUMN b int, ADD CONSTRAINT x CHECK ((a IS NULL) = (b IS NULL));",
        "CREATE INDEX y ON tasks (tier) WHERE tier IS NOT NULL; -- for lists",
        "-- safe: the column was never read since 0.1.0\nALTER TABLE tasks DROP COLUMN output;",
    ] {
        assert_eq!(problems(sql), Vec::<String>::new(), "{sql}");
    }
}
