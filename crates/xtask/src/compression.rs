//! Precompressed twins of the client's files, and the size of its first load.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::failure::{Failure, Outcome};
use crate::workspace::write;

/// What a page load may cost, in bytes after brotli.
pub(crate) const FIRST_LOAD_CEILING_BYTES: u64 = 300 * 1024;

const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 24;
const BROTLI_BUFFER_BYTES: usize = 64 * 1024;
/// What gains from compression.
const TEXT_LIKE: [&str; 9] = ["html", "js", "mjs", "css", "wasm", "json", "svg", "txt", "webmanifest"];
/// Read and edited by whoever hosts the page: a compressed twin would go stale.
const SETTINGS: &str = "config.json";

/// Writes a `.br` and a `.gz` beside each file of a folder that gains from it.
///
/// # Errors
///
/// When a file cannot be read or written.
pub(crate) fn precompress(folder: &Path) -> Outcome {
    for path in files(folder)? {
        let name = path.file_name().unwrap_or_default();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if name == SETTINGS || !TEXT_LIKE.contains(&extension) {
            continue;
        }
        let content = read_bytes(&path)?;
        for (suffix, compressed) in [("br", brotli(&content)), ("gz", gzip(&content))] {
            let compressed = compressed.map_err(|error| Failure::io(format_args!("cannot compress {}", path.display()), &error))?;
            if compressed.len() < content.len() {
                let mut twin = path.clone().into_os_string();
                twin.push(".");
                twin.push(suffix);
                write(Path::new(&twin), compressed)?;
            }
        }
    }
    Ok(())
}

/// One file of the first load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loaded {
    /// Its path below the folder.
    pub(crate) name: String,
    /// Its size after brotli, in bytes.
    pub(crate) bytes: u64,
}

/// What a browser loads before the page works: index.html and whatever it, or a file so found, mentions by name.
///
/// # Errors
///
/// When the folder holds no index.html, or a file cannot be read.
pub(crate) fn first_load(folder: &Path) -> Outcome<Vec<Loaded>> {
    let mut rest: BTreeSet<PathBuf> = files(folder)?.into_iter().filter(|path| !is_twin(path)).collect();
    let index = folder.join("index.html");
    if !rest.remove(&index) {
        return Err(Failure::new(format!("{} is missing: build the client first", index.display())));
    }
    let mut found = vec![index];
    let mut next = 0;
    while next < found.len() {
        let content = read_bytes(&found[next])?;
        let mentioned: Vec<PathBuf> = rest.iter().filter(|path| mentions(&content, path)).cloned().collect();
        for path in mentioned {
            rest.remove(&path);
            found.push(path);
        }
        next += 1;
    }
    found.iter().map(|path| loaded(folder, path)).collect()
}

fn mentions(content: &[u8], path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    content.windows(name.len()).any(|window| window == name.as_bytes())
}

fn loaded(folder: &Path, path: &Path) -> Outcome<Loaded> {
    let mut twin = path.as_os_str().to_owned();
    twin.push(".br");
    let sent = if Path::new(&twin).is_file() { Path::new(&twin) } else { path };
    let bytes = fs::metadata(sent).map_err(|error| Failure::io(format_args!("cannot read {}", sent.display()), &error))?.len();
    let name = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    Ok(Loaded { name, bytes })
}

fn is_twin(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "br" || extension == "gz")
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let cannot = |error| Failure::io(format_args!("cannot read {}", folder.display()), &error);
        for entry in fs::read_dir(&folder).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read_bytes(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(|error| Failure::io(format_args!("cannot read {}", path.display()), &error))
}

fn brotli(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), BROTLI_BUFFER_BYTES, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(content)?;
    Ok(writer.into_inner())
}

fn gzip(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    writer.write_all(content)?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{Loaded, first_load, precompress};
    use crate::workspace::write;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("moorline-xtask-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn the_first_load_is_what_index_html_mentions_directly_or_not_and_nothing_else() {
        let folder = folder("first-load");
        write(&folder.join("index.html"), "<script src=start-1.js></script>").unwrap();
        write(&folder.join("start-1.js"), "import('./app-2.js')").unwrap();
        write(&folder.join("app-2.js"), "x".repeat(1000)).unwrap();
        write(&folder.join("app-2.js.br"), "short").unwrap();
        write(&folder.join("later.js"), "never").unwrap();
        let loaded = first_load(&folder).unwrap();
        let expected = [("index.html", 32), ("start-1.js", 20), ("app-2.js", 5)];
        assert_eq!(loaded, expected.map(|(name, bytes)| Loaded { name: name.to_owned(), bytes }));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn twins_stand_beside_files_that_gain_and_never_beside_the_settings() {
        let folder = folder("twins");
        let long = "moorline ".repeat(100);
        for name in ["page.html", "config.json", "picture.png"] {
            write(&folder.join(name), &long).unwrap();
        }
        write(&folder.join("tiny.js"), "1").unwrap();
        precompress(&folder).unwrap();
        let mut names: Vec<String> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["config.json", "page.html", "page.html.br", "page.html.gz", "picture.png", "tiny.js"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
