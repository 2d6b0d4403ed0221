//! Nothing that was acknowledged is lost: kills at any moment, losses of power at any moment, disks that fail.
//!
//! ```text
//! HEARTH_KILLS   how often a server or its spawner is killed under load        (short form when absent)
//! HEARTH_CUTS    how often the power goes, for the store alone; a twentieth of it for the whole server
//! HEARTH_SEED    repeats a run; each test prints its seed
//! ```

mod crashes;
mod expected;
mod injected;
mod load;
mod objects;
mod power_loss;
mod server_power_loss;
mod store_driver;

/// A number from the environment, or the one of the short form.
fn how_often(variable: &str, short: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}
