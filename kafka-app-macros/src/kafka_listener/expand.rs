//! The declaration beside the function: a hidden struct of its name, the handler, and the builder's calls.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::{
    function::Function,
    model::{
        Ack, CircuitBreaker, DeadLetter, DeadLetterBrake, Delivery, OnDltFailure, OnRevoke, Options, Ordering, Restart,
        Retry, RetryTopicNames, RetryTopics,
    },
};
use crate::{
    paths::{self, Runtime},
    values::Text,
};

/// Everything that is generated.
pub(crate) fn declaration(options: &Options, function: &Function, runtime: &Runtime) -> TokenStream {
    let private = runtime.private();
    let handler =
        if function.takes_batch() { batch_handler(function, &private) } else { record_handler(function, &private) };
    let listener = listener(options, function, &private);
    let structure = structure(function, &private, &listener);
    let discovered = discovered(function, &private);
    quote!(#structure #handler #discovered)
}

/// After mistakes: the struct alone, so that `listeners![..]` finds its name.
pub(crate) fn stand_in(function: &Function, runtime: &Runtime) -> TokenStream {
    if !function.is_free {
        return TokenStream::new();
    }
    structure(function, &runtime.private(), &quote!(::core::panic!("the declaration has mistakes")))
}

/// The struct of the function's name, and its listener.
fn structure(function: &Function, private: &TokenStream, listener: &TokenStream) -> TokenStream {
    let Function { ident, visibility, cfgs, .. } = function;
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(
            non_camel_case_types,
            missing_docs,
            missing_debug_implementations,
            reason = "stands for the function of the same name"
        )]
        #visibility struct #ident {}

        #(#cfgs)*
        #[automatically_derived]
        impl #ident {
            #[doc(hidden)]
            #[allow(missing_docs, clippy::needless_update, reason = "says only what the attribute says")]
            #visibility fn __kafka_listener() -> #private::Listener {
                #listener
            }
        }
    }
}

/// A name that no user's token can see.
fn local(name: &str) -> Ident {
    Ident::new(&format!("__kafka_app_{name}"), Span::mixed_site())
}

/// The names of the extracted arguments.
fn arguments(function: &Function) -> Vec<Ident> {
    (0..function.inferred.len()).map(|index| local(&format!("arg{index}"))).collect()
}

/// What rustc says of these tokens underlines `span`, but the names in them are ours.
fn at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// The same tokens, a path, at another place.
fn located(tokens: TokenStream, span: Span) -> TokenStream {
    let at_span = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    tokens.into_iter().map(at_span).collect()
}

