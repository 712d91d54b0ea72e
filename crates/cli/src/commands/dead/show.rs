//! `dats dead show ID`: one dead letter with what it says.

use serde_json::Value;

use crate::commands::Session;
use crate::commands::task_view::Facts;
use crate::failure::{Exit, Failure};
use crate::json::{Look, text::pretty};
use crate::output::{Paint, clean, clean_lines, time};

/// Shows the dead letters with this id; usually it is one.
pub(super) async fn run(id: &str, session: &Session<'_>) -> Result<(), Failure> {
    let answer = session.client.get("/dead-letters", &[("id", id.to_owned())]).await?;
    let letters = answer.list("dead_letters");
    if letters.is_empty() {
        let message = format!("there is no dead letter {id}");
        return Err(Failure::new(Exit::NotFound, message).hint("dats dead list shows them."));
    }
    for letter in letters {
        session.output.answer(letter, || text(letter, session))?;
    }
    Ok(())
}

fn text(letter: &Value, session: &Session<'_>) -> String {
    let output = session.output;
    let id = letter.text("id");
    let mut facts = Facts::new();
    facts.add("message", clean(id));
    facts.add("queue", letter.text("queue"));
    facts.add("event", clean(letter.text("event")));
    facts.add("sent to", sent_to(letter));
    facts.add("task", letter.text("task_id"));
    facts.add("died", time::ago(letter.text("since"), session.now));
    facts.add("failures", letter.shown("failures"));
    facts.add("reason", output.paint(super::reason(letter), Paint::Bad));
    let body = letter.at("body");
    facts.add("size", format!("{} bytes", body.count("size_bytes")));
    let more = if body.flag("truncated") { "\n(only its beginning)" } else { "" };
    format!(
        "{}\n{}{more}\n\nPut it back: dats dead redrive {id}\nDelete it:   dats dead purge {id} --yes",
        facts.text(session),
        content(body)
    )
}

fn sent_to(letter: &Value) -> String {
    match (letter.text("exchange"), letter.text("routing_key")) {
        ("", key) => clean(key),
        (exchange, key) => clean(&format!("{exchange} {key}")),
    }
}

/// What it says: JSON in lines, other text as it stands, bytes in base64.
fn content(body: &Value) -> String {
    let content = body.text("content");
    if body.text("encoding") == "base64" {
        return format!("(bytes, in base64) {content}");
    }
    let is_json = serde_json::from_str::<Value>(content).is_ok();
    clean_lines(&if is_json { pretty(content, 0) } else { content.to_owned() })
}
