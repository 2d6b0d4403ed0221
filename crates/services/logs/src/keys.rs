//! Where everything lies in the store. Groups and streams have numbers of their own, so that one that was deleted and
//! made again has nothing of the former's.
//!
//! ```text
//! logs/group         account region name                          ─▶ the group, its number G
//! logs/stream        account region G name                        ─▶ the stream, its number S
//! logs/stream-last   account region G last-event name             ─▶ nothing: the order by LastEventTime
//! logs/index         account region G first-event S batch         ─▶ what the batch is: all streams by time
//! logs/stream-index  account region G S first-event batch         ─▶ the same: one stream by time
//! logs/batch         account region G S first-event batch part    ─▶ events, compressed
//! logs/subscriptions account region G                             ─▶ the subscription filters, each with a number F
//! logs/outbox        account region G F arrival S first batch     ─▶ what the batch is: to be delivered
//! logs/metric-filter account region name filter                   ─▶ a metric filter
//! ```

use hearth_store::Key;

/// Who owns a group: the front of every key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) account: String,
    pub(crate) region: String,
}

impl Owner {
    fn key(&self, space: &str) -> Key {
        Key::of(space).text(&self.account).text(&self.region)
    }

    pub(crate) fn groups(&self) -> Key {
        self.key("logs/group")
    }

    pub(crate) fn group(&self, name: &str) -> Key {
        self.groups().text(name)
    }

    pub(crate) fn streams(&self, group: u64) -> Key {
        self.key("logs/stream").number(group)
    }

    pub(crate) fn stream(&self, group: u64, name: &str) -> Key {
        self.streams(group).text(name)
    }

    pub(crate) fn streams_by_last(&self, group: u64) -> Key {
        self.key("logs/stream-last").number(group)
    }

    pub(crate) fn stream_by_last(&self, group: u64, last: u64, name: &str) -> Key {
        self.streams_by_last(group).number(last).text(name)
    }

    pub(crate) fn index(&self, group: u64) -> Key {
        self.key("logs/index").number(group)
    }

    pub(crate) fn stream_index(&self, group: u64, stream: u64) -> Key {
        self.key("logs/stream-index").number(group).number(stream)
    }

    pub(crate) fn batches(&self, group: u64, stream: u64) -> Key {
        self.key("logs/batch").number(group).number(stream)
    }

    /// All batches of a group.
    pub(crate) fn group_batches(&self, group: u64) -> Key {
        self.key("logs/batch").number(group)
    }

    pub(crate) fn subscriptions(&self, group: u64) -> Key {
        self.key("logs/subscriptions").number(group)
    }

    /// What waits for the filters of a group.
    pub(crate) fn outboxes(&self, group: u64) -> Key {
        self.key("logs/outbox").number(group)
    }

    pub(crate) fn outbox(&self, group: u64, filter: u64) -> Key {
        self.outboxes(group).number(filter)
    }

    pub(crate) fn metric_filters(&self) -> Key {
        self.key("logs/metric-filter")
    }

    pub(crate) fn metric_filters_of(&self, group: &str) -> Key {
        self.metric_filters().text(group)
    }

    /// All entries of the streams' indexes of a group.
    pub(crate) fn stream_indexes(&self, group: u64) -> Key {
        self.key("logs/stream-index").number(group)
    }
}
