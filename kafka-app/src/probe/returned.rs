//! What a function returns, by the type of a call that is never made: a return type may be one that nobody can name.
//!
//! A lookup instead of a bound, as for arguments: what cannot be returned is refused where it is turned into an outcome.

use std::{future::Future, marker::PhantomData};

use crate::handler::{Declaration, IntoOutputs};

/// Stands for the arguments of a call that is never made: there is no value of it.
#[derive(Debug)]
pub enum Absent {}

impl Absent {
    /// An argument of any type.
    #[must_use]
    pub fn argument<T>(&self) -> T {
        match *self {}
    }
}

/// Stands for what a function returned.
#[derive(Debug)]
pub struct ReturnProbe<T>(PhantomData<T>);

/// A probe of what a function returns.
#[must_use]
pub fn returned<T>(_call: impl FnOnce(Absent) -> T) -> ReturnProbe<T> {
    ReturnProbe(PhantomData)
}

/// A probe of what an async function returns.
#[must_use]
pub fn returned_async<F: Future>(_call: impl FnOnce(Absent) -> F) -> ReturnProbe<F::Output> {
    ReturnProbe(PhantomData)
}

/// Something to send, or nothing.
pub trait Returns {
    /// Notes what it is.
    fn declare(&self, declaration: &mut Declaration);
}

impl<R: IntoOutputs> Returns for &ReturnProbe<R> {
    fn declare(&self, declaration: &mut Declaration) {
        R::declare(declaration);
    }
}

/// A `Result` of it.
pub trait ReturnsResult {
    /// Notes what it is.
    fn declare(&self, declaration: &mut Declaration);
}

impl<R: IntoOutputs, E> ReturnsResult for &ReturnProbe<Result<R, E>> {
    fn declare(&self, declaration: &mut Declaration) {
        R::declare(declaration);
    }
}

/// A `Result` for each record of a batch.
pub trait ReturnsEach {
    /// Notes what it is.
    fn declare(&self, declaration: &mut Declaration);
}

impl<R: IntoOutputs, E> ReturnsEach for &ReturnProbe<Vec<Result<R, E>>> {
    fn declare(&self, declaration: &mut Declaration) {
        R::declare(declaration);
    }
}

/// Nothing that can be sent.
pub trait ReturnsAnything {
    /// Notes nothing.
    fn declare(&self, _declaration: &mut Declaration) {}
}

impl<T> ReturnsAnything for ReturnProbe<T> {}
