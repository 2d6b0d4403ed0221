//! What may stand for a function: its name, a partial ARN, a whole ARN, each with or without a qualifier.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Arn, is_account, is_word};
use crate::document::{Document, FromDocument, IntoDocument, ShapeError};

/// The qualifier of the version that can be changed.
pub const LATEST: &str = "$LATEST";

/// A function's own name: letters, digits, `-`, `_` and, where the model lets it, `.`.
///
/// CreateFunction limits it to 64 characters, with an error of its own; other operations find no longer one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FunctionName(String);

impl FunctionName {
    /// Checks a bare name.
    pub fn parse(text: &str) -> Option<Self> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (!text.is_empty() && text.bytes().all(good)).then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The function's ARN, with a qualifier if one is given.
    pub fn arn(&self, region: &str, account: &str, qualifier: Option<&str>) -> Arn {
        let qualifier = qualifier.map(|qualifier| format!(":{qualifier}")).unwrap_or_default();
        Arn::new("lambda", region, account, format!("function:{self}{qualifier}"))
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl IntoDocument for FunctionName {
    fn into_document(self) -> Document {
        Document::String(self.0)
    }
}

/// A reference to a function, as a request gives it (`spec/lambda-api.md` section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRef {
    text: String,
    region: Option<String>,
    account: Option<String>,
    name: FunctionName,
    qualifier: Option<String>,
}

impl FunctionRef {
    /// Reads every form: `f`, `f:1`, `function:f`, `ACCOUNT:function:f`, `REGION:ACCOUNT:function:f`, an ARN.
    ///
    /// Each prefix is taken where it can be, and left to be a part of the name where the rest would not be one:
    /// `function` alone is a function of that name, and so is what follows `ACCOUNT:` in
    /// `arn:aws:lambda:REGION:ACCOUNT:function`.
    pub fn parse(text: &str) -> Option<Self> {
        const PREFIXES: [Prefix; 4] = [arn_prefix, region_prefix, account_prefix, word_prefix];
        // All prefixes first, then fewer: as a regular expression with greedy options would.
        (0..1 << PREFIXES.len()).find_map(|left_out: u32| {
            let mut rest = text;
            let mut found = [None; PREFIXES.len()];
            for (at, prefix) in PREFIXES.iter().enumerate() {
                // The earliest prefix is the last to be given up.
                if left_out & (1 << (PREFIXES.len() - 1 - at)) == 0 {
                    let (value, after) = prefix(rest)?;
                    (found[at], rest) = (Some(value), after);
                }
            }
            let (name, qualifier) =
                rest.split_once(':').map_or((rest, None), |(name, after)| (name, Some(after)));
            Some(Self {
                text: text.to_owned(),
                region: found[1].map(str::to_owned),
                account: found[2].map(str::to_owned),
                name: FunctionName::parse(name)?,
                qualifier: match qualifier {
                    Some(qualifier) if !is_qualifier(qualifier) => return None,
                    qualifier => qualifier.map(str::to_owned),
                },
            })
        })
    }

    /// The function's name.
    pub fn name(&self) -> &FunctionName {
        &self.name
    }

    /// The name, when no qualifier is part of the reference.
    pub fn unqualified(&self) -> Option<FunctionName> {
        self.qualifier.is_none().then(|| self.name.clone())
    }

    /// A version, an alias, or `$LATEST`.
    pub fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }

    /// The account that the reference names.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The region that the reference names.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }
}

/// Takes a prefix off a reference: its value and what follows the colon.
type Prefix = fn(&str) -> Option<(&str, &str)>;

fn arn_prefix(text: &str) -> Option<(&str, &str)> {
    let (partition, rest) = text.strip_prefix("arn:")?.split_once(':')?;
    let good = partition.is_empty()
        || (partition.starts_with("aws")
            && partition.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-'));
    Some((partition, rest.strip_prefix("lambda:")?)).filter(|_| good)
}

fn region_prefix(text: &str) -> Option<(&str, &str)> {
    let (region, rest) = text.split_once(':')?;
    let good = region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && region.split('-').count() >= 3
        && region.bytes().last().is_some_and(|byte| byte.is_ascii_digit())
        && region.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    good.then_some((region, rest))
}

fn account_prefix(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(account, _)| is_account(account))
}

