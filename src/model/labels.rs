//! Labels: the sorted, unique key-value pairs that tell series of one metric apart.

use std::fmt;

/// The longest label value, in bytes.
pub const LABEL_LEN_MAX: usize = 64 * 1024;

/// Key-value pairs, sorted by key and with unique keys. An empty value is the same as no label, so none is kept.
///
/// ```
/// use perfdb::model::Labels;
/// let labels = Labels::new([("host", "web-1"), ("agent", "scout"), ("zone", "")]).unwrap();
/// assert_eq!(labels.to_string(), r#"{agent="scout", host="web-1"}"#);
/// assert_eq!(labels.get("host"), Some("web-1"));
/// assert!(Labels::new([("a", "1"), ("a", "2")]).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Labels(Box<[(Box<str>, Box<str>)]>);

impl Labels {
    /// Sorts `pairs` and drops those with an empty value.
    ///
    /// # Errors
    /// The key that occurs twice.
    pub fn new<K: Into<Box<str>>, V: Into<Box<str>>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, String> {
        let mut pairs: Vec<(Box<str>, Box<str>)> = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(twice) = pairs.windows(2).find(|w| w[0].0 == w[1].0) {
            return Err(twice[0].0.to_string());
        }
        pairs.retain(|(_, v)| !v.is_empty());
        Ok(Self(pairs.into_boxed_slice()))
    }

    /// The value of label `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.binary_search_by(|(k, _)| (**k).cmp(key)).ok().map(|i| &*self.0[i].1)
    }

    /// The pairs in order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(k, v)| (&**k, &**v))
    }

    /// How many labels there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These labels and `key`, whose value replaces one that is there.
    #[must_use]
    pub fn with(&self, key: &str, value: &str) -> Self {
        let mut pairs: Vec<(Box<str>, Box<str>)> = self.0.iter().filter(|(k, _)| &**k != key).cloned().collect();
        if !value.is_empty() {
            let at = pairs.partition_point(|(k, _)| &**k < key);
            pairs.insert(at, (key.into(), value.into()));
        }
        Self(pairs.into_boxed_slice())
    }
}

impl fmt::Display for Labels {
    /// `{a="1", b="2"}` with `\` and `"` escaped as in a query's selector; what could act on a terminal is left to the printer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (k, v)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{k}=\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\""))?;
        }
        f.write_str("}")
    }
}
