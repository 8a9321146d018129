//! [`Lives`]: whether a process that ends by itself is worth another start: pure.

/// The lives of one process, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    has_run: bool,
    /// How many in a row ended by themselves before they ran.
    n_in_vain: u32,
}

impl Lives {
    /// So many ends before it runs are no accident: a start that fails fails again.
    pub(crate) const MOST_IN_VAIN: u32 = 5;

    /// One ran, whatever ended it.
    pub(crate) fn ran(&mut self) {
        self.has_run = true;
        self.n_in_vain = 0;
    }

    /// Whether one ever ran.
    pub(crate) fn has_run(&self) -> bool {
        self.has_run
    }

    /// One ended that nobody had killed or stopped. Whether there is no use in another one.
    #[must_use]
    pub(crate) fn ended_by_itself(&mut self, has_run: bool) -> bool {
        if has_run {
            self.ran();
        } else {
            self.n_in_vain += 1;
        }
        self.n_in_vain >= Self::MOST_IN_VAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_never_runs_is_given_up() {
        let mut lives = Lives::default();
        let given_up: Vec<_> = (0..5).map(|_| lives.ended_by_itself(false)).collect();
        assert_eq!(given_up, [false, false, false, false, true]);
        assert!(!lives.has_run());
    }

    #[test]
    fn a_process_that_runs_may_end_as_often_as_it_will() {
        let mut lives = Lives::default();
        assert!((0..100).all(|n| !lives.ended_by_itself(n % 4 == 3)));
        assert!(lives.has_run());
    }

    #[test]
    fn one_that_ran_until_it_was_killed_counts_as_well() {
        let mut lives = Lives::default();
        assert!((0..4).all(|_| !lives.ended_by_itself(false)));
        lives.ran();
        assert!((0..4).all(|_| !lives.ended_by_itself(false)));
    }
}
