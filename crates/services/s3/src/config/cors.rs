//! CORS: which web pages may talk to a bucket. Checked when it is put, and acted on: a preflight is answered by it,
//! and answers to pages carry its headers.
//!
//! Texts and shapes as recorded from S3.

use s3s::dto::{CORSConfiguration, CORSRule};

use super::error::ConfigError;

/// Rules of one configuration, by S3's reference.
const RULES_MAX: usize = 100;

/// Characters of a rule's id, by S3's reference.
const ID_CHARACTERS_MAX: usize = 255;

/// Methods that a rule may name.
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// What every answer to a page depends on.
pub(crate) const VARY: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/// What a page asks for: the headers as it named them, if it did.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) origin: &'a str,
    pub(crate) method: &'a str,
    pub(crate) headers: Option<&'a str>,
}

/// What a page may do: the headers of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// Names and values, without `Vary`.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// Refuses what S3 refuses.
pub(crate) fn check(config: &CORSConfiguration) -> Result<(), ConfigError> {
    if config.cors_rules.is_empty() || config.cors_rules.len() > RULES_MAX {
        return Err(ConfigError::MalformedXml);
    }
    config.cors_rules.iter().try_for_each(check_rule)
}

fn check_rule(rule: &CORSRule) -> Result<(), ConfigError> {
    let too_long = rule.id.as_ref().is_some_and(|id| id.chars().count() > ID_CHARACTERS_MAX);
    if too_long || rule.max_age_seconds.is_some_and(|seconds| seconds < 0) {
        return Err(ConfigError::MalformedXml);
    }
    for method in &rule.allowed_methods {
        if !METHODS.contains(&method.as_str()) {
            return Err(ConfigError::request(format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )));
        }
    }
    one_wildcard("AllowedOrigin", &rule.allowed_origins)?;
    one_wildcard("AllowedHeader", rule.allowed_headers.as_deref().unwrap_or_default())?;
    match rule.expose_headers.iter().flatten().find(|header| header.contains('*')) {
        None => Ok(()),
        Some(header) => Err(ConfigError::request(format!(
            "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
        ))),
    }
}

fn one_wildcard(what: &str, patterns: &[String]) -> Result<(), ConfigError> {
    match patterns.iter().find(|pattern| pattern.matches('*').count() > 1) {
        None => Ok(()),
        Some(pattern) => {
            Err(ConfigError::request(format!("{what} \"{pattern}\" can not have more than one wildcard.")))
        }
    }
}

/// What the first rule that fits allows; `None` when none does.
pub(crate) fn allow(config: &CORSConfiguration, asked: &Asked<'_>) -> Option<Allowed> {
    let names: Vec<String> = asked.headers.map(names).unwrap_or_default();
    config.cors_rules.iter().find_map(|rule| allow_by(rule, asked, &names))
}

fn names(headers: &str) -> Vec<String> {
    let names = headers.split(',').map(|name| name.trim().to_ascii_lowercase());
    names.filter(|name| !name.is_empty()).collect()
}

fn allow_by(rule: &CORSRule, asked: &Asked<'_>, names: &[String]) -> Option<Allowed> {
    let origin = rule.allowed_origins.iter().find(|pattern| fits(pattern, asked.origin))?;
    if !rule.allowed_methods.iter().any(|method| method == asked.method) {
        return None;
    }
    let allowed = rule.allowed_headers.as_deref().unwrap_or_default();
    let is_allowed = |name: &String| allowed.iter().any(|one| fits(&one.to_ascii_lowercase(), name));
    if !names.iter().all(is_allowed) {
        return None;
    }
    // A rule for every origin answers with the star, and a page may not send its cookies then.
    let any = origin == "*";
    let shown = if any { "*" } else { asked.origin };
    let mut headers = vec![("access-control-allow-origin", shown.to_owned())];
    headers.push(("access-control-allow-methods", rule.allowed_methods.join(", ")));
    if !names.is_empty() {
        headers.push(("access-control-allow-headers", names.join(", ")));
    }
    if let Some(exposed) = rule.expose_headers.as_deref().filter(|exposed| !exposed.is_empty()) {
        headers.push(("access-control-expose-headers", exposed.join(", ")));
    }
    if let Some(seconds) = rule.max_age_seconds {
        headers.push(("access-control-max-age", seconds.to_string()));
    }
    if !any {
        headers.push(("access-control-allow-credentials", "true".to_owned()));
    }
    Some(Allowed { headers })
}

