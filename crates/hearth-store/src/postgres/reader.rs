//! Steps of one SQL transaction: it begins with its first read or with its commit.
//!
//! Never: commits what a lost lane may have committed already without saying so.

use bytes::Bytes;
use futures_util::future::{join, join_all, join4};
use tokio_postgres::{Client, Error, Row};

use super::known::{Changes, Claims, Fetched, Known, Rows, Wish};
use super::session::{Session, Trouble};
use super::statements::Statements;
use super::view::Wishes;
use crate::key::KeyRange;
use crate::seam::{KEY_BYTES_MAX, Kind, Order};

/// Bytes written by one statement.
const WRITE_BYTES: usize = 8 << 20;

/// Claims of one step, for all closures of a group.
const CLAIMS_MAX: u32 = 4_096;

const MAKE_MARKS: &str = "INSERT INTO hearth.commits (lane, number) VALUES ($1, 0) ON CONFLICT DO NOTHING";

const CLOSE_MARKS: &str = "UPDATE hearth.commits SET closed = true WHERE lane = $1 RETURNING number";

/// A session and whether a transaction is open on it.
pub(super) struct Reader {
    pub(super) session: Session,
    begin: &'static str,
    begun: bool,
}

/// How a commit ended badly.
#[derive(Debug)]
pub(super) enum Uncommitted {
    /// Nothing happened.
    Not(Trouble),
    /// The connection went while the answer was awaited.
    Unsure(Trouble),
}

