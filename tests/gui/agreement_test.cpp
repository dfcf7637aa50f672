// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/verdict.h"
#include "core/api/words.h"
#include "core/base/names.h"
#include "core/base/tier_file.h"
#include "core/commands/status_text.h"
#include "core/demo/demo_deployment.h"
#include "core/monitor/health.h"
#include "core/monitor/snapshot_metrics.h"
#include "core/telemetry/registry.h"
#include "tests/fakes/manual_clock.h"
#include "ui/pages/queue_page.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"

#include <QTest>

using namespace portolan;
using namespace std::chrono_literals;

/// Whoever looks at a portal sees the same, wherever: /health, /metrics, the terminal and the console, over every
/// scripted situation, and with each resource in each zone.
class AgreementTest final : public QObject
{
    Q_OBJECT
private slots:
    void everyPlaceSaysTheSame_data();
    void everyPlaceSaysTheSame();
    void theScriptsTierIsTheRealOne();
};

namespace {

Snapshot situation(std::string_view name)
{
    ManualClock clock;
    demo::DemoDeployment demo({.situation = std::string(name)}, clock);
    demo.tick();
    return *demo.latest();
}

std::string metricsOf(const Snapshot &snapshot)
{
    telemetry::Registry registry;
    const auto shared = std::make_shared<const Snapshot>(snapshot);
    monitor::addSnapshotMetrics(registry, [shared] { return shared; });
    return registry.text();
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

std::string lineOf(const std::string &text, std::string_view begin)
{
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        if (text.compare(at, begin.size(), begin) == 0)
            return text.substr(at, end - at);
        at = end + 1;
    }
    return {};
}

} // namespace

Q_DECLARE_METATYPE(portolan::Snapshot)

void AgreementTest::everyPlaceSaysTheSame_data()
{
    QTest::addColumn<Snapshot>("snapshot");
    for (const auto &one : demo::situations())
        QTest::newRow(one.name.data()) << situation(one.name);
    for (const auto &[resource, name] : enumNames<Resource>) {
        for (const Zone zone : {Zone::Green, Zone::Yellow, Zone::Red, Zone::Unknown}) {
            Snapshot snapshot = situation("all-green");
            for (Reading &reading : snapshot.readings) {
                if (reading.resource != resource)
                    continue;
                reading.zone = zone;
                if (zone == Zone::Unknown)
                    reading.unknown = Unknown::TooFew;
            }
            snapshot.verdict = verdict(snapshot.readings, snapshot.links);
            QTest::addRow("%s %s", name.data(), wordOf(zone).data()) << snapshot;
        }
    }
    for (const char *link : {"redis", "database"}) {
        Snapshot snapshot = situation("all-green");
        for (LinkStatus &status : snapshot.links)
            if (status.name == link)
                status = {link, false, 9s, {}, "redis-away"};
        markDown(snapshot.readings, snapshot.links);
        snapshot.verdict = verdict(snapshot.readings, snapshot.links);
        QTest::addRow("%s down", link) << snapshot;
    }
    Snapshot foreign = situation("all-green");
    foreign.queue.queues = {{"celery", 0}, {"emails", 30, Untaken::Queue}};
    foreign.queue.waiting = 30;
    foreign.queue.oldestWaiting = 0s;
    std::ranges::find(foreign.readings, Resource::OldestTask, &Reading::resource)->value = 0;
    QTest::newRow("others' tasks alone wait") << foreign;
    Snapshot fresh = situation("all-green");
    fresh.queue = {};
    std::ranges::find(fresh.readings, Resource::OldestTask, &Reading::resource)->value.reset();
    QTest::newRow("nothing is known of the queue") << fresh;
}

