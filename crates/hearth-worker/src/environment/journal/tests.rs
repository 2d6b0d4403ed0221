use super::*;
use crate::environment::tests::revision;

fn journal(room: usize) -> (Journal, mpsc::Receiver<Report>) {
    let (reports, kept) = mpsc::channel(room);
    (Journal::new(World::simulated(1), Arc::new(revision()), reports), kept)
}

fn lines(kept: &mut mpsc::Receiver<Report>) -> Vec<String> {
    let mut lines = Vec::new();
    while let Ok(Report::Log(batch)) = kept.try_recv() {
        lines.extend(batch.events.into_iter().map(|event| event.message));
    }
    lines
}

#[test]
fn a_line_is_an_event_and_carriage_returns_inside_are_newlines() {
    let (mut journal, mut kept) = journal(8);
    for part in [&b"one\ntw"[..], b"o\r", b"and more\r\n", b"\n", b"unfinished"] {
        journal.output(part);
    }
    journal.platform("END".to_owned());
    journal.flush();
    assert_eq!(lines(&mut kept), ["one", "two\nand more", "", "unfinished", "END"]);
}

#[test]
fn a_stream_in_a_group_of_its_own_choice_names_the_function() {
    let (journal, _kept) = journal(1);
    let stream = |log_group: &str| {
        let revision = Arc::new(Revision { log_group: log_group.to_owned(), ..revision() });
        Journal::new(World::simulated(1), revision, journal.reports.clone()).stream()[11..].to_owned()
    };
    assert!(stream("/aws/lambda/f").starts_with("[7]") && stream("/mine").starts_with("f[7]["));
}

#[test]
fn a_line_above_the_limit_is_split() {
    let (mut journal, mut kept) = journal(8);
    journal.output(&vec![b'x'; LINE_BYTES_MAX + 5]);
    journal.output(b"y\n");
    journal.flush();
    let lines = lines(&mut kept);
    assert_eq!((lines[0].len(), lines[1].as_str()), (LINE_BYTES_MAX, "xxxxxy"));
}

#[test]
fn what_is_dropped_is_counted_and_said() {
    let (mut journal, mut kept) = journal(1);
    for line in [&b"kept\n"[..], b"lost\nlost\n", b"lost\n"] {
        journal.output(line);
        journal.flush();
    }
    assert_eq!(lines(&mut kept), ["kept"]);
    journal.output(b"after\n");
    journal.flush();
    let told = "3 log events were dropped: they came faster than they could be kept";
    assert_eq!(lines(&mut kept), [told, "after"]);
}

#[test]
fn the_tail_is_the_last_4096_bytes_with_newlines() {
    let (mut journal, _kept) = journal(1);
    journal.begin_tail();
    for number in 0..3000 {
        journal.platform(format!("{number:07}"));
    }
    let tail = journal.take_tail().expect("begun");
    assert_eq!(tail.len(), TAIL_BYTES);
    assert!(tail.ends_with(b"0002998\n0002999\n"));
    assert_eq!(journal.take_tail(), None);
}

#[test]
fn a_stream_is_named_by_day_and_version() {
    let (journal, _kept) = journal(1);
    let (day, rest) = journal.stream().split_once("/[7]").expect("the version");
    assert_eq!((day.len(), rest.len()), (10, 32), "{}", journal.stream());
}
