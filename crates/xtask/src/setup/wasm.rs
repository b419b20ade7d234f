//! A Rust compiler that can build for `wasm32-unknown-unknown`.
//!
//! Where rustup reaches its server, the target is one download. Where it does not, Debian packages a compiler together
//! with the sources of its library: the target's library is built from them once, put where that compiler looks for it,
//! and the compiler is linked into rustup under a name of the project's own, so that native code keeps the usual one.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian;
use crate::failure::{Failure, Outcome};
use crate::process::{self, command, on_path, output};
use crate::workspace::{self, Workspace};

/// The target the client is built for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The name under which rustup knows Debian's compiler.
const LINKED: &str = "moorline-wasm";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_CLIPPY: &str = "/usr/bin/clippy-driver";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/wasm32-unknown-unknown";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const DEBIAN_LINKER: &str = "wasm-ld-19";
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-19"];
/// The compiler that the library in [`DEBIAN_LIBRARY`] was built by and for.
const STAMP: &str = "moorline-stamp";

/// Which compiler builds the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compiler {
    /// The one that is in use anyway.
    Usual,
    /// Debian's, under rustup's roof.
    Linked,
    /// Debian's, on a machine without rustup.
    Debian,
}

impl Compiler {
    fn variables(self) -> Vec<(&'static str, String)> {
        let linker = ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER.to_owned());
        match self {
            Self::Usual => Vec::new(),
            Self::Linked => vec![("RUSTUP_TOOLCHAIN", LINKED.to_owned()), linker],
            Self::Debian => vec![linker],
        }
    }

    /// A command that uses it.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        if self == Self::Usual {
            return command(program);
        }
        let mut command = without_rustup(program);
        command.envs(self.variables());
        command
    }

    /// How it is called in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Usual => "the usual compiler",
            Self::Linked | Self::Debian => "Debian's compiler",
        }
    }

    /// Makes sure that `cargo clippy` works with it.
    ///
    /// # Errors
    ///
    /// When it does not, and Debian's package cannot be installed.
    pub(crate) fn ensure_clippy(self) -> Outcome {
        match self {
            Self::Usual if output(command("cargo").args(["clippy", "--version"])).is_err() => {
                Err(Failure::new("clippy is missing: run `rustup component add clippy` and start again"))
            }
            Self::Linked | Self::Debian if !Path::new(DEBIAN_CLIPPY).is_file() => {
                debian::install("clippy for Debian's compiler is missing", &["rust-web-clippy"])
            }
            Self::Usual | Self::Linked | Self::Debian => Ok(()),
        }
    }
}

/// Finds or makes a compiler with the target.
///
/// # Errors
///
/// When neither rustup nor Debian's packages give one.
pub(crate) fn ensure(workspace: &Workspace) -> Outcome<Compiler> {
    if usual_has_target() {
        return Ok(Compiler::Usual);
    }
    if debian_is_ready()? {
        return link();
    }
    if on_path("rustup").is_some() {
        println!("  the {TARGET} target is missing: asking rustup for it");
        match output(command("rustup").args(["target", "add", TARGET])) {
            Ok(_) if usual_has_target() => return Ok(Compiler::Usual),
            Ok(_) => {}
            Err(failure) => println!("  rustup cannot give it ({failure})"),
        }
    }
    if !debian::here() {
        return Err(Failure::new(format!("the Rust target {TARGET} is missing: run `rustup target add {TARGET}` and start again")));
    }
    prepare_debian(workspace)?;
    link()
}

fn usual_has_target() -> bool {
    output(command("rustc").args(["--print", "sysroot"]))
        .is_ok_and(|sysroot| has_library(&Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET)) && !is_debian_sysroot(sysroot.trim()))
}

/// Debian's own compiler counts as ready only with our stamp, see [`debian_is_ready`].
fn is_debian_sysroot(sysroot: &str) -> bool {
    sysroot == "/usr"
}

fn has_library(target: &Path) -> bool {
    fs::read_dir(target.join("lib"))
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
}

fn debian_is_ready() -> Outcome<bool> {
    if !Path::new(DEBIAN_RUSTC).is_file() || on_path(DEBIAN_LINKER).is_none() {
        return Ok(false);
    }
    let Ok(stamp) = fs::read_to_string(Path::new(DEBIAN_LIBRARY).join(STAMP)) else {
        return Ok(false);
    };
    Ok(stamp == debian_version()? && has_library(Path::new(DEBIAN_LIBRARY)))
}

