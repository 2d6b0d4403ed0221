//! What is given up, and what is not given up with it.

use bytes::Bytes;
use hearth_store::transact;

use super::*;

impl Server {
    /// Writes something else over all values of a space.
    async fn damage(&self, space: &'static str) {
        let damaged = transact::<_, StoreError, _>(&*self.store, move |tx| {
            let mut keys = Vec::new();
            tx.scan(Key::of(space).children(), hearth_store::Order::Ascending, 100, &mut |key, _| {
                keys.push(Key::from_bytes(key));
                std::ops::ControlFlow::Continue(())
            })?;
            // A record of the first version, and what follows is none.
            keys.iter().try_for_each(|key| tx.put(key, Bytes::from_static(&[1, 0xff])))
        });
        damaged.await.expect("written");
    }
}

#[tokio::test]
async fn what_waited_while_no_server_ran_is_tried_however_old_and_given_up_for_want_of_room_alone() {
    let server = Server::with_stream().await;
    server.ok("PutSubscriptionFilter", filter("f", "")).await;
    server.put("s", [(server.now(), "waited".to_owned())]).await;
    server.world.domain().advance(Duration::from_secs(25 * 3_600));
    server.logs.keep_up(&server.tasks);
    server.until_delivered().await;
    assert_eq!(server.functions.messages(), ["waited"]);
    server.tasks.stop();

    let server = Server::with_stream().await;
    server.ok("PutSubscriptionFilter", filter("f", "")).await;
    server.put("s", [(server.now(), "old".to_owned())]).await;
    server.stream("t").await;
    server.world.domain().advance(Duration::from_secs(25 * 3_600));
    server.put("t", [(server.now(), "young".to_owned())]).await;
    let no_room = || Err(ApiError::client(Code::TooManyRequests, "Rate Exceeded."));
    (0..2).for_each(|_| server.functions.ends(no_room()));
    server.logs.keep_up(&server.tasks);
    server.until_called(2).await;
    within("what is young goes, when there is room", async {
        while server.count(&["logs/outbox"]).await > 0 {
            server.world.domain().advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    let mut messages = server.functions.messages();
    messages.sort();
    assert_eq!(messages, ["old", "young", "young"]);
    server.tasks.stop();
}

#[tokio::test]
async fn a_batch_that_is_damaged_is_left_out_and_holds_nothing_up() {
    let server = Server::with_stream().await;
    server.stream("t").await;
    server.ok("PutSubscriptionFilter", filter("f", "")).await;
    server.put("s", [(server.now(), "damaged".to_owned())]).await;
    server.damage("logs/batch").await;
    server.put("s", [(server.now(), "behind it".to_owned())]).await;
    server.put("t", [(server.now(), "beside it".to_owned())]).await;
    server.logs.keep_up(&server.tasks);
    server.until_delivered().await;
    server.until_waiting(0).await;
    let mut messages = server.functions.messages();
    messages.sort();
    assert_eq!(messages, ["behind it", "beside it"]);
    server.tasks.stop();
}

#[tokio::test]
async fn a_place_that_is_damaged_is_left_out_and_holds_nothing_up() {
    let server = Server::with_stream().await;
    server.ok("PutSubscriptionFilter", filter("f", "")).await;
    server.put("s", [(server.now(), "damaged".to_owned())]).await;
    server.damage("logs/outbox").await;
    server.put("s", [(server.now(), "behind it".to_owned())]).await;
    server.logs.keep_up(&server.tasks);
    server.until_delivered().await;
    server.until_waiting(0).await;
    assert_eq!(server.functions.messages(), ["behind it"]);
    server.tasks.stop();
}
