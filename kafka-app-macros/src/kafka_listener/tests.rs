//! Parse and check without a compiler: what is said of which mistake.

use proc_macro2::TokenStream;
use quote::quote;

use super::{attribute, check, function::Function, parse};
use crate::ctxt::Ctxt;

/// What is said of `#[kafka_listener(arguments)] item`.
fn mistakes(arguments: TokenStream, item: TokenStream) -> Vec<String> {
    let cx = Ctxt::default();
    let options = parse::options(arguments, &cx);
    let item = syn::parse2(item).expect("a function");
    check::rules(&options, &Function::of(&item, &cx), &cx);
    cx.messages()
}

fn plain() -> TokenStream {
    quote!(
        async fn bill(order: Json<Order>) {}
    )
}

#[test]
fn every_option_is_accepted() {
    let arguments = quote! {
        topics = ["orders", "${more:returns}", shop::ORDERS], group = "billing", cluster = "audit", id = "bill", delivery = "at-least-once",
        ack = "count-time", ack_time = "500ms", ack_count = 100, concurrency = 2, ordering = "key", workers = 8,
        send_to = "invoices", filter = shop::is_large, batch(max_records = 10, max_wait = "1s", max_bytes = "1MiB"),
        retry(attempts = 3, backoff = "1s", multiplier = 2, max_backoff = "1m", jitter = 0.2), dead_letter = "orders-dlt",
        timeout = "5s", rate_limit = "100/s", auto_start = false,
        start_after = "prices", until_end,
        restart(attempts = 5, backoff = "1s", multiplier = 2, max_backoff = "1m", reset_after = "10m"),
        group_instance_id = "${env:HOSTNAME}", idle_event_interval = "30s", on_revoke = "cancel",
        properties("fetch.min.bytes" = 1024, "client.id" = "b"),
        crate = other,
    };
    assert_eq!(
        mistakes(
            arguments,
            quote!(
                async fn bill(orders: Batch<Order>) -> Result<Vec<Invoice>, E> {}
            )
        ),
        [""; 0]
    );
}

#[test]
fn mistakes_are_reported_together_and_none_twice() {
    let said = mistakes(quote!(tpoic = "orders", group_id = "g", workers = 0, retry(attempts = 0)), plain());
    assert_eq!(said.len(), 5, "{said:#?}");
}

#[test]
fn a_value_that_cannot_be_read_is_no_missing_option() {
    assert_eq!(mistakes(quote!(topic =), plain()), ["`topic` has no value after its `=`"]);
    assert_eq!(mistakes(quote!(topic = ""), plain()), ["a topic needs a name"]);
}

#[test]
fn a_reply_needs_no_value_and_may_be_switched_off() {
    let answer = || {
        quote!(
            async fn answer(question: String) -> String {}
        )
    };
    for reply in [quote!(reply), quote!(reply = true)] {
        assert_eq!(mistakes(quote!(topic = "orders", #reply), answer()), [""; 0]);
        assert_eq!(mistakes(quote!(topic = "orders", #reply), plain()).len(), 1);
        assert_eq!(mistakes(quote!(topic = "orders", send_to = "invoices", #reply), answer()).len(), 1);
    }
    assert_eq!(mistakes(quote!(topic = "orders", reply = false, send_to = "invoices"), answer()), [""; 0]);
    assert_eq!(mistakes(quote!(topic = "orders", reply = "orders"), answer()), ["`reply` takes `true` or `false`"]);
}

#[test]
fn invisible_brackets_of_a_macro_are_seen_through() {
    let group = |tokens| proc_macro2::Group::new(proc_macro2::Delimiter::None, tokens);
    let (topic, ack) = (group(quote!("orders")), group(quote!(Ack)));
    assert_eq!(mistakes(quote!(topic = #topic, ack = "manual"), quote!(fn bill(ack: #ack) {})), [""; 0]);
}

#[test]
fn the_function_is_left_token_for_token() {
    let item = quote!(
        #[doc = "Bills."]
        #[cfg(all())]
        pub(crate) async fn bill(mut order: Json<Order<'_>>) -> () {
            order.pay();
        }
    );
    for arguments in [quote!(topic = "orders"), quote!(nonsense)] {
        let expanded = attribute(arguments, &item).to_string();
        assert!(expanded.starts_with(&item.to_string()), "{expanded}");
    }
}

#[test]
fn named_lifetimes_are_left_to_inference() {
    let expanded = attribute(
        quote!(topic = "orders"),
        &quote!(
            async fn bill<'a>(order: Json<Order<'a>>, visit: for<'b> fn(&'b str) -> &'static str) {}
        ),
    );
    let expanded = expanded.to_string().replace(' ', "");
    assert!(expanded.contains("extract::<Json<Order<'_>>>"), "{expanded}");
    assert!(expanded.contains("for<'b>fn(&'bstr)->&'staticstr"), "{expanded}");
}

/// Guards the shape of what is generated: review it there, as Rust. `UI_BLESS=1` writes it anew, to be formatted by
/// `rustfmt`.
#[test]
fn the_expansion_is_as_reviewed() {
    let function = quote! {
        async fn bill(Json(order): Json<Order>, State(db): State<Db>) -> Result<Json<Invoice>, BillingError> {}
    };
    let arguments = quote! {
        topics = ["orders", RETURNS], group = "billing", ack = "record", send_to = "invoices", filter = is_large,
        retry(attempts = 3, backoff = "1s"), dead_letter = "orders-dlt", timeout = "500ms", properties("client.id" = "b")
    };
    let mut reviewed: TokenStream = include_str!("../../tests/expansion/record.rs").parse().unwrap();
    if cfg!(feature = "discover") {
        reviewed.extend(quote! {
            ::kafka_app::__private::inventory::submit! {
                ::kafka_app::__private::Discovered { listener: bill::__kafka_listener }
            }
        });
    }
    let expanded = attribute(arguments, &function).to_string();
    if std::env::var_os("UI_BLESS").is_some() {
        std::fs::write("tests/expansion/record.rs", &expanded).unwrap();
    } else {
        assert_eq!(unformatted(&expanded), unformatted(&reviewed.to_string()));
    }
}

/// Without what `rustfmt` adds: white space and commas at the end of lists.
fn unformatted(tokens: &str) -> String {
    let mut text: String = tokens.split_whitespace().collect();
    for close in [')', '>', '}'] {
        text = text.replace(&format!(",{close}"), &close.to_string());
    }
    text
}
