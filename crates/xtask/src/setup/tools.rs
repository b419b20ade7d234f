//! The tools of the client's build, each of one fixed version, in a folder of the project's own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::process::{self, command, on_path, output};
use crate::workspace::Workspace;

/// The newest version that the oldest supported compiler builds.
const TRUNK: &str = "0.21.14";
/// Older ones made a module that fails at its start (Debian's 108).
const BINARYEN: &str = "132.0.0";
const ESBUILD: &str = "0.28.2";
const AXE: &str = "4.14.1";

/// Gets `wasm-bindgen` and its test runner, of exactly the library's version, and gives that version.
///
/// # Errors
///
/// When it can be neither downloaded nor built.
pub(crate) fn ensure_wasm_bindgen(workspace: &Workspace) -> Outcome<String> {
    let version = workspace.locked_version("wasm-bindgen")?;
    let runner = workspace.tool("wasm-bindgen-test-runner");
    if !(runner.is_file() && has_version(workspace, "wasm-bindgen", &version)) {
        // Without --locked: the lock file of 0.2.130 names a release that not every mirror of the registry has.
        install(&workspace.tools, "wasm-bindgen-cli", &version, &[], "3 minutes")?;
    }
    Ok(version)
}

/// Gets Trunk, and gives its version.
///
/// # Errors
///
/// When it can be neither downloaded nor built.
pub(crate) fn ensure_trunk(workspace: &Workspace) -> Outcome<&'static str> {
    if !has_version(workspace, "trunk", TRUNK) {
        install(&workspace.tools, "trunk", TRUNK, &["--locked", "--no-default-features"], "6 minutes")?;
    }
    Ok(TRUNK)
}

/// Gets `wasm-opt`, and gives its version.
///
/// # Errors
///
/// When npm is missing or cannot get it.
pub(crate) fn ensure_wasm_opt(workspace: &Workspace) -> Outcome<&'static str> {
    ensure_from_npm(workspace, "wasm-opt", "binaryen", BINARYEN)
}

/// Gets `esbuild`, and gives its version.
///
/// # Errors
///
/// When npm is missing or cannot get it.
pub(crate) fn ensure_esbuild(workspace: &Workspace) -> Outcome<&'static str> {
    ensure_from_npm(workspace, "esbuild", "esbuild", ESBUILD)
}

/// Gets axe-core, and gives its version and the path of its script for a page.
///
/// # Errors
///
/// When npm is missing or cannot get it.
pub(crate) fn ensure_axe(workspace: &Workspace) -> Outcome<(&'static str, PathBuf)> {
    let version = ensure_from_npm(workspace, "axe", "axe-core", AXE)?;
    Ok((version, workspace.tools.join("npm/node_modules/axe-core/axe.min.js")))
}

fn ensure_from_npm(workspace: &Workspace, tool: &str, package: &str, version: &'static str) -> Outcome<&'static str> {
    from_npm(&workspace.tools.join("npm"), tool, package, version)
}

/// Gets one package of npm and what it needs into a folder.
pub(super) fn from_npm(folder: &Path, tool: &str, package: &str, version: &'static str) -> Outcome<&'static str> {
    let manifest = folder.join("node_modules").join(package).join("package.json");
    if fs::read_to_string(manifest).is_ok_and(|manifest| manifest.contains(&format!("\"version\": \"{version}"))) {
        return Ok(version);
    }
    if on_path("npm").is_none() {
        return Err(Failure::new(format!(
            "npm is missing, which {tool} ({package} {version}) comes from: install Node.js 20 or newer and start again"
        )));
    }
    println!("  {tool} is missing: getting {package} {version} from npm");
    fs::create_dir_all(folder).map_err(|error| Failure::io(format_args!("cannot make {}", folder.display()), &error))?;
    output(
        command("npm")
            .args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
            .arg(folder)
            .arg(format!("{package}@{version}")),
    )?;
    Ok(version)
}

/// The PATH on which the project's tools stand first.
pub(crate) fn path(workspace: &Workspace) -> Outcome<std::ffi::OsString> {
    let own = [workspace.tools.join("bin"), workspace.tools.join("npm/node_modules/.bin")];
    let inherited = env::var_os("PATH").unwrap_or_default();
    env::join_paths(own.into_iter().chain(env::split_paths(&inherited)))
        .map_err(|error| Failure::new(format!("the tools folder cannot stand on the PATH: {error}")))
}

impl Workspace {
    /// Where a tool of the project's own stands.
    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.tools.join("bin").join(name)
    }
}

fn has_version(workspace: &Workspace, tool: &str, version: &str) -> bool {
    output(command(workspace.tool(tool)).arg("--version")).is_ok_and(|line| line.split_whitespace().any(|word| word == version))
}

/// Gets a tool from the registry: prebuilt where cargo-binstall is there and finds it, else compiled.
pub(super) fn install(root: &Path, package: &str, version: &str, flags: &[&str], time: &str) -> Outcome {
    let missing = format!("{package} {version} is missing");
    if on_path("cargo-binstall").is_some() {
        println!("  {missing}: asking cargo-binstall for a prebuilt one");
        let prebuilt = output(
            command("cargo-binstall")
                .args(["--no-confirm", "--force", "--disable-strategies", "compile", "--install-path"])
                .arg(root.join("bin"))
                .arg(format!("{package}@{version}")),
        );
        match prebuilt {
            Ok(_) => return Ok(()),
            Err(failure) => println!("  there is none ({failure})"),
        }
    }
    println!("  {missing}: compiling it, once (about {time} on two cores)");
    process::run(
        process::cargo()
            .env_remove("CARGO_TARGET_DIR")
            .args(["install", "--quiet", "--force", "--root"])
            .arg(root)
            .args(["--version", version])
            .args(flags)
            .arg(package),
    )
    .map_err(|failure| Failure::new(format!("{missing}, and it cannot be built: {failure}")))
}
