//! What every engine promises, as tests. [`store_contract!`](crate::store_contract) makes them for one engine.
//!
//! ```ignore
//! hearth_store::store_contract!(((), MyStore::open()));
//! ```

mod atomicity;
mod concurrency;
mod limits;
mod model;
mod scans;
mod seed;
mod watching;

use bytes::Bytes;

use crate::key::Key;
use crate::seam::{Store, StoreError, Tx, TxResult, transact, transact_read};

pub use atomicity::*;
pub use concurrency::*;
pub use limits::*;
pub use model::*;
pub use scans::*;
pub use seed::Seed;
pub use watching::*;

/// One test for each promise. The expression makes what must outlive the store, and a fresh, empty store.
#[macro_export]
macro_rules! store_contract {
    ($open:expr) => {
        $crate::store_contract!(@each $open;
            // atomicity
            a_transaction_returns_what_its_closure_decided,
            a_failed_closure_leaves_nothing,
            a_failed_closure_leaves_what_was_there_before,
            a_transaction_reads_its_own_writes,
            a_step_that_failed_is_final_even_if_the_closure_ignores_it,
            a_panicking_closure_leaves_nothing_and_the_store_goes_on,
            a_committed_write_is_seen_by_the_next_read,
            a_closure_that_runs_again_happens_once,
            // limits
            the_largest_value_is_kept_and_one_byte_more_is_refused,
            the_longest_key_is_kept_and_one_byte_more_is_refused,
            a_read_cannot_write,
            the_time_stands_still_in_a_transaction,
            // scans
            values_come_in_the_order_of_their_keys_asked_for,
            a_scan_runs_both_ways_and_ends_at_its_limit,
            a_scan_ends_where_it_is_told_to,
            a_scan_begins_with_the_first_key_and_ends_before_the_last,
            a_scan_looks_past_what_its_transaction_deleted,
            the_children_of_a_key_are_neither_itself_nor_its_neighbours,
            a_listing_goes_on_after_the_last_key_of_its_page,
            a_take_removes_the_first_entries_in_order,
            // concurrency
            many_writers_see_one_serial_order,
            two_takers_never_get_the_same_entry,
            one_failing_writer_among_many_fails_alone,
            a_caller_that_left_does_no_harm,
            // watching
            a_watch_is_told_of_a_commit_under_its_prefix,
            a_commit_before_the_waiting_begins_is_not_missed,
            many_commits_may_be_one_hint,
            // model
            random_transactions_do_what_an_ordered_map_does,
        );
    };
    (@each $open:expr; $($case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let (_kept, store) = $open;
            $crate::contract::$case(&store).await;
        }
    )*};
}

/// The error of the contract's closures.
#[derive(Debug)]
enum Failure {
    /// The closure's own decision.
    Decided,
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn write<T: Send + 'static>(
    store: &dyn Store,
    mut body: impl FnMut(&mut dyn Tx) -> TxResult<T> + Send + 'static,
) -> T {
    transact::<T, StoreError, _>(store, move |tx| body(tx)).await.expect("the transaction commits")
}

async fn read<T: Send + 'static>(
    store: &dyn Store,
    mut body: impl FnMut(&mut dyn Tx) -> TxResult<T> + Send + 'static,
) -> T {
    transact_read::<T, StoreError, _>(store, move |tx| body(tx)).await.expect("the read ends well")
}

async fn put(store: &dyn Store, key: &Key, value: &'static str) {
    let key = key.clone();
    write(store, move |tx| tx.put(&key, value.into())).await;
}

async fn get(store: &dyn Store, key: &Key) -> Option<Bytes> {
    let key = key.clone();
    read(store, move |tx| tx.get(&key)).await
}

fn key(name: &str) -> Key {
    Key::of("contract").text(name)
}
