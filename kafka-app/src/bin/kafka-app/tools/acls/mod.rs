//! `kafka-acls`: who may do what.

mod options;
mod wanted;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead, Write},
};

use clap::Parser;

use super::{Output, ToolCommand};
use crate::{
    failure::Failure,
    wire::{AclEntry, Cluster, ResourcePattern, WireError, create_acls, delete_acls, describe_acls},
};
use options::{Action, Options};
use wanted::{Refused, Wanted};

/// This tool helps to manage acls on kafka.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true)]
pub(crate) struct AclsTool {
    #[command(flatten)]
    options: Options,
}

/// Why it was not done.
enum Trouble {
    Refused(Refused),
    Wire(WireError),
    Output(Failure),
}

impl ToolCommand for AclsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let action = self.options.action().map_err(Failure::Failed)?;
        let done = match action {
            Action::Add => add(&self.options, out).await,
            Action::Remove => remove(&self.options, out).await,
            Action::List => list(&self.options, out).await,
        };
        match done {
            Ok(()) => Ok(0),
            Err(Trouble::Output(failure)) => Err(failure),
            Err(Trouble::Refused(Refused::Usage(problem))) => Err(Failure::Failed(problem)),
            Err(Trouble::Refused(Refused::Illegal(problem))) => {
                writeln!(out, "Error while executing ACL command: {problem}")?;
                writeln!(out, "java.lang.IllegalArgumentException: {problem}\n")?;
                Ok(1)
            }
            Err(Trouble::Wire(error)) => {
                // As Java prints its two exceptions, without where they come from.
                writeln!(out, "Error while executing ACL command: {error}")?;
                writeln!(out, "java.util.concurrent.ExecutionException: {error}\nCaused by: {error}\n")?;
                Ok(1)
            }
        }
    }
}

async fn cluster(options: &Options, call: &str) -> Result<Cluster, Trouble> {
    Ok(Cluster::connect(options.connection.settings()?, call).await?)
}

async fn add(options: &Options, out: &mut Output) -> Result<(), Trouble> {
    let wanted = wanted::additions(options)?;
    let mut connected = None;
    for (resource, entries) in &wanted {
        writeln!(out, "Adding ACLs for resource `{resource}`: \n {}\n", lines(entries))?;
        out.flush()?;
        let cluster = match connected.take() {
            Some(cluster) => cluster,
            None => cluster(options, "createAcls").await?,
        };
        create_acls(&cluster, resource, entries).await?;
        connected = Some(cluster);
    }
    Ok(())
}

async fn remove(options: &Options, out: &mut Output) -> Result<(), Trouble> {
    let wanted = wanted::removals(options)?;
    let cluster = cluster(options, "deleteAcls").await?;
    for (resource, entries) in wanted {
        if options.force || is_confirmed(&question(&resource, &entries), out)? {
            let entries: Vec<AclEntry> = entries.into_iter().collect();
            delete_acls(&cluster, &resource, &entries).await?;
        }
    }
    Ok(())
}

fn question(resource: &ResourcePattern, entries: &BTreeSet<AclEntry>) -> String {
    if entries.is_empty() {
        return format!("Are you sure you want to delete all ACLs for resource filter `{resource}`? (y/n)");
    }
    let entries = lines(entries);
    format!("Are you sure you want to remove ACLs: \n {entries}\n from resource filter `{resource}`? (y/n)")
}

/// Asks; who has nothing to say to it does not want it.
fn is_confirmed(question: &str, out: &mut Output) -> io::Result<bool> {
    writeln!(out, "{question}")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim_end_matches(['\n', '\r']).eq_ignore_ascii_case("y"))
}

async fn list(options: &Options, out: &mut Output) -> Result<(), Trouble> {
    let filters = wanted::resources(options)?;
    let named: Vec<String> = options.principal.iter().filter(|name| !name.is_empty()).cloned().collect();
    let principals = wanted::principals(&named)?;
    let cluster = cluster(options, "describeAcls").await?;
    let filters = if filters.is_empty() { BTreeSet::from([ResourcePattern::any()]) } else { filters };
    let mut found: Wanted = BTreeMap::new();
    for filter in &filters {
        for (resource, entry) in describe_acls(&cluster, filter).await? {
            found.entry(resource).or_default().insert(entry);
        }
    }
    if principals.is_empty() {
        return Ok(render(&found, out)?);
    }
    for principal in principals {
        writeln!(out, "ACLs for principal `{principal}`")?;
        render(&of(&principal, &found), out)?;
    }
    Ok(())
}

/// What concerns a principal.
fn of(principal: &str, found: &Wanted) -> Wanted {
    let mut of = found.clone();
    of.values_mut().for_each(|entries| entries.retain(|entry| entry.principal == principal));
    of.retain(|_, entries| !entries.is_empty());
    of
}

fn render(found: &Wanted, out: &mut impl Write) -> io::Result<()> {
    for (resource, entries) in found {
        writeln!(out, "Current ACLs for resource `{resource}`:\n{}\n", lines(entries))?;
    }
    Ok(())
}

/// An entry a line, each behind a tab.
fn lines(entries: &BTreeSet<AclEntry>) -> String {
    entries.iter().map(|entry| format!("\t{entry}")).collect::<Vec<_>>().join("\n")
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<WireError> for Trouble {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Output(failure)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Output(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Wanted {
        let said = "--add --allow-principal User:alice --allow-principal User:bob --operation read --topic shop";
        wanted::additions(&options::tests::options(said)).unwrap()
    }

    #[test]
    fn entries_stand_under_their_resource() {
        let mut out = Vec::new();
        render(&found(), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=shop, patternType=LITERAL)`:\n\
             \t(principal=User:alice, host=*, operation=READ, permissionType=ALLOW)\n\
             \t(principal=User:bob, host=*, operation=READ, permissionType=ALLOW)\n\
             \n"
        );
    }

    #[test]
    fn a_principal_sees_what_concerns_it() {
        let of_bob = of("User:bob", &found());
        assert_eq!(of_bob.values().map(BTreeSet::len).collect::<Vec<_>>(), [1]);
        assert!(of("User:carol", &found()).is_empty());
    }

    #[test]
    fn what_is_removed_is_said_before() {
        let (resource, entries) = found().into_iter().next().unwrap();
        assert_eq!(
            question(&resource, &BTreeSet::new()),
            "Are you sure you want to delete all ACLs for resource filter \
             `ResourcePattern(resourceType=TOPIC, name=shop, patternType=LITERAL)`? (y/n)"
        );
        assert!(question(&resource, &entries).starts_with("Are you sure you want to remove ACLs: \n \t(principal="));
    }
}
