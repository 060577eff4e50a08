//! One line of JSON Lines as its members, borrowed from the line where they have no escapes.

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The members that mean something; the others are read over.
#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    pub(super) metric: Option<Cow<'a, str>>,
    pub(super) ts: Option<Scalar<'a>>,
    pub(super) value: Option<Scalar<'a>>,
    pub(super) labels: Vec<(Cow<'a, str>, Scalar<'a>)>,
    pub(super) unit: Option<Cow<'a, str>>,
    pub(super) kind: Option<Cow<'a, str>>,
    pub(super) better: Option<Cow<'a, str>>,
    pub(super) description: Option<Cow<'a, str>>,
}

/// A value that is neither object nor list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Whole(i128),
    Float(f64),
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    /// The value as a label's text; null is no label.
    pub(super) fn label(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
            Self::Whole(n) => Cow::Owned(n.to_string()),
            Self::Float(x) => Cow::Owned(x.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }
}

impl<'a> Row<'a> {
    /// Reads `line`, an object.
    pub(super) fn parse(line: &'a str) -> serde_json::Result<Self> {
        let mut row = Row::default();
        let mut json = serde_json::Deserializer::from_str(line);
        json.deserialize_map(Members(&mut row))?;
        json.end()?;
        Ok(row)
    }
}

/// Reads the members of the outer object.
struct Members<'r, 'a>(&'r mut Row<'a>);

impl<'a> Visitor<'a> for Members<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object such as {\"metric\": \"cpu\", \"ts\": 1767225600000000000, \"value\": 1.5}")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        let row = self.0;
        let mut has_labels = false;
        while let Some(key) = map.next_key_seed(TextSeed)? {
            match &*key {
                "metric" => once(&mut row.metric, &key, map.next_value_seed(TextSeed)?)?,
                "ts" | "time" => once(&mut row.ts, &key, map.next_value_seed(ScalarSeed)?)?,
                "value" => once(&mut row.value, &key, map.next_value_seed(ScalarSeed)?)?,
                "labels" if has_labels => return Err(M::Error::custom("`labels` occurs twice")),
                "labels" => {
                    map.next_value_seed(LabelsSeed(&mut row.labels))?;
                    has_labels = true;
                }
                "unit" => once(&mut row.unit, &key, map.next_value_seed(TextSeed)?)?,
                "kind" => once(&mut row.kind, &key, map.next_value_seed(TextSeed)?)?,
                "better" => once(&mut row.better, &key, map.next_value_seed(TextSeed)?)?,
                "description" => once(&mut row.description, &key, map.next_value_seed(TextSeed)?)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

fn once<T, E: serde::de::Error>(place: &mut Option<T>, key: &str, value: T) -> Result<(), E> {
    if place.replace(value).is_some() {
        return Err(E::custom(match key {
            "ts" | "time" => "the time occurs twice".to_owned(),
            _ => format!("`{key}` occurs twice"),
        }));
    }
    Ok(())
}

/// Reads a string.
struct TextSeed;

impl<'a> DeserializeSeed<'a> for TextSeed {
    type Value = Cow<'a, str>;
    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for TextSeed {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Reads a string, number, boolean or null.
struct ScalarSeed;

impl<'a> DeserializeSeed<'a> for ScalarSeed {
    type Value = Scalar<'a>;
    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for ScalarSeed {
    type Value = Scalar<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a string, true, false or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Whole(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Whole(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }
}

/// Reads the object of labels.
struct LabelsSeed<'r, 'a>(&'r mut Vec<(Cow<'a, str>, Scalar<'a>)>);

impl<'a> DeserializeSeed<'a> for LabelsSeed<'_, 'a> {
    type Value = ();
    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for LabelsSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of labels such as {\"host\": \"a\"}")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key_seed(TextSeed)? {
            self.0.push((key, map.next_value_seed(ScalarSeed)?));
        }
        Ok(())
    }
}
