#include "core/monitor/status_text.h"

#include "core/api/words.h"
#include "core/base/time_format.h"
#include "core/base/units.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <vector>

namespace portolan::monitor {

namespace {

struct ZoneStyle
{
    std::string_view shape;
    std::string_view ascii;
    std::string_view colour;
};

constexpr std::string_view reset = "\x1b[0m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view bold = "\x1b[1m";

const ZoneStyle &styleOf(Zone zone)
{
    static constexpr std::array<ZoneStyle, 4> styles{
        {{"○", "?", "\x1b[2m"}, {"●", "o", "\x1b[32m"}, {"▲", "^", "\x1b[33m"}, {"■", "#", "\x1b[31m"}}};
    return styles[std::min<std::size_t>(std::size_t(zone), styles.size() - 1)];
}

std::string number(const char *format, double value)
{
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

std::string seconds(double value)
{
    return humanDuration(std::chrono::nanoseconds(std::llround(std::min(value, 1e8) * 1e9)));
}

std::string inUnit(Resource resource, double value)
{
    switch (resource) {
    case Resource::RedisMemory:
        return humanSize(std::uint64_t(std::max(value, 0.0)));
    case Resource::ResponseTime:
        return seconds(value);
    case Resource::ErrorRate:
        return number("%.2f %%", value * 100);
    case Resource::DbPool:
        return number("%.0f %%", value * 100);
    case Resource::RedisConnections:
    case Resource::Queue:
    case Resource::Users:
        break;
    }
    return humanCount(std::uint64_t(std::max(value, 0.0)));
}

std::string_view unitOf(Resource resource)
{
    switch (resource) {
    case Resource::Queue:
        return " tasks";
    case Resource::Users:
        return " users";
    default:
        return "";
    }
}

std::string_view reasonOf(Unknown unknown)
{
    switch (unknown) {
    case Unknown::No:
        return "";
    case Unknown::NotYet:
        return "not measured yet";
    case Unknown::TooFew:
        return "too few requests";
    case Unknown::Away:
        return "not answering";
    case Unknown::NotAvailable:
        return "not available";
    }
    return "";
}

/// Characters of UTF-8 text, each one column wide: all that is printed here is.
std::size_t columns(std::string_view text)
{
    return std::size_t(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// Builds one line: counts columns, knows the colours, never passes the width.
class Line final
{
public:
    explicit Line(const StatusStyle &options) : m_options(options), m_width(std::max<std::size_t>(options.width, 40)) {}

    Line &add(std::string_view text, std::string_view colour = {})
    {
        std::size_t bytes = 0;
        const std::size_t before = m_columns;
        while (bytes < text.size() && m_columns < m_width) {
            ++bytes;
            while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80)
                ++bytes;
            ++m_columns;
        }
        if (m_columns == before)
            return *this;
        const bool coloured = m_options.colour && !colour.empty();
        if (coloured)
            m_text += colour;
        // What a portal elsewhere says must not drive this terminal.
        for (const char c : text.substr(0, bytes))
            m_text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
        if (coloured)
            m_text += reset;
        return *this;
    }
    Line &pad(std::size_t column) { return m_columns < column ? add(std::string(column - m_columns, ' ')) : *this; }
    Line &zone(Zone zone)
    {
        const ZoneStyle &style = styleOf(zone);
        add(m_options.utf8 ? style.shape : style.ascii, style.colour).add(" ");
        return add(wordOf(zone), style.colour);
    }
    bool room(std::size_t wanted) const { return m_columns + wanted <= m_width; }
    std::string end()
    {
        m_text.erase(m_text.find_last_not_of(' ') + 1);
        return std::move(m_text) + "\n";
    }

private:
    const StatusStyle &m_options;
    const std::size_t m_width;
    std::string m_text;
    std::size_t m_columns = 0;
};

constexpr std::size_t zoneColumn = 19; ///< after the longest title
constexpr std::size_t valueColumn = zoneColumn + 11;

bool stale(const std::optional<Age> &age) { return age && *age >= std::chrono::seconds(5); }

std::string valueText(const Reading &reading)
{
    if (!reading.value)
        return std::string(reasonOf(reading.unknown));
    std::string text = inUnit(reading.resource, *reading.value);
    // A fraction's limit is all of it: the threshold says more.
    const bool share = reading.resource == Resource::ErrorRate || reading.resource == Resource::DbPool;
    if (reading.limit && !share)
        text += " of " + inUnit(reading.resource, *reading.limit);
    else if (reading.red)
        text += ", red above " + inUnit(reading.resource, *reading.red);
    text += unitOf(reading.resource);
    if (reading.unknown == Unknown::Away)
        text += ", not answering";
    return text;
}

std::string nextText(const Reading &reading, const StatusStyle &options)
{
    if (!reading.toNextZone)
        return {};
    const Zone next = reading.zone == Zone::Green ? Zone::Yellow : Zone::Red;
    return std::string(options.utf8 ? "→ " : "-> ").append(wordOf(next)) + " in " + humanDuration(*reading.toNextZone);
}

std::string readingLine(const Reading &reading, const StatusStyle &options)
{
    Line line(options);
    line.add(titleOf(reading.resource)).pad(zoneColumn).zone(reading.zone).pad(valueColumn);
    const bool old = stale(reading.age) || !reading.value;
    line.add(valueText(reading), old ? dim : std::string_view());
    const std::string age = reading.age && reading.value ? humanDuration(*reading.age) + " ago" : std::string();
    const std::size_t ageColumn = valueColumn + 27;
    if (!age.empty() && line.room(columns(age) + 2)) {
        line.add("  ").pad(ageColumn);
        if (line.room(columns(age)))
            line.add(age, dim);
    }
    const std::string next = nextText(reading, options);
    if (!next.empty() && line.room(columns(next) + 2))
        line.add("  ").pad(ageColumn + 12).add(line.room(columns(next)) ? next : "");
    return line.end();
}

std::string percentile(const std::optional<double> &value) { return value ? seconds(*value) : "unknown"; }

std::string count(const std::optional<std::uint64_t> &value) { return value ? humanCount(*value) : "unknown"; }

std::string labelled(std::string_view label, std::string_view text, const StatusStyle &options, bool old = false)
{
    return Line(options).add(label).pad(zoneColumn).add(text, old ? dim : std::string_view()).end();
}

std::string linkLine(const LinkStatus &link, const StatusStyle &options)
{
    std::string text = !link.up ? "unknown" : *link.up ? "up" : "DOWN";
    if (link.up && link.since)
        text += " for " + humanDuration(*link.since);
    if (link.latency)
        text += ", answers in " + seconds(*link.latency);
    if (!link.detail.empty())
        text += ": " + link.detail;
    return labelled(link.name, text, options);
}

std::string queueLine(const Snapshot &snapshot, const StatusStyle &options)
{
    const QueueFigures &queue = snapshot.queue;
    std::string text = count(queue.waiting) + " waiting, " + count(queue.unacked) + " taken, " + count(queue.running) +
                       " running here";
    if (queue.endedPerSecond)
        text += number(", %.1f ended/s", *queue.endedPerSecond);
    if (queue.oldest)
        text += ", oldest " + humanDuration(*queue.oldest);
    if (stale(queue.age))
        text += ", " + humanDuration(*queue.age) + " ago";
    return labelled("tasks", text, options, stale(queue.age));
}

std::string familyLine(const FamiliesFigures &families, const StatusStyle &options)
{
    std::string text;
    int shown = 0;
    for (const FamilyFigures &family : families.families) {
        if (!family.bytes || family.bytes->value < 1 || shown == 4)
            continue;
        const double half = (family.bytes->high - family.bytes->low) / 2;
        text += (shown++ ? ", " : "") + family.family + " " + humanSize(std::uint64_t(family.bytes->value)) +
                (options.utf8 ? " ±" : " +-") + humanSize(std::uint64_t(std::max(half, 0.0)));
    }
    return text.empty() ? std::string() : labelled("key families", text, options, stale(families.age));
}

} // namespace

std::string statusText(const Snapshot &snapshot, const StatusStyle &options)
{
    std::string text;
    Line head(options);
    head.zone(snapshot.verdict).add("  ").add("portal", bold);
    head.add(" (tier " + snapshot.tier + ")  " + formatTime(snapshot.time).substr(0, 19) + "Z");
    head.add("  up " + humanDuration(snapshot.uptime), dim);
    text += head.end() + "\n";
    for (const Reading &reading : snapshot.readings)
        text += readingLine(reading, options);
    text += "\n";
    for (const LinkStatus &link : snapshot.links)
        text += linkLine(link, options);
    text += queueLine(snapshot, options);
    const TrafficFigures &traffic = snapshot.http.traffic;
    text += labelled("requests",
                     number("%.1f/s", traffic.perSecond) + " over 60 s, p50 " + percentile(traffic.p50) + ", p95 " +
                         percentile(traffic.p95) + ", p99 " + percentile(traffic.p99),
                     options);
    text += familyLine(snapshot.families, options);
    return text;
}

} // namespace portolan::monitor
