//! How layers and their versions are named: `numbers`, `arn:aws:lambda:R:A:layer:numbers`, and with `:3` behind it.

use std::fmt;

use hearth_aws::Call;
use hearth_aws::names::Arn;

use crate::error::FunctionError;
use crate::functions::Owner;

/// A layer's own name, which the model's pattern has checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LayerName(String);

impl LayerName {
    /// From a stored record or a marker.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (!text.is_empty() && text.bytes().all(good)).then(|| Self(text.to_owned()))
    }

    /// From the `LayerName` of a call, which is a name or an ARN. Another region's layer is not there; another
    /// account's is not shared.
    // GAP(permissions): another account's layer is reachable once policies of layer versions exist.
    pub(crate) fn of(call: &Call, given: &str) -> Result<Self, FunctionError> {
        let Some(arn) = Arn::parse(given) else {
            return Self::parse(given).ok_or(FunctionError::NothingThere);
        };
        let name = arn.resource.strip_prefix("layer:").and_then(Self::parse);
        let name = name.filter(|_| arn.region == call.region).ok_or(FunctionError::NothingThere)?;
        if arn.account != call.account {
            return Err(denied(call, given.to_owned()));
        }
        Ok(name)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// `arn:aws:lambda:R:A:layer:L`.
    pub(crate) fn arn(&self, owner: &Owner) -> String {
        Arn::new("lambda", &owner.region, &owner.account, format!("layer:{self}")).to_string()
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The answer about a layer of an account that did not share it.
pub(super) fn denied(call: &Call, resource: String) -> FunctionError {
    let caller = call.caller.arn.clone();
    FunctionError::OtherAccount { caller, action: "GetLayerVersion", resource }
}

/// A layer version's ARN, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerVersionRef {
    pub(crate) text: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) name: LayerName,
    pub(crate) version: u64,
}

impl LayerVersionRef {
    /// Without the version.
    pub(crate) fn layer_arn(&self) -> &str {
        self.text.rsplit_once(':').map_or(&self.text, |(layer, _)| layer)
    }

    /// `None` for what names no version of a customer's layer (`arn:aws:lambda:::awslayer:X`).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let arn = Arn::parse(text)?;
        let (name, version) = arn.resource.strip_prefix("layer:")?.split_once(':')?;
        Some(Self {
            text: text.to_owned(),
            name: LayerName::parse(name)?,
            version: version.parse().ok()?,
            region: arn.region,
            account: arn.account,
        })
    }
}
