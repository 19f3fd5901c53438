//! How ranks that nothing joins yet learn the name of their group.

use super::{Communicator, broadcast};
use crate::{Error, Result};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use stylegan_core::write_atomic;
use stylegan_kernels::nccl::{Id, new_id};

/// How often a rank looks for the name.
const LOOK: Duration = Duration::from_millis(50);

/// Makes the name of a group on rank 0 and hands it to the others of `ranks`, who are joined already (by MPI).
///
/// # Errors
/// When NCCL is missing on rank 0, or a rank does not answer.
pub fn meet_through(ranks: &dyn Communicator) -> Result<Id> {
    let own = (ranks.rank() == 0).then(|| new_id().map_err(Error::from)).transpose();
    let own = super::agree(ranks, own)?;
    let bytes = broadcast(ranks, own.map_or_else(Vec::new, |id| id.to_vec()))?;
    bytes.try_into().map_err(|_| Error::Rank { reason: "sent no name of a group".into() })
}

/// A file by which ranks meet that share a folder, and nothing else.
///
/// It is called after the start of a run that it belongs to: ranks that found the file of an earlier start
/// would wait for ranks that are no more.
#[derive(Debug)]
pub struct MeetingFile(PathBuf);

impl MeetingFile {
    /// The file in `folder`; `start` says which start of which run this is, alike on all ranks.
    pub fn new(folder: &Path, start: &str) -> Self {
        let name = format!("{:x}", Sha256::digest(start));
        Self(folder.join(format!("ranks-{}.tmp", &name[..16])))
    }

    /// Rank 0: makes the name and writes it down.
    ///
    /// # Errors
    /// When NCCL is missing, or the file cannot be written.
    pub fn open(&self) -> Result<Id> {
        let id = new_id()?;
        write_atomic(&self.0, |file| file.write_all(&id)).map_err(Error::io("write", &self.0))?;
        Ok(id)
    }

    /// The other ranks: waits for the file and reads it.
    ///
    /// # Errors
    /// When it does not come in time.
    pub fn find(&self, patience: Duration) -> Result<Id> {
        let mut waited = Duration::ZERO;
        loop {
            if let Some(id) = std::fs::read(&self.0).ok().and_then(|bytes| bytes.try_into().ok()) {
                return Ok(id);
            }
            if waited >= patience {
                let reason = format!(
                    "rank 0 wrote no {} within {} s; all ranks must see one folder, and rank 0 must have started",
                    self.0.display(),
                    patience.as_secs_f64()
                );
                return Err(Error::Rank { reason });
            }
            std::thread::sleep(LOOK);
            waited += LOOK;
        }
    }

    /// Rank 0, once all have met: takes the file away.
    pub fn close(&self) {
        // It is of no use to anybody; one that stays is not found by another start.
        let _ = std::fs::remove_file(&self.0);
    }
}
