use std::time::{Duration, SystemTime};

use store::{MemoryStore, MockIStore};

use super::*;
use crate::phase::Phase;
use crate::status::Subject;

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

fn begin() -> StatusChange {
    StatusChange::begin(Subject::new("foo", "https://foo.x.io"), at(1))
}

fn reach(word: &str, second: u64) -> StatusChange {
    StatusChange::reach(Phase::parse(word).unwrap(), at(second))
}

fn unavailable() -> store::Error {
    store::Error::new(store::ErrorKind::Unavailable, "save file")
}

/// A memory store whose next saves lose their reply, or never reach it.
#[derive(Debug)]
struct Faulty {
    inner: MemoryStore,
    faults: Mutex<Vec<Fault>>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    BeforeSave,
    AfterSave,
}

impl Faulty {
    fn next(&self) -> Fault {
        let mut faults = self.faults.lock().unwrap();
        if faults.is_empty() {
            Fault::None
        } else {
            faults.remove(0)
        }
    }
}

#[async_trait]
impl IStore for Faulty {
    fn capabilities(&self) -> store::Capabilities {
        self.inner.capabilities()
    }

    async fn get_files_list(
        &self,
        options: &store::ListOptions,
    ) -> store::Result<Vec<store::FileInfo>> {
        self.inner.get_files_list(options).await
    }

    async fn get_file_info(&self, name: &FileName) -> store::Result<store::FileInfo> {
        self.inner.get_file_info(name).await
    }

    async fn get_file_contents(
        &self,
        name: &FileName,
        options: &store::ReadOptions,
    ) -> store::Result<store::StoredFile> {
        self.inner.get_file_contents(name, options).await
    }

    async fn save_file(
        &self,
        name: &FileName,
        contents: store::FileContents,
        options: &SaveOptions,
    ) -> store::Result<store::FileInfo> {
        match self.next() {
            Fault::BeforeSave => Err(unavailable()),
            Fault::AfterSave => {
                self.inner.save_file(name, contents, options).await?;
                Err(unavailable())
            }
            Fault::None => self.inner.save_file(name, contents, options).await,
        }
    }

    async fn delete_file(&self, name: &FileName) -> store::Result<()> {
        self.inner.delete_file(name).await
    }
}

async fn history(status: &DeploymentStatus, id: &DeploymentId) -> String {
    let record = status.get_status(id).await.unwrap().unwrap();
    record.statuses().collect::<Vec<_>>().join(" ")
}

fn faulty(faults: &[Fault]) -> DeploymentStatus {
    let faults = Mutex::new(faults.to_vec());
    DeploymentStatus::new(Arc::new(Faulty {
        inner: MemoryStore::new(),
        faults,
    }))
}

#[tokio::test]
async fn a_write_that_got_through_without_its_reply_is_not_repeated() {
    let status = faulty(&[Fault::None, Fault::AfterSave]);
    let id = DeploymentId::generate();
    status.set_status(&id, &begin()).await.unwrap();
    let change = reach("DOWNLOADING", 2);
    assert!(
        status
            .set_status(&id, &change)
            .await
            .unwrap_err()
            .is_retryable()
    );
    status.set_status(&id, &change).await.unwrap();
    let mut more = reach("STARTED", 3);
    more.append(reach("UNPACK", 4));
    status.set_status(&id, &more).await.unwrap();
    assert_eq!(
        history(&status, &id).await,
        "INIT DOWNLOADING STARTED UNPACK"
    );
}

/// A step that reached `word`, handed in at `second`.
fn step(word: &str, second: u64) -> StatusChange {
    let status = batch::Status::new(word).unwrap();
    let report = batch::StepReport::new(status, "helion", batch::StepOutcome::Done)
        .with_time(at(1), Duration::ZERO);
    reach(word, second).with_step((&report).into())
}

#[tokio::test]
async fn a_status_that_is_handed_in_again_later_is_the_same_one() {
    let status = faulty(&[Fault::None, Fault::AfterSave]);
    let id = DeploymentId::generate();
    status.set_status(&id, &begin()).await.unwrap();
    assert!(status.set_status(&id, &step("TARGET", 2)).await.is_err());
    // A renewal of the lease comes between.
    let renewal = StatusChange::default().with_lease(at(99));
    status.set_status(&id, &renewal).await.unwrap();
    status.set_status(&id, &step("TARGET", 3)).await.unwrap();
    let record = status.set_status(&id, &step("LOGIN", 4)).await.unwrap();
    assert_eq!(history(&status, &id).await, "INIT TARGET LOGIN");
    assert_eq!(record.engine.as_ref().unwrap().steps.len(), 2);
}

