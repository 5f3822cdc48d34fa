//! Segments that no file needs.

use std::sync::Arc;
use std::time::Duration;

use crate::Result;

use super::container::Container;

pub(super) async fn sweep(_container: &Arc<Container>, _age: Duration) -> Result<usize> {
    Ok(0)
}
