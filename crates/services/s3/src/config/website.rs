//! A bucket as a website: its pages, its redirects.
//!
//! The configuration is kept and shown. The endpoint that it is for (`BUCKET.s3-website-REGION.amazonaws.com`) is
//! not there yet.

use s3s::dto::{Protocol, Redirect, RoutingRule, WebsiteConfiguration};

use super::error::ConfigError;

/// Routing rules of one website, by S3's reference.
const RULES_MAX: usize = 50;

/// Refuses what S3 refuses, in its words.
pub(crate) fn check(config: &WebsiteConfiguration) -> Result<(), ConfigError> {
    if let Some(all) = &config.redirect_all_requests_to {
        let others = config.index_document.is_some()
            || config.error_document.is_some()
            || config.routing_rules.is_some();
        if others {
            return Err(ConfigError::argument(
                "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
                "RedirectAllRequestsTo",
                "not null".to_owned(),
            ));
        }
        return check_protocol(all.protocol.as_ref());
    }
    let Some(index) = &config.index_document else {
        return Err(ConfigError::argument(
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
            "IndexDocument",
            "null".to_owned(),
        ));
    };
    if index.suffix.is_empty() || index.suffix.contains('/') {
        let shown = Some(index.suffix.clone()).filter(|suffix| !suffix.is_empty());
        return Err(ConfigError::argument(
            "The IndexDocument Suffix is not well formed",
            "IndexDocument",
            shown,
        ));
    }
    if config.error_document.as_ref().is_some_and(|error| error.key.is_empty()) {
        return Err(ConfigError::argument(
            "The ErrorDocument Key is not well formed",
            "ErrorDocument",
            String::new(),
        ));
    }
    match config.routing_rules.as_deref() {
        None => Ok(()),
        Some([]) => Err(ConfigError::MalformedXml),
        Some(rules) if rules.len() > RULES_MAX => Err(ConfigError::request(format!(
            "{} routing rules provided, the number of routing rules in a website configuration is limited to {RULES_MAX}.",
            rules.len()
        ))),
        Some(rules) => rules.iter().try_for_each(check_rule),
    }
}

fn check_rule(rule: &RoutingRule) -> Result<(), ConfigError> {
    let Redirect { host_name, http_redirect_code, protocol, replace_key_prefix_with, replace_key_with } =
        &rule.redirect;
    if replace_key_prefix_with.is_some() && replace_key_with.is_some() {
        return Err(ConfigError::request("You can only define ReplaceKeyPrefix or ReplaceKey but not both."));
    }
    let does = [host_name, http_redirect_code, replace_key_prefix_with, replace_key_with];
    if does.iter().all(|part| part.is_none()) && protocol.is_none() {
        return Err(ConfigError::MalformedXml);
    }
    let empty = rule.condition.as_ref().is_some_and(|condition| {
        condition.key_prefix_equals.is_none() && condition.http_error_code_returned_equals.is_none()
    });
    if empty {
        return Err(ConfigError::request(
            "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
        ));
    }
    check_protocol(protocol.as_ref())
}

fn check_protocol(protocol: Option<&Protocol>) -> Result<(), ConfigError> {
    match protocol.map(Protocol::as_str) {
        None | Some(Protocol::HTTP | Protocol::HTTPS) => Ok(()),
        Some(_) => Err(ConfigError::request(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::{decode, encode};

    fn parse(body: &str) -> Result<WebsiteConfiguration, ConfigError> {
        let xml = format!("<WebsiteConfiguration>{body}</WebsiteConfiguration>");
        let config: WebsiteConfiguration = decode(xml.as_bytes())?;
        check(&config).map(|()| config)
    }

    #[test]
    fn a_website_is_refused_in_s3s_words() {
        let index = "<IndexDocument><Suffix>index.html</Suffix></IndexDocument>";
        let all = "<RedirectAllRequestsTo><HostName>a.com</HostName></RedirectAllRequestsTo>";
        let rule =
            |body: &str| format!("{index}<RoutingRules><RoutingRule>{body}</RoutingRule></RoutingRules>");
        let table: [(String, &str); 13] = [
            (index.to_owned(), ""),
            (all.to_owned(), ""),
            (format!("{index}<ErrorDocument><Key>error.html</Key></ErrorDocument>"), ""),
            (rule("<Redirect><ReplaceKeyWith>a</ReplaceKeyWith></Redirect>"), ""),
            (format!("{all}{index}"), "RedirectAllRequestsTo cannot be provided in conjunction"),
            (String::new(), "A value for IndexDocument Suffix must be provided"),
            (
                "<IndexDocument><Suffix>a/b</Suffix></IndexDocument>".to_owned(),
                "The IndexDocument Suffix is not well",
            ),
            ("<IndexDocument><Suffix/></IndexDocument>".to_owned(), "The IndexDocument Suffix is not well"),
            (
                format!("{index}<ErrorDocument><Key/></ErrorDocument>"),
                "The ErrorDocument Key is not well formed",
            ),
            (rule("<Redirect/>"), "The XML you provided was not well-formed"),
            (
                rule(
                    "<Redirect><ReplaceKeyWith>a</ReplaceKeyWith><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith></Redirect>",
                ),
                "You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
            ),
            (
                rule("<Condition/><Redirect><ReplaceKeyWith>a</ReplaceKeyWith></Redirect>"),
                "Condition cannot be empty.",
            ),
            (
                rule("<Redirect><Protocol>ftp</Protocol></Redirect>"),
                "Invalid protocol, protocol can be http or https.",
            ),
        ];
        for (body, expected) in table {
            let found = parse(&body).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(
                found.starts_with(expected) && found.is_empty() == expected.is_empty(),
                "{body}: {found}"
            );
        }
    }

    #[test]
    fn a_website_comes_back_as_it_was_sent() {
        let sent = parse(
            "<IndexDocument><Suffix>index.html</Suffix></IndexDocument><RoutingRules><RoutingRule><Condition>\
             <KeyPrefixEquals>docs/</KeyPrefixEquals></Condition><Redirect><HttpRedirectCode>302</HttpRedirectCode>\
             <ReplaceKeyPrefixWith>d/</ReplaceKeyPrefixWith></Redirect></RoutingRule></RoutingRules>",
        );
        let sent = sent.unwrap();
        assert_eq!(decode::<WebsiteConfiguration>(&encode(&sent)).unwrap(), sent);
    }
}
