async fn bill(Json(order): Json<Order>, State(db): State<Db>) -> Result<Json<Invoice>, BillingError> {}
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    missing_docs,
    missing_debug_implementations,
    reason = "stands for the function of the same name"
)]
struct bill {}
#[automatically_derived]
impl bill {
    #[doc(hidden)]
    #[allow(missing_docs, clippy::needless_update, reason = "says only what the attribute says")]
    fn __kafka_listener() -> ::kafka_app::__private::Listener {
        ::kafka_app::__private::Listener::record("bill", bill {})
            .topics(["orders", ::kafka_app::__private::topic_name(&RETURNS)])
            .group("billing")
            .ack(::kafka_app::__private::AckMode::Record)
            .send_to("invoices")
            .filter(is_large)
            .retry(::kafka_app::__private::RetrySettings {
                attempts: ::core::option::Option::Some(3u32),
                backoff: ::core::option::Option::Some(::core::time::Duration::new(1u64, 0u32)),
                ..::core::default::Default::default()
            })
            .dead_letter(::kafka_app::__private::DeadLetter::Topic(<::std::string::String as ::core::convert::From<
                &str,
            >>::from("orders-dlt")))
            .timeout(::core::time::Duration::new(0u64, 500000000u32))
            .property("client.id", "b")
            .declared_at(::core::concat!(::core::file!(), ":", ::core::line!()))
    }
}
#[automatically_derived]
#[allow(deprecated, clippy::let_unit_value, reason = "says only what the function says")]
impl ::kafka_app::__private::RecordHandler for bill {
    fn declare(&self, __kafka_app_declaration: &mut ::kafka_app::__private::Declaration) {
        let __kafka_app_probe: ::kafka_app::__private::ArgumentProbe<Json<Order>> = ::core::default::Default::default();
        {
            use ::kafka_app::__private::rank::*;
            (&&__kafka_app_probe).declare(__kafka_app_declaration);
        }
        let __kafka_app_probe: ::kafka_app::__private::ArgumentProbe<State<Db>> = ::core::default::Default::default();
        {
            use ::kafka_app::__private::rank::*;
            (&&__kafka_app_probe).declare(__kafka_app_declaration);
        }
        {
            use ::kafka_app::__private::rank::*;
            (&&::kafka_app::__private::returned_async(|__kafka_app_absent| bill(
                __kafka_app_absent.argument(),
                __kafka_app_absent.argument(),
            )))
                .declare(__kafka_app_declaration);
        }
    }
    async fn call<'r>(
        &'r self,
        __kafka_app_cx: ::kafka_app::__private::RecordContext<'r>,
    ) -> ::kafka_app::__private::Outcome {
        let __kafka_app_arg0 = match ::kafka_app::__private::extract::<Json<Order>>(&__kafka_app_cx) {
            ::core::result::Result::Ok(argument) => argument,
            ::core::result::Result::Err(rejection) => return ::kafka_app::__private::Outcome::Rejected(rejection),
        };
        let __kafka_app_arg1 = match ::kafka_app::__private::extract::<State<Db>>(&__kafka_app_cx) {
            ::core::result::Result::Ok(argument) => argument,
            ::core::result::Result::Err(rejection) => return ::kafka_app::__private::Outcome::Rejected(rejection),
        };
        let __kafka_app_returned = bill(__kafka_app_arg0, __kafka_app_arg1).await;
        ::kafka_app::__private::outcome({
            use ::kafka_app::__private::rank::*;
            (&&&::kafka_app::__private::RecordProbe::of(&__kafka_app_returned)).tag().classify(__kafka_app_returned)
        })
    }
}
