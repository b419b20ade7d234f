//! The tab's name, held by a Web Lock: storage is copied when a tab is duplicated, the name with it.

use std::{
    cell::RefCell,
    future::Future,
    rc::{Rc, Weak},
};

use moorline_protocol::ClientId;
use web_sys::AbortSignal;

use super::{
    clock::pause,
    locks::{Lock, NotGranted, Wait, claim},
};

/// A reload finds the name still held by the document before it, for a moment.
const WAIT_MS: u32 = 1_000;

/// A name that stays free for this long belongs to a tab that is gone: a reload gives it up for a moment, too.
const GONE_MS: u32 = 5_000;

/// The tab's own name, and those of the tabs that it waits to see gone.
pub(super) struct Name {
    own: RefCell<Held>,
    others: RefCell<Vec<Held>>,
}

/// A name, with its lock or a claim to it.
struct Held {
    client: ClientId,
    lock: Option<Lock>,
    asked: Option<Rc<Wait>>,
}

/// What came of a claim.
pub(super) struct Claimed {
    asked: Weak<Wait>,
    lock: Result<Lock, NotGranted>,
}

impl Name {
    pub(super) fn new(client: ClientId) -> Self {
        Self { own: RefCell::new(Held::new(client)), others: RefCell::default() }
    }

    /// The tab goes by another name from here on, which must still be claimed.
    pub(super) fn change(&self, client: ClientId) {
        self.own.replace(Held::new(client));
    }

    /// Claims the tab's own name; the answer goes to [`Name::settle`].
    pub(super) fn claim(&self) -> impl Future<Output = Claimed> + use<> {
        let (name, signal, asked) = self.own.borrow_mut().ask(Wait::at_most(WAIT_MS));
        async move {
            let mut lock = claim(name.clone(), signal).await;
            // A busy page may hear its timer before it hears of the lock, so the timer does not have the last word.
            if matches!(lock, Err(NotGranted::Taken)) && asked.strong_count() > 0 {
                lock = claim(name, None).await;
            }
            Claimed { asked, lock }
        }
    }

    /// Takes the answer. None: nobody waits for it any more.
    pub(super) fn settle(&self, claimed: Claimed) -> Option<Result<(), NotGranted>> {
        self.own.borrow_mut().settle(claimed)
    }

    /// Claims another tab's name, for as long as it takes; the answer goes to [`Name::settle_other`].
    pub(super) fn claim_other(&self, client: ClientId) -> impl Future<Output = Claimed> + use<> {
        let mut other = Held::new(client);
        let (name, signal, asked) = other.ask(Wait::without_limit());
        let mut others = self.others.borrow_mut();
        others.retain(|held| held.client != other.client);
        others.push(other);
        async move { Claimed { lock: claim_for_good(name, signal).await, asked } }
    }

    /// Takes the answer, and keeps the name for as long as this page is there. Whether that tab is gone.
    pub(super) fn settle_other(&self, client: &ClientId, claimed: Claimed) -> bool {
        let mut others = self.others.borrow_mut();
        let other = others.iter_mut().find(|other| other.client == *client);
        matches!(other.and_then(|other| other.settle(claimed)), Some(Ok(())))
    }

    /// Lets go of every name and every claim: with either, a page is not kept for the back button.
    pub(super) fn release(&self) {
        self.own.borrow_mut().release();
        let mut others = self.others.borrow_mut();
        others.retain(|other| other.lock.is_none());
        for other in others.iter_mut() {
            other.release();
        }
    }

    /// The tabs that are waited for.
    pub(super) fn awaited(&self) -> Vec<ClientId> {
        self.others.borrow().iter().filter(|other| other.lock.is_none()).map(|other| other.client.clone()).collect()
    }
}

impl Held {
    const fn new(client: ClientId) -> Self {
        Self { client, lock: None, asked: None }
    }

    /// What a claim needs: the lock's name, what ends the wait, and whether anybody still waits.
    fn ask(&mut self, wait: Wait) -> (String, Option<AbortSignal>, Weak<Wait>) {
        let signal = wait.signal();
        let asked = Rc::downgrade(self.asked.insert(Rc::new(wait)));
        (format!("moorline.client.{}", self.client), signal, asked)
    }

    /// Takes the answer to the claim that is waited for; none: it was another one's.
    fn settle(&mut self, claimed: Claimed) -> Option<Result<(), NotGranted>> {
        claimed.asked.upgrade()?;
        self.asked = None;
        Some(claimed.lock.map(|lock| self.lock = Some(lock)))
    }

    fn release(&mut self) {
        self.lock = None;
        self.asked = None;
    }
}

/// Waits until nobody has held a name for a while, then takes it.
async fn claim_for_good(name: String, wait: Option<AbortSignal>) -> Result<Lock, NotGranted> {
    loop {
        drop(claim(name.clone(), wait.clone()).await?);
        pause(GONE_MS).await;
        match claim(name.clone(), None).await {
            Err(NotGranted::Taken) => {}
            granted => return granted,
        }
    }
}
