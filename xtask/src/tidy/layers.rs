//! Dependencies between the crates of the workspace point one way.

use super::Finding;

/// From the lowest to the highest; a crate may use those before it.
const ORDER: [&str; 5] = ["stylegan-kernels", "stylegan-core", "stylegan-metrics", "stylegan-train", "stylegan-cli"];

/// Checks one manifest. Development dependencies are free: a test may look down on its crate.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let Some(own) = path.split('/').nth(1).and_then(rank) else {
        return vec![Finding::new(
            path,
            0,
            format!("not one of the known crates ({}): add it to tidy's order", ORDER.join(", ")),
        )];
    };
    let mut findings = Vec::new();
    let mut section = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        }
        if section.starts_with("dev-dependencies") || !section.contains("dependencies") {
            continue;
        }
        let name = line.split(['.', '=', ' ', '"']).next().unwrap_or_default();
        if let Some(other) = rank(name)
            && other >= own
        {
            let text = format!("{} must not depend on {name}: dependencies go {}", ORDER[own], ORDER.join(" <- "));
            findings.push(Finding::new(path, index + 1, text));
        }
    }
    findings
}

fn rank(name: &str) -> Option<usize> {
    ORDER.iter().position(|&crate_| crate_ == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_down() {
        let manifest = |name: &str| {
            format!(
                "[dependencies]\nserde = \"1\"\n{name}.workspace = true\n[dev-dependencies]\nstylegan-cli = \"0\"\n"
            )
        };
        let core = "crates/stylegan-core/Cargo.toml";
        assert!(check(core, &manifest("stylegan-kernels")).is_empty());
        assert_eq!(check(core, &manifest("stylegan-train")).len(), 1);
        assert_eq!(check("crates/elsewhere/Cargo.toml", "").len(), 1);
    }
}
