//! What the tests in a browser need from the system: Chromium with its driver, and two plain web servers.

use std::path::{Path, PathBuf};

use super::debian;
use crate::failure::{Failure, Outcome};
use crate::process::on_path;

const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const CHROME_ON_MACOS: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// Finds Chromium and its driver, and gives the driver's path.
///
/// # Errors
///
/// When one is missing and cannot be installed.
pub(crate) fn ensure_chromium() -> Outcome<PathBuf> {
    let find = || {
        let browser = CHROMIUM.iter().any(|name| on_path(name).is_some()) || Path::new(CHROME_ON_MACOS).is_file();
        on_path("chromedriver").filter(|_| browser)
    };
    if let Some(driver) = find() {
        return Ok(driver);
    }
    let missing = "Chromium with its driver is missing, which the tests in a browser need";
    if !debian::here() {
        return Err(Failure::new(format!("{missing}: install Chrome or Chromium and a chromedriver of the same version, and start again")));
    }
    debian::install(missing, &["chromium", "chromium-driver"])?;
    find().ok_or_else(|| Failure::new(missing))
}

/// Finds the web servers that the end-to-end tests host the client with.
///
/// # Errors
///
/// When one is missing and cannot be installed.
pub(crate) fn ensure_web_servers() -> Outcome {
    for (program, package) in [("python3", "python3"), ("nginx", "nginx-light")] {
        ensure(program, package, "which the end-to-end tests host the client with")?;
    }
    Ok(())
}

/// Finds curl.
///
/// # Errors
///
/// When it is missing and cannot be installed.
pub(crate) fn ensure_curl() -> Outcome {
    ensure("curl", "curl", "with which a test runs the session of docs/protocol.md")
}

fn ensure(program: &str, package: &str, what_for: &str) -> Outcome {
    if on_path(program).is_some() {
        return Ok(());
    }
    let missing = format!("{program} is missing, {what_for}");
    if !debian::here() {
        return Err(Failure::new(format!("{missing}: install it and start again")));
    }
    debian::install(&missing, &[package])
}
