//! Events, one after the other.

use moorline_protocol::{
    Accepted, Append, Block, BlockId, BlockKind, Event, EventBody, Fields, FieldsPatch, Opened, Patch, Seq, Settlement, Turn, TurnId,
    TurnState,
};

use crate::{
    Changes, Transcript,
    entity::Entity,
    text::{Continued, continue_text},
    transcript::index_request,
};

impl Transcript {
    /// Applies one event and notes what changed.
    ///
    /// An event that was folded before changes nothing. One behind a hole is not applied at all; see
    /// [`Transcript::needs_snapshot`].
    pub fn apply(&mut self, event: &Event, changes: &mut Changes) {
        if event.seq <= self.seq {
            return;
        }
        if event.first() > self.seq.next() {
            self.torn = true;
            return;
        }
        self.seq = event.seq;
        self.fold_in(event, changes);
    }

    /// Folds an event into what it touches, whatever the seq of the rest.
    pub(crate) fn fold_in(&mut self, event: &Event, changes: &mut Changes) {
        match &event.body {
            EventBody::Accepted(accepted) => self.accept(accepted, event.seq, changes),
            EventBody::Opened(opened) => self.open(opened, event, changes),
            EventBody::TurnStarted(started) => self.change_turn(&started.turn, event, changes),
            EventBody::TurnStopping(stopping) => {
                self.change_turn(&stopping.turn, event, changes);
                if let Some(next) = stopping.next.as_ref().filter(|next| self.is_queued(next)) {
                    self.change_turn(next, event, changes);
                }
            }
            EventBody::TurnEnded(ended) => self.change_turn(&ended.turn, event, changes),
            // Snapshots carry every queued turn, so one that is unknown was never accepted.
            EventBody::Withdrawn(withdrawn) => {
                if self.is_queued(&withdrawn.message) {
                    self.change_turn(&withdrawn.message, event, changes);
                }
            }
            EventBody::Answered(answered) => self.change_block(&answered.block, event, changes),
            EventBody::Changed(changed) => self.change_block(&changed.block, event, changes),
            EventBody::Append(append) => self.change_block(&append.block, event, changes),
            EventBody::Fold(fold) => {
                for turn in &fold.turns {
                    self.merge_turn(turn.clone(), changes);
                }
                for block in &fold.blocks {
                    self.merge_block(block.clone(), changes);
                }
            }
            EventBody::Unknown { kind } => self.show_unsupported(kind, event.seq, changes),
        }
    }

    fn is_queued(&self, turn: &TurnId) -> bool {
        self.turns.get(turn).is_some_and(|turn| turn.state == TurnState::Queued)
    }

    fn accept(&mut self, accepted: &Accepted, seq: Seq, changes: &mut Changes) {
        self.merge_turn(
            Turn {
                id: accepted.message.clone(),
                opened: seq,
                rev: seq,
                state: TurnState::Queued,
                urgent: accepted.interrupt.is_some(),
                started: None,
                started_at: None,
                ended_at: None,
                error: None,
                usage: None,
            },
            changes,
        );
        let message = blank(accepted.block.clone(), accepted.message.clone(), BlockKind::Message, seq);
        self.merge_block(Block { text: accepted.text.clone(), ..message }, changes);
    }

    fn open(&mut self, opened: &Opened, event: &Event, changes: &mut Changes) {
        let seq = event.seq;
        let mut block = match self.blocks.get(&opened.block) {
            Some(held) if held.rev >= seq => return,
            Some(held) => Block { rev: seq, ..held.clone() },
            None => blank(opened.block.clone(), opened.turn.clone(), opened.kind, seq),
        };
        patch(&mut block, &opened.fields, event);
        if block.kind == BlockKind::Tool {
            block.fields.opened_at = Some(event.at);
        }
        self.merge_block(block, changes);
    }

