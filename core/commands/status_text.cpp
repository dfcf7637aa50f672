// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/status_text.h"

#include "core/api/backlog.h"
#include "core/api/catalogue.h"
#include "core/api/verdict.h"
#include "core/api/words.h"
#include "core/base/time_format.h"
#include "core/base/units.h"
#include "core/commands/link_words.h"
#include "core/commands/status_line.h"
#include "core/commands/unknown_words.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan::commands {

namespace {

std::string seconds(double value)
{
    return humanDuration(std::chrono::nanoseconds(std::llround(std::min(value, 1e8) * 1e9)));
}

/// Without the zeros behind the point: where a zone begins is a round number, which nobody measured.
std::string roundText(double value, int digits)
{
    std::string text = fixedText(value, digits);
    if (text.find('.') == std::string::npos)
        return text;
    while (text.ends_with('0'))
        text.pop_back();
    if (text.ends_with('.'))
        text.pop_back();
    return text;
}

std::string inUnit(Form form, double value)
{
    switch (form) {
    case Form::Bytes:
    case Form::BytesPerMonth:
        return humanSize(std::uint64_t(std::max(value, 0.0)));
    case Form::Latency:
    case Form::Duration:
        return seconds(value);
    case Form::Fraction:
        return fixedText(value * 100, 2) + " %";
    case Form::Share:
        return fixedText(value * 100, 0) + " %";
    case Form::PerSecond:
        return fixedText(value, 1) + "/s";
    case Form::Ratio:
        return fixedText(value, 2);
    case Form::Count:
    case Form::Level:
        break;
    }
    return humanCount(std::uint64_t(std::max(value, 0.0)));
}

std::string inUnit(Resource resource, double value) { return inUnit(kindOf(resource).form, value); }

/// `value`: the last figure before it.
std::string_view unitOf(Resource resource, double value)
{
    switch (resource) {
    case Resource::Queue:
        return value == 1 ? " task" : " tasks";
    case Resource::Users:
        return value == 1 ? " user" : " users";
    case Resource::RedisTraffic:
        return " a month";
    default:
        return "";
    }
}

constexpr std::size_t zoneColumn = 19; ///< after the longest title
constexpr std::size_t valueColumn = zoneColumn + 11;

bool stale(const std::optional<Age> &age, std::chrono::milliseconds after) { return age && *age >= after; }

/// "no worker takes tasks, 5 waiting": what the figure alone does not say.
std::string workersText(const Reading &reading)
{
    if (*reading.value >= 1)
        return "no worker takes tasks, " + inUnit(reading.resource, *reading.value) + " waiting";
    // What is red because Redis is away says nothing of tasks.
    if (reading.unknown != Unknown::No)
        return "no task waited untaken";
    return reading.zone == Zone::Red ? "tasks waited untaken until a moment ago" : "no task waits untaken";
}

std::string boundInUnit(Resource resource, double value)
{
    switch (const Form form = kindOf(resource).form) {
    case Form::Fraction:
        return roundText(value * 100, 2) + " %";
    case Form::PerSecond:
        return roundText(value, 1) + "/s";
    default:
        return inUnit(form, value);
    }
}

std::string valueText(const Reading &reading)
{
    if (!reading.value)
        return std::string(reasonOf(reading.unknown, reading.resource));
    std::string text;
    if (reading.resource == Resource::Workers) {
        text = workersText(reading);
    } else {
        text = inUnit(reading.resource, *reading.value);
        double last = *reading.value;
        if (reading.limit && !isShare(reading.resource)) {
            last = *reading.limit;
            text += " of " + inUnit(reading.resource, last);
        } else if (reading.red) {
            last = *reading.red;
            text += ", red above " + boundInUnit(reading.resource, last);
        }
        text += unitOf(reading.resource, last);
    }
    if (reading.unknown == Unknown::Away || reading.unknown == Unknown::NoLimit)
        text.append(", ").append(reasonOf(reading.unknown, reading.resource));
    if (!reading.instance.empty())
        text.append(", at ").append(reading.instance);
    return text;
}

std::string nextText(const Reading &reading, const StatusStyle &options)
{
    if (!reading.toNextZone)
        return {};
    const Zone next = reading.zone == Zone::Green ? Zone::Yellow : Zone::Red;
    return std::string(options.utf8 ? "→ " : "-> ").append(wordOf(next)) + " in " + humanDuration(*reading.toNextZone);
}

std::string readingLine(const Reading &reading, const SamplingFigures &sampling, const StatusStyle &options)
{
    StatusLine line(options);
    line.add(titleOf(reading.resource)).pad(zoneColumn).zone(reading.zone).pad(valueColumn);
    const bool old = stale(reading.age, sampling.staleAfter) || !reading.value;
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

template <class T, class ResourceOf> std::string titles(const std::vector<T> &all, ResourceOf resourceOf)
{
    std::string text;
    for (const T &one : all)
        text.append(text.empty() ? "" : ", ").append(titleOf(std::invoke(resourceOf, one)));
    return text;
}

std::string causeText(const Reading &reading)
{
    return reading.resource == Resource::Workers ? valueText(reading)
                                                 : std::string(titleOf(reading.resource)) + ' ' + valueText(reading);
}

/// What the zone comes from, and how much of all was looked at.
std::string standingText(const Standing &standing)
{
    std::string text;
    const auto add = [&text](const std::string &part) { text.append(text.empty() ? "" : "; ").append(part); };
    for (const LinkStatus &link : standing.down)
        add(downText(link));
    if (standing.zone == Zone::Red || standing.zone == Zone::Yellow)
        for (const Reading &reading : standing.causes)
            add(causeText(reading));
    add(std::to_string(standing.watched) + " of " + std::to_string(standing.total) + " watched");
    if (!standing.unknown.empty())
        add("unknown: " + titles(standing.unknown, &Reading::resource));
    if (!standing.unlimited.empty())
        add("no limit here: " + titles(standing.unlimited, std::identity()));
    return text;
}

/// At blanks, so that none is wider than `width` (at least 40) unless a word is.
std::vector<std::string> wrapped(const std::string &text, std::size_t width)
{
    width = std::max<std::size_t>(width, 40);
    std::vector<std::string> lines;
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string word = text.substr(at, end - at);
        if (!line.empty() && columns(line) + 1 + columns(word) > width)
            lines.push_back(std::exchange(line, {}));
        line.append(line.empty() ? "" : " ").append(word);
        at = end + 1;
    }
    if (!line.empty())
        lines.push_back(line);
    return lines;
}

std::string percentile(const std::optional<double> &value) { return value ? seconds(*value) : "unknown"; }

/// A few requests have percentiles too, that say little: the zone, which needs more, is unknown meanwhile.
std::string requestsText(const TrafficFigures &traffic)
{
    return fixedText(traffic.perSecond, 1) + "/s over 60 s, p50 " + percentile(traffic.p50) + ", p95 " +
           percentile(traffic.p95) + ", p99 " + percentile(traffic.p99) +
           (traffic.p95 ? " of " + humanCount(traffic.requests) : std::string());
}

std::string count(const std::optional<std::uint64_t> &value) { return value ? humanCount(*value) : "unknown"; }

std::string labelled(std::string_view label, std::string_view text, const StatusStyle &options, bool old = false)
{
    return StatusLine(options).add(label).pad(zoneColumn).add(text, old ? dim : std::string_view()).end();
}

std::string linkLine(const LinkStatus &link, const StatusStyle &options)
{
    std::string text = !link.up ? "unknown" : *link.up ? "up" : "DOWN";
    if (link.up && link.since)
        text += " for " + humanDuration(*link.since);
    if (link.latency)
        text += ", answers in " + seconds(*link.latency);
    if (const std::string why = troubleText(link); link.up == false && !why.empty())
        text += ": " + why;
    return labelled(link.name, text, options);
}

/// Of tasks that end, per minute where there are few: 0.0/s would say that none do.
std::string rateText(double perSecond)
{
    return perSecond > 0 && perSecond < 1 ? fixedText(perSecond * 60, 1) + " ended/min"
                                          : fixedText(perSecond, 1) + " ended/s";
}

std::string queueLine(const Snapshot &snapshot, const StatusStyle &options)
{
    const QueueFigures &queue = snapshot.queue;
    const bool partly =
        queue.waiting && std::ranges::find(snapshot.notTold, "lists", &NotTold::part) != snapshot.notTold.end();
    std::string text = (partly ? "at least " : "") + count(queue.waiting) + " waiting, " + count(queue.unacked) +
                       " taken, " + count(queue.running) + " running";
    if (queue.endedPerSecond)
        text += ", " + rateText(*queue.endedPerSecond);
    if (queue.oldestWaiting && waitingForOurs(queue).value_or(0) > 0) // as the traffic light has it
        text += ", oldest waits " + humanDuration(*queue.oldestWaiting);
    const bool old = stale(queue.age, snapshot.sampling.staleAfter);
    if (old)
        text += ", " + humanDuration(*queue.age) + " ago";
    return labelled("tasks", text, options, old);
}

std::string listOf(const std::vector<std::string> &names)
{
    std::string text;
    for (std::size_t i = 0; i < names.size() && i < 3; ++i)
        text += (i ? ", " : "") + names[i];
    return names.size() > 3 ? text + " and " + std::to_string(names.size() - 3) + " more" : text;
}

/// Others at the worker's queues; nothing where there are none.
std::string neighbourLines(const WorkerFigures &workers, const StatusStyle &options)
{
    if (!workers.sharedQueue)
        return {};
    const SharedQueueFigures &shared = *workers.sharedQueue;
    std::string text;
    if (shared.holdingBack) {
        const std::string why = !shared.workers.empty()  ? "others take from its queue: " + listOf(shared.workers)
                                : !shared.tasks.empty()  ? "unknown tasks wait in its queue: " + listOf(shared.tasks)
                                : !shared.silent.empty() ? "another worker is silent: " + listOf(shared.silent)
                                : shared.looked          ? "others used its queue"
                                                         : "it looks who else uses its queue";
        text += labelled("worker", "takes no tasks: " + why, options);
        if (shared.looked)
            text += labelled("", "set tasks.queue to a name of its own, or tasks.share_queue = true", options);
    } else if (!shared.workers.empty()) {
        text += labelled("worker", "shares its queue with " + listOf(shared.workers), options);
    }
    if (shared.discarded.value_or(0) > 0)
        text += labelled("thrown away", count(shared.discarded) + " of our tasks, by other programs' workers", options);
    return text;
}

std::string refusedLine(const WorkerFigures &workers, const StatusStyle &options)
{
    std::string text;
    for (const RefusedFigures &refused : workers.refused)
        text += (text.empty() ? "" : ", ") + humanCount(refused.messages) + " " + refused.reason;
    return text.empty() ? std::string() : labelled("refused messages", text, options);
}

std::string notToldLine(const NotTold &part, const StatusStyle &options)
{
    std::string lines = labelled(part.part == "families"    ? "key families"
                                 : part.part == "queue"     ? "tasks"
                                 : part.part == "live"      ? "live updates"
                                 : part.part == "lists"     ? "other queues"
                                 : part.part == "instances" ? "other instances"
                                                            : part.part,
                                 "this Redis does not tell: " + whyNotTold(part), options);
    if (const std::string acl = aclFor(part); !acl.empty())
        lines += labelled("", "ACL SETUSER <its user> " + acl + " allows it", options);
    return lines;
}

/// Why no worker of this portal takes what waits there.
std::string_view reasonOf(Untaken untaken)
{
    switch (untaken) {
    case Untaken::PriorityStep:
        return "priority_steps";
    case Untaken::Separator:
        return "sep";
    case Untaken::KeyPrefix:
        return "global_keyprefix";
    case Untaken::No:
    case Untaken::Queue:
        break;
    }
    return {};
}

/// What waits where no worker of ours takes it: "emails 12".
std::string untakenLine(const QueueFigures &queue, const StatusStyle &options)
{
    constexpr int most = 4;
    std::string text;
    int shown = 0;
    int more = 0;
    for (const QueueLine &line : queue.queues) {
        if (line.untaken == Untaken::No || line.waiting == 0)
            continue;
        if (shown == most) {
            ++more;
            continue;
        }
        text += (shown++ ? ", " : "") + line.queue + " " + humanCount(line.waiting);
        if (const auto reason = reasonOf(line.untaken); !reason.empty())
            text.append(" (").append(reason).append(")");
    }
    if (more > 0)
        text += " and " + std::to_string(more) + " more";
    return text.empty() ? std::string() : labelled("taken by none here", text, options);
}

std::string stateOf(const InstanceFigures &instance)
{
    const auto lasting = [&](std::string word) {
        return instance.since ? word + " for " + humanDuration(*instance.since) : word;
    };
    switch (instance.why) {
    case Absence::No:
        return "up";
    case Absence::Hangs:
        return lasting("HANGS");
    case Absence::Gone:
        return lasting("GONE");
    case Absence::Stopped:
        return lasting("stopped");
    }
    return {};
}

/// Each process of a deployment of several, with its part of the answers.
std::string instanceLines(const std::vector<InstanceFigures> &instances, const StatusStyle &options)
{
    if (instances.size() < 2)
        return {};
    std::string lines;
    for (const InstanceFigures &instance : instances) {
        std::string text = instance.name + ": " + stateOf(instance);
        if (instance.share && instance.share->fraction)
            text += ", " + fixedText(*instance.share->fraction * 100, 0) + " % of the answers";
        if (instance.otherVersion)
            text += ", runs version " + instance.version;
        if (instance.twice)
            text += ", and another goes by this name: set instance.name";
        if (instance.own)
            text += " (this one)";
        lines += labelled(lines.empty() ? "instances" : "", text, options, !instance.up);
    }
    return lines;
}

std::string_view reasonOf(SamplingPace pace)
{
    switch (pace) {
    case SamplingPace::Free:
        return "no plan bounds it";
    case SamplingPace::Idle:
        return "no console or stream is open"; // one look, as this, does not hurry it
    case SamplingPace::Watched:
        return "somebody watches";
    case SamplingPace::Near:
        return "near a threshold";
    case SamplingPace::Saving:
        return "its share of the plan is used up";
    }
    return {};
}

/// How often a Redis whose plan bounds that is asked, and why.
std::string samplingLine(const SamplingFigures &sampling, const StatusStyle &options)
{
    if (sampling.pace == SamplingPace::Free)
        return {};
    std::string text = "every " + humanDuration(sampling.interval) + ": ";
    return labelled("Redis is asked", text.append(reasonOf(sampling.pace)), options);
}

std::string familyLine(const FamiliesFigures &families, const SamplingFigures &sampling, const StatusStyle &options)
{
    const auto known = [](const FamilyFigures &family) { return family.bytes.has_value(); };
    if (families.age && std::ranges::none_of(families.families, known))
        return labelled("key families", "too few keys looked at so far", options);
    std::string text;
    int shown = 0;
    for (const FamilyFigures &family : families.families) {
        if (!family.bytes || family.bytes->value < 1 || shown == 4)
            continue;
        const double half = (family.bytes->high - family.bytes->low) / 2;
        text += (shown++ ? ", " : "") + family.family + " " + humanSize(std::uint64_t(family.bytes->value)) +
                (options.utf8 ? " ±" : " +-") + humanSize(std::uint64_t(std::max(half, 0.0)));
    }
    return text.empty() ? std::string()
                        : labelled("key families", text, options, stale(families.age, sampling.detailsStaleAfter));
}

} // namespace

