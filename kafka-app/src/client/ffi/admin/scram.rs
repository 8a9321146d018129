//! SCRAM credentials of users.

use std::ptr;

use rdkafka::bindings::{self as sys, rd_kafka_ScramMechanism_t as NativeMechanism, rd_kafka_admin_op_t as Op};

use super::{
    Outcome,
    call::{Answer, Call, Request},
    numbers::{error_of, scram_mechanism},
    owned::{Owned, lent, pointers},
};
use crate::{
    admin::{PerItem, ScramAlteration, ScramCredential, ScramMechanism},
    client::ffi::text::{c_string, c_text},
    error::Result,
};

/// Asks which credentials users have; of all users if none is named.
pub(crate) struct DescribeScramCredentials(pub(crate) Vec<String>);

/// Sets and deletes credentials. librdkafka takes those to be set only where it has OpenSSL.
pub(crate) struct AlterScramCredentials(pub(crate) Vec<ScramAlteration>);

impl Request for DescribeScramCredentials {
    type Answer = PerItem<String, Vec<ScramCredential>>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DESCRIBEUSERSCRAMCREDENTIALS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let users = self.0.iter().map(|user| c_string(user, "user")).collect::<Result<Vec<_>>>()?;
        let mut users_ptr: Vec<_> = users.iter().map(|user| user.as_ptr()).collect();
        let first = if users.is_empty() { ptr::null_mut() } else { users_ptr.as_mut_ptr() };
        // SAFETY: client, options and queue are alive; the names are copied, and no array means all users.
        unsafe {
            sys::rd_kafka_DescribeUserScramCredentials(call.client(), first, users.len(), call.options(), call.queue());
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: the event is alive, and of this kind or null is returned; so is what it lends.
        unsafe {
            let result = sys::rd_kafka_event_DescribeUserScramCredentials_result(answer.event());
            let users = lent(result, sys::rd_kafka_DescribeUserScramCredentials_result_descriptions);
            users.into_iter().map(|user| description(user)).collect()
        }
    }
}

/// # Safety
/// The description is alive.
unsafe fn description(
    user: *const sys::rd_kafka_UserScramCredentialsDescription_t,
) -> (String, Outcome<Vec<ScramCredential>>) {
    // SAFETY: the caller's promise; all of it is copied.
    unsafe {
        let name = c_text(sys::rd_kafka_UserScramCredentialsDescription_user(user));
        if let Some(error) = error_of(sys::rd_kafka_UserScramCredentialsDescription_error(user)) {
            return (name, Err(error));
        }
        let n_credentials = sys::rd_kafka_UserScramCredentialsDescription_scramcredentialinfo_count(user);
        let credential = |i| {
            let info = sys::rd_kafka_UserScramCredentialsDescription_scramcredentialinfo(user, i);
            (!info.is_null()).then(|| ScramCredential {
                mechanism: ScramMechanism::of(scram_mechanism(info)),
                iterations: sys::rd_kafka_ScramCredentialInfo_iterations(info),
            })
        };
        (name, Ok((0..n_credentials).filter_map(credential).collect()))
    }
}

impl Request for AlterScramCredentials {
    type Answer = PerItem<String, ()>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_ALTERUSERSCRAMCREDENTIALS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let alterations = self.0.iter().map(native).collect::<Result<Vec<_>>>()?;
        let mut alterations_ptr = pointers(&alterations);
        // SAFETY: client, options and queue are alive; the alterations are copied.
        unsafe {
            sys::rd_kafka_AlterUserScramCredentials(
                call.client(),
                alterations_ptr.as_mut_ptr(),
                alterations.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: the event is alive, and of this kind or null is returned; so is what it lends.
        unsafe {
            let result = sys::rd_kafka_event_AlterUserScramCredentials_result(answer.event());
            let altered = |response| {
                let user = c_text(sys::rd_kafka_AlterUserScramCredentials_result_response_user(response));
                let error = error_of(sys::rd_kafka_AlterUserScramCredentials_result_response_error(response));
                (user, error.map_or(Ok(()), Err))
            };
            let responses = lent(result, sys::rd_kafka_AlterUserScramCredentials_result_responses);
            responses.into_iter().map(altered).collect()
        }
    }
}

fn native(alteration: &ScramAlteration) -> Result<Owned<sys::rd_kafka_UserScramCredentialAlteration_t>> {
    let name = c_string(alteration.user(), "user")?;
    // SAFETY: name and password are copied; without a salt librdkafka makes one; the object is ours.
    unsafe {
        let native = match alteration {
            ScramAlteration::Upsert { mechanism, iterations, password, .. } => {
                let password = password.expose().as_bytes();
                sys::rd_kafka_UserScramCredentialUpsertion_new(
                    name.as_ptr(),
                    native_mechanism(*mechanism),
                    *iterations,
                    password.as_ptr(),
                    password.len(),
                    ptr::null(),
                    0,
                )
            }
            ScramAlteration::Delete { mechanism, .. } => {
                sys::rd_kafka_UserScramCredentialDeletion_new(name.as_ptr(), native_mechanism(*mechanism))
            }
        };
        Owned::new(native, sys::rd_kafka_UserScramCredentialAlteration_destroy, "credential")
    }
}

fn native_mechanism(mechanism: ScramMechanism) -> NativeMechanism {
    match mechanism {
        ScramMechanism::Sha256 => NativeMechanism::RD_KAFKA_SCRAM_MECHANISM_SHA_256,
        ScramMechanism::Sha512 => NativeMechanism::RD_KAFKA_SCRAM_MECHANISM_SHA_512,
        ScramMechanism::Unknown => NativeMechanism::RD_KAFKA_SCRAM_MECHANISM_UNKNOWN,
    }
}
