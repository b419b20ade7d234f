//! Turns or blocks by name, and by number.

use std::collections::BTreeMap;

/// A turn's or block's number: how many others of its kind came before it. It never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u32);

impl Slot {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Values by name. By its number a value is found at once, whatever is beside it; a name is looked for in a tree of all names.
#[derive(Debug, Clone)]
pub(crate) struct Named<Id, T> {
    slots: BTreeMap<Id, Slot>,
    /// Boxed, so that more room moves pointers only.
    values: Vec<Box<T>>,
}

impl<Id, T> Default for Named<Id, T> {
    fn default() -> Self {
        Self { slots: BTreeMap::new(), values: Vec::new() }
    }
}

/// Numbers are not compared: they tell in which order things came.
impl<Id: Ord, T: PartialEq> PartialEq for Named<Id, T> {
    fn eq(&self, other: &Self) -> bool {
        self.by_name().eq(other.by_name())
    }
}

impl<Id: Ord, T: Eq> Eq for Named<Id, T> {}

impl<Id: Ord, T> Named<Id, T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(crate) fn slot(&self, id: &Id) -> Option<Slot> {
        self.slots.get(id).copied()
    }

    pub(crate) fn at(&self, slot: Slot) -> Option<&T> {
        self.values.get(slot.index()).map(Box::as_ref)
    }

    pub(crate) fn find(&self, id: &Id) -> Option<(Slot, &T)> {
        let slot = self.slot(id)?;
        self.at(slot).map(|value| (slot, value))
    }

    pub(crate) fn get(&self, id: &Id) -> Option<&T> {
        self.at(self.slot(id)?)
    }

    pub(crate) fn get_mut(&mut self, id: &Id) -> Option<&mut T> {
        let slot = self.slot(id)?;
        self.values.get_mut(slot.index()).map(Box::as_mut)
    }

    /// Adds a value, or puts it in the place of the one of its name.
    pub(crate) fn put(&mut self, id: Id, value: T) {
        if let Some(held) = self.get_mut(&id) {
            *held = value;
            return;
        }
        // Four billion of them are more than any memory holds.
        self.slots.insert(id, Slot(u32::try_from(self.values.len()).unwrap_or(u32::MAX)));
        self.values.push(Box::new(value));
    }

    /// All values, in the order in which they came.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.values.iter().map(Box::as_ref)
    }

    fn by_name(&self) -> impl Iterator<Item = (&Id, Option<&T>)> {
        self.slots.iter().map(|(id, slot)| (id, self.at(*slot)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(values: &[(&'static str, u32)]) -> Named<&'static str, u32> {
        let mut named = Named::default();
        values.iter().for_each(|(id, value)| named.put(*id, *value));
        named
    }

    #[test]
    fn what_is_put_again_keeps_its_number() {
        let mut named = named(&[("b", 1), ("a", 2)]);
        let slot = named.slot(&"b").unwrap();
        named.put("b", 3);
        assert_eq!((named.slot(&"b"), named.at(slot), named.get(&"b")), (Some(slot), Some(&3), Some(&3)));
        assert_eq!(named.values().collect::<Vec<_>>(), [&3, &2]);
    }

    #[test]
    fn the_order_of_arrival_makes_no_difference() {
        assert_eq!(named(&[("a", 1), ("b", 2)]), named(&[("b", 2), ("a", 1)]));
        assert_ne!(named(&[("a", 1), ("b", 2)]), named(&[("b", 1), ("a", 2)]));
        assert_ne!(named(&[("a", 1)]), named(&[("a", 1), ("b", 2)]));
    }
}
