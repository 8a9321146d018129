//! Lines of standard input, read on a thread of its own.

use std::io::{self, IsTerminal as _, Write as _};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::line_reader::Lines;
use crate::failure::Failure;

/// Blocks of lines that wait to be sent, so that a slow cluster slows reading down.
const BLOCKS: usize = 16;
const BLOCK_BYTES: usize = 64 * 1024;

/// Reads on a thread of its own, since that blocks; with a prompt before each line if a terminal is on both ends.
pub(super) fn lines_of_standard_input() -> Result<mpsc::Receiver<io::Result<Vec<Bytes>>>, Failure> {
    let (blocks, lines) = mpsc::channel(BLOCKS);
    let has_prompt = io::stdin().is_terminal() && io::stdout().is_terminal();
    let read = move || {
        if let Err(error) = read_lines(&mut io::stdin().lock(), has_prompt, &blocks) {
            // Whoever reads them has ended.
            let _gone = blocks.blocking_send(Err(error));
        }
    };
    std::thread::Builder::new()
        .name("standard-input".to_owned())
        .spawn(read)
        .map_err(|error| Failure::Failed(format!("no thread to read standard input on: {error}")))?;
    Ok(lines)
}

fn read_lines(
    input: &mut impl io::Read,
    has_prompt: bool,
    blocks: &mpsc::Sender<io::Result<Vec<Bytes>>>,
) -> io::Result<()> {
    let mut lines = Lines::default();
    loop {
        if has_prompt {
            io::stdout().write_all(b">")?;
            io::stdout().flush()?;
        }
        let buffer = lines.buffer();
        let length = buffer.len();
        // A line that is longer than a block doubles it, so that it is not read in ever so many pieces.
        buffer.resize(length + BLOCK_BYTES.max(length), 0);
        let read = match input.read(&mut buffer[length..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            read => read.map(Some),
        };
        buffer.truncate(length + read.as_ref().ok().copied().flatten().unwrap_or(0));
        let is_end = read? == Some(0);
        let mut complete = lines.complete();
        if is_end {
            complete.extend(lines.last());
        }
        if !complete.is_empty() && blocks.blocking_send(Ok(complete)).is_err() || is_end {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_read_in_blocks_of_whole_lines_and_a_last_line_may_have_no_end() {
        let text = "x".repeat(3 * BLOCK_BYTES) + "\nshort\nlast";
        let (blocks, mut lines) = mpsc::channel(100);
        read_lines(&mut text.as_bytes(), false, &blocks).unwrap();
        drop(blocks);
        let mut all = Vec::new();
        while let Some(block) = lines.blocking_recv() {
            all.extend(block.unwrap());
        }
        assert_eq!(all.iter().map(Bytes::len).collect::<Vec<_>>(), [3 * BLOCK_BYTES, 5, 4]);
    }
}
