//! Copies of a store: made while a gateway writes to it, and put in its place.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use moorline_protocol::Epoch;
use moorline_session::StoreError;
use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::{
    OpenError, SqliteStore,
    schema::{check, sqlite_error, version},
};
use crate::{
    clock::wall,
    data_dir::{DataDir, DataError},
    options::Durability,
    random,
};

/// Why there is no copy, or why it was not put in place.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what it is")]
pub enum BackupError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no store in {0:?}: name the folder that the gateway was given as --data")]
    NoStore(PathBuf),
    #[error("{0:?} exists: name a file that does not")]
    Exists(PathBuf),
    #[error("{path:?} cannot be written: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// Copies the store of a data folder to a new file, as it is at one moment; a gateway may be at work on it. Blocks.
///
/// # Errors
/// [`BackupError`]; then the file does not exist.
pub fn backup(data: &Path, file: &Path) -> Result<(), BackupError> {
    let store = DataDir::store_in(data);
    if !store.is_file() {
        return Err(BackupError::NoStore(data.to_owned()));
    }
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let part = beside(file, ".part");
    let copied = copy_to_new(&store, &part).and_then(|()| fs::rename(&part, file).map_err(|source| io_error(file, source)));
    if copied.is_err() {
        // What is left of it is no copy; that it was not made is said already.
        let _ = fs::remove_file(&part);
    }
    copied
}

/// Puts a copy in the place of a data folder's store, with a new epoch for every session, since what clients saw may not be
/// in it. Either all of it is there afterwards or the store is as it was. Blocks.
///
/// A store that is damaged is moved aside, to `damaged.sqlite`.
///
/// # Errors
/// [`BackupError`], also while a gateway runs on the folder.
pub fn restore(data: &Path, file: &Path) -> Result<(), BackupError> {
    let data = DataDir::open(data)?;
    let (store, staged) = (data.store(), beside(&data.store(), ".restored"));
    for ending in ["", "-wal", "-shm"] {
        // Left by a restore that was killed.
        let _ = fs::remove_file(beside(&staged, ending));
    }
    copy_to_new(file, &staged)?;
    let copy = SqliteStore::open(&staged, Durability::Full)?;
    copy.renew_epochs(wall(), || Epoch::from_random(random::bits()))?;
    drop(copy);
    match SqliteStore::open(&store, Durability::Full) {
        // In one transaction.
        Ok(old) => {
            drop(old);
            copy_into(&staged, &store)?;
            fs::remove_file(&staged).map_err(|source| io_error(&staged, source))?;
        }
        Err(OpenError::Damaged { .. } | OpenError::Foreign { .. }) => {
            for ending in ["-wal", "-shm", ""] {
                let from = beside(&store, ending);
                if from.exists() {
                    fs::rename(&from, beside(&store.with_file_name("damaged.sqlite"), ending)).map_err(|source| io_error(&from, source))?;
                }
            }
            fs::rename(&staged, &store).map_err(|source| io_error(&store, source))?;
        }
        Err(other) => return Err(other.into()),
    }
    Ok(())
}

/// Copies a store that is whole and of no newer version.
fn copy_to_new(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut options = OpenOptions::new();
    drop(options.write(true).create_new(true).mode(0o600).open(to).map_err(|source| io_error(to, source))?);
    copy_into(from, to)
}

fn copy_into(from: &Path, to: &Path) -> Result<(), BackupError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        move |source| sqlite_error(&path, source)
    };
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(of(from))?;
    source.busy_timeout(std::time::Duration::from_secs(5)).map_err(of(from))?;
    version(&source, from)?;
    check(&source, from)?;
    let mut target = Connection::open(to).map_err(of(to))?;
    // All in one step: a step of its own for a part would begin again with each commit of the gateway.
    Backup::new(&source, &mut target).and_then(|backup| backup.step(-1)).map_err(of(to))?;
    // One file, without a log beside it.
    target.pragma_update(None, "journal_mode", "DELETE").map_err(of(to))?;
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn io_error(path: &Path, source: io::Error) -> BackupError {
    BackupError::Io { path: path.to_owned(), source }
}
