//! The Python client has the operations of the document, so that whoever adds one makes it known there too. What else holds of the client its
//! own tests say (`clients/python/tests`).

use crate::document::operations;
use regex::Regex;
use std::collections::BTreeSet;
use std::path::Path;
use zhongshu::web::harness::{PREFIX, document};

const TABLE: &str = "clients/python/src/zhongshu_harness/_generated/operations.py";

#[test]
fn document_and_python_client_have_the_same_operations() {
    let told: BTreeSet<_> = operations(&document())
        .into_iter()
        .filter_map(|(method, path, operation)| {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let path = path.strip_prefix(PREFIX).unwrap().to_owned();
            // A client follows it by another way than a request and its answer.
            (id != "stream").then_some((id, method, path))
        })
        .collect();
    let line = Regex::new(r#"= Operation\(\s*"(\w*)",\s*"([A-Z]*)",\s*"([^"]*)""#).unwrap();
    let table = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE)).unwrap();
    let there: BTreeSet<_> = line
        .captures_iter(&table)
        .map(|it| (it[1].to_owned(), it[2].to_owned(), it[3].to_owned()))
        .collect();
    assert!(told.len() > 50, "the operations were not found");
    assert_eq!(
        told, there,
        "./clients/python/generate makes the client of docs/openapi-harness.json"
    );
}
