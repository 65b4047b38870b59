//! The document that describes the API to programs: complete, true to its own schemas, and the same as the one in the repository.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const FILE: &str = "docs/openapi-harness.json";

/// Every operation with its method and path.
pub fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, all)| {
        let all = all.as_object().unwrap().iter();
        all.filter(|(_, operation)| operation["responses"].is_object())
            .map(|(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
    });
    operations.collect()
}

/// Whether a value is as a schema of the document says.
pub fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let mut whole = schema.clone();
    // What its references name.
    whole["components"] = document["components"].clone();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource("schema.json", whole).unwrap();
    let compiled = compiler.compile("schema.json", &mut schemas);
    let compiled = compiled.map_err(|error| format!("{schema}: {error:#}"))?;
    let fits = schemas.validate(value, compiled);
    fits.map_err(|error| format!("{value}: {error:#}"))
}

#[test]
fn every_operation_is_described_with_its_statuses_and_with_examples_that_fit() {
    let document = zhongshu::web::harness::document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let all = operations(&document);
    assert!(all.len() > 30, "the operations were not found");
    let (mut wrong, mut ids) = (Vec::new(), BTreeSet::new());
    for (method, path, operation) in &all {
        let here = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap_or_default();
        if id.is_empty() || !ids.insert(id.to_owned()) {
            wrong.push(format!("{here}: the id `{id}` is no name of its own"));
        }
        if operation["tags"][0].is_null() || operation["summary"].is_null() {
            wrong.push(format!("{here}: it has no tag or no sentence"));
        }
        let answers = operation["responses"].as_object().unwrap();
        for status in ["401", "403", "500"] {
            if !answers.contains_key(status) {
                wrong.push(format!("{here}: {status} is missing"));
            }
        }
        let bodies = answers
            .iter()
            .map(|(status, answer)| (status.as_str(), answer));
        for (what, body) in bodies.chain([("body", &operation["requestBody"])]) {
            let medium = &body["content"]["application/json"];
            if medium.is_null() {
                continue;
            }
            if medium["example"].is_null() {
                wrong.push(format!("{here}: {what} has no example"));
            } else if let Err(error) = fits(&document, &medium["schema"], &medium["example"]) {
                wrong.push(format!("{here}: the example of {what}: {error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `INSTA_UPDATE=always` writes it anew, as it does with snapshots.
#[test]
fn the_document_in_the_repository_is_the_one_that_is_served() {
    let document = zhongshu::web::harness::document();
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        std::fs::write(&path, &text).unwrap();
    }
    let told = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = told.lines().zip(text.lines()).enumerate();
    let other = lines.find(|(_, (told, is))| told != is);
    assert!(
        told == text,
        "{FILE} is not what is served; the first difference: {other:?}. INSTA_UPDATE=always writes it anew"
    );
}
