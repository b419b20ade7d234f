//! Files that an agent reads and writes through us: those below its working directory, and no others.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

/// The largest file that is read or written, in bytes: 8 MiB.
const FILE_BYTES: u64 = 8 << 20;

/// What an agent asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) enum FileJob {
    /// So many lines from a line on, counted from 1; without them, all of it.
    Read {
        path: PathBuf,
        line: Option<u32>,
        limit: Option<u32>,
    },
    Write {
        path: PathBuf,
        content: String,
    },
}

/// Does it. Blocks. The error is a sentence for the agent.
pub(super) fn perform(job: &FileJob, workdir: &Path) -> Result<Option<String>, String> {
    match job {
        FileJob::Read { path, line, limit } => {
            let path = inside(path, workdir)?;
            let told = |error: io::Error| format!("{} cannot be read: {error}", path.display());
            let size = fs::metadata(&path).map_err(told)?.len();
            if size > FILE_BYTES {
                return Err(format!("{} has {size} bytes, and {FILE_BYTES} are the most that can be read here", path.display()));
            }
            let text = fs::read_to_string(&path).map_err(told)?;
            Ok(Some(lines_of(text, *line, *limit)))
        }
        FileJob::Write { path, content } => {
            if content.len() as u64 > FILE_BYTES {
                return Err(format!("{} bytes are too many to write: {FILE_BYTES} are the most", content.len()));
            }
            let path = inside(path, workdir)?;
            let told = |error: io::Error| format!("{} cannot be written: {error}", path.display());
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(told)?;
            }
            fs::write(&path, content).map_err(told)?;
            Ok(None)
        }
    }
}

/// Where a path really leads, if that is below the working directory: links are followed as far as there is something.
fn inside(path: &Path, workdir: &Path) -> Result<PathBuf, String> {
    let outside = || format!("{} is not inside of the working directory {}", path.display(), workdir.display());
    if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Err(outside());
    }
    let home = workdir.canonicalize().map_err(|error| format!("{} cannot be found: {error}", workdir.display()))?;
    let there = path.ancestors().find(|there| there.symlink_metadata().is_ok()).ok_or_else(outside)?;
    let real = there.canonicalize().map_err(|_| outside())?;
    let rest = path.strip_prefix(there).map_err(|_| outside())?;
    if !real.starts_with(&home) {
        return Err(outside());
    }
    Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) })
}

fn lines_of(text: String, line: Option<u32>, limit: Option<u32>) -> String {
    if line.is_none() && limit.is_none() {
        return text;
    }
    let first = line.unwrap_or(1).max(1) as usize - 1;
    let most = limit.map_or(usize::MAX, |limit| limit as usize);
    text.split_inclusive('\n').skip(first).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: PathBuf) -> FileJob {
        FileJob::Read { path, line: None, limit: None }
    }

    #[test]
    fn what_was_written_is_read_whole_and_in_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/folder/a.txt");
        let write = FileJob::Write { path: path.clone(), content: "1\n2\n3\n".into() };
        assert_eq!(perform(&write, dir.path()), Ok(None));
        assert_eq!(perform(&read(path.clone()), dir.path()), Ok(Some("1\n2\n3\n".into())));
        let part = FileJob::Read { path, line: Some(2), limit: Some(1) };
        assert_eq!(perform(&part, dir.path()), Ok(Some("2\n".into())));
    }

    #[test]
    fn nothing_outside_of_the_working_directory_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let (home, secret) = (dir.path().join("home"), dir.path().join("secret"));
        fs::create_dir(&home).unwrap();
        fs::write(&secret, "x").unwrap();
        std::os::unix::fs::symlink(&secret, home.join("link")).unwrap();
        std::os::unix::fs::symlink(dir.path(), home.join("up")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("gone"), home.join("dangling")).unwrap();
        for path in
            [secret.clone(), home.join("../secret"), home.join("link"), home.join("up/secret"), home.join("up/new"), "secret".into()]
        {
            assert!(perform(&read(path.clone()), &home).unwrap_err().contains("not inside"), "{path:?}");
            let write = FileJob::Write { path: path.clone(), content: "y".into() };
            assert!(perform(&write, &home).unwrap_err().contains("not inside"), "{path:?}");
        }
        let write = FileJob::Write { path: home.join("dangling"), content: "y".into() };
        assert!(perform(&write, &home).is_err());
        assert!(!dir.path().join("gone").exists(), "a link that leads nowhere makes nothing elsewhere");
        assert_eq!(fs::read_to_string(secret).unwrap(), "x");
    }

    #[test]
    fn a_file_that_is_not_there_or_too_large_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(perform(&read(dir.path().join("none")), dir.path()).unwrap_err().contains("none cannot be read"));
        let large = dir.path().join("large");
        fs::File::create(&large).unwrap().set_len(FILE_BYTES + 1).unwrap();
        assert!(perform(&read(large), dir.path()).unwrap_err().contains("are the most"));
    }
}
