//! Quotas of users, clients and addresses, and passwords of users.

use std::io::Write;

use super::{
    changes::{Changes, credential, double},
    entity::EntityType,
    show,
};
use crate::{
    failure::Failure,
    tools::Output,
    wire::{
        Cluster, EntityFilter, Mechanism, NewCredential, QuotaEntity, Quotas, WireError, alter_credentials,
        alter_quotas, describe_credentials, describe_quotas,
    },
};

const QUOTAS: [&str; 4] =
    ["producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"];
const ADDRESS_QUOTAS: [&str; 1] = ["connection_creation_rate"];

/// Shows the quotas of those that are named, or of all of a kind, and the passwords of users.
pub(super) async fn describe(
    cluster: &Cluster,
    kinds: &[EntityType],
    names: &[String],
    out: &mut Output,
) -> Result<(), Failure> {
    let mut found = described(cluster, kinds, names).await?;
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (entity, quotas) in &found {
        writeln!(out, "{}", show::quotas(entity, quotas))?;
    }
    if kinds != [EntityType::Users] || names.iter().any(String::is_empty) {
        return Ok(());
    }
    for (user, credentials) in describe_credentials(cluster, names).await? {
        match credentials {
            Ok(credentials) => writeln!(out, "{}", show::credentials(&user, &credentials))?,
            Err(error) => writeln!(
                out,
                "Error retrieving SCRAM credential configs for user-principal '{user}': ExecutionException: {error}"
            )?,
        }
    }
    Ok(())
}

async fn described(
    cluster: &Cluster,
    kinds: &[EntityType],
    names: &[String],
) -> Result<Vec<(QuotaEntity, Quotas)>, Failure> {
    if names.len() > kinds.len() {
        return Err(Failure::Failed("More entity names specified than entity types".to_owned()));
    }
    let filter = |(index, kind): (usize, &EntityType)| {
        let filter = match names.get(index).map(String::as_str) {
            None => EntityFilter::Any,
            Some("") => EntityFilter::Default,
            Some(name) => EntityFilter::Named(name.to_owned()),
        };
        (quota_kind(*kind), filter)
    };
    let filters: Vec<_> = kinds.iter().enumerate().map(filter).collect();
    Ok(describe_quotas(cluster, &filters).await?)
}

fn quota_kind(kind: EntityType) -> &'static str {
    match kind {
        EntityType::Users => "user",
        EntityType::Ips => "ip",
        _ => "client-id",
    }
}

/// What is changed.
#[derive(Debug, PartialEq)]
enum Plan {
    Quotas(Vec<(String, Option<f64>)>),
    Passwords { new: Vec<NewCredential>, gone: Vec<Mechanism> },
}

/// Changes quotas or passwords.
pub(super) async fn alter(
    cluster: &Cluster,
    kinds: &[EntityType],
    names: &[String],
    changes: &Changes,
) -> Result<(), Failure> {
    match plan(kinds, names, changes).map_err(Failure::Failed)? {
        Plan::Quotas(wanted) => {
            let old = described(cluster, kinds, names).await?.into_iter().next().map(|(_, quotas)| quotas);
            let old = old.unwrap_or_default();
            let is_set = |name: &&String| old.iter().any(|(known, _)| known == *name);
            let unknown: Vec<&str> = changes.unset.iter().filter(|name| !is_set(name)).map(String::as_str).collect();
            if !unknown.is_empty() {
                return Err(Failure::Failed(format!("Invalid config(s): {}", unknown.join(","))));
            }
            let of = |(kind, name): (&EntityType, &String)| {
                (quota_kind(*kind), Some(name.clone()).filter(|name| !name.is_empty()))
            };
            Ok(alter_quotas(cluster, &kinds.iter().zip(names).map(of).collect(), &wanted).await?)
        }
        Plan::Passwords { new, gone } => {
            let user = names.first().map(String::as_str).unwrap_or_default();
            match alter_credentials(cluster, user, &new, &gone).await {
                Ok(()) => Ok(()),
                Err(error @ WireError::Kafka(_)) => Err(Failure::Failed(format!("user {user}: {error}"))),
                Err(error) => Err(error.into()),
            }
        }
    }
}

