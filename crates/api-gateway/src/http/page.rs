//! How lists are cut into pages (contract 1.1): a limit, and an offset or a cursor.

use utoipa::IntoParams;

use super::query::{Parameters, ReadQuery};

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

/// Which part of a list that is held whole, and is short: all of it unless something is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// Most entries in the answer; all of them when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Entries to leave out at the beginning.
    #[param(minimum = 0, maximum = 10_000)]
    offset: Option<u32>,
}

impl Part {
    /// This part of the whole list.
    pub(crate) fn of<T>(&self, whole: Vec<T>) -> Vec<T> {
        let entries = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok());
        let (offset, limit) = (entries(self.offset).unwrap_or(0), entries(self.limit).unwrap_or(usize::MAX));
        whole.into_iter().skip(offset).take(limit).collect()
    }
}

impl ReadQuery for Part {
    fn read(parameters: &mut Parameters) -> Option<Self> {
        Some(Self {
            limit: parameters.integer("limit", 1..=MOST_PER_PAGE),
            offset: parameters.integer("offset", 0..=FURTHEST_OFFSET),
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_whole_list_is_cut_at_both_ends() {
        let part =
            |limit, offset| Part { limit, offset }.of(vec!['a', 'b', 'c']).into_iter().collect::<String>();
        assert_eq!(part(None, None), "abc", "all of it unless something is said");
        assert_eq!(part(Some(2), None), "ab");
        assert_eq!(part(None, Some(2)), "c");
        assert_eq!(part(Some(1), Some(1)), "b");
        assert_eq!(part(Some(MOST_PER_PAGE), Some(FURTHEST_OFFSET)), "");
    }
}
