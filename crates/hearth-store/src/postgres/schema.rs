//! The tables, their format version, and every migration: the one place where they are.
//!
//! Never: a migration is changed once a release carried it; a later one is added instead.

use hearth_world::World;

use super::PostgresError;
use super::address::PostgresAddress;
use super::session::{Session, Trouble};

/// What leads from each format to the next; the first one from a database without our schema.
const MIGRATIONS: &[&str] = &[
    // 1: entries in key order; the number of the last commit of each lane, so that a commit whose answer was lost
    // can be asked about; the formats that this database has been through.
    "CREATE TABLE hearth.entries (key bytea PRIMARY KEY, value bytea NOT NULL);
     CREATE TABLE hearth.commits (lane text PRIMARY KEY, number bigint NOT NULL,
        closed boolean NOT NULL DEFAULT false, since timestamptz NOT NULL DEFAULT now());",
];

/// The newest format this program knows.
pub(super) const NEWEST: u32 = MIGRATIONS.len() as u32;

/// One server at a time makes tables: "Hrth".
const LOCK: &str = "SELECT pg_advisory_xact_lock(1215460456)";

const FORMATS: &str = "CREATE SCHEMA IF NOT EXISTS hearth;
    CREATE TABLE IF NOT EXISTS hearth.formats (format integer PRIMARY KEY, since_micros bigint NOT NULL);";

const DURABILITY: &str = "SELECT name, setting FROM pg_catalog.pg_settings
    WHERE name IN ('fsync', 'full_page_writes')";

/// Rows of lanes that ended long ago. A lane that lives makes a new one.
const FORGET: &str = "DELETE FROM hearth.commits WHERE since < now() - interval '30 days'";

/// Checks that the server keeps what it acknowledges, and brings the tables to the newest format.
pub(super) fn prepare(
    session: &mut Session,
    address: &PostgresAddress,
    world: &World,
) -> Result<(), PostgresError> {
    let server = address.to_string();
    let failed = |trouble| refused(&server, &trouble);
    session.connect().map_err(|trouble| PostgresError::Unreachable { reason: trouble.text().to_owned() })?;
    let settings = session.step(async |client| client.query(DURABILITY, &[]).await).map_err(failed)?;
    for row in settings {
        let (name, setting): (&str, &str) = (row.get(0), row.get(1));
        if setting == "off" {
            return Err(PostgresError::NotDurable { server: server.clone(), setting: name.to_owned() });
        }
    }
    migrate(session, &server, world)?;
    session.step(async |client| client.batch_execute(FORGET).await).map_err(failed)
}

/// Brings the tables to the newest format, one server at a time.
fn migrate(session: &mut Session, server: &str, world: &World) -> Result<(), PostgresError> {
    let failed = |trouble| refused(server, &trouble);
    let format = format(session).map_err(failed)?;
    let newer = |found| PostgresError::Newer { server: server.to_owned(), found, known: NEWEST };
    match format {
        NEWEST => return Ok(()),
        format if format > NEWEST => return Err(newer(format)),
        _ => {}
    }
    let since = world.physical().now().as_micros();
    session
        .step(async |client| {
            client.batch_execute("BEGIN").await?;
            client.batch_execute(LOCK).await?;
            client.batch_execute(FORMATS).await
        })
        .map_err(failed)?;
    // Under the lock: another server may have been here meanwhile.
    let format = self::format(session).map_err(failed)?;
    if format > NEWEST {
        return Err(newer(format));
    }
    let migrate = session.step(async |client| {
        for (reached, migration) in (1..=NEWEST).zip(MIGRATIONS).skip(format as usize) {
            client.batch_execute(migration).await?;
            let note = format!("INSERT INTO hearth.formats VALUES ({reached}, {since})");
            client.batch_execute(&note).await?;
        }
        client.batch_execute("COMMIT").await
    });
    migrate.map_err(failed)
}

fn refused(server: &str, trouble: &Trouble) -> PostgresError {
    PostgresError::Refused { server: server.to_owned(), reason: trouble.text().to_owned() }
}

/// The database's format; zero where there is none yet.
fn format(session: &mut Session) -> Result<u32, Trouble> {
    session.step(async |client| {
        let exists = client.query_one("SELECT to_regclass('hearth.formats') IS NOT NULL", &[]).await?;
        if !exists.get::<_, bool>(0) {
            return Ok(0);
        }
        let row =
            client.query_one("SELECT coalesce(max(format), 0)::integer FROM hearth.formats", &[]).await?;
        Ok(u32::try_from(row.get::<_, i32>(0)).unwrap_or(u32::MAX))
    })
}
