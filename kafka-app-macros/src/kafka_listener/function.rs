//! The function under the attribute: what is needed of its signature, and what cannot be a listener.

use std::collections::HashSet;

use proc_macro2::Span;
use syn::{
    Attribute, FnArg, GenericArgument, GenericParam, Ident, ItemFn, Lifetime, PathArguments, ReturnType, Signature,
    Type, Visibility,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use crate::ctxt::Ctxt;

/// What the declaration needs of the function.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) ident: Ident,
    pub(crate) visibility: Visibility,
    /// `#[cfg(..)]`, to be repeated on what is generated.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) is_async: bool,
    /// The arguments' types as they are written, for what is said about them.
    pub(crate) arguments: Vec<Type>,
    /// The same with every named lifetime left to inference, for what is generated.
    pub(crate) inferred: Vec<Type>,
    /// Where its return type begins, or its name if it has none.
    pub(crate) returns_at: Span,
    /// Whether it returns nothing, or a `Result` of nothing.
    pub(crate) returns_nothing: bool,
    /// Whether a struct may stand beside it; not so in an `impl` block.
    pub(crate) is_free: bool,
}

impl Function {
    /// Reads the signature and reports what cannot be a listener.
    pub(crate) fn of(item: &ItemFn, cx: &Ctxt) -> Self {
        refuse(&item.sig, cx);
        refuse_attributes(item, cx);
        let arguments: Vec<Type> = typed(&item.sig).map(|argument| (*argument.ty).clone()).collect();
        let mut inferred = arguments.clone();
        let mut infer = InferLifetimes { named: lifetimes(&item.sig) };
        inferred.iter_mut().for_each(|ty| infer.visit_type_mut(ty));
        Self {
            ident: item.sig.ident.clone(),
            visibility: item.vis.clone(),
            cfgs: item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect(),
            is_async: item.sig.asyncness.is_some(),
            arguments,
            inferred,
            returns_at: match &item.sig.output {
                ReturnType::Default => item.sig.ident.span(),
                ReturnType::Type(_, ty) => ty.span(),
            },
            returns_nothing: is_nothing(&item.sig.output),
            is_free: item.sig.receiver().is_none() && !is_listener_already(item),
        }
    }

    /// The arguments of that name, by the last segment of their path: what a macro can know of a type.
    pub(crate) fn arguments_of(&self, name: &str) -> impl Iterator<Item = &Type> {
        self.arguments.iter().filter(move |ty| last_segment(ty).is_some_and(|segment| segment.ident == name))
    }

    /// Whether it takes many records at a time.
    pub(crate) fn takes_batch(&self) -> bool {
        self.arguments_of("Batch").next().is_some()
    }
}

fn typed(signature: &Signature) -> impl Iterator<Item = &syn::PatType> {
    signature.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    })
}

fn refuse(signature: &Signature, cx: &Ctxt) {
    if let Some(receiver) = signature.receiver() {
        cx.error(receiver, "a listener is a free function: what `self` holds comes as a `State<T>` argument");
    }
    if let Some(token) = &signature.unsafety {
        cx.error(token, "a listener cannot be `unsafe`: the runtime calls it");
    }
    if let Some(abi) = &signature.abi {
        cx.error(abi, "a listener cannot be `extern`: the runtime calls it as a Rust function");
    }
    for parameter in &signature.generics.params {
        match parameter {
            GenericParam::Type(parameter) => cx.error(
                &parameter.ident,
                format!("a listener cannot be generic over `{}`: a topic needs one concrete type", parameter.ident),
            ),
            GenericParam::Const(parameter) => cx.error(
                &parameter.ident,
                format!("a listener cannot be generic over `{}`: the runtime has no value for it", parameter.ident),
            ),
            GenericParam::Lifetime(_) => {}
        }
    }
    for argument in typed(signature) {
        RefuseInArguments(cx).visit_type_mut(&mut argument.ty.clone());
        for attribute in argument.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")) {
            cx.error(attribute, "an argument of a listener cannot be conditional: put `#[cfg]` on two functions");
        }
    }
    if let ReturnType::Type(_, ty) = &signature.output
        && signature.asyncness.is_none()
        && is_future(ty)
    {
        cx.error(ty, "a listener that returns a future is written as an `async fn`");
    }
}

fn refuse_attributes(item: &ItemFn, cx: &Ctxt) {
    for attribute in item.attrs.iter().filter(|attribute| is_listener(attribute)) {
        cx.error(attribute, "a function is one listener: `topics = [..]` takes several topics");
    }
}

fn is_listener(attribute: &Attribute) -> bool {
    attribute
        .path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "kafka_listener" || segment.ident == "dlt_handler")
}

fn is_listener_already(item: &ItemFn) -> bool {
    item.attrs.iter().any(is_listener)
}

/// What no argument's type may contain.
struct RefuseInArguments<'c>(&'c Ctxt);

impl VisitMut for RefuseInArguments<'_> {
    fn visit_type_impl_trait_mut(&mut self, ty: &mut syn::TypeImplTrait) {
        self.0.error(&*ty, "`impl Trait` cannot be an argument of a listener: name the type");
    }

    fn visit_path_segment_mut(&mut self, segment: &mut syn::PathSegment) {
        if segment.ident == "Self" {
            self.0.error(&segment.ident, "a listener is a free function: `Self` means nothing there");
        }
        visit_mut::visit_path_segment_mut(self, segment);
    }
}

/// The lifetimes that the function itself declares.
fn lifetimes(signature: &Signature) -> HashSet<Ident> {
    signature.generics.lifetimes().map(|parameter| parameter.lifetime.ident.clone()).collect()
}

/// Writes `'_` for every lifetime of the function.
struct InferLifetimes {
    named: HashSet<Ident>,
}

impl VisitMut for InferLifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if self.named.contains(&lifetime.ident) {
            lifetime.ident = Ident::new("_", lifetime.ident.span());
        }
        visit_mut::visit_lifetime_mut(self, lifetime);
    }
}

/// The last segment of a type's path, from inside of brackets that a `macro_rules!` variable brings.
fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(ty) => ty.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

fn is_nothing(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => is_unit(ty) || result_value(ty).is_some_and(is_unit),
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// `T` of a `Result<T, ..>`.
fn result_value(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// `impl Future<..>`
fn is_future(ty: &Type) -> bool {
    let Type::ImplTrait(ty) = ty else { return false };
    ty.bounds.iter().any(|bound| {
        matches!(bound, syn::TypeParamBound::Trait(bound)
            if bound.path.segments.last().is_some_and(|segment| segment.ident == "Future"))
    })
}
