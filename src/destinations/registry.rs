//! The macro behind the one list of destinations. Types stay static: a [`Launcher`](super::Launcher) is called with each.

/// Declares the modules, the closed `Settings` enum and the list `ENTRIES` from one line per destination. A line behind
/// `#[cfg(feature = "…")]` is left out of a build without that feature, and then stands in `LEFT_OUT`.
macro_rules! registry {
    ($($(#[cfg(feature = $feature:literal)])? $kind:ident: $ty:ty),+ $(,)?) => {
        $($(#[cfg(feature = $feature)])? pub mod $kind;)+

        /// One kind of destination, for the config loader, the docs and the conformance test.
        #[derive(Clone, Copy)]
        pub struct Entry {
            /// Config type and metric label.
            pub kind: &'static str,
            /// What it says about itself.
            pub about: About,
            /// What its page tells beyond what is generated, in Markdown; empty where nothing is.
            pub guide: &'static str,
            /// Its patience where the configuration says nothing.
            pub patience: fn() -> Patience,
            /// Parses its own settings (without the common ones) from a TOML table.
            pub parse: fn(toml::Table) -> Result<Settings, toml::de::Error>,
            /// Its own settings with their defaults, as a TOML table: the closed list of its keys.
            pub defaults: fn() -> toml::Table,
            /// Settings that several environment variables say together.
            pub composed: &'static [Composed],
            /// Whether it gets a client's address whole unless its own settings say otherwise.
            pub whole_ip: bool,
            /// Whether what it is given stays with the operator.
            pub stays_here: bool,
            /// Makes its stand-in, where there is one.
            pub mock: Option<mock::NewMock>,
        }

        /// Every destination that exists.
        pub const ENTRIES: &[Entry] = &[$($(#[cfg(feature = $feature)])? Entry {
            kind: <$ty as Destination>::KIND,
            about: <$ty as Destination>::ABOUT,
            guide: <$ty as Destination>::GUIDE,
            patience: <$ty as Destination>::patience,
            parse: |table| {
                <<$ty as Destination>::Config as serde::Deserialize>::deserialize(toml::Value::Table(table)).map(Settings::$kind)
            },
            defaults: || toml::Table::try_from(<<$ty as Destination>::Config>::default()).unwrap_or_default(),
            composed: <$ty as Destination>::COMPOSED,
            whole_ip: <$ty as Destination>::WHOLE_IP,
            stays_here: <$ty as Destination>::STAYS_HERE,
            mock: <$ty as Destination>::MOCK,
        }),+];

        /// Destinations that this build lacks, with the features that they need.
        pub const LEFT_OUT: &[(&str, &str)] = &[
            $($(#[cfg(not(feature = $feature))] (stringify!($kind), $feature),)?)+
        ];

        /// The parsed settings of one destination.
        #[derive(Debug, Clone)]
        #[allow(non_camel_case_types, reason = "variants are the kinds as written in the configuration")]
        #[allow(clippy::large_enum_variant, reason = "there is one for each destination, and it is moved a few times")]
        pub enum Settings {
            $(
                $(#[cfg(feature = $feature)])?
                #[doc = concat!("Settings of `", stringify!($kind), "`.")]
                $kind(<$ty as Destination>::Config),
            )+
        }

        impl Settings {
            /// Returns the kind whose settings these are.
            pub fn kind(&self) -> &'static str {
                match self {
                    $($(#[cfg(feature = $feature)])? Settings::$kind(_) => <$ty as Destination>::KIND,)+
                }
            }

            /// Returns whether this process alone writes the store.
            pub fn is_embedded(&self) -> bool {
                match self {
                    $($(#[cfg(feature = $feature)])? Settings::$kind(_) => <$ty as Destination>::EMBEDDED,)+
                }
            }

            /// Returns how much longer than a request what a process had begun may arrive after its end.
            pub fn lingers(&self) -> ::std::time::Duration {
                match self {
                    $($(#[cfg(feature = $feature)])? Settings::$kind(_) => <$ty as Destination>::LINGERS,)+
                }
            }

            /// Runs a read-only query, where the store is embedded. Blocks.
            pub fn query(&self, setting: &Setting, sql: &str) -> Option<Result<Rows, String>> {
                match self {
                    $($(#[cfg(feature = $feature)])? Settings::$kind(config) => <$ty as Destination>::query(config, setting, sql),)+
                }
            }

            /// Builds the destination and hands its two halves to `launcher`.
            ///
            /// # Errors
            /// Every problem of the settings.
            pub fn build<L: Launcher>(self, setting: &Setting, launcher: L) -> Result<L::Output, Vec<SettingError>> {
                match self {
                    $($(#[cfg(feature = $feature)])? Settings::$kind(config) => {
                        let (destination, client) = <$ty as Destination>::new(config, setting)?;
                        Ok(launcher.launch(destination, client))
                    })+
                }
            }
        }
    };
}
