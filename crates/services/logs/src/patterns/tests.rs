//! The language by tables: AWS's documented examples, and what surrounds them.

use super::*;

#[track_caller]
fn check(pattern: &str, matching: &[&str], others: &[&str]) {
    let read = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    for message in matching {
        assert!(read.matches(message), "{pattern} does not match {message}");
    }
    for message in others {
        assert!(!read.matches(message), "{pattern} matches {message}");
    }
}

#[track_caller]
fn refused(patterns: &[&str]) {
    for pattern in patterns {
        assert!(Pattern::parse(pattern).is_err(), "{pattern} is read");
    }
}

const BAD: &str = "[ERROR 400] BAD REQUEST";
const DENIED: &str = "[ERROR 401] UNAUTHORIZED REQUEST";
const MISSING: &str = "[ERROR 419] MISSING ARGUMENTS";
const INVALID: &str = "[ERROR 420] INVALID ARGUMENTS";
const WARNED: &str = "[WARN 300] SLOW";

#[test]
fn an_empty_pattern_matches_everything() {
    for pattern in ["", " ", "\"\"", "\" \""] {
        check(pattern, &["a b"], &[]);
    }
}

#[test]
fn all_terms_must_be_there_and_none_of_the_excluded() {
    check("ERROR", &[BAD, DENIED, MISSING], &[WARNED, "error"]);
    check("ERROR ARGUMENTS", &[MISSING, INVALID], &[BAD, "ARGUMENTS"]);
    check("ERROR -ARGUMENTS", &[BAD, DENIED], &[MISSING, INVALID, WARNED]);
    check("-ERROR", &[WARNED], &[BAD]);
    check("\"INTERNAL SERVER ERROR\"", &["[ERROR 500] INTERNAL SERVER ERROR"], &["SERVER INTERNAL ERROR"]);
    check(r#""say \"hi\"""#, &[r#"to say "hi" now"#], &["say hi"]);
    check("-\"a b\"", &["a  b"], &["x a b x"]);
}

#[test]
fn one_optional_term_is_enough_and_beside_others_they_are_ignored() {
    check("?ERROR ?WARN", &[BAD, WARNED], &["INFO"]);
    check("?\"BAD REQUEST\" ?SLOW", &[BAD, WARNED], &[DENIED]);
    check("?WARN REQUEST", &[BAD, DENIED], &[WARNED]);
}

#[test]
fn a_regular_expression_stands_between_percent_signs() {
    check("%AUTHORIZED%", &[DENIED, "[SUCCESS 200] AUTHORIZED REQUEST"], &[BAD]);
    check("%4[0-9]{2}%", &[BAD, DENIED], &[WARNED]);
}

#[test]
fn what_is_no_pattern_is_refused() {
    refused(&["a.b", "\"open", "%open", "-", "?", "{ $.a", "[a", "%a!%", "%(a)%", r"%\1%", "%é%", "%[%"]);
    refused(&["{ }", "{ a = 1 }", "{ $ = 1 }", "{ $.a }", "{ $.a = }", "{ $.a == 1 x }", "{ $.a EXISTS }"]);
    refused(&["{ ($.a = 1 }", "{ $.a > \"x\" }", "{ $.a[x] = 1 }", "{ $.*.* = 1 }", "{ $.a = 1 && }"]);
    refused(&["{ $.a = %a% || $.b = %b% || $.c = %c% }", "[..., a, ...]", "[a = 1 && b = 2]", "[(a = 1]"]);
    refused(&[&format!("{{ {}$.a = 1{} }}", "(".repeat(100), ")".repeat(100))]);
}

const EVENT: &str = r#"{
    "eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": null, "cluster.name": "c", "ThisFlag": true, "latency": 50, "small": 0.001, "code": "400",
    "user": {"id": 1, "email": "John.Stiles@example.com"}, "under_score": "x", "with-hyphen": "y", "": 1
}"#;

