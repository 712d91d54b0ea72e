//! Cuts bytes into lines, whatever pieces they come in.

use actix_web::web::{Buf, BytesMut};

use super::beginning;

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// UTF-8.
    Text(String),
    /// Something else.
    Unreadable(Unreadable),
}

/// A line that cannot be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// The file that its beginning names.
    pub(super) file: Option<String>,
    /// What is wrong.
    pub(super) reason: String,
}

/// What came and was not taken yet.
pub(super) struct LineBuffer {
    max_line_bytes: usize,
    bytes: BytesMut,
    /// Up to where there is no end of a line.
    searched: usize,
    /// The line that is coming in was too long already and is thrown away.
    too_long: Option<Unreadable>,
}

impl LineBuffer {
    /// An empty buffer for lines of at most so many bytes.
    pub(super) fn new(max_line_bytes: usize) -> Self {
        Self { max_line_bytes, bytes: BytesMut::new(), searched: 0, too_long: None }
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
            if self.too_long.is_none() {
                self.too_long = Some(self.too_long(&self.bytes));
            }
            self.bytes.clear();
            self.searched = 0;
        }
        if !ended || (self.bytes.is_empty() && self.too_long.is_none()) {
            return None;
        }
        let line = self.bytes.split();
        self.searched = 0;
        Some(self.finish(&line))
    }

    fn finish(&mut self, line: &[u8]) -> Line {
        if let Some(unreadable) = self.too_long.take() {
            return Line::Unreadable(unreadable);
        }
        if line.len() > self.max_line_bytes {
            return Line::Unreadable(self.too_long(line));
        }
        match std::str::from_utf8(line) {
            Ok(text) => Line::Text(text.trim_end_matches('\r').to_owned()),
            Err(_) => {
                let reason = "it is not UTF-8".to_owned();
                Line::Unreadable(Unreadable { file: beginning::file_of(line), reason })
            }
        }
    }

    fn too_long(&self, line: &[u8]) -> Unreadable {
        let reason = format!("it has more than {} bytes", self.max_line_bytes);
        Unreadable { file: beginning::file_of(line), reason }
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

    fn unreadable(file: Option<&str>, reason: &str) -> Line {
        Line::Unreadable(Unreadable { file: file.map(ToOwned::to_owned), reason: reason.to_owned() })
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
        let too_long = || unreadable(None, "it has more than 10 bytes");
        assert_eq!(lines(10, &[b"a\n", &long, &long, b"\nb\n"]), [text("a"), too_long(), text("b")]);
        assert_eq!(lines(10, &[&long, b"\nb"]), [too_long(), text("b")]);
        assert_eq!(lines(10, &[b"a\n", &long]), [text("a"), too_long()]);
        assert_eq!(lines(10, &[b"\xff\xfe\nb\n"]), [unreadable(None, "it is not UTF-8"), text("b")]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_told_by_the_file_that_its_beginning_names() {
        let line = br#"{"kind":"record","file":"a.json","body":{"x":"#;
        let long = [line.as_slice(), &[b'1'; 200]].concat();
        let too_long = || unreadable(Some("a.json"), "it has more than 100 bytes");
        assert_eq!(lines(100, &[&long, b"\nb\n"]), [too_long(), text("b")]);
        let (first, rest) = long.split_at(120);
        assert_eq!(lines(100, &[first, rest, rest, b"\nb\n"]), [too_long(), text("b")]);
        assert_eq!(lines(100, &[first, rest]), [too_long()]);
        let odd = [line.as_slice(), b"\xff\n"].concat();
        assert_eq!(lines(100, &[&odd]), [unreadable(Some("a.json"), "it is not UTF-8")]);
    }
}
