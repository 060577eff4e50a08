//! Patterns of metrics: of globs in queries, and as `metric set`, `ingest --unit`, `export` and `retention` take them.

/// Whether `name` is what `pattern` says, in which `*` stands for any text, also none. Takes time in proportion to the product of both
/// lengths at worst.
///
/// ```
/// use perfdb::model::matches;
/// assert!(matches("cache.*_total", "cache.hits_total"));
/// assert!(matches("*", "") && !matches("cpu", "cpu.usage"));
/// ```
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` stood, and how much of the name it covers so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, covered)) = star {
            star = Some((at, covered + 1));
            (p, n) = (at + 1, covered + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pattern_agrees_with_the_regular_expression(pattern in "[ab*]{0,8}", name in "[ab]{0,8}") {
            let regex = regex::Regex::new(&format!("^{}$", pattern.replace('*', ".*"))).unwrap();
            prop_assert_eq!(matches(&pattern, &name), regex.is_match(&name));
        }
    }
}
