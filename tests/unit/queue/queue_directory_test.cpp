// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/queue_directory.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

namespace {

const std::string usual("\x06\x16", 2);

redis::Reply text(std::string value)
{
    redis::Reply reply;
    reply.type = redis::Reply::Type::String;
    reply.text = std::move(value);
    return reply;
}

/// What SCAN and SSCAN answer.
redis::Reply step(std::string cursor, const std::vector<std::string> &found)
{
    redis::Reply keys;
    keys.type = redis::Reply::Type::Array;
    for (const std::string &key : found)
        keys.elements.push_back(text(key));
    redis::Reply reply;
    reply.type = redis::Reply::Type::Array;
    reply.elements = {text(std::move(cursor)), std::move(keys)};
    return reply;
}

struct Directory
{
    Directory() { queues.setTaken({"celery"}); }

    /// One step that ends both passes.
    void pass(const std::vector<std::string> &lists, const std::vector<std::string> &bindings)
    {
        clock.advance(1s);
        const std::size_t others = queues.look(1000, 1s).others.count();
        std::vector<redis::Reply> replies{step("0", lists), step("0", bindings)};
        while (replies.size() < 1 + others)
            replies.push_back(step("0", {}));
        queues.seen(replies);
    }
    /// The step that reads the bindings met before, all with these members.
    void members(const std::vector<std::string> &found)
    {
        const std::size_t others = queues.look(1000, 1h).others.count();
        queues.seen(std::vector<redis::Reply>(others, step("0", found)));
    }
    std::optional<WaitingList> list(const std::string &key) const
    {
        const auto all = queues.lists();
        const auto found = std::ranges::find(all, key, &WaitingList::key);
        return found == all.end() ? std::nullopt : std::optional(*found);
    }

    ManualClock clock;
    QueueDirectory queues{clock};
};

} // namespace

class QueueDirectoryTest final : public QObject
{
    Q_OBJECT

private slots:
    void knowsOurOwnAtOnce()
    {
        const Directory directory;
        QCOMPARE(directory.queues.lists().size(), std::size_t(4));
        QCOMPARE(directory.queues.lists().at(1).key, "celery" + usual + "3");
        QVERIFY(!directory.queues.complete());
    }

    void explainsWhatNobodyTakes_data()
    {
        QTest::addColumn<QString>("key");
        QTest::addColumn<QString>("line");
        QTest::addColumn<int>("untaken");
        const auto row = [](const char *name, const std::string &key, const std::string &line, Untaken untaken) {
            QTest::newRow(name) << QString::fromStdString(key) << QString::fromStdString(line) << int(untaken);
        };
        row("another queue", "emails", "emails", Untaken::Queue);
        row("a step of another queue", "emails" + usual + "6", "emails", Untaken::Queue);
        row("a name that ends in digits", "jobs2024", "jobs2024", Untaken::Queue);
        row("another step", "celery" + usual + "5", "celery" + usual + "5", Untaken::PriorityStep);
        row("another separator", "celery:5", "celery:5", Untaken::Separator);
        row("several characters between", "celery::--7", "celery::--7", Untaken::Separator);
        row("our name with a number behind", "celery2", "celery2", Untaken::Queue);
    }
    void explainsWhatNobodyTakes()
    {
        QFETCH(QString, key);
        QFETCH(QString, line);
        QFETCH(int, untaken);
        Directory directory;
        directory.pass({key.toStdString()}, {});
        const auto list = directory.list(key.toStdString());
        QVERIFY(list);
        QCOMPARE(list->queue, line.toStdString());
        QCOMPARE(int(list->untaken), untaken);
        QVERIFY(!list->certain); // until its next message was seen
    }

    void readsBindingsOfAnySeparatorAndPrefix_data()
    {
        QTest::addColumn<QString>("binding");
        QTest::addColumn<QString>("member");
        QTest::addColumn<QString>("key");
        QTest::addColumn<int>("untaken");
        const auto row = [](const char *name, const char *binding, const std::string &member, const char *key,
                            Untaken untaken) {
            QTest::newRow(name) << binding << QString::fromStdString(member) << key << int(untaken);
        };
        row("usual", "_kombu.binding.emails", "emails" + usual + usual + "emails", "emails", Untaken::Queue);
        row("colon", "_kombu.binding.emails", "emails::emails", "emails", Untaken::Queue);
        row("dashes", "_kombu.binding.emails", "emails----emails", "emails", Untaken::Queue);
        row("prefix", "proj1__kombu.binding.celery", "celery" + usual + usual + "celery", "proj1_celery",
            Untaken::KeyPrefix);
        row("topic", "_kombu.binding.news", "a.#" + usual + "a.*" + usual + "readers", "readers", Untaken::Queue);
    }
    void readsBindingsOfAnySeparatorAndPrefix()
    {
        QFETCH(QString, binding);
        QFETCH(QString, member);
        QFETCH(QString, key);
        QFETCH(int, untaken);
        Directory directory;
        directory.pass({}, {binding.toStdString()});
        QVERIFY(!directory.queues.complete());
        directory.members({member.toStdString()});
        const auto list = directory.list(key.toStdString());
        QVERIFY(list);
        QCOMPARE(int(list->untaken), untaken);
        QVERIFY(list->certain);
        QVERIFY(directory.queues.complete());
    }

