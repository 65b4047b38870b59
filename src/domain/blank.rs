//! Texts that may be missing, in a format that has none for that: `None` here is an empty text in the journal and the API, as it was
//! written before anything could be missing. For fields: `#[serde(default, with = "blank")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes nothing as an empty text.
///
/// # Errors
/// When the serializer fails.
pub fn serialize<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().unwrap_or_default().serialize(serializer)
}

/// Reads an empty text as nothing.
///
/// # Errors
/// When it is no text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(some)
}

/// A text, unless it is empty.
pub fn some(text: impl Into<String>) -> Option<String> {
    Some(text.into()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::json;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Said {
        #[serde(default, with = "super")]
        text: Option<String>,
    }

    #[test]
    fn nothing_is_an_empty_text_and_back() {
        for (text, written) in [
            (None, json!({"text": ""})),
            (Some("x".to_owned()), json!({"text": "x"})),
        ] {
            let said = Said { text };
            assert_eq!(serde_json::to_value(&said).unwrap(), written);
            assert_eq!(serde_json::from_value::<Said>(written).unwrap(), said);
        }
        let missing: Said = serde_json::from_value(json!({})).unwrap();
        assert_eq!(missing, Said { text: None });
        assert!(serde_json::from_value::<Said>(json!({"text": 1})).is_err());
    }
}
