//! Lines of `stats.jsonl`.

/// The mean of a statistic in a line of stats.jsonl.
pub(crate) fn mean(line: &str, key: &str) -> Option<f64> {
    let (_, rest) = line.split_once(&format!("\"{key}\":"))?;
    let (object, _) = rest.split_once('}')?;
    let (_, number) = object.split_once("\"mean\":")?;
    number.split(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_found() {
        let line = r#"{"Loss/D/loss":{"count":2.0,"mean":0.5,"std":0},"Timing/exchange":{"count":1.0,"mean":2.5e-3}}"#;
        assert_eq!((mean(line, "Timing/exchange"), mean(line, "Loss/D/loss")), (Some(0.0025), Some(0.5)));
        assert_eq!(mean(line, "Timing/else"), None);
    }
}
