//! The demo agent's options.

use std::time::Duration;

/// How the demo agent behaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// `--seed N`: what the content is drawn from. Default 0.
    pub seed: u64,
    /// `--delay-ms N`: the pause after each chunk. Default: 25 ms, none for `/mix`.
    pub delay: Option<Duration>,
    /// `--fail-start exit|hang|garbage`: how its start fails, if it does.
    pub fail_start: Option<StartFailure>,
}

/// How a start fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFailure {
    /// It prints a sentence on stderr and exits with code 1.
    Exit,
    /// It reads and never answers.
    Hang,
    /// It prints what is no protocol and never answers.
    Garbage,
}

/// Why the options were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOption {
    /// Not an option.
    #[error("{0:?} is no option of demo-agent: it takes --seed N, --delay-ms N, --fail-start exit|hang|garbage")]
    Unknown(String),
    /// An option without, or with a wrong value.
    #[error("{option} takes {takes}, not {value:?}")]
    Value {
        /// The option.
        option: String,
        /// What it takes.
        takes: &'static str,
        /// What it was given; empty for nothing.
        value: String,
    },
}

impl Options {
    /// Reads the arguments behind `demo-agent`.
    ///
    /// # Errors
    /// [`InvalidOption`] names the first argument that does not fit.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, InvalidOption> {
        let mut options = Self::default();
        let mut args = args.into_iter();
        while let Some(option) = args.next() {
            match option.as_str() {
                "--seed" => options.seed = number(option, args.next())?,
                "--delay-ms" => options.delay = Some(Duration::from_millis(number(option, args.next())?)),
                "--fail-start" => options.fail_start = Some(start_failure(option, args.next())?),
                _ => return Err(InvalidOption::Unknown(option)),
            }
        }
        Ok(options)
    }
}

fn number(option: String, value: Option<String>) -> Result<u64, InvalidOption> {
    let value = value.unwrap_or_default();
    value.parse().map_err(|_| InvalidOption::Value { option, takes: "a whole number", value })
}

fn start_failure(option: String, value: Option<String>) -> Result<StartFailure, InvalidOption> {
    match value.as_deref() {
        Some("exit") => Ok(StartFailure::Exit),
        Some("hang") => Ok(StartFailure::Hang),
        Some("garbage") => Ok(StartFailure::Garbage),
        _ => Err(InvalidOption::Value { option, takes: "exit, hang or garbage", value: value.unwrap_or_default() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, InvalidOption> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_option_is_read() {
        let options = parse("--seed 9 --delay-ms 3 --fail-start hang").unwrap();
        assert_eq!(options, Options { seed: 9, delay: Some(Duration::from_millis(3)), fail_start: Some(StartFailure::Hang) });
    }

    #[test]
    fn a_wrong_value_is_named_with_what_would_do() {
        assert_eq!(parse("--seed x").unwrap_err().to_string(), r#"--seed takes a whole number, not "x""#);
        assert_eq!(parse("--fail-start").unwrap_err().to_string(), r#"--fail-start takes exit, hang or garbage, not """#);
    }
}
