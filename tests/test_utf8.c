/* test_utf8.c - characters of a text of any bytes: what they are, how wide, and what is shown for the harmful ones. */
#include <criterion/criterion.h>
#include <string.h>

#include "utf8.h"

/* text with each character replaced by what is shown for it. */
static char *safe_text(const char *text)
{
    static char safe[256];
    size_t length = 0;
    while (*text != '\0') {
        const Utf8 c = utf8_next(text, SIZE_MAX);
        memcpy(safe + length, c.safe, c.safe_bytes);
        length += c.safe_bytes;
        text += c.bytes;
    }
    safe[length] = '\0';
    return safe;
}

Test(utf8, decodes_one_to_four_bytes)
{
    static const struct {
        const char *text;
        uint32_t character;
    } cases[] = {{"A", 'A'}, {"\xC3\xA9", 0xE9}, {"\xE2\x88\x82", 0x2202}, {"\xF0\x9F\x8C\x99", 0x1F319}, {"", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t character = 1;
        const size_t bytes = utf8_decode(cases[i].text, SIZE_MAX, &character);
        cr_expect_eq(character, cases[i].character, "%s: U+%04X", cases[i].text, (unsigned)character);
        cr_expect_eq(bytes, *cases[i].text == '\0' ? 1 : strlen(cases[i].text), "%s: %zu bytes", cases[i].text, bytes);
    }
}

Test(utf8, refuses_what_is_not_utf8)
{
    static const char *const wrong[] = {"\x80",     "\xBF",     "\xC3",         "\xC3(",           "\xC0\x80",
                                        "\xC1\xBF", "\xE2\x88", "\xE0\x80\x80", "\xED\xA0\x80",    "\xF0\x80\x80\x80",
                                        "\xFF",     "\xFE",     "\xF8\x88",     "\xF4\x90\x80\x80"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint32_t character;
        cr_expect_eq(utf8_decode(wrong[i], SIZE_MAX, &character), 0, "case %zu is decoded", i);
        cr_expect_eq(utf8_next(wrong[i], SIZE_MAX).bytes, 1, "case %zu: the walk does not go on by one byte", i);
    }
    uint32_t character;
    cr_expect_eq(utf8_decode("\xE2\x88\x82", 2, &character), 0, "more than the length is read");
    cr_expect_eq(utf8_decode("A", 0, &character), 0, "an empty text has a character");
}

Test(utf8, shows_what_is_harmless_and_replaces_the_rest)
{
    cr_expect_str_eq(safe_text("w\xE2\x82\x81\tx\ny"), "w\xE2\x82\x81 x y");
    cr_expect_str_eq(safe_text("a\x1B[31m"), "a" UTF8_REPLACEMENT "[31m");
    cr_expect_str_eq(safe_text("\xE2\x80\xAE"
                               "b\xE2\x80\x8F\xD8\x9C"), /* marks of direction */
                     UTF8_REPLACEMENT "b" UTF8_REPLACEMENT UTF8_REPLACEMENT);
    cr_expect_str_eq(safe_text("\xEF\xBF\xBE\x7F\xC2\x85"), UTF8_REPLACEMENT UTF8_REPLACEMENT UTF8_REPLACEMENT);
    cr_expect_str_eq(safe_text("\xFF!"), UTF8_REPLACEMENT "!");
}

Test(utf8, counts_characters_and_columns)
{
    cr_expect_eq(utf8_count("w\xE2\x82\x81\xFF", 5), 3);
    cr_expect_eq(utf8_columns("abc"), 3);
    cr_expect_eq(utf8_columns("\xE6\x9C\x88"), 2, "a Chinese character is two columns wide");
    cr_expect_eq(utf8_columns("e\xCC\x81"), 1, "an accent of its own takes no column");
    cr_expect_eq(utf8_columns("\x1B\xFF"), 2, "as the replacement characters are wide");
}

Test(utf8, letters_from_right_to_left_ask_for_a_direction_mark_and_others_do_not)
{
    static const char *const right_to_left[] = {"שלום", "x שלום", "سلام", "ܫܠܡܐ", "ﬡ", "ﻻ", "𐤀", "𞤀"};
    static const char *const others[] = {"", "abc", "é", "δ€😀", "月", "नमस्ते", "\xFF", "\xD7"};
    for (size_t i = 0; i < sizeof right_to_left / sizeof *right_to_left; i++)
        cr_expect_str_eq(utf8_direction_mark(right_to_left[i]), UTF8_LEFT_TO_RIGHT, "%s", right_to_left[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect_str_eq(utf8_direction_mark(others[i]), "", "case %zu", i);
    cr_expect_str_eq(safe_text(UTF8_LEFT_TO_RIGHT "x"), UTF8_LEFT_TO_RIGHT "x", "the mark itself is replaced");
    cr_expect_eq(utf8_columns(UTF8_LEFT_TO_RIGHT "שלום" UTF8_LEFT_TO_RIGHT), 4, "the mark has a width");
}

Test(utf8, a_name_is_made_safe_and_cut_and_has_its_direction_mark_at_both_ends)
{
    char name[17] = "";
    name[16] = '#';
    cr_expect_str_eq(utf8_name("a\x1B[é", 9, name, 16), "a" UTF8_REPLACEMENT "[é");
    cr_expect_str_eq(utf8_name("abc", 2, name, 16), "ab" UTF8_ELLIPSIS);
    cr_expect_str_eq(utf8_name("abcdefghijklmno", 99, name, 16), "abcdefghijkl" UTF8_ELLIPSIS);
    cr_expect_str_eq(utf8_name("abcdefghijkéé", 99, name, 16), "abcdefghijk" UTF8_ELLIPSIS, "half a character");
    cr_expect_str_eq(utf8_name("של", 9, name, 16), UTF8_LEFT_TO_RIGHT "של" UTF8_LEFT_TO_RIGHT);
    cr_expect_str_eq(utf8_name("שלום", 9, name, 16), UTF8_LEFT_TO_RIGHT "שלו" UTF8_ELLIPSIS UTF8_LEFT_TO_RIGHT);
    cr_expect_eq(name[16], '#', "the name runs over its buffer");
}

Test(utf8, cuts_at_a_character)
{
    char text[32] = "w\xE2\x82\x81w\xE2\x82\x82w\xE2\x82\x83";
    cr_expect_str_eq(utf8_cut(text, sizeof text, 6), "w\xE2\x82\x81w\xE2\x82\x82w\xE2\x82\x83");
    cr_expect_str_eq(utf8_cut(text, sizeof text, 3), "w\xE2\x82\x81w" UTF8_ELLIPSIS);
    cr_expect_str_eq(utf8_cut(text, sizeof text, 0), UTF8_ELLIPSIS);
    char hebrew[32] = "2*שלום";
    cr_expect_str_eq(utf8_cut(hebrew, sizeof hebrew, 4), "2*של" UTF8_ELLIPSIS UTF8_LEFT_TO_RIGHT);
    char tight[] = "2*שלום";
    cr_expect_str_eq(utf8_cut(tight, sizeof tight, 5), "2*שלו", "there is no room");
    char full[] = "ab";
    cr_expect_str_eq(utf8_cut(full, sizeof full, 1), "a", "there is no room for an ellipsis");
}
