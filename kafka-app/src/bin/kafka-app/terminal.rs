//! What kind of terminal a stream is.

use std::{env, ffi::OsStr, io::IsTerminal};

/// How large a terminal is, in columns and rows.
pub(crate) type Size = (usize, usize);

/// None, if it is not a terminal or nobody has said it.
#[cfg(unix)]
pub(crate) fn size(stream: impl std::os::fd::AsFd) -> Option<Size> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| (usize::from(size.ws_col), usize::from(size.ws_row)))
}

#[cfg(not(unix))]
pub(crate) fn size<S>(_: S) -> Option<Size> {
    None
}

/// Whether a stream may be in colours: it is a terminal that has some, and nobody wants none (<https://no-color.org>).
pub(crate) fn in_colours(stream: &impl IsTerminal) -> bool {
    let is_unwanted = env::var_os("NO_COLOR").is_some_and(|said| !said.is_empty());
    stream.is_terminal() && !is_unwanted && env::var_os("TERM").as_deref() != Some(OsStr::new("dumb"))
}
