//! As much of RFC 6455 §5.2 as it takes to find where frames begin.

/// The length of the frame at the start of the bytes, header included; none while it is incomplete.
pub(super) fn complete_frame(bytes: &[u8]) -> Option<usize> {
    let (&second, rest) = bytes.get(1).zip(bytes.get(2..))?;
    let (extra, payload) = match second & 0x7f {
        126 => (2, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (8, u64::from_be_bytes(*rest.first_chunk()?)),
        short => (0, u64::from(short)),
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let whole = usize::try_from(payload).ok()?.checked_add(2 + extra + mask)?;
    (bytes.len() >= whole).then_some(whole)
}

/// Whether the frame is the first one of a text or binary message.
pub(super) fn begins_message(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| matches!(first & 0x0f, 1 | 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_three_sizes_are_read() {
        assert_eq!(complete_frame(&[0x81, 2, b'h', b'i', 0x81]), Some(4));
        let mut medium = vec![0x81, 126, 1, 0];
        medium.extend([0; 256]);
        assert_eq!(complete_frame(&medium), Some(260));
        let mut large = vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0];
        large.extend([0; 65_536]);
        assert_eq!(complete_frame(&large), Some(65_546));
    }

    #[test]
    fn a_mask_is_part_of_the_frame() {
        assert_eq!(complete_frame(&[0x81, 0x81, 1, 2, 3, 4, 5]), Some(7));
    }

    #[test]
    fn every_cut_frame_is_incomplete() {
        let mut frame = vec![0x81, 126, 1, 0];
        frame.extend([0; 256]);
        for length in 0..frame.len() {
            assert_eq!(complete_frame(&frame[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn continuations_and_control_frames_begin_no_message() {
        assert!(begins_message(&[0x01]) && begins_message(&[0x82]));
        assert!(!begins_message(&[0x80]) && !begins_message(&[0x89]) && !begins_message(&[]));
    }
}
