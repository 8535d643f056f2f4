//! `docs/openapi.json` as a test reads it: what there is, and whether an answer is as described.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Value, json};

use super::house::Answer;

pub(crate) fn description() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// One thing that can be done, as described.
pub(crate) struct Operation<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: String,
    described: &'a Value,
}

impl Operation<'_> {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Its address, with a number in place of the parameter.
    pub(crate) fn address(&self) -> String {
        self.path.replace("{id}", "1")
    }

    pub(crate) fn needs_token(&self) -> bool {
        self.described.get("security") != Some(&json!([]))
    }

    pub(crate) fn takes_body(&self) -> bool {
        self.described.get("requestBody").is_some()
    }

    pub(crate) fn statuses(&self) -> BTreeSet<u16> {
        let responses = self.described["responses"].as_object().unwrap();
        responses
            .keys()
            .map(|status| status.parse().unwrap())
            .collect()
    }
}

pub(crate) fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, described) in methods.as_object().unwrap() {
            found.push(Operation {
                path,
                method: method.to_uppercase(),
                described,
            });
        }
    }
    assert!(found.len() >= 7, "the description was not read");
    found
}

/// Follows a `$ref` inside the document.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document
            .pointer(reference.strip_prefix('#').unwrap())
            .unwrap(),
        None => value,
    }
}

/// Whether `value` is what the schema says: types, fields, and no field that is not described.
fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
    let schema = resolved(document, schema);
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        return choices.iter().any(|choice| fits(document, choice, value));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.contains(value);
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => vec![kind.as_str().unwrap()],
    };
    kinds.iter().any(|kind| match *kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "array" => value.as_array().is_some_and(|items| {
            items
                .iter()
                .all(|item| fits(document, &schema["items"], item))
        }),
        "object" => value.as_object().is_some_and(|fields| {
            let described = &schema["properties"];
            let required = schema.get("required").and_then(Value::as_array);
            let required = required.into_iter().flatten().filter_map(Value::as_str);
            required.into_iter().all(|name| fields.contains_key(name))
                && fields.iter().all(|(name, field)| {
                    described
                        .get(name)
                        .is_some_and(|schema| fits(document, schema, field))
                })
        }),
        kind => panic!("the test does not know the type `{kind}`"),
    })
}

/// Notes which answers were seen, and that each is as described.
pub(crate) struct Walk<'a> {
    pub(crate) document: &'a Value,
    pub(crate) seen: BTreeMap<String, BTreeSet<u16>>,
}

impl Walk<'_> {
    /// Checks an answer of the operation `method path`; gives its JSON.
    pub(crate) fn note(&mut self, method: &str, path: &str, answer: &Answer) -> Value {
        let name = format!("{method} {path}");
        let described = &self.document["paths"][path][method.to_lowercase()]["responses"];
        let described = described.get(answer.status.to_string());
        let described = described.unwrap_or_else(|| panic!("{name}: {answer:?} is not described"));
        let described = resolved(self.document, described);
        self.seen
            .entry(name.clone())
            .or_default()
            .insert(answer.status);
        let Some(schema) = described.pointer("/content/application~1json/schema") else {
            assert_eq!(answer.body, "", "{name}");
            return Value::Null;
        };
        let value: Value = serde_json::from_str(&answer.body).unwrap();
        assert!(fits(self.document, schema, &value), "{name}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        if answer.status >= 400 {
            assert_sentence(&value);
        }
        value
    }
}

pub(crate) fn assert_sentence(value: &Value) {
    let words = value["error"].as_str().unwrap();
    assert!(words.starts_with(char::is_uppercase), "{words}");
    assert!(words.ends_with('.') && words.contains(' '), "{words}");
}
