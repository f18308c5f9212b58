//! Parameters of a path or a query, as the document has them. Pure.

use serde_json::{Value, json};

use super::paths::{self, Operation};

/// A parameter of a query.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) about: &'static str,
    pub(super) is_needed: bool,
}

/// What a parameter may be.
pub(super) enum Kind {
    Text,
    /// May come more than once.
    Texts,
    Instant,
    /// From 1 up to this.
    Number(u32),
    OneOf(&'static [&'static str]),
}

impl Parameter {
    pub(super) const fn new(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
        Parameter { name, kind, about, is_needed: false }
    }

    /// One that must be there.
    pub(super) const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
        Parameter { name, kind, about, is_needed: true }
    }

    /// Returns it as a member of `parameters`.
    pub(super) fn told(&self) -> Value {
        let schema = match &self.kind {
            Kind::Text => json!({ "type": "string" }),
            Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Kind::Instant => json!({ "type": "string", "format": "date-time" }),
            Kind::Number(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
            Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
        };
        json!({ "name": self.name, "in": "query", "required": self.is_needed, "description": self.about, "schema": schema })
    }

    /// Returns what stands in braces in a path.
    pub(super) fn in_path(name: &str, operation: &Operation) -> Value {
        let mut schema = json!({ "type": "string", "minLength": 1 });
        let words = paths::words_of(name, operation);
        if !words.is_empty() {
            schema = json!({ "type": "string", "enum": words });
        }
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    }
}
