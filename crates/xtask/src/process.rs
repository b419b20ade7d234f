//! Child processes: started with a clean environment, their failure turned into one sentence.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome};

/// A command without the variables that `cargo run` sets for this process: inherited, they would name this crate to
/// other crates' build scripts and cause needless rebuilds.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let inherited = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_")
                || name.starts_with("CARGO_MANIFEST_")
                || matches!(name, "CARGO" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE")
        });
        if inherited {
            command.env_remove(name);
        }
    }
    command
}

/// The cargo that started this process.
pub(crate) fn cargo() -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a command with its output on the terminal.
///
/// # Errors
///
/// When it cannot be started or ends with anything but 0.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`{}` failed ({status})", line(command))))
}

/// Runs a command silently and gives its standard output.
///
/// # Errors
///
/// When it cannot be started or ends with anything but 0; the sentence carries the line of its standard error that
/// begins with "error", else the last one.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("`{}` failed: {}", line(command), telling_line(&errors))))
}

fn telling_line(errors: &str) -> &str {
    let begins_with_error = |line: &&str| line.to_ascii_lowercase().starts_with("error");
    let mut lines = errors.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines.clone().next_back().unwrap_or("it said nothing");
    lines.find(begins_with_error).unwrap_or(last)
}

/// Finds a program on the PATH.
///
/// A system's servers are often installed where only root's PATH looks: those folders count too.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|path| is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// The command as one would type it, for messages: the program without its folder.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(program.as_os_str()).to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    words.join(" ")
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::io(format_args!("cannot start `{}`", line(command)), error)
}

#[cfg(test)]
mod tests {
    use super::telling_line;

    #[test]
    fn the_line_that_names_the_error_is_told_even_when_a_backtrace_follows() {
        let errors = "info: downloading\nerror: no such host\n\n  15: <unknown>\n";
        assert_eq!(telling_line(errors), "error: no such host");
        assert_eq!(telling_line("first\nlast\n"), "last");
    }
}