/// Whether a pattern with at most one `*` fits.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((front, back)) => {
            text.len() >= front.len() + back.len() && text.starts_with(front) && text.ends_with(back)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::{decode, encode};

    fn rules(rules: &str) -> CORSConfiguration {
        decode(format!("<CORSConfiguration>{rules}</CORSConfiguration>").as_bytes()).unwrap()
    }

    fn rule(members: &str) -> CORSConfiguration {
        rules(&format!("<CORSRule>{members}</CORSRule>"))
    }

    const PAGE: &str = "<AllowedOrigin>https://localhost:4200</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
        <AllowedMethod>PUT</AllowedMethod><MaxAgeSeconds>3000</MaxAgeSeconds>";

    fn answer(config: &CORSConfiguration, origin: &str, method: &str, headers: Option<&str>) -> String {
        let allowed = allow(config, &Asked { origin, method, headers });
        let show = |allowed: Allowed| {
            let name = |name: &str| name.trim_start_matches("access-control-").to_owned();
            let lines: Vec<String> =
                allowed.headers.iter().map(|(key, value)| format!("{}={value}", name(key))).collect();
            lines.join("; ")
        };
        allowed.map_or_else(|| "refused".to_owned(), show)
    }

    #[test]
    fn a_page_is_answered_by_the_first_rule_that_fits_as_s3_does() {
        let page = rule(PAGE);
        let star = rule("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>");
        let partial =
            rule("<AllowedOrigin>http://*.origin.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod>");
        let headers = rule(
            "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader>\
             <AllowedHeader>x-AMZ-server-SIDE</AllowedHeader><ExposeHeader>x-amz-id-2</ExposeHeader><ExposeHeader>etag</ExposeHeader>",
        );
        let both = rules(&format!(
            "<CORSRule><AllowedOrigin>https://a.com</AllowedOrigin><AllowedMethod>PUT</AllowedMethod></CORSRule>\
             <CORSRule>{PAGE}</CORSRule>"
        ));
        let whole = "allow-origin=https://localhost:4200; allow-methods=GET, PUT; max-age=3000; allow-credentials=true";
        let table: [(&CORSConfiguration, &str, &str, Option<&str>, &str); 14] = [
            (&page, "https://localhost:4200", "GET", None, whole),
            (&page, "https://localhost:4200", "PUT", Some(""), whole),
            (&page, "https://localhost:4201", "GET", None, "refused"),
            (&page, "https://localhost:4200", "DELETE", None, "refused"),
            (&page, "https://localhost:4200", "GET", Some("x-amz-acl"), "refused"),
            (&star, "https://anything", "GET", None, "allow-origin=*; allow-methods=GET"),
            (&star, "null", "GET", None, "allow-origin=*; allow-methods=GET"),
            (
                &partial,
                "http://test.origin.com",
                "GET",
                None,
                "allow-origin=http://test.origin.com; allow-methods=GET; allow-credentials=true",
            ),
            (&partial, "https://test.origin.com", "GET", None, "refused"),
            (&partial, "http://.origin.co", "GET", None, "refused"),
            (
                &headers,
                "a",
                "GET",
                Some("X-Amz-Date, x-amz-SERVER-side"),
                "allow-origin=*; allow-methods=GET; allow-headers=x-amz-date, x-amz-server-side; \
                 expose-headers=x-amz-id-2, etag",
            ),
            (&headers, "a", "GET", Some("x-amz-date,authorization"), "refused"),
            (&both, "https://localhost:4200", "PUT", None, whole),
            (&both, "https://a.com", "GET", None, "refused"),
        ];
        for (config, origin, method, asked, expected) in table {
            assert_eq!(answer(config, origin, method, asked), expected, "{origin} {method} {asked:?}");
        }
    }

    #[test]
    fn a_configuration_is_refused_in_s3s_words() {
        let check =
            |members: &str| check(&rule(members)).map_or_else(|error| error.to_string(), |()| String::new());
        let good = "<AllowedOrigin></AllowedOrigin><AllowedMethod>GET</AllowedMethod>";
        assert_eq!(check(good), "");
        assert_eq!(
            check("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>MYMETHOD</AllowedMethod>"),
            "Found unsupported HTTP method in CORS config. Unsupported method is MYMETHOD"
        );
        assert_eq!(
            check("<AllowedOrigin>*.*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"),
            "AllowedOrigin \"*.*\" can not have more than one wildcard."
        );
        assert_eq!(
            check(&format!("{good}<AllowedHeader>*-*</AllowedHeader>")),
            "AllowedHeader \"*-*\" can not have more than one wildcard."
        );
        assert!(
            check(&format!("{good}<ExposeHeader>*</ExposeHeader>"))
                .starts_with("ExposeHeader \"*\" contains")
        );
        let empty = CORSConfiguration { cors_rules: Vec::new() };
        assert_eq!(super::check(&empty), Err(ConfigError::MalformedXml));
        let many = CORSConfiguration { cors_rules: vec![rule(good).cors_rules[0].clone(); RULES_MAX + 1] };
        assert_eq!(super::check(&many), Err(ConfigError::MalformedXml));
        for broken in
            ["", "<A/>", "<CORSConfiguration><CORSRule/></CORSConfiguration>", "<CORSConfiguration>"]
        {
            assert!(decode::<CORSConfiguration>(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn what_is_kept_comes_back() {
        let config = rule(&format!("{PAGE}<ID>a &amp; b</ID><AllowedHeader>*</AllowedHeader>"));
        assert_eq!(decode::<CORSConfiguration>(&encode(&config)).unwrap(), config);
    }
}
