//! [`InFlight`]: how much of a partition its lanes hold, and how much more they may: pure.

/// What may be in flight of one partition: taken and not let go of by its lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) n_records: u64,
    pub(crate) n_bytes: u64,
    /// Room for fewer records than this is none: where each makes room by itself, they would be taken one by one.
    pub(crate) least: u64,
}

/// What was taken of a partition. What its lanes have let go of they count themselves, in records and bytes since the same
/// beginning: `released`.
#[derive(Debug)]
pub(crate) struct InFlight {
    bounds: Bounds,
    n_records: u64,
    n_bytes: u64,
    /// Of the latest records, to guess how many fit into a number of bytes.
    average_size: u64,
}

/// How many records are taken at the first look at a partition, when nothing is known of their size.
const AT_FIRST: u64 = 16;

impl InFlight {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, n_records: 0, n_bytes: 0, average_size: 0 }
    }

    /// How many records may be taken now, where `window` more may be unfinished. Bytes are known only afterwards, so their
    /// number is guessed from the last.
    pub(crate) fn room(&self, (released, released_bytes): (u64, u64), window: u64) -> u64 {
        let n_records = self.bounds.n_records.saturating_sub(self.n_records.saturating_sub(released)).min(window);
        if n_records < self.bounds.least {
            return 0;
        }
        let n_bytes = self.bounds.n_bytes.saturating_sub(self.n_bytes.saturating_sub(released_bytes));
        let by_bytes = match (n_bytes, self.average_size) {
            (0, _) => 0,
            (_, 0) => AT_FIRST,
            (n_bytes, average) => (n_bytes / average).max(1),
        };
        n_records.min(by_bytes)
    }

    /// How many records have to be let go of, since the beginning, for it to matter: there is room for more then, or nothing
    /// is in flight. 0 where any may make room: it is bytes that there is no room for, or what others have not finished.
    pub(crate) fn matters_from(&self, (released, released_bytes): (u64, u64), window: u64) -> u64 {
        let has_room = (self.n_records + self.bounds.least).saturating_sub(self.bounds.n_records);
        if released < has_room {
            return has_room;
        }
        let has_bytes = self.n_bytes.saturating_sub(released_bytes) < self.bounds.n_bytes;
        if has_bytes && window >= self.bounds.least { self.n_records } else { 0 }
    }

    /// So many records with so many bytes were taken.
    pub(crate) fn take(&mut self, n_records: u64, n_bytes: u64) {
        self.n_records += n_records;
        self.n_bytes += n_bytes;
        self.average_size = n_bytes.checked_div(n_records).unwrap_or(self.average_size).max(1);
    }

    /// Whether any of them is in flight still.
    pub(crate) fn is_any(&self, (released, _): (u64, u64)) -> bool {
        self.n_records > released
    }

    /// Whether these are all that is in flight, and nothing more may be.
    pub(crate) fn is_filled_by(&self, n_records: u64, released: (u64, u64)) -> bool {
        self.room(released, u64::MAX) == 0 && self.n_records.saturating_sub(released.0) == n_records
    }

    /// A new count begins, with records as large as the last.
    pub(crate) fn restart(&mut self) {
        (self.n_records, self.n_bytes) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: (u64, u64) = (0, 0);

    fn in_flight() -> InFlight {
        InFlight::new(Bounds { n_records: 100, n_bytes: 1_000, least: 0 })
    }

    #[test]
    fn a_few_records_are_taken_while_nothing_is_known_of_their_size() {
        assert_eq!((in_flight().room(NOTHING, 1_000), in_flight().is_any(NOTHING)), (AT_FIRST, false));
    }

    #[test]
    fn small_records_are_bound_by_their_number_and_large_ones_by_their_bytes() {
        let mut small = in_flight();
        small.take(10, 10);
        assert_eq!(small.room(NOTHING, 1_000), 90);
        let mut large = in_flight();
        large.take(2, 400);
        assert_eq!(large.room(NOTHING, 1_000), 3);
        large.take(2, 400);
        assert_eq!(large.room(NOTHING, 1_000), 1);
    }

    #[test]
    fn one_larger_than_there_is_room_is_taken_and_then_none() {
        let mut in_flight = in_flight();
        in_flight.take(1, 600);
        assert_eq!(in_flight.room(NOTHING, 1_000), 1, "another one like it, though it does not fit");
        in_flight.take(1, 600);
        assert_eq!(in_flight.room(NOTHING, 1_000), 0);
    }

    #[test]
    fn it_is_filled_by_what_keeps_the_next_from_being_taken_and_by_all_of_it() {
        let mut in_flight = in_flight();
        in_flight.take(4, 900);
        assert!(!in_flight.is_filled_by(4, NOTHING), "there is room");
        in_flight.take(1, 225);
        assert!(in_flight.is_filled_by(5, NOTHING));
        assert!(!in_flight.is_filled_by(3, NOTHING), "lanes hold two, and will make room");
        assert!(!in_flight.is_filled_by(3, (2, 450)), "they have");
    }

    #[test]
    fn what_lanes_have_let_go_of_makes_room() {
        let mut in_flight = in_flight();
        in_flight.take(100, 100);
        assert_eq!((in_flight.room(NOTHING, 1_000), in_flight.is_any((99, 99))), (0, true));
        assert_eq!((in_flight.room((100, 100), 1_000), in_flight.is_any((100, 100))), (100, false));
        in_flight.restart();
        assert_eq!(in_flight.room(NOTHING, 1_000), 100);
    }

    #[test]
    fn what_others_have_not_finished_makes_no_room() {
        let mut in_flight = in_flight();
        in_flight.take(10, 10);
        assert_eq!((in_flight.room((10, 10), 7), in_flight.room((10, 10), 0)), (7, 0));
    }

    #[test]
    fn room_for_a_few_is_none_until_there_is_more_of_it_or_of_bytes_alone() {
        let mut in_flight = InFlight::new(Bounds { n_records: 100, n_bytes: 1_000, least: 10 });
        in_flight.take(100, 100);
        assert_eq!((in_flight.room((9, 9), 1_000), in_flight.room((10, 10), 1_000)), (0, 10));
        assert_eq!((in_flight.room((50, 50), 9), in_flight.room((50, 50), 10)), (0, 10));
        in_flight.take(4, 600);
        assert_eq!(in_flight.room((100, 100), 1_000), 2, "large ones are taken as far as their bytes allow");
    }

    #[test]
    fn what_is_let_go_of_matters_when_it_makes_room_or_was_the_last() {
        let mut in_flight = InFlight::new(Bounds { n_records: 100, n_bytes: 1_000, least: 10 });
        assert_eq!(in_flight.matters_from(NOTHING, 1_000), 0);
        in_flight.take(40, 40);
        assert_eq!(in_flight.matters_from(NOTHING, 1_000), 40, "there is room: only the last");
        in_flight.take(60, 60);
        assert_eq!(in_flight.matters_from(NOTHING, 1_000), 10);
        assert_eq!(in_flight.matters_from((9, 9), 1_000), 10);
        assert_eq!(in_flight.matters_from((10, 10), 1_000), 100, "there is room again");
        assert_eq!(in_flight.matters_from((10, 10), 9), 0, "others are to finish");
        in_flight.take(1, 1_000);
        assert_eq!(in_flight.matters_from((50, 50), 1_000), 0, "its bytes are to be let go of");
    }
}
