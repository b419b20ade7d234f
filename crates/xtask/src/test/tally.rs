//! Reads the output of test binaries while it passes by, and counts.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome};
use crate::process;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// It ran and held.
    Ok,
    /// It was not run.
    Ignored,
    /// It ran and did not hold.
    Failed,
}

/// The tests that ran so far, by their full names, and the sums of the result lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    ends: BTreeMap<String, End>,
    sums: Sums,
}

/// The sums of `test result:` lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// Runs a test command from the root of the tree, shows its output and counts its tests.
    ///
    /// # Errors
    ///
    /// When it cannot be started or ends with anything but 0.
    pub(crate) fn run(&mut self, command: &mut Command) -> Outcome {
        let line = process::line(command);
        let cannot = |error| Failure::io(format_args!("cannot run `{line}`"), &error);
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(cannot)?;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).split(b'\n') {
                let line = line.map_err(cannot)?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                self.read(&line);
            }
        }
        let status = child.wait().map_err(cannot)?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("`{line}` failed ({status})")))
    }

    /// Takes in one line of a test binary's output.
    pub(super) fn read(&mut self, line: &str) {
        if let Some(sums) = parse_result(line) {
            self.sums = self.sums.plus(sums);
        } else if let Some((name, end)) = parse_test(line) {
            // The same name may stand in several binaries: the worst end counts.
            let known = self.ends.entry(name.to_owned()).or_insert(end);
            *known = end.max(*known);
        }
    }

    /// How the tests of this name ended, of whatever module: the worst of them. `None` when no such test ran.
    pub(crate) fn end_of(&self, name: &str) -> Option<End> {
        let is_named = |full: &str| full.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with("::"));
        self.ends.iter().filter(|(full, _)| is_named(full)).map(|(_, end)| *end).max()
    }

    /// What came in after an earlier state of this tally.
    pub(crate) fn since(&self, earlier: &Self) -> Sums {
        Sums {
            passed: self.sums.passed - earlier.sums.passed,
            failed: self.sums.failed - earlier.sums.failed,
            ignored: self.sums.ignored - earlier.sums.ignored,
        }
    }

    /// One line a test: its end, then its name.
    pub(crate) fn listing(&self) -> String {
        self.ends.iter().map(|(name, end)| format!("{end} {name}\n")).collect()
    }
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed, ignored: self.ignored + other.ignored }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        })
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.ignored > 0 {
            write!(f, ", {} ignored", self.ignored)?;
        }
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sums.fmt(f)
    }
}

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
fn parse_result(line: &str) -> Option<Sums> {
    let counts = line.trim().strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |what: &str| counts.split(';').find_map(|part| part.trim().strip_suffix(what)?.trim().parse::<u64>().ok());
    Some(Sums { passed: count("passed")?, failed: count("failed")?, ignored: count("ignored")? })
}

/// Reads `test module::name ... ok`, as libtest and wasm-bindgen's runner write it.
fn parse_test(line: &str) -> Option<(&str, End)> {
    let (name, end) = line.trim().strip_prefix("test ")?.rsplit_once(" ... ")?;
    let end = match end {
        "ok" => End::Ok,
        "FAILED" | "FAIL" => End::Failed,
        _ if end.starts_with("ignored") => End::Ignored,
        _ => return None,
    };
    // `#[should_panic]` is told behind the name.
    Some((name.trim_end_matches(" - should panic"), end))
}

#[cfg(test)]
mod tests {
    use super::{End, Tally};

    const OUTPUT: &str = "
running 4 tests
test cursor::tests::never_moves_backwards ... ok
test cursor::tests::panics_on_zero - should panic ... ok
test slow ... ignored, takes an hour
test broken ... FAILED
test src/lib.rs - encode (line 3) ... ok

test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s

running 1 test
test slow ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 filtered out; finished in 0.00s
";

    fn tally() -> Tally {
        let mut tally = Tally::default();
        OUTPUT.lines().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn the_result_lines_of_all_binaries_are_summed_up() {
        assert_eq!(tally().to_string(), "4 passed, 1 failed, 1 ignored");
        let mut more = tally();
        more.read("test result: ok. 2 passed; 0 failed; 0 ignored; 0 filtered out");
        assert_eq!(more.since(&tally()).to_string(), "2 passed, 0 failed");
    }

    #[test]
    fn a_test_is_found_by_its_function_name_and_its_worst_end_counts() {
        let tally = tally();
        assert_eq!(tally.end_of("never_moves_backwards"), Some(End::Ok));
        assert_eq!(tally.end_of("tests::never_moves_backwards"), Some(End::Ok));
        assert_eq!(tally.end_of("panics_on_zero"), Some(End::Ok));
        assert_eq!(tally.end_of("slow"), Some(End::Ignored));
        assert_eq!(tally.end_of("broken"), Some(End::Failed));
        assert_eq!(tally.end_of("moves_backwards"), None);
    }

    #[test]
    fn a_line_that_a_test_prints_is_not_taken_for_a_test() {
        let mut tally = Tally::default();
        tally.read("test of the line ... pending");
        tally.read("the test result: none");
        assert_eq!(tally, Tally::default());
    }
}
