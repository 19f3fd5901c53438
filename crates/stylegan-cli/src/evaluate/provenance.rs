//! What reports say of the command that asked for them.

use crate::shell::word;
use candle_core::Device;
use std::time::{SystemTime, UNIX_EPOCH};
use stylegan_kernels::cpu_info::kernels_of;
use stylegan_metrics::report::Provenance;

/// This program on this machine and device, now, asked by `command`.
pub(super) fn provenance(command: String, device: &Device) -> Provenance {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    Provenance {
        command,
        date: date(seconds),
        version: concat!("stylegan ", env!("CARGO_PKG_VERSION")).into(),
        instruction_set: Some(kernels_of(device).into()),
    }
}

/// The words that were typed, as a shell takes them.
pub(super) fn typed() -> String {
    let words = std::env::args_os().skip(1).map(word);
    ["stylegan".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// The moment `seconds` after 1970, in UTC: `2026-11-28T04:50:00Z` (Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    // Years begin in March, so that leap days end them.
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let second = seconds % 86_400;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `date -u -d @N`: the epoch, leap days, the ends of years.
    #[test]
    fn dates() {
        let known = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_795_841_400, "2026-11-28T04:50:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, expected) in known {
            assert_eq!(date(seconds), expected);
        }
    }
}
