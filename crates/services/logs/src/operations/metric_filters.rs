//! Metric filters: checked, kept and shown; and a pattern can be tried.

use std::collections::BTreeMap;
use std::sync::Arc;

use hearth_aws::shape;

use super::family::{long, operation, pattern, read, write};
use crate::error::LogsError;
use crate::groups;
use crate::metric_filters::{self, MetricFilter, Transformation};
use crate::patterns::Pattern;

/// Dimensions of one metric filter: AWS's limit.
const DIMENSIONS_MAX: usize = 3;

/// Filters of one page: AWS's limit and default.
const PAGE: usize = 50;

shape! {
    camelCase;
    /// A message that matches.
    pub(super) struct MetricFilterMatchRecord {
        event_number: i64,
        event_message: String,
        extracted_values: BTreeMap<String, String>,
    }

    /// What a match publishes.
    pub(super) struct MetricTransformation {
        metric_name: String,
        metric_namespace: String,
        metric_value: String,
        default_value: Option<f64>,
        dimensions: Option<BTreeMap<String, String>>,
        unit: Option<String>,
    }

    /// A filter as it is described.
    pub(super) struct MetricFilterShown {
        filter_name: String,
        filter_pattern: String,
        metric_transformations: Vec<MetricTransformation>,
        creation_time: i64,
        log_group_name: String,
        apply_on_transformed_logs: bool,
    }
}

fn shown(filter: MetricFilter) -> MetricFilterShown {
    let Transformation { name, namespace, value, default_value, dimensions, unit } = filter.transformation;
    let transformation = MetricTransformation {
        metric_name: name,
        metric_namespace: namespace,
        metric_value: value,
        default_value,
        dimensions,
        unit,
    };
    MetricFilterShown {
        filter_name: filter.name,
        filter_pattern: filter.pattern,
        metric_transformations: vec![transformation],
        creation_time: long(filter.created),
        log_group_name: filter.group,
        apply_on_transformed_logs: false,
    }
}

operation! {
    /// Which of some messages match a pattern, and what it takes out of them.
    TestMetricFilter { filter_pattern: String, log_event_messages: Vec<String> }
    => { matches: Vec<MetricFilterMatchRecord> } |cx, input| {
        let pattern = pattern(Some(&input.filter_pattern))?;
        let numbered = (0..).zip(input.log_event_messages);
        let matching = numbered.filter(|(_, message)| pattern.matches(message));
        let matches = matching.map(|(event_number, event_message)| MetricFilterMatchRecord {
            event_number,
            extracted_values: pattern.extracted(&event_message),
            event_message,
        });
        Ok(Output { matches: matches.collect() })
    }
}

operation! {
    /// Adds a filter or changes the one of its name.
    PutMetricFilter {
        log_group_name: String,
        filter_name: String,
        filter_pattern: String,
        metric_transformations: Vec<MetricTransformation>,
        apply_on_transformed_logs: Option<bool>,
        field_selection_criteria: Option<String>,
        emit_system_field_dimensions: Option<Vec<String>>,
    } => {} |cx, input| {
        let parsed = pattern(Some(&input.filter_pattern))?;
        if input.apply_on_transformed_logs == Some(true) {
            return Err(LogsError::invalid("Hearth does not transform logs yet: applyOnTransformedLogs.").into());
        }
        let has_fields = input.emit_system_field_dimensions.is_some_and(|fields| !fields.is_empty());
        if has_fields || input.field_selection_criteria.is_some_and(|criteria| !criteria.is_empty()) {
            let text =
                "Hearth does not have system fields yet: emitSystemFieldDimensions and fieldSelectionCriteria.";
            return Err(LogsError::invalid(text).into());
        }
        let transformation = input.metric_transformations.into_iter().next();
        let transformation = transformation.ok_or_else(|| LogsError::invalid("metricTransformations is empty"))?;
        let filter = Arc::new(MetricFilter {
            transformation: checked(transformation, &parsed)?,
            group: input.log_group_name,
            name: input.filter_name,
            pattern: input.filter_pattern,
            created: cx.now(),
        });
        write(cx, move |tx, owner| {
            groups::get(tx, owner, &filter.group)?;
            metric_filters::put(tx, owner, &filter)
        })
        .await?;
        Ok(Output {})
    }
}

