//! The known name that somebody meant.

/// The name among these that is nearest, when it is near enough to be meant.
pub(super) fn nearest<'n>(wrong: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wrong = wrong.to_lowercase().replace('_', "-");
    let with_distance = known.into_iter().map(|name| (distance(&wrong, name), name));
    let (distance, name) = with_distance.min()?;
    (distance <= (name.len() / 3).max(1)).then_some(name)
}

/// Letters to be put in, left out, or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], above + 1);
        for (index, counterpart) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *counterpart);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let known = ["listen", "garbage-grace", "places", "egress", "egress-private"];
        for (wrong, meant) in [
            ("lsten", Some("listen")),
            ("garbage_grace", Some("garbage-grace")),
            ("Places", Some("places")),
            ("egres", Some("egress")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, known), meant, "{wrong}");
        }
    }
}
