//! The class of a network that is typed: its name or its number.

use crate::exit::wrong;
use stylegan_core::{Model, printable};
use unicode_normalization::UnicodeNormalization;

/// The class of `classes`, some of them with names, that was typed: a name wins over a number, and where names are numbers
/// there are no others.
pub(crate) fn class_number(typed: &str, names: &[String], classes: usize) -> Option<usize> {
    let named = names.iter().position(|name| name.nfc().eq(typed.nfc()));
    let number = typed.parse().ok().filter(|_| !are_numbers(names));
    named.or(number).filter(|class| *class < classes)
}

/// Whether all names of classes are numbers of their own.
pub(crate) fn are_numbers(names: &[String]) -> bool {
    !names.is_empty() && names.iter().all(|name| name.parse::<u64>().is_ok())
}

/// The class of a network that was typed.
pub(crate) fn class_of(typed: &str, model: &Model, network: &str) -> anyhow::Result<usize> {
    let classes = model.generator().spec().condition.label_dim();
    if classes == 0 {
        wrong!("{network} was trained without labels; leave --class out");
    }
    match class_number(typed, &model.classes(), classes) {
        Some(class) => Ok(class),
        None => wrong!("--class {typed}: {network} has {classes} classes: {}", listed(model)),
    }
}

/// The classes of a network, by name where they have names.
pub(crate) fn listed(model: &Model) -> String {
    let last = model.generator().spec().condition.label_dim().saturating_sub(1);
    match &model.classes()[..] {
        [] => format!("0 to {last}"),
        names if are_numbers(names) => names.join(", "),
        names => format!("{} (0 to {last})", printable(&names.join(", "))),
    }
}
