//! Set-up: finds what a task needs and gets what is missing.
//!
//! Every step looks first and does nothing when the thing is there, so that a complete machine costs a moment. What is
//! missing is fetched into the project's own tools folder, or, for system packages, installed when running as root on
//! Debian; otherwise the failure names the line to run.

mod agents;
mod browser;
mod debian;
mod peers;
mod tools;
mod wasm;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

pub(crate) use self::agents::ensure_agent;
pub(crate) use self::peers::Peers;
use self::wasm::Compiler;
pub(crate) use self::wasm::TARGET;
use crate::failure::Outcome;
use crate::workspace::Workspace;

/// What building the client needs.
#[derive(Debug, Clone)]
pub(crate) struct ClientTools {
    compiler: Compiler,
    path: OsString,
}

impl ClientTools {
    /// Finds or gets a compiler for wasm, wasm-bindgen, Trunk, wasm-opt and esbuild.
    ///
    /// # Errors
    ///
    /// When one of them is missing and cannot be got.
    pub(crate) fn ensure(workspace: &Workspace) -> Outcome<Self> {
        let start = Instant::now();
        println!("set-up: the tools that build the client");
        let compiler = wasm::ensure(workspace)?;
        let wasm_bindgen = tools::ensure_wasm_bindgen(workspace)?;
        let trunk = tools::ensure_trunk(workspace)?;
        let wasm_opt = tools::ensure_wasm_opt(workspace)?;
        let esbuild = tools::ensure_esbuild(workspace)?;
        println!(
            "  {TARGET} by {}, wasm-bindgen {wasm_bindgen}, trunk {trunk}, wasm-opt {wasm_opt}, esbuild {esbuild} ({:.1} s)",
            compiler.name(),
            start.elapsed().as_secs_f32()
        );
        Ok(Self { compiler, path: tools::path(workspace)? })
    }

    /// A command that compiles for wasm when it calls cargo, with the tools on its PATH.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.compiler.command(program);
        command.env("PATH", &self.path);
        command
    }

    /// Makes sure that [`Self::command`] can run `cargo clippy`.
    ///
    /// # Errors
    ///
    /// When it is missing and cannot be got.
    pub(crate) fn ensure_clippy(&self) -> Outcome {
        self.compiler.ensure_clippy()
    }
}

/// A browser that a test can drive.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    /// The path of chromedriver.
    pub(crate) driver: PathBuf,
}

impl Browser {
    /// Finds or gets Chromium and its driver.
    ///
    /// # Errors
    ///
    /// When one is missing and cannot be installed.
    pub(crate) fn ensure() -> Outcome<Self> {
        println!("set-up: the browser");
        let driver = browser::ensure_chromium()?;
        println!("  Chromium by {}", driver.display());
        Ok(Self { driver })
    }
}

/// Finds or gets the plain web servers of the end-to-end tests.
///
/// # Errors
///
/// When one is missing and cannot be installed.
pub(crate) fn ensure_web_servers() -> Outcome {
    println!("set-up: python3 and nginx");
    browser::ensure_web_servers()
}

/// Finds or gets what the end-to-end tests judge the page's accessibility by, and gives the path of its script.
///
/// # Errors
///
/// When it is missing and cannot be got.
pub(crate) fn ensure_axe(workspace: &Workspace) -> Outcome<PathBuf> {
    println!("set-up: axe-core");
    let (version, script) = tools::ensure_axe(workspace)?;
    println!("  axe-core {version}");
    Ok(script)
}

/// Finds or gets what the native tests call.
///
/// # Errors
///
/// When it is missing and cannot be installed.
pub(crate) fn ensure_curl() -> Outcome {
    println!("set-up: curl");
    browser::ensure_curl()
}
