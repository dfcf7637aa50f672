// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/queue_directory.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

namespace {

redis::Reply text(std::string value)
{
    redis::Reply reply;
    reply.type = redis::Reply::Type::String;
    reply.text = std::move(value);
    return reply;
}

redis::Reply step(const std::vector<std::string> &found)
{
    redis::Reply keys;
    keys.type = redis::Reply::Type::Array;
    for (const std::string &key : found)
        keys.elements.push_back(text(key));
    redis::Reply reply;
    reply.type = redis::Reply::Type::Array;
    reply.elements = {text("0"), std::move(keys)};
    return reply;
}

/// As `broker_transport_options={"global_keyprefix": "shop:", "sep": ":", "priority_steps": [0, 5]}` makes kombu.
KeyLayout shop()
{
    KeyLayout layout;
    layout.prefix = "shop:";
    layout.separator = ":";
    layout.steps = {0, 5};
    return layout;
}

struct Directory
{
    explicit Directory(KeyLayout layout) : queues(clock, std::move(layout)) {}

    void pass(const std::vector<std::string> &lists, const std::vector<std::string> &bindings,
              const std::vector<std::string> &members)
    {
        clock.advance(1s);
        (void)queues.look(1000, 1s);
        queues.seen(std::vector<redis::Reply>{step(lists), step(bindings)});
        const std::size_t others = queues.look(1000, 1h).others.count();
        queues.seen(std::vector<redis::Reply>(others, step(members)));
    }
    Untaken whyOf(const std::string &key) const
    {
        const auto all = queues.lists();
        const auto found = std::ranges::find(all, key, &WaitingList::key);
        if (found == all.end())
            throw std::runtime_error("no such list: " + key);
        return found->untaken;
    }

    ManualClock clock;
    QueueDirectory queues;
};

} // namespace

class QueueLayoutTest final : public QObject
{
    Q_OBJECT

private slots:
    void ourOwnIsTheDefault()
    {
        QCOMPARE(KeyLayout{}.list("celery", 0), std::string("celery"));
        QCOMPARE(KeyLayout{}.list("celery", 6), std::string("celery\x06\x16"
                                                            "6"));
        QCOMPARE(KeyLayout{}.unackedKey(), std::string("unacked"));
        QCOMPARE(shop().list("mail", 5), std::string("shop:mail:5"));
        QCOMPARE(shop().unackedIndexKey(), std::string("shop:unacked_index"));
    }

    void listsOfAnotherLayoutAreTheirQueue()
    {
        Directory directory(shop());
        directory.pass({"shop:celery:5"}, {"shop:_kombu.binding.celery"}, {"celery::celery"});
        QCOMPARE(directory.queues.bound(), std::vector<std::string>{"celery"});
        directory.queues.setTaken(directory.queues.bound());
        QCOMPARE(directory.whyOf("shop:celery"), Untaken::No);
        QCOMPARE(directory.whyOf("shop:celery:5"), Untaken::No);
        for (const WaitingList &list : directory.queues.lists())
            QCOMPARE(list.queue, std::string("celery"));
    }

    void whatIsBoundAndNotTakenIsAnotherQueue()
    {
        Directory directory(shop());
        directory.queues.setTaken({"celery"});
        directory.pass({"shop:mail:5"}, {"shop:_kombu.binding.mail"}, {"mail::mail"});
        QCOMPARE(directory.whyOf("shop:mail"), Untaken::Queue);
        const auto all = directory.queues.lists();
        const auto mail = std::ranges::find(all, "shop:mail:5", &WaitingList::key);
        QVERIFY(mail != all.end());
        QCOMPARE(mail->queue, std::string("mail"));
    }

    void otherPrefixesAreTold()
    {
        Directory directory(shop());
        directory.queues.setTaken({"celery"});
        directory.pass({}, {"blog:_kombu.binding.celery"}, {"celery::celery"});
        QVERIFY(directory.queues.bound().empty());
        QCOMPARE(directory.whyOf("blog:celery"), Untaken::KeyPrefix);
    }

    void stepsThatAreNotTakenAreTold()
    {
        Directory directory(shop());
        directory.queues.setTaken({"celery"});
        directory.pass({"shop:celery:7"}, {}, {});
        QCOMPARE(directory.whyOf("shop:celery:7"), Untaken::PriorityStep);
    }
};

QTEST_APPLESS_MAIN(QueueLayoutTest)
#include "queue_layout_test.moc"
