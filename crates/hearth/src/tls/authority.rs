//! A certificate authority of the server's own, for operators who have none: made once, kept in the data folder.
//!
//! ```text
//! data/tls/ca.pem   what clients trust        ca.key   0600, signs the server's certificate
//! ```
//!
//! The server's certificate is made in memory, at every start and once a day, and lasts 30 days.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;

use hearth_world::Timestamp;

/// What clients trust.
pub const AUTHORITY_FILE: &str = "ca.pem";

/// The authority's private key.
const KEY_FILE: &str = "ca.key";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Ten years: clients are told about an authority by hand.
const AUTHORITY_DAYS: u32 = 3_650;

/// Of the server's certificate, which is made anew every day.
const CERTIFICATE_DAYS: u32 = 30;

/// Certificates are valid a day before they are made: clocks differ.
const BEFORE_DAYS: u32 = 1;

/// A new certificate for these names, signed by the folder's authority, which is made when it is not there yet.
pub(super) fn own_certificate(
    folder: &Path,
    names: &[String],
    now: Timestamp,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let authority = authority(folder, now)?;
    let key = KeyPair::generate().context("make a private key")?;
    let mut params =
        CertificateParams::new(names.to_vec()).context("put the server's names into a certificate")?;
    lasts(&mut params, now, CERTIFICATE_DAYS)?;
    params.distinguished_name.push(DnType::CommonName, "Hearth");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &authority).context("sign the server's certificate")?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((vec![certificate.der().clone()], key.into()))
}

fn authority(folder: &Path, now: Timestamp) -> Result<Issuer<'static, KeyPair>> {
    let (key_file, certificate_file) = (folder.join(KEY_FILE), folder.join(AUTHORITY_FILE));
    let read = fs::read_to_string(&key_file);
    let key = match read {
        // The certificate comes last: without it, nobody can trust the key yet.
        Ok(text) if certificate_file.is_file() => {
            KeyPair::from_pem(&text).with_context(|| format!("read {}", key_file.display()))?
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("read {}", key_file.display()));
        }
        _ => {
            let key = KeyPair::generate().context("make the authority's private key")?;
            let certificate =
                authority_params(now)?.self_signed(&key).context("make the authority's certificate")?;
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .context("make the folder tls")?;
            write(&key_file, &key.serialize_pem(), 0o600)?;
            write(&certificate_file, &certificate.pem(), 0o644)?;
            key
        }
    };
    // Of the authority's certificate only the name and the key decide what it signs.
    Ok(Issuer::new(authority_params(now)?, key))
}

fn authority_params(now: Timestamp) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    lasts(&mut params, now, AUTHORITY_DAYS)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Hearth's own authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn lasts(params: &mut CertificateParams, now: Timestamp, days: u32) -> Result<()> {
    let now =
        OffsetDateTime::from_unix_timestamp(now.as_millis().div_euclid(1_000)).context("read the clock")?;
    params.not_before = now - DAY * BEFORE_DAYS;
    params.not_after = now + DAY * days;
    Ok(())
}

/// The file stands whole or not at all.
fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let draft = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().with_context(|| format!("write {}", path.display()))
}
