//! A reader of JSON text that knows nothing of what is read.
//!
//! None of it is generic, so that every type shares one copy: see [`crate::decode`](mod@crate::decode).

use std::{borrow::Cow, fmt};

/// Why a text was refused, in words without a capital or a full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// What stands there, or should.
    Here(&'static str),
    /// A key that is not there.
    Missing(&'static str),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(words) => f.write_str(words),
            Self::Missing(key) => write!(f, "the key {key} is missing"),
        }
    }
}

/// A text, how far it has been read, and why it was refused if it was.
///
/// Whatever reads a part of it gives nothing when it refuses the text; the reason stays here, once for all callers, who
/// need not pass it on.
#[derive(Debug)]
pub struct Json<'a> {
    text: &'a str,
    at: usize,
    flaw: Flaw,
}

/// What [`Json::kind`] reads.
pub(crate) struct Kind<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Its place among those that are known.
    pub(crate) at: Option<usize>,
    pub(crate) has_content: bool,
}

impl<'a> Json<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, flaw: Flaw::Here("it was not refused") }
    }

    /// How many bytes have been read.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// Why the text was refused.
    pub(crate) const fn flaw(&self) -> Flaw {
        self.flaw
    }

    /// Refuses the text.
    pub fn refuse<T>(&mut self, words: &'static str) -> Option<T> {
        self.flaw = Flaw::Here(words);
        None
    }

    /// Refuses the text for a key that it lacks.
    pub fn lack<T>(&mut self, key: &'static str) -> Option<T> {
        self.flaw = Flaw::Missing(key);
        None
    }

    /// Refuses whatever follows but white space.
    pub(crate) fn end(&mut self) -> Option<()> {
        match self.peek() {
            None => Some(()),
            Some(_) => self.refuse("more text behind the end"),
        }
    }

    /// Reads an object; `field` reads the value of each key that is known, by its place among them. Others are skipped.
    pub fn object(&mut self, known: &[&str], field: &mut dyn FnMut(usize, &mut Self) -> Option<()>) -> Option<()> {
        self.expect(b'{', "an object was expected here")?;
        let mut more = !self.close(b'}');
        while more {
            let key = self.key()?;
            match place(&key, known) {
                Some(at) => field(at, self)?,
                None => self.skip()?,
            }
            more = self.more(b'}')?;
        }
        Some(())
    }

    /// Reads an array; `item` reads each item.
    pub(crate) fn array(&mut self, item: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(b'[', "an array was expected here")?;
        let mut more = !self.close(b']');
        while more {
            item(self)?;
            more = self.more(b']')?;
        }
        Some(())
    }

    /// Reads a word, and gives its place among those that are known.
    pub fn word_of(&mut self, known: &[&str]) -> Option<Option<usize>> {
        Some(place(&self.string()?, known))
    }

    /// Reads an enum's kind: a bare word, or the first key of an object, whose value is then read.
    pub(crate) fn kind(&mut self, known: &[&str]) -> Option<Kind<'a>> {
        let has_content = self.peek() != Some(b'"');
        if has_content {
            self.expect(b'{', "an enum was expected here: a word, or an object with one key, its kind")?;
        }
        let text = if has_content { self.key()? } else { self.string()? };
        Some(Kind { at: place(&text, known), text, has_content })
    }

    /// Reads on behind the value of a kind; further keys are skipped.
    pub(crate) fn end_of_kind(&mut self) -> Option<()> {
        while self.more(b'}')? {
            self.key()?;
            self.skip()?;
        }
        Some(())
    }

    /// Reads `null` if it stands here.
    pub(crate) fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.word("null")
    }

    pub(crate) fn bool(&mut self) -> Option<bool> {
        match self.peek() {
            Some(b't') if self.word("true") => Some(true),
            Some(b'f') if self.word("false") => Some(false),
            _ => self.refuse("true or false was expected here"),
        }
    }

    /// Reads a number without sign, fraction or exponent.
    pub(crate) fn integer(&mut self) -> Option<u64> {
        self.peek();
        let start = self.at;
        self.digits()?;
        if matches!(self.byte(), Some(b'.' | b'e' | b'E')) {
            return self.refuse("a whole number was expected here");
        }
        self.slice(start, self.at).parse().ok().or_else(|| self.refuse(TOO_LARGE))
    }

    /// Reads a string; one without escapes is borrowed.
    pub(crate) fn string(&mut self) -> Option<Cow<'a, str>> {
        self.expect(b'"', STRING)?;
        let plain = self.plain();
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Some(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Some(Cow::Owned(text));
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return self.refuse(CONTROL),
                None => return self.refuse(ENDLESS),
            }
            text.push_str(self.plain());
        }
    }

    /// Reads any value, and forgets it. Its nesting costs no stack.
    pub(crate) fn skip(&mut self) -> Option<()> {
        let mut due = Vec::new();
        loop {
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    if !self.close(b'}') {
                        self.skip_key()?;
                        due.push(b'}');
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    if !self.close(b']') {
                        due.push(b']');
                        continue;
                    }
                }
                Some(b'"') => self.skip_string()?,
                Some(b't' | b'f') => drop(self.bool()?),
                Some(b'n') if self.word("null") => {}
                _ => self.number()?,
            }
            loop {
                let Some(&close) = due.last() else { return Some(()) };
                if self.more(close)? {
                    if close == b'}' {
                        self.skip_key()?;
                    }
                    break;
                }
                due.pop();
            }
        }
    }

    fn key(&mut self) -> Option<Cow<'a, str>> {
        let key = self.string()?;
        self.expect(b':', COLON)?;
        Some(key)
    }

    fn skip_key(&mut self) -> Option<()> {
        self.skip_string()?;
        self.expect(b':', COLON)
    }

    /// Reads a string, and forgets it: what its escapes come to, half a character perhaps, is nobody's concern.
    fn skip_string(&mut self) -> Option<()> {
        self.expect(b'"', STRING)?;
        loop {
            self.plain();
            let byte = self.byte();
            self.at += 1;
            match byte {
                Some(b'"') => return Some(()),
                Some(b'\\') if self.word("u") => drop(self.hex()?),
                Some(b'\\') => drop(self.escape()?),
                Some(_) => return self.refuse(CONTROL),
                None => return self.refuse(ENDLESS),
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        self.digits()?;
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digit()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digit()?;
        }
        Some(())
    }

    /// Digits without a leading zero.
    fn digits(&mut self) -> Option<()> {
        let is_zero = self.byte() == Some(b'0');
        let start = self.at;
        self.digit()?;
        if is_zero && self.at > start + 1 { self.refuse("a number begins with 0") } else { Some(()) }
    }

    /// One digit or more.
    fn digit(&mut self) -> Option<()> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { self.refuse("this is no value of JSON, or not the one expected") } else { Some(()) }
    }

    /// What follows up to a quote, a backslash or a control character.
    fn plain(&mut self) -> &'a str {
        let start = self.at;
        let rest = self.slice(start, self.text.len());
        self.at += rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..b' ')).unwrap_or(rest.len());
        self.slice(start, self.at)
    }

    fn escape(&mut self) -> Option<char> {
        let byte = self.byte();
        self.at += 1;
        Some(match byte {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => self.code_point()?,
            _ => return self.refuse(ESCAPE),
        })
    }

    fn code_point(&mut self) -> Option<char> {
        let mut code = self.hex()?;
        if (0xd800..0xdc00).contains(&code) && self.word("\\u") {
            let low = self.hex()?;
            if !(0xdc00..0xe000).contains(&low) {
                return self.refuse(ESCAPE);
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(code).or_else(|| self.refuse(ESCAPE))
    }

    fn hex(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.byte().and_then(|byte| char::from(byte).to_digit(16)) else { return self.refuse(ESCAPE) };
            code = code << 4 | digit;
            self.at += 1;
        }
        Some(code)
    }

    fn word(&mut self, word: &str) -> bool {
        let is_here = self.slice(self.at, self.text.len()).starts_with(word);
        if is_here {
            self.at += word.len();
        }
        is_here
    }

    fn close(&mut self, close: u8) -> bool {
        let is_here = self.peek() == Some(close);
        if is_here {
            self.at += 1;
        }
        is_here
    }

    fn more(&mut self, close: u8) -> Option<bool> {
        if self.close(close) {
            return Some(false);
        }
        self.expect(b',', "a comma or an end was expected here")?;
        Some(true)
    }

    fn expect(&mut self, byte: u8, words: &'static str) -> Option<()> {
        if self.peek() != Some(byte) {
            return self.refuse(words);
        }
        self.at += 1;
        Some(())
    }

    /// The next byte behind white space.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
        self.byte()
    }

    /// A part of the text. Both ends stand beside an ASCII byte; without indexing, no panic is there to pay for.
    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

fn place(word: &str, known: &[&str]) -> Option<usize> {
    known.iter().position(|known| *known == word)
}

pub(crate) const TOO_LARGE: &str = "a number is too large";
const STRING: &str = "a string was expected here";
const COLON: &str = "a colon was expected here";
const CONTROL: &str = "a string holds a control character";
const ENDLESS: &str = "a string has no end";
const ESCAPE: &str = "a string holds an escape that JSON does not have";
