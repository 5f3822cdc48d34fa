//! One record, as it stands in the store.

use store::{Etag, FileName, StoreExt as _};

use super::DeploymentStatus;
use crate::error::{Error, Result};
use crate::id::DeploymentId;
use crate::record::DeploymentRecord;

impl DeploymentStatus {
    /// Reads the record in `file`, which names its deployment: whoever acts on what the record of
    /// another says would act on that one.
    pub(super) async fn read(&self, file: &FileName) -> Result<Option<(DeploymentRecord, Etag)>> {
        let bad = |reason: String| Error::BadRecord {
            file: file.to_string(),
            reason,
        };
        match self
            .store
            .get_file_bytes(file, DeploymentRecord::MAX_BYTES)
            .await
        {
            Ok((info, bytes)) => {
                let record = DeploymentRecord::parse(file.as_str(), &bytes)?;
                if record.deploy_id.parse().ok() != DeploymentId::from_file_name(file.as_str()) {
                    return Err(bad(
                        "its deploy_id is not the one of its file's name".to_owned()
                    ));
                }
                Ok(Some((record, info.etag)))
            }
            Err(error) => match error.kind() {
                store::ErrorKind::NotFound => Ok(None),
                store::ErrorKind::TooLarge => Err(bad(format!(
                    "it has more than {} bytes",
                    DeploymentRecord::MAX_BYTES
                ))),
                _ => Err(Error::store("read a deployment's record")(error)),
            },
        }
    }

    /// Reads what stands where an owner wrote its record; what cannot be read is none of its own.
    pub(super) async fn read_own(
        &self,
        id: &DeploymentId,
    ) -> Result<Option<(DeploymentRecord, Etag)>> {
        match self.read(&id.file_name()).await {
            Err(Error::BadRecord { .. }) => Ok(None),
            read => read,
        }
    }
}
