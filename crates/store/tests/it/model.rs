//! Random calls on a store in memory, in more cases than the suite makes.

use store::MemoryStore;
use store::conformance::{Subject, check_against_model};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_agrees_with_the_model() {
    let test = concat!(module_path!(), "::memory_agrees_with_the_model");
    let subject = Subject::of_stores(test, || async { MemoryStore::new() });
    if let Err(violation) = check_against_model(&subject, 300).await {
        panic!("{violation}");
    }
}
