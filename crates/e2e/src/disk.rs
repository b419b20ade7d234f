//! A small disk of its own for a gateway's data: it can be full, or read-only.

use std::{ffi::CString, fs, io::Write as _, path::Path};

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use tempfile::TempDir;

/// What fills a disk.
const BALLAST: &str = "ballast";

/// A file system in memory, mounted on a temporary folder. Dropping it takes it away.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
    size: CString,
}

impl Disk {
    /// Mounts one that holds so many bytes.
    ///
    /// # Panics
    /// When this process may not mount anything.
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder for a disk");
        let size = CString::new(format!("size={bytes}")).expect("digits");
        let mounted = mount("tmpfs", folder.path(), "tmpfs", MountFlags::empty(), size.as_c_str());
        if let Err(error) = mounted {
            panic!("a tmpfs cannot be mounted on {} ({error}): run the end-to-end tests as root", folder.path().display());
        }
        Self { folder, size }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves not a byte free.
    ///
    /// # Panics
    /// When the ballast cannot be made.
    pub fn fill(&self) {
        let mut ballast = fs::File::create(self.path().join(BALLAST)).expect("a file");
        for size in [1 << 16, 1 << 12, 1] {
            while ballast.write_all(&vec![1; size]).is_ok() {}
        }
    }

    /// Gives back what filled it.
    ///
    /// # Panics
    /// When nothing does.
    pub fn free(&self) {
        fs::remove_file(self.path().join(BALLAST)).expect("the ballast can be removed");
    }

    /// From here on nothing on it can be written; nobody may have a file of it open for writing.
    ///
    /// # Panics
    /// When somebody has.
    pub fn make_read_only(&self) {
        mount_remount(self.path(), MountFlags::RDONLY, self.size.as_c_str()).expect("the disk can be made read-only");
    }

    /// Takes back [`Self::make_read_only`].
    ///
    /// # Panics
    /// When that does not work.
    pub fn make_writable(&self) {
        mount_remount(self.path(), MountFlags::empty(), self.size.as_c_str()).expect("the disk can be made writable");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still has a file open keeps that much of it.
        let _ = unmount(self.path(), UnmountFlags::DETACH);
    }
}
