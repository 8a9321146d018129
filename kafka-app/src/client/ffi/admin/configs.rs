//! Configs of topics, brokers and groups: what they are, and single changes. The call that replaces all of them at once is
//! not used.

use std::{collections::BTreeMap, ffi::CString, ptr};

use rdkafka::bindings::{
    self as sys, rd_kafka_AlterConfigOpType_t as OpType, rd_kafka_ResourceType_t as ResourceType,
    rd_kafka_admin_op_t as Op,
};

use super::{
    Outcome,
    call::{Answer, Call, Request, taken},
    numbers::{config_source, error_of_resource},
    owned::{Owned, lent, pointers, results},
};
use crate::{
    admin::{AlterConfigOp, ConfigEntry, ConfigResource, ConfigSource, ConfigSynonym, PerItem},
    client::ffi::text::{c_string, c_text},
    error::{Error, Result},
};

/// Changes of single configs, resource by resource.
pub(crate) struct AlterConfigs(pub(crate) BTreeMap<ConfigResource, Vec<(String, AlterConfigOp)>>);

/// Asks for all configs of resources; of brokers, for one at a time.
pub(crate) struct DescribeConfigs(pub(crate) Vec<ConfigResource>);

impl Request for DescribeConfigs {
    type Answer = PerItem<ConfigResource, BTreeMap<String, ConfigEntry>>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let resources = self.0.iter().map(native).collect::<Result<Vec<_>>>()?;
        let mut resources_ptr = pointers(&resources);
        // SAFETY: client, options and queue are alive; the resources are copied.
        unsafe {
            sys::rd_kafka_DescribeConfigs(
                call.client(),
                resources_ptr.as_mut_ptr(),
                resources.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event.
        unsafe {
            results(
                answer,
                sys::rd_kafka_event_DescribeConfigs_result,
                sys::rd_kafka_DescribeConfigs_result_resources,
                |resource| {
                    result(resource, |resource| {
                        let entries = lent(resource, sys::rd_kafka_ConfigResource_configs);
                        entries.into_iter().map(|found| entry(found)).map(|entry| (entry.name.clone(), entry)).collect()
                    })
                },
            )
        }
    }
}

impl Request for AlterConfigs {
    type Answer = PerItem<ConfigResource, ()>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let mut resources = Vec::with_capacity(self.0.len());
        for (resource, changes) in &self.0 {
            let native = native(resource)?;
            for (key, change) in changes {
                add(&native, key, change)
                    .map_err(|e| Error::new(e.kind(), format!("config of {resource}")).with_source(e))?;
            }
            resources.push(native);
        }
        let mut resources_ptr = pointers(&resources);
        // SAFETY: client, options and queue are alive; the resources are copied.
        unsafe {
            sys::rd_kafka_IncrementalAlterConfigs(
                call.client(),
                resources_ptr.as_mut_ptr(),
                resources.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event.
        unsafe {
            results(
                answer,
                sys::rd_kafka_event_IncrementalAlterConfigs_result,
                sys::rd_kafka_IncrementalAlterConfigs_result_resources,
                |resource| result(resource, |_| ()),
            )
        }
    }
}

fn native(resource: &ConfigResource) -> Result<Owned<sys::rd_kafka_ConfigResource_t>> {
    let (kind, name) = match resource {
        ConfigResource::Topic(name) => (ResourceType::RD_KAFKA_RESOURCE_TOPIC, name.clone()),
        ConfigResource::Group(name) => (ResourceType::RD_KAFKA_RESOURCE_GROUP, name.clone()),
        ConfigResource::Broker(id) => (ResourceType::RD_KAFKA_RESOURCE_BROKER, id.to_string()),
    };
    let name = c_string(&name, "name of a topic or group")?;
    // SAFETY: the name is copied; the resource is ours.
    unsafe {
        Owned::new(
            sys::rd_kafka_ConfigResource_new(kind, name.as_ptr()),
            sys::rd_kafka_ConfigResource_destroy,
            "resource",
        )
    }
}

fn add(resource: &Owned<sys::rd_kafka_ConfigResource_t>, key: &str, change: &AlterConfigOp) -> Result<()> {
    let (op, value) = match change {
        AlterConfigOp::Set(value) => (OpType::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET, Some(value)),
        AlterConfigOp::Delete => (OpType::RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE, None),
        AlterConfigOp::Append(value) => (OpType::RD_KAFKA_ALTER_CONFIG_OP_TYPE_APPEND, Some(value)),
        AlterConfigOp::Subtract(value) => (OpType::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SUBTRACT, Some(value)),
    };
    let (name, value) = (c_string(key, "config")?, value.map(|value| c_string(value, key)).transpose()?);
    let value: Option<&CString> = value.as_ref();
    // SAFETY: the resource is ours; name and value are copied; the error object is ours.
    unsafe {
        taken(sys::rd_kafka_ConfigResource_add_incremental_config(
            resource.as_ptr(),
            name.as_ptr(),
            op,
            value.map_or(ptr::null(), |value| value.as_ptr()),
        ))
    }
}

/// What is said of a resource; nothing of types that are not asked for.
///
/// # Safety
/// The resource is alive.
unsafe fn result<T>(
    resource: *const sys::rd_kafka_ConfigResource_t,
    read: impl Fn(*const sys::rd_kafka_ConfigResource_t) -> T,
) -> Option<(ConfigResource, Outcome<T>)> {
    // SAFETY: the caller's promise.
    unsafe {
        let name = c_text(sys::rd_kafka_ConfigResource_name(resource));
        let item = match sys::rd_kafka_ConfigResource_type(resource) {
            ResourceType::RD_KAFKA_RESOURCE_TOPIC => ConfigResource::Topic(name),
            ResourceType::RD_KAFKA_RESOURCE_GROUP => ConfigResource::Group(name),
            ResourceType::RD_KAFKA_RESOURCE_BROKER => ConfigResource::Broker(name.parse().ok()?),
            _ => return None,
        };
        Some((item, error_of_resource(resource).map_or_else(|| Ok(read(resource)), Err)))
    }
}

/// # Safety
/// The entry is alive.
unsafe fn entry(entry: *const sys::rd_kafka_ConfigEntry_t) -> ConfigEntry {
    // SAFETY: the caller's promise; all of it is copied.
    unsafe {
        let is = |flag: unsafe extern "C" fn(*const sys::rd_kafka_ConfigEntry_t) -> i32| flag(entry) > 0;
        let ConfigSynonym { name, value, source } = synonym(entry);
        let synonyms = lent(entry, sys::rd_kafka_ConfigEntry_synonyms);
        ConfigEntry {
            name,
            value,
            source,
            is_default: is(sys::rd_kafka_ConfigEntry_is_default),
            is_sensitive: is(sys::rd_kafka_ConfigEntry_is_sensitive),
            is_read_only: is(sys::rd_kafka_ConfigEntry_is_read_only),
            synonyms: synonyms.into_iter().map(|found| synonym(found)).collect(),
        }
    }
}

/// What an entry and a synonym of one have in common.
///
/// # Safety
/// The entry is alive.
unsafe fn synonym(entry: *const sys::rd_kafka_ConfigEntry_t) -> ConfigSynonym {
    // SAFETY: the caller's promise.
    unsafe {
        let value = sys::rd_kafka_ConfigEntry_value(entry);
        ConfigSynonym {
            name: c_text(sys::rd_kafka_ConfigEntry_name(entry)),
            value: (!value.is_null()).then(|| c_text(value)),
            source: ConfigSource::of(config_source(entry)),
        }
    }
}
