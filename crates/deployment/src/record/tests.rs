use super::*;

const ORIGINAL: &str = r#"{"datetime": "2015-07-08 14:35:52.951490", "deploy_id": "6eeca9c0-257e-11e5-9760-985aeb8b7458", "deploy_status": "SUCCESS", "destination": "http://node-env.15.125.107.133.xip.io", "history": ["2015-07-08 14:35:40.000001 ~ INIT", "2015-07-08 14:35:52.951490 ~ SUCCESS"], "package": "node-env"}"#;

#[track_caller]
fn parse(text: &str) -> DeploymentRecord {
    DeploymentRecord::parse("deployment_x.json", text.as_bytes()).unwrap()
}

#[test]
fn an_original_record_reads_whole_and_writes_back_equal() {
    let record = parse(ORIGINAL);
    assert_eq!(record.deploy_id, "6eeca9c0-257e-11e5-9760-985aeb8b7458");
    assert_eq!(record.phase(), Some(Phase::Success));
    assert_eq!(record.statuses().collect::<Vec<_>>(), ["INIT", "SUCCESS"]);
    assert!(record.is_terminal());
    let written: Value = serde_json::from_slice(&record.to_json().unwrap()).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(ORIGINAL).unwrap());
}

#[test]
fn unknown_keys_are_kept() {
    let text = r#"{"deploy_id": "x", "deploy_status": "INIT", "colour": {"a": [1]},
                   "engine": {"schema": 1, "owner": "me", "mood": 7}}"#;
    let written: Value = serde_json::from_slice(&parse(text).to_json().unwrap()).unwrap();
    assert_eq!(written["colour"]["a"][0], 1);
    assert_eq!(written["engine"]["mood"], 7);
}

#[test]
fn a_newer_schema_is_readable_and_known_as_such() {
    for schema in ["2", "\"two\"", "-1"] {
        let text = format!(
            r#"{{"deploy_id": "x", "deploy_status": "SUCCESS",
                 "engine": {{"schema": {schema}, "steps": "not a list any more"}}}}"#
        );
        let record = parse(&text);
        assert_eq!(record.phase(), Some(Phase::Success));
        assert!(record.newer_schema().is_some(), "{schema}");
        let shown: Value = serde_json::from_slice(&record.to_json().unwrap()).unwrap();
        assert_eq!(shown["engine"]["steps"], "not a list any more");
    }
    assert_eq!(parse(ORIGINAL).newer_schema(), None);
}

#[test]
fn what_is_no_record_is_an_error_that_names_the_file() {
    for text in [
        "",
        "[]",
        "null",
        "{",
        r#"{"deploy_id": 7, "deploy_status": "INIT"}"#,
        "\u{feff}{}",
    ] {
        let error = DeploymentRecord::parse("deployment_x.json", text.as_bytes()).unwrap_err();
        assert!(matches!(error, Error::BadRecord { .. }), "{text}");
        assert!(error.to_string().contains("deployment_x.json"), "{error}");
    }
}
