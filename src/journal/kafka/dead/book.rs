//! Which shared letters this router has and where, and what a record of the topic of dead letters changes about that.
//!
//! Pure. The order of the topic is the truth; what was done here goes ahead of it and is not undone when it comes back from
//! there. Costs about 50 bytes of memory for each letter.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::journal::{LetterId, LetterKey};

/// What a record of the topic says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Here is a letter, as a line.
    Letter(LetterKey, Vec<u8>),
    /// This letter was sent again or dropped.
    Gone(LetterKey),
}

/// What is to be done with the files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Letters that are new here, in the order of the topic.
    pub(super) keep: Vec<(LetterKey, Vec<u8>)>,
    /// Letters that went elsewhere.
    pub(super) take_out: Vec<LetterId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is about to be written.
    Coming,
    There(LetterId),
}

/// The letters with a key.
#[derive(Debug, Default)]
pub(super) struct Book {
    letters: HashMap<LetterKey, Place>,
    /// Taken out here, and the topic has not said so yet: what it says of them is older.
    gone: HashSet<LetterKey>,
    /// Kept here, and perhaps not in the topic yet.
    unsent: HashSet<LetterKey>,
}

impl Book {
    /// A letter is in the files.
    pub(super) fn kept(&mut self, key: LetterKey, id: LetterId) {
        self.letters.insert(key, Place::There(id));
        self.gone.remove(&key);
    }

    /// A letter is about to be sent and kept here, so the topic brings nothing new when it brings this one.
    pub(super) fn expect(&mut self, key: LetterKey) {
        self.letters.insert(key, Place::Coming);
    }

    /// An expected letter is not kept after all.
    pub(super) fn give_up(&mut self, key: LetterKey) {
        if self.is_expected(key) {
            self.letters.remove(&key);
        }
    }

    /// Returns whether a letter is still expected: another router may have taken it out already.
    pub(super) fn is_expected(&self, key: LetterKey) -> bool {
        self.letters.get(&key) == Some(&Place::Coming)
    }

    /// Returns where a letter is, when it is in the files.
    pub(super) fn place(&self, key: LetterKey) -> Option<LetterId> {
        match self.letters.get(&key)? {
            Place::There(id) => Some(*id),
            Place::Coming => None,
        }
    }

    /// A letter waits to be sent.
    pub(super) fn owe(&mut self, key: LetterKey) {
        self.unsent.insert(key);
    }

    /// Returns whether a letter still waits to be sent: the topic may have brought it meanwhile.
    pub(super) fn owes(&self, key: LetterKey) -> bool {
        self.unsent.contains(&key)
    }

    /// A letter need not be sent any more.
    pub(super) fn settle(&mut self, key: LetterKey) {
        self.unsent.remove(&key);
    }

    /// Takes letters out; returns those that were in the files. The topic is to be told of each.
    pub(super) fn take_out(&mut self, keys: impl Iterator<Item = LetterKey>) -> Vec<LetterKey> {
        let there: Vec<LetterKey> = keys.filter(|key| self.place(*key).is_some()).collect();
        for key in &there {
            self.letters.remove(key);
            self.gone.insert(*key);
        }
        there
    }

    /// A letter was taken out in an earlier life, and the topic is still to be told.
    pub(super) fn is_gone(&mut self, key: LetterKey) {
        self.letters.remove(&key);
        self.gone.insert(key);
    }

    /// Hears what the topic says, in its order; letters to be kept count as expected until they are.
    pub(super) fn hear(&mut self, told: Vec<Told>) -> Changes {
        let mut changes = Changes::default();
        for one in told {
            match one {
                Told::Letter(key, line) => self.hear_of(key, line, &mut changes),
                Told::Gone(key) => self.hear_the_end_of(key, &mut changes),
            }
        }
        changes
    }

    fn hear_of(&mut self, key: LetterKey, line: Vec<u8>, changes: &mut Changes) {
        self.unsent.remove(&key);
        if !self.letters.contains_key(&key) && !self.gone.contains(&key) {
            self.letters.insert(key, Place::Coming);
            changes.keep.push((key, line));
        }
    }

    fn hear_the_end_of(&mut self, key: LetterKey, changes: &mut Changes) {
        self.unsent.remove(&key);
        self.gone.remove(&key);
        match self.letters.remove(&key) {
            Some(Place::There(id)) => changes.take_out.push(id),
            // Of this chunk, or one that is being buried here: then nobody keeps it.
            Some(Place::Coming) => changes.keep.retain(|(kept, _)| *kept != key),
            None => {}
        }
    }

