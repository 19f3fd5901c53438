//! The name that was meant by a mistyped one.

/// The name that is meant by a typed one: the nearest, of which one letter in four may be wrong.
pub(crate) fn meant<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let slips = |name: &&str| strsim::damerau_levenshtein(&typed, name);
    names.into_iter().filter(|name| slips(name) <= name.len() / 4).min_by_key(slips)
}
