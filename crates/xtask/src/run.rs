//! `cargo xtask run`: from a source tree to a working page.

use std::env;
use std::process::Command;

use crate::failure::Outcome;
use crate::process::command;
use crate::product;
use crate::setup::ClientTools;
use crate::workspace::Workspace;

/// Builds everything and becomes the gateway, which prints the link and ends on Ctrl-C.
///
/// `options` go to the gateway. Where neither they nor the gateway's variables say otherwise, it serves the client just
/// built and keeps its data below `target`.
///
/// # Errors
///
/// When a build fails, or the gateway cannot be started.
pub(crate) fn run(workspace: &Workspace, options: &[String]) -> Outcome {
    let tools = ClientTools::ensure(workspace)?;
    product::client(workspace, &tools)?;
    product::print_first_load(workspace)?;
    let mut gateway = command(product::gateway(workspace)?);
    gateway.current_dir(&workspace.root).arg("serve").args(options);
    // As variables, because the gateway prefers options to them.
    for (name, folder) in [("MOORLINE_CLIENT", workspace.dist()), ("MOORLINE_DATA", workspace.target.join("run-data"))] {
        if env::var_os(name).is_none() {
            gateway.env(name, folder);
        }
    }
    println!();
    become_program(&mut gateway)
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
