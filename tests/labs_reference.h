/* labs_reference.h - the references of the labs as numbers in, numbers out, for tests that include the engine: both
 * have a Dual and a backward. */
#ifndef STEPGRAD_TESTS_LABS_REFERENCE_H
#define STEPGRAD_TESTS_LABS_REFERENCE_H

/* What the reference of that task makes of these numbers; check/calls.h says what they are. */
void labs_reference(const char *id, const double *in, double *out);

#endif