fn word_prefix(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("function:").map(|rest| ("function", rest))
}

fn is_qualifier(text: &str) -> bool {
    is_word(text) || text == LATEST || text == "$LATEST.PUBLISHED"
}

impl fmt::Display for FunctionRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl FromDocument for FunctionRef {
    fn from_document(document: Document) -> Result<Self, ShapeError> {
        let text = String::from_document(document)?;
        Self::parse(&text).ok_or(ShapeError::expected("a reference to a function"))
    }
}

impl IntoDocument for FunctionRef {
    fn into_document(self) -> Document {
        Document::String(self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Model;

    type Parts<'a> = (Option<&'a str>, Option<&'a str>, &'a str, Option<&'a str>);

    #[test]
    fn every_form_of_a_reference_is_read() {
        let check = |text: &str, expected: Parts<'_>| {
            let found = FunctionRef::parse(text).expect(text);
            assert_eq!(
                (found.region(), found.account(), found.name().as_str(), found.qualifier()),
                expected,
                "{text}"
            );
            assert_eq!(found.to_string(), text);
        };
        let (region, account) = (Some("us-east-1"), Some("123456789012"));
        check("f", (None, None, "f", None));
        check("f:1", (None, None, "f", Some("1")));
        check("f:$LATEST", (None, None, "f", Some("$LATEST")));
        check("f:$LATEST.PUBLISHED", (None, None, "f", Some("$LATEST.PUBLISHED")));
        check("function:f", (None, None, "f", None));
        check("function:f:prod", (None, None, "f", Some("prod")));
        check("123456789012:function:f", (None, account, "f", None));
        check("us-east-1:123456789012:function:f:2", (region, account, "f", Some("2")));
        check("arn:aws:lambda:us-east-1:123456789012:function:f", (region, account, "f", None));
        check("arn:aws:lambda:us-east-1:123456789012:function:f:prod", (region, account, "f", Some("prod")));
        // Recorded: `Function not found: arn:aws:lambda:R:A:function:function`.
        check("arn:aws:lambda:us-east-1:123456789012:function", (region, account, "function", None));
        check("function", (None, None, "function", None));
        check("function:function", (None, None, "function", None));
        check("123456789012", (None, None, "123456789012", None));
        check("123456789012:$LATEST", (None, None, "123456789012", Some("$LATEST")));
        check("us-gov-west-1:123456789012:f", (Some("us-gov-west-1"), account, "f", None));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["", ":", "f:", "f:1:2", "a b", "f:$latest", "arn:aws:s3:::bucket", "function:", "f:a.b"]
        {
            assert_eq!(FunctionRef::parse(text), None, "{text}");
        }
    }

    proptest! {
        /// The checked pattern of the model and this parser agree, so a typed input never fails to be made.
        #[test]
        fn what_the_model_accepts_is_read(
            text in "(arn:(aws[a-z-]{0,4})?:lambda:)?(us-east-1:|eu-isob-west-2:)?([0-9]{12}:)?(function:)?([a-z0-9._-]{1,9}|function)(:(\\$LATEST|[a-z0-9_-]{1,4}))?"
        ) {
            let model = Model::of("lambda").expect("in models/");
            let at = model.facts().patterns.iter().position(|pattern| pattern.contains(r"([a-zA-Z0-9-_\.]+)(:(")).expect("there");
            let (_, pattern) = model.pattern(crate::model::PatternId(u16::try_from(at).expect("small")));
            prop_assert_eq!(FunctionRef::parse(&text).is_some(), pattern.matches(&text));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = FunctionRef::parse(&text);
        }
    }
}
