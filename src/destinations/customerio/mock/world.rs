//! What a workspace holds, and what items do to it.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use super::check::Wrong;

/// Most lines of what was done, and most events, that are remembered; a stand-in is no store.
const MOST: usize = 100_000;

/// People, objects and events of one workspace.
#[derive(Default)]
pub(super) struct World {
    people: BTreeMap<String, Person>,
    objects: BTreeMap<String, Object>,
    events: Vec<Value>,
    ids: HashSet<String>,
    duplicates: u64,
    reports: Vec<Value>,
    /// One line for each item that did something, in order: who, what, which.
    log: Vec<String>,
}

#[derive(Default)]
struct Person {
    attributes: Map<String, Value>,
    devices: BTreeMap<String, Value>,
    suppressed: bool,
}

#[derive(Default)]
struct Object {
    attributes: Map<String, Value>,
    /// By person.
    relationships: BTreeMap<String, Value>,
}

impl World {
    /// Does what an item says that has nothing wrong in itself.
    ///
    /// # Errors
    /// It cannot be done.
    pub(super) fn take(&mut self, item: Value) -> Result<(), Wrong> {
        let (kind, action) = (text(&item, "type"), text(&item, "action"));
        let who = key(item.get("identifiers"));
        match (kind.as_str(), action.as_str()) {
            ("person", "merge") => return self.merge(&key(item.get("primary")), &key(item.get("secondary"))),
            ("person", "event" | "page" | "screen" | "viewed_content" | "clicked_content") => {
                self.happened(&who, &action, item);
                return Ok(());
            }
            ("person", _) => self.person(&who, &action, &item),
            ("object", _) => self.object(&who, &action, &item),
            _ => self.report(item),
        }
        self.note(format!("{who} {action}"));
        Ok(())
    }

    /// Keeps a report about a message.
    pub(super) fn report(&mut self, report: Value) {
        if self.reports.len() < MOST {
            self.reports.push(report);
        }
    }

    /// Returns everything.
    pub(super) fn shown(&self) -> Value {
        let person = |(who, person): (&String, &Person)| {
            let Person { attributes, devices, suppressed } = person;
            (who.clone(), json!({ "attributes": attributes, "devices": devices, "suppressed": suppressed }))
        };
        let object = |(which, object): (&String, &Object)| {
            let Object { attributes, relationships } = object;
            (which.clone(), json!({ "attributes": attributes, "relationships": relationships }))
        };
        json!({
            "people": self.people.iter().map(person).collect::<Map<_, _>>(),
            "objects": self.objects.iter().map(object).collect::<Map<_, _>>(),
            "events": self.events, "reports": self.reports, "log": self.log, "duplicates": self.duplicates,
        })
    }

    /// Returns how much there is.
    pub(super) fn counts(&self) -> Value {
        json!({
            "people": self.people.len(), "objects": self.objects.len(), "different_events": self.ids.len(),
            "duplicates": self.duplicates, "reports": self.reports.len(),
        })
    }

    /// An event whose id is known is taken and changes nothing.
    fn happened(&mut self, who: &str, action: &str, item: Value) {
        let id = text(&item, "id");
        if !id.is_empty() && !self.ids.insert(id.clone()) {
            self.duplicates += 1;
            return;
        }
        self.note(format!("{who} {action} {} {id}", text(&item, "name")));
        if self.events.len() < MOST {
            let part = |name: &str| item.get(name).cloned().unwrap_or_default();
            self.events.push(json!({
                "person": who, "action": action, "name": part("name"), "id": id,
                "timestamp": part("timestamp"), "attributes": part("attributes"),
            }));
        }
    }

    fn person(&mut self, who: &str, action: &str, item: &Value) {
        if action == "delete" {
            self.people.remove(who);
            return;
        }
        let person = self.people.entry(who.to_owned()).or_default();
        let token = item.pointer("/device/token").and_then(Value::as_str).unwrap_or_default();
        match action {
            "identify" => set(&mut person.attributes, item.get("attributes")),
            "add_device" => drop(person.devices.insert(token.to_owned(), item["device"].clone())),
            "delete_device" => drop(person.devices.remove(token)),
            "suppress" => person.suppressed = true,
            _ => person.suppressed = false,
        }
        for relationship in list(item) {
            let object = self.objects.entry(key(relationship.get("identifiers"))).or_default();
            object.relationships.insert(who.to_owned(), about(relationship));
        }
    }

    fn object(&mut self, which: &str, action: &str, item: &Value) {
        if action == "delete" {
            self.objects.remove(which);
            return;
        }
        let object = self.objects.entry(which.to_owned()).or_default();
        set(&mut object.attributes, item.get("attributes"));
        for relationship in list(item) {
            let who = key(relationship.get("identifiers"));
            match action {
                "delete_relationships" => drop(object.relationships.remove(&who)),
                _ => drop(object.relationships.insert(who, about(relationship))),
            }
        }
    }

    /// The first person keeps what both have. Whoever is not known yet is made, as everywhere else.
    fn merge(&mut self, primary: &str, secondary: &str) -> Result<(), Wrong> {
        let Some(gone) = self.people.remove(secondary) else {
            return Err(Wrong::new("secondary", format!("there is no {secondary}")));
        };
        let person = self.people.entry(primary.to_owned()).or_default();
        for (name, value) in gone.attributes {
            person.attributes.entry(name).or_insert(value);
        }
        person.devices.extend(gone.devices);
        self.note(format!("{primary} merge {secondary}"));
        Ok(())
    }

    fn note(&mut self, line: String) {
        if self.log.len() < MOST {
            self.log.push(line);
        }
    }
}

/// Null clears an attribute.
fn set(attributes: &mut Map<String, Value>, new: Option<&Value>) {
    for (name, value) in new.and_then(Value::as_object).into_iter().flatten() {
        match value {
            Value::Null => drop(attributes.remove(name)),
            value => drop(attributes.insert(name.clone(), value.clone())),
        }
    }
}

fn list(item: &Value) -> impl Iterator<Item = &Value> {
    item.get("cio_relationships").and_then(Value::as_array).into_iter().flatten()
}

fn about(relationship: &Value) -> Value {
    relationship.get("relationship_attributes").cloned().unwrap_or_else(|| json!({}))
}

fn text(item: &Value, name: &str) -> String {
    item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// `id:u-1`, or `1:acme` of an object.
fn key(identifiers: Option<&Value>) -> String {
    let part = |name: &str| identifiers.and_then(|all| all.get(name)).and_then(Value::as_str);
    if let (Some(kind), Some(object)) = (part("object_type_id"), part("object_id")) {
        return format!("{kind}:{object}");
    }
    let members = identifiers.and_then(Value::as_object).into_iter().flatten();
    members.map(|(name, value)| format!("{name}:{}", value.as_str().unwrap_or_default())).collect()
}