    /// Forgets letters that were buried before an instant: their time is over on every router.
    pub(super) fn forget_before(&mut self, before: Timestamp) {
        let floor = LetterKey::floor(before);
        self.letters.retain(|key, _| *key >= floor);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::fixtures::at;

    fn key(n: u8) -> LetterKey {
        LetterKey::new(at(0), u128::from(n))
    }

    fn id(n: u64) -> LetterId {
        LetterId { file: 0, offset: n }
    }

    fn letter(n: u8) -> Told {
        Told::Letter(key(n), vec![n])
    }

    fn gone(n: u8) -> Told {
        Told::Gone(key(n))
    }

    #[test]
    fn a_letter_of_another_router_is_kept_once_and_goes_when_it_is_told() {
        let mut book = Book::default();
        let changes = book.hear(vec![letter(1), letter(1), letter(2), gone(2)]);
        assert_eq!(changes, Changes { keep: vec![(key(1), vec![1])], take_out: vec![] });
        book.kept(key(1), id(10));
        assert_eq!(book.hear(vec![letter(1)]), Changes::default());
        assert_eq!(book.hear(vec![gone(1), gone(1)]).take_out, [id(10)]);
    }

    #[test]
    fn what_was_taken_out_here_does_not_come_back_with_older_words() {
        let mut book = Book::default();
        book.kept(key(1), id(10));
        assert_eq!(book.take_out([key(1), key(2)].into_iter()), [key(1)]);
        assert_eq!(book.hear(vec![letter(1)]), Changes::default(), "that is what it said before");
        assert_eq!(book.hear(vec![gone(1)]), Changes::default());
        assert_eq!(book.hear(vec![letter(1)]).keep.len(), 1, "after its end was heard it is another matter");
    }

    #[test]
    fn a_letter_that_is_taken_out_elsewhere_while_it_is_buried_is_not_kept() {
        let mut book = Book::default();
        book.expect(key(1));
        assert_eq!(book.hear(vec![letter(1)]), Changes::default());
        assert!(book.is_expected(key(1)));
        assert_eq!(book.hear(vec![gone(1)]), Changes::default());
        assert!(!book.is_expected(key(1)));
    }

    #[test]
    fn a_letter_that_the_topic_has_is_not_owed_to_it() {
        let mut book = Book::default();
        for n in 1..4 {
            book.kept(key(n), id(u64::from(n)));
            book.owe(key(n));
        }
        book.hear(vec![letter(1), gone(2)]);
        assert_eq!([1, 2, 3].map(|n| book.owes(key(n))), [false, false, true]);
    }

    #[test]
    fn letters_whose_time_is_over_are_forgotten() {
        let mut book = Book::default();
        for (n, seconds) in [(1, 0), (2, 1)] {
            book.kept(LetterKey::new(at(seconds), n), id(0));
        }
        book.forget_before(at(1));
        assert_eq!(book.letters.len(), 1);
    }

    /// A router that applies changes to a map as the files would.
    #[derive(Default)]
    struct Router {
        book: Book,
        files: HashMap<LetterId, LetterKey>,
        next: u64,
        /// How far it has read the topic.
        read: usize,
    }

    impl Router {
        fn keep(&mut self, key: LetterKey) {
            self.next += 1;
            self.files.insert(id(self.next), key);
            self.book.kept(key, id(self.next));
        }

        fn follow(&mut self, topic: &[Told], chunk: usize) {
            let end = topic.len().min(self.read + chunk);
            let changes = self.book.hear(topic[self.read..end].to_vec());
            self.read = end;
            changes.keep.into_iter().for_each(|(key, _)| self.keep(key));
            changes.take_out.iter().for_each(|id| assert!(self.files.remove(id).is_some(), "twice"));
        }

        fn keys(&self) -> Vec<LetterKey> {
            let mut keys: Vec<LetterKey> = self.files.values().copied().collect();
            keys.sort();
            keys
        }
    }

    proptest! {
        #[test]
        fn routers_that_have_read_everything_have_the_same_letters(
            steps in prop::collection::vec((0_usize..3, 0_u8..4, 0_usize..5), 0..80),
        ) {
            let mut routers = [Router::default(), Router::default(), Router::default()];
            let (mut topic, mut fresh) = (Vec::new(), 0);
            for (who, what, size) in steps {
                let router = &mut routers[who];
                match what {
                    // Sent and then kept; the words of others may be read in between.
                    0 => {
                        fresh += 1;
                        router.book.expect(key(fresh));
                        topic.push(letter(fresh));
                        router.follow(&topic, size);
                        if router.book.is_expected(key(fresh)) {
                            router.keep(key(fresh));
                        }
                    }
                    // Told and then done; one that two routers take out is told twice.
                    1 => {
                        let chosen: Vec<LetterKey> = router.keys().into_iter().take(size).collect();
                        let taken = router.book.take_out(chosen.into_iter());
                        router.files.retain(|_, key| !taken.contains(key));
                        topic.extend(taken.into_iter().map(Told::Gone));
                    }
                    _ => router.follow(&topic, size),
                }
            }
            let expected = topic.iter().fold(Vec::new(), |mut there: Vec<LetterKey>, told| {
                match told {
                    Told::Letter(key, _) => there.push(*key),
                    Told::Gone(key) => there.retain(|one| one != key),
                }
                there
            });
            for router in &mut routers {
                router.follow(&topic, usize::MAX / 2);
                prop_assert_eq!(&router.keys(), &expected);
                prop_assert!(router.book.gone.is_empty());
            }
        }
    }
}
