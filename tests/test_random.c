/* test_random.c - the generator against its published outputs, and the distributions against their mathematics.
 *
 * Seeds are fixed, so every run sees the same numbers: a statistical bound says how unlikely a right generator would
 * have been to fail it when it was written, not how often the test fails.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#include "caught.h"
#include "random.h"

enum { DRAWS = 1000000 };

Test(random, the_outputs_published_by_the_author_come_out)
{
    /* pcg32-demo of the PCG library (seed 42, stream 54), round 1: outputs of 32 bits, two to a draw */
    static const uint64_t published[] = {0xa15c02b77b47f409, 0xba1d333083d2f293, 0xbfa4784bcbed606e};
    Random random;
    random_seed(&random, 42);
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        const uint64_t got = random_u64(&random);
        cr_expect_eq(got, published[i], "outputs %zu and %zu: got %" PRIx64 ", want %" PRIx64, 2 * i, 2 * i + 1, got,
                     published[i]);
    }
}

Test(random, a_uniform_number_is_bit_exact)
{
    /* The 53 high bits of a15c02b77b47f409 over 2⁵³, computed with Python's integers: every step is exact in binary. */
    Random random;
    random_seed(&random, 42);
    const double unit = random_uniform(&random, 0, 1);
    cr_expect_eq(unit, (double)(0xa15c02b77b47f409u >> 11) / 9007199254740992.0, "got %a", unit);
    random_seed(&random, 42);
    const double wide = random_uniform(&random, -4, 4);
    cr_expect_eq(wide, -4 + 8 * unit, "got %a", wide);
}

Test(random, the_same_seed_repeats_and_another_seed_or_stream_differs)
{
    Random first, again, other_seed, other_stream;
    random_seed(&first, 7);
    random_seed(&again, 7);
    random_seed(&other_seed, 8);
    random_seed_stream(&other_stream, 7, 55);
    int equal_to_other_seed = 0, equal_to_other_stream = 0;
    for (int i = 0; i < 1000; i++) {
        const uint64_t draw = random_u64(&first);
        cr_assert_eq(draw, random_u64(&again), "draw %d differs with the same seed", i);
        equal_to_other_seed += draw == random_u64(&other_seed);
        equal_to_other_stream += draw == random_u64(&other_stream);
    }
    /* 1000 pairs of 64 bits: even one equal pair has probability 5·10⁻¹⁷ */
    cr_expect_eq(equal_to_other_seed, 0, "%d of 1000 equal", equal_to_other_seed);
    cr_expect_eq(equal_to_other_stream, 0, "%d of 1000 equal", equal_to_other_stream);
}

Test(random, a_copy_of_the_struct_goes_on_from_the_same_place)
{
    Random random;
    random_seed(&random, 3);
    random_normal(&random);
    Random copy = random;
    for (int i = 0; i < 10; i++) {
        const double want = random_normal(&random), got = random_normal(&copy);
        cr_expect_eq(got, want, "normal %d: got %g, want %g", i, got, want);
    }
}

Test(random, each_bit_is_set_half_the_time)
{
    Random random;
    random_seed(&random, 1);
    int set[64] = {0};
    for (int i = 0; i < DRAWS; i++) {
        const uint64_t draw = random_u64(&random);
        for (int bit = 0; bit < 64; bit++)
            set[bit] += draw >> bit & 1;
    }
    /* binomial: mean n/2, standard deviation √n/2 = 500; five of them */
    for (int bit = 0; bit < 64; bit++)
        cr_expect(abs(set[bit] - DRAWS / 2) < 2500, "bit %d set %d times of %d", bit, set[bit], DRAWS);
}

/* Σ (seen − expected)²/expected */
static double chi_square(const size_t *seen, size_t kinds, double expected)
{
    double sum = 0;
    for (size_t i = 0; i < kinds; i++)
        sum += ((double)seen[i] - expected) * ((double)seen[i] - expected) / expected;
    return sum;
}

Test(random, uniform_numbers_fill_their_interval_evenly)
{
    enum { BINS = 100 };
    Random random;
    random_seed(&random, 2);
    size_t seen[BINS] = {0};
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        const double x = random_uniform(&random, -3, 5);
        cr_assert(x >= -3 && x < 5, "draw %d: %.17g is outside [-3, 5)", i, x);
        sum += x;
        seen[(size_t)((x + 3) / 8 * BINS)]++;
    }
    /* the mean of n has standard deviation 8/√(12 n) = 0.0023; five of them */
    cr_expect_float_eq(sum / DRAWS, 1, 0.0116, "mean %g", sum / DRAWS);
    /* chi-square with 99 degrees of freedom: mean 99, deviation 14.1; above 170 with probability 1.2·10⁻⁵ */
    const double chi = chi_square(seen, BINS, (double)DRAWS / BINS);
    cr_expect(chi < 170 && chi > 45, "chi-square %g", chi);
}

