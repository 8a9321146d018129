//! [`Quit`]: tells a thread that its pump has ended: it waits for nothing more, and says nothing more. The next pump of the
//! consumer has the same mailbox.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// What a pump's thread is told when the pump ends.
#[derive(Default)]
pub(super) struct Quit {
    is_said: Mutex<bool>,
    told: Condvar,
}

impl Quit {
    /// From the return on, nothing of [`Quit::unless_said`] is done.
    pub(super) fn say(&self) {
        *self.is_said.lock() = true;
        self.told.notify_all();
    }

    /// Does something that takes no time, unless it is time to go.
    pub(super) fn unless_said(&self, something: impl FnOnce()) {
        let is_said = self.is_said.lock();
        if !*is_said {
            something();
        }
    }

    /// Waits; true when it is time to go.
    pub(super) fn is_said_within(&self, time: Duration) -> bool {
        let mut is_said = self.is_said.lock();
        if !*is_said {
            self.told.wait_for(&mut is_said, time);
        }
        *is_said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_it_waits_for_what_is_being_done_and_nothing_is_done_after_it() {
        let (quit, mut n_done) = (Quit::default(), 0);
        quit.unless_said(|| {
            n_done += 1;
            assert!(quit.is_said.try_lock().is_none(), "it could be said in the middle");
        });
        quit.say();
        quit.unless_said(|| n_done += 1);
        assert_eq!(n_done, 1);
    }
}
