//! Cuts bytes into lines, whatever pieces they come in.

use actix_web::web::{Buf, BytesMut};

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// UTF-8.
    Text(String),
    /// Something else, and why.
    Unreadable(String),
}

/// What came and was not taken yet.
pub(super) struct LineBuffer {
    max_line_bytes: usize,
    bytes: BytesMut,
    /// Up to where there is no end of a line.
    searched: usize,
    /// Whether the line that is coming in was too long already and is thrown away.
    too_long: bool,
}

impl LineBuffer {
    /// An empty buffer for lines of at most so many bytes.
    pub(super) fn new(max_line_bytes: usize) -> Self {
        Self { max_line_bytes, bytes: BytesMut::new(), searched: 0, too_long: false }
    }

    /// Adds what came.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
    }

    /// The next line; after the end of everything also the last one, that has no line end.
    pub(super) fn take(&mut self, ended: bool) -> Option<Line> {
        let unsearched = self.bytes.get(self.searched..).unwrap_or_default();
        if let Some(offset) = unsearched.iter().position(|byte| *byte == b'\n') {
            let line = self.bytes.split_to(self.searched + offset);
            self.bytes.advance(1);
            self.searched = 0;
            return Some(self.finish(&line));
        }
        self.searched = self.bytes.len();
        if self.bytes.len() > self.max_line_bytes {
            self.too_long = true;
            self.bytes.clear();
            self.searched = 0;
        }
        if !ended || (self.bytes.is_empty() && !self.too_long) {
            return None;
        }
        let line = self.bytes.split();
        self.searched = 0;
        Some(self.finish(&line))
    }

    fn finish(&mut self, line: &[u8]) -> Line {
        if std::mem::take(&mut self.too_long) || line.len() > self.max_line_bytes {
            return Line::Unreadable(format!("it has more than {} bytes", self.max_line_bytes));
        }
        match std::str::from_utf8(line) {
            Ok(text) => Line::Text(text.trim_end_matches('\r').to_owned()),
            Err(_) => Line::Unreadable("it is not UTF-8".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(max: usize, pieces: &[&[u8]]) -> Vec<Line> {
        let mut buffer = LineBuffer::new(max);
        let mut lines = Vec::new();
        for piece in pieces {
            buffer.push(piece);
            lines.extend(std::iter::from_fn(|| buffer.take(false)));
            assert!(buffer.bytes.len() <= max + piece.len());
        }
        lines.extend(std::iter::from_fn(|| buffer.take(true)));
        lines
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn lines_do_not_depend_on_the_pieces_they_come_in() {
        let body = "one\ntwo, ü\r\n\nlast".as_bytes();
        let whole = lines(100, &[body]);
        assert_eq!(whole, [text("one"), text("two, ü"), text(""), text("last")]);
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(lines(100, &bytes), whole);
        assert_eq!(lines(100, &[b"one\n"]), [text("one")]);
        assert_eq!(lines(100, &[]), []);
    }

    #[test]
    fn a_line_that_is_too_long_or_not_text_costs_only_itself() {
        let long = [b'x'; 50];
        let too_long = || Line::Unreadable("it has more than 10 bytes".to_owned());
        assert_eq!(lines(10, &[b"a\n", &long, &long, b"\nb\n"]), [text("a"), too_long(), text("b")]);
        assert_eq!(lines(10, &[&long, b"\nb"]), [too_long(), text("b")]);
        assert_eq!(lines(10, &[b"a\n", &long]), [text("a"), too_long()]);
        assert_eq!(
            lines(10, &[b"\xff\xfe\nb\n"]),
            [Line::Unreadable("it is not UTF-8".to_owned()), text("b")]
        );
    }
}
