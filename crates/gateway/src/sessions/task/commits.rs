//! What follows a commit, and the folding behind it.

use std::sync::Arc;

use moorline_session::{Input, StoreError};
use moorline_transcript::Folded;
use tokio::time::Instant;

use super::Task;
use crate::{
    clock::wall,
    sessions::{RETRY, fold::fold, population::Resident},
};

impl Task {
    /// The commit is durable: the cache and the transcript take it before anybody hears of it.
    pub(super) fn committed(&mut self) {
        let Some((_, commit)) = self.committing.take() else { return };
        if commit.create.is_some() {
            self.resident.take().into_iter().for_each(Resident::stay);
        }
        if commit.deletion.is_some() {
            self.place.surroundings.population.leave();
        }
        for event in &commit.events {
            if self.oldest.value() == 0 {
                self.oldest = event.first();
            }
            self.retention.note(event);
            self.transcript.apply(event);
            self.place.tail.push(event);
        }
        self.touched = Instant::now();
        self.session.handle(self.place.surroundings.clock.now(), Input::Committed);
        if commit.events.is_empty() {
            self.publish();
        }
        self.rest();
    }

    /// Folds what is old; commits do not wait for it.
    pub(super) fn fold(&mut self) {
        let run = self.retention.begin();
        self.folding = Some(Box::pin(fold(Arc::clone(&self.place.surroundings), self.place.id.clone(), run)));
    }

    pub(super) fn folded(&mut self, folded: Result<Folded, StoreError>) {
        self.folding = None;
        match folded {
            Ok(folded) => {
                folded.folds().iter().for_each(|fold| self.place.tail.fold(fold));
                self.retention.done(folded);
                self.publish();
            }
            Err(error) => {
                tracing::warn!(session = %self.place.id, %error, "a part of a journal could not be folded: it is tried again");
                self.retention.failed(wall() + RETRY.0);
            }
        }
    }
}
