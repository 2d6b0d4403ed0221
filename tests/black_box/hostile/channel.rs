//! Descriptors 3 (events) and 4 (answers), by which the server and its own bootstraps talk, in hostile hands.

use serde_json::json;

use super::{FELT, Street, answer};

/// Does to the channel what the event names.
const ABUSE: &str = r"
import os, struct, sys, time
def frame(kind, payload=b'', number=0):
    return struct.pack('<II', kind | number << 8, len(payload)) + payload
def handler(event, context):
    number = int(sys._getframe(1).f_locals['fields'][6])
    if event == 'zeros':
        os.write(4, bytes(1 << 16))
    elif event == 'a length of 4 GB':
        os.write(4, struct.pack('<II', 2, 0xffffffff))
    elif event == 'ready, often':
        os.write(4, frame(1) * 1000)
    elif event == 'an error of init':
        os.write(4, frame(4, b'{}'))
    elif event == 'noise for ever':
        while True:
            os.write(4, b'\xf7' * 4096)
    elif event == 'answers to nothing for ever':
        while True:
            os.write(4, frame(5, number=number + 1) * 1000)
    elif event == 'an answer cut off':
        os.write(4, struct.pack('<II', 2, 6 << 20) + b'x' * 100)
    elif event == 'deaf':
        os.close(3)
    elif event == 'deaf from the next event on':
        os.dup2(os.pipe()[0], 3)
        return 'answered'
    elif event == 'everything closed':
        os.closerange(0, 1024)
    elif event == 'its output replaced':
        nothing = os.open('/dev/null', os.O_WRONLY)
        os.dup2(nothing, 1), os.dup2(nothing, 2)
        print('unheard')
        return 'answered'
    elif event == 'two answers':
        os.write(4, frame(2, b'1', number) + frame(2, b'2', number))
        return 3
    elif event == 'an answer to another request':
        os.write(4, frame(2, b'1', number + 1) + frame(2, b'2', number - 1) + frame(3, b'3'))
        return 'its own'
    elif event == 'no JSON':
        os.write(4, frame(2, b'\xff\xfe\0{', number))
        time.sleep(60)
    time.sleep(60)
";

#[test]
fn a_broken_rule_of_the_channel_ends_the_environment_at_once() {
    let mut street = Street::new();
    street.hearth.may_warn();
    let function = street.hostile("abuser", ABUSE).create();
    for event in [
        "zeros",
        "a length of 4 GB",
        "ready, often",
        "an error of init",
        "noise for ever",
        "answers to nothing for ever",
    ] {
        let began = std::time::Instant::now();
        let failed = function.invoke(&json!(event).to_string());
        assert_eq!(failed.json()["errorType"], "Runtime.ExitError", "{event}: {}", failed.answer.text());
        assert!(began.elapsed() < FELT, "{event} took {:?}", began.elapsed());
        street.is_well();
    }
    street.ends();
}

/// A pipe without a reader can always be written to: whoever waits for that only, waits without end and at full speed.
#[test]
fn a_program_that_reads_no_more_events_is_ended_and_its_environment_with_it() {
    let street = Street::new();
    let function = street.hostile("deaf-later", ABUSE).create();
    for _ in 0..3 {
        assert_eq!(answer(&function.invoke("\"deaf from the next event on\"")), json!("answered"));
    }
    street.is_well();
    street.ends();
}

#[test]
fn a_channel_that_falls_silent_is_a_timeout() {
    let street = Street::new();
    let function = street.hostile("silent", ABUSE).with("Timeout", json!(1)).create();
    for event in ["an answer cut off", "deaf", "everything closed"] {
        let failed = function.invoke(&json!(event).to_string());
        assert_eq!(failed.json()["errorType"], "Sandbox.Timedout", "{event}: {}", failed.answer.text());
        street.is_well();
    }
    street.ends();
}

#[test]
fn the_first_of_two_answers_counts_and_a_replaced_output_is_only_unheard() {
    let street = Street::new();
    let function = street.hostile("abuser", ABUSE).create();
    assert_eq!(answer(&function.invoke("\"two answers\"")), json!(1));
    street.is_well();
    let silent = function.invoke("\"its output replaced\"");
    assert_eq!(answer(&silent), json!("answered"));
    assert!(!silent.log.contains("unheard"), "{}", silent.log);
    street.is_well();
    // What a function answers is the caller's, whatever it is.
    let noise = function.invoke("\"no JSON\"");
    assert_eq!((noise.error.as_str(), noise.answer.body.as_slice()), ("", &b"\xff\xfe\0{"[..]));
    street.is_well();
}

#[test]
fn an_answer_to_another_request_answers_nobody() {
    let street = Street::new();
    let function = street.hostile("forger", ABUSE).create();
    for _ in 0..3 {
        assert_eq!(answer(&function.invoke("\"an answer to another request\"")), json!("its own"));
    }
    street.is_well();
    street.ends();
}

#[test]
fn descriptors_sent_through_the_channel_hold_nobody_up() {
    let street = Street::new();
    // Closing such a socket waits until what it holds is sent, and nobody reads: whoever closes it last, waits.
    let code = r"
import array, os, socket, stat, struct, time
def handler(event, context):
    inherited = [n for n in range(1024) if is_socket(n)]
    for number in inherited:
        send(socket.socket(fileno=os.dup(number)))
    return inherited
def is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False
def send(channel):
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(16)
    kept = [listener]
    for byte in struct.pack('<II', 2, 8):
        one = socket.create_connection(listener.getsockname())
        kept.append(listener.accept()[0])
        one.setblocking(False)
        try:
            while True:
                one.send(bytes(65536))
        except BlockingIOError:
            pass
        one.setblocking(True)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 8))
        channel.sendmsg([bytes([byte])], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [one.fileno()]))])
        os.close(one.detach())
        time.sleep(0.02)
";
    let function = street.hostile("lingerer", code).with("Timeout", json!(2)).create();
    std::thread::scope(|scope| {
        let began = std::time::Instant::now();
        let call = scope.spawn(|| function.invoke("{}"));
        while !call.is_finished() {
            street.is_well();
        }
        // Best of all, there is nothing that could carry a descriptor.
        assert_eq!(answer(&call.join().expect("no panic")), json!([]));
        assert!(began.elapsed() < FELT * 2, "a call of 2 s took {:?}", began.elapsed());
    });
    street.ends();
}
