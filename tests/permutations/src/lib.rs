//! Every order that threads may take through what lanes and pump, senders and delivery reports share without a lock.
//!
//! The files are kafka-app's own, compiled with loom's atomics in place of the standard library's; loom runs each test
//! once for every order of loads and stores that the memory model allows.
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

use loom::{sync::Arc, thread};

use self::{done_bits::DoneBits, gate::Gate, window::Window};

/// Records that `lanes` finish, each in the order given, while the pump looks; `looks` more looks than lanes.
fn finish(lanes: &'static [&'static [u64]], end: u64, looks: usize) {
    loom::model(move || {
        let bits = Arc::new(DoneBits::new(64));
        // What is truly finished; no part of what is tested, so not loom's.
        let finished = std::sync::Arc::new((0..end).map(|_| Plain::new(0)).collect::<Vec<_>>());
        let lanes: Vec<_> = lanes
            .iter()
            .map(|seqs| {
                let (bits, finished) = (Arc::clone(&bits), std::sync::Arc::clone(&finished));
                thread::spawn(move || {
                    for seq in *seqs {
                        finished[usize::try_from(*seq).expect("it fits")].store(1, SeqCst);
                        bits.set(*seq);
                    }
                })
            })
            .collect();
        let mut front = 0;
        for _ in 0..looks {
            let next = bits.take_from(front, end);
            assert!(next >= front, "the watermark never goes back");
            assert!(
                finished.iter().take(usize::try_from(next).expect("it fits")).all(|f| f.load(SeqCst) == 1),
                "never past unfinished work"
            );
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
fn a_closed_gate_that_nobody_is_inside_of_lets_nobody_work() {
    loom::model(|| {
        let (gate, works) = (Arc::new(Gate::default()), std::sync::Arc::new(Plain::new(0)));
        let lanes = [(); 2].map(|()| {
            let (gate, works) = (Arc::clone(&gate), std::sync::Arc::clone(&works));
            thread::spawn(move || {
                if gate.enter() {
                    works.fetch_add(1, SeqCst);
                    thread::yield_now(); // Anything may happen while it works.
                    works.fetch_sub(1, SeqCst);
                }
                gate.leave();
            })
        });
        gate.close();
        if !gate.is_busy() {
            let before = works.load(SeqCst);
            thread::yield_now();
            assert_eq!(
                (before, works.load(SeqCst)),
                (0, 0),
                "it was given back while a handler ran, or one began after"
            );
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
        let (window, stored) = (Arc::new(Window::default()), std::sync::Arc::new(Plain::new(0)));
        window.open(3);
        let reports = [2, 1].map(|n_records: u64| {
            let (window, stored) = (Arc::clone(&window), std::sync::Arc::clone(&stored));
            thread::spawn(move || {
                stored.fetch_add(n_records, SeqCst);
                window.answered(usize::try_from(n_records).expect("it fits"));
            })
        });
        let woken = std::sync::Arc::new(Woken::default());
        let waker = Waker::from(std::sync::Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let mut waits = pin!(window.at_most(0));
        let is_ready = waits.as_mut().poll(&mut cx).is_ready();
        if is_ready {
            assert_eq!(stored.load(SeqCst), 3);
        }
        for report in reports {
            report.join().expect("a report");
        }
        assert!(is_ready || woken.0.load(SeqCst) == 1 && waits.poll(&mut cx).is_ready(), "a wake-up is lost");
    });
}
