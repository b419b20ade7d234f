//! Where things are: the tree, the target folder and the tools folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// The folders every task works in.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The root of the source tree.
    pub(crate) root: PathBuf,
    /// Cargo's target folder: `CARGO_TARGET_DIR`, else `target`.
    pub(crate) target: PathBuf,
    /// The project's own tools: `MOORLINE_TOOLS`, else `target/tools`. Kept between runs.
    pub(crate) tools: PathBuf,
}

impl Workspace {
    /// Finds the folders from the place this crate was compiled in and from the environment.
    ///
    /// # Errors
    ///
    /// When the tree has been moved away since the compilation.
    pub(crate) fn locate() -> Outcome<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .ancestors()
            .nth(2)
            .filter(|root| root.join("Cargo.lock").is_file())
            .ok_or_else(|| {
                Failure::new(format!(
                    "no Cargo.lock two folders above {}: run this as `cargo xtask` inside the source tree",
                    manifest.display()
                ))
            })?
            .to_path_buf();
        let below_root = |variable: &str, default: &str| {
            env::var_os(variable).filter(|value| !value.is_empty()).map_or_else(|| root.join(default), |value| root.join(value))
        };
        Ok(Self { target: below_root("CARGO_TARGET_DIR", "target"), tools: below_root("MOORLINE_TOOLS", "target/tools"), root })
    }

    /// The folder the built client goes to.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// The version of a package in `Cargo.lock`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or does not name the package.
    pub(crate) fn locked_version(&self, package: &str) -> Outcome<String> {
        let path = self.root.join("Cargo.lock");
        let lock = read(&path)?;
        version_in_lock(&lock, package).ok_or_else(|| Failure::new(format!("Cargo.lock names no package {package}")))
    }
}

/// Reads a text file.
///
/// # Errors
///
/// When it is missing or not text; the sentence names the path.
pub(crate) fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| Failure::io(format_args!("cannot read {}", path.display()), &error))
}

/// Writes a file, with the folders above it.
///
/// # Errors
///
/// When the system refuses; the sentence names the path.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Outcome {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, content))
        .map_err(|error| Failure::io(format_args!("cannot write {}", path.display()), &error))
}

fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.next()?;
    let version = lines.next()?.strip_prefix("version = \"")?;
    version.strip_suffix('"').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::version_in_lock;

    const LOCK: &str = r#"
[[package]]
name = "wasm-bindgen-shared"
version = "0.2.1"

[[package]]
name = "wasm-bindgen"
version = "0.2.130"
source = "registry"
"#;

    #[test]
    fn the_locked_version_is_that_of_exactly_the_named_package() {
        assert_eq!(version_in_lock(LOCK, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in_lock(LOCK, "wasm"), None);
    }
}
