//! What holds whatever is asked, in whatever order, and however the store answers.

use super::*;

#[derive(Debug, Clone)]
enum Happening {
    Need(SchemaDiff),
    Pass(u64),
    /// Ends the change with this place among those under way.
    End(usize, u8),
    Refresh(Option<String>),
    Refreshed,
}

const TABLES: [&str; 4] = ["t", "u", "new", "newer"];

fn happening() -> impl Strategy<Value = Happening> {
    let names = proptest::collection::vec(0u8..8, 1..3);
    let need = (0usize..4, 0u8..3, names).prop_map(|(table, what, names)| {
        let names: Vec<String> = names.into_iter().map(|name| format!("c{name}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Happening::Need(match (TABLES[table], what) {
            (table @ ("new" | "newer"), 0) => create(table).merge(add("t", &names)),
            (table @ ("new" | "newer"), _) => create(table),
            (table, 2) => widen(table, "id"),
            (table, _) => add(table, &names),
        })
    });
    prop_oneof![
        4 => need,
        4 => (0u64..4_000).prop_map(Happening::Pass),
        4 => (0usize..4, 0u8..10).prop_map(|(which, how)| Happening::End(which, how)),
        1 => proptest::option::of(Just("t".to_owned())).prop_map(Happening::Refresh),
        2 => Just(Happening::Refreshed),
    ]
}

fn result(how: u8) -> Result<(), SchemaFault> {
    match how {
        0 => Err(SchemaFault::Transient { wait: None, fault: fault("busy") }),
        1 => Err(SchemaFault::Denied(fault("denied"))),
        2 => Err(SchemaFault::Broken(fault("broken"))),
        3 => Err(SchemaFault::Full(fault("full"))),
        _ => Ok(()),
    }
}

impl Bed {
    fn refreshed(&mut self) {
        if let Some(table) = self.refreshes.pop() {
            self.give(Input::Refreshed { table, ok: true });
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Need(diff) => drop(self.need(diff)),
            Happening::Pass(millis) => self.pass(Duration::from_millis(millis)),
            Happening::End(which, how) => {
                let change = self.open.keys().nth(which).copied();
                change.into_iter().for_each(|change| self.end(change, result(how)));
            }
            Happening::Refresh(table) => self.give(Input::Refresh(table)),
            Happening::Refreshed => self.refreshed(),
        }
    }

    /// Lets the store work through everything that is left, for so many rounds of 10 s.
    fn come_to_rest(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.refreshed();
            self.open
                .keys()
                .copied()
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|change| self.end(change, Ok(())));
            self.pass(10 * SECOND);
        }
    }
}

fn pace(together: bool) -> SchemaPace {
    if together { SchemaPace::default() } else { slow() }
}

proptest! {
    /// `Bed` itself fails on a second change of a table, a second answer to a ticket, and a tick that is due already.
    #[test]
    fn every_ticket_is_answered_and_no_quota_overrun(
        together in any::<bool>(),
        happenings in proptest::collection::vec(happening(), 0..80),
    ) {
        let mut bed = Bed::with(pace(together), Some(900 * SECOND), Vec::new());
        happenings.into_iter().for_each(|happening| bed.happen(happening));
        bed.come_to_rest(100);
        for ticket in 1..=bed.tickets {
            prop_assert!(bed.answer(ticket).is_some(), "{} has no answer", ticket);
        }
        prop_assert!(bed.open.is_empty());
        for table in TABLES.iter().filter(|_| !together) {
            let of_table = |diff: &SchemaDiff| tables(diff).into_iter().any(|other| other == table);
            let at: Vec<Moment> =
                bed.asked.iter().filter(|(_, diff)| of_table(diff)).map(|(at, _)| *at).collect();
            prop_assert!(at.windows(5).all(|five| five[4] - five[0] >= 10 * SECOND), "{}: {:?}", table, at);
        }
    }

    #[test]
    fn what_was_promised_is_there_and_asking_again_changes_nothing(
        needs in proptest::collection::vec((happening(), 0u64..2_000), 1..40),
    ) {
        let mut bed = Bed::new(slow());
        let mut wanted = SchemaDiff::default();
        for (need, wait) in needs {
            if let Happening::Need(diff) = need {
                wanted = wanted.merge(diff.clone());
                bed.need(diff);
            }
            bed.pass(Duration::from_millis(wait));
        }
        bed.come_to_rest(20);
        for ticket in 1..=bed.tickets {
            prop_assert_eq!(bed.answer(ticket), Some(Ok(())));
        }
        prop_assert_eq!(parts::missing(wanted.clone(), &bed.schema), SchemaDiff::default());
        let asked = bed.asked.len();
        let again = bed.need(wanted);
        prop_assert_eq!((bed.answer(again), bed.asked.len()), (Some(Ok(())), asked));
    }

    #[test]
    fn the_order_of_needs_in_a_window_does_not_show(mut needs in proptest::collection::vec(happening(), 1..20)) {
        needs.retain(|need| matches!(need, Happening::Need(_)));
        let run = |needs: Vec<Happening>| {
            let mut bed = Bed::new(slow());
            needs.into_iter().for_each(|need| bed.happen(need));
            bed.pass(SECOND);
            let mut asked: Vec<SchemaDiff> = bed.asked.into_iter().map(|(_, diff)| diff).collect();
            asked.sort_by_key(|diff| tables(diff).into_iter().cloned().collect::<Vec<_>>());
            asked
        };
        let forth = run(needs.clone());
        needs.reverse();
        prop_assert_eq!(forth, run(needs));
    }
}
