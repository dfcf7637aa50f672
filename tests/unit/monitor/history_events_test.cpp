// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"
#include "core/monitor/history_events.h"
#include "core/storage/database.h"
#include "core/storage/event_row.h"
#include "core/storage/query.h"
#include "tests/unit/monitor/history_fixture.h"

#include <QTest>

using namespace portolan;
using namespace portolan::monitor;

Q_DECLARE_METATYPE(portolan::Event)

namespace {

using Events = std::vector<Event>;

/// Rows as any version may have written them.
Result<std::uint64_t> writeRow(Kept &kept, WallTime time, EventKind kind, const std::string &text)
{
    storage::DatabaseUrl url;
    url.path = kept.file().toStdString();
    storage::Database database(url, {});
    const auto write = [&](storage::DatabaseConnection &connection) {
        return storage::execute(connection, "INSERT INTO events (time, kind, text) VALUES (?, ?, ?)",
                                storage::valuesOf(time, kind, text));
    };
    return runSync<Result<std::uint64_t>>(kept.runtime.at(0),
                                          [&]() -> awaitable<Result<std::uint64_t>> { return database.run(write); });
}

Event changed(std::size_t detail, std::size_t facts, std::size_t name)
{
    Event event{.kind = EventKind::Action, .name = "user.change", .detail = std::string(detail, '"')};
    event.facts.assign(facts, {.kind = FactKind::SessionsEnded, .name = std::string(name, 'x'), .count = 1});
    return event;
}

} // namespace

/// What happened, from where it is found to where it is kept.
class HistoryEventsTest final : public QObject
{
    Q_OBJECT

private slots:
    void tellsWhatHappened()
    {
        HistoryEvents finder;
        auto snapshot = snapshotOf({}, 1);
        snapshot.readings.resize(1);
        snapshot.readings[0].zone = Zone::Green;
        snapshot.links = {{.name = "redis", .up = true, .since = {}, .latency = {}}};
        snapshot.redis.uptime = 100s;
        const Event started{.kind = EventKind::Restart, .name = "portal", .up = true};
        QCOMPARE(finder.update(snapshot), Events{started});
        QCOMPARE(finder.update(snapshot), Events{});
        snapshot.readings[0].zone = Zone::Unknown;
        QCOMPARE(finder.update(snapshot), Events{});
        snapshot.readings[0].zone = Zone::Yellow;
        const Event turned{.kind = EventKind::Zone, .resource = Resource::RedisMemory, .zone = Zone::Yellow};
        QCOMPARE(finder.update(snapshot), Events{turned});
        snapshot.links[0].up = false;
        snapshot.links[0].about = "localhost:6379";
        snapshot.links[0].told = "Connection refused";
        snapshot.links[0].reason = "redis-away";
        const Event away{.kind = EventKind::Link, .name = "redis", .up = false, .reason = "redis-away"};
        QCOMPARE(finder.update(snapshot), Events{away});
        snapshot.links[0].up = true;
        snapshot.redis.uptime = 1s;
        const Event restarted{.kind = EventKind::Restart, .name = "redis", .up = true};
        const Event back{.kind = EventKind::Link, .name = "redis", .up = true};
        QCOMPARE(finder.update(snapshot), (Events{restarted, back}));
    }

    void keepsTheLatest()
    {
        Kept kept;
        kept.record(1s, {1});
        for (int i = 0; i < 600; ++i) {
            kept.history->note(
                {.time = kept.clock.wall(), .kind = EventKind::Action, .subject = "user:" + std::to_string(i)});
            kept.clock.advance(1s);
        }
        const auto before = kept.events();
        QCOMPARE(before.size(), std::size_t{500});
        QCOMPARE(before.back().subject, std::string("user:599"));
        kept.reopen();
        QCOMPARE(kept.events(), before);
    }

