//! Keywords with weights, and which of several sets of them a text speaks for.

use std::fmt;

use serde::Deserialize;

use super::words::{Beginning, Words, split};

/// Keywords of one weight, as they stand in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeywordGroup {
    weight: i32,
    any_of: Vec<String>,
}

/// Keywords of one subject. Each counts once, however often it appears.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Vec<KeywordGroup>")]
pub(super) struct Keywords {
    keywords: Vec<Keyword>,
}

/// One or more words in a row; a word that ends in `*` stands for every word that begins so.
#[derive(Debug, Clone)]
struct Keyword {
    written: String,
    weight: i32,
    /// Of its first word.
    beginning: Option<Beginning>,
    words: Vec<WordPattern>,
}

#[derive(Debug, Clone)]
struct WordPattern {
    text: String,
    is_prefix: bool,
}

/// Points, and the keywords that gave them.
#[derive(Debug, Clone, Default)]
pub(super) struct Score<'a> {
    pub(super) points: i32,
    pub(super) matched: Vec<&'a str>,
}

/// The choice that most speaks for.
pub(super) struct Best<'a, T> {
    pub(super) choice: &'a T,
    pub(super) score: Score<'a>,
    /// Its part of all points given to any choice, 0 to 1 in steps of a hundredth.
    pub(super) share: f64,
}

/// The choice with the most points, if those are at least `threshold`; the earlier one of equals.
pub(super) fn best<'a, T>(
    scores: impl Iterator<Item = (&'a T, Score<'a>)>,
    threshold: i32,
) -> Option<Best<'a, T>> {
    let mut total = 0_i64;
    let mut leader: Option<(&T, Score<'_>)> = None;
    for (choice, score) in scores {
        total += i64::from(score.points.max(0));
        if leader.as_ref().is_none_or(|(_, leading)| score.points > leading.points) {
            leader = Some((choice, score));
        }
    }
    let (choice, score) = leader.filter(|(_, score)| score.points >= threshold.max(1))?;
    let hundredths = i64::from(score.points) * 100 / total.max(1);
    Some(Best { choice, score, share: hundredths as f64 / 100.0 })
}

impl Keywords {
    /// What `words` has of them.
    pub(super) fn score(&self, words: &Words<'_>) -> Score<'_> {
        let mut score = Score::default();
        for keyword in self.keywords.iter().filter(|keyword| keyword.is_in(words)) {
            score.points = score.points.saturating_add(keyword.weight);
            score.matched.push(&keyword.written);
        }
        score
    }

    /// The first keyword without any word in it, which could never be found.
    pub(super) fn first_empty(&self) -> Option<&str> {
        self.keywords.iter().find(|keyword| keyword.words.is_empty()).map(|keyword| keyword.written.as_str())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.keywords.is_empty()
    }
}

impl From<Vec<KeywordGroup>> for Keywords {
    fn from(groups: Vec<KeywordGroup>) -> Self {
        let keywords = groups
            .into_iter()
            .flat_map(|group| {
                group.any_of.into_iter().map(move |written| Keyword::new(written, group.weight))
            })
            .collect();
        Self { keywords }
    }
}

impl Keyword {
    fn new(written: String, weight: i32) -> Self {
        let words: Vec<WordPattern> = written
            .to_lowercase()
            .split_whitespace()
            .flat_map(|part| {
                let is_prefix = part.ends_with('*');
                let mut words: Vec<WordPattern> =
                    split(part).map(|text| WordPattern { text: text.to_owned(), is_prefix: false }).collect();
                if let Some(last) = words.last_mut() {
                    last.is_prefix = is_prefix;
                }
                words
            })
            .collect();
        let beginning = words.first().and_then(|first| Beginning::of(&first.text));
        Self { written, weight, beginning, words }
    }

    fn is_in(&self, words: &Words<'_>) -> bool {
        let Some((first, following)) = self.words.split_first() else { return false };
        if !words.may_have(self.beginning) {
            return false;
        }
        words.beginning_with(&first.text).filter(|(word, _)| first.fits(word)).any(|(_, place)| {
            following
                .iter()
                .enumerate()
                .all(|(offset, pattern)| words.at(place + 1 + offset).is_some_and(|word| pattern.fits(word)))
        })
    }
}

impl WordPattern {
    fn fits(&self, word: &str) -> bool {
        if self.is_prefix { word.starts_with(&self.text) } else { word == self.text }
    }
}

/// A number of points as it reads in a reason.
pub(super) struct Points(pub(super) i32);

impl fmt::Display for Points {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.0.abs() == 1 { "point" } else { "points" };
        write!(formatter, "{} {unit}", self.0)
    }
}

/// Most keywords that a reason lists.
const LISTED: usize = 6;

impl fmt::Display for Score<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed: Vec<_> = self.matched.iter().take(LISTED).copied().collect();
        write!(formatter, "{} for {}", Points(self.points), listed.join(", "))?;
        match self.matched.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(formatter, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keywords(groups: &[(i32, &[&str])]) -> Keywords {
        groups
            .iter()
            .map(|(weight, any_of)| KeywordGroup {
                weight: *weight,
                any_of: any_of.iter().map(|&word| word.to_owned()).collect(),
            })
            .collect::<Vec<_>>()
            .into()
    }

    fn points(keywords: &Keywords, text: &str) -> i32 {
        keywords.score(&Words::of(&text.to_lowercase())).points
    }

    #[test]
    fn whole_words_count_once_and_parts_of_words_do_not_count() {
        let keywords = keywords(&[(2, &["app"])]);
        assert_eq!(points(&keywords, "An app, another APP."), 2);
        assert_eq!(points(&keywords, "application"), 0);
    }

    #[test]
    fn phrases_need_their_words_in_a_row_across_punctuation() {
        let keywords = keywords(&[(3, &["ci/cd", "object detect*"])]);
        assert_eq!(points(&keywords, "our CI-CD pipeline"), 3);
        assert_eq!(points(&keywords, "cd ci"), 0);
        assert_eq!(points(&keywords, "Object detection in CI/CD"), 6);
        assert_eq!(points(&keywords, "ends with object"), 0);
    }

    #[test]
    fn the_best_choice_needs_the_threshold_and_the_earlier_of_equals_wins() {
        let (one, two) = (keywords(&[(2, &["x"])]), keywords(&[(2, &["x"]), (4, &["y"])]));
        let chosen = |text: &str, threshold| {
            let words_text = text.to_lowercase();
            let words = Words::of(&words_text);
            let scores = [(&"one", one.score(&words)), (&"two", two.score(&words))];
            best(scores.into_iter(), threshold).map(|best| (*best.choice, best.share))
        };
        assert_eq!(chosen("x", 2), Some(("one", 0.5)));
        assert_eq!(chosen("x", 3), None);
        assert_eq!(chosen("x y", 3), Some(("two", 0.75)));
        assert_eq!(chosen("", 0), None);
    }
}
