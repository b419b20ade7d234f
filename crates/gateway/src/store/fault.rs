//! What goes wrong inside the store, before it is told by whose fault it was.

use moorline_session::StoreError;
use rusqlite::ErrorCode;

/// SQLite's word or ours.
#[derive(Debug)]
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    Inconsistent(String),
}

impl Fault {
    pub(super) fn inconsistent(why: impl std::fmt::Display) -> Self {
        Self::Inconsistent(why.to_string())
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Inconsistent(why) => Self::Corrupt(why),
            Fault::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation) => {
                    Self::Corrupt(error.to_string())
                }
                _ => Self::Unavailable(error.to_string()),
            },
        }
    }
}