Test(random, a_uniform_number_never_rounds_up_to_hi)
{
    /* Between 1 and the next double there is nothing: half of the sums round up to hi. */
    const double hi = nextafter(1, 2);
    Random random;
    random_seed(&random, 4);
    for (int i = 0; i < 100; i++) {
        const double x = random_uniform(&random, 1, hi);
        cr_expect_eq(x, 1, "got %.17g", x);
    }
    cr_expect_eq(random_uniform(&random, 2, 2), 2, "an interval of one number");
}

Test(random, normal_numbers_have_the_moments_and_tails_of_the_normal_distribution)
{
    Random random;
    random_seed(&random, 5);
    double sum[5] = {0}; /* of the powers */
    int beyond[4] = {0}; /* of 0, 1, 2, 3 deviations */
    double neighbours = 0, previous = 0;
    for (int i = 0; i < DRAWS; i++) {
        const double x = random_normal(&random);
        cr_assert(isfinite(x), "draw %d is %g", i, x);
        double power = 1;
        for (int p = 1; p <= 4; p++)
            sum[p] += power *= x;
        for (int d = 0; d < 4; d++)
            beyond[d] += x > d;
        neighbours += x * previous;
        previous = x;
    }
    /* Powers 1 to 4 of a normal number have means 0, 1, 0, 3 and variances 1, 2, 15, 96: bounds are 5·√(variance/n). */
    cr_expect_float_eq(sum[1] / DRAWS, 0, 0.005, "mean %g", sum[1] / DRAWS);
    cr_expect_float_eq(sum[2] / DRAWS, 1, 0.0071, "mean square %g", sum[2] / DRAWS);
    cr_expect_float_eq(sum[3] / DRAWS, 0, 0.0194, "mean cube %g", sum[3] / DRAWS);
    cr_expect_float_eq(sum[4] / DRAWS, 3, 0.049, "mean fourth power %g", sum[4] / DRAWS);
    cr_expect_float_eq(neighbours / DRAWS, 0, 0.005, "correlation of neighbours %g", neighbours / DRAWS);
    for (int d = 0; d < 4; d++) {
        const double p = erfc(d / sqrt(2)) / 2;
        const double bound = 5 * sqrt(p * (1 - p) / DRAWS); /* binomial */
        cr_expect_float_eq((double)beyond[d] / DRAWS, p, bound, "beyond %d: %g, want %g", d, (double)beyond[d] / DRAWS,
                           p);
    }
}

Test(random, normal_numbers_are_those_of_the_formula)
{
    /* √(−2 log(1−u))·cos(2πv) of the first draws u, v, by mpmath with 200 bits */
    static const double want[] = {-0.20309084057841542, -0.0091386074622611443, 0.67867312124815948};
    Random random;
    random_seed(&random, 42);
    for (size_t i = 0; i < 3; i++) {
        const double got = random_normal(&random);
        /* 2πv is below 7 with a rounding of 4·2⁻⁵³, and the cosine moves as much; log, root and cos add less than that
         */
        cr_expect_float_eq(got, want[i], 16 * 0x1p-53, "normal %zu: got %.17g, want %.17g", i, got, want[i]);
    }
}

Test(random, every_normal_number_takes_two_draws)
{
    Random random;
    random_seed(&random, 6);
    Random same = random;
    for (int i = 0; i < 100; i++) {
        random_normal(&random);
        random_u64(&same);
        random_u64(&same);
        cr_assert_eq(random.state, same.state, "after normal %d", i);
    }
}

Test(random, numbers_below_n_are_unbiased_even_where_n_does_not_divide_2_to_64)
{
    /* n = 3·2⁶²: a plain remainder would give numbers below 2⁶² half the time, where a third is right */
    const uint64_t n = (uint64_t)3 << 62;
    Random random;
    random_seed(&random, 7);
    size_t seen[3] = {0};
    for (int i = 0; i < DRAWS; i++) {
        const uint64_t draw = random_below(&random, n);
        cr_assert_lt(draw, n, "draw %d", i);
        seen[draw >> 62]++;
    }
    /* two degrees of freedom: above 23 with probability e^(−23/2) = 10⁻⁵ */
    const double chi = chi_square(seen, 3, DRAWS / 3.0);
    cr_expect_lt(chi, 23, "chi-square %g: thirds %zu %zu %zu", chi, seen[0], seen[1], seen[2]);
}

