//! The command language: what a message that begins with a slash asks for.

use std::time::Duration;

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// A short turn with everything in it.
    Plain,
    /// This many chunks of text.
    Stream(usize),
    /// This many tool calls.
    Tools(usize),
    /// A permission request.
    Ask,
    /// An error as the answer to the prompt.
    Fail,
    /// An exit in the middle of the answer.
    Crash,
    /// Silence, then an answer.
    Sleep(Duration),
    /// This many updates of every sort, as fast as they go.
    Mix(usize),
    /// A plan that is worked off.
    Plan,
    /// One line of this many KB.
    Long(usize),
    /// An edit of a file in the working directory, after a permission, through the client.
    Edit(String),
    /// A cancel is not heeded: text goes on for as long.
    Stubborn(Duration),
    /// A cancel is answered by an exit.
    CrashOnCancel,
    /// This many updates of 1 KB, as fast as they go.
    Flood(usize),
    /// What no agent should print, then an answer.
    Noise,
    /// A line of this many MB that is no message, then an answer.
    Line(usize),
    /// An answer that goes on behind its end.
    Late,
    /// The text itself.
    Echo(String),
    /// The list of commands.
    Help,
    /// A slash and a word that is no command.
    Unknown(String),
}

/// The most chunks, calls or updates that one command gives.
const COUNT: usize = 1_000_000;

/// The longest line in KB.
const LONG_KB: usize = 4096;

/// The longest line that is no message, in MB.
const LINE_MB: usize = 100;

/// The longest silence: a day.
const SLEEP_SECONDS: usize = 86_400;

impl Command {
    /// Reads a message. A number that is missing or none takes the command's default.
    pub(super) fn parse(message: &str) -> Self {
        if !message.starts_with('/') {
            return Self::Plain;
        }
        let (word, rest) = message.split_once(char::is_whitespace).unwrap_or((message, ""));
        let number = |default: usize, limit: usize| rest.trim().parse().unwrap_or(default).min(limit);
        match word {
            "/stream" => Self::Stream(number(200, COUNT)),
            "/tools" => Self::Tools(number(6, COUNT)),
            "/ask" => Self::Ask,
            "/fail" => Self::Fail,
            "/crash" => Self::Crash,
            "/sleep" => Self::Sleep(Duration::from_secs(number(5, SLEEP_SECONDS) as u64)),
            "/mix" => Self::Mix(number(1000, COUNT)),
            "/plan" => Self::Plan,
            "/long" => Self::Long(number(64, LONG_KB)),
            "/edit" => Self::Edit(Some(rest.trim()).filter(|file| !file.is_empty()).unwrap_or("notes.md").to_owned()),
            "/stubborn" => Self::Stubborn(Duration::from_secs(number(20, SLEEP_SECONDS) as u64)),
            "/crash-on-cancel" => Self::CrashOnCancel,
            "/flood" => Self::Flood(number(100_000, COUNT)),
            "/noise" => Self::Noise,
            "/line" => Self::Line(number(50, LINE_MB)),
            "/late" => Self::Late,
            "/echo" => Self::Echo(rest.to_owned()),
            "/help" => Self::Help,
            _ => Self::Unknown(word.to_owned()),
        }
    }
}

/// The list of commands, as markdown.
pub(super) const HELP: &str = "\
## What the demo agent does

Write anything, and it plays a short turn: thinking, a plan, tools, an answer. Or write a command:

| command | what happens |
|---|---|
| `/stream N` | N chunks of text |
| `/tools N` | N tool calls, some side by side, some failing |
| `/ask` | a permission request; what follows depends on the answer |
| `/fail` | the turn ends with an error |
| `/crash` | the agent's process exits in the middle of its answer |
| `/sleep N` | N seconds of silence, then an answer |
| `/mix N` | N updates of every sort, as fast as they go |
| `/plan` | a plan that is worked off |
| `/long N` | one line of N KB |
| `/edit FILE` | FILE is changed, after a permission, and the change is shown |
| `/stubborn N` | a stop is not heeded: text goes on for N seconds |
| `/crash-on-cancel` | a stop makes the agent's process exit |
| `/flood N` | N updates of 1 KB, as fast as they go |
| `/noise` | log lines, bytes that are no text, unknown ids: then an answer |
| `/line N` | a line of N MB that is no message, then an answer |
| `/late` | an answer that goes on behind its end |
| `/echo TEXT` | TEXT, exactly |
| `/help` | this list |
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_defaulted_and_limited() {
        assert_eq!(Command::parse("/stream 5000"), Command::Stream(5000));
        assert_eq!(Command::parse("/stream many"), Command::Stream(200));
        assert_eq!(Command::parse("/mix"), Command::Mix(1000));
        assert_eq!(Command::parse("/long 99999999"), Command::Long(LONG_KB));
    }

    #[test]
    fn an_echo_keeps_every_character_behind_the_first_space() {
        assert_eq!(Command::parse("/echo  a\n b "), Command::Echo(" a\n b ".into()));
        assert_eq!(Command::parse("/echo"), Command::Echo(String::new()));
    }

    #[test]
    fn only_a_slash_at_the_start_makes_a_command() {
        assert_eq!(Command::parse("see /help"), Command::Plain);
        assert_eq!(Command::parse("/helpme"), Command::Unknown("/helpme".into()));
    }
}