/// `bill(a, b).await`
fn call(function: &Function) -> TokenStream {
    let ident = &function.ident;
    let arguments = arguments(function);
    let wait = function.is_async.then(|| quote!(.await));
    quote!(#ident(#(#arguments),*) #wait)
}

/// `declare` for each argument, through the probe of that name.
fn declares(function: &Function, private: &TokenStream, probe: &str) -> TokenStream {
    let declaration = local("declaration");
    let probe = format_ident!("{probe}");
    let default = paths::default();
    let probed = local("probe");
    let lines = function.inferred.iter().map(|ty| {
        quote! {
            let #probed: #private::#probe<#ty> = #default;
            {
                use #private::rank::*;
                (&&#probed).declare(#declaration);
            }
        }
    });
    let returned = returned(function, private);
    quote! {
        fn declare(&self, #declaration: &mut #private::Declaration) {
            #(#lines)*
            {
                use #private::rank::*;
                (&&#returned).declare(#declaration);
            }
        }
    }
}

/// A probe of what the function returns.
fn returned(function: &Function, private: &TokenStream) -> TokenStream {
    let (ident, absent) = (&function.ident, local("absent"));
    let arguments = function.inferred.iter().map(|_| quote!(#absent.argument()));
    let probe = if function.is_async { quote!(returned_async) } else { quote!(returned) };
    quote!(#private::#probe(|#absent| #ident(#(#arguments),*)))
}

fn record_handler(function: &Function, private: &TokenStream) -> TokenStream {
    let (cx, returned) = (local("cx"), local("returned"));
    let (result, call) = (paths::result(), call(function));
    let lines = arguments(function).into_iter().zip(&function.inferred).map(|(argument, ty)| {
        quote_spanned! {at(ty.span())=>
            let #argument = match #private::extract::<#ty>(&#cx) {
                #result::Ok(argument) => argument,
                #result::Err(rejection) => return #private::Outcome::Rejected(rejection),
            };
        }
    });
    let span = at(function.returns_at);
    let classified = classified(private, &returned, "RecordProbe", span);
    let outcome = quote_spanned!(span=> #private::outcome(#classified));
    let body = quote! {
        #(#lines)*
        let #returned = #call;
        #outcome
    };
    handler(function, private, &["Record", "Outcome", "ArgumentProbe"], &body)
}

fn batch_handler(function: &Function, private: &TokenStream) -> TokenStream {
    let (cx, returned, rejected) = (local("cx"), local("returned"), local("rejected"));
    let (result, vec, call) = (paths::result(), paths::vec(), call(function));
    let lines = arguments(function).into_iter().zip(&function.inferred).map(|(argument, ty)| {
        quote_spanned! {at(ty.span())=>
            let #argument = match #private::extract_batch::<#ty>(&#cx, &mut #rejected) {
                #result::Ok(argument) => argument,
                #result::Err(rejection) => return #private::batch_failed(rejection),
            };
        }
    });
    let span = at(function.returns_at);
    let classified = classified(private, &returned, "BatchProbe", span);
    let outcome = quote_spanned! {span=>
        #private::batch_outcome(#cx.records().len(), #rejected, #classified)
    };
    let body = quote! {
        let mut #rejected = #vec::new();
        #(#lines)*
        if #rejected.len() == #cx.records().len() {
            return #private::batch_rejected(#rejected);
        }
        let #returned = #call;
        #outcome
    };
    handler(function, private, &["Batch", "BatchOutcome", "BatchArgumentProbe"], &body)
}

/// What was returned, with its error set apart.
fn classified(private: &TokenStream, returned: &Ident, probe: &str, span: Span) -> TokenStream {
    let probe = format_ident!("{probe}");
    quote_spanned!(span=> {
        use #private::rank::*;
        (&&&#private::#probe::of(&#returned)).tag().classify(#returned)
    })
}

/// The handler's `impl`, named after one record or a batch of them.
fn handler(function: &Function, private: &TokenStream, names: &[&str; 3], body: &TokenStream) -> TokenStream {
    let Function { ident, cfgs, .. } = function;
    let [of, outcome, probe] = names;
    let (handler, context) = (format_ident!("{of}Handler"), format_ident!("{of}Context"));
    let (outcome, cx) = (format_ident!("{outcome}"), local("cx"));
    let declare = declares(function, private, probe);
    // A future that cannot be sent is underlined where the function has its name.
    let span = at(ident.span());
    let answer = located(quote!(#private::#outcome), span);
    let signature = quote_spanned! {span=>
        async fn call<'r>(&'r self, #cx: #private::#context<'r>) -> #answer
    };
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(deprecated, clippy::let_unit_value, reason = "says only what the function says")]
        impl #private::#handler for #ident {
            #declare

            #signature {
                #body
            }
        }
    }
}

/// Registers the declaration at link time.
fn discovered(function: &Function, private: &TokenStream) -> TokenStream {
    if !cfg!(feature = "discover") {
        return TokenStream::new();
    }
    let Function { ident, cfgs, .. } = function;
    quote! {
        #(#cfgs)*
        #private::inventory::submit! {
            #private::Discovered { listener: #ident::__kafka_listener }
        }
    }
}

/// The builder's calls, one for each option said.
fn listener(options: &Options, function: &Function, private: &TokenStream) -> TokenStream {
    let ident = &function.ident;
    let name = ident.to_string();
    let name = name.trim_start_matches("r#");
    let id = options.id.get().map_or_else(|| quote!(#name), ToTokens::to_token_stream);
    let constructor = if function.takes_batch() { quote!(batch) } else { quote!(record) };
    let location = paths::location();
    let calls = [
        topics(options, private),
        options.partitions.get().map(|partitions| partitions.to_call(private)),
        options.from.get().map(|from| from.to_call(private)),
        options.group.get().map(|group| quote!(.group(#group))),
        options.cluster.get().map(|cluster| quote!(.cluster(#cluster))),
        options.delivery.get().map(|delivery| delivery_call(*delivery, private)),
        acknowledgment(options, private),
        lanes(options, private),
        batch(options),
        options.send_to.get().map(|topic| topic.to_name(private)).map(|topic| quote!(.send_to(#topic))),
        options.reply.get().filter(|reply| **reply).map(|_| quote!(.reply())),
        options.filter.get().map(|path| quote!(.filter(#path))),
        options.retry.get().map(|said| retry(said, private)),
        options.retry_topics.get().map(|said| retry_topics(said, private)),
        options.circuit_breaker.get().map(|said| circuit_breaker(said, private)),
        options.dead_letter_brake.get().map(|said| dead_letter_brake(said, private)),
        options.dead_letter.get().map(|dead_letter| dead_letter_call(dead_letter, private)),
        options.dead_letters_of.get().map(|id| quote!(.dead_letters_of(#id))),
        options.on_failure.get().map(|on_failure| on_failure_call(*on_failure, private)),
        options.timeout.get().map(|timeout| paths::new_duration(*timeout)).map(|timeout| quote!(.timeout(#timeout))),
        options.rate_limit.get().map(|limit| rate_limit_call(*limit, private)),
        options.auto_start.get().map(|auto_start| quote!(.auto_start(#auto_start))),
        options.start_after.get().map(|id| quote!(.start_after(#id))),
        options.until_end.get().map(|until_end| quote!(.until_end(#until_end))),
        options.restart.get().map(|said| restart(said, private)),
        options.group_instance_id.get().map(|id| quote!(.group_instance_id(#id))),
        options
            .idle_event_interval
            .get()
            .map(|interval| paths::new_duration(*interval))
            .map(|i| quote!(.idle_event_interval(#i))),
        options.on_revoke.get().map(|on_revoke| on_revoke_call(*on_revoke, private)),
        properties(options),
    ];
    let calls = calls.into_iter().flatten();
    quote!(#private::Listener::#constructor(#id, #ident {}) #(#calls)* .declared_at(#location))
}

fn topics(options: &Options, private: &TokenStream) -> Option<TokenStream> {
    if let Some(pattern) = options.topic_pattern.get() {
        return Some(quote!(.topic_pattern(#pattern)));
    }
    let names = options
        .topics
        .get()
        .map_or_else(|| options.topic.get().into_iter().collect::<Vec<_>>(), |topics| topics.iter().collect());
    let names = names.into_iter().map(|topic| topic.to_name(private));
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| quote!(.topics([#(#names),*])))
}

fn delivery_call(delivery: Delivery, private: &TokenStream) -> TokenStream {
    let delivery = match delivery {
        Delivery::AtMostOnce => quote!(AtMostOnce),
        Delivery::AtLeastOnce => quote!(AtLeastOnce),
        Delivery::ExactlyOnce => quote!(ExactlyOnce),
    };
    quote!(.delivery(#private::Delivery::#delivery))
}

fn acknowledgment(options: &Options, private: &TokenStream) -> Option<TokenStream> {
    let mode = options.ack.get().map(|mode| {
        let mode = match mode {
            Ack::Record => quote!(Record),
            Ack::Batch => quote!(Batch),
            Ack::Time => quote!(Time),
            Ack::Count => quote!(Count),
            Ack::CountTime => quote!(CountTime),
            Ack::Manual => quote!(Manual),
            Ack::ManualImmediate => quote!(ManualImmediate),
        };
        quote!(.ack(#private::AckMode::#mode))
    });
    let time = options.ack_time.get().map(|time| paths::new_duration(*time)).map(|time| quote!(.ack_time(#time)));
    let count = options.ack_count.get().map(|count| quote!(.ack_count(#count)));
    Some(quote!(#mode #time #count))
}

fn lanes(options: &Options, private: &TokenStream) -> Option<TokenStream> {
    let concurrency = options.concurrency.get().map(|concurrency| quote!(.concurrency(#concurrency)));
    let ordering = options.ordering.get().map(|ordering| {
        let ordering = match ordering {
            Ordering::Partition => quote!(Partition),
            Ordering::Key => quote!(Key),
            Ordering::None => quote!(None),
        };
        quote!(.ordering(#private::Ordering::#ordering))
    });
    let workers = options.workers.get().map(|workers| quote!(.workers(#workers)));
    Some(quote!(#concurrency #ordering #workers))
}

fn batch(options: &Options) -> Option<TokenStream> {
    let batch = options.batch.get()?;
    let records = batch.max_records.get().map(|records| quote!(.batch_max_records(#records)));
    let wait = batch.max_wait.get().map(|wait| paths::new_duration(*wait)).map(|wait| quote!(.batch_max_wait(#wait)));
    let bytes = batch.max_bytes.get().map(|bytes| quote!(.batch_max_bytes(#bytes)));
    Some(quote!(#records #wait #bytes))
}

fn retry(said: &Retry, private: &TokenStream) -> TokenStream {
    let fields = [
        ("attempts", said.attempts.get().map(ToTokens::to_token_stream)),
        ("backoff", said.backoff.get().map(|backoff| paths::new_duration(*backoff))),
        ("multiplier", said.multiplier.get().map(ToTokens::to_token_stream)),
        ("max_backoff", said.max_backoff.get().map(|longest| paths::new_duration(*longest))),
        ("jitter", said.jitter.get().map(ToTokens::to_token_stream)),
    ];
    let settings = settings(&fields);
    quote!(.retry(#private::RetrySettings #settings))
}

fn restart(said: &Restart, private: &TokenStream) -> TokenStream {
    let fields = [
        ("attempts", said.attempts.get().map(ToTokens::to_token_stream)),
        ("backoff", said.backoff.get().map(|backoff| paths::new_duration(*backoff))),
        ("multiplier", said.multiplier.get().map(ToTokens::to_token_stream)),
        ("max_backoff", said.max_backoff.get().map(|longest| paths::new_duration(*longest))),
        ("reset_after", said.reset_after.get().map(|time| paths::new_duration(*time))),
    ];
    let settings = settings(&fields);
    quote!(.restart(#private::RestartSettings #settings))
}

fn dead_letter_brake(said: &DeadLetterBrake, private: &TokenStream) -> TokenStream {
    let fields = [
        ("share", said.share.get().map(ToTokens::to_token_stream)),
        ("within", said.within.get().map(|within| paths::new_duration(*within))),
        ("at_least", said.at_least.get().map(ToTokens::to_token_stream)),
    ];
    let settings = settings(&fields);
    quote!(.dead_letter_brake(#private::DeadLetterBrakeSettings #settings))
}

fn circuit_breaker(said: &CircuitBreaker, private: &TokenStream) -> TokenStream {
    let fields = [
        ("failures", said.failures.get().map(ToTokens::to_token_stream)),
        ("pause", said.pause.get().map(|pause| paths::new_duration(*pause))),
        ("max_pause", said.max_pause.get().map(|longest| paths::new_duration(*longest))),
        ("probes", said.probes.get().map(ToTokens::to_token_stream)),
    ];
    let settings = settings(&fields);
    quote!(.circuit_breaker(#private::CircuitBreakerSettings #settings))
}

fn retry_topics(said: &RetryTopics, private: &TokenStream) -> TokenStream {
    let names = said.topics.get().map(|names| match names {
        RetryTopicNames::PerDelay => quote!(#private::RetryTopicNames::PerDelay),
        RetryTopicNames::PerAttempt => quote!(#private::RetryTopicNames::PerAttempt),
        RetryTopicNames::Single => quote!(#private::RetryTopicNames::Single),
    });
    let string_from = paths::string_from();
    let text = |text: Option<&Text>| text.map(|text| quote!(#string_from(#text)));
    let fields = [
        ("attempts", said.attempts.get().map(ToTokens::to_token_stream)),
        ("backoff", said.backoff.get().map(|backoff| paths::new_duration(*backoff))),
        ("multiplier", said.multiplier.get().map(ToTokens::to_token_stream)),
        ("max_backoff", said.max_backoff.get().map(|longest| paths::new_duration(*longest))),
        ("jitter", said.jitter.get().map(ToTokens::to_token_stream)),
        ("topics", names),
        ("suffix", text(said.suffix.get())),
        ("dlt_suffix", text(said.dlt_suffix.get())),
        ("auto_create", said.auto_create.get().map(ToTokens::to_token_stream)),
        ("replication_factor", said.replication_factor.get().map(ToTokens::to_token_stream)),
        ("concurrency", said.concurrency.get().map(ToTokens::to_token_stream)),
    ];
    let settings = settings(&fields);
    quote!(.retry_topics(#private::RetryTopicSettings #settings))
}

/// The fields of a struct of options that were said, and the rest by default.
fn settings(fields: &[(&str, Option<TokenStream>)]) -> TokenStream {
    let (some, default) = (paths::some(), paths::default());
    let said = fields.iter().filter_map(|(name, value)| Some((format_ident!("{name}"), value.as_ref()?)));
    let said = said.map(|(name, value)| quote!(#name: #some(#value)));
    quote!({ #(#said,)* ..#default })
}

fn dead_letter_call(dead_letter: &DeadLetter, private: &TokenStream) -> TokenStream {
    let dead_letter = match dead_letter {
        DeadLetter::Off => quote!(Off),
        DeadLetter::Stop => quote!(Stop),
        DeadLetter::Suffix(suffix) => {
            let string_from = paths::string_from();
            quote!(Suffix(#string_from(#suffix)))
        }
        DeadLetter::Topic(topic) => {
            let (string_from, topic) = (paths::string_from(), topic.to_name(private));
            quote!(Topic(#string_from(#topic)))
        }
    };
    quote!(.dead_letter(#private::DeadLetter::#dead_letter))
}

fn on_failure_call(on_failure: OnDltFailure, private: &TokenStream) -> TokenStream {
    let on_failure = match on_failure {
        OnDltFailure::Retry => quote!(Retry),
        OnDltFailure::Skip => quote!(Skip),
        OnDltFailure::Stop => quote!(Stop),
    };
    quote!(.on_failure(#private::OnDltFailure::#on_failure))
}

fn on_revoke_call(on_revoke: OnRevoke, private: &TokenStream) -> TokenStream {
    let on_revoke = match on_revoke {
        OnRevoke::Drain => quote!(Drain),
        OnRevoke::Cancel => quote!(Cancel),
    };
    quote!(.on_revoke(#private::OnRevoke::#on_revoke))
}

fn properties(options: &Options) -> Option<TokenStream> {
    let properties = options.properties.get()?.iter().map(|(key, value)| quote!(.property(#key, #value)));
    Some(quote!(#(#properties)*))
}

/// A constant of that length, to the nanosecond.
fn rate_limit_call((records, per): (u32, std::time::Duration), private: &TokenStream) -> TokenStream {
    let per = paths::new_duration(per);
    quote!(.rate_limit(#private::RateLimit::new(#records, #per)))
}
