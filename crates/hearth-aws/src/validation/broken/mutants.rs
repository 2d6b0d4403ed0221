//! Would the tests beside this notice? A model with one constraint changed is asked, and the unchanged one says what
//! was to be expected: every change that a request of Lambda can meet must be noticed.

use super::{answer, cases_of, expected, is_same};
use crate::model::{Facts, Kind, Location, Model, Protocol, ShapeId};

/// Changes one thing of a shape; `false` where there is nothing of the kind.
type Change = fn(&mut Kind) -> bool;

const CHANGES: &[(&str, Change)] = &[
    ("a member is not required any more", |kind| {
        let Kind::Structure(structure) = kind else { return false };
        let mut required = structure
            .members
            .iter_mut()
            .filter(|member| member.required && member.location != Location::Path);
        required.next().map(|member| member.required = false).is_some()
    }),
    ("a pattern is gone", |kind| match kind {
        Kind::String { pattern, .. } => pattern.take().is_some(),
        _ => false,
    }),
    ("an enum has one value more", |kind| match kind {
        Kind::String { values, .. } if !values.is_empty() => {
            values.push("Nothing Of It");
            true
        }
        _ => false,
    }),
    ("a maximum is one more", |kind| match kind {
        Kind::String { length, values, .. } if values.is_empty() => more(&mut length.max),
        Kind::List { length, .. } | Kind::Blob(length) => more(&mut length.max),
        Kind::Integer(range) => range.max.as_mut().map(|max| *max += 1).is_some(),
        Kind::Float(range) => range.max.as_mut().map(|max| *max += 1.0).is_some(),
        _ => false,
    }),
    ("a minimum is one less", |kind| match kind {
        Kind::String { length, values, .. } if values.is_empty() => less(&mut length.min),
        Kind::List { length, .. } | Kind::Blob(length) => less(&mut length.min),
        Kind::Integer(range) => range.min.as_mut().map(|min| *min -= 1).is_some(),
        Kind::Float(range) => range.min.as_mut().map(|min| *min -= 1.0).is_some(),
        _ => false,
    }),
];

fn more(max: &mut Option<u64>) -> bool {
    max.as_mut().filter(|max| **max < 300_000).map(|max| *max += 1).is_some()
}

fn less(min: &mut Option<u64>) -> bool {
    min.as_mut().filter(|min| **min > 0).map(|min| *min -= 1).is_some()
}

/// Minimums that no request can miss: a path has no empty part, a query no list of nothing.
const UNSEEN: &[&str] = &[
    "CallbackId",
    "DurableExecutionArn",
    "ExecutionStatusList",
    "FunctionUrlFunctionName",
    "LayerNameOrArn",
    "NamespacedStatementId",
    "TaggableResource",
    "UnqualifiedFunctionName",
];

#[test]
fn a_model_with_one_constraint_changed_is_noticed() {
    let model = Model::of("lambda").expect("in models/");
    let all = model.operations().iter().map(|operation| {
        let (_, cases) = cases_of(model, operation, Protocol::RestJson1).expect("good input");
        let expected =
            cases.iter().map(|case| expected("lambda", Protocol::RestJson1, case)).collect::<Vec<_>>();
        (operation, cases, expected, reachable(model, operation.input.into_iter().collect()))
    });
    let all: Vec<_> = all.collect();
    let reachable =
        reachable(model, model.operations().iter().filter_map(|operation| operation.input).collect());
    let (mut count, mut unnoticed) = (0, Vec::new());
    for (what, change) in CHANGES {
        for at in reachable.iter().copied() {
            let mut facts: Facts = Model::facts_of("lambda");
            if !change(&mut facts.shapes[usize::from(at.0)].kind) {
                continue;
            }
            count += 1;
            let name = facts.shapes[usize::from(at.0)].name;
            let mutant: &'static Model = Box::leak(Box::new(Model::new(facts)));
            let is_noticed = all.iter().any(|(operation, cases, expected, reached)| {
                if !reached.contains(&at) {
                    return false;
                }
                let operation = mutant.operation(operation.name).expect("the same operations");
                cases.iter().zip(expected).any(|(case, expected)| {
                    let found = answer(mutant, Protocol::RestJson1, operation, &case.input);
                    !is_same(Protocol::RestJson1, &found, expected)
                })
            });
            let is_unseen = match *what {
                "a minimum is one less" => UNSEEN.contains(&name),
                // Its pattern takes every text.
                "a pattern is gone" => name == "Pattern",
                _ => false,
            };
            if !is_noticed && !is_unseen {
                unnoticed.push((*what, name));
            }
        }
    }
    println!("{count} changed models, {} not noticed", unnoticed.len());
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
    assert!(count > 150, "{count}");
}

/// The shapes that these hold, and these.
pub(super) fn reachable(model: &Model, mut open: Vec<ShapeId>) -> Vec<ShapeId> {
    let mut found: Vec<ShapeId> = Vec::new();
    while let Some(id) = open.pop() {
        if found.contains(&id) {
            continue;
        }
        found.push(id);
        match &model.shape(id).kind {
            Kind::Structure(structure) => open.extend(structure.members.iter().map(|member| member.shape)),
            Kind::List { member, .. } => open.push(*member),
            Kind::Map { key, value, .. } => open.extend([*key, *value]),
            _ => {}
        }
    }
    found
}
