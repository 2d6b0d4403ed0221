use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::resolve::BoxFuture;
use crate::{Refused, SystemResolver};

/// Answers each question with the next of its lists, and the last one for ever.
struct Liar {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Liar {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let addresses =
            |texts: &&[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(addresses).collect()),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Resolve for Liar {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().expect("nobody panics");
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(std::future::ready(Ok(answer.unwrap_or_default())))
    }
}

/// A server on loopback that answers every request of a connection with the next of these texts.
struct Served {
    port: u16,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

async fn served(answers: &[String], tls: Option<TlsAcceptor>, tasks: &TaskGroup) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let served = Served { port, connections: Arc::default(), requests: Arc::default() };
    let (connections, requests) = (served.connections.clone(), served.requests.clone());
    let answers = Arc::new(Mutex::new(answers.iter().cloned().collect::<VecDeque<_>>()));
    tasks.spawn(TaskKind::Service, Span::none(), |stop| async move {
        while let Some(Ok((stream, _))) = stop.or(listener.accept()).await {
            connections.fetch_add(1, Ordering::SeqCst);
            match &tls {
                None => talk(stream, &answers, &requests).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => talk(stream, &answers, &requests).await,
                    Err(_) => continue,
                },
            }
        }
    });
    served
}

async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: &Mutex<VecDeque<String>>,
    requests: &Mutex<Vec<String>>,
) {
    let mut bytes = Vec::new();
    loop {
        while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
            if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
                return;
            }
        }
        requests.lock().expect("nobody panics").push(String::from_utf8_lossy(&bytes).into_owned());
        bytes.clear();
        let Some(answer) = answers.lock().expect("nobody panics").pop_front() else { return };
        if stream.write_all(answer.as_bytes()).await.is_err() || answer.contains("Connection: close") {
            return;
        }
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

fn outbound(policy: Policy, resolver: Arc<dyn Resolve>, roots: Roots, tasks: &TaskGroup) -> Outbound {
    Outbound::new(OutboundDeps { policy, roots, resolver, tasks: tasks.clone(), world: World::real() })
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).header(AUTHORIZATION, "secret").body(Bytes::new()).expect("a request")
}

const FOLLOWING: Limits = Limits { time: Duration::from_secs(10), answer_bytes_max: 1000, redirects_max: 3 };