    void keepsAllOfThem_data()
    {
        QTest::addColumn<Event>("event");
        QTest::newRow("zone") << Event{.resource = Resource::Disk, .zone = Zone::Red};
        QTest::newRow("link") << Event{.kind = EventKind::Link, .name = "queue", .up = false, .reason = "redis-full"};
        QTest::newRow("restart") << Event{.kind = EventKind::Restart, .name = "portal", .up = false};
        QTest::newRow("action by HTTP") << Event{.kind = EventKind::Action,
                                                 .name = "user.disable",
                                                 .reason = "conflict",
                                                 .actor = "ada@example.org",
                                                 .subject = "user:7",
                                                 .detail = "disabled: no → yes"};
        const Fact fact{.kind = FactKind::ContentsDeleted,
                        .name = "\"\\ü",
                        .count = std::uint64_t(-1),
                        .before = 0,
                        .bytes = 1,
                        .time = 90s,
                        .role = Role::Admin,
                        .amounts = {{Counted::Users, 40}, {Counted::AuditEntries, 2}},
                        .atLeast = true};
        QTest::newRow("action at the console") << Event{
            .kind = EventKind::Action, .name = "stack.reset", .facts = {fact, {.kind = FactKind::StartedEmpty}}};
    }
    void keepsAllOfThem()
    {
        QFETCH(Event, event);
        Kept kept;
        event.time = kept.clock.wall() + 1'234'567ns;
        kept.history->note(event);
        event.time = kept.clock.wall() + 1ms;
        QCOMPARE(kept.events(), Events{event}); // the same from memory
        kept.reopen();
        QCOMPARE(kept.events(), Events{event}); // and from the file
    }

    /// A row is bounded, and never half a value.
    void leavesOutWhatIsTooLong_data()
    {
        QTest::addColumn<Event>("event");
        QTest::addColumn<bool>("detail");
        QTest::addColumn<bool>("names");
        QTest::addColumn<bool>("facts");
        QTest::newRow("all fits") << changed(600, 3, 60) << true << true << true;
        QTest::newRow("too long with its detail") << changed(1000, 6, 60) << false << true << true;
        QTest::newRow("too long with names of facts") << changed(10, 12, 200) << false << false << true;
        QTest::newRow("too many facts") << changed(10, 100, 1) << false << false << false;
        QTest::newRow("a long detail alone is cut") << changed(100'000, 0, 0) << true << false << false;
    }
    void leavesOutWhatIsTooLong()
    {
        QFETCH(Event, event);
        QFETCH(bool, detail);
        QFETCH(bool, names);
        QFETCH(bool, facts);
        const Event fit = storage::fitEvent(event);
        const std::string row = writeJson(fit);
        QVERIFY2(row.size() <= 3000, std::to_string(row.size()).c_str());
        QCOMPARE(!fit.detail.empty(), detail);
        QCOMPARE(!fit.facts.empty(), facts);
        QCOMPARE(facts && !fit.facts.front().name.empty(), names);
        QVERIFY(storage::fitEvent(fit) == fit);
        QVERIFY(storage::readEvent(fit.time, fit.kind, row) == fit);
    }

    void theLongestFits()
    {
        const std::string all(100'000, '\\');
        const Event fit = storage::fitEvent({.name = all,
                                             .reason = all,
                                             .actor = all,
                                             .subject = all,
                                             .detail = all,
                                             .facts = std::vector<Fact>(100, {.name = all}),
                                             .told = all});
        QVERIFY(writeJson(fit).size() <= 3000);
        QVERIFY(!fit.actor.empty() && !fit.told.empty());
    }

    void readsWhatOthersWrote_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<Event>("expected");
        QTest::newRow("a sentence") << "Redis memory turned yellow" << Event{.told = "Redis memory turned yellow"};
        QTest::newRow("words that begin like JSON") << "{ada: user.disable" << Event{.told = "{ada: user.disable"};
        QTest::newRow("a number") << "17" << Event{.told = "17"};
        QTest::newRow("what a later version adds")
            << R"({"name": "user.disable", "weight": 3, "up": null, "time": "2020-01-01T00:00:00Z"})"
            << Event{.name = "user.disable"};
        QTest::newRow("a fact of a later version")
            << R"({"name": "user.disable", "facts": [{"kind": "unheard-of"}]})" << Event{.name = "user.disable"};
    }
    void readsWhatOthersWrote()
    {
        QFETCH(QString, text);
        QFETCH(Event, expected);
        Kept kept;
        kept.record(1s, {1});
        kept.history.reset(); // the file is there, with the start in it
        expected.time = kept.clock.wall();
        expected.kind = EventKind::Action;
        const auto written = writeRow(kept, expected.time, expected.kind, text.toStdString());
        QVERIFY2(written.has_value(), written ? "" : written.error().message.c_str());
        kept.reopen();
        QCOMPARE(kept.events().size(), std::size_t{2});
        QCOMPARE(kept.events().back(), expected);
        QCOMPARE(kept.setAside().size(), 0);
    }
};

QTEST_GUILESS_MAIN(HistoryEventsTest)
#include "history_events_test.moc"
