//! What a check could not look at, and why: it stands at the end of what is printed, where nobody
//! overlooks it.

use crate::shell::say;

/// Each as `what, for why`.
pub(crate) type Unchecked = Vec<String>;

pub(crate) fn tell(unchecked: &[String]) {
    for what in unchecked {
        say(&format!("NOT CHECKED: {what}"));
    }
}
