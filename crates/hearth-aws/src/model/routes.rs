//! Paths of a service's operations as a tree of segments.

use super::facts::{Facts, Protocol};

/// The tree of one service; empty where paths say nothing of operations (awsQuery, awsJson).
#[derive(Debug, Default)]
pub(crate) struct Routes {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    /// Few enough a node that a scan beats a map.
    literals: Vec<(&'static str, Node)>,
    parameter: Option<Box<Node>>,
    /// `{Key+}` takes all the rest.
    greedy: Vec<Endpoint>,
    endpoints: Vec<Endpoint>,
}

#[derive(Debug)]
struct Endpoint {
    method: &'static str,
    /// Parameters of the query that tell this operation from others with the same path.
    query: Vec<(&'static str, &'static str)>,
    operation: usize,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// To this operation, by its place among the service's operations.
    Operation(usize),
    /// The path is known, the method is not.
    OtherMethod,
}

impl Routes {
    pub(crate) fn of(facts: &Facts) -> Self {
        let mut routes = Self::default();
        if !facts.protocols.contains(&Protocol::RestJson1) {
            return routes;
        }
        for (operation, found) in facts.operations.iter().enumerate() {
            let (path, query) = found.uri.split_once('?').unwrap_or((found.uri, ""));
            let pairs = query.split('&').filter(|pair| !pair.is_empty());
            let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
            routes.root.add(path, Endpoint { method: found.method, query, operation });
        }
        routes
    }

    /// Where the path leads, with the raw (still percent-encoded) segments of its parameters in order.
    pub(crate) fn find<'p>(
        &self,
        method: &str,
        path: &'p str,
        query: &str,
        parameters: &mut Vec<&'p str>,
    ) -> Option<Found> {
        let endpoints = self.root.find(segments(path), parameters)?;
        let has = |(name, value): &(&str, &str)| query.split('&').any(|pair| is_pair(pair, name, value));
        let found = endpoints
            .iter()
            .filter(|endpoint| endpoint.method == method && endpoint.query.iter().all(has))
            .max_by_key(|endpoint| endpoint.query.len());
        Some(found.map_or(Found::OtherMethod, |endpoint| Found::Operation(endpoint.operation)))
    }
}

fn is_pair(pair: &str, name: &str, value: &str) -> bool {
    let (found, given) = pair.split_once('=').unwrap_or((pair, ""));
    found == name && given == value
}

/// A path without its first and last slash: AWS takes `/functions/` for `/functions`.
fn segments(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    Some(path.strip_suffix('/').unwrap_or(path)).filter(|path| !path.is_empty())
}

fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('/').map_or((path, None), |(segment, rest)| (segment, Some(rest)))
}

impl Node {
    fn add(&mut self, path: &'static str, endpoint: Endpoint) {
        let mut node = self;
        for segment in segments(path).into_iter().flat_map(|path| path.split('/')) {
            if segment.ends_with("+}") {
                node.greedy.push(endpoint);
                return;
            }
            node = match segment.starts_with('{') {
                true => node.parameter.get_or_insert_default(),
                false => node.literal(segment),
            };
        }
        node.endpoints.push(endpoint);
    }

    fn literal(&mut self, segment: &'static str) -> &mut Self {
        let known = self.literals.iter().position(|(literal, _)| *literal == segment);
        let at = known.unwrap_or_else(|| {
            self.literals.push((segment, Self::default()));
            self.literals.len() - 1
        });
        &mut self.literals[at].1
    }

    /// A literal wins over a parameter; where it leads nowhere, the parameter is tried.
    fn find<'p>(&self, path: Option<&'p str>, parameters: &mut Vec<&'p str>) -> Option<&[Endpoint]> {
        let Some(path) = path else {
            return Some(&self.endpoints[..]).filter(|endpoints| !endpoints.is_empty());
        };
        let (segment, rest) = split(path);
        let literal = self.literals.iter().find(|(literal, _)| *literal == segment);
        if let Some(found) = literal.and_then(|(_, node)| node.find(rest, parameters)) {
            return Some(found);
        }
        if let Some(node) = self.parameter.as_ref().filter(|_| !segment.is_empty()) {
            let before = parameters.len();
            parameters.push(segment);
            if let Some(found) = node.find(rest, parameters) {
                return Some(found);
            }
            parameters.truncate(before);
        }
        parameters.push(path);
        Some(&self.greedy[..]).filter(|greedy| !greedy.is_empty()).or_else(|| {
            parameters.pop();
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    fn lambda(method: &str, path: &str, query: &str) -> Option<(Option<&'static str>, Vec<String>)> {
        let model = Model::of("lambda").expect("in models/");
        let mut parameters = Vec::new();
        let found = model.routes().find(method, path, query, &mut parameters)?;
        let name = match found {
            Found::Operation(at) => Some(model.operations()[at].name),
            Found::OtherMethod => None,
        };
        Some((name, parameters.into_iter().map(str::to_owned).collect()))
    }

    #[test]
    fn a_path_leads_to_its_operation() {
        let check = |method: &str, target: &str, operation: &str, parameters: &[&str]| {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let (name, found) = lambda(method, path, query).expect(target);
            assert_eq!(
                (name, found),
                (Some(operation), parameters.iter().map(|text| (*text).to_owned()).collect())
            );
        };
        check("GET", "/2015-03-31/functions", "ListFunctions", &[]);
        check("GET", "/2015-03-31/functions/", "ListFunctions", &[]);
        check("POST", "/2015-03-31/functions", "CreateFunction", &[]);
        check("POST", "/2015-03-31/functions/f/invocations?Qualifier=1", "Invoke", &["f"]);
        check("GET", "/2015-03-31/functions/a%3Ab/aliases/live", "GetAlias", &["a%3Ab", "live"]);
        check("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn", &[]);
        check("GET", "/2018-10-31/layers?MaxItems=1", "ListLayers", &[]);
        check(
            "GET",
            "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1",
            "GetProvisionedConcurrencyConfig",
            &["f"],
        );
        check(
            "GET",
            "/2019-09-30/functions/f/provisioned-concurrency?List=ALL",
            "ListProvisionedConcurrencyConfigs",
            &["f"],
        );
        check(
            "GET",
            "/2019-09-25/functions/f/event-invoke-config/list",
            "ListFunctionEventInvokeConfigs",
            &["f"],
        );
    }

    #[test]
    fn a_path_that_leads_nowhere_is_told_from_a_method_that_is_not_there() {
        assert_eq!(lambda("GET", "/2015-03-31/functions//invocations", ""), None);
        assert_eq!(lambda("GET", "/", ""), None);
        assert_eq!(lambda("GET", "/2015-03-31/functions/f/invocations/x", ""), None);
        assert_eq!(lambda("PATCH", "/2015-03-31/functions/f", ""), Some((None, vec!["f".to_owned()])));
    }

    #[test]
    fn every_operation_is_reached_by_its_own_path() {
        let model = Model::of("lambda").expect("in models/");
        for operation in model.operations() {
            let (path, query) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
            let (name, _) = lambda(operation.method, path, query).expect(operation.uri);
            assert_eq!(name, Some(operation.name));
        }
    }
}
