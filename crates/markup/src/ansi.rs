//! What a command prints, as a terminal shows it.

/// A longer line is broken where a terminal of this width would.
const LINE_CHARS: usize = 8_000;

/// An escape sequence that is longer ends where it is.
const ESCAPE_CHARS: usize = 256;

const BLANK: (char, Style) =
    (' ', Style { ink: None, paper: None, bold: false, dim: false, italic: false, underline: false, inverse: false });

/// A terminal of one endless sheet: finished runs of text, and an open line that may still be written over.
///
/// Known are colours and styles (SGR), the carriage return, the backspace, and erasing in the line. Every other escape sequence and
/// control character is dropped. A piece may end within a sequence.
#[derive(Debug, Default)]
pub struct Terminal {
    line: Vec<(char, Style)>,
    column: usize,
    style: Style,
    state: State,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    /// Behind `ESC [`.
    Control(String),
    /// A command to the terminal, up to BEL or `ESC \`.
    Command {
        length: usize,
        is_escape: bool,
    },
    /// One more character belongs to the sequence.
    One,
}

/// Text of one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The text; ends of lines stand in it.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each word says what it is")]
#[expect(clippy::struct_excessive_bools, reason = "each of them is set by itself")]
pub struct Style {
    pub ink: Option<Colour>,
    pub paper: Option<Colour>,
    pub bold: bool,
    pub dim: bool,
    pub italic: bool,
    pub underline: bool,
    pub inverse: bool,
}

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// 0 to 15: a name, which a theme gives a colour.
    Named(u8),
    /// Red, green and blue.
    Exact([u8; 3]),
}

impl Terminal {
    /// Takes what follows; returns what can no longer be written over.
    pub fn push(&mut self, text: &str) -> Vec<Run> {
        let mut out = Vec::new();
        for sign in text.chars() {
            self.take(sign, &mut out);
        }
        out
    }

    /// The open line.
    #[must_use]
    pub fn open_line(&self) -> Vec<Run> {
        let mut out = Vec::new();
        self.line.iter().for_each(|(sign, style)| add(&mut out, *sign, *style));
        out
    }

    fn take(&mut self, sign: char, out: &mut Vec<Run>) {
        match &mut self.state {
            State::Text => self.text(sign, out),
            State::Escape => {
                self.state = match sign {
                    '[' => State::Control(String::new()),
                    ']' | 'P' | 'X' | '^' | '_' => State::Command { length: 0, is_escape: false },
                    '(' | ')' | '*' | '+' | '#' | '%' | ' ' => State::One,
                    _ => State::Text,
                };
            }
            State::Control(held) => match sign {
                '\u{40}'..='\u{7e}' => {
                    let held = std::mem::take(held);
                    self.state = State::Text;
                    self.control(sign, &held);
                }
                '\u{20}'..='\u{3f}' if held.len() < ESCAPE_CHARS => held.push(sign),
                '\u{1b}' => self.state = State::Escape,
                _ => {
                    self.state = State::Text;
                    self.text(sign, out);
                }
            },
            State::Command { length, is_escape } => match sign {
                '\u{7}' => self.state = State::Text,
                '\\' if *is_escape => self.state = State::Text,
                // Never ended, as it seems: what follows is text again.
                '\n' => {
                    self.state = State::Text;
                    self.text(sign, out);
                }
                _ if *length >= ESCAPE_CHARS * 16 => self.state = State::Text,
                _ => {
                    *length += 1;
                    *is_escape = sign == '\u{1b}';
                }
            },
            State::One => self.state = State::Text,
        }
    }

    fn text(&mut self, sign: char, out: &mut Vec<Run>) {
        match sign {
            '\u{1b}' => self.state = State::Escape,
            '\u{9b}' => self.state = State::Control(String::new()),
            '\n' => {
                self.end_line(out);
                add(out, '\n', Style::default());
            }
            '\r' => self.column = 0,
            '\u{8}' => self.column = self.column.saturating_sub(1),
            '\t' => self.put('\t', out),
            _ if sign.is_control() => {}
            _ => self.put(sign, out),
        }
    }

    fn put(&mut self, sign: char, out: &mut Vec<Run>) {
        let cell = (sign, self.style);
        if self.line.len() < self.column {
            self.line.resize(self.column, BLANK);
        }
        match self.line.get_mut(self.column) {
            Some(held) => *held = cell,
            None => self.line.push(cell),
        }
        self.column += 1;
        if self.column >= LINE_CHARS {
            self.end_line(out);
        }
    }

