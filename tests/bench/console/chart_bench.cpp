// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/time_chart.h"

#include <malloc.h>

#include <QApplication>
#include <QChart>
#include <QChartView>
#include <QDateTime>
#include <QDateTimeAxis>
#include <QElapsedTimer>
#include <QLineSeries>
#include <QPixmap>
#include <QValueAxis>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <functional>
#include <memory>
#include <vector>

/// Our chart beside Qt Charts, on the same points and the same offscreen pixmap, in turn in one process: what a frame
/// takes while somebody resizes the window (everything is laid out anew), what one takes when a second has passed (one
/// point more, as each of them is told of it), and what it keeps on the heap. Times are of the processor: both paint in
/// one thread and wait for nothing, and what else the machine does is not theirs. The last line is a JSON array with an
/// object for each number of points; times in ms, memory in bytes. Arguments: the numbers of points.
using namespace portolan;
using namespace portolan::ui;

namespace {

constexpr QSize size(1000, 300);
constexpr int mostFrames = 31;
constexpr qint64 patience = 6'000; ///< ms for one median: a frame that takes longer is measured less often
constexpr WallTime start{std::chrono::seconds(1'767'225'600)};

double valueAt(std::size_t i) { return 15 + 10 * std::sin(double(i) / 5000) + double((i * 7919) % 1000) / 500; }

/// A chart that holds `count` points, one a second.
class Measured
{
public:
    virtual ~Measured() = default;
    virtual QWidget &widget() = 0;
    virtual void setPoints(std::size_t count) = 0;
    virtual void addPoint() = 0;                            ///< a second later
    virtual std::size_t notOfTheChart() const { return 0; } ///< bytes that this program keeps beside it
};

class Ours final : public Measured
{
public:
    QWidget &widget() override { return m_chart; }
    void setPoints(std::size_t count) override
    {
        m_points.clear();
        m_points.reserve(count + mostFrames);
        for (std::size_t i = 0; i < count; ++i)
            m_points.push_back(pointAt(i));
        show();
    }
    void addPoint() override
    {
        m_points.push_back(pointAt(m_points.size()));
        show();
    }
    std::size_t notOfTheChart() const override { return m_points.capacity() * sizeof(Point); }

private:
    static Point pointAt(std::size_t i)
    {
        const double value = valueAt(i);
        return {start + std::chrono::seconds(i), value, value, value};
    }
    void show()
    {
        std::vector<TimeChart::Line> lines{{"memory", {metric::redisMemory, std::chrono::seconds(1), m_points}}};
        m_chart.setLines(std::move(lines), start, start + std::chrono::seconds(m_points.size()));
    }

    std::vector<Point> m_points; ///< the history's: a chart is given all of what it is to show
    TimeChart m_chart{"Memory", [](double value) { return QString::number(value); }};
};

class QtCharts final : public Measured
{
public:
    QtCharts()
    {
        auto *chart = m_view.chart();
        chart->setTitle("Memory");
        chart->addSeries(m_series);
        chart->addAxis(m_time, Qt::AlignBottom);
        chart->addAxis(m_value, Qt::AlignLeft);
        m_series->attachAxis(m_time);
        m_series->attachAxis(m_value);
        m_series->setName("memory");
        m_value->setRange(0, 30);
        m_view.setRenderHint(QPainter::Antialiasing);
    }
    QWidget &widget() override { return m_view; }
    void setPoints(std::size_t count) override
    {
        QList<QPointF> points;
        points.reserve(qsizetype(count));
        for (std::size_t i = 0; i < count; ++i)
            points.append(QPointF(double(millisecond(i)), valueAt(i)));
        m_series->replace(points);
        showAll();
    }
    void addPoint() override
    {
        const auto next = std::size_t(m_series->count());
        m_series->append(double(millisecond(next)), valueAt(next));
        showAll();
    }

private:
    static qint64 millisecond(std::size_t i)
    {
        return std::chrono::duration_cast<std::chrono::milliseconds>(start.time_since_epoch()).count() +
               qint64(i) * 1000;
    }
    void showAll()
    {
        m_time->setRange(QDateTime::fromMSecsSinceEpoch(millisecond(0)),
                         QDateTime::fromMSecsSinceEpoch(millisecond(std::size_t(m_series->count()))));
    }

    QChartView m_view;
    QLineSeries *m_series = new QLineSeries; // the chart's, as the axes
    QDateTimeAxis *m_time = new QDateTimeAxis;
    QValueAxis *m_value = new QValueAxis;
};

struct Figures
{
    double resized = 0; ///< ms
    double second = 0;  ///< a frame, as the one before
    double heap = 0;
};

double processorTime() ///< ms
{
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return double(time.tv_sec) * 1e3 + double(time.tv_nsec) / 1e6;
}

double medianOf(const std::function<void(int)> &frame)
{
    std::vector<double> times;
    QElapsedTimer all;
    all.start();
    for (int i = 0; i < mostFrames && (i < 3 || all.elapsed() < patience); ++i) {
        const double before = processorTime();
        frame(i);
        times.push_back(processorTime() - before);
    }
    std::ranges::sort(times);
    return times[times.size() / 2];
}

double heapBytes()
{
    const auto info = mallinfo2();
    return double(info.uordblks) + double(info.hblkhd);
}

template <class Chart> Figures measure(std::size_t count)
{
    Figures figures;
    QPixmap picture(size);
    const double before = heapBytes();
    const auto measured = std::make_unique<Chart>();
    QWidget &widget = measured->widget();
    const auto paint = [&] {
        QCoreApplication::sendPostedEvents(); // what it does later belongs to the frame
        widget.render(&picture);
    };
    widget.resize(size);
    widget.show();
    measured->setPoints(count);
    paint();
    figures.heap = heapBytes() - before - double(measured->notOfTheChart());
    figures.resized = medianOf([&](int i) {
        widget.resize(size.width() - i, size.height());
        paint();
    });
    figures.second = medianOf([&](int) {
        measured->addPoint();
        paint();
    });
    return figures;
}

void print(const char *name, const Figures &figures)
{
    std::printf("\"%s\":{\"resized\":%.3f,\"second\":%.3f,\"heap\":%.0f}", name, figures.resized, figures.second,
                figures.heap);
}

} // namespace

int main(int argc, char **argv)
{
    qputenv("QT_QPA_PLATFORM", "offscreen");
    const QApplication application(argc, argv);
    measure<Ours>(100); // fonts and plugins are loaded once
    measure<QtCharts>(100);
    std::printf("[");
    for (int i = 1; i < argc; ++i) {
        const std::size_t count = std::strtoull(argv[i], nullptr, 10);
        std::printf("%s{\"points\":%zu,", i > 1 ? "," : "", count);
        print("ours", measure<Ours>(count));
        std::printf(",");
        print("qt_charts", measure<QtCharts>(count));
        std::printf("}");
    }
    std::printf("]\n");
    return 0;
}
