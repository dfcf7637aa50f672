// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/banner_lines.h"

#include "core/api/verdict.h"
#include "ui/pages/page_table.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/words/instance_words.h"
#include "ui/words/why_words.h"

#include <QCoreApplication>
#include <algorithm>
#include <iterator>
#include <span>

namespace portolan::ui {

namespace {

constexpr std::size_t mostLines = 4;
constexpr auto overviewId = "overview";

QString tr(const char *source) { return QCoreApplication::translate("banner", source); }

/// The page for what works no longer while a link is down.
QString pageOf(const LinkStatus &link)
{
    if (link.name == "redis" || link.name == "sessions")
        return QStringLiteral("redis");
    return link.name == "queue" ? QStringLiteral("queue") : QStringLiteral("performance");
}

/// To the minute, where it is one.
QString sinceText(const std::optional<std::chrono::seconds> &time, WallTime now)
{
    if (!time)
        return {};
    const QString moment = soonText(now - *time, now);
    const bool today = moment == clockText(now - *time);
    return tr("for %1, since %2")
        .arg(durationText(time), today && *time >= std::chrono::minutes(1) ? moment.left(5) : moment);
}

BannerLine lineOf(const LinkStatus &link, WallTime now)
{
    return {Zone::Red, downText(link), sinceText(link.since, now), pageOf(link)};
}

BannerLine lineOf(const Reading &reading, WallTime now)
{
    const bool sentence = reading.resource == Resource::Workers && reading.value;
    QString words = sentence ? valueText(reading) : resourceTitle(reading.resource) + ' ' + valueText(reading);
    if (const QString next = nextZoneText(reading); !next.isEmpty())
        words += ", " + next;
    return {reading.zone, words, sinceText(reading.inZone, now), pageExplaining(reading.resource)};
}

/// Who is away beside all the rest; that is no zone of any resource while the others carry on.
std::vector<BannerLine> absencesOf(const Snapshot &snapshot, WallTime now)
{
    std::vector<BannerLine> lines;
    const std::vector<InstanceFigures> absent = absentOf(snapshot);
    if (absent.empty())
        return lines;
    QString words = absentText(absent.front(), snapshot);
    if (absent.size() > 1)
        words = tr("%1 (and %2 more)").arg(words).arg(absent.size() - 1);
    lines.push_back({Zone::Yellow, words, sinceText(absent.front().since, now), QStringLiteral("performance")});
    return lines;
}

/// Whether what is down before it is down for the same reason: one cause, of which the verdict names all that it takes.
bool isSameCause(std::span<const LinkStatus> before, const LinkStatus &link)
{
    return !link.reason.empty() && std::ranges::find(before, link.reason, &LinkStatus::reason) != before.end();
}

/// Worst first.
std::vector<BannerLine> causesOf(const Snapshot &snapshot, WallTime now)
{
    const Standing standing = standingOf(snapshot);
    std::vector<BannerLine> lines;
    for (std::size_t i = 0; i < standing.down.size(); ++i)
        if (!isSameCause(std::span(standing.down).first(i), standing.down[i]))
            lines.push_back(lineOf(standing.down[i], now));
    for (const Reading &reading : standing.causes)
        lines.push_back(lineOf(reading, now));
    for (const Reading &reading : snapshot.readings)
        if (standing.zone == Zone::Red && reading.zone == Zone::Yellow)
            lines.push_back(lineOf(reading, now));
    return lines;
}

/// Buttons say where they lead; none leads to where one is.
void namePages(std::vector<BannerLine> &lines, const QString &here)
{
    for (BannerLine &line : lines) {
        const auto entry = std::ranges::find(pageTable(), line.page, &PageEntry::id);
        if (line.page == here || entry == pageTable().end())
            line.page.clear();
        else
            line.pageTitle = pageTitle(*entry);
    }
}

} // namespace

std::vector<BannerLine> bannerLines(const Snapshot &snapshot, WallTime now, const QString &page)
{
    BannerLine verdict{snapshot.verdict, verdictText(snapshot)};
    std::vector<BannerLine> lines =
        snapshot.verdict == Zone::Green ? std::vector<BannerLine>() : causesOf(snapshot, now);
    if (lines.empty())
        lines.push_back(verdict);
    lines.front().words = verdict.words;
    lines.front().zone = verdict.zone;
    std::vector<BannerLine> away = absencesOf(snapshot, now);
    const std::size_t absences = away.size();
    std::ranges::move(away, std::inserter(lines, lines.begin() + 1));
    const std::size_t all = lines.size();
    // Elsewhere the verdict, and who is away, which is no zone; where it is red the overview has all of it.
    if (page != QLatin1String(overviewId))
        lines.resize(snapshot.verdict == Zone::Red ? 1 : 1 + absences);
    else if (all > mostLines) {
        lines.resize(mostLines);
        lines.back() = {lines.back().zone, tr("%1 more, on the tiles below").arg(all - mostLines + 1)};
    }
    namePages(lines, page);
    return lines;
}

std::vector<BannerLine> bannerLines(const Deployment &deployment, const QString &problem, WallTime now,
                                    const QString &page, bool ownStack)
{
    const auto snapshot = deployment.latest();
    const LinkState link = deployment.link();
    if (link == LinkState::Live && snapshot)
        return bannerLines(*snapshot, now, page);
    const bool wrong = link == LinkState::Lost || !problem.isEmpty();
    const QString why = problem.isEmpty() ? linkText(deployment.linkReason()) : tr("the portal is not running");
    std::vector<BannerLine> lines{{wrong ? Zone::Red : Zone::Unknown, wrong ? tr("Red: %1").arg(why) : why}};
    if (ownStack && (!problem.isEmpty() || link == LinkState::Off))
        lines.front().page = QStringLiteral("local"); // where it is started
    namePages(lines, page);
    return lines;
}

} // namespace portolan::ui
