//! Code, cut into tokens.

mod languages;

use languages::{Language, Style};

/// Longer code is shown without colours.
const CODE_BYTES: usize = 50 << 10;

/// Code with a longer line is shown without colours.
const LINE_CHARS: usize = 2_000;

/// What a piece of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// Anything else.
    Plain,
    /// A comment.
    Comment,
    /// A string or character.
    Text,
    /// A number, or another word for a value.
    Number,
    /// A word of the language; the name of an element.
    Keyword,
    /// What is called or has a value: a function, a key, an attribute, a variable.
    Name,
    /// A line that a diff adds.
    Added,
    /// A line that a diff takes away.
    Removed,
}

/// Cuts code into tokens, line by line.
///
/// It knows comments, strings, numbers and words, and no grammar: a wrong guess colours a word and changes no text.
#[derive(Debug)]
pub struct Highlighter {
    language: &'static Language,
    /// What ends the comment or string that the last line left open.
    open: Option<(Token, &'static str)>,
    /// Within the angle brackets of an element.
    is_in_tag: bool,
}

impl Highlighter {
    /// None for a language that it does not know, and for code that is too long: over 50 KB, or with a line of over 2,000 characters.
    #[must_use]
    pub fn new(language: &str, code: &str) -> Option<Self> {
        let language = languages::find(language)?;
        let is_short = code.len() <= CODE_BYTES && code.lines().all(|line| line.len() <= LINE_CHARS || line.chars().count() <= LINE_CHARS);
        is_short.then_some(Self { language, open: None, is_in_tag: false })
    }

    /// Cuts the next line, with its end; the tokens are the line.
    pub fn line<'a>(&mut self, line: &'a str, mut token: impl FnMut(Token, &'a str)) {
        if self.language.style == Style::Diff {
            return token(diff(line), line);
        }
        // What is plain is told in one piece.
        let (mut at, mut plain) = (0, 0);
        while at < line.len() {
            let (kind, length) = self.next(line, at);
            let length = length.max(1);
            let end = (at + length..=line.len()).find(|end| line.is_char_boundary(*end)).unwrap_or(line.len());
            if kind != Token::Plain {
                if plain < at {
                    token(Token::Plain, &line[plain..at]);
                }
                token(kind, &line[at..end]);
                plain = end;
            }
            at = end;
        }
        if plain < line.len() {
            token(Token::Plain, &line[plain..]);
        }
    }

    /// The token at a place, and its length.
    fn next(&mut self, line: &str, at: usize) -> (Token, usize) {
        let rest = &line[at..];
        if let Some((kind, end)) = self.open {
            let length = closing(rest, end, kind == Token::Text);
            if length.is_some() {
                self.open = None;
            }
            return (kind, length.unwrap_or(rest.len()));
        }
        let language = self.language;
        let is_behind_space = line[..at].bytes().next_back().is_none_or(|byte| matches!(byte, b' ' | b'\t' | b';' | b'('));
        for sign in language.line_comments {
            if rest.starts_with(sign) && (*sign != "#" || is_behind_space) {
                return (Token::Comment, rest.trim_end_matches('\n').len());
            }
        }
        for (start, end) in language.block_comments {
            if rest.starts_with(start) {
                return self.opened(Token::Comment, rest, start.len(), end);
            }
        }
        if language.style == Style::Markup {
            return self.markup(rest);
        }
        for sign in language.long_strings {
            if rest.starts_with(sign) {
                return self.opened(Token::Text, rest, sign.len(), sign);
            }
        }
        let first = rest.as_bytes()[0];
        if language.quotes.as_bytes().contains(&first) {
            return self.string(rest, first);
        }
        if first.is_ascii_digit() {
            return (Token::Number, word_length(rest, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')));
        }
        if first == b'$' && language.style == Style::Shell {
            return (Token::Name, 1 + word_length(&rest[1..], is_word));
        }
        if is_word(first) || (first == b'@' && rest.len() > 1) {
            return self.word(line, at);
        }
        (Token::Plain, 1)
    }

    fn opened(&mut self, kind: Token, rest: &str, start: usize, end: &'static str) -> (Token, usize) {
        match closing(&rest[start..], end, kind == Token::Text) {
            Some(length) => (kind, start + length),
            None => {
                self.open = Some((kind, end));
                (kind, rest.len())
            }
        }
    }

    fn string(&self, rest: &str, quote: u8) -> (Token, usize) {
        let end = match quote {
            b'"' => "\"",
            b'\'' => "'",
            _ => "`",
        };
        let body = rest[1..].trim_end_matches('\n');
        match closing(body, end, true) {
            // A lifetime, or an apostrophe.
            Some(length)
                if quote == b'\''
                    && self.language.style == Style::Lifetimes
                    && length > 2
                    && !body.starts_with('\\')
                    && body.chars().nth(1) != Some('\'') =>
            {
                (Token::Plain, 1)
            }
            Some(length) => {
                let is_key = self.language.has_keys && rest[1 + length..].trim_start().starts_with(':');
                (if is_key { Token::Name } else { Token::Text }, 1 + length)
            }
            None if quote == b'\'' => (Token::Plain, 1),
            None => (Token::Text, 1 + body.len()),
        }
    }

    fn word(&self, line: &str, at: usize) -> (Token, usize) {
        let rest = &line[at..];
        let is_long = |byte: u8| is_word(byte) || (byte == b'-' && self.language.has_dashes);
        let length = 1 + rest.bytes().skip(1).take_while(|byte| is_long(*byte)).count();
        let (word, behind) = rest.split_at(length);
        let behind = behind.trim_start_matches(' ');
        let is_key = self.language.has_keys
            && (behind.starts_with(':') && !behind.starts_with("::") || self.language.style == Style::Toml && behind.starts_with('='))
            && line[..at].bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'-' | b'{' | b',') || self.language.style == Style::Toml);
        let kind = if is_key {
            Token::Name
        } else if self.language.is_keyword(word) {
            Token::Keyword
        } else if languages::is_value(word) {
            Token::Number
        } else if behind.starts_with('(') || word.starts_with('@') {
            Token::Name
        } else {
            Token::Plain
        };
        (kind, length)
    }

