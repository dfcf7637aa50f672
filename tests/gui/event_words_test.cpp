// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/words/event_words.h"

#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>

#include <QTest>
#include <algorithm>
#include <vector>

using namespace portolan;
using namespace portolan::ui;

Q_DECLARE_METATYPE(portolan::Event)

namespace {

struct Said
{
    Event event;
    const char *sentence;
};

Event link(std::string name, bool up, std::string reason = {})
{
    return {.kind = EventKind::Link, .name = std::move(name), .up = up, .reason = std::move(reason)};
}

Event restart(std::string name, std::optional<bool> up)
{
    return {.kind = EventKind::Restart, .name = std::move(name), .up = up};
}

std::vector<Said> turnedAndRestarted()
{
    return {
        {{.resource = Resource::RedisMemory, .zone = Zone::Yellow}, "Redis memory turned yellow"},
        {{.resource = Resource::ResponseTime, .zone = Zone::Green}, "Response time p95 turned green"},
        {link("redis", false, "redis-away"), "Redis is away: not reachable"},
        {link("redis", false, "redis-timeout"), "Redis is away: no answer in time"},
        {link("redis", false, "a-code-nobody-knows"), "Redis is away"},
        {link("redis", false), "Redis is away"},
        {link("redis", true), "Redis is back"},
        {link("queue", false, "redis-evicts"), "The queue does not work: this Redis evicts any key when it is full"},
        {link("queue", true), "The queue works again"},
        {link("sessions", false), "The keeping of sessions does not work"},
        {link("sessions", true), "The keeping of sessions works again"},
        {link("database", false, "disk-full"), "The database is away: the disk is full"},
        {link("database", true), "The database is back"},
        {link("data_dir", false, "data-dir-hangs"), "The data directory is away: its file system does not answer"},
        {link("replica 2", true), "replica 2 is back"},
        {restart("portal", true), "The portal started"},
        {restart("portal", false), "The portal stopped"},
        {restart("redis", true), "Redis restarted"},
        {restart("redis", false), "Redis stopped"},
        {restart("portal", {}), "The portal restarted"},
    };
}

Event instance(std::string reason)
{
    return {.kind = EventKind::Instance, .name = "web%1-2", .reason = std::move(reason), .detail = "1.1.0"};
}

std::vector<Said> instances()
{
    return {
        {instance(instance_event::started), "Started: instance web%1-2"},
        {instance(instance_event::restarted), "Restarted: instance web%1-2"},
        {instance(instance_event::hangs), "Hangs, and no longer says what it does: instance web%1-2"},
        {instance(instance_event::back), "Back: instance web%1-2"},
        {instance(instance_event::gone), "Gone without having said that it stops: instance web%1-2"},
        {instance(instance_event::stopped), "Stopped: instance web%1-2"},
        {instance(instance_event::twice), "Two instances go by the name web%1-2"},
        {instance(instance_event::version), "Another version, 1.1.0: instance web%1-2"},
        {instance("a-later-one"), "Changed: instance web%1-2"},
    };
}

std::vector<Said> done()
{
    return {
        {{.kind = EventKind::Action,
          .name = "redis.client.close",
          .facts = {{.kind = FactKind::ConnectionsClosed, .count = 3}}},
         "This console: Closed 3 connections."},
        {{.kind = EventKind::Action, .name = "stack.start", .reason = "redis-start"},
         "This console: The portal could not be started: redis-server did not start"},
        {{.kind = EventKind::Action, .name = "stack.restart", .reason = "of-a-later-version", .detail = "listen: x"},
         "This console: The portal could not be restarted: of-a-later-version"},
        {{.kind = EventKind::Action, .name = "stack.start", .facts = {}}, "This console: stack.start"},
        {{.kind = EventKind::Action,
          .name = "user.disable",
          .actor = "ada@example.org",
          .subject = "user:7",
          .detail = "disabled: no → yes"},
         "ada@example.org: user.disable of user:7 (disabled: no → yes)"},
        {{.kind = EventKind::Action,
          .name = "user.disable",
          .reason = "conflict",
          .actor = "ada@example.org",
          .subject = "user:7",
          .detail = "disabled: no → yes"},
         "ada@example.org: user.disable of user:7 (disabled: no → yes), which failed: it does not fit what is there"},
        {{.kind = EventKind::Action,
          .name = "redis.cleanup",
          .actor = "ada@example.org",
          .facts = {{.kind = FactKind::KeysDeleted, .name = "results", .count = 412}}},
         "ada@example.org: Deleted 412 result keys."},
        // What somebody named is no pattern, and shows what it is made of.
        {{.kind = EventKind::Action, .name = "task.revoke", .actor = "%1%2", .subject = "a\u202eb"},
         "%1%2: task.revoke of a\\u202eb"},
        {{.told = "Redis memory turned red"}, "Redis memory turned red"},
        {{.kind = EventKind::Action, .told = "This console: Closed 1 connection."},
         "This console: Closed 1 connection."},
    };
}

std::vector<Said> all()
{
    std::vector<Said> cases = turnedAndRestarted();
    for (Said &said : instances())
        cases.push_back(std::move(said));
    for (Said &said : done())
        cases.push_back(std::move(said));
    return cases;
}

} // namespace

class EventWordsTest final : public QObject
{
    Q_OBJECT

private slots:
    void saysWhatHappened_data()
    {
        QTest::addColumn<Event>("event");
        QTest::addColumn<QString>("sentence");
        for (const Said &said : all())
            QTest::newRow(said.sentence) << said.event << QString::fromUtf8(said.sentence);
    }
    void saysWhatHappened()
    {
        QFETCH(Event, event);
        QFETCH(QString, sentence);
        QCOMPARE(eventText(event), sentence);
    }

    void everyKindIsAmongThem()
    {
        const std::vector<Said> cases = all();
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<EventKind>>([&cases](const auto &kind) {
            QVERIFY2(std::ranges::any_of(cases,
                                         [&kind](const Said &said) {
                                             return said.event.kind == kind.value && said.event.told.empty();
                                         }),
                     kind.name);
        });
    }

    void everyResourceAndZoneIsSaid()
    {
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<Resource>>([](const auto &resource) {
            for (const Zone zone : {Zone::Green, Zone::Yellow, Zone::Red}) {
                const QString sentence = eventText({.resource = resource.value, .zone = zone});
                QVERIFY2(!sentence.startsWith(' ') && sentence.contains(" turned "), resource.name);
            }
        });
    }
};

QTEST_GUILESS_MAIN(EventWordsTest)
#include "event_words_test.moc"
