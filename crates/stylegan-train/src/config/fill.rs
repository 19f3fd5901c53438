//! Filling in what a file leaves out.

use toml::{Table, Value};

/// Adds the keys of `base` that `table` lacks, in sections too. A section of another kind than the
/// one below it has other keys and takes none.
pub(super) fn lay_under(table: &mut Table, base: Table) {
    for (key, below) in base {
        match (table.get_mut(&key), below) {
            (None, below) => {
                table.insert(key, below);
            }
            (Some(Value::Table(own)), Value::Table(below)) => {
                let same_kind = own.get("kind").is_none_or(|kind| Some(kind) == below.get("kind"));
                if same_kind {
                    lay_under(own, below);
                }
            }
            (Some(_), _) => {}
        }
    }
}

/// Calls `fill` with the table `name`, made where missing; a value of another type stays as it is
/// for the parser to refuse.
pub(super) fn with_section(table: &mut Table, name: &str, fill: impl FnOnce(&mut Table)) {
    if let Value::Table(inner) = table.entry(name).or_insert_with(|| Value::Table(Table::new())) {
        fill(inner);
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::String(text.into())
}
