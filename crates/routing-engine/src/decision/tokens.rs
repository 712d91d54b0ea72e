//! How large a text is, guessed without a tokenizer. Tokenizers of current models give about one token for four
//! characters of English or code, and about one for each character of scripts outside ASCII; the guess adds
//! those up. It errs on the high side for prose, which is the safe side for a window check.

use serde::Deserialize;

/// The figures of the guess; part of the rules file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRules {
    /// ASCII characters that make one token.
    pub ascii_characters_per_token: u64,
    /// Every prompt has this many beside the description.
    pub prompt_overhead: u64,
    /// Counted for every input artifact, whose size is not known here.
    pub per_input: u64,
    /// Tokens expected in the answer for one in the description.
    pub answer_factor: u64,
    /// Least room for the answer.
    pub answer_minimum: u64,
    /// Most room for the answer.
    pub answer_maximum: u64,
}

impl TokenRules {
    /// Tokens of `text` itself.
    #[must_use]
    pub fn count(&self, text: &str) -> u64 {
        let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
        let other = text.chars().filter(|c| !c.is_ascii()).count() as u64;
        ascii.div_ceil(self.ascii_characters_per_token.max(1)).saturating_add(other)
    }

    /// Tokens of doing what a description of `description_tokens` asks: prompt and answer.
    #[must_use]
    pub fn work(&self, description_tokens: u64) -> u64 {
        let answer = description_tokens
            .saturating_mul(self.answer_factor)
            .min(self.answer_maximum)
            .max(self.answer_minimum);
        description_tokens.saturating_add(self.prompt_overhead).saturating_add(answer)
    }

    /// Tokens of `count` input artifacts.
    #[must_use]
    pub const fn inputs(&self, count: usize) -> u64 {
        self.per_input.saturating_mul(count as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: TokenRules = TokenRules {
        ascii_characters_per_token: 4,
        prompt_overhead: 1000,
        per_input: 1500,
        answer_factor: 2,
        answer_minimum: 500,
        answer_maximum: 8000,
    };

    #[test]
    fn ascii_counts_by_four_and_other_scripts_by_one() {
        assert_eq!(RULES.count(""), 0);
        assert_eq!(RULES.count("abcde"), 2);
        assert_eq!(RULES.count("日本語"), 3);
        assert_eq!(RULES.count("日本語 abc"), 4);
    }

    #[test]
    fn the_answer_has_a_floor_and_a_ceiling() {
        assert_eq!(RULES.work(10), 10 + 1000 + 500);
        assert_eq!(RULES.work(1000), 1000 + 1000 + 2000);
        assert_eq!(RULES.work(100_000), 100_000 + 1000 + 8000);
        assert_eq!(RULES.work(u64::MAX), u64::MAX);
    }
}
