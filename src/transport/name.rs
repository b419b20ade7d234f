//! The tab's name, held by a Web Lock: storage is copied when a tab is duplicated, the name with it.

use std::{
    cell::{Cell, RefCell},
    future::Future,
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
    claims: Cell<u32>,
}

/// A name, with its lock or a claim to it.
struct Held {
    client: ClientId,
    lock: Option<Lock>,
    asked: Option<(u32, Wait)>,
}

/// What came of a claim.
pub(super) struct Claimed {
    claim: u32,
    lock: Result<Lock, NotGranted>,
}

impl Name {
    pub(super) fn new(client: ClientId) -> Self {
        Self { own: RefCell::new(Held::new(client)), others: RefCell::default(), claims: Cell::new(0) }
    }

    /// The tab goes by another name from here on, which must still be claimed.
    pub(super) fn change(&self, client: ClientId) {
        self.own.replace(Held::new(client));
    }

    /// Claims the tab's own name; the answer goes to [`Name::settle`].
    pub(super) fn claim(&self) -> impl Future<Output = Claimed> + use<> {
        self.own.borrow_mut().claim(self.number(), Wait::at_most(WAIT_MS))
    }

    /// Takes the answer. None: nobody waits for it any more.
    pub(super) fn settle(&self, claimed: Claimed) -> Option<Result<(), NotGranted>> {
        self.own.borrow_mut().settle(claimed)
    }

    /// Claims another tab's name, for as long as it takes; the answer goes to [`Name::settle_other`].
    pub(super) fn claim_other(&self, client: ClientId) -> impl Future<Output = Claimed> + use<> {
        let mut other = Held::new(client);
        let (claim, wait) = (self.number(), Wait::without_limit());
        let (name, signal) = (other.lock_name(), wait.signal());
        other.asked = Some((claim, wait));
        let mut others = self.others.borrow_mut();
        others.retain(|held| held.client != other.client);
        others.push(other);
        async move { Claimed { claim, lock: claim_for_good(name, signal).await } }
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

    fn number(&self) -> u32 {
        self.claims.set(self.claims.get() + 1);
        self.claims.get()
    }
}

impl Held {
    const fn new(client: ClientId) -> Self {
        Self { client, lock: None, asked: None }
    }

    fn lock_name(&self) -> String {
        format!("moorline.client.{}", self.client)
    }

    fn claim(&mut self, number: u32, wait: Wait) -> impl Future<Output = Claimed> + use<> {
        let lock = claim(self.lock_name(), wait.signal());
        self.asked = Some((number, wait));
        async move { Claimed { claim: number, lock: lock.await } }
    }

    fn settle(&mut self, claimed: Claimed) -> Option<Result<(), NotGranted>> {
        self.asked.take_if(|(number, _)| *number == claimed.claim)?;
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
