//! The list of settings, for the screen and for `docs/settings.md`.

use stylegan_train::config::{RecipeConfig, Setting, Table, encoder_tables, spade_tables, tables};

/// Width of the screen that texts are wrapped to.
const WIDTH: usize = 100;

/// What stands above the settings of the recipe `"spade"`.
const SPADE: &str = "recipe = \"spade\"";

/// And of the recipe `"encoder"`.
const ENCODER: &str = "recipe = \"encoder\"";

/// Settings as they would stand in a configuration, each above what it means: those of the recipe of `config`, or of
/// StyleGAN and Progressive GAN, of networks that paint label maps, and of encoders.
pub(crate) fn list(config: Option<&RecipeConfig>) -> String {
    let all = |tables: Vec<Table>| tables.iter().map(|table| format!("{}\n", one(table))).collect::<String>();
    let gan = || all(tables());
    let spade = || format!("{SPADE}\n\n{}", all(spade_tables()));
    let encoder = || format!("{ENCODER}\n\n{}", all(encoder_tables()));
    match config {
        None => gan() + &spade() + &encoder(),
        Some(RecipeConfig::Gan(_)) => gan(),
        Some(RecipeConfig::Spade(_)) => spade(),
        Some(RecipeConfig::Encoder(_)) => encoder(),
    }
}

fn one(table: &Table) -> String {
    let mut text = format!("{}\n", heading(table));
    text.push_str(&wrapped(&table.doc, "# "));
    for setting in &table.settings {
        text.push_str(&format!("{}\n{}", value(setting), wrapped(&setting.doc, "    ")));
    }
    text
}

/// `[loss] kind = "logistic"`.
fn heading(table: &Table) -> String {
    let name = if table.name.is_empty() { "# above all tables".to_owned() } else { format!("[{}]", table.name) };
    table.kind.iter().fold(name, |name, kind| format!("{name} {kind}"))
}

/// `lr = 0.001 (stylegan2: 0.002)`.
fn value(setting: &Setting) -> String {
    let default = setting.default.as_deref().unwrap_or("(not set)");
    let other = setting.other.as_ref().map_or_else(String::new, |(run, value)| format!("   ({run}: {value})"));
    format!("{} = {default}{other}", setting.key)
}

/// `text` in lines of bounded width, each behind `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && indent.len() + line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&format!("{indent}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.is_empty() { lines } else { lines + indent + &line + "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_listed_with_what_it_means() {
        let list = list(None);
        for part in [
            "seed = 1000\n    Seed of",
            "[loss] kind = \"wgan-gp\"",
            "lr = { 1024 = 0.003",
            "(StyleGAN2: 0.002)",
            "recipe = \"spade\"\n",
            "gan = \"hinge\"   (pix2pixHD: \"lsgan\")",
            "recipe = \"encoder\"\n",
            "optimizer = \"ranger\"\n",
        ] {
            assert!(list.contains(part), "{part} in\n{list}");
        }
        for table in tables().into_iter().chain(spade_tables()).chain(encoder_tables()) {
            for setting in table.settings {
                assert!(setting.doc.len() > 5, "[{}] {}", table.name, setting.key);
            }
        }
    }

    /// `docs/settings.md` is written from the list. When it is out of date this test brings it up to
    /// date and fails; commit the file.
    #[test]
    fn the_page_of_settings_is_current() -> std::io::Result<()> {
        let mut page = String::from(
            "# Settings\n\nWhat can stand in a configuration, or behind `--set` as `table.key=value`; written by a test \
             from the documentation in the code, as `stylegan train --list-settings` prints it. Values are those of \
             StyleGAN's published run, and of StyleGAN2's where they differ: what is not written in a configuration has \
             its architecture's published value.\n",
        );
        let add = |page: &mut String, tables: Vec<Table>| {
            for table in tables {
                let name = heading(&table).replace("# a", "A");
                page.push_str(&format!("\n## {name}\n\n{}\n\n", table.doc));
                for setting in &table.settings {
                    page.push_str(&format!("- `{}`: {}\n", value(setting).replace("   ", " "), setting.doc));
                }
            }
        };
        add(&mut page, tables());
        page.push_str(&format!(
            "\n# Settings with `{SPADE}`\n\nAbove all tables this line makes a file one of networks that paint label maps. \
             Values are those of SPADE's published run, and of pix2pixHD's where they differ.\n"
        ));
        add(&mut page, spade_tables());
        page.push_str(&format!(
            "\n# Settings with `{ENCODER}`\n\nAbove all tables this line makes a file one of encoders of pictures into the \
             styles of a trained generator. Values are those of pixel2style2pixel's published run on FFHQ.\n"
        ));
        add(&mut page, encoder_tables());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
        let found = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        if found != page {
            std::fs::write(path, &page)?;
        }
        assert!(found == page, "docs/settings.md was out of date; it has been written again, commit it");
        Ok(())
    }
}
