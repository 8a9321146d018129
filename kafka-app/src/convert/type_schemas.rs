//! What is made of a type once: its schema, and what its format makes of that.

use std::{any::Any, cell::Cell, collections::HashMap};

use parking_lot::Mutex;

use crate::error::{Error, ErrorKind};

type Made = &'static (dyn Any + Send + Sync);

/// By the address of the function that makes it: a generic function has one for each type, whatever it borrows. Functions the
/// linker folds into one make the same.
static MADE: Mutex<Option<HashMap<usize, Made>>> = Mutex::new(None);

thread_local! {
    /// What this thread asked for last: usually the only thing it ever asks for.
    static LAST: Cell<Option<(usize, Made)>> = const { Cell::new(None) };
}

/// What `make` makes, made once for as long as the program runs.
pub(super) fn once<S: Send + Sync + 'static>(make: fn() -> S) -> &'static S {
    let address = make as usize;
    if let Some((last, made)) = LAST.get()
        && last == address
        && let Some(made) = made.downcast_ref()
    {
        return made;
    }
    let made: &'static S = kept(address, make);
    LAST.set(Some((address, made)));
    made
}

fn kept<S: Send + Sync + 'static>(address: usize, make: fn() -> S) -> &'static S {
    let known = MADE.lock().as_ref().and_then(|made| made.get(&address)?.downcast_ref());
    known.unwrap_or_else(|| {
        // Made without the lock: a schema may hold others. Two threads may both make it; both live on.
        let made: &'static S = Box::leak(Box::new(make()));
        MADE.lock().get_or_insert_default().entry(address).or_insert(made).downcast_ref().unwrap_or(made)
    })
}

/// A value with a schema that is to be encoded by itself.
pub(super) fn without_registry<T>() -> Error {
    let text = format!(
        "`{}` is written with the id of its schema, which `ToPayload::encode` does not know: a type that wraps it passes on \
         `ToPayload::with_schema`",
        std::any::type_name::<T>()
    );
    Error::new(ErrorKind::Codec, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of<T>() -> String {
        std::any::type_name::<T>().to_owned()
    }

    #[test]
    fn each_type_has_its_own_and_it_is_made_once() {
        let first = once(name_of::<u8>);
        assert_eq!((first.as_str(), once(name_of::<u16>).as_str()), ("u8", "u16"));
        assert!(std::ptr::eq(first, once(name_of::<u8>)));
    }
}