std::string statusText(const Snapshot &snapshot, const StatusStyle &options)
{
    std::string text;
    StatusLine head(options);
    head.zone(snapshot.verdict).add("  ").add("portal", bold);
    head.add(" (tier " + snapshot.tier + ")  " + formatTime(snapshot.time).substr(0, 19) + "Z");
    head.add("  up " + humanDuration(snapshot.uptime), dim);
    text += head.end();
    for (const std::string &line : wrapped(standingText(standingOf(snapshot)), options.width))
        text += StatusLine(options).add(line).end();
    text += "\n";
    for (const Reading &reading : snapshot.readings)
        text += readingLine(reading, snapshot.sampling, options);
    text += "\n";
    for (const LinkStatus &link : snapshot.links)
        text += linkLine(link, options);
    text += instanceLines(snapshot.instances, options);
    text += queueLine(snapshot, options);
    text += neighbourLines(snapshot.workers, options);
    text += refusedLine(snapshot.workers, options);
    text += untakenLine(snapshot.queue, options);
    text += labelled("requests", snapshot.http.unknown == Unknown::No ? requestsText(snapshot.http.traffic) : "unknown",
                     options);
    for (const NotTold &part : snapshot.notTold)
        text += notToldLine(part, options);
    text += familyLine(snapshot.families, snapshot.sampling, options);
    text += samplingLine(snapshot.sampling, options);
    return text;
}

} // namespace portolan::commands