#[tokio::test]
async fn a_name_that_resolves_to_loopback_is_not_called() {
    let tasks = TaskGroup::new();
    let served = served(&[ok("inside")], None, &tasks).await;
    for address in ["127.0.0.1", "::ffff:127.0.0.1", "::1", "0.0.0.0", "169.254.169.254"] {
        let client = outbound(Policy::public(vec![]), Liar::new(&[&[address]]), Roots::none(), &tasks);
        let error = client.send(get(&format!("http://public.example:{}/", served.port)), FOLLOWING).await;
        assert!(
            matches!(error, Err(OutboundError::Refused { source: Refused::Address(_), .. })),
            "{error:?}"
        );
    }
    for literal in ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "localhost"] {
        let client = outbound(Policy::public(vec![]), Arc::new(SystemResolver), Roots::none(), &tasks);
        let error = client.send(get(&format!("http://{literal}:{}/", served.port)), FOLLOWING).await;
        assert!(error.is_err(), "{literal} was called");
    }
    assert_eq!(served.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_resolver_that_changes_its_answer_gains_nothing() {
    let tasks = TaskGroup::new();
    let served = served(&[ok("one"), ok("two")], None, &tasks).await;
    // Were the name looked up again for the connection, the second answer would be dialled, which is not allowed.
    let allowed = Policy::public(vec!["127.0.0.1".parse().expect("a network")]);
    let liar = Liar::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let client = outbound(allowed, liar.clone(), Roots::none(), &tasks);
    let url = format!("http://rebinding.example:{}/", served.port);
    let first = client.send(get(&url), FOLLOWING).await.expect("the first answer is allowed");
    assert_eq!(first.body(), "one");
    assert_eq!(liar.asked.load(Ordering::SeqCst), 1, "one look for one connection");
    // The connection is used again: the address it leads to was checked.
    let second = client.send(get(&url), FOLLOWING).await.expect("the connection still stands");
    assert_eq!(second.body(), "two");
    assert_eq!(liar.asked.load(Ordering::SeqCst), 1);
    // The server has no third answer and closes; the next connection looks again, and is refused.
    assert!(client.send(get(&url), FOLLOWING).await.is_err());
    let error = client.send(get(&url), FOLLOWING).await;
    assert!(matches!(error, Err(OutboundError::Refused { .. })), "{error:?}");
    assert_eq!(served.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn of_several_addresses_only_the_allowed_are_dialled() {
    let tasks = TaskGroup::new();
    let served = served(&[ok("allowed")], None, &tasks).await;
    let allowed = Policy::public(vec!["127.0.0.1".parse().expect("a network")]);
    let liar = Liar::new(&[&["10.0.0.1", "::1", "127.0.0.1"]]);
    let client = outbound(allowed, liar, Roots::none(), &tasks);
    let answer = client.send(get(&format!("http://mixed.example:{}/", served.port)), FOLLOWING).await;
    assert_eq!(answer.expect("one address is allowed").body(), "allowed");
}

#[tokio::test]
async fn a_redirect_is_checked_like_the_first_request_and_carries_no_secret_elsewhere() {
    let tasks = TaskGroup::new();
    let inside = served(&[ok("inside")], None, &tasks).await;
    let other = served(&[ok("other")], None, &tasks).await;
    let locations = [
        to(&format!("http://127.0.0.2:{}/", inside.port)),
        to("/same"),
        to(&format!("http://127.0.0.1:{}/there", other.port)),
        to("file:///etc/passwd"),
        to("/1"),
        to("/2"),
        to("/3"),
        to("/4"),
    ];
    let first = served(&locations, None, &tasks).await;
    let allowed = Policy::public(vec!["127.0.0.1".parse().expect("a network")]);
    let client = outbound(allowed, Arc::new(SystemResolver), Roots::none(), &tasks);
    let url = format!("http://127.0.0.1:{}/first", first.port);

    let error = client.send(get(&url), FOLLOWING).await;
    assert!(matches!(error, Err(OutboundError::Refused { .. })), "{error:?}");
    let answer = client.send(get(&url), FOLLOWING).await.expect("two redirects that are allowed");
    assert_eq!(answer.body(), "other");
    let same = first.requests.lock().expect("nobody panics")[2].clone();
    assert!(same.starts_with("GET /same ") && same.contains("authorization: secret"), "{same}");
    let there = other.requests.lock().expect("nobody panics")[0].clone();
    assert!(there.starts_with("GET /there ") && !there.contains("secret"), "{there}");
    let error = client.send(get(&url), FOLLOWING).await;
    assert!(matches!(error, Err(OutboundError::Redirect { .. })), "{error:?}");
    let error = client.send(get(&url), FOLLOWING).await;
    assert!(matches!(error, Err(OutboundError::Redirect { .. })), "more than three: {error:?}");
    assert_eq!(inside.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_long_answer_is_given_up_and_a_silent_server_is_not_waited_for() {
    let tasks = TaskGroup::new();
    let long = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(5000));
    let endless = served(&[long], None, &tasks).await;
    let silent = served(&[String::new()], None, &tasks).await;
    let client = outbound(Policy::open(), Arc::new(SystemResolver), Roots::none(), &tasks);
    let error = client.send(get(&format!("http://127.0.0.1:{}/", endless.port)), FOLLOWING).await;
    assert!(matches!(error, Err(OutboundError::TooLarge { limit: 1000, .. })), "{error:?}");
    let hasty = Limits { time: Duration::from_millis(50), ..FOLLOWING };
    let error = client.send(get(&format!("http://127.0.0.1:{}/", silent.port)), hasty).await;
    assert!(matches!(error, Err(OutboundError::TimedOut { .. })), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_costs_no_request() {
    let tasks = TaskGroup::new();
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1".to_owned();
    let served = served(&[closing, ok("2")], None, &tasks).await;
    let client = outbound(Policy::open(), Arc::new(SystemResolver), Roots::none(), &tasks);
    let url = format!("http://127.0.0.1:{}/", served.port);
    assert_eq!(client.send(get(&url), FOLLOWING).await.expect("an answer").body(), "1");
    assert_eq!(client.send(get(&url), FOLLOWING).await.expect("an answer").body(), "2");
}

#[tokio::test]
async fn a_streamed_answer_gives_its_connection_back_at_its_end_and_does_not_wait_for_ever() {
    let tasks = TaskGroup::new();
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_owned();
    let served = served(&[ok("whole"), ok("again"), cut], None, &tasks).await;
    let client = outbound(Policy::open(), Arc::new(SystemResolver), Roots::none(), &tasks);
    let url = format!("http://127.0.0.1:{}/", served.port);
    let (time, pause) = (Duration::from_secs(10), Duration::from_millis(50));
    for expected in ["whole", "again"] {
        let mut body = client.stream(get(&url), time, pause).await.expect("an answer").into_body();
        assert_eq!(body.chunk().await.expect("a piece").expect("not the end"), expected);
        assert!(body.chunk().await.expect("the end").is_none());
    }
    let mut body = client.stream(get(&url), time, pause).await.expect("an answer").into_body();
    assert_eq!(body.chunk().await.expect("a piece").expect("not the end"), "half");
    assert!(matches!(body.chunk().await, Err(OutboundError::TimedOut { .. })));
    assert_eq!(served.connections.load(Ordering::SeqCst), 1);
}

/// A server's half of TLS with a certificate for this name, and a file with its own authority.
fn tls_for(name: &str) -> (TlsAcceptor, Roots) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("a certificate");
    let file = std::env::temp_dir().join(format!("hearth-outbound-{}-{name}.pem", std::process::id()));
    std::fs::write(&file, made.cert.pem()).expect("a file");
    let roots = Roots::none().and_file(&file).expect("one certificate");
    std::fs::remove_file(file).expect("it was there");
    (TlsAcceptor::from(Arc::new(config)), roots)
}

#[tokio::test]
async fn a_server_is_believed_by_its_certificate_alone() {
    let tasks = TaskGroup::new();
    let (acceptor, roots) = tls_for("right.example");
    let served = served(&[ok("secret")], Some(acceptor), &tasks).await;
    let liar = Liar::new(&[&["127.0.0.1"]]);
    let stranger = outbound(Policy::open(), liar.clone(), Roots::none(), &tasks);
    let friend = outbound(Policy::open(), liar, roots, &tasks);
    let right = format!("https://right.example:{}/", served.port);
    let wrong = format!("https://wrong.example:{}/", served.port);
    assert!(matches!(stranger.send(get(&right), FOLLOWING).await, Err(OutboundError::Connect { .. })));
    assert!(matches!(friend.send(get(&wrong), FOLLOWING).await, Err(OutboundError::Connect { .. })));
    assert_eq!(friend.send(get(&right), FOLLOWING).await.expect("trusted").body(), "secret");
    assert_eq!(served.requests.lock().expect("nobody panics").len(), 1, "nothing was said to a stranger");
}
