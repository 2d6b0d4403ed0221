//! What accounts may use of Lambda: the same for all, or for one of them.

use std::collections::BTreeMap;

use clap::Args;
use hearth_service_lambda::Quotas;
use hearth_service_lambda::limits::CONCURRENT_EXECUTIONS;

use crate::cli::account;

/// What the command line says of it.
#[derive(Args, Clone, Debug)]
#[group(id = "quotas")]
pub struct Options {
    /// Calls of an account in a region that run at the same time
    #[arg(long, value_name = "N", default_value_t = CONCURRENT_EXECUTIONS, value_parser = concurrent_range())]
    pub concurrent_executions: u32,
    /// Packages and layers of an account in a region, together: 75GB, 512MB
    #[arg(long, value_name = "SIZE", default_value = "75GB", value_parser = size)]
    pub code_storage: u64,
    /// A quota of one account: ACCOUNT:concurrent-executions=N or ACCOUNT:code-storage=SIZE; may be given more than
    /// once
    #[arg(long = "account-quota", value_name = "QUOTA", value_parser = account_quota)]
    pub account_quotas: Vec<AccountQuota>,
}

/// One quota of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountQuota {
    account: String,
    quotas: Quotas,
}

impl Options {
    /// By account; of two for the same thing the last one counts.
    pub fn by_account(&self) -> BTreeMap<String, Quotas> {
        let mut all: BTreeMap<String, Quotas> = BTreeMap::new();
        for AccountQuota { account, quotas } in &self.account_quotas {
            let of_account = all.entry(account.clone()).or_default();
            *of_account = Quotas {
                concurrent_executions: quotas.concurrent_executions.or(of_account.concurrent_executions),
                code_storage_bytes: quotas.code_storage_bytes.or(of_account.code_storage_bytes),
            };
        }
        all
    }
}

/// A server runs 1,000 environments: more calls could never run at the same time.
fn concurrent_range() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(CONCURRENT_EXECUTIONS))
}

fn concurrent(text: &str) -> Result<u32, String> {
    let number: Option<u32> = text.parse().ok().filter(|number| (1..=CONCURRENT_EXECUTIONS).contains(number));
    number.ok_or_else(|| format!("{text} is not in 1..={CONCURRENT_EXECUTIONS}"))
}

/// `ACCOUNT:NAME=VALUE`.
fn account_quota(text: &str) -> Result<AccountQuota, String> {
    let parts = text.split_once(':').and_then(|(id, rest)| Some((id, rest.split_once('=')?)));
    let (id, (name, value)) =
        parts.ok_or("ACCOUNT:NAME=VALUE is wanted, as 123456789012:code-storage=1GB")?;
    let quotas = match name {
        "concurrent-executions" => {
            Quotas { concurrent_executions: Some(concurrent(value)?), ..Quotas::default() }
        }
        "code-storage" => Quotas { code_storage_bytes: Some(size(value)?), ..Quotas::default() },
        _ => return Err(format!("unknown quota {name}: there are concurrent-executions and code-storage")),
    };
    Ok(AccountQuota { account: account(id)?, quotas })
}

/// Bytes, with or without a unit; a KB has 1,024.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text} is no size: use 75GB, 512MB, 64KB, or bytes");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit: u64 = match &text[digits..] {
        "" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1 << 40,
        _ => return Err(wrong()),
    };
    // GetAccountSettings tells it as a signed number.
    number.checked_mul(unit).filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_of_powers_of_1024() {
        for (text, bytes) in [("75GB", 80_530_636_800), ("512MB", 536_870_912), ("7", 7), ("0KB", 0)] {
            assert_eq!(size(text), Ok(bytes));
        }
        for wrong in ["", "GB", "1.5GB", "1gb", "-1", "9999999TB", "é", "99999999999999999999"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quotas_of_one_account_are_put_together() {
        let quota = |text| account_quota(text).unwrap();
        let options = Options {
            concurrent_executions: 1_000,
            code_storage: 1,
            account_quotas: vec![
                quota("123456789012:concurrent-executions=5"),
                quota("123456789012:code-storage=1KB"),
                quota("123456789012:concurrent-executions=6"),
            ],
        };
        let both = Quotas { concurrent_executions: Some(6), code_storage_bytes: Some(1_024) };
        assert_eq!(options.by_account(), BTreeMap::from([("123456789012".to_owned(), both)]));
        for wrong in
            ["1:code-storage=1KB", "123456789012", "123456789012:x=1", "123456789012:concurrent-executions=0"]
        {
            assert!(account_quota(wrong).is_err(), "{wrong}");
        }
    }
}
