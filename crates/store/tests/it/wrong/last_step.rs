//! Faults of the last step of a save: who is dropped meanwhile is not asked.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use store::{
    Error, ErrorKind, FileContents, FileInfo, FileName, MemoryStore, Result, SaveOptions, StoreExt,
};
use tokio::sync::oneshot;

use super::saving::checked;
use super::store::{State, Wrong};

/// The last step of a save, under a lock that is given to whoever asked for it last, and that asks
/// nobody whether the save is still wanted.
async fn come_first(
    inner: Arc<MemoryStore>,
    state: Arc<Mutex<State>>,
    name: FileName,
    bytes: Bytes,
    options: SaveOptions,
) -> Result<FileInfo> {
    let turn = {
        let mut state = state.lock().unwrap();
        let (sender, turn) = oneshot::channel();
        match &mut state.waiting {
            Some(waiting) => waiting.push(sender),
            None => sender.send(()).unwrap(),
        }
        state.waiting.get_or_insert_default();
        turn
    };
    turn.await.unwrap();
    // Until others ask, if any do.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
        let state = state.lock().unwrap();
        if state
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.len() > 3)
        {
            break;
        }
    }
    let saved = inner.save_bytes(&name, bytes, &options).await;
    let mut state = state.lock().unwrap();
    match state.waiting.as_mut().and_then(Vec::pop) {
        Some(next) => next.send(()).unwrap(),
        None => state.waiting = None,
    }
    saved
}

impl Wrong {
    /// Leaves the last step to a task of its own.
    pub(super) async fn save_first(
        &self,
        name: &FileName,
        contents: FileContents,
        options: SaveOptions,
    ) -> Result<FileInfo> {
        let bytes = checked(name, contents, &options).await?;
        let (inner, state) = (Arc::clone(&self.inner), Arc::clone(&self.state));
        let last_step = come_first(inner, state, name.clone(), bytes, options);
        tokio::spawn(last_step).await.unwrap()
    }

    /// Leaves the last step to a task of its own, and these take turns as they come to ask for it.
    pub(super) async fn save_in_task(
        &self,
        name: &FileName,
        contents: FileContents,
        options: SaveOptions,
    ) -> Result<FileInfo> {
        let bytes = checked(name, contents, &options).await?;
        let (inner, turns, name) = (
            Arc::clone(&self.inner),
            Arc::clone(&self.turns),
            name.clone(),
        );
        let last_step = async move {
            let _turn = turns.lock().await;
            inner.save_bytes(&name, bytes, &options).await
        };
        tokio::spawn(last_step).await.unwrap()
    }

    /// Saves, and then what was dropped before.
    pub(super) async fn save_dropped(
        &self,
        name: &FileName,
        contents: FileContents,
        options: &SaveOptions,
    ) -> Result<FileInfo> {
        let mut last_step = LastStep {
            state: Arc::clone(&self.state),
            save: Some((name.clone(), contents.collect(u64::MAX).await?)),
        };
        tokio::task::yield_now().await;
        let Some((_, bytes)) = last_step.save.take() else {
            return Err(Error::new(ErrorKind::Other, "save file"));
        };
        let info = self.inner.save_bytes(name, bytes, options).await?;
        if let Some((name, bytes)) = self.state(|state| state.dropped.take()) {
            let options = SaveOptions::default();
            self.inner.save_bytes(&name, bytes, &options).await?;
        }
        Ok(info)
    }
}

/// Is remembered when it is dropped with its save.
struct LastStep {
    state: Arc<Mutex<State>>,
    save: Option<(FileName, Bytes)>,
}

impl Drop for LastStep {
    fn drop(&mut self) {
        if let Some(save) = self.save.take() {
            self.state.lock().unwrap().dropped = Some(save);
        }
    }
}
