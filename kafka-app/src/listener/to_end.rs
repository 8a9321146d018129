//! [`ToEnd`]: how far a partition is read that is read up to where it ended, and no further: pure.

/// The way to the end of one partition.
///
/// Offsets have gaps (compaction, markers of transactions, records of aborted ones), so the last offset before the end may
/// never be seen. What shows that the end is reached is a record behind it, or the client's word that there is no more for
/// now, with the offset it looks for next.
#[derive(Debug, Default)]
pub(crate) struct ToEnd {
    end: Option<i64>,
    /// Everything before it was read, or is no record.
    read_upto: Option<i64>,
}

impl ToEnd {
    /// Where it ended; until that is known nothing is read. The smallest counts: a log can become shorter.
    pub(crate) fn ends_at(&mut self, end: i64) {
        self.end = Some(self.end.map_or(end, |known| known.min(end)));
    }

    /// Whether there may be more to read.
    pub(crate) fn wants_more(&self) -> bool {
        self.end.is_some() && !self.is_reached()
    }

    /// A record comes. Whether it belongs to what is read.
    pub(crate) fn takes(&mut self, offset: i64) -> bool {
        let is_before = self.end.is_some_and(|end| offset < end);
        self.read_upto(if is_before { offset.saturating_add(1) } else { offset });
        is_before
    }

    /// There is no more for now, and this offset is looked for next. Whether that is before the end: then more has come since,
    /// or the log has become shorter, and only the broker knows which.
    pub(crate) fn is_short(&mut self, offset: i64) -> bool {
        self.read_upto(offset);
        self.wants_more()
    }

    /// There is nothing before this offset that was not read.
    fn read_upto(&mut self, offset: i64) {
        self.read_upto = self.read_upto.max(Some(offset));
    }

    /// It is read again from elsewhere.
    pub(crate) fn restart(&mut self) {
        self.read_upto = None;
    }

    pub(crate) fn is_reached(&self) -> bool {
        self.end.zip(self.read_upto).is_some_and(|(end, read_upto)| read_upto >= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(end: i64) -> ToEnd {
        let mut to_end = ToEnd::default();
        to_end.ends_at(end);
        to_end
    }

    #[test]
    fn nothing_is_read_before_the_end_is_known_and_the_first_one_counts() {
        let mut to_end = ToEnd::default();
        assert!(!to_end.wants_more() && !to_end.is_reached());
        to_end.ends_at(3);
        to_end.ends_at(9);
        assert_eq!((0..5).map(|offset| to_end.takes(offset)).collect::<Vec<_>>(), [true, true, true, false, false]);
        assert!(to_end.is_reached() && !to_end.wants_more());
    }

    #[test]
    fn the_last_record_before_the_end_reaches_it() {
        let mut to_end = to(3);
        assert!(to_end.takes(1) && !to_end.is_reached());
        assert!(to_end.takes(2) && to_end.is_reached());
    }

    #[test]
    fn where_the_last_offsets_are_no_records_a_later_record_or_the_clients_word_tells() {
        let mut by_record = to(5);
        assert!(by_record.takes(2) && !by_record.is_reached());
        assert!(!by_record.takes(7) && by_record.is_reached());
        let mut by_word = to(5);
        assert!(by_word.is_short(4), "more has come since the client looked");
        assert!(!by_word.is_short(5) && by_word.is_reached());
    }

    #[test]
    fn a_log_that_became_shorter_ends_where_it_ends_now() {
        let mut to_end = to(9);
        assert!(to_end.takes(3) && to_end.is_short(4));
        to_end.ends_at(4);
        assert!(to_end.is_reached());
    }

    #[test]
    fn an_empty_partition_is_read_when_the_client_says_so() {
        let mut to_end = to(0);
        assert!(to_end.wants_more());
        assert!(!to_end.is_short(0) && to_end.is_reached());
    }

    #[test]
    fn what_is_read_again_is_read_to_the_end_again() {
        let mut to_end = to(2);
        assert!(to_end.takes(1) && to_end.is_reached());
        to_end.restart();
        assert!(to_end.wants_more() && to_end.takes(0) && !to_end.is_reached());
    }
}
