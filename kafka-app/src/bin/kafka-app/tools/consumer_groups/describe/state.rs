//! `--describe --state`.

use std::{io, io::Write};

use super::{MISSING, or_missing, width};
use crate::wire::GroupDescription;

pub(super) fn render(group: &GroupDescription, verbose: bool, out: &mut impl Write) -> io::Result<()> {
    let node = &group.coordinator;
    let coordinator = format!("{}:{}  ({})", node.host, node.port, node.id);
    let group_width = width([group.group.as_str()].into_iter(), 15);
    let coordinator_width = width([coordinator.as_str()].into_iter(), 25);
    let mut line = |cells: [&str; 7]| {
        let [name, coordinator, assignor, state, epoch, target_epoch, members] = cells;
        write!(out, "\n{name:<group_width$} {coordinator:<coordinator_width$} {assignor:<20} {state:<20} ")?;
        if verbose {
            write!(out, "{epoch:<15} {target_epoch:<25} ")?;
        }
        write!(out, "{members}")
    };
    let (strategy, epoch, target) = ("ASSIGNMENT-STRATEGY", "GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH");
    line(["GROUP", "COORDINATOR (ID)", strategy, "STATE", epoch, target, "#MEMBERS"])?;
    let assignor = if group.assignor.is_empty() { MISSING } else { &group.assignor };
    let (epoch, target) = (or_missing(group.group_epoch), or_missing(group.target_assignment_epoch));
    let members = group.members.len().to_string();
    line([&group.group, &coordinator, assignor, group.state.name(), &epoch, &target, &members])?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::{super::tests, *};
    use crate::wire::GroupState;

    #[test]
    fn a_state_is_a_line() {
        let members = vec![tests::member("a", "app-1", &[0]), tests::member("b", "app-2", &[1])];
        assert_eq!(
            tests::text(|out| render(&tests::group("busy", members), false, out)),
            "\n\
             GROUP           COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE                #MEMBERS\n\
             busy            127.0.0.1:19292  (1)      range                Stable               2\n"
        );
    }

    #[test]
    fn a_group_without_members_has_no_strategy() {
        let group =
            GroupDescription { state: GroupState::Empty, assignor: String::new(), ..tests::group("idle", Vec::new()) };
        assert_eq!(
            tests::text(|out| render(&group, false, out)),
            "\n\
             GROUP           COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE                #MEMBERS\n\
             idle            127.0.0.1:19292  (1)      -                    Empty                0\n"
        );
    }

    #[test]
    fn epochs_are_for_who_wants_to_know_more() {
        let group = GroupDescription {
            assignor: "uniform".to_owned(),
            group_epoch: Some(1),
            target_assignment_epoch: Some(1),
            ..tests::group("next", vec![tests::member("a", "app-3", &[])])
        };
        assert_eq!(
            tests::text(|out| render(&group, true, out)),
            "\n\
             GROUP           COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE                GROUP-EPOCH     TARGET-ASSIGNMENT-EPOCH   #MEMBERS\n\
             next            127.0.0.1:19292  (1)      uniform              Stable               1               1                         1\n"
        );
    }
}
