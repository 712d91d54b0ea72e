//! A text as words that can be looked up quickly. The text is indexed, not the keywords: a text is looked at once
//! for several hundred of them.

/// The words of one lower-case text.
#[derive(Debug)]
pub(super) struct Words<'a> {
    in_order: Vec<&'a str>,
    /// Word and its place, sorted.
    sorted: Vec<(&'a str, usize)>,
    beginnings: Beginnings,
}

/// Which beginnings words may have. Tells most keywords that they are not in the text without a comparison of letters.
#[derive(Debug, Default)]
struct Beginnings([u64; Beginning::KINDS / 64]);

/// The first two bytes of a word, as one of a thousand kinds; several beginnings may be of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beginning(usize);

impl Beginning {
    const KINDS: usize = 1024;

    /// `None` for a word that is too short to have one.
    pub(super) fn of(word: &str) -> Option<Self> {
        match word.as_bytes() {
            [first, second, ..] => {
                Some(Self((usize::from(*first) * 37 + usize::from(*second)) % Self::KINDS))
            }
            _ => None,
        }
    }
}

impl Beginnings {
    fn add(&mut self, Beginning(kind): Beginning) {
        if let Some(bits) = self.0.get_mut(kind / 64) {
            *bits |= 1 << (kind % 64);
        }
    }

    fn has(&self, Beginning(kind): Beginning) -> bool {
        self.0.get(kind / 64).is_some_and(|bits| bits & (1 << (kind % 64)) != 0)
    }
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
        let mut beginnings = Beginnings::default();
        in_order
            .iter()
            .filter_map(|word| Beginning::of(word))
            .for_each(|beginning| beginnings.add(beginning));
        Self { in_order, sorted, beginnings }
    }

    /// False only if no word begins like that. What has no beginning may be anywhere.
    pub(super) fn may_have(&self, beginning: Option<Beginning>) -> bool {
        beginning.is_none_or(|beginning| self.beginnings.has(beginning))
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

    #[test]
    fn every_word_has_its_beginning_and_most_others_are_not_there() {
        let words = Words::of("migrate the größe of c");
        for word in ["migrate", "migr", "mi", "the", "größe", "of", "c", "m", ""] {
            assert!(words.may_have(Beginning::of(word)), "{word}");
        }
        for word in ["test", "database", "ui"] {
            assert!(!words.may_have(Beginning::of(word)), "{word}");
        }
    }
}
