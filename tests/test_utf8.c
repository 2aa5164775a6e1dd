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
    static const char *const wrong[] = {"\x80",
                                        "\xBF",
                                        "\xC3",
                                        "\xC3(",
                                        "\xC0\x80",
                                        "\xC1\xBF",
                                        "\xE2\x88",
                                        "\xE0\x9F\xBF",
                                        "\xED\xA0\x80",
                                        "\xF0\x8F\xBF\xBF",
                                        "\xFF",
                                        "\xFE",
                                        "\xF8\x90\x80\x80",
                                        "\xF4\x90\x80\x80"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint32_t character;
        cr_expect_eq(utf8_decode(wrong[i], SIZE_MAX, &character), 0, "case %zu is decoded", i);
        cr_expect_eq(utf8_next(wrong[i], SIZE_MAX).bytes, 1, "case %zu: the walk does not go on by one byte", i);
    }
    uint32_t character;
    cr_expect_eq(utf8_decode("\xE2\x88\x82", 2, &character), 0, "more than the length is read");
    cr_expect_eq(utf8_decode(NULL, 0, &character), 0, "an empty text has a character");
}

/* The bytes of any character, as RFC 3629 has them. */
static size_t encode(uint32_t character, char text[5])
{
    const size_t bytes = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    const int first = bytes == 1 ? 0 : 0xF00 >> bytes & 0xFF;
    for (size_t i = bytes; i-- > 1; character >>= 6)
        text[i] = (char)(0x80 | (character & 0x3F));
    text[0] = (char)(first | (int)character);
    text[bytes] = '\0';
    return bytes;
}

Test(utf8, every_character_comes_back)
{
    size_t wrong = 0;
    for (uint32_t c = 0; c < 0x120000; c++) {
        char text[5];
        uint32_t got = 0;
        const size_t bytes = encode(c, text), want = (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF ? 0 : bytes;
        const bool cut = utf8_decode(text, bytes - 1, &got) != 0;
        wrong += cut || utf8_decode(text, bytes, &got) != want || (want > 0 && got != c);
    }
    cr_expect_eq(wrong, 0, "%zu characters are read as others", wrong);
}

/* What is shown for a character: R for the replacement, a space, or the number of its columns; and < if it is written
 * from right to left. */
static const char *shown(uint32_t character)
{
    static char answer[3];
    char text[5];
    text[encode(character, text)] = '\0';
    const Utf8 c = utf8_next(text, SIZE_MAX);
    answer[0] = strcmp(c.safe, " ") == 0 ? ' ' : c.safe != text ? 'R' : (char)('0' + c.columns);
    answer[1] = *utf8_direction_mark(text) != '\0' ? '<' : '\0';
    return answer;
}

/* The first character of each run of those that are shown alike. */
Test(utf8, ranges_of_characters_begin_and_end_where_unicode_has_them)
{
    static const struct {
        uint32_t first;
        const char *shown;
    } runs[] = {{0, "R"},       {0x9, " "},     {0xB, "R"},      {0xD, " "},     {0xE, "R"},      {0x20, " "},
                {0x21, "1"},    {0x7F, "R"},    {0xA0, "1"},     {0x300, "0"},   {0x370, "1"},    {0x590, "1<"},
                {0x61C, "R<"},  {0x61D, "1<"},  {0x900, "1"},    {0x1100, "2"},  {0x1160, "1"},   {0x200B, "0"},
                {0x200F, "R"},  {0x2010, "1"},  {0x2028, "R"},   {0x202F, "1"},  {0x2066, "R"},   {0x206A, "1"},
                {0x2E80, "2"},  {0xA4D0, "1"},  {0xAC00, "2"},   {0xD7A4, "1"},  {0xD800, "R"},   {0xE000, "1"},
                {0xF900, "2"},  {0xFB00, "1"},  {0xFB1D, "1<"},  {0xFE00, "0"},  {0xFE10, "1"},   {0xFE30, "2"},
                {0xFE70, "1<"}, {0xFEFD, "1"},  {0xFF00, "2"},   {0xFF61, "1"},  {0xFFE0, "2"},   {0xFFE7, "1"},
                {0xFFFE, "R"},  {0x10000, "1"}, {0x10800, "1<"}, {0x11000, "1"}, {0x1E800, "1<"}, {0x1F000, "1"},
                {0x1F300, "2"}, {0x1F650, "1"}, {0x1F680, "2"},  {0x1F700, "1"}, {0x1F900, "2"},  {0x1FA00, "1"},
                {0x20000, "2"}, {0x3FFFE, "1"}};
    size_t run = 0;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        run += run + 1 < sizeof runs / sizeof *runs && runs[run + 1].first == c;
        if (strcmp(shown(c), runs[run].shown) != 0)
            cr_assert(false, "U+%04X is shown as \"%s\", want \"%s\"", (unsigned)c, shown(c), runs[run].shown);
    }
    cr_expect_eq(run + 1, sizeof runs / sizeof *runs);
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
    static const char *const others[] = {"", "abc", "é", "δ€😀", "月", "नमस्ते", "\xFF", "\xD7", "\xF0\x97\x90"};
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