void AgreementTest::everyPlaceSaysTheSame()
{
    QFETCH(Snapshot, snapshot);
    const std::string terminal = commands::statusText(snapshot, {200, false, true});
    const std::string metrics = metricsOf(snapshot);
    const QString headline = ui::verdictText(snapshot);
    const std::string word(wordOf(snapshot.verdict));
    QVERIFY2(has(lineOf(terminal, ""), word), terminal.c_str());
    QVERIFY2(headline.startsWith(QString::fromStdString(word), Qt::CaseInsensitive), qPrintable(headline));
    const std::string lines = terminal.substr(terminal.find("\n\n")); // after what is said of them together
    Zone worst = Zone::Unknown;
    for (const Reading &reading : snapshot.readings) {
        const std::string line = lineOf(lines, titleOf(reading.resource));
        QVERIFY2(has(line, std::string(wordOf(reading.zone))), line.c_str());
        const std::string sample = "portal_zone{resource=\"" + std::string(enumKey(reading.resource)) + "\"} ";
        const std::string metric = lineOf(metrics, sample);
        if (reading.zone == Zone::Unknown)
            QVERIFY2(metric.empty(), metric.c_str());
        else
            QCOMPARE(metric, sample + std::to_string(int(reading.zone) - int(Zone::Green)));
        worst = std::max(worst, reading.zone);
    }
    if (snapshot.verdict == Zone::Red || snapshot.verdict == Zone::Yellow)
        QCOMPARE(worst, snapshot.verdict);

    ManualClock clock;
    monitor::Health health("1", clock);
    health.update(snapshot);
    const auto answer = *health.health().body;
    const bool known = snapshot.links.front().up.has_value();
    QCOMPARE(has(answer, "\"healthy\""), known && snapshot.verdict != Zone::Red);
    const auto workers = std::ranges::find(snapshot.readings, Resource::Workers, &Reading::resource);
    const bool stalled = workers->zone == Zone::Red && workers->unknown == Unknown::No;
    QCOMPARE(has(answer, "\"queue\":\"stalled\""), stalled);

    // Of what waits for our workers: neither a task that runs nor one of others is the oldest of the backlog.
    const auto oldest = std::ranges::find(snapshot.readings, Resource::OldestTask, &Reading::resource);
    const bool waits = std::ranges::any_of(
        snapshot.queue.queues, [](const QueueLine &line) { return line.untaken == Untaken::No && line.waiting > 0; });
    const QString none = snapshot.queue.waiting.value_or(0) > 0 ? "none of ours" : "none";
    if (oldest->value)
        QCOMPARE(ui::oldestText(snapshot.queue), waits ? ui::inUnit(oldest->resource, *oldest->value) : none);
    else
        QCOMPARE(ui::oldestText(snapshot.queue), ui::unknownText());
    QCOMPARE(has(terminal, ", oldest waits "), waits);

    // What is not looked at is counted and named, never covered by "all is well".
    const Standing standing = standingOf(snapshot);
    const QString watched = QString("%1 of %2 watched").arg(standing.watched).arg(snapshot.readings.size());
    QVERIFY2(has(terminal, watched.toStdString()), terminal.c_str());
    if (snapshot.verdict == Zone::Green) {
        QVERIFY2(headline.contains(watched), qPrintable(headline));
        for (const Reading &reading : standing.unknown)
            QVERIFY2(headline.contains(ui::resourceTitle(reading.resource)), qPrintable(headline));
    }
}

void AgreementTest::theScriptsTierIsTheRealOne()
{
    const auto small = loadTier("small");
    QVERIFY(small.has_value());
    for (const auto &[resource, name] : enumNames<Resource>) {
        const auto light = std::ranges::find(demo::lights(), resource, &demo::Light::resource);
        QVERIFY2(light != demo::lights().end(), name.data());
        const auto zone = small->zones.find(resource);
        QVERIFY2(zone != small->zones.end(), name.data());
        QVERIFY2(std::abs(light->yellow - zone->second.yellow) < 1e-6 * light->yellow, name.data());
        QVERIFY2(std::abs(light->red - zone->second.red) < 1e-6 * light->red, name.data());
    }
}

QTEST_MAIN(AgreementTest)
#include "agreement_test.moc"
