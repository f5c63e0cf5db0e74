import random

from yuanlu.sandbox.cards import TEST_PREFIXES, is_card_number, luhn_digit, make_card, mistyped


def test_made_up_cards_pass_the_luhn_check_and_repeat_with_their_seed():
    cards = [make_card(random.Random(seed)) for seed in range(200)]
    assert cards == [make_card(random.Random(seed)) for seed in range(200)]
    for card in cards:
        assert luhn_digit(card.pan[:-1]) == card.pan[-1]
        assert card.pan.startswith(TEST_PREFIXES)
        assert len(card.track2) <= 37


def test_a_card_shows_neither_its_number_nor_its_pin():
    card = make_card(random.Random(1))
    assert card.pan not in repr(card)
    assert card.pin not in repr(card)


def test_the_check_digit_is_the_known_one():
    assert luhn_digit("620000000000000") == "5"


def test_a_mistyped_card_is_no_card_number_and_otherwise_the_same():
    card = make_card(random.Random(1))
    wrong = mistyped(card)
    assert is_card_number(card.pan)
    assert not is_card_number(wrong.pan)
    assert not is_card_number("")
    assert (wrong.pin, len(wrong.pan)) == (card.pin, len(card.pan))