    fn markup(&mut self, rest: &str) -> (Token, usize) {
        let first = rest.as_bytes()[0];
        if !self.is_in_tag {
            if first == b'<' && rest[1..].starts_with(|sign: char| sign.is_ascii_alphabetic() || matches!(sign, '/' | '!' | '?')) {
                self.is_in_tag = true;
                return (Token::Keyword, 2 + rest.bytes().skip(2).take_while(|byte| is_word(*byte) || matches!(byte, b'-' | b':')).count());
            }
            return (Token::Plain, 1);
        }
        match first {
            b'>' => {
                self.is_in_tag = false;
                (Token::Keyword, 1)
            }
            b'"' => self.opened(Token::Text, rest, 1, "\""),
            b'\'' => self.opened(Token::Text, rest, 1, "'"),
            _ if is_word(first) => (Token::Name, word_length(rest, |byte| is_word(byte) || matches!(byte, b'-' | b':'))),
            _ => (Token::Plain, 1),
        }
    }
}

fn diff(line: &str) -> Token {
    match line.as_bytes() {
        [b'@', ..] | [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] | [b'd', b'i', b'f', b'f', ..] => Token::Comment,
        [b'+', ..] => Token::Added,
        [b'-', ..] => Token::Removed,
        _ => Token::Plain,
    }
}

/// The length up to an end, the end included.
fn closing(text: &str, end: &str, has_escapes: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if has_escapes && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at..].starts_with(end.as_bytes()) {
            return Some(at + end.len());
        } else {
            at += 1;
        }
    }
    None
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn word_length(text: &str, is_in: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| is_in(*byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(language: &str, code: &str) -> Vec<(Token, String)> {
        let mut highlighter = Highlighter::new(language, code).unwrap();
        let mut out = Vec::new();
        for line in code.split_inclusive('\n') {
            highlighter.line(line, |kind, text| {
                if kind != Token::Plain {
                    out.push((kind, text.to_owned()));
                }
            });
        }
        out
    }

    fn has(language: &str, code: &str, kind: Token, text: &str) {
        let tokens = tokens(language, code);
        assert!(tokens.contains(&(kind, text.to_owned())), "{text:?} is no {kind:?} in {tokens:?}");
    }

    #[test]
    fn each_sort_of_token_is_found_in_the_languages_that_have_it() {
        has("rust", "fn main<'a>() { let c = '\\n'; } // end\n", Token::Keyword, "fn");
        has("rs", "let c = 'x'; // end\n", Token::Comment, "// end");
        has("rust", "let c = 'x';\n", Token::Text, "'x'");
        has("rust", "fn f<'a>(x: &'a str) -> &'a str { g(x) }", Token::Name, "g");
        has("ts", "const a = `x ${b}\ny`; 12.5", Token::Number, "12.5");
        has("python", "\"\"\"a\nb\"\"\"\ndef f():\n", Token::Keyword, "def");
        has("python", "x = None # no\n", Token::Number, "None");
        has("json", "{\"a\": \"b\"}", Token::Name, "\"a\"");
        has("json", "{\"a\": \"b\"}", Token::Text, "\"b\"");
        has("yaml", "key: 1 # c\n", Token::Name, "key");
        has("toml", "[a]\nkey = \"v\"\n", Token::Name, "key");
        has("bash", "echo \"$x\" $HOME # c\n", Token::Name, "$HOME");
        has("html", "<a href=\"x\">t</a><!-- c\nd -->", Token::Name, "href");
        has("html", "<!-- c\nd --><b>", Token::Comment, "d -->");
        has("sql", "SELECT a FROM b -- c\n", Token::Keyword, "SELECT");
        has("css", ".a { color: red; } /* c */", Token::Comment, "/* c */");
        has("diff", "+a\n-b\n", Token::Removed, "-b\n");
        has("c++", "/* a\nb */ int x;\n", Token::Comment, "b */");
    }

    #[test]
    fn what_is_unknown_or_too_long_is_left_alone() {
        assert!(Highlighter::new("brainfuck", "x").is_none());
        assert!(Highlighter::new("", "x").is_none());
        assert!(Highlighter::new("rust", &"x".repeat(2_001)).is_none());
        assert!(Highlighter::new("rust", &"xxxxxxxxx\n".repeat(6_000)).is_none());
    }
}
