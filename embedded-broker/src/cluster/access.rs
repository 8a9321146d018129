//! Changes of what clients may do and how much of it: credentials, ACLs, quotas, and the levels of features. Each is kept
//! before it takes effect, and one change is made at a time.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::Cluster;
use crate::error::{Error, ErrorCode};
use crate::features::{self, Change};
use crate::quotas::entity::{self, NamedEntity, Ops};
use crate::security::acl::authorizer::Authorizer;
use crate::security::acl::binding::Acl;
use crate::security::acl::filter::AclFilter;
use crate::security::sasl::scram::credentials::{Deletion, ScramChange, Upsertion};
use crate::state::{StateImage, StateRecord};

impl Cluster {
    /// Moves features to other levels, all or none of them; only looks when `validate_only`.
    ///
    /// # Errors
    ///
    /// Why the first one that cannot change cannot, in Kafka's words.
    pub(crate) fn update_features<'a>(
        &self,
        updates: impl Iterator<Item = (&'a str, i16, Option<Change>)>,
        validate_only: bool,
    ) -> Result<(), String> {
        let _one_at_a_time = self.changes.lock();
        let changed = self.features.updated(self.controller_id(), updates)?;
        if validate_only {
            return Ok(());
        }
        let fact = |&(name, level): &(&str, i16)| StateRecord::FeatureLevel { name: name.to_owned(), level };
        self.state.keep(|| changed.iter().map(fact).collect::<Vec<_>>()).map_err(|error| error.to_string())?;
        changed.into_iter().for_each(|(name, level)| self.features.set(name, level));
        self.tell_partitions(None);
        self.metadata_changed();
        Ok(())
    }

    /// Changes the quotas of one entity; only looks when `validate_only`.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST`, with Kafka's words.
    pub(crate) fn alter_quotas(&self, named: &NamedEntity, ops: &Ops, validate_only: bool) -> Result<(), Error> {
        // It may ask for the address of a name, so before anybody is held up.
        let entity = entity::read(named)?;
        let _one_at_a_time = self.changes.lock();
        let values = self.quotas.altered(&entity, ops)?;
        if validate_only {
            return Ok(());
        }
        self.state.keep(|| [StateRecord::ClientQuotas { entity: entity.clone(), values: values.clone() }])?;
        self.quotas.set(entity, values);
        self.metadata_changed();
        Ok(())
    }

    /// Removes and stores SCRAM credentials, user by user; each is answered once.
    pub(crate) fn alter_scram<'a>(
        &self,
        deletions: &[Deletion<'a>],
        upsertions: &[Upsertion<'a>],
    ) -> Vec<(&'a str, Result<(), Error>)> {
        let _one_at_a_time = self.changes.lock();
        let plans = self.scram.read().plan(deletions, upsertions);
        let changes = || plans.iter().filter_map(|(_, plan)| plan.as_ref().ok().cloned());
        let kept = self.state.keep(|| changes().map(StateRecord::ScramCredential).collect::<Vec<_>>());
        let mut known = self.scram.write();
        let mut done = |change| match &kept {
            Ok(()) => {
                known.apply(change);
                Ok(())
            }
            Err(error) => Err(Error::with_code(ErrorCode::KafkaStorageError, error.message())),
        };
        plans.into_iter().map(|(user, plan)| (user, plan.and_then(&mut done))).collect()
    }

    /// Lets users in by SCRAM with these passwords.
    pub(crate) fn add_scram_users(&self, users: &[(String, String)]) {
        let mut known = self.scram.write();
        users.iter().for_each(|(user, password)| known.add_user(user, password, Uuid::new_v4().as_bytes()));
    }

    /// Makes ACLs, all at once; those that are there already stay.
    ///
    /// # Errors
    ///
    /// If they cannot be kept.
    pub(crate) fn create_acls(&self, authorizer: &Authorizer, acls: BTreeSet<Acl>) -> Result<(), Error> {
        let _one_at_a_time = self.changes.lock();
        let is_new = |acl: &Acl| !authorizer.has(acl);
        let new: Vec<Acl> = acls.into_iter().filter(is_new).collect();
        self.state.keep(|| new.iter().cloned().map(StateRecord::Acl).collect::<Vec<_>>())?;
        authorizer.create(new);
        Ok(())
    }

    /// Takes away the ACLs that each filter means, all at once, and tells for each which they were; one that is meant twice
    /// is told once.
    ///
    /// # Errors
    ///
    /// If that cannot be kept.
    pub(crate) fn delete_acls(&self, authorizer: &Authorizer, filters: &[AclFilter]) -> Result<Vec<Vec<Acl>>, Error> {
        let _one_at_a_time = self.changes.lock();
        let mut gone = BTreeSet::new();
        let mut meant = Vec::new();
        for filter in filters {
            let mut own = authorizer.describe(filter);
            own.retain(|acl| gone.insert(acl.clone()));
            meant.push(own);
        }
        self.state.keep(|| gone.iter().cloned().map(StateRecord::AclRemoved).collect::<Vec<_>>())?;
        authorizer.delete(&gone);
        Ok(meant)
    }

    /// Makes true again what a state log says.
    ///
    /// # Errors
    ///
    /// A feature is at a level that this version does not have.
    pub(super) fn recover_access(&self, image: &StateImage) -> Result<(), Error> {
        for (name, &level) in &image.features {
            let why = || format!("the data directory has {name} at level {level}, which this version does not support");
            let unknown = || Error::with_code(ErrorCode::InvalidUpdateVersion, why());
            self.features.set(features::supported(name, level).ok_or_else(unknown)?, level);
        }
        image.quotas.iter().for_each(|(entity, values)| self.quotas.set(entity.clone(), values.clone()));
        let mut scram = self.scram.write();
        for ((user, hash), credential) in &image.scram {
            scram.apply(ScramChange { user: user.clone(), hash: *hash, credential: Some(credential.clone()) });
        }
        // Without an authorizer nobody asks for them; they are kept for a start that has one.
        self.authorizer.iter().for_each(|authorizer| authorizer.create(image.acls.iter().cloned()));
        Ok(())
    }
}
