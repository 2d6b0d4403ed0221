//! ARNs of IAM roles: `arn:aws:iam::ACCOUNT:role/PATH/NAME`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Arn, is_account};
use crate::document::{Document, FromDocument, IntoDocument, ShapeError};

/// The ARN of a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoleArn(Arn);

impl RoleArn {
    /// A role by its account, its path (`/` or `/service-role/`) and its name.
    pub fn new(account: &str, path: &str, name: &str) -> Self {
        Self(Arn::new("iam", "", account, format!("role{path}{name}")))
    }

    /// Reads the ARN of a role. The model's pattern is wider: it also takes `roleNAME` for `role/NAME`.
    pub fn parse(text: &str) -> Option<Self> {
        let arn = Arn::parse(text)?;
        let is_role = arn.service == "iam" && arn.region.is_empty() && is_account(&arn.account);
        let rest = arn.resource.strip_prefix("role")?;
        let named = rest.rsplit('/').next().is_some_and(|name| !name.is_empty());
        (is_role && named).then_some(Self(arn))
    }

    /// The account that owns the role.
    pub fn account(&self) -> &str {
        &self.0.account
    }

    /// The role's name, without its path.
    pub fn name(&self) -> &str {
        let rest = self.0.resource.strip_prefix("role").unwrap_or_default();
        rest.rsplit('/').next().unwrap_or_default()
    }

    /// The ARN of a session of this role: `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`.
    pub fn session(&self, session: &str) -> String {
        let name = self.name();
        format!("arn:{}:sts::{}:assumed-role/{name}/{session}", self.0.partition, self.account())
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromDocument for RoleArn {
    fn from_document(document: Document) -> Result<Self, ShapeError> {
        let text = String::from_document(document)?;
        Self::parse(&text).ok_or(ShapeError::expected("the ARN of a role"))
    }
}

impl IntoDocument for RoleArn {
    fn into_document(self) -> Document {
        Document::String(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_an_account_a_path_and_a_name() {
        let check = |text: &str, account: &str, name: &str| {
            let role = RoleArn::parse(text).expect(text);
            assert_eq!((role.account(), role.name(), role.to_string().as_str()), (account, name, text));
        };
        check("arn:aws:iam::123456789012:role/f", "123456789012", "f");
        check("arn:aws:iam::123456789012:role/service-role/a/b", "123456789012", "b");
        check("arn:aws:iam::123456789012:rolef", "123456789012", "f"); // The model's pattern lets it pass.
        for text in [
            "arn:aws:iam::123456789012:user/f",
            "arn:aws:iam::1:role/f",
            "arn:aws:iam::123456789012:role/",
            "f",
        ] {
            assert_eq!(RoleArn::parse(text), None, "{text}");
        }
        let role = RoleArn::new("123456789012", "/service-role/", "f");
        assert_eq!(role.to_string(), "arn:aws:iam::123456789012:role/service-role/f");
        assert_eq!(role.session("s"), "arn:aws:sts::123456789012:assumed-role/f/s");
    }
}
