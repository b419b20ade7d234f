//! Debian's packages: installed as root, named otherwise.

use std::path::Path;
use std::process::Stdio;

use crate::failure::{Failure, Outcome};
use crate::process;

/// Whether the machine installs its packages with apt.
pub(crate) fn here() -> bool {
    Path::new("/etc/debian_version").is_file() && process::on_path("apt-get").is_some()
}

/// Installs packages, or says which line does.
///
/// `missing` opens the sentence of the failure: the thing that is not there.
///
/// # Errors
///
/// When this process is not root, or apt cannot install a package.
pub(crate) fn install(missing: &str, packages: &[&str]) -> Outcome {
    let list = packages.join(" ");
    if !is_root() {
        return Err(Failure::new(format!("{missing}: run `sudo apt-get update && sudo apt-get install {list}` and start again")));
    }
    println!("  {missing}: installing Debian's packages {list}");
    if !known(packages) {
        process::output(process::command("apt-get").args(["update", "-qq"]))?;
    }
    let install = || {
        process::output(
            process::command("apt-get")
                .env("DEBIAN_FRONTEND", "noninteractive")
                .args(["install", "-y", "-qq", "--no-install-recommends"])
                .args(packages),
        )
    };
    // An index that is too old names package files that are gone.
    install()
        .or_else(|_| {
            process::output(process::command("apt-get").args(["update", "-qq"]))?;
            install()
        })
        .map(drop)
        .map_err(|failure| Failure::new(format!("{missing}, and Debian's packages {list} cannot be installed: {failure}")))
}

/// Whether the package index of this machine knows every one of the packages; a fresh machine has none.
fn known(packages: &[&str]) -> bool {
    packages.iter().all(|package| {
        process::command("apt-cache")
            .args(["show", "--no-all-versions", package])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

fn is_root() -> bool {
    process::output(process::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
