//! What reports can be narrowed by and broken down by: fields of events, and fields of the visits that they belong to.
//!
//! Pure. A filter is `field:value`, `field:one|other`, or with `!:` what is not to be. An event without a visit has no field of
//! one, so every filter by one leaves it out.

/// Most values of one filter.
const MOST_VALUES: usize = 100;
/// Most characters of a value: texts that are kept are no longer.
pub(super) const LONGEST: usize = 512;

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The page of an event.
    Path,
    /// The name of a track call.
    Event,
    /// `context.environment` of an event.
    Environment,
    /// The country of a visit, and so on.
    Country,
    /// Its region.
    Region,
    /// Its city.
    City,
    /// Its class of device.
    Device,
    /// Its browser.
    Browser,
    /// Its system.
    Os,
    /// Its channel.
    Channel,
    /// Its source.
    Source,
    /// Its medium.
    Medium,
    /// Its campaign.
    Campaign,
    /// The host that led to it.
    Referrer,
    /// Its first page.
    Entry,
    /// Its last page.
    Exit,
}

impl Field {
    /// Every field with its name.
    pub const ALL: [(Field, &'static str); 16] = [
        (Field::Path, "path"),
        (Field::Event, "event"),
        (Field::Environment, "environment"),
        (Field::Country, "country"),
        (Field::Region, "region"),
        (Field::City, "city"),
        (Field::Device, "device"),
        (Field::Browser, "browser"),
        (Field::Os, "os"),
        (Field::Channel, "channel"),
        (Field::Source, "source"),
        (Field::Medium, "medium"),
        (Field::Campaign, "campaign"),
        (Field::Referrer, "referrer"),
        (Field::Entry, "entry"),
        (Field::Exit, "exit"),
    ];

    /// Returns the field of this name.
    pub fn named(name: &str) -> Option<Field> {
        Field::ALL.iter().find(|(_, known)| *known == name).map(|(field, _)| *field)
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        Field::ALL.iter().find(|(field, _)| *field == self).map_or("", |(_, name)| name)
    }

    /// Returns whether it is of an event itself, and not of the visit.
    pub fn is_of_event(self) -> bool {
        matches!(self, Field::Path | Field::Event | Field::Environment)
    }
}

/// What the value of a field has to be, or not to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of which field.
    pub field: Field,
    /// It must be none of the values.
    pub is_not: bool,
    /// At least one.
    pub values: Vec<String>,
}

impl Filter {
    /// Reads `field:value`.
    ///
    /// # Errors
    /// What is wrong with it, to be read after the parameter's name.
    pub fn parse(text: &str) -> Result<Filter, String> {
        let shown = || text.chars().take(100).collect::<String>();
        let wanted = || format!("must be like country:DE or country!:DE|AT, not \"{}\"", shown());
        let (name, values) = text.split_once(':').ok_or_else(wanted)?;
        let (name, is_not) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
        let field = Field::named(name).ok_or_else(|| {
            let names: Vec<&str> = Field::ALL.iter().map(|(_, name)| *name).collect();
            let name: String = name.chars().take(100).collect();
            format!("has no field \"{name}\"; there are {}", names.join(", "))
        })?;
        let values: Vec<String> = values.split('|').map(str::to_owned).collect();
        if values.len() > MOST_VALUES || values.iter().any(|value| value.chars().count() > LONGEST) {
            return Err(format!(
                "must not have more than {MOST_VALUES} values or one of more than {LONGEST} characters"
            ));
        }
        Ok(Filter { field, is_not, values })
    }

    /// Returns whether a value passes.
    pub fn admits(&self, value: &str) -> bool {
        self.values.iter().any(|wanted| wanted == value) != self.is_not
    }
}
