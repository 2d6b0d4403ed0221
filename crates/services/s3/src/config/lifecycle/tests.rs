//! What is refused, and what rules mean.

use hearth_world::Timestamp;
use s3s::dto::{BucketLifecycleConfiguration, TransitionDefaultMinimumObjectSize};

use super::check::{check, check_minimum};
use super::rules::{Subject, abort, current, lone_marker, next_midnight, noncurrent};
use super::transitions;
use crate::config::document::{decode, encode};

fn parse(rules: &[&str]) -> BucketLifecycleConfiguration {
    let rules: String = rules.iter().map(|rule| format!("<Rule>{rule}</Rule>")).collect();
    decode(format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>").as_bytes()).unwrap()
}

fn rules(members: &[&str]) -> BucketLifecycleConfiguration {
    let rules: Vec<String> = members.iter().map(|rule| format!("<Status>Enabled</Status>{rule}")).collect();
    parse(&rules.iter().map(String::as_str).collect::<Vec<_>>())
}

fn at(text: &str) -> Timestamp {
    let time = s3s::dto::Timestamp::parse(s3s::dto::TimestampFormat::DateTime, text).unwrap();
    Timestamp::from_micros((time::OffsetDateTime::from(time).unix_timestamp_nanos() / 1_000) as i64)
}

const WEEK: &str = "<Expiration><Days>7</Days></Expiration>";
const ALL: &str = "<Filter/>";

#[test]
fn a_lifecycle_is_refused_in_s3s_words() {
    let tag = "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>";
    let two = "<Filter><Prefix>a</Prefix><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></Filter>";
    let go = |days: &str, class: &str| {
        format!("{ALL}<Transition><Days>{days}</Days><StorageClass>{class}</StorageClass></Transition>")
    };
    let malformed = "MalformedXML: The XML you provided was not well-formed or did not validate against our published schema";
    let table: Vec<(String, &str)> = vec![
        (format!("{ALL}{WEEK}"), "good"),
        (format!("<Prefix/>{WEEK}"), "good"),
        (format!("{tag}{WEEK}"), "good"),
        (WEEK.to_owned(), malformed),
        (format!("<Prefix/>{ALL}{WEEK}"), malformed),
        (format!("{two}{WEEK}"), malformed),
        (format!("<Filter><And><Prefix>a</Prefix></And></Filter>{WEEK}"), malformed),
        (format!("{ALL}<Expiration/>"), malformed),
        (format!("{ALL}<Expiration><Days>1</Days><Date>2030-01-01T00:00:00Z</Date></Expiration>"), malformed),
        (ALL.to_owned(), "InvalidRequest: At least one action needs to be specified in a rule"),
        (
            format!("{ALL}<Expiration><Days>0</Days></Expiration>"),
            "InvalidArgument: 'Days' for Expiration action must be a positive integer",
        ),
        (
            format!("{ALL}<Expiration><Date>2030-01-01T00:00:01Z</Date></Expiration>"),
            "InvalidArgument: 'Date' must be at midnight GMT",
        ),
        (
            format!(
                "{tag}<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"
            ),
            "InvalidRequest: Tag-based filter cannot be used along with ExpiredObjectDeleteMarker.",
        ),
        (
            format!(
                "{tag}<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
            ),
            "InvalidRequest: AbortIncompleteMultipartUpload cannot be specified with Tags.",
        ),
        (
            format!(
                "{ALL}<NoncurrentVersionExpiration><NoncurrentDays>0</NoncurrentDays></NoncurrentVersionExpiration>"
            ),
            "InvalidArgument: 'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
        ),
        (
            format!("{ALL}<ID>{}</ID>{WEEK}", "i".repeat(256)),
            "InvalidArgument: ID length should not exceed allowed limit of 255",
        ),
        (go("60", "GLACIER"), "NotImplemented: Archives are not built"),
        (go("60", "STANDARD"), malformed),
        (go("60", "STANDARD_IA"), "good"),
        (
            go("29", "STANDARD_IA"),
            "InvalidArgument: 'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'",
        ),
        (go("0", "INTELLIGENT_TIERING"), "good"),
        (
            format!("{}{WEEK}", go("7", "INTELLIGENT_TIERING")),
            "InvalidArgument: 'Days' in the Expiration action for filter '(prefix=)' must be greater than",
        ),
    ];
    for (rule, expected) in table {
        let checked = check(rules(&[&rule]), || "made".to_owned());
        let found = checked.map_or_else(|error| format!("{}: {error}", error.code()), |_| "good".to_owned());
        assert!(found.starts_with(expected), "{rule}: {found}");
    }
}

#[test]
fn rules_have_a_status_and_ids_of_their_own_and_are_1000_at_most() {
    assert!(
        check(parse(&["<Status>On</Status><Filter/><Expiration><Days>1</Days></Expiration>"]), String::new)
            .is_err()
    );
    let twice =
        check(rules(&[&format!("<ID>a</ID>{ALL}{WEEK}"), &format!("<ID>a</ID>{ALL}{WEEK}")]), String::new);
    assert_eq!(
        twice.unwrap_err().to_string(),
        "Rule ID must be unique. Found same ID for more than one rule"
    );
    let many = vec![parse(&[&format!("<Status>Enabled</Status>{ALL}{WEEK}")]).rules[0].clone(); 1_001];
    assert!(check(BucketLifecycleConfiguration { rules: many }, String::new).is_err());
}

#[test]
fn a_rule_without_an_id_gets_one_and_the_rest_comes_back_as_it_was_sent() {
    let mut count = 0;
    let sent =
        rules(&[&format!("{ALL}{WEEK}"), &format!("<ID>mine</ID>{ALL}{WEEK}"), &format!("{ALL}{WEEK}")]);
    let kept = check(sent, || {
        count += 1;
        format!("id-{count}")
    });
    let kept: BucketLifecycleConfiguration = decode(&encode(&kept.unwrap())).unwrap();
    let ids: Vec<_> = kept.rules.iter().filter_map(|rule| rule.id.as_deref()).collect();
    assert_eq!(ids, ["id-1", "mine", "id-2"]);
    assert!(kept.rules.iter().all(|rule| rule.filter.is_some() && rule.prefix.is_none()));
}

#[test]
fn the_smallest_size_of_transitions_is_one_of_two() {
    let of = |text: &'static str| check_minimum(Some(&TransitionDefaultMinimumObjectSize::from_static(text)));
    assert_eq!(check_minimum(None).unwrap(), "all_storage_classes_128K");
    assert_eq!(of("varies_by_storage_class").unwrap(), "varies_by_storage_class");
    assert!(of("none").is_err());
}

#[test]
fn days_end_at_the_next_midnight_in_utc() {
    for (time, expected) in [
        ("2014-01-15T10:30:00Z", "2014-01-16T00:00:00Z"),
        ("2014-01-15T00:00:00Z", "2014-01-15T00:00:00Z"),
        ("2014-02-28T23:59:59Z", "2014-03-01T00:00:00Z"),
    ] {
        assert_eq!(next_midnight(at(time)), at(expected), "{time}");
    }
    let config = rules(&[&format!("<ID>three days</ID>{ALL}<Expiration><Days>3</Days></Expiration>")]);
    let subject = Subject { key: "a", size: 1, tags: &[] };
    let going = current(&config, &subject, at("2014-01-15T10:30:00Z")).unwrap();
    assert_eq!(going.at, at("2014-01-19T00:00:00Z"));
    let header = "expiry-date=\"Sun, 19 Jan 2014 00:00:00 GMT\", rule-id=\"three%20days\"";
    assert_eq!(going.header(), header);
}

#[test]
fn a_rule_applies_to_what_its_filter_names() {
    let tagged = [("color".to_owned(), "red".to_owned()), ("size".to_owned(), "s".to_owned())];
    let and = "<Filter><And><Prefix>logs/</Prefix><Tag><Key>color</Key><Value>red</Value></Tag>\
        <ObjectSizeGreaterThan>10</ObjectSizeGreaterThan><ObjectSizeLessThan>20</ObjectSizeLessThan></And></Filter>";
    let table: [(&str, &str, u64, bool); 12] = [
        (ALL, "any", 0, true),
        ("<Prefix/>", "any", 0, true),
        ("<Prefix>logs/</Prefix>", "logs/a", 0, true),
        ("<Prefix>logs/</Prefix>", "log", 0, false),
        ("<Filter><Prefix>logs/</Prefix></Filter>", "logs/a", 0, true),
        ("<Filter><Tag><Key>color</Key><Value>red</Value></Tag></Filter>", "a", 0, true),
        ("<Filter><Tag><Key>color</Key><Value>blue</Value></Tag></Filter>", "a", 0, false),
        ("<Filter><ObjectSizeLessThan>5</ObjectSizeLessThan></Filter>", "a", 5, false),
        ("<Filter><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></Filter>", "a", 6, true),
        (and, "logs/a", 15, true),
        (and, "logs/a", 20, false),
        (and, "a", 15, false),
    ];
    for (filter, key, size, expected) in table {
        let config = rules(&[&format!("{filter}{WEEK}")]);
        let subject = Subject { key, size, tags: &tagged };
        assert_eq!(
            current(&config, &subject, at("2020-01-01T00:00:00Z")).is_some(),
            expected,
            "{filter} {key} {size}"
        );
    }
    let off = parse(&[&format!("<Status>Disabled</Status>{ALL}{WEEK}")]);
    let subject = Subject { key: "a", size: 0, tags: &[] };
    assert_eq!(current(&off, &subject, at("2020-01-01T00:00:00Z")), None);
}

#[test]
fn the_soonest_rule_wins_and_a_date_is_itself() {
    let config = rules(&[
        &format!("<ID>late</ID>{ALL}{WEEK}"),
        &format!("<ID>date</ID>{ALL}<Expiration><Date>2020-01-03T00:00:00Z</Date></Expiration>"),
    ]);
    let subject = Subject { key: "a", size: 0, tags: &[] };
    let going = current(&config, &subject, at("2020-01-01T12:00:00Z")).unwrap();
    assert_eq!((going.rule, going.at), ("date", at("2020-01-03T00:00:00Z")));
}

#[test]
fn former_versions_go_but_for_the_newest_that_a_rule_keeps() {
    let config = rules(&[&format!(
        "{ALL}<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>\
         <NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>"
    )]);
    let subject = Subject { key: "a", size: 0, tags: &[] };
    let replaced = at("2020-01-01T12:00:00Z");
    let goes = |newer| noncurrent(&config, &subject, replaced, newer).map(|going| going.at);
    assert_eq!([goes(0), goes(1)], [None, None]);
    assert_eq!(goes(2), Some(at("2020-01-03T00:00:00Z")));
    assert_eq!(current(&config, &subject, replaced), None);
}

#[test]
fn markers_and_uploads_that_nobody_needs_go() {
    let config = rules(&[
        "<Filter><Prefix>m/</Prefix></Filter><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>",
        &format!("<Filter><Prefix>d/</Prefix></Filter>{WEEK}"),
        "<ID>u</ID><Filter><Prefix>u/</Prefix></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>",
    ]);
    let made = at("2020-01-01T12:00:00Z");
    let goes = |key: &str, now: &str| lone_marker(&config, key, made, at(now));
    assert!(goes("m/a", "2020-01-01T12:00:01Z") && !goes("x/a", "2030-01-01T00:00:00Z"));
    assert!(!goes("d/a", "2020-01-08T12:00:00Z") && goes("d/a", "2020-01-09T00:00:00Z"));
    let aborted = abort(&config, "u/a", made).unwrap();
    assert_eq!((aborted.rule, aborted.at), ("u", at("2020-01-04T00:00:00Z")));
    assert_eq!(abort(&config, "a", made), None);
}

#[test]
fn objects_go_to_later_classes_and_small_ones_stay() {
    let go = |days: &str, class: &str| {
        format!("<Transition><Days>{days}</Days><StorageClass>{class}</StorageClass></Transition>")
    };
    let all = format!("{ALL}{}{}", go("30", "STANDARD_IA"), go("60", "GLACIER_IR"));
    let sized = format!(
        "<Filter><ObjectSizeGreaterThan>10</ObjectSizeGreaterThan></Filter>{}",
        go("30", "STANDARD_IA")
    );
    let modified = at("2020-01-01T00:00:00Z");
    let class = |rule: &str, size: u64, class: &str, now: &str| {
        let config = rules(&[rule]);
        let subject = Subject { key: "a", size, tags: &[] };
        transitions::current(&config, &subject, class, modified, at(now)).map(str::to_owned)
    };
    let large = 128 * 1_024;
    assert_eq!(class(&all, large, "STANDARD", "2020-01-30T00:00:00Z"), None);
    assert_eq!(class(&all, large, "STANDARD", "2020-01-31T00:00:00Z").as_deref(), Some("STANDARD_IA"));
    assert_eq!(class(&all, large, "STANDARD_IA", "2020-01-31T00:00:00Z"), None);
    assert_eq!(class(&all, large, "STANDARD_IA", "2020-03-01T00:00:00Z").as_deref(), Some("GLACIER_IR"));
    assert_eq!(class(&all, large - 1, "STANDARD", "2020-03-01T00:00:00Z"), None);
    assert_eq!(class(&sized, 11, "STANDARD", "2020-03-01T00:00:00Z").as_deref(), Some("STANDARD_IA"));
    let former = rules(&[&format!(
        "{ALL}<NoncurrentVersionTransition><NoncurrentDays>30</NoncurrentDays><StorageClass>ONEZONE_IA</StorageClass>\
         <NewerNoncurrentVersions>1</NewerNoncurrentVersions></NoncurrentVersionTransition>"
    )]);
    let subject = Subject { key: "a", size: large, tags: &[] };
    let goes = |newer| {
        transitions::noncurrent(&former, &subject, "STANDARD", (modified, newer), at("2021-01-01T00:00:00Z"))
    };
    assert_eq!([goes(0), goes(1)], [None, Some("ONEZONE_IA")]);
}
