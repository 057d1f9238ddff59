"""What a narrow terminal shows: numbers whole or not at all."""

from runaudit.text.narrow import folded, within

ROWS = [["id", "config.optimizer.lr", "label", "psnr"], ["8cfb66a2fe92", "0.0005", "a rather long label", "31.25"]]
NUMBERS = [False, True, False, True]


def test_a_table_that_has_room_is_as_it_is():
    assert within(ROWS, NUMBERS, 80) == (ROWS, [])


def test_texts_and_titles_give_way_before_any_column_goes():
    (titles, row), gone = within(ROWS, NUMBERS, 44)

    assert gone == [] and sum(map(len, row)) + 2 * 3 <= 44
    assert row[1] == "0.0005" and row[3] == "31.25" and row[2].endswith("…")
    assert titles[1].endswith("lr") and titles[1].startswith("…")


def test_texts_go_before_numbers_and_the_first_column_stays():
    assert within(ROWS, NUMBERS, 30)[1] == ["label"]
    assert within(ROWS, NUMBERS, 24)[1] == ["label", "psnr"]
    assert within(ROWS, NUMBERS, 5)[0] == [["id"], ["8cfb66a2fe92"]]


def test_a_folded_line_breaks_between_words_and_cuts_no_number():
    assert list(folded("  full_frame/psnr 31.253 ± 0.055 (n = 3)", 26)) == [
        "  full_frame/psnr 31.253 ±",
        "    0.055 (n = 3)",
    ]
    assert list(folded("  a_very_long_name_of_a_metric 31.253", 12)) == ["  a_very_lo…", "    31.253"]
    assert list(folded("31.2534567 30", 4)) == ["31.2534567", "  30"]
