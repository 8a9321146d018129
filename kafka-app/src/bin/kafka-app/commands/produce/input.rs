//! [`Input`]: standard input and files, read on a thread of their own into records.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use kafka_app::ProducerRecord;
use tokio::sync::mpsc;

use super::lines::LineFormat;
use crate::failure::Failure;

/// So much is read at a time.
const READ_BYTES: usize = 256 * 1024;
/// Blocks that wait to be sent, so that a slow cluster slows reading down.
const BLOCKS: usize = 8;

/// What records are made of.
#[derive(Debug)]
pub(crate) struct Input {
    /// `-` is standard input.
    pub(crate) files: Vec<PathBuf>,
    /// Each file is one record.
    pub(crate) whole: bool,
    pub(crate) format: LineFormat,
}

/// Where a record comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    file: Arc<str>,
    /// From 1; 0 is the whole file.
    line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 { write!(f, ":{}", self.line) } else { Ok(()) }
    }
}

/// Records that were read at once.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) records: Vec<(Place, Result<ProducerRecord, String>)>,
    pub(crate) n_bytes: usize,
}

impl Input {
    /// How many bytes there are, if that is known.
    pub(crate) fn size(&self) -> Option<u64> {
        let size = |file: &PathBuf| {
            let metadata = (!is_standard_input(file)).then(|| file.metadata().ok()).flatten()?;
            metadata.is_file().then_some(metadata.len())
        };
        self.files.iter().map(size).sum()
    }

    pub(crate) fn has_standard_input(&self) -> bool {
        self.files.iter().any(|file| is_standard_input(file))
    }

    /// Files that cannot be opened are told before anything is sent.
    ///
    /// # Errors
    /// Those.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let named = self.files.iter().filter(|file| !is_standard_input(file));
        let problem = |file: &PathBuf| File::open(file).err().map(|error| format!("{}: {error}", file.display()));
        let problems: Vec<_> = named.filter_map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(Failure::Failed(problems.join("\n       "))) }
    }

    /// Reads all of it, in its order. An error says which file cannot be read, and nothing comes behind it.
    ///
    /// # Errors
    /// There is no thread to read on.
    pub(crate) fn read(self) -> Result<mpsc::Receiver<Result<Block, String>>, Failure> {
        let (blocks, read) = mpsc::channel(BLOCKS);
        let run = move || {
            for file in &self.files {
                let name = if is_standard_input(file) { "standard input".into() } else { file.display().to_string() };
                match self.read_file(file, &name.as_str().into(), &blocks) {
                    Ok(true) => {}
                    // Nobody wants more.
                    Ok(false) => return,
                    Err(error) => {
                        // Who would be told may have gone.
                        let _ = blocks.blocking_send(Err(format!("{name} cannot be read: {error}")));
                        return;
                    }
                }
            }
        };
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(run)
            .map_err(|error| Failure::Failed(format!("no thread to read on: {error}")))?;
        Ok(read)
    }

    fn read_file(
        &self,
        file: &Path,
        name: &Arc<str>,
        blocks: &mpsc::Sender<Result<Block, String>>,
    ) -> io::Result<bool> {
        let mut input: Box<dyn Read> =
            if is_standard_input(file) { Box::new(io::stdin().lock()) } else { Box::new(File::open(file)?) };
        if self.whole {
            let mut bytes = Vec::new();
            input.read_to_end(&mut bytes)?;
            let place = Place { file: Arc::clone(name), line: 0 };
            let n_bytes = bytes.len();
            let record = self.format.record(bytes.into()).transpose().map(|record| (place, record));
            return Ok(blocks.blocking_send(Ok(Block { records: record.into_iter().collect(), n_bytes })).is_ok());
        }
        read_lines(&mut *input, name, &self.format, |block| blocks.blocking_send(Ok(block)).is_ok())
    }
}

fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// Whether `each` wants all blocks. A line ends with a newline; all other bytes are of it.
fn read_lines(
    input: &mut dyn Read,
    name: &Arc<str>,
    format: &LineFormat,
    mut each: impl FnMut(Block) -> bool,
) -> io::Result<bool> {
    let mut rest = BytesMut::new();
    let mut line = 0;
    loop {
        let length = rest.len();
        // A line that is longer than that doubles it, so that it is not looked at in ever so many pieces.
        rest.resize(length + READ_BYTES.max(length), 0);
        let read = input.read(&mut rest[length..]);
        rest.truncate(length + read.as_ref().copied().unwrap_or(0));
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
            Ok(0) => {
                let last = rest.freeze();
                return Ok(last.is_empty() || each(block(&last, name, format, &mut line)));
            }
            Ok(_) => {}
        }
        if let Some(end) = rest[length..].iter().rposition(|byte| *byte == b'\n') {
            let lines = rest.split_to(length + end + 1).freeze();
            if !each(block(&lines, name, format, &mut line)) {
                return Ok(false);
            }
        }
    }
}

/// The records of whole lines; `line` is the number of the last one before them.
fn block(lines: &Bytes, name: &Arc<str>, format: &LineFormat, line: &mut u64) -> Block {
    let mut records = Vec::new();
    let mut start = 0;
    while start < lines.len() {
        let length = lines[start..].iter().position(|byte| *byte == b'\n').unwrap_or(lines.len() - start);
        *line += 1;
        let record = format.record(lines.slice(start..start + length)).transpose();
        records.extend(record.map(|record| (Place { file: Arc::clone(name), line: *line }, record)));
        start += length + 1;
    }
    Block { records, n_bytes: lines.len() }
}

#[cfg(test)]
mod tests {
    use super::{
        super::lines::{LineForm, format},
        *,
    };

    /// Gives so many bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(length);
            buffer[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    fn values(input: &[u8], at_a_time: usize) -> Vec<(u64, Vec<u8>)> {
        let mut all = Vec::new();
        let name = Arc::from("input");
        let each = |block: Block| {
            let value = |(place, record): (Place, Result<ProducerRecord, String>)| {
                (place.line, record.unwrap().payload.unwrap().to_vec())
            };
            all.extend(block.records.into_iter().map(value));
            true
        };
        assert!(read_lines(&mut Slow(input, at_a_time), &name, &format(LineForm::Value), each).unwrap());
        all
    }

    #[test]
    fn how_bytes_arrive_makes_no_difference_and_the_last_line_may_have_no_end() {
        let input = b"one\n\ntwo\xff\r\n\0\nlast";
        let expected = [(1, &b"one"[..]), (2, b""), (3, b"two\xff\r"), (4, b"\0"), (5, b"last")]
            .map(|(n, line)| (n, line.to_vec()));
        for at_a_time in [1, 2, 3, 7, 100] {
            assert_eq!(values(input, at_a_time), expected, "{at_a_time}");
        }
        assert_eq!(values(b"", 1), []);
        assert_eq!(values(b"\n", 1), [(1, vec![])]);
    }

    #[test]
    fn a_long_line_is_one_record() {
        let mut input = vec![b'x'; 3 * READ_BYTES];
        input.extend_from_slice(b"\nshort\n");
        let lengths: Vec<_> = values(&input, 100_000).into_iter().map(|(n, line)| (n, line.len())).collect();
        assert_eq!(lengths, [(1, 3 * READ_BYTES), (2, 5)]);
    }

    #[test]
    fn a_line_that_is_no_record_is_told_with_its_number() {
        let lines = Bytes::from("{\"value\":\"1\"}\n\n{\"value\":1}\n");
        let block = block(&lines, &Arc::from("orders.jsonl"), &format(LineForm::Json), &mut 0);
        assert_eq!((block.records.len(), block.n_bytes), (2, 27));
        let (place, record) = &block.records[1];
        assert_eq!((place.to_string().as_str(), record.is_err()), ("orders.jsonl:3", true));
    }
}
