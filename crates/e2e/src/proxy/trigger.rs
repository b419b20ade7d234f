//! When an armed cut happens.

use super::Direction;

/// A condition on the bytes of WebSockets and event streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trigger {
    /// So many more bytes have passed.
    Bytes { direction: Direction, bytes: u64 },
    /// The n-th message down is next.
    MessageDown { n: u64 },
    /// A message down with this text is next.
    MessageDownWith { text: Vec<u8> },
}

impl Trigger {
    /// Looks at the next bytes: any piece of the stream up, exactly one frame or chunk of the stream down.
    ///
    /// Answers how many of them pass before the cut; none = no cut in them.
    pub(super) fn fires_in(&mut self, direction: Direction, bytes: &[u8], begins_message: bool) -> Option<usize> {
        match self {
            Self::Bytes { direction: counted, bytes: left } => {
                if *counted != direction {
                    return None;
                }
                match usize::try_from(*left) {
                    Ok(left) if left <= bytes.len() => Some(left),
                    _ => {
                        *left -= bytes.len() as u64;
                        None
                    }
                }
            }
            Self::MessageDown { n } => {
                if direction == Direction::Up || !begins_message {
                    return None;
                }
                *n = n.saturating_sub(1);
                (*n == 0).then_some(0)
            }
            Self::MessageDownWith { text } => {
                let has = direction == Direction::Down && bytes.windows(text.len()).any(|window| window == text.as_slice());
                has.then_some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT_FRAME: &[u8] = &[0x81, 2, b'h', b'i'];
    const PING_FRAME: &[u8] = &[0x89, 0];

    #[test]
    fn bytes_are_counted_over_pieces_in_their_own_direction() {
        let mut trigger = Trigger::Bytes { direction: Direction::Up, bytes: 5 };
        assert_eq!(trigger.fires_in(Direction::Up, b"abc", true), None);
        assert_eq!(trigger.fires_in(Direction::Down, b"abcdef", true), None);
        assert_eq!(trigger.fires_in(Direction::Up, b"defg", true), Some(2));
    }

    #[test]
    fn zero_bytes_fire_before_the_next_one() {
        assert_eq!(Trigger::Bytes { direction: Direction::Down, bytes: 0 }.fires_in(Direction::Down, b"x", true), Some(0));
    }

    #[test]
    fn messages_are_counted_and_control_frames_are_not() {
        let mut trigger = Trigger::MessageDown { n: 2 };
        assert_eq!(trigger.fires_in(Direction::Down, TEXT_FRAME, true), None);
        assert_eq!(trigger.fires_in(Direction::Down, PING_FRAME, false), None);
        assert_eq!(trigger.fires_in(Direction::Down, TEXT_FRAME, true), Some(0));
    }

    #[test]
    fn a_text_is_found_only_on_the_way_down() {
        let mut trigger = Trigger::MessageDownWith { text: b"hi".to_vec() };
        assert_eq!(trigger.fires_in(Direction::Up, TEXT_FRAME, true), None);
        assert_eq!(trigger.fires_in(Direction::Down, TEXT_FRAME, true), Some(0));
    }
}