Test(random, small_n_and_the_largest_n_work)
{
    Random random;
    random_seed(&random, 8);
    size_t seen[6] = {0};
    for (int i = 0; i < DRAWS; i++)
        seen[random_below(&random, 6)]++;
    const double chi = chi_square(seen, 6, DRAWS / 6.0);
    cr_expect_lt(chi, 31, "chi-square %g", chi); /* five degrees of freedom: above 31 with probability 10⁻⁵ */
    for (int i = 0; i < 100; i++)
        cr_expect_eq(random_below(&random, 1), 0, "below 1 there is only 0");
    cr_expect_gt(random_below(&random, UINT64_MAX), UINT64_MAX >> 20,
                 "of 2⁶⁴ numbers, a tiny one has probability 10⁻⁶");
}

/* Which of the 24 orders of 0, 1, 2, 3 this is. */
static size_t number_of_order(const size_t order[4])
{
    size_t number = 0;
    for (size_t i = 0; i < 4; i++) {
        size_t smaller_behind = 0;
        for (size_t j = i + 1; j < 4; j++)
            smaller_behind += order[j] < order[i];
        number = number * (4 - i) + smaller_behind;
    }
    return number;
}

Test(random, no_draw_is_thrown_away_where_n_divides_2_to_64)
{
    Random random = {.state = 0, .increment = 1}, same = random;
    cr_assert_eq(random_u64(&same), 0, "another draw than 0, the first that would be thrown away");
    cr_expect_eq(random_below(&random, 4), 0, "not 0");
    cr_expect_eq(random.state, same.state, "it took more than one draw");
}

Test(random, a_shuffle_gives_each_order_equally_often)
{
    enum { SHUFFLES = 240000 };
    Random random;
    random_seed(&random, 9);
    size_t seen[24] = {0};
    for (int i = 0; i < SHUFFLES; i++) {
        size_t order[4] = {0, 1, 2, 3};
        random_shuffle(&random, order, 4);
        seen[number_of_order(order)]++;
    }
    /* 23 degrees of freedom: above 66 with probability 5·10⁻⁶. Swapping each place with any of the four gives
     * thousands. */
    const double chi = chi_square(seen, 24, SHUFFLES / 24.0);
    cr_expect_lt(chi, 66, "chi-square %g", chi);
}

Test(random, a_shuffle_draws_once_for_each_place_but_the_first)
{
    Random random, same;
    size_t order[5] = {0, 1, 2, 3, 4}, want[5] = {0, 1, 2, 3, 4};
    random_seed(&random, 9);
    random_seed(&same, 9);
    random_shuffle(&random, order, 5);
    for (size_t left = 5; left > 1; left--) {
        const size_t chosen = (size_t)random_below(&same, left), moved = want[left - 1];
        want[left - 1] = want[chosen];
        want[chosen] = moved;
    }
    cr_expect(memcmp(order, want, sizeof want) == 0, "got %zu %zu %zu %zu %zu", order[0], order[1], order[2], order[3],
              order[4]);
    cr_expect_eq(random.state, same.state, "the state after a shuffle of 5 is not that after 4 draws");
}

Test(random, a_shuffle_keeps_every_index_once)
{
    enum { N = 1000 };
    size_t order[N];
    bool seen[N] = {false};
    Random random;
    random_seed(&random, 10);
    for (size_t i = 0; i < N; i++)
        order[i] = i;
    random_shuffle(&random, order, N);
    size_t in_place = 0;
    for (size_t i = 0; i < N; i++) {
        cr_assert(order[i] < N && !seen[order[i]], "index %zu at %zu is wrong or twice", order[i], i);
        seen[order[i]] = true;
        in_place += order[i] == i;
    }
    cr_expect_leq(in_place, 9, "%zu of 1000 stayed: the count is Poisson with mean 1, above 9 with 10⁻⁷", in_place);
    random_shuffle(&random, order, 0);
    random_shuffle(&random, NULL, 0);
}