#[test]
fn a_member_is_compared_with_a_text_in_which_stars_stand_for_anything() {
    check(
        r#"{ $.eventType = "UpdateTrail" }"#,
        &[EVENT],
        &["{}", "UpdateTrail", "", "[1]", "{\"eventType\":"],
    );
    for holds in [
        "{ $.eventType = UpdateTrail }",
        "{ $.eventType = *Trail }",
        "{ $.eventType = \"Update*\" }",
        "{ $.eventType = U*T*l }",
        "{ $.eventType = \"*\" }",
        "{ $.latency = \"*\" }",
        "{ $.user = * }",
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.sourceIPAddress = 111.111.* }",
        "{ $.arrayKey[0] = \"value\" }",
        "{ $.arrayKey[*] = \"another value\" }",
        "{ $.objectList[1].id = 2 }",
        "{ $.objectList[*].name = b }",
        "{ $.user.* = John* }",
        "{ $.eventType = %Trail% }",
        "{ $.eventType != %Create% }",
        "{ $.['cluster.name'] = \"c\" }",
        "{ $['cluster.name'] = c }",
        "{ $.under_score = x && $.with-hyphen = y }",
        "{$.latency=50&&$.small=1e-3}",
        "{ $.latency >= 50 && $.latency <= 5e1 && $.latency > 49.9 && $.latency < 51 }",
        "{ $.latency != 51 }",
        "{ $.code = 400 }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.ThisFlag IS TRUE }",
        "{ $.ThisFlag is true }",
        "{ ($.user.id = 1) && ($.user.email = \"John.Stiles@example.com\") }",
        "{ $.user.id = 2 || $.eventType = UpdateTrail && $.latency = 50 }",
        "{ ($.user.id = 1 || $.user.id = 2) && $.ThisFlag IS TRUE }",
    ] {
        check(holds, &[EVENT], &["no JSON", "7"]);
    }
    for fails in [
        "{ $.eventType = updatetrail }",
        "{ $.eventType = Update }",
        "{ $.eventType = U*x*l }",
        "{ $.eventType = Trail*UpdateTrail }",
        "{ $.missing != 1 }",
        "{ $.arrayKey = value }",
        "{ $.arrayKey[2] = value }",
        "{ $.user = 1 }",
        "{ $.latency IS NULL }",
        "{ $.missing IS NULL }",
        "{ $.SomeObject NOT EXISTS }",
        "{ $.ThisFlag IS FALSE }",
        "{ $.eventType > 1 }",
        "{ $.user.id = 2 && ($.user.id = 1 || $.latency = 50) }",
    ] {
        check(fails, &[], &[EVENT]);
    }
}

const LINE: &str = r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;

#[test]
fn words_are_compared_one_by_one_and_an_ellipsis_stands_for_any_number_of_them() {
    for holds in [
        "[]",
        "[ip, user, username, timestamp, request, status_code, bytes]",
        "[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]",
        "[ip, user, username, timestamp, request, status_code = 404, bytes > 1000]",
        "[ip, ..., status_code = 404 || status_code = 410, bytes]",
        "[ip!=10.0.0.1&&ip!=10.0.0.2, ...]",
        "[..., bytes >= 1534]",
        "[ip = %127\\.0\\.0\\.[1-9]%, ...]",
        "[ip, user, username, timestamp=\"10/Oct/2000:13:25:15 -0700\", ...]",
        "[(ip = 1* || ip = 2*), ...]",
        "[, , name = frank, ...]",
    ] {
        check(holds, &[LINE], &[]);
    }
    for fails in [
        "[ip, user]",
        "[a, b, c, d, e, f, g, h]",
        "[a, b, c, d, e, f, g, ..., h]",
        "[ip, ..., status_code = 5*, bytes]",
        "[..., bytes < 1000]",
        "[ip = 127.0.0.1 && ip != 127*, ...]",
    ] {
        check(fails, &[], &[LINE]);
    }
    check("[w1=ERROR, w2]", &["ERROR here"], &["INFO here", "ERROR"]);
    check("[a, b]", &["\"not closed", "[x] y"], &["[x y]", ""]);
}

#[test]
fn what_was_named_is_taken_out() {
    let extracted = |pattern: &str, message: &str| {
        let taken = Pattern::parse(pattern).expect("a pattern").extracted(message);
        taken.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(extracted("[..., size]", "a \"b c\" 1534"), "$1=a $2=b c $size=1534");
    assert_eq!(extracted("[]", "x y"), "$1=x $2=y");
    assert_eq!(extracted("[ip, ..., size]", "a b c"), "$2=b $ip=a $size=c");
    assert_eq!(
        extracted("{ $.eventType = \"*\" && $.user.id = 1 }", EVENT),
        "$.eventType=UpdateTrail $.user.id=1"
    );
    assert_eq!(extracted("ERROR", BAD), "");
}

#[test]
fn hostile_patterns_and_messages_take_no_time() {
    let stars = format!("{{ $.a = \"{}b\" }}", "*a".repeat(400));
    let message = format!(r#"{{"a":"{}"}}"#, "a".repeat(200_000));
    check(&stars, &[], &[&message]);
    check("%a*a*a*a*a*a*a*a*a*b%", &[], &[&message]);
    check("%a{1000}{1000}{1000}%", &[], &["a"]);
    check("{ $.a = 1 }", &[], &[&"[".repeat(200_000)]);
    check("[a, ...]", &["\u{2028}x \u{e9}\"", "é"], &[]);
}