fn debian_version() -> Outcome<String> {
    output(command(DEBIAN_RUSTC).arg("-vV"))
}

fn prepare_debian(workspace: &Workspace) -> Outcome {
    let present = [DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_SOURCES].iter().all(|path| Path::new(path).is_file());
    if !present || on_path(DEBIAN_LINKER).is_none() {
        let missing = format!("a Rust compiler for {TARGET} is missing");
        debian::install(&missing, &DEBIAN_PACKAGES)?;
    }
    let staged = build_library(workspace)?;
    place_library(&staged)
}

/// Builds the target's standard library from Debian's sources, in an empty crate, and gathers it in a folder.
fn build_library(workspace: &Workspace) -> Outcome<PathBuf> {
    let folder = workspace.tools.join("wasm-std");
    let version = debian_version()?;
    let staged = folder.join(TARGET);
    if fs::read_to_string(staged.join(STAMP)).is_ok_and(|stamp| stamp == version) {
        return Ok(staged);
    }
    println!("  building the standard library for {TARGET} from Debian's sources, once (about a minute)");
    let _ = fs::remove_dir_all(&folder);
    let name = "empty";
    workspace::write(&folder.join("Cargo.toml"), format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n[workspace]\n"))?;
    workspace::write(&folder.join("src/lib.rs"), "")?;
    let target = folder.join("target");
    process::run(
        without_rustup(DEBIAN_CARGO)
            .current_dir(&folder)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", DEBIAN_RUSTC)
            .env("RUSTFLAGS", "-Cembed-bitcode=yes -Zforce-unstable-if-unmarked")
            .env("CARGO_TARGET_DIR", &target)
            .args(["build", "--quiet", "--release", "--target", TARGET])
            .arg("-Zbuild-std=std,panic_abort,panic_unwind,test,proc_macro"),
    )?;
    let built = target.join(TARGET).join("release/deps");
    copy_libraries(&built, &staged.join("lib"), &format!("lib{name}-"))?;
    workspace::write(&staged.join(STAMP), version)?;
    let _ = fs::remove_dir_all(&target);
    Ok(staged)
}

/// A command without what rustup's proxies and `cargo run` set for another toolchain.
fn without_rustup(program: impl AsRef<OsStr>) -> Command {
    let mut command = command(program);
    for name in ["RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH", "RUSTC", "RUSTC_WRAPPER"] {
        command.env_remove(name);
    }
    command
}

/// Copies every library of a folder except those whose name begins with `except`.
fn copy_libraries(from: &Path, to: &Path, except: &str) -> Outcome {
    let copy = || -> std::io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let path = entry?.path();
            let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
                continue;
            };
            if name.ends_with(".rlib") && !name.starts_with(except) {
                fs::copy(&path, to.join(&name))?;
            }
        }
        Ok(())
    };
    copy().map_err(|error| Failure::io(format_args!("cannot copy {} to {}", from.display(), to.display()), &error))
}

/// Puts the library where Debian's compiler looks for it. The stamp comes last: a copy cut short is made again.
fn place_library(staged: &Path) -> Outcome {
    let place = Path::new(DEBIAN_LIBRARY);
    let replace = || -> std::io::Result<()> {
        if place.exists() {
            fs::remove_dir_all(place)?;
        }
        fs::create_dir_all(place)
    };
    if replace().is_err() {
        return Err(Failure::new(format!(
            "{DEBIAN_LIBRARY} is not ours to write: run `sudo rm -rf {DEBIAN_LIBRARY} && sudo cp -r {} {DEBIAN_LIBRARY}` \
             and start again",
            staged.display()
        )));
    }
    copy_libraries(&staged.join("lib"), &place.join("lib"), "\0")?;
    workspace::write(&place.join(STAMP), workspace::read(&staged.join(STAMP))?)
}

/// Makes Debian's compiler known to rustup, where there is one.
fn link() -> Outcome<Compiler> {
    if on_path("rustup").is_none() {
        return Ok(Compiler::Debian);
    }
    let known = output(command("rustup").args(["toolchain", "list"]))?;
    if !known.lines().any(|toolchain| toolchain.split_whitespace().next() == Some(LINKED)) {
        println!("  telling rustup of Debian's compiler as {LINKED}");
        output(command("rustup").args(["toolchain", "link", LINKED, "/usr"]))?;
    }
    Ok(Compiler::Linked)
}