Test(random, a_choice_is_made_as_often_as_its_weight_says)
{
    const double weights[] = {0, 2, 0.5, 0, 1.5, 0};
    Random random;
    random_seed(&random, 11);
    size_t seen[6] = {0};
    for (int i = 0; i < DRAWS; i++)
        seen[random_choice(&random, weights, 6)]++;
    cr_expect(seen[0] == 0 && seen[3] == 0 && seen[5] == 0, "weight 0 came %zu times", seen[0] + seen[3] + seen[5]);
    double chi = 0;
    for (size_t i = 0; i < 6; i++)
        chi += weights[i] > 0 ? pow((double)seen[i] - DRAWS * weights[i] / 4, 2) / (DRAWS * weights[i] / 4) : 0;
    cr_expect_lt(chi, 23, "chi-square %g", chi); /* two degrees of freedom: above 23 with probability 10⁻⁵ */
}

/* The point is random_uniform(0, Σ), and the weights lie end to end: 3 from 0 on, 1 from 3 on, 4 from 4 on. */
Test(random, a_choice_is_one_uniform_number_laid_on_the_weights)
{
    const double weights[] = {3, 1, 4};
    Random random, again;
    random_seed(&random, 12);
    random_seed(&again, 12);
    for (int i = 0; i < 1000; i++) {
        const double point = random_uniform(&again, 0, 8);
        const size_t want = point < 3 ? 0 : point < 4 ? 1 : 2, got = random_choice(&random, weights, 3);
        cr_assert_eq(got, want, "point %g: %zu, want %zu", point, got, want);
    }
    cr_expect_eq(random.state, again.state, "another number of draws");
}

/* Sums of these round, and the point may be the largest below the total: still it lies on a weight that is not 0. */
Test(random, a_choice_of_tiny_huge_or_rounding_weights_stays_in_the_list)
{
    const double lists[][4] = {
        {5e-324, 0, 0, 0}, {0, 5e-324, 5e-324, 0}, {0.1, 0.2, 0.7, 0}, {1e308, 1e-308, 7e307, 0}};
    Random random;
    random_seed(&random, 13);
    for (size_t list = 0; list < 4; list++)
        for (int i = 0; i < 1000; i++) {
            const size_t got = random_choice(&random, lists[list], 4);
            cr_assert(got < 3 && lists[list][got] > 0, "list %zu: %zu", list, got);
        }
}

Test(random, a_list_is_needed_for_one_number_too)
{
    Random random;
    random_seed(&random, 1);
    MUST_BE_MISUSE(random_shuffle(&random, NULL, 1), "random_shuffle: the list is NULL (n = 1)");
}

static const double no_weight[] = {0, 0}, negative[] = {1, -1}, not_a_number[] = {NAN, 1}, too_large[] = {1e308, 1e308};

Test(random, weights_that_say_nothing_are_misuse)
{
    Random random;
    random_seed(&random, 1);
    MUST_BE_MISUSE(random_choice(&random, no_weight, 2), "random_choice: the weights sum to 0");
    MUST_BE_MISUSE(random_choice(&random, negative, 2), "random_choice: weights[1] is -1");
    MUST_BE_MISUSE(random_choice(&random, not_a_number, 2), "random_choice: weights[0] is");
    MUST_BE_MISUSE(random_choice(&random, too_large, 2), "random_choice: the weights sum to inf");
    MUST_BE_MISUSE(random_choice(&random, NULL, 2), "random_choice: no weights (n = 2)");
    MUST_BE_MISUSE(random_choice(&random, no_weight, 0), "random_choice: no weights (n = 0)");
    MUST_BE_MISUSE(random_choice(NULL, no_weight, 2), "random_choice: the Random is NULL");
    MUST_BE_MISUSE(random_choice(&(Random){0}, no_weight, 2), "random_choice: the Random was never seeded");
    Random even = {.state = 1, .increment = 2};
    MUST_BE_MISUSE(random_choice(&even, no_weight, 2), "never seeded (increment 2)");
}

static Random seeded(void)
{
    Random random;
    random_seed(&random, 1);
    return random;
}

Test(random, a_random_that_was_never_seeded_is_misuse, .signal = SIGABRT) { random_u64(&(Random){0}); }
Test(random, a_null_random_is_misuse, .signal = SIGABRT) { random_normal(NULL); }

Test(random, below_zero_is_misuse, .signal = SIGABRT)
{
    Random random = seeded();
    random_below(&random, 0);
}

Test(random, an_interval_upside_down_is_misuse, .signal = SIGABRT)
{
    Random random = seeded();
    random_uniform(&random, 1, -1);
}

Test(random, an_infinite_interval_is_misuse, .signal = SIGABRT)
{
    Random random = seeded();
    random_uniform(&random, -1e308, 1e308);
}

Test(random, shuffling_a_null_list_is_misuse, .signal = SIGABRT)
{
    Random random = seeded();
    random_shuffle(&random, NULL, 3);
}
