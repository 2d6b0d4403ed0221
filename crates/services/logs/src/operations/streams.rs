//! Streams: made, listed, deleted.

use hearth_aws::shape;
use hearth_store::Order;

use super::family::{long, one_group, operation, owner, read, write};
use crate::error::LogsError;
use crate::groups;
use crate::streams::{self, Listing, Stream};

/// Streams of one page: AWS's limit and default.
const PAGE: usize = 50;

shape! {
    camelCase;
    /// A stream as it is described.
    pub(super) struct StreamShown {
        log_stream_name: String,
        creation_time: i64,
        first_event_timestamp: Option<i64>,
        last_event_timestamp: Option<i64>,
        last_ingestion_time: Option<i64>,
        upload_sequence_token: Option<String>,
        arn: String,
        stored_bytes: i64,
    }
}

operation! {
    /// A stream without events.
    CreateLogStream { log_group_name: String, log_stream_name: String } => {} |cx, input| {
        let stream = Stream::new(cx.number(), &input.log_stream_name, cx.now());
        write(cx, move |tx, owner| {
            let group = groups::get(tx, owner, &input.log_group_name)?;
            streams::insert(tx, owner, group.number, &stream)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// The stream with its events.
    DeleteLogStream { log_group_name: String, log_stream_name: String } => {} |cx, input| {
        write(cx, move |tx, owner| {
            let group = groups::get(tx, owner, &input.log_group_name)?;
            streams::delete(tx, owner, &group, &input.log_stream_name)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// By their names, or by the times of their last events.
    DescribeLogStreams {
        log_group_name: Option<String>,
        log_group_identifier: Option<String>,
        log_stream_name_prefix: Option<String>,
        order_by: Option<String>,
        descending: Option<bool>,
        next_token: Option<String>,
        limit: Option<u32>,
    } => { log_streams: Vec<StreamShown>, next_token: Option<String> } |cx, input| {
        let owner = owner(cx);
        let name = one_group(&owner, input.log_group_name, input.log_group_identifier)?;
        let by_last_event = input.order_by.as_deref() == Some("LastEventTime");
        if by_last_event && input.log_stream_name_prefix.is_some() {
            let text = "Cannot order by LastEventTime with a logStreamNamePrefix.";
            return Err(LogsError::invalid(text).into());
        }
        let after = input.next_token.as_deref().map(parse).transpose()?;
        let listing = Listing {
            prefix: input.log_stream_name_prefix.unwrap_or_default(),
            by_last_event,
            order: if input.descending == Some(true) { Order::Descending } else { Order::Ascending },
            limit: input.limit.map_or(PAGE, |limit| limit as usize),
            after,
        };
        let found = read(cx, move |tx, owner| {
            let group = groups::get(tx, owner, &name)?;
            Ok((streams::page(tx, owner, group.number, &listing)?, group))
        });
        let ((found, more), group) = found.await?;
        let next_token = found.last().filter(|_| more).map(token);
        let arn = group.arn(&owner);
        let log_streams = found.into_iter().map(|stream| StreamShown {
            creation_time: long(stream.created),
            first_event_timestamp: stream.first_event.map(long),
            last_event_timestamp: stream.last_event.map(long),
            last_ingestion_time: stream.last_ingestion.map(long),
            upload_sequence_token: stream.last_ingestion.map(|_| sequence_token(stream.next_batch)),
            arn: format!("{arn}:log-stream:{}", stream.name),
            // AWS answers zero since 2019.
            stored_bytes: 0,
            log_stream_name: stream.name,
        });
        Ok(Output { log_streams: log_streams.collect(), next_token })
    }
}

/// Nobody has to send it any more; clients of old look for it.
pub(super) fn sequence_token(next_batch: u64) -> String {
    format!("{next_batch:056}")
}

/// The last stream that was shown, by both orders.
fn token(stream: &Stream) -> String {
    format!("{}:{}", stream.last_event.unwrap_or(0), stream.name)
}

fn parse(token: &str) -> Result<(u64, String), LogsError> {
    let (last, name) = token.split_once(':').ok_or(LogsError::Token)?;
    Ok((last.parse().map_err(|_| LogsError::Token)?, name.to_owned()))
}
