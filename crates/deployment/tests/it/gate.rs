//! A store that a test takes away from one engine.

use std::sync::Arc;

use async_trait::async_trait;
use store::{
    Capabilities, ErrorKind, FileContents, FileInfo, FileName, Guarantee, IStore, ListOptions,
    ReadOptions, SaveOptions, StoredFile,
};
use tokio::sync::watch;

/// What becomes of calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Traffic {
    Flowing,
    /// Every call fails as one does while a store restarts.
    Refused,
    /// Every call waits.
    Stalled,
}

/// Passes every call on to another store, or does not.
#[derive(Debug)]
pub(crate) struct Gate {
    inner: Arc<dyn IStore>,
    traffic: watch::Sender<Traffic>,
    capabilities: Capabilities,
}

impl Gate {
    pub(crate) fn new(inner: Arc<dyn IStore>) -> Arc<Self> {
        let capabilities = inner.capabilities();
        Arc::new(Self {
            inner,
            traffic: watch::Sender::new(Traffic::Flowing),
            capabilities,
        })
    }

    /// A store that excludes nobody, as OpenStack Swift does not.
    pub(crate) fn without_guarantees(inner: Arc<dyn IStore>) -> Arc<Self> {
        let capabilities = inner
            .capabilities()
            .with_exclusive_create(Guarantee::BestEffort)
            .with_exclusive_update(Guarantee::Unsupported);
        Arc::new(Self {
            inner,
            traffic: watch::Sender::new(Traffic::Flowing),
            capabilities,
        })
    }

    pub(crate) fn set(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }

    async fn pass(&self) -> store::Result<()> {
        let mut traffic = self.traffic.subscribe();
        let passing = |traffic: &Traffic| !matches!(traffic, Traffic::Stalled);
        let traffic = *traffic.wait_for(passing).await.expect("the gate is there");
        match traffic {
            Traffic::Refused => Err(store::Error::new(ErrorKind::Unavailable, "pass the gate")),
            Traffic::Flowing | Traffic::Stalled => Ok(()),
        }
    }
}

#[async_trait]
impl IStore for Gate {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    async fn get_files_list(&self, options: &ListOptions) -> store::Result<Vec<FileInfo>> {
        self.pass().await?;
        self.inner.get_files_list(options).await
    }

    async fn get_file_info(&self, name: &FileName) -> store::Result<FileInfo> {
        self.pass().await?;
        self.inner.get_file_info(name).await
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &ReadOptions,
    ) -> store::Result<StoredFile> {
        self.pass().await?;
        self.inner.get_file_contents(name, options).await
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> store::Result<FileInfo> {
        self.pass().await?;
        self.inner.save_file(name, contents, options).await
    }

    async fn delete_file(&self, name: &FileName) -> store::Result<()> {
        self.pass().await?;
        self.inner.delete_file(name).await
    }
}
