//! Policies that are refused, that are public, that allow.

use super::*;

/// A policy of one statement for bucket `b`, with these members beside its effect.
fn policy(effect: &str, members: &str) -> Vec<u8> {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}",{members}}}]}}"#).into_bytes()
}

const READ: &str = r#""Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#;

#[test]
fn a_policy_is_refused_in_s3s_words() {
    let json = "Policies must be valid JSON and the first byte must be '{'";
    let of = |members: &str| policy("Allow", members);
    let table: Vec<(Vec<u8>, &str)> = vec![
        (of(READ), ""),
        (
            of(
                r#""Principal":{"AWS":["*","000000000000","arn:aws:iam::000000000000:root"]},"Action":["s3:*","s3:Get*"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]"#,
            ),
            "",
        ),
        (
            of(
                r#""Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/logs/*","Condition":{"StringEquals":{"aws:SourceAccount":"1"}}"#,
            ),
            "",
        ),
        (of(r#""Principal":"*","NotAction":"s3:DeleteObject","NotResource":"arn:aws:s3:::b/a""#), ""),
        (Vec::new(), json),
        (b"invalid".to_vec(), json),
        (b"[]".to_vec(), json),
        (b" {}".to_vec(), json),
        ("{\"a\":".repeat(5_000).into_bytes(), "Policies cannot be larger"),
        ("{\"a\":".repeat(500).into_bytes(), json),
        (b"{}".to_vec(), "Missing required field Statement"),
        (br#"{"Statement":[]}"#.to_vec(), "Could not parse the policy: Statement is empty!"),
        (br#"{"Statement":[],"Extra":1}"#.to_vec(), "Invalid policy syntax."),
        (br#"{"Version":"2020","Statement":[]}"#.to_vec(), "The policy must contain a valid version string"),
        (of(r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#), "Missing required field Principal"),
        (
            of(r#""Principal":"me","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#),
            "Invalid principal in policy",
        ),
        (
            of(r#""Principal":{"AWS":"me"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#),
            "Invalid principal in policy",
        ),
        (of(r#""Principal":"*","Resource":"arn:aws:s3:::b/*""#), "Missing required field Action"),
        (
            of(r#""Principal":"*","Action":"sqs:Send","Resource":"arn:aws:s3:::b/*""#),
            "Policy has invalid action",
        ),
        (of(r#""Principal":"*","Action":"s3:GetObject""#), "Missing required field Resource"),
        (
            of(r#""Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*""#),
            "Policy has invalid resource",
        ),
        (
            of(r#""Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bb/*""#),
            "Policy has invalid resource",
        ),
        (
            of(r#""Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b""#),
            "Action does not apply to any resource(s) in statement",
        ),
        (
            of(r#""Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b/*""#),
            "Action does not apply to any resource(s) in statement",
        ),
        (of(&format!(r#"{READ},"Condition":{{"Bool":true}}"#)), "Policy has an invalid condition"),
        (of(&format!(r#"{READ},"Extra":1"#)), "Invalid policy syntax."),
        (policy("Maybe", READ), "Invalid effect in policy"),
    ];
    for (document, expected) in table {
        let found = check("b", &document).map_or_else(|error| error.to_string(), |()| String::new());
        let text = String::from_utf8_lossy(&document).chars().take(200).collect::<String>();
        assert!(found.starts_with(expected) && found.is_empty() == expected.is_empty(), "{text}: {found}");
    }
}

#[test]
fn a_policy_is_public_when_it_lets_everybody_do_something() {
    let with = |condition: &str| policy("Allow", &format!(r#"{READ},"Condition":{condition}"#));
    let table = [
        (policy("Allow", READ), true),
        (policy("Deny", READ), false),
        (policy("Allow", &READ.replace(r#""*","Action"#, r#"{"AWS":"*"},"Action"#)), true),
        (policy("Allow", &READ.replace(r#""*","Action"#, r#"{"AWS":"000000000000"},"Action"#)), false),
        (with(r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#), false),
        (with(r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#), true),
        (with(r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#), true),
        (with(r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#), true),
        (with(r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#), false),
        (with(r#"{"StringLike":{"aws:Referer":"https://a.com"}}"#), true),
    ];
    for (document, expected) in table {
        assert!(check("b", &document).is_ok());
        assert_eq!(is_public(&document), expected, "{}", String::from_utf8_lossy(&document));
    }
}

#[test]
fn a_request_without_a_signature_is_allowed_by_a_statement_for_everybody_alone() {
    use Decision::*;
    let object = "arn:aws:s3:::b/a/b c";
    let both = format!(
        r#"{{"Statement":[{{"Effect":"Allow",{READ}}},{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/secret/*"}}]}}"#
    );
    let conditional =
        policy("Allow", &format!(r#"{READ},"Condition":{{"Bool":{{"aws:SecureTransport":"true"}}}}"#));
    let refusing =
        policy("Deny", &format!(r#"{READ},"Condition":{{"Bool":{{"aws:SecureTransport":"true"}}}}"#));
    let named = policy("Allow", &READ.replace(r#""*","Action"#, r#"{"AWS":"000000000000"},"Action"#));
    let table = [
        (policy("Allow", READ), "s3:GetObject", object, Allow),
        (policy("Allow", READ), "s3:getobject", object, Allow),
        (policy("Allow", READ), "s3:PutObject", object, Silent),
        (policy("Allow", READ), "s3:GetObject", "arn:aws:s3:::c/a", Silent),
        (both.clone().into_bytes(), "s3:GetObject", object, Allow),
        (both.into_bytes(), "s3:GetObject", "arn:aws:s3:::b/secret/a", Deny),
        (conditional, "s3:GetObject", object, Silent),
        (refusing, "s3:GetObject", object, Deny),
        (named, "s3:GetObject", object, Silent),
        (
            policy(
                "Allow",
                r#""NotPrincipal":{"AWS":"000000000000"},"NotAction":"s3:PutObject","NotResource":"arn:aws:s3:::b/x""#,
            ),
            "s3:GetObject",
            object,
            Allow,
        ),
    ];
    for (document, action, resource, expected) in table {
        assert_eq!(
            anybody(&document, action, resource),
            expected,
            "{action} {}",
            String::from_utf8_lossy(&document)
        );
    }
}

#[test]
fn patterns_fit_whole_texts() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("a*c", "abbc", true),
        ("a*c", "abcd", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*/*.jpg", "a/b/c.jpg", true),
        ("**a", "bba", true),
        ("é?", "éü", true),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
    assert!(!fits(&"*a".repeat(200), &"a".repeat(199)));
}
