//! What the bare address answers to `curl` and to a browser's address line: what this is, and what to type next.
//!
//! Never: told to an AWS client, whose requests all say what they are for; told to a page of another site.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::{BodyExt, Full};

use crate::own::Body;
use crate::server::Callers;

/// The answer, with the address by which it was asked.
pub fn answer(callers: Callers, headers: &HeaderMap, authority: Option<&str>) -> Response<Body> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let text = text(callers, host.or(authority).unwrap_or("127.0.0.1:4566"));
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(callers: Callers, host: &str) -> String {
    let (scheme, keys, more) = match callers {
        Callers::Anybody => ("http", ("test", "test"), "Any access key will do."),
        Callers::Root => (
            "https",
            ("AKIA...", "..."),
            "The keys are those that the first start of `hearth serve` printed. A certificate of the server's own is\n\
             signed by tls/ca.pem of its data folder: AWS_CA_BUNDLE names that file.",
        ),
    };
    format!(
        "This is Hearth {version}: AWS Lambda and what belongs to it, for AWS's own clients. This address is their \
         endpoint.\n\
         \n\
         export AWS_ENDPOINT_URL={scheme}://{host}\n\
         export AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY={secret} AWS_DEFAULT_REGION=us-east-1\n\
         aws sts get-caller-identity\n\
         \n\
         {more}\n\
         `hearth --help` lists Hearth's own commands; {scheme}://{host}/_hearth/health says how the server is.\n",
        version = env!("CARGO_PKG_VERSION"),
        key = keys.0,
        secret = keys.1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_to_type_next() {
        let up = text(Callers::Anybody, "127.0.0.1:5000");
        for line in [
            "export AWS_ENDPOINT_URL=http://127.0.0.1:5000",
            "export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1",
            "aws sts get-caller-identity",
        ] {
            assert!(up.lines().any(|said| said == line), "{line}\n{up}");
        }
    }

    #[test]
    fn a_served_network_needs_the_keys_that_were_made() {
        let serve = text(Callers::Root, "lambda.example.com");
        assert!(
            serve.contains("AWS_ENDPOINT_URL=https://lambda.example.com\n")
                && serve.contains("AWS_CA_BUNDLE")
        );
        assert!(!serve.contains("=test"), "{serve}");
    }
}
