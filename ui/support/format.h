// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <chrono>
#include <optional>
#include <string>

/// Figures as people read them: about three digits, unit always named, so that numbers do not jump as they change.
/// What is not known is written "unknown", never 0.
namespace portolan::ui {

QString unknownText();
QString text(const std::string &utf8); ///< from somebody: marks and control characters are shown as "\u202e"

QString sizeText(double bytes); ///< 1 MB = 1024²: "18.7 MB", "512 B"
QString sizeText(const std::optional<std::uint64_t> &bytes);
QString countText(double count); ///< "1,234"; thousands are grouped
QString countText(const std::optional<std::uint64_t> &count);
/// "960 ± 29"; without an error worth a figure, or a known one, "960".
QString estimateText(double count, double error);
QString estimateText(const std::optional<std::uint64_t> &count, const std::optional<std::uint64_t> &error);
QString durationText(double seconds); ///< at most two units: "350 ms", "4.2 s", "15 min", "2 h 5 min", "3 d 4 h"
QString durationText(const std::optional<std::chrono::seconds> &duration);
QString roughDurationText(std::chrono::seconds duration); ///< one unit, as what is estimated: "40 min", "13 h"
QString latencyText(const std::optional<double> &seconds);
QString rateText(double perSecond, const QString &what = {}); ///< "12.3/s", with `what` "12.3 tasks/s"
QString rateText(const std::optional<double> &perSecond, const QString &what = {});
QString percentText(double fraction); ///< 0.0014 → "0.14 %"
QString percentText(const std::optional<double> &fraction);
QString growthText(const std::optional<double> &bytesPerSecond);      ///< "+5.4 MB/h"; not significant: "steady"
QString ageText(const std::optional<std::chrono::milliseconds> &age); ///< "just now", "47 s ago"

/// Moments, in the time of this machine; dates are written as ISO 8601 has them, wherever. The day is left out only
/// where it is known.
QString clockText(std::chrono::system_clock::time_point time); ///< "14:03:27"
/// clockText() on the day of `now`, else "11-24 14:03".
QString soonText(std::chrono::system_clock::time_point time, std::chrono::system_clock::time_point now);
QString dayText(std::chrono::system_clock::time_point time);      ///< "11-24", where the year is known
QString dateTimeText(std::chrono::system_clock::time_point time); ///< "2026-11-24 14:03"
QString secondText(std::chrono::system_clock::time_point time);   ///< "2026-11-24 14:03:27"
QString dateTimeText(const std::optional<std::chrono::system_clock::time_point> &time);

QString numberText(double number); ///< "11.34", "10000", never "1.134E1"

/// The same text with numbers as people write them: "1.134E1" → "11.34", "0.30000000000000004" → "0.3".
QString withPlainNumbers(const QString &text);

QString timeZoneText(std::chrono::system_clock::time_point time); ///< "CET", of the local times

QString sizeLimitText(double bytes); ///< without a fraction where there is none: "30 MB"

/// "21.3 of 30 MB": both in the limit's unit, which is named once.
/// What is hardly anything of it is "< 0.1 of 5 MB".
QString sizeOfText(double bytes, double limit);
/// In the unit of another size, as figures below each other should be: "0.5 MB", "< 0.1 MB".
QString sizeLikeText(double bytes, double other);
bool isNextToNothing(double bytes, double other); ///< nothing, or so little that sizeLikeText() is "< 0.1 MB"

} // namespace portolan::ui