/// A transformation that means something. The texts are unverified, but for the one on default values.
fn checked(given: MetricTransformation, pattern: &Pattern) -> Result<Transformation, LogsError> {
    let dimensions = given.dimensions.filter(|dimensions| !dimensions.is_empty());
    let wrong = |what: &str| Err(LogsError::Invalid(format!("Invalid metric transformation: {what}")));
    if given.metric_name.is_empty() || given.metric_namespace.is_empty() {
        return wrong("metricName and metricNamespace must not be empty.");
    }
    let value = &given.metric_value;
    let is_number = value.parse::<f64>().is_ok_and(f64::is_finite);
    let has_members = matches!(pattern, Pattern::Json(_) | Pattern::Delimited(_));
    let names_one = has_members && value.len() > 1 && value.starts_with('$');
    if !is_number && !names_one {
        return wrong("metricValue must be a number, or a member or word that the pattern names.");
    }
    if let Some(dimensions) = &dimensions {
        if given.default_value.is_some() {
            return wrong("dimensions and default value are mutually exclusive properties.");
        }
        if !has_members {
            return wrong("dimensions need a pattern of members or words.");
        }
        if dimensions.len() > DIMENSIONS_MAX {
            return wrong(&format!("at most {DIMENSIONS_MAX} dimensions are allowed."));
        }
    }
    Ok(Transformation {
        name: given.metric_name,
        namespace: given.metric_namespace,
        value: given.metric_value,
        default_value: given.default_value,
        dimensions,
        unit: given.unit,
    })
}

operation! {
    /// Of a group, or of all; those of one metric. A prefix counts with a group alone.
    DescribeMetricFilters {
        log_group_name: Option<String>,
        filter_name_prefix: Option<String>,
        next_token: Option<String>,
        limit: Option<u32>,
        metric_name: Option<String>,
        metric_namespace: Option<String>,
    } => { metric_filters: Vec<MetricFilterShown>, next_token: Option<String> } |cx, input| {
        if input.metric_name.is_some() != input.metric_namespace.is_some() {
            let text = "metricName and metricNamespace must be given together.";
            return Err(LogsError::invalid(text).into());
        }
        let after = input.next_token.map(|token| match token.split_once(':') {
            Some((group, name)) => Ok((group.to_owned(), name.to_owned())),
            None => Err(LogsError::Token),
        });
        let after = after.transpose()?;
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let found = read(cx, move |tx, owner| {
            let group = input.log_group_name.as_deref();
            if let Some(name) = group {
                groups::get(tx, owner, name)?;
            }
            let prefix = input.filter_name_prefix.as_deref().filter(|_| group.is_some()).unwrap_or_default();
            let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
            metric_filters::page(tx, owner, group, after.as_ref(), limit, &|filter| {
                filter.name.starts_with(prefix)
                    && is(&input.metric_name, &filter.transformation.name)
                    && is(&input.metric_namespace, &filter.transformation.namespace)
            })
        });
        let (found, last) = found.await?;
        let next_token = last.map(|(group, name)| format!("{group}:{name}"));
        Ok(Output { metric_filters: found.into_iter().map(shown).collect(), next_token })
    }
}

operation! {
    /// One that must be there.
    DeleteMetricFilter { log_group_name: String, filter_name: String } => {} |cx, input| {
        write(cx, move |tx, owner| {
            groups::get(tx, owner, &input.log_group_name)?;
            metric_filters::delete(tx, owner, &input.log_group_name, &input.filter_name)
        })
        .await?;
        Ok(Output {})
    }
}
