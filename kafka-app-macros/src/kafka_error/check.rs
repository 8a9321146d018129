//! What cannot be said together of an error.

use super::model::{Error, Said};
use crate::ctxt::Ctxt;

/// Reports every contradiction.
pub(crate) fn rules(error: &Error, cx: &Ctxt) {
    one_class(&error.own, cx);
    for variant in &error.variants {
        one_class(&variant.said, cx);
    }
}

fn one_class(said: &[Said], cx: &Ctxt) {
    let Some((first, others)) = said.split_first() else { return };
    for other in others {
        if other.class == first.class {
            cx.error(&other.name, format!("`#[{}]` is given twice", other.name));
        } else {
            cx.error(&other.name, format!("`#[{}]` with `#[{}]`: an error has one class", other.name, first.name));
        }
    }
}