fn plan(kinds: &[EntityType], names: &[String], changes: &Changes) -> Result<Plan, String> {
    let is_quota = |name: &str| match kinds {
        [EntityType::Ips] => ADDRESS_QUOTAS.contains(&name),
        _ => QUOTAS.contains(&name),
    };
    let of_users = kinds == [EntityType::Users];
    let unknown = |names: &mut dyn Iterator<Item = &String>| {
        let is_known = |name: &str| is_quota(name) || (of_users && Mechanism::of(name).is_some());
        let unknown = names.filter(|name| !is_known(name));
        unknown.map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    let what = match kinds {
        [EntityType::Ips] => ("connection quota", "ips"),
        [EntityType::Users] => ("quota and SCRAM credential", "users"),
        _ => ("quota", "clients"),
    };
    for (done, names) in [("added", unknown(&mut changes.set.keys())), ("deleted", unknown(&mut changes.unset.iter()))]
    {
        if !names.is_empty() {
            return Err(format!(
                "Only {} configs can be {done} for '{}' using --bootstrap-server. Unexpected config names: {names}",
                what.0, what.1
            ));
        }
    }
    let new: Vec<(Mechanism, &String)> =
        changes.set.iter().filter_map(|(name, value)| Some((Mechanism::of(name)?, value))).collect();
    let gone: Vec<Mechanism> = changes.unset.iter().filter_map(|name| Mechanism::of(name)).collect();
    let has_quotas = changes.names().any(|name| is_quota(name));
    if new.is_empty() && gone.is_empty() {
        let value = |(name, value): (&String, &String)| {
            let number = double(value);
            let number = number.ok_or_else(|| format!("Cannot parse quota configuration value for {name}: {value}"))?;
            Ok((name.clone(), Some(number)))
        };
        let mut wanted = changes.set.iter().map(value).collect::<Result<Vec<_>, String>>()?;
        wanted.extend(changes.unset.iter().map(|name| (name.clone(), None)));
        return Ok(Plan::Quotas(wanted));
    }
    if names.iter().any(String::is_empty) {
        return Err("The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using \
                    --bootstrap-server."
            .to_owned());
    }
    if has_quotas {
        return Err("Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using \
                    --bootstrap-server."
            .to_owned());
    }
    let new = new.into_iter().map(|(mechanism, value)| credential(mechanism, value)).collect::<Result<_, _>>()?;
    Ok(Plan::Passwords { new, gone })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::configs::changes::pairs;

    fn planned(kinds: &[EntityType], name: &str, set: &str, unset: &[&str]) -> Result<Plan, String> {
        let set = if set.is_empty() { Ok(Default::default()) } else { pairs(set) }.unwrap();
        let unset: Vec<String> = unset.iter().map(|&name| name.to_owned()).collect();
        plan(kinds, &vec![name.to_owned(); kinds.len()], &Changes::of(set, &unset).unwrap())
    }

    #[test]
    fn quotas_are_set_and_unset() {
        let wanted = planned(&[EntityType::Clients], "c", "producer_byte_rate=1024", &["consumer_byte_rate"]);
        let expected = vec![("producer_byte_rate".to_owned(), Some(1024.0)), ("consumer_byte_rate".to_owned(), None)];
        assert_eq!(wanted, Ok(Plan::Quotas(expected)));
    }

    #[test]
    fn only_users_have_passwords_and_not_together_with_quotas() {
        let password = "SCRAM-SHA-256=[password=secret]";
        let users = [EntityType::Users];
        assert!(matches!(planned(&users, "u", password, &["SCRAM-SHA-512"]), Ok(Plan::Passwords { .. })));
        let refused = planned(&[EntityType::Users, EntityType::Clients], "u", password, &[]).unwrap_err();
        assert!(refused.starts_with("Only quota configs can be added for 'clients' "), "{refused}");
        let refused = planned(&users, "", password, &[]).unwrap_err();
        assert!(refused.starts_with("The use of --entity-default or --user-defaults is not allowed"), "{refused}");
        let refused = planned(&users, "u", password, &["producer_byte_rate"]).unwrap_err();
        assert!(refused.starts_with("Cannot alter both quota and SCRAM"), "{refused}");
    }

    #[test]
    fn what_is_no_quota_is_refused_in_the_scripts_words() {
        assert_eq!(
            planned(&[EntityType::Ips], "::1", "producer_byte_rate=1", &[]).unwrap_err(),
            "Only connection quota configs can be added for 'ips' using --bootstrap-server. Unexpected config names: \
             producer_byte_rate"
        );
        assert_eq!(
            planned(&[EntityType::Clients], "c", "producer_byte_rate=fast", &[]).unwrap_err(),
            "Cannot parse quota configuration value for producer_byte_rate: fast"
        );
    }
}
