//! What an argument needs of the application.
//!
//! A lookup instead of a bound: an argument that is no extractor is refused where it is extracted, and would be refused
//! here once more, in the same words. What makes no argument declares nothing; its listener does not compile.

use std::marker::PhantomData;

use crate::{
    extract::{FromBatch, FromRecord},
    handler::Declaration,
};

/// Stands for an argument of a record's function.
#[derive(Debug)]
pub struct ArgumentProbe<T>(PhantomData<T>);

impl<T> Default for ArgumentProbe<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// Stands for an argument of a batch's function.
#[derive(Debug)]
pub struct BatchArgumentProbe<T>(PhantomData<T>);

impl<T> Default for BatchArgumentProbe<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// An extractor.
pub trait Declares<'r> {
    /// Notes what it needs.
    fn declare(&self, declaration: &mut Declaration);
}

impl<'r, T: FromRecord<'r>> Declares<'r> for &ArgumentProbe<T> {
    fn declare(&self, declaration: &mut Declaration) {
        T::declare(declaration);
    }
}

/// No extractor.
pub trait DeclaresNothing {
    /// Notes nothing.
    fn declare(&self, _declaration: &mut Declaration) {}
}

impl<T> DeclaresNothing for ArgumentProbe<T> {}

/// An extractor of batches.
pub trait BatchDeclares<'r> {
    /// Notes what it needs.
    fn declare(&self, declaration: &mut Declaration);
}

impl<'r, T: FromBatch<'r>> BatchDeclares<'r> for &BatchArgumentProbe<T> {
    fn declare(&self, declaration: &mut Declaration) {
        T::declare(declaration);
    }
}

/// No extractor of batches.
pub trait BatchDeclaresNothing {
    /// Notes nothing.
    fn declare(&self, _declaration: &mut Declaration) {}
}

impl<T> BatchDeclaresNothing for BatchArgumentProbe<T> {}
