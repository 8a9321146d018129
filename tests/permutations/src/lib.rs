//! Every order that threads may take through what lanes and pump, senders and delivery reports share without a lock.
//!
//! The files are kafka-app's own, compiled with loom's atomics in place of the standard library's; loom runs each test
//! once for every order of loads and stores that the memory model allows; where that would take minutes, for each in which
//! a thread is interrupted at most three times. What they guard is stored and loaded relaxed, so
//! that it is seen in time only by what the files themselves order; where a lock of `assigned.rs` guards them, the test
//! has one like it.
#![cfg(test)]
#![allow(dead_code, reason = "a file is taken whole, whatever a test needs of it")]

#[path = "../../../kafka-app/src/listener/done_bits.rs"]
mod done_bits;
#[path = "../../../kafka-app/src/listener/gate.rs"]
mod gate;
#[path = "../../../kafka-app/src/client/window.rs"]
mod window;

mod sync {
    pub(super) use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
}

use std::{
    pin::pin,
    sync::atomic::{AtomicU64 as Plain, Ordering::SeqCst},
    task::{Context, Wake, Waker},
};

use loom::{
    sync::{Arc, Mutex},
    thread,
};

use self::{
    done_bits::DoneBits,
    gate::Gate,
    sync::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    window::Window,
};

/// What is truly finished, said by nothing but what is tested.
#[derive(Clone)]
struct Finished(Arc<Vec<AtomicU64>>);

impl Finished {
    fn none(n_records: u64) -> Self {
        Self(Arc::new((0..n_records).map(|_| AtomicU64::new(0)).collect()))
    }

    fn finish(&self, seq: u64) {
        self.0[usize::try_from(seq).expect("it fits")].store(1, Relaxed);
    }

    /// Whether those before `end` are, of these.
    fn is_any_missing(&self, seqs: impl IntoIterator<Item = u64>, end: u64) -> bool {
        let mut passed = seqs.into_iter().filter(|seq| *seq < end);
        passed.any(|seq| self.0[usize::try_from(seq).expect("it fits")].load(Relaxed) == 0)
    }
}

/// Records that `lanes` finish, each in the order given, while the pump looks; `looks` more looks than lanes.
fn finish(lanes: &'static [&'static [u64]], end: u64, looks: usize) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let (bits, finished) = (Arc::new(DoneBits::new(64)), Finished::none(end));
        let lanes: Vec<_> = lanes
            .iter()
            .map(|seqs| {
                let (bits, finished) = (Arc::clone(&bits), finished.clone());
                thread::spawn(move || {
                    for seq in *seqs {
                        finished.finish(*seq);
                        bits.set(*seq);
                    }
                })
            })
            .collect();
        let mut front = 0;
        for _ in 0..looks {
            let next = bits.take_from(front, end);
            assert!(next >= front, "the watermark never goes back");
            assert!(!finished.is_any_missing(0..end, next), "never past unfinished work");
            front = next;
        }
        for lane in lanes {
            lane.join().expect("a lane");
        }
        assert_eq!(bits.take_from(front, end), end, "what all lanes finished is seen");
    });
}

#[test]
fn two_lanes_of_one_word_are_never_committed_past_unfinished_work() {
    finish(&[&[0], &[1]], 2, 2);
}

#[test]
fn one_lane_that_finishes_backwards_is_committed_as_a_whole() {
    finish(&[&[2, 1, 0]], 3, 2);
}

#[test]
fn lanes_on_both_sides_of_a_word_do_not_disturb_its_passing() {
    // Records before 63 are finished before the threads begin: the last of one word and the first of the next.
    loom::model(|| {
        let bits = Arc::new(DoneBits::new(64));
        (0..63).for_each(|seq| bits.set(seq));
        let front = bits.take_from(0, 65);
        assert_eq!(front, 63);
        let lanes = [63, 64].map(|seq| {
            let bits = Arc::clone(&bits);
            thread::spawn(move || bits.set(seq))
        });
        let front = bits.take_from(front, 65);
        assert!((63..=65).contains(&front));
        for lane in lanes {
            lane.join().expect("a lane");
        }
        let front = bits.take_from(front, 65);
        assert_eq!(front, 65);
        assert!(bits.is_set(64) && !bits.is_any_set(65, 128), "nothing of it is left for the next lap");
    });
}

#[test]
fn a_word_that_is_passed_is_used_again_while_lanes_mark_in_it() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.max_branches = 10_000; // Each record before the threads begin is some.
    model.check(|| {
        let (bits, finished) = (Arc::new(DoneBits::new(64)), Finished::none(130));
        // As many as there is room for, and all but the last two of the first word are finished.
        (0..126).filter(|seq| !(62..64).contains(seq)).for_each(|seq| bits.set(seq));
        let front = bits.take_from(0, 126);
        assert_eq!(front, 62);
        let handed = Arc::new(AtomicU64::new(0));
        let lanes = [0, 1].map(|lane| {
            let (bits, finished, handed) = (Arc::clone(&bits), finished.clone(), Arc::clone(&handed));
            thread::spawn(move || {
                finished.finish(62 + lane);
                bits.set(62 + lane);
                let has_more = handed.load(Acquire) == 1;
                if has_more {
                    finished.finish(128 + lane);
                    bits.set(128 + lane); // A bit of the same word, one lap later.
                }
                has_more
            })
        });
        let mut front = bits.take_from(front, 126);
        assert!(!finished.is_any_missing([62, 63], front));
        let is_passed = front == 126;
        if is_passed {
            // There is room for the next lap.
            bits.set(126);
            bits.set(127);
            handed.store(1, Release);
            front = bits.take_from(front, 130);
            assert!(!finished.is_any_missing([128, 129], front), "never past unfinished work");
        }
        for (seq, lane) in (128..).zip(lanes) {
            if !lane.join().expect("a lane") && is_passed {
                bits.set(seq);
            }
        }
        if !is_passed {
            front = bits.take_from(front, 126);
            assert_eq!(front, 126);
            return;
        }
        assert_eq!(bits.take_from(front, 130), 130, "what all lanes finished is seen");
        assert!(!bits.is_any_set(130, 192), "nothing of the first lap is left");
    });
}

