//! `cargo xtask dist`: what is shipped, in one folder.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::product;
use crate::setup::ClientTools;
use crate::workspace::Workspace;

/// Builds the client, with its precompressed twins, and the gateway into `target/dist`, and prints the first load.
///
/// # Errors
///
/// When a build fails or a file cannot be written.
pub(crate) fn dist(workspace: &Workspace) -> Outcome {
    let tools = ClientTools::ensure(workspace)?;
    product::client(workspace, &tools)?;
    let gateway = product::gateway(workspace)?;
    let folder = workspace.target.join("dist");
    let place = || -> std::io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        copy_folder(&workspace.dist(), &folder.join("client"))?;
        fs::copy(&gateway, folder.join("moorline-gateway")).map(drop)
    };
    place().map_err(|error| Failure::io(format_args!("cannot fill {}", folder.display()), &error))?;
    product::print_first_load(workspace)?;
    println!("{}: the client's folder and the gateway's binary", folder.display());
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}
