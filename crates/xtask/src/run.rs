//! `cargo xtask run`: from a source tree to a working page.

use std::process::Command;

use crate::failure::Outcome;
use crate::process::command;
use crate::product;
use crate::setup::ClientTools;
use crate::workspace::Workspace;

/// Builds everything and becomes the gateway, which prints the link and ends on Ctrl-C.
///
/// `options` go to the gateway; the client's folder, a data folder below `target` and the demo agent are the defaults.
///
/// # Errors
///
/// When a build fails, or the gateway ends with an error.
pub(crate) fn run(workspace: &Workspace, options: Vec<String>) -> Outcome {
    let tools = ClientTools::ensure(workspace)?;
    product::client(workspace, &tools)?;
    product::print_first_load(workspace)?;
    let gateway = product::gateway(workspace)?;
    let client = workspace.dist().display().to_string();
    let data = workspace.target.join("run-data").display().to_string();
    println!();
    become_program(
        command(gateway)
            .current_dir(&workspace.root)
            .arg("serve")
            .args(with_defaults(options, &[("--client", &client), ("--data", &data), ("--agent", "demo")])),
    )
}

/// The options, and those of the defaults that they do not set.
fn with_defaults(options: Vec<String>, defaults: &[(&str, &str)]) -> Vec<String> {
    let mut all = Vec::new();
    for (name, value) in defaults {
        let is_set = options.iter().any(|option| option.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')));
        if !is_set {
            all.extend([(*name).to_owned(), (*value).to_owned()]);
        }
    }
    all.extend(options);
    all
}

/// Replaces this process, so that signals reach the gateway itself and the shell waits for its drain.
#[cfg(unix)]
fn become_program(program: &mut Command) -> Outcome {
    use std::os::unix::process::CommandExt;

    use crate::failure::Failure;
    use crate::process;

    let error = program.exec();
    Err(Failure::io(format_args!("cannot start `{}`", process::line(program)), &error))
}

#[cfg(not(unix))]
fn become_program(program: &mut Command) -> Outcome {
    crate::process::run(program)
}

#[cfg(test)]
mod tests {
    use super::with_defaults;

    #[test]
    fn an_option_replaces_its_default_in_either_spelling() {
        let options = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let defaults = [("--data", "d"), ("--agent", "demo")];
        assert_eq!(with_defaults(options(&[]), &defaults), ["--data", "d", "--agent", "demo"]);
        assert_eq!(
            with_defaults(options(&["--agent=acp:x", "--data-keep", "1"]), &defaults),
            ["--data", "d", "--agent=acp:x", "--data-keep", "1"]
        );
        assert_eq!(with_defaults(options(&["--agent", "acp:x"]), &defaults), ["--data", "d", "--agent", "acp:x"]);
    }
}