/// Acknowledgments by hand as `assigned.rs` has them: a handler may acknowledge and fail all the same, so there may be two
/// marks of a record, and the pump takes none between the two steps of either.
struct ByHand {
    lock: Option<Mutex<()>>,
    bits: DoneBits,
}

impl ByHand {
    fn under_lock<T>(&self, what: impl FnOnce(&DoneBits) -> T) -> T {
        let _acks = self.lock.as_ref().map(|lock| lock.lock().expect("nobody panics"));
        what(&self.bits)
    }
}

fn second_mark(is_locked: bool) {
    loom::model(move || {
        let acks = Arc::new(ByHand { lock: is_locked.then(|| Mutex::new(())), bits: DoneBits::new(64) });
        (0..127).filter(|seq| *seq != 63).for_each(|seq| acks.bits.set(seq));
        let front = acks.bits.take_from(0, 127);
        assert_eq!(front, 63);
        let marks = [(); 2].map(|()| {
            let acks = Arc::clone(&acks);
            thread::spawn(move || acks.under_lock(|bits| bits.set(63)))
        });
        let front = acks.under_lock(|bits| bits.take_from(front, 127));
        // From here on there is room for sequence 190, and 191 once that many more are finished.
        for mark in marks {
            mark.join().expect("a lane");
        }
        let front = acks.under_lock(|bits| bits.take_from(front, 127));
        assert_eq!(front, 127);
        assert!(!acks.bits.is_set(191), "a record is taken for finished that nobody has seen");
    });
}

#[test]
fn a_second_mark_is_none_of_the_next_lap() {
    second_mark(true);
}

#[test]
#[should_panic(expected = "a record is taken for finished that nobody has seen")]
fn without_the_lock_a_second_mark_may_be_one_of_the_next_lap() {
    second_mark(false);
}

#[test]
fn a_closed_gate_that_nobody_is_inside_of_lets_nobody_work() {
    loom::model(|| {
        let (gate, works) = (Arc::new(Gate::default()), Arc::new([AtomicU64::new(0), AtomicU64::new(0)]));
        let lanes = [0, 1].map(|lane: usize| {
            let (gate, works) = (Arc::clone(&gate), Arc::clone(&works));
            thread::spawn(move || {
                if gate.enter() {
                    works[lane].store(1, Relaxed); // Anything may happen while it works.
                    works[lane].store(0, Relaxed);
                }
                gate.leave();
            })
        });
        gate.close();
        if !gate.is_busy() {
            let work = || works.iter().map(|works| works.load(Relaxed)).sum::<u64>();
            let before = work();
            thread::yield_now();
            assert_eq!((before, work()), (0, 0), "it was given back while a handler ran, or one began after");
        }
        for lane in lanes {
            lane.join().expect("a lane");
        }
        assert!(!gate.is_busy() && !gate.enter());
    });
}

#[derive(Default)]
struct Woken(Plain);

impl Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn who_waits_for_room_is_woken_by_the_answer_that_makes_it_and_by_no_other() {
    loom::model(|| {
        let (window, woken) = (Window::default(), std::sync::Arc::new(Woken::default()));
        let waker = Waker::from(std::sync::Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        window.open(5);
        assert!(pin!(window.at_most(5)).poll(&mut cx).is_ready());
        let mut waits = pin!(window.at_most(2));
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        window.answered(2);
        assert_eq!(woken.0.load(SeqCst), 0);
        window.answered(1);
        assert_eq!(woken.0.load(SeqCst), 1);
        assert!(waits.poll(&mut cx).is_ready());
        window.answered(2);
        assert_eq!(woken.0.load(SeqCst), 1, "nobody waits any more");
    });
}

#[test]
fn who_waits_for_answers_of_two_threads_is_woken_and_sees_what_they_stored() {
    loom::model(|| {
        let (window, stored) = (Arc::new(Window::default()), Finished::none(2));
        window.open(3);
        let reports = [0, 1].map(|report: u64| {
            let (window, stored) = (Arc::clone(&window), stored.clone());
            thread::spawn(move || {
                stored.finish(report);
                window.answered(if report == 0 { 2 } else { 1 });
            })
        });
        let woken = std::sync::Arc::new(Woken::default());
        let waker = Waker::from(std::sync::Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let mut waits = pin!(window.at_most(0));
        let is_ready = waits.as_mut().poll(&mut cx).is_ready();
        assert!(!is_ready || !stored.is_any_missing(0..2, 2), "what was stored before an answer is seen with it");
        for report in reports {
            report.join().expect("a report");
        }
        assert!(is_ready || woken.0.load(SeqCst) == 1 && waits.poll(&mut cx).is_ready(), "a wake-up is lost");
    });
}
