//! Whatever a stored record or an endpoint is, reading it does no harm.
//!
//! Each target runs 10,000 cases, or as many as the environment variable `FUZZ_CASES` says;
//! `cargo xtask fuzz` runs many more.

use deployment::{DeploymentRecord, Endpoint, Error};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value};

fn cases() -> ProptestConfig {
    let cases = std::env::var("FUZZ_CASES").map_or(10_000, |cases| cases.parse().unwrap());
    ProptestConfig::with_cases(cases)
}

/// A record with everything that one may hold.
const RECORD: &str = r#"{"datetime": "2026-01-02 03:04:05.000006", "deploy_id": "0190-x",
    "deploy_status": "TARGET", "destination": "https://foo.x.io", "history":
    ["2026-01-02 03:04:05.000006 ~ INIT", "2026-01-02 03:04:06.000006 ~ TARGET"],
    "package": "foo", "noted": [1, 2.5e-7], "engine": {"schema": 1, "owner": "o", "lease_until":
    "2026-01-02 03:05:05.000006", "attempt": 1, "idempotency_key": "k", "endpoint":
    "https://api.x.io", "application": "foo", "space": {"org": "o", "space": "s"},
    "redeploy_of": "0190-w", "error": {"step": "TARGET", "message": "m"}, "steps": [{"status":
    "TARGET", "command": "c", "outcome": "exit code 0", "exit_code": 0, "accepted": true,
    "started": "2026-01-02 03:04:05.000006", "took_ms": 7, "output_head": "h", "output_tail": "t",
    "output_bytes": 2}], "later": null}}"#;

/// A change of one value in a document.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, Value),
    Remove(Index),
    Add(Index, String, Value),
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9 :~.A-Z-]{0,30}".prop_map(Value::from),
        prop::sample::select(vec!["SUCCESS", "INIT", "", "a ~ SUCCESS"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((".{0,4}", inner), 0..3)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (any::<Index>(), values()).prop_map(|(at, value)| Change::Replace(at, value)),
        1 => any::<Index>().prop_map(Change::Remove),
        1 => (any::<Index>(), ".{0,6}", values())
            .prop_map(|(at, key, value)| Change::Add(at, key, value)),
    ]
}

fn paths(value: &Value, path: &str, paths: &mut Vec<String>) {
    paths.push(path.to_owned());
    match value {
        Value::Object(pairs) => {
            for (key, value) in pairs {
                let key = key.replace('~', "~0").replace('/', "~1");
                self::paths(value, &format!("{path}/{key}"), paths);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                self::paths(value, &format!("{path}/{at}"), paths);
            }
        }
        _ => {}
    }
}

fn changed(changes: &[Change]) -> Value {
    let mut document: Value = serde_json::from_str(RECORD).unwrap();
    for change in changes {
        let mut all = Vec::new();
        paths(&document, "", &mut all);
        match change {
            Change::Replace(at, value) => {
                *document
                    .pointer_mut(at.get(all.as_slice()).as_str())
                    .unwrap() = value.clone();
            }
            Change::Remove(at) => {
                let Some((parent, key)) = at.get(all.as_slice()).rsplit_once('/') else {
                    continue;
                };
                if let Some(Value::Object(pairs)) = document.pointer_mut(parent) {
                    pairs.shift_remove(key);
                }
            }
            Change::Add(at, key, value) => {
                if let Some(Value::Object(pairs)) =
                    document.pointer_mut(at.get(all.as_slice()).as_str())
                {
                    pairs.insert(key.clone(), value.clone());
                }
            }
        }
    }
    document
}

/// Records that were changed value by value, then cut or damaged by bytes; and any bytes.
fn records() -> impl Strategy<Value = Vec<u8>> {
    let document =
        || prop::collection::vec(change(), 0..5).prop_map(|changes| changed(&changes).to_string());
    let damage = prop::collection::vec((any::<Index>(), any::<u8>()), 1..6);
    prop_oneof![
        6 => document().prop_map(String::into_bytes),
        1 => (document(), any::<Index>()).prop_map(|(text, at)| {
            text.as_bytes()[..at.index(text.len())].to_vec()
        }),
        2 => (document(), damage).prop_map(|(text, damage)| {
            let mut bytes = text.into_bytes();
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        }),
        1 => prop::collection::vec(any::<u8>(), 0..300),
    ]
}

fn endpoints() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        "[a-z0-9.-]{0,12}",
        "\\[[0-9a-f:]{0,12}\\]",
        "[a-zäß中.]{1,8}",
        ".{0,8}",
    ];
    let scheme = prop::sample::select(vec!["https://", "http://", "HTTPS://", "ftp://", "--", ""]);
    let user = prop::sample::select(vec!["", "", "u:p@", "@", "u@"]);
    let port = prop::sample::select(vec!["", "", ":443", ":8443", ":0", ":99999", ":x"]);
    let rest = prop::sample::select(vec![
        "", "", "/", "///", "/a/../b", "?", "?q", "#f", " -x", "\\", "\n",
    ]);
    (scheme, user, host, port, rest)
        .prop_map(|(scheme, user, host, port, rest)| format!("{scheme}{user}{host}{port}{rest}"))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn fuzz_record(bytes in records()) {
        match DeploymentRecord::parse("deployment_x.json", &bytes) {
            Ok(record) => {
                let written = record.to_json().unwrap();
                let again = DeploymentRecord::parse("deployment_x.json", &written).unwrap();
                prop_assert_eq!(&again, &record);
                // Every key that was there is still there with its value.
                let before: Map<String, Value> = serde_json::from_slice(&bytes).unwrap();
                let after: Map<String, Value> = serde_json::from_slice(&written).unwrap();
                for (key, value) in before {
                    if key != "engine" || record.newer_schema().is_some() {
                        prop_assert_eq!(after.get(&key), Some(&value));
                    }
                }
                let _ = (record.phase(), record.lease_until(), record.statuses().count());
            }
            Err(Error::BadRecord { file, reason, .. }) => {
                prop_assert_eq!(file, "deployment_x.json");
                prop_assert!(!reason.is_empty());
            }
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
    }

    #[test]
    fn fuzz_endpoint(text in endpoints()) {
        match text.parse::<Endpoint>() {
            Ok(endpoint) => {
                prop_assert_eq!(endpoint.as_str(), text.as_str());
                prop_assert!(text.starts_with("http://") || text.starts_with("https://"));
                prop_assert!(!text.contains(['@', '\\', ' ', '\n', '\0']));
                // An identity is an address too, and is its own identity.
                let identity: Endpoint = endpoint.identity().parse().unwrap();
                prop_assert_eq!(identity.identity(), endpoint.identity());
                prop_assert!(endpoint.identity().is_ascii() && !endpoint.identity().ends_with('/'));
            }
            Err(error) => {
                let text = error.to_string();
                prop_assert!(text.starts_with("invalid endpoint `"), "{text}");
                prop_assert!(!text.contains("u:p@"), "{text}");
            }
        }
    }
}
