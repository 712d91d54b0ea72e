//! How lists are cut into pages (contract 1.1): a limit, and an offset or a cursor.

use utoipa::IntoParams;

use super::query::Parameters;

/// Entries in a page when the client does not say.
pub(crate) const DEFAULT_LIMIT: u32 = 50;
/// Most entries in a page.
pub(crate) const MOST_PER_PAGE: u32 = 200;
/// Furthest offset; whoever wants to go further takes the cursor.
pub(crate) const FURTHEST_OFFSET: u32 = 10_000;

/// The parameters of every list, for its document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "names parameters and has no values")]
pub(crate) struct PageParameters {
    /// Most entries in the answer; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Entries to leave out at the beginning; not together with `cursor`.
    #[param(minimum = 0, maximum = 10_000)]
    offset: Option<u32>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// Which page of a list, where `C` is the list's cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageQuery<C> {
    /// Most entries in it.
    pub(crate) limit: u32,
    /// Where it begins.
    pub(crate) start: PageStart<C>,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageStart<C> {
    /// That many entries from the list's beginning.
    Offset(u32),
    /// Where the page before ended.
    Cursor(C),
}

impl<C: std::str::FromStr<Err: std::fmt::Display>> PageQuery<C> {
    /// Reads `limit`, `offset` and `cursor`.
    pub(crate) fn read(parameters: &mut Parameters) -> Self {
        let limit = parameters.integer("limit", 1..=MOST_PER_PAGE).unwrap_or(DEFAULT_LIMIT);
        let offset = parameters.integer("offset", 0..=FURTHEST_OFFSET);
        let cursor = parameters.parsed("cursor");
        let start = match (offset, cursor) {
            (Some(_), Some(cursor)) => {
                parameters.refuse::<()>("offset", "must not be given together with cursor");
                PageStart::Cursor(cursor)
            }
            (None, Some(cursor)) => PageStart::Cursor(cursor),
            (offset, None) => PageStart::Offset(offset.unwrap_or(0)),
        };
        Self { limit, start }
    }
}
