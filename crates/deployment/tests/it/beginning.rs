//! Requests whose `INIT` fails, or comes to nobody's knowledge, while others make the same request.

use deployment::DeployRequest;
use store::Operation;

use crate::fixture::{SUCCESS, assert_history, request};
use crate::stopped::World;

fn keyed() -> DeployRequest {
    request("foo").with_idempotency_key("order 66").unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_init_whose_reply_is_lost_is_run() {
    // The saves before INIT are those of the lock and of the key.
    for (request, init) in [(request("foo"), 2), (keyed(), 3)] {
        let world = World::new().await;
        let script = &world.one_script;
        script.on(Operation::SaveFile).nth(init).lose_reply();
        let record = world.one.deploy(request).await;
        assert_history(&record, SUCCESS);
    }
}
