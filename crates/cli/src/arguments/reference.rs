//! `docs/cli-reference.md` is made from the definitions of the commands, and the guide beside it names every command.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};

use super::Arguments;

const HEAD: &str = "# Every command of `dats`\n\n\
    Made from the definitions in the code by `make contract`; a test compares. What the commands are for: \
    [cli.md](cli.md).\n";

fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn reference() -> String {
    let mut root = Arguments::command();
    root.build();
    let mut text = HEAD.to_owned();
    text.push_str("\n## Options of every command\n\n");
    text.push_str(&table(root.get_arguments().filter(|argument| is_own(argument))));
    for command in root.get_subcommands() {
        section(command, "dats", &mut text);
    }
    text
}

fn section(command: &Command, above: &str, text: &mut String) {
    let name = format!("{above} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    text.push_str(&format!("\n## `{name}`\n\n{about}.\n"));
    let own: Vec<&Arg> =
        command.get_arguments().filter(|argument| is_own(argument) && !argument.is_global_set()).collect();
    if !own.is_empty() {
        text.push_str(&format!("\n{}", table(own.into_iter())));
    }
    for below in command.get_subcommands() {
        section(below, &name, text);
    }
}

/// What clap adds by itself needs no telling.
fn is_own(argument: &Arg) -> bool {
    !matches!(argument.get_id().as_str(), "help" | "version")
}

fn table<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let mut text = "| argument | what it is |\n|---|---|\n".to_owned();
    for argument in arguments {
        let help = argument.get_help().map(|help| help.to_string().replace('|', "\\|")).unwrap_or_default();
        text.push_str(&format!("| `{}` | {help}{} |\n", spelled(argument), default(argument)));
    }
    text
}

/// The argument as it is typed.
fn spelled(argument: &Arg) -> String {
    let value = argument.get_value_names().unwrap_or_default().join(" ");
    if argument.is_positional() {
        let many =
            if argument.get_num_args().is_some_and(|count| count.max_values() > 1) { "..." } else { "" };
        return if argument.is_required_set() {
            format!("{value}{many}")
        } else {
            format!("[{value}]{many}")
        };
    }
    let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let long = argument.get_long().unwrap_or_default();
    let takes_value = argument.get_action().takes_values();
    if takes_value { format!("{short}--{long} {value}") } else { format!("{short}--{long}") }
}

fn default(argument: &Arg) -> String {
    let values = argument.get_default_values();
    if values.is_empty() || !argument.get_action().takes_values() {
        return String::new();
    }
    let values: Vec<_> = values.iter().map(|value| value.to_string_lossy()).collect();
    format!("; {} if not given", values.join(" "))
}

#[test]
fn the_reference_is_the_codes() {
    let path = document("cli-reference.md");
    let reference = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, reference).unwrap();
        return;
    }
    let documented = fs::read_to_string(&path).unwrap_or_default();
    assert!(documented == reference, "docs/cli-reference.md differs from the code; run `make contract`");
}

#[test]
fn the_guide_names_every_command() {
    let guide = fs::read_to_string(document("cli.md")).unwrap();
    let (_, rest) = guide.split_once("## Commands").expect("the table of commands");
    let named: Vec<&str> = rest
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| `")?.rsplit_once(" | ").map(|(names, _)| names))
        .flat_map(|names| names.split('`').step_by(2).collect::<Vec<_>>())
        .filter_map(|quoted| quoted.split_whitespace().next())
        .collect();
    let mut root = Arguments::command();
    root.build();
    for command in root.get_subcommands().map(Command::get_name) {
        assert!(named.contains(&command), "docs/cli.md does not tell of dats {command}: {named:?}");
    }
}
