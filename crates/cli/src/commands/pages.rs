//! Lists that the gateway gives page by page.

use serde_json::Value;

use super::Session;
use crate::failure::Failure;
use crate::json::Look;

/// Largest page that the gateway gives.
const PAGE: u64 = 200;

/// A list, put together from its pages.
#[derive(Debug)]
pub(super) struct Listed {
    /// As many entries as were wanted, or all there are.
    pub(super) entries: Vec<Value>,
    /// The first page, for what else it tells of the whole list.
    pub(super) first: Value,
    /// Where the list goes on.
    pub(super) next_cursor: Option<String>,
}

/// Lists what `path` has in `member` of its pages: at most so many entries, else all of them, with a bar.
pub(super) async fn collect(
    path: &str,
    member: &str,
    filters: &[(&'static str, String)],
    most: Option<u64>,
    session: &Session<'_>,
) -> Result<Listed, Failure> {
    let bar = most.is_none().then(|| session.output.progress("listing", None));
    let most = most.map_or(u64::MAX, |most| most.max(1));
    let mut listed = Listed { entries: Vec::new(), first: Value::Null, next_cursor: None };
    let mut count = 0;
    loop {
        let mut query = filters.to_vec();
        query.push(("limit", most.saturating_sub(count).min(PAGE).to_string()));
        query.extend(listed.next_cursor.take().map(|cursor| ("cursor", cursor)));
        let page = session.client.get(path, &query).await?;
        listed.entries.extend(page.list(member).iter().cloned());
        listed.next_cursor = page.at("next_cursor").as_str().map(ToOwned::to_owned);
        if listed.first.is_null() {
            listed.first = page;
        }
        count = u64::try_from(listed.entries.len()).unwrap_or(u64::MAX);
        if let Some(bar) = &bar {
            bar.set(count);
        }
        if listed.next_cursor.is_none() || count >= most {
            return Ok(listed);
        }
    }
}
