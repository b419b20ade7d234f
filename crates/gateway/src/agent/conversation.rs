//! What was said in a session, for agents that keep no conversation themselves.

use std::collections::VecDeque;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The user.
    User,
    /// The agent.
    Agent,
}

/// The messages and answers of a session, oldest first: the newest that fit into a number of bytes.
///
/// It begins with the user's word, since that is how models were taught to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    remarks: VecDeque<(Speaker, String)>,
    bytes: usize,
    most: usize,
    is_cut: bool,
}

impl Conversation {
    /// One in which nothing was said yet.
    #[must_use]
    pub const fn new(most_bytes: usize) -> Self {
        Self { remarks: VecDeque::new(), bytes: 0, most: most_bytes, is_cut: false }
    }

    /// One that goes on behind these remarks, the newest first. No more of them are taken than fit.
    #[must_use]
    pub fn behind(most_bytes: usize, newest_first: impl IntoIterator<Item = (Speaker, String)>) -> Self {
        let mut conversation = Self::new(most_bytes);
        for (speaker, text) in newest_first {
            if conversation.bytes + text.len() > most_bytes {
                conversation.is_cut = true;
                break;
            }
            conversation.bytes += text.len();
            conversation.remarks.push_front((speaker, text));
        }
        conversation.fit();
        conversation
    }

    /// Adds a remark; for it the oldest ones go. A user's newest one stays however long it is: it is what is asked.
    pub(super) fn push(&mut self, speaker: Speaker, text: String) {
        self.bytes += text.len();
        self.remarks.push_back((speaker, text));
        self.fit();
    }

    /// Whether older parts did not fit.
    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// How many bytes of it are kept at most.
    pub(super) const fn most_bytes(&self) -> usize {
        self.most
    }

    /// What was said, each speaker's word in one piece: some models' templates take nothing else than speakers in turn.
    pub(super) fn by_turns(&self) -> Vec<(Speaker, String)> {
        let mut spoken: Vec<(Speaker, String)> = Vec::new();
        for (speaker, text) in &self.remarks {
            match spoken.last_mut().filter(|(last, _)| last == speaker) {
                Some((_, whole)) => {
                    whole.push_str("\n\n");
                    whole.push_str(text);
                }
                None => spoken.push((*speaker, text.clone())),
            }
        }
        spoken
    }

    fn fit(&mut self) {
        while let Some((first, text)) = self.remarks.front() {
            let is_too_much = self.bytes > self.most && self.remarks.len() > 1;
            if !is_too_much && *first == Speaker::User {
                return;
            }
            self.bytes -= text.len();
            self.remarks.pop_front();
            self.is_cut = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Speaker::{Agent, User};

    fn said(conversation: &Conversation) -> Vec<(Speaker, String)> {
        conversation.by_turns()
    }

    fn word(speaker: Speaker, text: &str) -> (Speaker, String) {
        (speaker, text.to_owned())
    }

    #[test]
    fn the_oldest_goes_when_the_newest_does_not_fit_and_the_user_begins() {
        let mut conversation = Conversation::new(10);
        for (speaker, text) in [(User, "1234"), (Agent, "12"), (User, "123")] {
            conversation.push(speaker, text.to_owned());
        }
        assert!(!conversation.is_cut());
        conversation.push(Agent, "45".to_owned());
        assert_eq!(said(&conversation), [word(User, "123"), word(Agent, "45")], "an answer does not stand without its question");
        assert!(conversation.is_cut());
    }

    #[test]
    fn what_is_asked_stays_however_long_it_is_and_an_answer_too_long_takes_everything_with_it() {
        let mut conversation = Conversation::new(4);
        conversation.push(User, "longer".to_owned());
        assert_eq!(said(&conversation), [word(User, "longer")]);
        conversation.push(Agent, "a long answer".to_owned());
        assert_eq!(said(&conversation), []);
        conversation.push(User, "on".to_owned());
        assert_eq!(said(&conversation), [word(User, "on")]);
    }

    #[test]
    fn of_the_past_the_newest_that_fits_is_taken_and_no_more_is_read() {
        let past = [(Agent, "d"), (User, "c"), (Agent, "bbb"), (User, "aaa")].map(|(speaker, text)| word(speaker, text));
        let whole = Conversation::behind(8, past.clone());
        assert_eq!(said(&whole).len(), 4);
        assert!(!whole.is_cut());
        let mut read = 0;
        let cut = Conversation::behind(4, past.into_iter().inspect(|_| read += 1));
        assert_eq!(said(&cut), [word(User, "c"), word(Agent, "d")]);
        assert!(cut.is_cut());
        assert_eq!(read, 3);
    }

    #[test]
    fn what_one_says_twice_in_a_row_is_one_word() {
        let mut conversation = Conversation::new(100);
        conversation.push(User, "one".to_owned());
        conversation.push(User, "two".to_owned());
        conversation.push(Agent, "three".to_owned());
        assert_eq!(said(&conversation), [word(User, "one\n\ntwo"), word(Agent, "three")]);
    }
}