    fn end_line(&mut self, out: &mut Vec<Run>) {
        for (sign, style) in self.line.drain(..) {
            add(out, sign, style);
        }
        self.column = 0;
    }

    fn control(&mut self, end: char, held: &str) {
        match (end, held) {
            ('m', _) if held.bytes().all(|byte| byte.is_ascii_digit() || byte == b';' || byte == b':') => {
                self.style = self.style.changed(held)
            }
            ('K', "" | "0") => self.line.truncate(self.column),
            ('K', "1") => {
                let end = (self.column + 1).min(self.line.len());
                self.line[..end].fill(BLANK);
            }
            ('K', "2") => self.line.clear(),
            // The first column; a terminal counts from 1.
            ('G', "" | "0" | "1") => self.column = 0,
            _ => {}
        }
    }
}

fn add(out: &mut Vec<Run>, sign: char, style: Style) {
    match out.last_mut() {
        Some(run) if run.style == style => run.text.push(sign),
        // An end of a line looks the same in every style.
        Some(run) if sign == '\n' && run.style.paper.is_none() && !run.style.inverse => run.text.push(sign),
        _ => out.push(Run { text: sign.to_string(), style }),
    }
}

impl Style {
    fn changed(mut self, held: &str) -> Self {
        let mut codes = held.split([';', ':']).map(|code| code.parse::<u16>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = true,
                7 => self.inverse = true,
                21 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.inverse = false,
                30..=37 => self.ink = Some(Colour::Named(code as u8 - 30)),
                38 => self.ink = colour(&mut codes).or(self.ink),
                39 => self.ink = None,
                40..=47 => self.paper = Some(Colour::Named(code as u8 - 40)),
                48 => self.paper = colour(&mut codes).or(self.paper),
                49 => self.paper = None,
                90..=97 => self.ink = Some(Colour::Named(code as u8 - 82)),
                100..=107 => self.paper = Some(Colour::Named(code as u8 - 92)),
                _ => {}
            }
        }
        self
    }
}

/// What follows 38 and 48: `5;n` or `2;r;g;b`.
fn colour(codes: &mut impl Iterator<Item = u16>) -> Option<Colour> {
    let mut byte = || codes.next().and_then(|code| u8::try_from(code).ok());
    match byte()? {
        5 => byte().map(indexed),
        2 => Some(Colour::Exact([byte()?, byte()?, byte()?])),
        _ => None,
    }
}

/// The table of 256 colours: the names, a cube of six steps, greys.
fn indexed(number: u8) -> Colour {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match number {
        0..=15 => Colour::Named(number),
        16..=231 => {
            let place = usize::from(number - 16);
            Colour::Exact([STEPS[place / 36], STEPS[place / 6 % 6], STEPS[place % 6]])
        }
        232..=255 => Colour::Exact([8 + 10 * (number - 232); 3]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        crate::terminal_plain(text)
    }

    #[test]
    fn a_progress_bar_is_written_over() {
        assert_eq!(shown("10 %\r20 %\r100 %\ndone"), "100 %\ndone");
        assert_eq!(shown("a long line\r\u{1b}[Kshort"), "short");
        assert_eq!(shown("a long line\u{1b}[2K\rshort"), "short");
        assert_eq!(shown("abc\u{8}\u{8}X"), "aXc");
        assert_eq!(shown("dos\r\nline"), "dos\nline");
    }

    #[test]
    fn a_sequence_that_is_no_style_is_dropped() {
        assert_eq!(shown("a\u{1b}[2J\u{1b}]0;title\u{7}b\u{1b}(Bc\u{1b}]8;;http://x\u{1b}\\d\u{7}"), "abcd");
        assert_eq!(shown("a\u{1b}]never ended\nb"), "a\nb");
    }

    #[test]
    fn every_way_to_name_a_colour_is_read() {
        let style = |codes: &str| {
            let runs = {
                let mut terminal = Terminal::default();
                terminal.push(&format!("\u{1b}[{codes}mx\n"))
            };
            runs[0].style
        };
        assert_eq!(style("31").ink, Some(Colour::Named(1)));
        assert_eq!(style("1;92").ink, Some(Colour::Named(10)));
        assert_eq!(style("38;5;196").ink, Some(Colour::Exact([255, 0, 0])));
        assert_eq!(style("48;5;255").paper, Some(Colour::Exact([238; 3])));
        assert_eq!(style("38;2;1;2;3;4"), Style { ink: Some(Colour::Exact([1, 2, 3])), underline: true, ..Style::default() });
        assert_eq!(style("1;2;3;7;0"), Style::default());
        assert_eq!(style("38;9;1"), Style { bold: true, ..Style::default() });
    }
}
