//! A reader of JSON text that knows nothing of what is read.
//!
//! None of it is generic, so that every type shares one copy: see [`crate::decode`](mod@crate::decode).

use std::borrow::Cow;

/// Why a text was refused, in words without a capital or a full stop.
pub type Flaw = &'static str;

/// A text, and how far it has been read.
#[derive(Debug)]
pub struct Json<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Json<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// How many bytes have been read.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// Refuses whatever follows but white space.
    pub(crate) fn end(&mut self) -> Result<(), Flaw> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err("more text behind the end"),
        }
    }

    /// Reads an object; `field` reads the value of each key.
    ///
    /// # Errors
    /// A [`Flaw`], `field`'s among them.
    pub fn object(&mut self, field: &mut dyn FnMut(&str, &mut Self) -> Result<(), Flaw>) -> Result<(), Flaw> {
        self.expect(b'{', "an object was expected here")?;
        let mut more = !self.close(b'}');
        while more {
            let key = self.key()?;
            field(&key, self)?;
            more = self.more(b'}')?;
        }
        Ok(())
    }

    /// Reads an array; `item` reads each item.
    ///
    /// # Errors
    /// A [`Flaw`], `item`'s among them.
    pub fn array(&mut self, item: &mut dyn FnMut(&mut Self) -> Result<(), Flaw>) -> Result<(), Flaw> {
        self.expect(b'[', "an array was expected here")?;
        let mut more = !self.close(b']');
        while more {
            item(self)?;
            more = self.more(b']')?;
        }
        Ok(())
    }

    /// Reads `null` if it stands here.
    pub(crate) fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.word("null")
    }

    pub(crate) fn bool(&mut self) -> Result<bool, Flaw> {
        match self.peek() {
            Some(b't') if self.word("true") => Ok(true),
            Some(b'f') if self.word("false") => Ok(false),
            _ => Err("true or false was expected here"),
        }
    }

    /// Reads a number without sign, fraction or exponent.
    pub(crate) fn integer(&mut self) -> Result<u64, Flaw> {
        self.peek();
        let start = self.at;
        self.digits()?;
        if matches!(self.byte(), Some(b'.' | b'e' | b'E')) {
            return Err("a whole number was expected here");
        }
        self.slice(start, self.at).parse().map_err(|_| "a number is too large")
    }

    /// Whether a string stands here.
    pub(crate) fn is_string(&mut self) -> bool {
        self.peek() == Some(b'"')
    }

    /// Reads a string; one without escapes is borrowed.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Flaw> {
        self.expect(b'"', "a string was expected here")?;
        let plain = self.plain();
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return Err("a string holds a control character"),
                None => return Err("a string has no end"),
            }
            text.push_str(self.plain());
        }
    }

    /// Reads any value, and forgets it. Its nesting costs no stack.
    ///
    /// # Errors
    /// A [`Flaw`] when it is not JSON.
    pub fn skip(&mut self) -> Result<(), Flaw> {
        let mut due = Vec::new();
        loop {
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    if !self.close(b'}') {
                        self.key()?;
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
                Some(b'"') => drop(self.string()?),
                Some(b't' | b'f') => drop(self.bool()?),
                Some(b'n') if self.word("null") => {}
                _ => self.number()?,
            }
            loop {
                let Some(&close) = due.last() else { return Ok(()) };
                if self.more(close)? {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                due.pop();
            }
        }
    }

    fn key(&mut self) -> Result<Cow<'a, str>, Flaw> {
        let key = self.string()?;
        self.expect(b':', "a colon was expected here")?;
        Ok(key)
    }

    fn number(&mut self) -> Result<(), Flaw> {
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
        Ok(())
    }

    /// Digits without a leading zero.
    fn digits(&mut self) -> Result<(), Flaw> {
        let is_zero = self.byte() == Some(b'0');
        let start = self.at;
        self.digit()?;
        if is_zero && self.at > start + 1 { Err("a number begins with 0") } else { Ok(()) }
    }

    /// One digit or more.
    fn digit(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err("this is no value of JSON, or not the one expected") } else { Ok(()) }
    }

    /// What follows up to a quote, a backslash or a control character.
    fn plain(&mut self) -> &'a str {
        let start = self.at;
        let rest = self.slice(start, self.text.len());
        self.at += rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..b' ')).unwrap_or(rest.len());
        self.slice(start, self.at)
    }

    fn escape(&mut self) -> Result<char, Flaw> {
        let byte = self.byte();
        self.at += 1;
        Ok(match byte {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => self.code_point()?,
            _ => return Err(ESCAPE),
        })
    }

    fn code_point(&mut self) -> Result<char, Flaw> {
        let mut code = self.hex()?;
        if (0xd800..0xdc00).contains(&code) && self.word("\\u") {
            let low = self.hex()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(ESCAPE);
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(code).ok_or(ESCAPE)
    }

    fn hex(&mut self) -> Result<u32, Flaw> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16)).ok_or(ESCAPE)?;
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
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

    fn more(&mut self, close: u8) -> Result<bool, Flaw> {
        if self.close(close) {
            return Ok(false);
        }
        self.expect(b',', "a comma or an end was expected here")?;
        Ok(true)
    }

    fn expect(&mut self, byte: u8, flaw: Flaw) -> Result<(), Flaw> {
        if self.peek() != Some(byte) {
            return Err(flaw);
        }
        self.at += 1;
        Ok(())
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

const ESCAPE: Flaw = "a string holds an escape that JSON does not have";
