use super::*;

const INVALID: Code = Code::Modelled("InvalidParameterException");

fn transformation(members: impl Into<Members>) -> Members {
    let mut all = texts([("metricName", "Errors"), ("metricNamespace", "Mine"), ("metricValue", "1")]);
    let members: Members = members.into();
    all.retain(|(name, _)| members.iter().all(|(other, _)| other != name));
    [all, members].concat()
}

fn filter(group: &str, name: &str, pattern: &str, members: impl Into<Members>) -> Members {
    let transformations = Document::List(vec![Document::Structure(transformation(members))]);
    [
        texts([("logGroupName", group), ("filterName", name), ("filterPattern", pattern)]),
        vec![("metricTransformations", transformations)],
    ]
    .concat()
}

fn map(entries: &[(&str, &str)]) -> Document {
    Document::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect())
}

#[tokio::test]
async fn a_filter_comes_back_as_it_was_put() {
    let server = Server::with_stream().await;
    let unit = [("unit", text("Count")), ("defaultValue", Document::Float(0.5))];
    server.ok("PutMetricFilter", filter("g", "f", "ERROR", unit)).await;
    server.ok("PutMetricFilter", filter("g", "plain", "{ $.a = * }", [("metricValue", text("$.a"))])).await;
    let group = texts([("logGroupName", "g")]);
    let shown = server.ok("DescribeMetricFilters", group.clone()).await;
    assert_eq!(each(&shown, "metricFilters", "filterName"), ["f", "plain"]);
    let [first, second] = &items(&shown, "metricFilters")[..] else { panic!("two") };
    assert_eq!((string(first, "filterPattern"), string(first, "logGroupName")), ("ERROR".into(), "g".into()));
    let published = &items(first, "metricTransformations")[0];
    assert_eq!(member(published, "defaultValue"), Document::Float(0.5));
    assert_eq!(string(published, "unit"), "Count");
    let published = &items(second, "metricTransformations")[0];
    assert_eq!((member(published, "unit"), member(published, "defaultValue")), Default::default(), "absent");
    let groups = server.ok("DescribeLogGroups", []).await;
    assert_eq!(integer(&items(&groups, "logGroups")[0], "metricFilterCount"), 2);

    server.ok("PutMetricFilter", filter("g", "f", "WARN", [])).await;
    server.ok("DeleteMetricFilter", texts([("logGroupName", "g"), ("filterName", "plain")])).await;
    let shown = server.ok("DescribeMetricFilters", group).await;
    assert_eq!(each(&shown, "metricFilters", "filterPattern"), ["WARN"]);
    let missing =
        server.call("DeleteMetricFilter", texts([("logGroupName", "g"), ("filterName", "x")])).await;
    is_error(missing, Code::ResourceNotFound, "The specified metric filter does not exist.");
    server.ok("DeleteLogGroup", texts([("logGroupName", "g")])).await;
    assert_eq!(server.count(&["logs/metric-filter"]).await, 0);
}

#[tokio::test]
async fn filters_are_found_by_group_prefix_and_metric_page_by_page() {
    let server = Server::with_stream().await;
    server.ok("CreateLogGroup", texts([("logGroupName", "h")])).await;
    for (group, name, metric) in [("g", "a", "One"), ("g", "ab", "Two"), ("h", "a", "One")] {
        server.ok("PutMetricFilter", filter(group, name, "", [("metricName", text(metric))])).await;
    }
    let of_metric = texts([("metricName", "One"), ("metricNamespace", "Mine")]);
    let shown = server.ok("DescribeMetricFilters", of_metric).await;
    assert_eq!(each(&shown, "metricFilters", "logGroupName"), ["g", "h"]);
    let prefixed = texts([("logGroupName", "g"), ("filterNamePrefix", "ab")]);
    assert_eq!(items(&server.ok("DescribeMetricFilters", prefixed).await, "metricFilters").len(), 1);
    let (mut found, mut token) = (Vec::new(), Document::Null);
    for _ in 0..3 {
        let page = vec![("limit", Document::Integer(1)), ("nextToken", token)];
        let page = server.ok("DescribeMetricFilters", page).await;
        found.extend(each(&page, "metricFilters", "filterName"));
        token = member(&page, "nextToken");
    }
    assert_eq!((found, token), (vec!["a".into(), "ab".into(), "a".into()], Document::Null));
    let half = server.call("DescribeMetricFilters", texts([("metricName", "One")])).await;
    assert_eq!(half.expect_err("one of two").code, INVALID);
}

#[tokio::test]
async fn what_means_nothing_is_refused() {
    let server = Server::with_stream().await;
    let refused = async |filter: Members| server.call("PutMetricFilter", filter).await;
    let dimensions = ("dimensions", map(&[("Level", "$.level")]));
    let default = ("defaultValue", Document::Float(0.0));
    let text_of_both =
        "Invalid metric transformation: dimensions and default value are mutually exclusive properties.";
    is_error(
        refused(filter("g", "f", "{ $.a = 1 }", [dimensions.clone(), default])).await,
        INVALID,
        text_of_both,
    );
    for (pattern, members) in [
        ("ERROR", vec![dimensions]),
        ("ERROR", vec![("metricValue", text("$.size"))]),
        ("", vec![("metricValue", text("many"))]),
        ("", vec![("metricValue", text("NaN"))]),
        ("{ $.a", vec![]),
        ("{ $.a = 1 }", vec![("dimensions", map(&[("a", "$.a"), ("b", "$.b"), ("c", "$.c"), ("d", "$.d")]))]),
    ] {
        let error = refused(filter("g", "f", pattern, members.clone())).await.expect_err(pattern);
        assert_eq!(error.code, INVALID, "{pattern} {members:?}");
    }
    let nowhere = refused(filter("none", "f", "", [])).await;
    is_error(nowhere, Code::ResourceNotFound, "The specified log group does not exist.");
    for number in 0..100 {
        server.ok("PutMetricFilter", filter("g", &format!("f{number}"), "", [])).await;
    }
    let limit = Code::Modelled("LimitExceededException");
    is_error(refused(filter("g", "more", "", [])).await, limit, "Resource limit exceeded.");
    server.ok("PutMetricFilter", filter("g", "f7", "changed", [])).await;
}
