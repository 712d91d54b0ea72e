//! A text as words that can be looked up quickly. The text is indexed, not the keywords: a text is looked at once
//! for several hundred of them.

/// The words of one lower-case text.
#[derive(Debug)]
pub(super) struct Words<'a> {
    in_order: Vec<&'a str>,
    /// Word and its place, sorted.
    sorted: Vec<(&'a str, usize)>,
}

/// Letters, digits and the signs that are part of names such as C++ and C#.
fn belongs_to_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '+' | '#')
}

/// The words of `text` in order. Keywords and texts are taken apart by this one function, so "CI/CD" is found by
/// the keyword "ci cd" and the other way round.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character| !belongs_to_word(character)).filter(|word| !word.is_empty())
}

impl<'a> Words<'a> {
    pub(super) fn of(lower_case: &'a str) -> Self {
        let in_order: Vec<&str> = split(lower_case).collect();
        let mut sorted: Vec<(&str, usize)> =
            in_order.iter().enumerate().map(|(place, &word)| (word, place)).collect();
        sorted.sort_unstable();
        Self { in_order, sorted }
    }

    /// The word at a place.
    pub(super) fn at(&self, place: usize) -> Option<&'a str> {
        self.in_order.get(place).copied()
    }

    /// Places of all words that begin with `prefix`.
    pub(super) fn beginning_with(&self, prefix: &str) -> impl Iterator<Item = (&'a str, usize)> {
        let first = self.sorted.partition_point(|&(word, _)| word < prefix);
        self.sorted.iter().skip(first).take_while(move |(word, _)| word.starts_with(prefix)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_everything_but_letters_digits_plus_and_hash() {
        let words: Vec<_> = split("ci/cd, c++ (c#): größe_1").collect();
        assert_eq!(words, ["ci", "cd", "c++", "c#", "größe", "1"]);
    }

    #[test]
    fn words_are_found_by_their_beginning() {
        let words = Words::of("migrate the migration of mice");
        let places: Vec<_> = words.beginning_with("migrat").collect();
        assert_eq!(places, [("migrate", 0), ("migration", 2)]);
        assert_eq!(words.beginning_with("x").count(), 0);
    }
}