impl Reader {
    pub(super) fn new(session: Session, kind: Kind) -> Self {
        let begin = match kind {
            Kind::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Kind::Write => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            Kind::Take => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        Self { session, begin, begun: false }
    }

    /// Does the work in the transaction, which begins on the same way where it has not.
    fn inside<T>(
        &mut self,
        work: impl AsyncFnOnce(&Client, &Statements) -> Result<T, Error>,
    ) -> Result<T, Trouble> {
        if self.begun {
            return self.session.prepared(work);
        }
        let begin = self.begin;
        self.begun = true;
        self.session.prepared(async |client, statements| {
            let (begun, done) = join(client.batch_execute(begin), work(client, statements)).await;
            begun.and(done)
        })
    }

    pub(super) fn keys(&mut self, keys: &[Vec<u8>]) -> Result<Rows, Trouble> {
        self.inside(async |client, statements| read_keys(client, statements, keys).await)
    }

    pub(super) fn range(&mut self, wish: &Wish) -> Result<Fetched, Trouble> {
        self.inside(async |client, statements| read_range(client, statements, wish).await)
    }

    pub(super) fn claim(&mut self, range: &KeyRange, limit: u32) -> Result<Rows, Trouble> {
        self.inside(async |client, statements| claim(client, statements, range, limit).await)
    }

    /// Reads all that was wished for, in one way.
    pub(super) fn grant(&mut self, wishes: Wishes, known: &mut Known) -> Result<(), Trouble> {
        let Wishes { mut keys, mut ranges, claims, .. } = wishes;
        keys.sort_unstable();
        keys.dedup();
        let mut distinct: Vec<Wish> = Vec::new();
        for wish in ranges.drain(..) {
            if !distinct.contains(&wish) {
                distinct.push(wish);
            }
        }
        let claims: Vec<(KeyRange, KeyRange, u32)> = claims
            .into_iter()
            .map(|(range, wanted)| {
                let rest = known.claims.rest(&range);
                (range, rest, wanted.min(CLAIMS_MAX))
            })
            .collect();
        let (rows, fetched, claimed) = self.inside(async |client, statements| {
            let keys = async {
                if keys.is_empty() { Ok(Rows::new()) } else { read_keys(client, statements, &keys).await }
            };
            let ranges = join_all(distinct.iter().map(|wish| read_range(client, statements, wish)));
            let claims =
                join_all(claims.iter().map(|(_, rest, wanted)| claim(client, statements, rest, *wanted)));
            let (rows, (fetched, claimed)) = join(keys, join(ranges, claims)).await;
            let fetched = fetched.into_iter().collect::<Result<Vec<_>, _>>()?;
            Ok((rows?, fetched, claimed.into_iter().collect::<Result<Vec<_>, _>>()?))
        })?;
        known.note_reads(keys, rows);
        distinct.into_iter().zip(fetched).for_each(|(wish, fetched)| known.note_range(wish, fetched));
        for ((range, _, wanted), rows) in claims.into_iter().zip(claimed) {
            known.claims.note(&range, wanted, rows);
        }
        Ok(())
    }

    /// Writes the changes and commits them under this number of the lane.
    pub(super) fn commit(&mut self, lane: &str, number: i64, known: &Known) -> Result<(), Uncommitted> {
        let Writes { deletes, mut puts } = Writes::of(&known.changes, &known.claims);
        let last = puts.pop();
        // What does not fit into one statement goes before; nothing is committed yet.
        for (keys, values) in puts {
            self.inside(async |client, statements| client.execute(&statements.put, &[&keys, &values]).await)
                .map_err(Uncommitted::Not)?;
        }
        let result = self.inside(async |client, statements| {
            let delete = async {
                if deletes.is_empty() { Ok(0) } else { client.execute(&statements.delete, &[&deletes]).await }
            };
            let put = async {
                match &last {
                    Some((keys, values)) => client.execute(&statements.put, &[keys, values]).await,
                    None => Ok(0),
                }
            };
            let mark = async { client.query(&statements.mark, &[&lane, &number]).await };
            // Sent in this order without waiting. After a failure the server refuses the rest, the commit too.
            let (deleted, put, marked, committed) =
                join4(delete, put, mark, client.batch_execute("COMMIT")).await;
            deleted.and(put).and(marked.map(drop)).and(committed)
        });
        self.begun = false;
        result.map_err(|trouble| match trouble {
            Trouble::Lost(_) => Uncommitted::Unsure(trouble),
            Trouble::Conflict(_) | Trouble::Closed(_) | Trouble::Refused(_) => {
                self.roll_back();
                Uncommitted::Not(trouble)
            }
        })
    }

    /// Makes the row of a lane's commits. Not inside of a transaction.
    pub(super) fn make_marks(&mut self, row: &str) -> Result<(), Trouble> {
        self.session.step(async |client| client.execute(MAKE_MARKS, &[&row]).await).map(drop)
    }

    /// Closes the row of a lane's commits, on a new connection, and gives the number of the last one.
    pub(super) fn close_marks(&mut self, row: &str) -> Result<Option<i64>, Trouble> {
        self.begun = false;
        self.session.open()?;
        let closed = self.session.step(async |client| client.query_opt(CLOSE_MARKS, &[&row]).await)?;
        Ok(closed.map(|closed| closed.get(0)))
    }

    /// Ends a transaction that only read: what it read held until now.
    pub(super) fn commit_reads(&mut self) -> Result<(), Uncommitted> {
        if !std::mem::take(&mut self.begun) {
            return Ok(());
        }
        self.session.step(async |client| client.batch_execute("COMMIT").await).map_err(Uncommitted::Not)
    }

    /// Ends the transaction without a commit.
    pub(super) fn roll_back(&mut self) {
        self.begun = false;
        if self.session.is_open()
            && self.session.step(async |client| client.batch_execute("ROLLBACK").await).is_err()
        {
            self.session.drop_link();
        }
    }

    pub(super) fn end(&mut self) {
        if self.begun {
            self.roll_back();
        }
    }
}

async fn read_keys(client: &Client, statements: &Statements, keys: &[Vec<u8>]) -> Result<Rows, Error> {
    rows(client.query(&statements.get, &[&keys]).await?)
}

async fn read_range(client: &Client, statements: &Statements, wish: &Wish) -> Result<Fetched, Error> {
    let statement = match wish.order {
        Order::Ascending => &statements.scan,
        Order::Descending => &statements.scan_back,
    };
    let to = upper(&wish.range);
    let found = client.query(statement, &[&wish.range.from, &to, &i64::from(wish.limit)]).await?;
    let complete = found.len() < wish.limit as usize;
    Ok(Fetched { rows: rows(found)?, complete })
}

async fn claim(
    client: &Client,
    statements: &Statements,
    range: &KeyRange,
    limit: u32,
) -> Result<Rows, Error> {
    let to = upper(range);
    rows(client.query(&statements.claim, &[&range.from, &to, &i64::from(limit)]).await?)
}

fn rows(found: Vec<Row>) -> Result<Rows, Error> {
    let row = |row: &Row| Ok((row.try_get::<_, Vec<u8>>(0)?, Bytes::copy_from_slice(row.try_get(1)?)));
    found.iter().map(row).collect()
}

/// The end of all keys is behind the largest of the longest ones.
fn upper(range: &KeyRange) -> Vec<u8> {
    if range.to.is_empty() { vec![0xff; KEY_BYTES_MAX + 1] } else { range.to.clone() }
}

/// Keys and values of one statement.
type Batch<'k> = (Vec<&'k [u8]>, Vec<&'k [u8]>);

/// What a commit writes, in key order, so that two servers lock in the same order.
struct Writes<'k> {
    deletes: Vec<&'k [u8]>,
    puts: Vec<Batch<'k>>,
}

impl<'k> Writes<'k> {
    fn of(changes: &'k Changes, claims: &'k Claims) -> Self {
        let claimed = |key: &[u8]| claims.rows.contains_key(key);
        let deletes = changes.iter().filter(|(key, change)| change.is_none() && !claimed(key));
        let deletes = deletes.map(|(key, _)| key.as_slice()).collect();
        // Claimed and not taken: it goes back.
        let back = claims.rows.iter().filter(|(key, _)| !changes.contains_key(*key));
        let back = back.map(|(key, value)| (key.as_slice(), value.as_ref()));
        let own =
            changes.iter().filter_map(|(key, change)| Some((key.as_slice(), change.as_ref()?.as_ref())));
        let mut all: Vec<(&[u8], &[u8])> = own.chain(back).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        let mut puts: Vec<Batch<'_>> = Vec::new();
        let mut room = 0_usize;
        for (key, value) in all {
            let bytes = key.len() + value.len();
            if room < bytes || puts.is_empty() {
                puts.push((Vec::new(), Vec::new()));
                room = WRITE_BYTES;
            }
            room = room.saturating_sub(bytes);
            if let Some((keys, values)) = puts.last_mut() {
                keys.push(key);
                values.push(value);
            }
        }
        Self { deletes, puts }
    }
}