    /// An event of a kind that this version does not know shows as a block of the turn at work, else of the newest one.
    fn show_unsupported(&mut self, kind: &str, seq: Seq, changes: &mut Changes) {
        let Some(turn) = self.newest_turn(seq).cloned() else { return };
        let Ok(id) = BlockId::parse(&format!("u{seq}")) else { return };
        let mut block = blank(id, turn, BlockKind::Unsupported, seq);
        block.fields.title = Some(kind.to_owned());
        block.fields.closed = Some(true);
        self.merge_block(block, changes);
    }

    fn change_turn(&mut self, id: &TurnId, event: &Event, changes: &mut Changes) {
        let Some(held) = self.turns.get(id) else {
            if !self.gaps.is_empty() {
                self.wait(Entity::Turn(id.clone()), event);
            }
            return;
        };
        if held.rev >= event.seq {
            return;
        }
        let mut turn = held.clone();
        turn.rev = event.seq;
        match &event.body {
            EventBody::TurnStarted(_) => {
                turn.state = TurnState::Running;
                turn.started = Some(event.seq);
                turn.started_at = Some(event.at);
            }
            EventBody::TurnStopping(stopping) if stopping.turn == *id => turn.state = TurnState::Stopping,
            EventBody::TurnStopping(_) => turn.urgent = true,
            EventBody::TurnEnded(ended) => {
                turn.state = ended.outcome.into();
                turn.ended_at = Some(event.at);
                turn.error.clone_from(&ended.error);
                turn.usage.clone_from(&ended.usage);
            }
            EventBody::Withdrawn(_) => turn.state = TurnState::Withdrawn,
            EventBody::Accepted(_)
            | EventBody::Answered(_)
            | EventBody::Opened(_)
            | EventBody::Changed(_)
            | EventBody::Append(_)
            | EventBody::Fold(_)
            | EventBody::Unknown { .. } => return,
        }
        self.put_turn(turn, changes);
    }

    fn change_block(&mut self, id: &BlockId, event: &Event, changes: &mut Changes) {
        let Some(block) = self.blocks.get_mut(id) else {
            if !self.gaps.is_empty() {
                self.wait(Entity::Block(id.clone()), event);
            }
            return;
        };
        if block.rev >= event.seq {
            return;
        }
        if !self.waiting.is_empty() && self.waiting.holds(id) {
            return self.wait(Entity::Block(id.clone()), event);
        }
        match &event.body {
            EventBody::Append(append) => return self.append(append, event, changes),
            EventBody::Answered(answered) => {
                block.fields.settled = Some(Settlement::Answered { option: answered.option.clone(), message: answered.message.clone() });
            }
            EventBody::Changed(changed) => patch(block, &changed.fields, event),
            EventBody::Accepted(_)
            | EventBody::Withdrawn(_)
            | EventBody::TurnStarted(_)
            | EventBody::TurnStopping(_)
            | EventBody::TurnEnded(_)
            | EventBody::Opened(_)
            | EventBody::Fold(_)
            | EventBody::Unknown { .. } => return,
        }
        block.rev = event.seq;
        index_request(&mut self.requests, block);
        changes.note_block(id).fields = true;
    }

    fn append(&mut self, append: &Append, event: &Event, changes: &mut Changes) {
        let Some(block) = self.blocks.get_mut(&append.block) else { return };
        match continue_text(block, append) {
            Continued::Fits(change) => {
                block.rev = event.seq;
                changes.note_block(&append.block).text.then(change);
            }
            Continued::Apart => {
                self.torn = true;
                self.wait(Entity::Block(append.block.clone()), event);
            }
        }
    }
}

/// Applies what an event says of a block's fields, and notes when a tool call was over.
fn patch(block: &mut Block, fields: &FieldsPatch, event: &Event) {
    fields.clone().apply(&mut block.fields);
    if block.kind == BlockKind::Tool && fields.closed == Patch::Set(true) {
        block.fields.closed_at = Some(event.at);
    }
}

fn blank(id: BlockId, turn: TurnId, kind: BlockKind, seq: Seq) -> Block {
    Block { id, turn, kind, opened: seq, rev: seq, fields: Fields::default(), edition: 0, from: 0, text: String::new() }
}
