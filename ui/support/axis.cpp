// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/axis.h"

#include "ui/support/format.h"

#include <QDateTime>
#include <array>
#include <cmath>

namespace portolan::ui {

QString axisLabel(double value, double top, AxisUnit unit)
{
    const auto in = [value](double scale, const char *name) {
        return value == 0 ? QStringLiteral("0")
                          : QString::number(value / scale, 'g', 4) + ' ' + QString::fromUtf8(name);
    };
    if (unit == AxisUnit::Bytes) {
        constexpr std::array names{"B", "KB", "MB", "GB", "TB"};
        std::size_t place = 0;
        double scale = 1;
        for (; top / scale >= 1024 && place + 1 < names.size(); ++place)
            scale *= 1024;
        return in(scale, names[place]);
    }
    if (unit == AxisUnit::Seconds && top < 60)
        return top >= 1 ? in(1, "s") : top >= 1e-3 ? in(1e-3, "ms") : in(1e-6, "µs");
    return {};
}

std::vector<double> roundSteps(double top, int wanted, bool binary)
{
    std::vector<double> steps;
    if (!(top > 0) || wanted < 1)
        return {0};
    double unit = 1;
    while (binary && top / unit >= 1024)
        unit *= 1024;
    const double rough = top / unit / wanted;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    double step = power;
    for (const double factor : {2.0, 5.0, 10.0}) {
        if (step < rough)
            step = power * factor;
    }
    for (int i = 0; i * step * unit <= top * 1.0001; ++i)
        steps.push_back(i * step * unit);
    return steps;
}

std::vector<Tick> timeTicks(WallTime from, WallTime to, int wanted)
{
    constexpr std::array<qint64, 19> rounds{1,    2,    5,    10,    30,    60,    120,   300,    600,   900,
                                            1800, 3600, 7200, 14400, 21600, 43200, 86400, 432000, 864000};
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    const qint64 start = duration_cast<milliseconds>(from.time_since_epoch()).count();
    const qint64 end = duration_cast<milliseconds>(to.time_since_epoch()).count();
    qint64 step = rounds.back();
    for (auto round = rounds.rbegin(); round != rounds.rend(); ++round) {
        if ((end - start) / 1000 / *round <= wanted)
            step = *round;
    }
    // Midnight is local, so are the moments counted from it.
    const qint64 midnight = QDateTime::fromMSecsSinceEpoch(start).date().startOfDay().toMSecsSinceEpoch();
    std::vector<Tick> ticks;
    for (qint64 at = midnight + (start - midnight) / (step * 1000) * step * 1000; at < end; at += step * 1000) {
        if (at < start)
            continue;
        const WallTime time{std::chrono::milliseconds(at)};
        const QString clock = clockText(time);
        ticks.push_back({double(at - start) / 1000, step < 60 ? clock : step < 86400 ? clock.left(5) : dayText(time)});
    }
    return ticks;
}

} // namespace portolan::ui
