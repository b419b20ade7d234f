//! The data folder: one gateway at a time, and what it keeps beside the store.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{options::Token, random};

/// How long a lock may take to become free behind its holder's death.
const RELEASE_LIMIT: Duration = Duration::from_secs(1);

/// What helps where nothing can be written.
pub(crate) const REMEDY: &str = "make the folder writable and free space there, or choose another --data";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Another gateway holds it.
    #[error("{path:?} is in use by the gateway with process id {pid}: stop that one, or choose another --data")]
    InUse {
        /// The folder.
        path: PathBuf,
        /// As the other gateway wrote it down.
        pid: String,
    },
    /// The operating system says no.
    #[error("{path:?} cannot be used: {source}; {REMEDY}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// The data folder, locked for as long as the value lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the folder if it is missing, readable by its owner only, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let io = |source| DataError::Io { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
        // Agents work in other folders: what they are told must not depend on ours.
        let path = path.canonicalize().map_err(io)?;
        let file = path.join("lock");
        let io = |source| DataError::Io { path: file.clone(), source };
        let mut lock = private().read(true).write(true).create(true).truncate(false).open(&file).map_err(io)?;
        match try_lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                lock.read_to_string(&mut pid).map_err(io)?;
                return Err(DataError::InUse { path, pid: pid.trim().to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let mut note_pid = || {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        note_pid().map_err(io)?;
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The store's file.
    pub(crate) fn store(&self) -> PathBuf {
        Self::store_in(&self.path)
    }

    /// The store's file in a folder that is not ours to lock.
    pub(crate) fn store_in(path: &Path) -> PathBuf {
        path.join("moorline.sqlite")
    }

    /// Where running agents are written down.
    pub(crate) fn agents(&self) -> PathBuf {
        self.path.join("agents")
    }

    /// Where it is written down what agents call their conversations.
    pub(crate) fn conversations(&self) -> PathBuf {
        self.path.join("conversations")
    }

    /// Where the agents work: below it, each session has a folder.
    pub(crate) fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    /// The file that tells where the gateway on a folder listens, or listened last.
    pub(crate) fn address_in(path: &Path) -> PathBuf {
        path.join("address")
    }

    /// The file of the token of a gateway that was given none.
    pub(crate) fn token_in(path: &Path) -> PathBuf {
        path.join("token")
    }

    /// Writes down where the gateway listens.
    pub(crate) fn note_address(&self, address: &str) -> Result<(), DataError> {
        let path = Self::address_in(&self.path);
        let written = private().write(true).create(true).truncate(true).open(&path).and_then(|mut file| file.write_all(address.as_bytes()));
        written.map_err(|source| DataError::Io { path, source })
    }

    /// The token of a gateway that was given none: made once.
    pub(crate) fn token(&self) -> Result<Token, DataError> {
        let path = Self::token_in(&self.path);
        let io = |source| DataError::Io { path: path.clone(), source };
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map_err(|why| io(io::Error::other(why))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!("{:032x}", random::bits());
                let mut file = private().write(true).create_new(true).open(&path).map_err(io)?;
                file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
                text.parse().map_err(|why| io(io::Error::other(why)))
            }
            Err(error) => Err(io(error)),
        }
    }
}

/// Takes the lock, if it is or soon becomes free: a gateway that was killed as it started an agent leaves a child that holds
/// it until its program begins.
fn try_lock(lock: &File) -> Result<(), TryLockError> {
    let deadline = Instant::now() + RELEASE_LIMIT;
    loop {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
            result => return result,
        }
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another open file of the same lock, as a child has that was forked from a gateway that is dead by now.
    fn held(folder: &Path) -> File {
        let held = private().write(true).create(true).truncate(false).open(folder.join("lock")).unwrap();
        held.try_lock().unwrap();
        held
    }

    #[test]
    fn a_lock_that_a_dead_gateways_child_holds_for_a_moment_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let held = held(folder.path());
        let child = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            drop(held);
        });
        assert!(DataDir::open(folder.path()).is_ok());
        child.join().unwrap();
    }

    #[test]
    fn a_folder_in_use_is_refused_with_the_process_that_uses_it() {
        let folder = tempfile::tempdir().unwrap();
        let _in_use = DataDir::open(folder.path()).unwrap();
        let error = DataDir::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process id {}", std::process::id())), "{error}");
    }
}
