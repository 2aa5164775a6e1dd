/* plot.h - SVG pictures of training: curves (loss by epoch) and the decision boundary of a classifier.
 *
 *     const PlotSeries curves[] = {{"training", epochs, NULL, train_loss}, {"test", epochs, NULL, test_loss}};
 *     Error error;
 *     if (!plot_lines("loss.svg", &(LinePlot){.title = "Two moons", .x_label = "epoch", .y_label = "loss",
 *                                             .series = curves, .series_count = 2}, &error))
 *         fprintf(stderr, "%s\n", error.message);
 *
 * No pointer passed in is kept. A file is written whole or not at all (file.h). Texts are UTF-8, any text is safe,
 * and each may be NULL: then it is left out. The same data gives the same bytes.
 * Both return false, with a message, when there is nothing to draw or the file cannot be written. It is a usage error
 * to pass NULL where there must be data.
 */
#ifndef STEPGRAD_PLOT_H
#define STEPGRAD_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* A curve through the points (x[i], y[i]) in their order; x NULL stands for 0, 1, 2, ... A number that cannot be shown
 * (not finite, or not above 0 on a logarithmic axis) leaves a gap in the curve.
 */
typedef struct PlotSeries {
    const char *name;
    size_t count;
    const double *x;
    const double *y;
} PlotSeries;

typedef struct LinePlot {
    const char *title;
    const char *x_label; /* with its unit */
    const char *y_label;
    const PlotSeries *series;
    size_t series_count;
    bool log_x, log_y;
    const struct LinePlot *below; /* another plot drawn beneath with the same x axis, or NULL: accuracy below loss. Its
                                     title, x_label and log_x are ignored. */
} LinePlot;

/* Draw curves with their axes, grid and legend. Curves of up to 40 points show each point. */
#define plot_lines(...) plot_lines_at(__VA_ARGS__, HERE) /* (path, plot, error); the plot may be a compound literal */
bool plot_lines_at(const char *path, const LinePlot *plot, Error *error, Where where);

/* Writes the probability of each class at the point (x0, x1). */
typedef void PlotPredict(void *context, double x0, double x1, double *probabilities);

typedef struct BoundaryPlot {
    const char *title;
    const char *x_name, *y_name; /* of the two features */
    const double *x;             /* count × 2, row after row */
    const int *label;            /* count, each 0 .. classes − 1 */
    size_t count;
    int classes;
    char *const *class_names; /* for the legend, which shows a number as "class 1"; or NULL */
    PlotPredict *predict;
    void *context; /* passed to predict */
} BoundaryPlot;

/* Draw where a classifier changes its mind: the plane in the colour of its likeliest class, stronger in five
 * steps as it gets likelier; a line where two classes tie; and the points, each with the colour and the shape of its
 * own class. The prediction is made at 120 points along each axis; where it is not finite, the plane is blank. A data
 * point that is not finite is left out. False also when a label is out of range or there is no memory. It is a usage
 * error to pass fewer than 2 classes. Of more than 7 classes, those with a colour used before are hatched: 28 differ.
 */
#define plot_boundary(...) plot_boundary_at(__VA_ARGS__, HERE) /* (path, plot, error) */
bool plot_boundary_at(const char *path, const BoundaryPlot *plot, Error *error, Where where);

#endif
