// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/format.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <QRegularExpression>
#include <algorithm>
#include <array>
#include <cmath>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("format", source); }

/// Three digits, more only before the point: 1.23, 12.3, 123, 1234.
QString digits(double value)
{
    const double size = std::abs(value);
    return QString::number(value, 'f', size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

/// As a limit is written: without a fraction when it has none.
QString plain(double value)
{
    return std::abs(value - std::round(value)) < 0.005 ? QString::number(value, 'f', 0) : digits(value);
}

constexpr std::array sizeUnits{"B", "KB", "MB", "GB", "TB"};

std::size_t sizeUnit(double bytes)
{
    std::size_t unit = 0;
    // 1023.9 KB reads better as 1.00 MB.
    for (; std::abs(bytes) >= 999.5 && unit + 1 < sizeUnits.size(); ++unit)
        bytes /= 1024;
    return unit;
}

QString twoUnits(qint64 large, const char *largeUnit, qint64 small, const char *smallUnit)
{
    QString result = QString::number(large) + ' ' + tr(largeUnit);
    if (small > 0)
        result += ' ' + QString::number(small) + ' ' + tr(smallUnit);
    return result;
}

QDateTime local(std::chrono::system_clock::time_point time)
{
    return QDateTime::fromMSecsSinceEpoch(
        std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

} // namespace

QString unknownText() { return tr("unknown"); }

QString text(const std::string &utf8)
{
    const QString given = QString::fromStdString(utf8);
    const bool plain = std::ranges::all_of(given, [](QChar c) { return c.unicode() >= 0x20 && c.unicode() < 0x7f; });
    if (plain)
        return given;
    // What cannot be seen, or turns the direction of writing, would let one name look like another.
    const auto isUnseen = [](char32_t c) {
        constexpr std::array<char32_t, 6> blankLetters{0x34f, 0x115f, 0x1160, 0x2800, 0x3164, 0xffa0};
        const auto category = QChar::category(c);
        return (c != U'\n' && c != U'\t' && category == QChar::Other_Control) || category == QChar::Other_Format ||
               category == QChar::Other_PrivateUse || category == QChar::Other_NotAssigned ||
               category == QChar::Separator_Line || category == QChar::Separator_Paragraph ||
               (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0000 && c <= 0xe0fff) ||
               std::ranges::find(blankLetters, c) != blankLetters.end();
    };
    QString shown;
    for (const char32_t c : given.toUcs4())
        shown += isUnseen(c) ? QStringLiteral("\\u%1").arg(uint(c), 4, 16, QLatin1Char('0')) : QString::fromUcs4(&c, 1);
    return shown;
}

QString sizeText(double bytes)
{
    const std::size_t unit = sizeUnit(bytes);
    const double value = bytes / std::pow(1024.0, double(unit));
    return (unit == 0 ? QString::number(value, 'f', 0) : digits(value)) + ' ' + sizeUnits[unit];
}

QString sizeText(const std::optional<std::uint64_t> &bytes) { return bytes ? sizeText(double(*bytes)) : unknownText(); }

namespace {

/// "0.01" would say more than is meant, "0.00" that there is nothing.
bool isHardlyAny(double bytes, std::size_t unit) { return unit > 0 && bytes / std::pow(1024.0, double(unit)) < 0.095; }

/// In a unit that may be much too large for it.
QString inLargeUnit(double bytes, std::size_t unit)
{
    if (unit == 0 || bytes < 0.5)
        return QString::number(bytes, 'f', 0);
    return isHardlyAny(bytes, unit) ? tr("< %1").arg(QStringLiteral("0.1"))
                                    : digits(bytes / std::pow(1024.0, double(unit)));
}

} // namespace

QString sizeOfText(double bytes, double limit)
{
    const std::size_t unit = sizeUnit(limit);
    const double scale = std::pow(1024.0, double(unit));
    return tr("%1 of %2 %3").arg(inLargeUnit(bytes, unit), plain(limit / scale), sizeUnits[unit]);
}

QString sizeLikeText(double bytes, double other)
{
    const std::size_t unit = sizeUnit(other);
    return inLargeUnit(bytes, unit) + ' ' + sizeUnits[unit];
}

bool isNextToNothing(double bytes, double other) { return bytes < 0.5 || isHardlyAny(bytes, sizeUnit(other)); }

QString sizeLimitText(double bytes)
{
    const std::size_t unit = sizeUnit(bytes);
    return plain(bytes / std::pow(1024.0, double(unit))) + ' ' + sizeUnits[unit];
}

QString countText(double count) { return QLocale(QLocale::English).toString(std::round(count), 'f', 0); }

QString countText(const std::optional<std::uint64_t> &count)
{
    return count ? countText(double(*count)) : unknownText();
}

QString estimateText(double count, double error)
{
    return error < 0.5 ? countText(count) : countText(count) + QStringLiteral(" ± ") + countText(error);
}

QString estimateText(const std::optional<std::uint64_t> &count, const std::optional<std::uint64_t> &error)
{
    return count ? estimateText(double(*count), double(error.value_or(0))) : countText(count);
}

QString durationText(double seconds)
{
    if (seconds < 0)
        return QStringLiteral("−") + durationText(-seconds);
    // Not in microseconds: beside one another, "99 µs" looks more than "0.1 ms".
    if (seconds > 0 && seconds < 0.000095)
        return (seconds < 0.000005 ? QStringLiteral("< 0.01") : QString::number(seconds * 1000, 'f', 2)) + ' ' +
               tr("ms");
    if (seconds < 0.9995)
        return QString::number(seconds * 1000, 'f', seconds < 0.00995 && seconds > 0 ? 1 : 0) + ' ' + tr("ms");
    if (seconds < 9.95)
        return QString::number(seconds, 'f', 1) + ' ' + tr("s");
    if (seconds < 59.5)
        return QString::number(seconds, 'f', 0) + ' ' + tr("s");
    const qint64 minutes = std::llround(seconds / 60);
    if (minutes < 60)
        return QString::number(minutes) + ' ' + tr("min");
    if (minutes < 24 * 60)
        return twoUnits(minutes / 60, "h", minutes % 60, "min");
    const qint64 hours = minutes / 60;
    return twoUnits(hours / 24, "d", hours % 24, "h");
}

QString durationText(const std::optional<std::chrono::seconds> &duration)
{
    if (!duration)
        return unknownText();
    // Whole seconds are not known better than that.
    return duration->count() < 10 && duration->count() >= 0 ? QString::number(duration->count()) + ' ' + tr("s")
                                                            : durationText(double(duration->count()));
}

QString roughDurationText(std::chrono::seconds duration)
{
    using namespace std::chrono;
    if (duration >= 36h)
        return QString::number(round<days>(duration).count()) + ' ' + tr("d");
    if (duration >= 100min)
        return QString::number(round<hours>(duration).count()) + ' ' + tr("h");
    if (const auto whole = round<minutes>(duration); whole >= 60min) // "1 h 5 min" would be two
        return QString::number(whole.count()) + ' ' + tr("min");
    return durationText(double(duration.count()));
}

QString latencyText(const std::optional<double> &seconds) { return seconds ? durationText(*seconds) : unknownText(); }

QString rateText(double perSecond, const QString &what)
{
    return digits(perSecond) + (what.isEmpty() ? QString() : ' ' + what) + tr("/s");
}

QString rateText(const std::optional<double> &perSecond, const QString &what)
{
    return perSecond ? rateText(*perSecond, what) : unknownText();
}

QString percentText(double fraction)
{
    const double percent = fraction * 100;
    return QString::number(percent, 'f', std::abs(percent) < 9.995 ? 2 : std::abs(percent) < 99.95 ? 1 : 0) + " %";
}

QString percentText(const std::optional<double> &fraction) { return fraction ? percentText(*fraction) : unknownText(); }

QString growthText(const std::optional<double> &bytesPerSecond)
{
    if (!bytesPerSecond)
        return tr("steady");
    const double hourly = *bytesPerSecond * 3600;
    return (hourly < 0 ? QStringLiteral("−") : QStringLiteral("+")) + sizeText(std::abs(hourly)) + tr("/h");
}

QString ageText(const std::optional<std::chrono::milliseconds> &age)
{
    if (!age)
        return tr("never measured");
    if (age->count() < 2000)
        return tr("just now");
    return tr("%1 ago").arg(durationText(std::chrono::floor<std::chrono::seconds>(*age)));
}

QString clockText(std::chrono::system_clock::time_point time) { return local(time).toString("HH:mm:ss"); }

QString soonText(std::chrono::system_clock::time_point time, std::chrono::system_clock::time_point now)
{
    return local(time).date() == local(now).date() ? clockText(time) : dayText(time) + ' ' + clockText(time).left(5);
}

QString dayText(std::chrono::system_clock::time_point time) { return local(time).toString("MM-dd"); }

QString dateTimeText(std::chrono::system_clock::time_point time) { return local(time).toString("yyyy-MM-dd HH:mm"); }

QString secondText(std::chrono::system_clock::time_point time) { return local(time).toString("yyyy-MM-dd HH:mm:ss"); }

QString numberText(double number)
{
    QString written = QString::number(number, 'g', 6);
    if (!written.contains('e'))
        return written;
    if (std::abs(number) >= 1 && std::abs(number) < 1e15)
        return QString::number(number, 'f', 0);
    if (std::abs(number) < 1 && std::abs(number) > 1e-9)
        return QString::number(number, 'f', 12).remove(QRegularExpression(QStringLiteral("0+$")));
    return written;
}

QString withPlainNumbers(const QString &text)
{
    // Not inside a word, an id or an address: "1e5" may be the beginning of one.
    static const QRegularExpression number(
        QStringLiteral(R"((?<![\w.\-])-?\d+(?:\.\d+[eE][+-]?\d+|[eE][+-]?\d+|\.\d{7,})(?![\w.\-]))"));
    QString plain;
    qsizetype from = 0;
    for (auto found = number.globalMatch(text); found.hasNext();) {
        const auto match = found.next();
        const QString written = numberText(match.captured().toDouble());
        plain += text.mid(from, match.capturedStart() - from) + written;
        from = match.capturedEnd();
    }
    return plain + text.mid(from);
}

QString timeZoneText(std::chrono::system_clock::time_point time) { return local(time).timeZoneAbbreviation(); }

QString dateTimeText(const std::optional<std::chrono::system_clock::time_point> &time)
{
    return time ? dateTimeText(*time) : unknownText();
}

} // namespace portolan::ui
