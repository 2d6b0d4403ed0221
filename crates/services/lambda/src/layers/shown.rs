//! Layer versions as the API answers them.

use hearth_aws::shape;

use super::layer::LayerVersion;
use crate::Lambda;
use crate::functions::Owner;

shape! {
    /// The answer of PublishLayerVersion and GetLayerVersion.
    pub(crate) struct Published {
        content: Content,
        layer_arn: String,
        layer_version_arn: String,
        description: String,
        created_date: String,
        version: i64,
        compatible_runtimes: Option<Vec<String>>,
        compatible_architectures: Option<Vec<String>>,
        license_info: Option<String>,
    }
    pub(crate) struct Content {
        location: String,
        code_sha256: String,
        code_size: i64,
    }
    /// An item of ListLayerVersions.
    pub(crate) struct Listed {
        layer_version_arn: String,
        version: i64,
        description: String,
        created_date: String,
        compatible_runtimes: Option<Vec<String>>,
        compatible_architectures: Option<Vec<String>>,
        license_info: Option<String>,
    }
}

impl Published {
    /// With a link at the host that the caller asked.
    pub(crate) fn of(lambda: &Lambda, owner: &Owner, layer: LayerVersion, host: &str) -> Self {
        let content = Content {
            location: lambda.layer_link(owner, &layer, host),
            code_sha256: layer.digest.base64(),
            code_size: number(layer.bytes),
        };
        let layer_arn = layer.name.arn(owner);
        let listed = Listed::of(owner, layer);
        Self {
            content,
            layer_arn,
            layer_version_arn: listed.layer_version_arn,
            description: listed.description,
            created_date: listed.created_date,
            version: listed.version,
            compatible_runtimes: listed.compatible_runtimes,
            compatible_architectures: listed.compatible_architectures,
            license_info: listed.license_info,
        }
    }
}

impl Listed {
    pub(crate) fn of(owner: &Owner, layer: LayerVersion) -> Self {
        Self {
            layer_version_arn: format!("{}:{}", layer.name.arn(owner), layer.version),
            version: number(layer.version),
            description: layer.description,
            created_date: layer.created.lambda_text(),
            compatible_runtimes: layer.runtimes,
            compatible_architectures: layer.architectures,
            license_info: layer.license,
        }
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
