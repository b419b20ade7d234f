//! Randomness from the operating system.

/// 128 random bits.
///
/// # Panics
/// When the operating system has no randomness: nothing that needs a secret or an id may go on then.
pub(crate) fn bits() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    u128::from_le_bytes(bytes)
}