    void passesOverRemoteControlAndEvents()
    {
        Directory directory;
        directory.pass({"8a.reply.celery.pidbox"}, {"_kombu.binding.reply.celery.pidbox", "_kombu.binding.celeryev"});
        QCOMPARE(directory.queues.look(1000, 1h).others.count(), std::size_t(0)); // no binding to read
        QCOMPARE(directory.queues.lists().size(), std::size_t(4));
    }

    void whatIsNoQueueIsLookedAtNowAndThen()
    {
        Directory directory;
        directory.pass({"news", "later"}, {});
        directory.queues.measured("news", 2, false);
        directory.queues.measured("later", 1, true);
        directory.pass({"news", "later"}, {});
        QVERIFY(!directory.list("news"));
        QVERIFY(directory.list("later")->certain);
        QCOMPARE(directory.queues.filled().size(), std::size_t(5));
        directory.queues.measured("later", 0, std::nullopt); // an empty list is no list
        QVERIFY(!directory.list("later"));
        // Its owner may have emptied it, and tasks wait in it since.
        directory.clock.advance(QueueDirectory::refusedFor);
        QVERIFY(directory.list("news"));
        directory.queues.measured("news", 2, true);
        QVERIFY(directory.list("news")->certain);
    }

    void isCompleteOnceEveryListWasLookedAt()
    {
        Directory directory;
        std::vector<std::string> lists;
        for (std::size_t i = 0; i < 2 * QueueDirectory::candidates; ++i)
            lists.push_back("list" + std::to_string(i) + "x");
        directory.pass(lists, {});
        for (std::size_t i = 0; i < lists.size(); ++i) {
            QVERIFY(!directory.queues.complete());
            directory.queues.measured(lists[i], 1, i % 2 == 0);
        }
        QVERIFY(directory.queues.complete());
        directory.clock.advance(QueueDirectory::refusedFor);
        QVERIFY(directory.queues.complete());
    }

    /// However many lists are no queues, and are due again before all were looked at.
    void looksAtEachOfManyLists()
    {
        Directory directory;
        std::vector<std::string> lists;
        for (std::size_t i = 0; i < 30 * QueueDirectory::candidates; ++i)
            lists.push_back("feed" + std::to_string(i) + "x");
        lists.push_back("zeta");
        directory.pass(lists, {});
        for (int round = 0; round < 31 && !directory.queues.complete(); ++round) {
            for (const WaitingList &list : directory.queues.lists())
                if (!list.certain)
                    directory.queues.measured(list.key, 1, list.key == "zeta");
            directory.clock.advance(QueueDirectory::refusedFor);
        }
        QVERIFY(directory.queues.complete());
        QVERIFY(directory.list("zeta")->certain);
    }

    void goesOnWhereItStoppedAndRestsAfterAPass()
    {
        Directory directory;
        QCOMPARE(directory.queues.look(1000, 10s).cursor, std::string("0"));
        directory.queues.seen(std::vector{step("17", {"a"}), step("23", {})});
        QVERIFY(!directory.queues.complete());
        QCOMPARE(directory.queues.look(1000, 10s).cursor, std::string("17"));
        directory.queues.seen({}); // no answer: the same again
        QCOMPARE(directory.queues.look(1000, 10s).cursor, std::string("17"));
        directory.queues.seen(std::vector{step("0", {}), step("0", {})});
        directory.queues.measured("a", 1, true);
        QVERIFY(directory.queues.complete());
        QCOMPARE(directory.queues.look(1000, 10s).cursor, std::string());
        directory.clock.advance(10s);
        const QueueDirectory::Step again = directory.queues.look(1000, 10s);
        QCOMPARE(again.cursor, std::string("0"));
        QCOMPARE(again.others.count(), std::size_t(1));
    }

    void saysThatItHasNoRoomForAll()
    {
        Directory directory;
        std::vector<std::string> lists;
        for (std::size_t i = 0; i < 3 * QueueDirectory::most; ++i)
            lists.push_back("list" + std::to_string(i) + "x");
        directory.pass(lists, {});
        QVERIFY(!directory.queues.complete());
        QVERIFY(directory.queues.lists().size() <= 4 + QueueDirectory::candidates);
    }

    void aQueueTakenOnIsOurs()
    {
        Directory directory;
        directory.pass({"orders", "orders:5"}, {"_kombu.binding.orders"});
        directory.members({"orders" + usual + usual + "orders"});
        QCOMPARE(directory.list("orders")->untaken, Untaken::Queue);
        directory.queues.setTaken({"celery", "orders"});
        QCOMPARE(directory.list("orders")->untaken, Untaken::No);
        QCOMPARE(directory.list("orders:5")->untaken, Untaken::Separator);
    }

    void forgetsWhatIsNoLongerBound()
    {
        Directory directory;
        directory.pass({}, {"_kombu.binding.emails"});
        directory.members({"emails" + usual + usual + "emails"});
        QVERIFY(directory.list("emails"));
        directory.pass({}, {});
        QVERIFY(!directory.list("emails"));
    }
};

QTEST_GUILESS_MAIN(QueueDirectoryTest)
#include "queue_directory_test.moc"
