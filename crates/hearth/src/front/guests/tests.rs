use std::time::Duration;

use futures_util::FutureExt;
use hearth_world::{Clock, Timestamp};

use super::*;

fn host(number: u8) -> Host {
    Host::of([192, 0, 2, number].into())
}

fn house(max: usize) -> (Arc<Guests>, Clock) {
    let clock = Clock::manual(Timestamp::from_millis(0));
    (Guests::new(max, clock.clone()), clock)
}

fn is_sent_away(guest: &Guest) -> bool {
    guest.sent_away().now_or_never().is_some()
}

#[test]
fn who_did_nothing_for_longest_leaves_when_the_house_is_full() {
    let (guests, clock) = house(3);
    let all = [1, 2, 3].map(|_| {
        clock.advance(Duration::from_secs(1));
        guests.admit(host(1)).expect("room")
    });
    clock.advance(Duration::from_secs(1));
    all[0].state().moves();
    let newcomer = guests.admit(host(1)).expect("room");
    assert_eq!(all.each_ref().map(is_sent_away), [false, true, false]);
    assert!(!is_sent_away(&newcomer));
}

#[test]
fn the_host_with_the_most_guests_gives_up_a_seat() {
    let (guests, clock) = house(3);
    let alone = guests.admit(host(1)).expect("room");
    clock.advance(Duration::from_secs(1));
    let crowd = [guests.admit(host(2)).expect("room"), guests.admit(host(2)).expect("room")];
    let newcomer = guests.admit(host(3)).expect("room");
    assert!(!is_sent_away(&alone), "it was there longer, but alone");
    assert_eq!(crowd.each_ref().map(is_sent_away), [true, false]);
    assert!(!is_sent_away(&newcomer));
}

#[test]
fn one_household_of_ipv6_is_one_host() {
    let of = |text: &str| Host::of(text.parse().expect("an address"));
    assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
    assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
}

#[test]
fn who_is_being_answered_stays_and_the_newcomer_waits() {
    let (guests, _clock) = house(1);
    let guest = guests.admit(host(1)).expect("room");
    let talk = guest.state().asks();
    talk.is_asked();
    assert!(guests.admit(host(2)).is_none());
    drop(talk);
    assert!(guests.admit(host(2)).is_some());
    assert!(is_sent_away(&guest));
}

#[test]
fn who_has_not_sent_its_whole_request_may_have_to_leave() {
    let (guests, _clock) = house(1);
    let guest = guests.admit(host(1)).expect("room");
    let _talk = guest.state().asks();
    assert!(guests.admit(host(2)).is_some());
    assert!(is_sent_away(&guest));
}

#[test]
fn a_seat_is_free_again_when_its_guest_has_gone() {
    let (guests, _clock) = house(1);
    let guest = guests.admit(host(1)).expect("room");
    let talk = guest.state().asks();
    talk.is_asked();
    assert!(guests.freed().now_or_never().is_none());
    drop((talk, guest));
    assert!(guests.freed().now_or_never().is_some());
    assert!(guests.admit(host(2)).is_some());
    assert_eq!(guests.table().of_host.len(), 0, "nothing is left of those who went");
}

#[test]
fn an_answer_that_nobody_takes_ends_the_connection_after_its_time() {
    let (guests, clock) = house(1);
    let guest = guests.admit(host(1)).expect("room");
    let part = guest.state().takes(0);
    part.is_due(16_384 * 10);
    clock.advance(Duration::from_secs(69));
    guests.sweep();
    assert!(!is_sent_away(&guest), "large answers have longer");
    clock.advance(Duration::from_secs(1));
    guests.sweep();
    assert!(is_sent_away(&guest));
}

#[test]
fn an_answer_that_waits_for_us_has_all_the_time_in_the_world() {
    let (guests, clock) = house(1);
    let guest = guests.admit(host(1)).expect("room");
    let part = guest.state().takes(0);
    part.waits_for_us();
    clock.advance(Duration::from_secs(900));
    guests.sweep();
    assert!(!is_sent_away(&guest));
    assert!(guests.admit(host(1)).is_none());
    drop(part);
    clock.advance(IDLE_MAX + Duration::from_secs(1));
    guests.sweep();
    assert!(is_sent_away(&guest), "idle since the answer went");
}

#[test]
fn who_leaves_many_large_answers_untaken_has_to_go() {
    let (guests, _clock) = house(2);
    let (one, other) = (guests.admit(host(1)).expect("room"), guests.admit(host(1)).expect("room"));
    let _large = one.state().takes(UNTAKEN_BYTES_MAX * 2);
    assert!(!is_sent_away(&one), "one answer alone may be as large as it is");
    let parts: Vec<_> = (0..10).map(|_| other.state().takes(UNTAKEN_BYTES_MAX / 10)).collect();
    assert!(!is_sent_away(&other));
    let _last = other.state().takes(7);
    assert!(is_sent_away(&other));
    drop(parts);
    assert_eq!(other.state().parts().untaken_bytes, 7, "what was taken is not counted");
}
