//! A request that is signed as an SDK signs it, with the credentials that a function finds in its environment.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const SERVICE: &str = "sts";
const NAMES: &str = "host;x-amz-date;x-amz-security-token";

/// The headers of a POST of a form to STS, from the variables of a function. `spoilt` is added to the secret.
pub(crate) fn headers(variables: &Value, body: &str, spoilt: &str) -> Value {
    let variable = |name: &str| variables[name].as_str().unwrap_or_default().to_owned();
    let (region, token) = (variable("AWS_REGION"), variable("AWS_SESSION_TOKEN"));
    let host = variable("AWS_ENDPOINT_URL").replace("http://", "");
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let request = format!(
        "POST\n/\n\nhost:{host}\nx-amz-date:{now}\nx-amz-security-token:{token}\n\n{NAMES}\n{}",
        hexadecimal(&Sha256::digest(body))
    );
    let scope = format!("{}/{region}/{SERVICE}/aws4_request", &now[..8]);
    let text = format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{}", hexadecimal(&Sha256::digest(request)));
    let secret = format!("AWS4{}{spoilt}", variable("AWS_SECRET_ACCESS_KEY")).into_bytes();
    let key = scope.split('/').fold(secret, |key, part| digest(&key, part));
    let signature = hexadecimal(&digest(&key, &text));
    let credential = format!("{}/{scope}", variable("AWS_ACCESS_KEY_ID"));
    json!({
        "X-Amz-Date": now,
        "X-Amz-Security-Token": token,
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization":
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={NAMES}, Signature={signature}"),
    })
}

fn digest(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
