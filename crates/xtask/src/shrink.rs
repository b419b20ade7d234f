//! Makes the built client smaller: what Trunk and wasm-bindgen leave is meant for any page, this is one.
//!
//! Five things cost bytes and do nothing here:
//!
//! - classes that a library exports to scripts, of which the page has none: they go, and what only they needed
//!   ([`glue::without_exports`], [`program::keep`]);
//! - the names between the program and its glue, each with a hash that no compressor can shorten: they become letters,
//!   by the minifier, which then tells which is which ([`program::rename`]);
//! - spaces, comments and long names of scripts and styles;
//! - style sheets apart, each a request and compressed for itself ([`styles::with_one`]);
//! - the order of the program's functions, in which alike ones are strangers: side by side, brotli finds them
//!   ([`program::rename`] puts them there).
//!
//! The result is the same page. Whoever builds it with Trunk alone gets one that works, and is larger.

mod glue;
mod program;
mod styles;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::process;
use crate::setup::ClientTools;
use crate::workspace::{Workspace, read, write};

/// The oldest supported browsers, for the minifier; index.html and Trunk.toml name them too.
const BROWSERS: &str = "--target=chrome96,firefox89,safari15.4";
/// Their features of WebAssembly: with more, wasm-opt could use what they lack.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];
/// Chosen by the size after brotli. Below address 1024 lies nothing but the very end of the stack.
const PASSES: [&str; 5] = ["--low-memory-unused", "--flatten", "--rereloop", "-Oz", "-Oz"];
/// How the names between program and glue begin that the glue uses nowhere else.
const NAMES: &str = "--mangle-props=^(__wb|__externref_|wasm_bindgen__)";

/// Shrinks the client in a folder that Trunk has just filled.
///
/// # Errors
///
/// When a file is missing or not as wasm-bindgen writes it, or a tool fails.
pub(crate) fn shrink(workspace: &Workspace, tools: &ClientTools, folder: &Path) -> Outcome {
    let scratch = workspace.target.join("shrink");
    let minify = |file: &Path| {
        process::run(
            tools.command("esbuild").args(["--minify", "--allow-overwrite", "--log-level=warning", BROWSERS]).arg(file).arg(outfile(file)),
        )
    };
    join_styles(folder, minify)?;
    for script in named(folder, |name| name.starts_with("start-"))? {
        minify(&script)?;
    }
    let program = one(folder, |name| name.ends_with("_bg.wasm"))?;
    let stem = stem(&program)?;
    let glue = folder.join(format!("{stem}.js"));

    let kept = glue::without_exports(&read(&glue)?);
    let input = scratch.join("program.wasm");
    write(&input, program::keep(&bytes(&program)?, |export| kept.contains(&format!("wasm.{export}")))?)?;
    let optimised = scratch.join("optimised.wasm");
    process::run(tools.command("wasm-opt").args(FEATURES).args(PASSES).arg(&input).arg("-o").arg(&optimised))?;
    let optimised = bytes(&optimised)?;

    let imported = program::imports(&optimised)?;
    write(&glue, glue::with_imports(&kept, |import| imported.contains(import)))?;
    let entry = scratch.join("entry.js");
    write(&entry, format!("export {{ default }} from {:?};", glue.display().to_string()))?;
    let (bundle, names) = (scratch.join("glue.js"), scratch.join("names.json"));
    let _ = fs::remove_file(&names);
    process::run(
        tools
            .command("esbuild")
            .args(["--bundle", "--format=esm", "--minify", "--log-level=warning", BROWSERS, NAMES])
            .arg(format!("--mangle-cache={}", names.display()))
            .arg(&entry)
            .arg(outfile(&bundle)),
    )?;
    let (bundle, names) = (read(&bundle)?, glue::names(&read(&names)?)?);
    let shrunk = program::rename(&optimised, &names)?;

    // Browsers keep a file by its name for a year, and glue and program must fit together.
    let name = renamed(&stem, &(&bundle, &shrunk));
    for file in [&glue, &program] {
        remove(file)?;
    }
    write(&folder.join(format!("{name}.js")), bundle.replace(&stem, &name))?;
    write(&folder.join(format!("{name}_bg.wasm")), shrunk)?;
    let index = folder.join("index.html");
    write(&index, read(&index)?.replace(&stem, &name))
}

/// Makes one style sheet of those that the page links to, in the order of their links.
fn join_styles(folder: &Path, minify: impl Fn(&Path) -> Outcome) -> Outcome {
    let index = folder.join("index.html");
    let page = read(&index)?;
    let mut joined = String::new();
    for name in styles::linked(&page) {
        let sheet = folder.join(name);
        joined.push_str(&read(&sheet)?);
        remove(&sheet)?;
    }
    let name = renamed("style-", &joined) + ".css";
    let sheet = folder.join(&name);
    write(&sheet, joined)?;
    write(&index, styles::with_one(&page, &name))?;
    minify(&sheet)
}

fn remove(file: &Path) -> Outcome {
    fs::remove_file(file).map_err(|error| Failure::io(format_args!("cannot replace {}", file.display()), &error))
}

fn outfile(path: &Path) -> String {
    format!("--outfile={}", path.display())
}

/// The stem that Trunk gave to program and glue.
fn stem(program: &Path) -> Outcome<String> {
    let name = program.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix("_bg.wasm"));
    name.map(str::to_owned).ok_or_else(|| Failure::new(format!("{} is not named as Trunk names a program", program.display())))
}

/// The stem with the hash of other contents.
fn renamed(stem: &str, contents: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    contents.hash(&mut hasher);
    let name = stem.rsplit_once('-').map_or(stem, |(name, _)| name);
    format!("{name}-{:016x}", hasher.finish())
}

fn one(folder: &Path, wanted: impl Fn(&str) -> bool) -> Outcome<PathBuf> {
    let mut found = named(folder, wanted)?;
    match (found.pop(), found.pop()) {
        (Some(path), None) => Ok(path),
        _ => Err(Failure::new(format!("{} does not hold exactly one program: build the client into an empty folder", folder.display()))),
    }
}

fn named(folder: &Path, wanted: impl Fn(&str) -> bool) -> Outcome<Vec<PathBuf>> {
    let cannot = |error| Failure::io(format_args!("cannot read {}", folder.display()), &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if entry.file_name().to_str().is_some_and(&wanted) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn bytes(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(|error| Failure::io(format_args!("cannot read {}", path.display()), &error))
}

#[cfg(test)]
mod tests {
    use super::renamed;

    #[test]
    fn other_contents_get_another_name_of_the_same_form() {
        let [a, b] = ["a", "b"].map(|contents| renamed("moorline-0123456789abcdef", &contents));
        assert_ne!(a, b);
        assert_eq!(a.len(), "moorline-0123456789abcdef".len());
        assert!(a.starts_with("moorline-"));
    }
}