#[tokio::test]
async fn a_write_that_did_not_get_through_is_repeated_with_what_came_after_it() {
    let status = faulty(&[Fault::None, Fault::BeforeSave]);
    let id = DeploymentId::generate();
    status.set_status(&id, &begin()).await.unwrap();
    let mut change = reach("DOWNLOADING", 2);
    assert!(status.set_status(&id, &change).await.is_err());
    change.append(reach("STARTED", 3));
    status.set_status(&id, &change).await.unwrap();
    assert_eq!(history(&status, &id).await, "INIT DOWNLOADING STARTED");
}

#[tokio::test]
async fn a_lost_reply_to_the_first_write_is_no_conflict() {
    let status = faulty(&[Fault::AfterSave]);
    let id = DeploymentId::generate();
    assert!(status.set_status(&id, &begin()).await.is_err());
    status.set_status(&id, &begin()).await.unwrap();
    assert_eq!(history(&status, &id).await, "INIT");
}

#[tokio::test]
async fn a_failed_read_never_leads_to_a_write() {
    let mut store = MockIStore::new();
    store
        .expect_get_file_contents()
        .times(1)
        .returning(|_, _| Err(unavailable()));
    store.expect_save_file().never();
    let status = DeploymentStatus::new(Arc::new(store));
    let error = status
        .set_status(&DeploymentId::generate(), &reach("LIST", 2))
        .await
        .unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn whoever_lost_the_record_cannot_write_it() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let (owner, thief) = (
        DeploymentStatus::new(Arc::clone(&store)),
        DeploymentStatus::new(Arc::clone(&store)),
    );
    let id = DeploymentId::generate();
    owner.set_status(&id, &begin()).await.unwrap();
    thief
        .set_status(&id, &reach("INTERRUPTED", 9))
        .await
        .unwrap();
    let error = owner
        .set_status(&id, &reach("DOWNLOADING", 10))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LostOwnership { .. }), "{error}");
    // Even with its memory gone, it reads that the deployment is over.
    let error = owner
        .set_status(&id, &reach("DOWNLOADING", 11))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::IllegalMove { .. }), "{error}");
    assert_eq!(history(&owner, &id).await, "INIT INTERRUPTED");
}

#[tokio::test]
async fn an_owner_that_renews_its_lease_is_not_interrupted() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let (owner, other) = (
        DeploymentStatus::new(Arc::clone(&store)),
        DeploymentStatus::new(Arc::clone(&store)),
    );
    let id = DeploymentId::generate();
    let begun = owner.set_status(&id, &begin().with_lease(at(60))).await;
    let decision = StatusChange::interrupt(&begun.unwrap(), at(71));
    // The owner wakes up between the decision and the write.
    let renewal = StatusChange::default().with_lease(at(131));
    owner.set_status(&id, &renewal).await.unwrap();
    let error = other.set_status(&id, &decision).await.unwrap_err();
    assert!(matches!(error, Error::LostOwnership { .. }), "{error}");
    owner.set_status(&id, &reach("LIST", 72)).await.unwrap();

    let record = owner.get_status(&id).await.unwrap().unwrap();
    let decision = StatusChange::interrupt(&record, at(150));
    other.set_status(&id, &decision).await.unwrap();
    assert_eq!(history(&owner, &id).await, "INIT LIST INTERRUPTED");
}

#[tokio::test]
async fn a_second_beginning_is_refused() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let id = DeploymentId::generate();
    DeploymentStatus::new(Arc::clone(&store))
        .set_status(&id, &begin())
        .await
        .unwrap();
    let other = StatusChange::begin(Subject::new("bar", ""), at(5));
    let error = DeploymentStatus::new(store)
        .set_status(&id, &other)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LostOwnership { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_record_is_shown_and_never_written() {
    let store: Arc<dyn IStore> = Arc::new(MemoryStore::new());
    let id = DeploymentId::generate();
    let newer = format!(
        r#"{{"deploy_id": "{id}", "deploy_status": "STARTED", "engine": {{"schema": 2}}}}"#
    );
    store
        .save_bytes(&id.file_name(), newer.clone(), &SaveOptions::default())
        .await
        .unwrap();
    let status = DeploymentStatus::new(Arc::clone(&store));
    assert_eq!(history(&status, &id).await, "");
    let error = status.set_status(&id, &reach("LIST", 2)).await.unwrap_err();
    assert!(
        matches!(error, Error::NewerRecord { schema: 2, .. }),
        "{error}"
    );
    let (_, bytes) = store.get_file_bytes(&id.file_name(), 1_000).await.unwrap();
    assert_eq!(bytes, newer.as_bytes());
}
