//! Enums whose variants stand for texts of the model. One macro keeps the generated files readable as tables.

/// A closed set of texts.
pub trait WireEnum: Copy + 'static {
    /// The texts, in the model's order.
    const TEXTS: &'static [&'static str];

    /// The variant for a text, if the model has it.
    fn from_text(text: &str) -> Option<Self>;
}

/// Declares a [`WireEnum`] with `ALL`, `as_str`, `parse`, `Display`, `Serialize` and `WriteXml`.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(
                #[doc = concat!("`", $text, "`.")]
                $variant,
            )+
        }

        impl $name {
            /// Every variant, in the model's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The variant for a text, if the model has it.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl $crate::WireEnum for $name {
            const TEXTS: &'static [&'static str] = &[$($text),+];

            fn from_text(text: &str) -> Option<Self> {
                Self::parse(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::WriteXml for $name {
            fn write(&self, xml: &mut $crate::XmlWriter) {
                xml.escaped(self.as_str());
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use wire_enum;
