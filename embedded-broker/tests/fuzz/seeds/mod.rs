//! Inputs that mean something, made by the codec: where chance begins.

mod batches;
mod directories;
mod requests;
mod sessions;

/// A name and an input.
pub(crate) type Seed = (String, Vec<u8>);

/// The seeds of each target.
pub(crate) fn all() -> Vec<(&'static str, Vec<Seed>)> {
    let requests = [requests::each_alone(), sessions::all()].concat();
    let frames = requests::as_frames();
    vec![("request", requests), ("frame", frames), ("batch", batches::all()), ("recovery", directories::all())]
}

fn named(name: &str, bytes: Vec<u8>) -> Seed {
    (name.to_owned(), bytes)
}

/// Bytes with their length in front, as all targets cut their inputs.
fn piece(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).expect("seeds are short");
    [&len.to_be_bytes(), bytes].concat()
}
