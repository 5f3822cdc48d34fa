//! Which key somebody may have meant.

/// The known word that is most like `word`, where one is.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The variable's name is as good as the key.
    let word = word.to_ascii_lowercase();
    let word = word.strip_prefix("helion_").unwrap_or(&word);
    known
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3).max(2))
        .map(|(_, candidate)| candidate)
}
