//! What is looked for in titles and texts, and how a text that holds it is shown.

use std::{cmp::Reverse, ops::Range};

use moorline_protocol::SessionId;

/// Words of a search that count, and characters of each.
const WORDS: usize = 16;
const WORD_CHARS: usize = 64;

/// Characters of an excerpt before the first word found, and behind its beginning.
const BEFORE_CHARS: usize = 40;
const BEHIND_CHARS: usize = 160;

/// A search: everything that holds each of its words is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
    /// In this session only.
    pub session: Option<SessionId>,
    /// Hits at most.
    pub limit: usize,
}

impl Search {
    /// Reads a query: its words, without those that have no letter and no digit; none when no word is left.
    #[must_use]
    pub fn parse(query: &str, session: Option<SessionId>, limit: usize) -> Option<Self> {
        // A control character is nothing that stands in a word, and some stores' texts end at one.
        let words =
            query.split(|char: char| char.is_whitespace() || char.is_control()).filter(|word| word.chars().any(char::is_alphanumeric));
        let words: Vec<String> = words.take(WORDS).map(|word| word.chars().take(WORD_CHARS).collect()).collect();
        (!words.is_empty()).then_some(Self { words, session, limit })
    }

    /// The words, at least one.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// A part of a text that holds every word, in the pieces of a [`Hit`](moorline_protocol::Hit); none if it does not.
    ///
    /// A word is found where its letters and digits are, whatever stands between them, and as the beginning of a longer one.
    #[must_use]
    pub fn excerpt(&self, text: &str) -> Option<Vec<String>> {
        let tokens = tokens(text);
        let mut found: Vec<Range<usize>> = Vec::new();
        for word in &self.words {
            let before = found.len();
            found.extend(places(&tokens, word));
            if found.len() == before {
                return None;
            }
        }
        found.sort_by_key(|place| (place.start, Reverse(place.end)));
        let first = found.first()?.start;
        let start = text[..first].char_indices().rev().take(BEFORE_CHARS).last().map_or(first, |(at, _)| at);
        let end = text[first..].char_indices().nth(BEHIND_CHARS).map_or(text.len(), |(at, _)| first + at);
        let (mut pieces, mut shown) = (Vec::new(), start);
        for place in found.into_iter().filter(|place| place.end <= end) {
            if place.start >= shown {
                pieces.extend([text[shown..place.start].to_owned(), text[place.clone()].to_owned()]);
                shown = place.end;
            }
        }
        pieces.push(text[shown..end.max(shown)].to_owned());
        Some(pieces)
    }
}

/// A run of letters and digits: where it stands, and in lower case.
struct Token {
    place: Range<usize>,
    lower: String,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for (at, char) in text.char_indices().filter(|(_, char)| char.is_alphanumeric()) {
        let end = at + char.len_utf8();
        match tokens.last_mut().filter(|token| token.place.end == at) {
            Some(token) => token.place.end = end,
            None => tokens.push(Token { place: at..end, lower: String::new() }),
        }
        if let Some(token) = tokens.last_mut() {
            token.lower.extend(char.to_lowercase());
        }
    }
    tokens
}

/// Where a word is found.
fn places(tokens: &[Token], word: &str) -> Vec<Range<usize>> {
    let wanted = self::tokens(word);
    let Some((last, before)) = wanted.split_last() else { return Vec::new() };
    let found = tokens.windows(wanted.len()).filter(|run| {
        let Some((end, start)) = run.split_last() else { return false };
        end.lower.starts_with(&last.lower) && start.iter().zip(before).all(|(token, wanted)| token.lower == wanted.lower)
    });
    found.filter_map(|run| Some(run.first()?.place.start..run.last()?.place.end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(query: &str) -> Search {
        Search::parse(query, None, 10).unwrap()
    }

    fn excerpt(query: &str, text: &str) -> Option<Vec<String>> {
        search(query).excerpt(text)
    }

    #[test]
    fn a_query_without_a_letter_or_a_digit_is_none() {
        assert_eq!(Search::parse(" -- ** \"", None, 10), None);
        assert_eq!(search("a -- 7").words(), ["a", "7"]);
        assert_eq!(search("one\0two\u{7}").words(), ["one", "two"], "control characters stand between words");
    }

    #[test]
    fn a_word_is_found_at_its_beginning_and_in_any_case() {
        assert_eq!(excerpt("pars", "The PARSER parses."), Some(["The ", "PARSER", " ", "parses", "."].map(String::from).to_vec()));
        assert_eq!(excerpt("arser", "The parser"), None, "not from its middle");
        assert_eq!(excerpt("über", "nein, ÜBERALL"), Some(["nein, ", "ÜBERALL", ""].map(String::from).to_vec()));
        assert_eq!(
            excerpt("(parse_li", "fn parse.line()"),
            Some(["fn ", "parse.line", "()"].map(String::from).to_vec()),
            "marks do not count"
        );
        assert_eq!(excerpt("pars_line", "fn parse_line()"), None, "only its end may be missing");
    }

    #[test]
    fn every_word_has_to_be_there() {
        assert_eq!(excerpt("one three", "one two"), None);
        assert_eq!(excerpt("two one", "one two"), Some(["", "one", " ", "two", ""].map(String::from).to_vec()));
        assert_eq!(excerpt("on one", "one"), Some(["", "one", ""].map(String::from).to_vec()), "one place for two words");
    }

    #[test]
    fn an_excerpt_is_short_and_cut_between_characters() {
        let text = format!("{}needle{}", "ä ".repeat(1_000), " ö".repeat(1_000));
        let pieces = excerpt("needle", &text).unwrap();
        let chars: Vec<usize> = pieces.iter().map(|piece| piece.chars().count()).collect();
        assert_eq!(chars, [BEFORE_CHARS, 6, BEHIND_CHARS - 6]);
    }
}
