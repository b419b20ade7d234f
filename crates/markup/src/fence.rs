//! A code block between fences, line by line.

/// An open code block that stands by itself.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    sign: u8,
    length: usize,
    indent: usize,
    /// The first word behind the opening fence.
    pub(crate) language: String,
    /// The whole lines so far.
    pub(crate) text: String,
}

impl Fence {
    /// Reads an opening line, of which the parser said that it is one, and what it found behind the fence.
    pub(crate) fn open(line: &str, info: &str) -> Option<Self> {
        let body = line.trim_start_matches(' ');
        let sign = *body.as_bytes().first()?;
        let language = info.split_whitespace().next().unwrap_or_default().chars().take(40).collect();
        Some(Self { sign, length: run(body, sign), indent: line.len() - body.len(), language, text: String::new() })
    }

    /// Whether a whole line ends the block.
    pub(crate) fn is_closed_by(&self, line: &str) -> bool {
        self.fits(line).is_some_and(|length| length >= self.length)
    }

    /// Whether a line that is not whole may still end the block.
    pub(crate) fn may_be_closed_by(&self, line: &str) -> bool {
        self.fits(line).is_some()
    }

    /// The length of the fence in a line that holds nothing else.
    fn fits(&self, line: &str) -> Option<usize> {
        let body = line.trim_start_matches(' ');
        let length = run(body, self.sign);
        let is_rest_blank = body[length..].bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n'));
        (line.len() - body.len() <= 3 && is_rest_blank && (length > 0 || body.is_empty())).then_some(length)
    }

    /// A line without what the fence is indented by.
    pub(crate) fn content<'a>(&self, line: &'a str) -> &'a str {
        let spaces = line.bytes().take(self.indent).take_while(|byte| *byte == b' ').count();
        &line[spaces..]
    }
}

fn run(text: &str, sign: u8) -> usize {
    text.bytes().take_while(|byte| *byte == sign).count()
}
