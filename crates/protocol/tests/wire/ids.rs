//! Ids and seqs: one that exists is a valid one.

use moorline_protocol::{BlockId, ClientId, ConnectionId, Cursor, Epoch, MessageId, PageId, Seq, SessionId};
use proptest::prelude::*;

fn decodes(json: &str) -> bool {
    serde_json::from_str::<SessionId>(json).is_ok()
}

#[test]
fn an_id_has_one_to_sixty_four_characters() {
    assert!(SessionId::parse("").is_err());
    assert!(SessionId::parse("a").is_ok());
    assert!(SessionId::parse(&"a".repeat(64)).is_ok());
    assert!(SessionId::parse(&"a".repeat(65)).is_err());
}

#[test]
fn an_id_is_made_of_letters_digits_underscore_and_hyphen() {
    assert!(SessionId::parse("azAZ09_-").is_ok());
    for bad in ["a b", "a.b", "a/b", "a\"b", "a\0b", "../a", "%41", "ä", "日本", "a\u{200b}b", "ａ", "٣", "a\n"] {
        assert!(SessionId::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_id_is_checked_on_the_way_in() {
    assert!(decodes(r#""s1""#));
    assert!(decodes(r#""\u0073\u0031""#), "an escaped text is the same text");
    for bad in [r#""""#, r#""a b""#, r#""ä""#, "1", "null", "[]", "{}", "true", &format!("\"{}\"", "a".repeat(65))] {
        assert!(!decodes(bad), "{bad}");
    }
}

#[test]
fn a_refused_id_is_named_with_the_remedy_and_cut() {
    let sentence = SessionId::parse(&"é".repeat(500)).expect_err("not an id").to_string();
    assert!(sentence.contains("SessionId") && sentence.contains("1 to 64 characters"), "{sentence}");
    assert!(sentence.len() < 400, "{} bytes", sentence.len());
}

#[test]
fn a_random_id_has_128_bits_as_hexadecimal_digits() {
    assert_eq!(MessageId::from_random(0).as_str(), "0".repeat(32));
    assert_eq!(MessageId::from_random(u128::MAX).as_str(), "f".repeat(32));
    let id = ConnectionId::from_random(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
    assert_eq!(id.as_str(), "0123456789abcdef0011223344556677");
    assert_eq!(ConnectionId::parse(id.as_str()), Ok(id));
}

#[test]
fn a_seq_ends_at_two_to_the_fifty_third_less_one() {
    const MAX: u64 = (1 << 53) - 1;
    assert_eq!(Seq::MAX.value(), MAX);
    assert_eq!(serde_json::from_str::<Seq>("9007199254740991").expect("the largest seq"), Seq::MAX);
    for beyond in ["9007199254740992", "18446744073709551615", "18446744073709551616", "1e300", "-1", "1.5", "null", "\"1\""] {
        assert!(serde_json::from_str::<Seq>(beyond).is_err(), "{beyond}");
    }
    assert_eq!(Seq::new(u64::MAX), Seq::MAX);
    assert_eq!(Seq::MAX.next(), Seq::MAX, "the last place has no next one");
    assert_eq!(Seq::ZERO.before(), Seq::ZERO, "nor the first one before");
}

#[test]
fn a_frame_with_a_bad_id_or_seq_is_refused_as_a_whole() {
    let cursor = |text: &str| serde_json::from_str::<Cursor>(text).is_ok();
    assert!(cursor(r#"{"session":"s","epoch":"e","seq":1}"#));
    assert!(!cursor(r#"{"session":"","epoch":"e","seq":1}"#));
    assert!(!cursor(r#"{"session":"s","epoch":"é","seq":1}"#));
    assert!(!cursor(r#"{"session":"s","epoch":"e","seq":9007199254740992}"#));
    assert!(!cursor(r#"{"session":"s","seq":1}"#), "a cursor without its epoch means nothing");
}

proptest! {
    #[test]
    fn parsing_and_decoding_agree_on_what_an_id_is(text in "[\\PC\\x00-\\x7f]{0,70}") {
        let json = serde_json::to_string(&text).expect("a text is encodable");
        let fits = (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        prop_assert_eq!(SessionId::parse(&text).is_ok(), fits);
        prop_assert_eq!(serde_json::from_str::<MessageId>(&json).is_ok(), fits);
        prop_assert_eq!(serde_json::from_str::<ClientId>(&json).is_ok(), fits);
        prop_assert_eq!(serde_json::from_str::<PageId>(&json).is_ok(), fits);
        prop_assert_eq!(serde_json::from_str::<BlockId>(&json).is_ok(), fits);
        prop_assert_eq!(serde_json::from_str::<Epoch>(&json).is_ok(), fits);
    }

    #[test]
    fn a_seq_decodes_exactly_when_every_reader_keeps_it_exact(n in prop_oneof![any::<u64>(), ((1_u64 << 53) - 3)..((1 << 53) + 3)]) {
        let decoded = serde_json::from_str::<Seq>(&n.to_string());
        prop_assert_eq!(decoded.is_ok(), n <= Seq::MAX.value());
        if let Ok(seq) = decoded {
            prop_assert_eq!(seq.value(), n);
        }
    }
}
