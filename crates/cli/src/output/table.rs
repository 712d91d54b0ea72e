//! Aligned columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Paint, clean};

const GAP: &str = "  ";
/// The last column is what people read; others make room for it.
const LAST_NEEDS: usize = 24;
const CUT: char = '…';

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// A text as any other.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: clean(text.as_ref()), paint: Paint::Plain }
    }

    /// A text in a colour.
    pub(crate) fn painted(text: impl AsRef<str>, paint: Paint) -> Self {
        Self { text: clean(text.as_ref()), paint }
    }

    /// A status in its colour.
    pub(crate) fn status(status: impl AsRef<str>) -> Self {
        let paint = Paint::of_status(status.as_ref());
        Self::painted(status, paint)
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// Rows under a head.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    /// Columns that a narrow terminal does without, the least wanted first.
    spare: Vec<&'static str>,
}

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new(head: impl IntoIterator<Item = &'static str>) -> Self {
        Self { head: head.into_iter().collect(), rows: Vec::new(), spare: Vec::new() }
    }

    /// Lets a narrow terminal do without these columns, the first of them first.
    pub(crate) fn may_leave_out(&mut self, columns: impl IntoIterator<Item = &'static str>) {
        self.spare = columns.into_iter().collect();
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text. In a terminal of that width columns are left out that may be, and the last one is cut
    /// where it does not fit.
    pub(crate) fn render(&self, width: Option<usize>, paint: impl Fn(&str, Paint) -> String) -> String {
        match width {
            Some(width) => self.fitting(width).lines(Some(width), paint),
            None => self.lines(None, paint),
        }
    }

    /// The table without as many of the spare columns as it takes.
    fn fitting(&self, width: usize) -> Self {
        let mut table = self.clone();
        for spare in &self.spare {
            let before_last: usize = table.widths().iter().rev().skip(1).map(|width| width + GAP.len()).sum();
            if before_last + LAST_NEEDS <= width {
                break;
            }
            table.leave_out(spare);
        }
        table
    }

    fn leave_out(&mut self, title: &str) {
        let Some(place) = self.head.iter().position(|column| *column == title) else { return };
        self.head.remove(place);
        for row in self.rows.iter_mut().filter(|row| row.len() > place) {
            row.remove(place);
        }
    }

    /// How wide each column is, its title included.
    fn widths(&self) -> Vec<usize> {
        let width_of = |(column, title): (usize, &&str)| {
            let texts = self.rows.iter().filter_map(|row| row.get(column));
            texts.map(|cell| cell.text.width()).max().unwrap_or_default().max(title.width())
        };
        self.head.iter().enumerate().map(width_of).collect()
    }

    fn lines(&self, width: Option<usize>, paint: impl Fn(&str, Paint) -> String) -> String {
        let head = self.head.iter().map(|title| Cell::painted(title.to_uppercase(), Paint::Strong)).collect();
        let rows: Vec<&Vec<Cell>> = std::iter::once(&head).chain(&self.rows).collect();
        let columns = self.head.len();
        let widths = self.widths();
        let before_last: usize =
            widths.iter().take(columns.saturating_sub(1)).map(|width| width + GAP.len()).sum();
        let room = width.map(|width| width.saturating_sub(before_last).max(8));
        let mut text = String::new();
        for row in rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column + 1 == columns {
                    line.push_str(&paint(&cut(&cell.text, room), cell.paint));
                } else {
                    line.push_str(&paint(&cell.text, cell.paint));
                    let padding = width.saturating_sub(cell.text.width()) + GAP.len();
                    line.extend(std::iter::repeat_n(' ', padding));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The text within so many columns.
pub(crate) fn cut(text: &str, room: Option<usize>) -> String {
    let Some(room) = room.filter(|room| text.width() > *room) else { return text.to_owned() };
    let mut cut = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or_default();
        if used > room {
            break;
        }
        cut.push(character);
    }
    cut.push(CUT);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(width: Option<usize>) -> String {
        let mut table = Table::new(["id", "what"]);
        table.row(["1".into(), "short".into()]);
        table.row(["漢字".into(), Cell::status("a much longer text")]);
        table.render(width, |text, _| text.to_owned())
    }

    #[test]
    fn columns_are_aligned_by_what_the_eye_sees() {
        assert_eq!(render(None), "ID    WHAT\n1     short\n漢字  a much longer text\n");
    }

    #[test]
    fn the_last_column_is_cut_to_the_terminal() {
        assert_eq!(render(Some(14)), "ID    WHAT\n1     short\n漢字  a much …\n");
    }

    #[test]
    fn a_narrow_terminal_does_without_spare_columns_as_far_as_it_must() {
        let mut table = Table::new(["id", "kind", "where", "what"]);
        table.may_leave_out(["where", "kind"]);
        table.row([
            "1".into(),
            "a kind".into(),
            "a place".into(),
            "a text that is as long as it takes".into(),
        ]);
        let head = |width| {
            let text = table.render(Some(width), |text, _| text.to_owned());
            text.lines().next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(head(80), "ID KIND WHERE WHAT");
        assert_eq!(head(40), "ID KIND WHAT");
        assert_eq!(head(30), "ID WHAT");
    }

    #[test]
    fn control_characters_of_others_do_not_reach_the_terminal() {
        assert_eq!(Cell::new("a\x1b[2Jb\n").text, "a [2Jb ");
    }
}
