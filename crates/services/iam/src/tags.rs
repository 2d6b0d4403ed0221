//! Tags: at most 50 of a thing; keys that differ in case only are one.

use crate::error::IamError;

/// Tags of one thing.
const TAGS_MAX: usize = 50;

/// Adds tags to those that are there; one of a known key, whatever its case, takes the place of the old one.
pub(crate) fn add(tags: &mut Vec<(String, String)>, added: Vec<(String, String)>) -> Result<(), IamError> {
    for (at, (key, _)) in added.iter().enumerate() {
        if added[..at].iter().any(|(other, _)| other.eq_ignore_ascii_case(key)) {
            return Err(IamError::SameTagTwice);
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(IamError::Invalid("Tag keys cannot start with aws:".to_owned()));
        }
    }
    for (key, value) in added {
        match tags.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            Some(tag) => *tag = (key, value),
            None => tags.push((key, value)),
        }
    }
    if tags.len() > TAGS_MAX { Err(IamError::TooManyTags) } else { Ok(()) }
}

/// Takes tags away; keys that are not there are no error.
pub(crate) fn remove(tags: &mut Vec<(String, String)>, keys: &[String]) {
    tags.retain(|(key, _)| !keys.iter().any(|gone| gone.eq_ignore_ascii_case(key)));
}
