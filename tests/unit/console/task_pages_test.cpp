// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/task_pages.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <QTest>
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>

using namespace portolan;
using namespace portolan::console;

namespace {

TaskInfo task(std::string id, TaskPlace place)
{
    TaskInfo info;
    info.id = std::move(id);
    info.place = place;
    return info;
}

constexpr auto base64url = QByteArray::Base64UrlEncoding | QByteArray::OmitTrailingEquals;

std::string idOf(const char *kind, int number) { return kind + std::to_string(number); }

queue::WaitingList listOf(std::string key, std::string queue, Untaken untaken = Untaken::No)
{
    return {std::move(key), std::move(queue), untaken, true};
}

/// A deployment's tasks, read as a portal reads them.
struct Tasks
{
    struct List
    {
        queue::WaitingList named;
        std::deque<std::string> waiting; ///< next to run first
    };
    std::vector<List> lists;
    std::set<std::string> reserved;
    std::vector<TaskInfo> ended; ///< latest started first
    std::size_t cutAt = 500;     ///< so many are answered at most
    int looks = 0;
    std::size_t read = 0; ///< messages

    explicit Tasks(std::vector<queue::WaitingList> names = {listOf("celery", "celery")})
    {
        for (auto &name : names)
            lists.push_back({std::move(name), {}});
    }
    std::deque<std::string> &waiting() { return lists.front().waiting; }
    List &named(const std::string &key)
    {
        return *std::ranges::find(lists, key, [](const List &list) { return list.named.key; });
    }

    /// As Broker::peek().
    queue::WaitingTasks peek(const std::vector<queue::WaitingList> &wanted, std::size_t over, std::size_t most)
    {
        queue::WaitingTasks page;
        ++looks;
        most = std::min<std::size_t>(most, 500);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            const auto &ids = named(wanted[i].key).waiting;
            const std::size_t from = std::min(over, ids.size());
            over -= from;
            for (std::size_t at = from; at < ids.size(); ++at) {
                if (page.items.size() == std::min(most, cutAt)) {
                    page.more = true;
                    read += page.items.size();
                    return page;
                }
                page.items.emplace_back().id = ids[at];
                page.lists.push_back(i);
            }
        }
        read += page.items.size();
        return page;
    }

    Line line(std::optional<LineMark> after, std::size_t most)
    {
        LineReader reader = [this](std::vector<queue::WaitingList> wanted, std::size_t over,
                                   std::size_t count) -> awaitable<Result<queue::WaitingTasks>> {
            co_return peek(wanted, over, count);
        };
        std::vector<queue::WaitingList> names;
        for (const List &list : lists)
            names.push_back(list.named);
        asio::io_context context;
        auto found =
            asio::co_spawn(context, readLine(std::move(reader), std::move(names), after, most), asio::use_future);
        context.run();
        return found.get().value();
    }

    TaskList page(const std::string &after, std::uint32_t limit)
    {
        const TaskCursor cursor = parseTaskCursor(after).value();
        TasksFound found;
        looks = 0;
        Line next = line(cursor.line, limit);
        for (auto &[one, mark] : next.tasks)
            found.line.push_back({task(one.id, TaskPlace::Waiting), mark, reserved.contains(one.id)});
        found.moreInLine = next.more;
        for (const auto &id : reserved)
            found.held.push_back(task(id, TaskPlace::Reserved));
        for (const TaskInfo &one : ended) {
            const bool later =
                !cursor.ended || std::pair(*one.created, one.id) < std::pair(cursor.ended->created, cursor.ended->id);
            if (later && found.ended.size() <= limit)
                found.ended.push_back(one);
        }
        return taskPage(std::move(found), cursor, limit);
    }

    /// How often each is told, over all pages; `between` happens after each.
    std::map<std::string, int> walk(
        std::uint32_t limit, const std::function<void()> &between = [] {})
    {
        std::map<std::string, int> told;
        std::string cursor;
        for (int pages = 0; pages == 0 || !cursor.empty(); ++pages) {
            if (pages == 10'000)
                return {};
            const TaskList next = page(cursor, limit);
            for (const TaskInfo &one : next.items)
                ++told[one.id];
            cursor = next.nextCursor.value_or("");
            between();
        }
        return told;
    }
};

} // namespace

class TaskPagesTest final : public QObject
{
    Q_OBJECT
private slots:
    void cursorsAreReadAsTheyAreWritten()
    {
        TaskCursor cursor;
        QVERIFY(parseTaskCursor("").value() == cursor);
        QVERIFY(parseTaskCursor(formatTaskCursor(cursor)).value() == cursor);
        QVERIFY(parseTaskCursor(QByteArray("t0;;;;;;;;1:x").toBase64(base64url).toStdString()).value().ended);
        cursor.held[2] = markOf("a");
        cursor.held[4] = 0;
        cursor.line = {~std::uint64_t{0}, 12'345, 7};
        QVERIFY(parseTaskCursor(formatTaskCursor(cursor)).value() == cursor);
        cursor.line->last.reset();
        cursor.ended = {WallTime(std::chrono::milliseconds(1'790'000'000'123)), "an id; of: signs"};
        QVERIFY(parseTaskCursor(formatTaskCursor(cursor)).value() == cursor);
    }

    void whatIsNoCursorIsRefused_data()
    {
        QTest::addColumn<QByteArray>("text");
        const std::string good = formatTaskCursor({});
        QTest::newRow("another list's") << QByteArray("dTE6");
        QTest::newRow("no base64url") << QByteArray("=");
        QTest::newRow("cut") << QByteArray::fromStdString(good.substr(0, good.size() / 2));
        QTest::newRow("more") << QByteArray::fromStdString(good + "AAAA");
        QTest::newRow("of no list") << QByteArray("t5;;;;;;;;").toBase64(base64url);
        QTest::newRow("no text") << QByteArray("t0;;;;;;;;1:\xff").toBase64(base64url);
        QTest::newRow("long") << QByteArray(4096, 'd');
    }
    void whatIsNoCursorIsRefused()
    {
        QFETCH(QByteArray, text);
        const auto read = parseTaskCursor(text.toStdString());
        QVERIFY(!read);
        QCOMPARE(read.error().fields.front().pointer, std::string("/cursor"));
    }

    /// Whatever comes, and however many are taken, between two pages: those that stay are told once.
    void tellsWhatStaysOnce_data()
    {
        QTest::addColumn<int>("waiting");
        QTest::addColumn<int>("taken");
        QTest::addColumn<int>("come");
        QTest::addColumn<int>("limit");
        QTest::newRow("nothing moves") << 25 << 0 << 0 << 3;
        QTest::newRow("some are taken") << 60 << 2 << 0 << 5;
        QTest::newRow("more than a page") << 900 << 7 << 0 << 5;
        QTest::newRow("more than are looked back for") << 5000 << 150 << 3 << 250;
        QTest::newRow("many more") << 9000 << 1400 << 0 << 500;
        QTest::newRow("all that were told") << 400 << 40 << 0 << 10;
        QTest::newRow("others come") << 60 << 1 << 2 << 5;
    }
    void tellsWhatStaysOnce()
    {
        QFETCH(int, waiting);
        QFETCH(int, taken);
        QFETCH(int, come);
        QFETCH(int, limit);
        Tasks line;
        for (int i = 0; i < waiting; ++i)
            line.waiting().push_back(idOf("w", i));
        for (int i = 0; i < 20; ++i) {
            line.reserved.insert(idOf("r", i));
            line.ended.push_back(task(idOf("e", i), TaskPlace::Ended));
            line.ended.back().created = WallTime(std::chrono::milliseconds(1'000 - i / 3));
            line.ended.back().ended = WallTime(std::chrono::milliseconds(2'000 + i * 7 % 11));
        }
        std::ranges::sort(line.ended, std::greater(),
                          [](const TaskInfo &one) { return std::pair(*one.created, one.id); });
        std::map<std::string, int> told;
        std::string cursor;
        int pages = 0;
        do {
            const TaskList page = line.page(cursor, static_cast<std::uint32_t>(limit));
            std::map<TaskPlace, int> places;
            for (const TaskInfo &one : page.items) {
                ++told[one.id];
                QVERIFY(++places[one.place] <= limit);
            }
            QCOMPARE(page.complete, !page.nextCursor.has_value());
            cursor = page.nextCursor.value_or("");
            QVERIFY(++pages < 10'000);
            for (int i = 0; i < taken && !line.waiting().empty(); ++i)
                line.waiting().pop_front();
            for (int i = 0; i < come; ++i)
                line.waiting().push_back(idOf("n", pages * 10 + i));
        } while (!cursor.empty());
        for (const auto &id : line.waiting())
            QVERIFY2(id.front() == 'n' || told[id] == 1, id.c_str());
        for (const auto &[id, times] : told)
            QVERIFY2(times == 1, id.c_str());
        for (int i = 0; i < 20; ++i)
            QVERIFY(told[idOf("r", i)] == 1 && told[idOf("e", i)] == 1);
    }

    void largeMessagesAreWalkedThroughToo_data()
    {
        QTest::addColumn<int>("taken");
        QTest::newRow("nothing moves") << 0;
        QTest::newRow("one is taken") << 1;
    }
    void largeMessagesAreWalkedThroughToo()
    {
        QFETCH(int, taken);
        Tasks line;
        line.cutAt = 4;
        for (int i = 0; i < 400; ++i)
            line.waiting().push_back(idOf("w", i));
        const auto told =
            line.walk(10, [&] { line.waiting().erase(line.waiting().begin(), line.waiting().begin() + taken); });
        QVERIFY(told.size() >= line.waiting().size());
        for (const auto &id : line.waiting())
            QCOMPARE(told.at(id), 1);
    }

    void looksAheadOnlyWhereItMust()
    {
        Tasks line;
        for (int i = 0; i < 3000; ++i)
            line.waiting().push_back(idOf("w", i));
        std::string cursor;
        for (int i = 0; i < 20; ++i) {
            line.read = 0;
            cursor = line.page(cursor, 100).nextCursor.value();
            QCOMPARE(line.looks, 1);
            QVERIFY(line.read <= 102);
        }
        line.waiting().erase(line.waiting().begin(), line.waiting().begin() + 1900);
        QCOMPARE(line.page(cursor, 1).items.at(0).id, std::string("w2000"));
        QVERIFY(line.looks > 1 && line.looks <= mostLooks + 2);
    }

    void tellsAgainRatherThanLeavesOut()
    {
        Tasks line;
        for (int i = 0; i < 20'000; ++i)
            line.waiting().push_back(idOf("w", i));
        std::string cursor;
        for (int i = 0; i < 30; ++i)
            cursor = line.page(cursor, 400).nextCursor.value();
        line.waiting().erase(line.waiting().begin(),
                             line.waiting().begin() + 8000); // some 4,000 of those told are left
        QCOMPARE(line.page(cursor, 10).items.front().id, std::string("w8000"));
    }

    void whatIsPutBackInFrontMovesNothing()
    {
        Tasks line;
        for (int i = 0; i < 20; ++i)
            line.waiting().push_back(idOf("w", i));
        const std::string cursor = line.page({}, 10).nextCursor.value();
        line.waiting().push_front("again");
        QCOMPARE(line.page(cursor, 10).items.front().id, std::string("w10"));
    }

    /// Of an id that is there twice the nearest one is meant.
    void oneIdMayBeThereTwice()
    {
        Tasks line;
        for (int i = 0; i < 40; ++i)
            line.waiting().push_back(i % 20 == 5 ? "twice" : idOf("w", i));
        std::string cursor = line.page({}, 26).nextCursor.value(); // up to the second one
        line.waiting().pop_front();
        QCOMPARE(line.page(cursor, 26).items.front().id, std::string("w26"));
    }

    /// Messages that cannot be read have no id, so all of them look alike.
    void whatHasNoIdIsToldOnce()
    {
        Tasks line;
        line.waiting().assign(250, "");
        line.waiting().push_back("last");
        for (const std::uint32_t limit : {1u, 100u}) {
            const auto told = line.walk(limit);
            QCOMPARE(told.at(""), 250);
            QCOMPARE(told.at("last"), 1);
        }
    }

    static std::vector<queue::WaitingList> steps(const std::string &queue) { return queue::listsOf(queue); }

    void eachListMovesByItself()
    {
        Tasks line(steps("celery"));
        for (int i = 0; i < 30; ++i)
            line.lists[1].waiting.push_back(idOf("w", i)); // of step 3
        int number = 0;
        const auto told = line.walk(5, [&] {
            for (int i = 0; i < 50; ++i) // more urgent ones come
                line.lists[0].waiting.push_back(idOf("n", number++));
        });
        for (int i = 0; i < 30; ++i)
            QCOMPARE(told.at(idOf("w", i)), 1);
    }

    /// One line stands, another one is emptied as fast as it fills.
    void aBusyLineHidesNoOther()
    {
        std::vector<queue::WaitingList> names{listOf("a", "a"), listOf("b", "b"), listOf("c", "c", Untaken::Queue)};
        for (const std::string busy : {"a", "b", "c"}) {
            Tasks line(names);
            for (const std::string stuck : {"a", "b", "c"})
                for (int i = 0; i < 40; ++i)
                    line.named(stuck).waiting.push_back(idOf(stuck.c_str(), i));
            int number = 40;
            const auto told = line.walk(7, [&] {
                auto &waiting = line.named(busy).waiting;
                waiting.clear();
                for (int i = 0; i < 5; ++i)
                    waiting.push_back(idOf(busy.c_str(), number++));
            });
            for (const std::string stuck : {"a", "b", "c"})
                for (int i = 0; i < 40 && stuck != busy; ++i)
                    QCOMPARE(told.at(idOf(stuck.c_str(), i)), 1);
        }
    }

    void aListMayGoAwayMeanwhile()
    {
        Tasks line({listOf("a", "a"), listOf("b", "b"), listOf("c", "c")});
        for (auto &list : line.lists)
            for (int i = 0; i < 10; ++i)
                list.waiting.push_back(idOf(list.named.key.c_str(), i));
        const TaskList first = line.page({}, 15); // one of them, and half of another one
        const std::string half = first.items.back().id.substr(0, 1);
        std::erase_if(line.lists, [&](const Tasks::List &list) { return list.named.key == half; });
        const TaskList rest = line.page(first.nextCursor.value(), 15);
        QVERIFY(!rest.nextCursor);
        QCOMPARE(rest.items.size(), std::size_t{10});
        QVERIFY(rest.items.front().id.substr(0, 1) != first.items.front().id.substr(0, 1));
    }

    void manyListsAreReadInPartsAndOursFirst()
    {
        std::vector<queue::WaitingList> names;
        for (int i = 0; i < 70; ++i)
            names.push_back(listOf(idOf("q", i), idOf("q", i), i == 69 ? Untaken::No : Untaken::Queue));
        Tasks line(names);
        for (auto &list : line.lists)
            list.waiting = {list.named.key};
        QCOMPARE(line.page({}, 1).items.front().id, std::string("q69"));
        QCOMPARE(line.page({}, 100).items.size(), std::size_t{70});
        QCOMPARE(line.walk(9).size(), std::size_t{70});
    }

    void stepsOfAQueueFollowEachOther()
    {
        const auto lists = steps("celery");
        QVERIFY(std::ranges::is_sorted(lists, std::less(), orderOf));
        QVERIFY(std::ranges::adjacent_find(lists, std::equal_to(), orderOf) == lists.end());
    }

    void noPageHasMoreThanSoManyOfAPlace()
    {
        TasksFound found;
        for (int i = 0; i < 8; ++i) {
            found.held.push_back(task(idOf("h", i), TaskPlace::Ended));
            found.line.push_back({task(idOf("l", i), TaskPlace::Ended), {1, std::uint64_t(i) + 1, i}, false});
            found.ended.push_back(task(idOf("e", i), TaskPlace::Ended));
            found.ended.back().created = WallTime(std::chrono::milliseconds(100 - i));
        }
        std::set<std::string> told;
        std::string cursor;
        do {
            const TaskCursor at = parseTaskCursor(cursor).value();
            TasksFound rest = found;
            std::erase_if(rest.line, [&](const auto &one) { return at.line && one.mark.at <= at.line->at; });
            std::erase_if(rest.ended, [&](const auto &one) { return at.ended && *one.created >= at.ended->created; });
            const TaskList page = taskPage(std::move(rest), at, 3);
            QVERIFY(page.items.size() <= 3);
            for (const TaskInfo &one : page.items)
                QVERIFY(told.insert(one.id).second);
            cursor = page.nextCursor.value_or("");
        } while (!cursor.empty());
        QCOMPARE(told.size(), std::size_t{24});
    }

    void whatAWorkerHoldsIsToldThere()
    {
        Tasks line;
        line.waiting() = {"a", "b", "c"};
        line.reserved = {"b"};
        const TaskList page = line.page({}, 500);
        std::vector<std::string> ids;
        for (const TaskInfo &one : page.items)
            ids.push_back(one.id);
        QCOMPARE(ids, (std::vector<std::string>{"b", "a", "c"}));
        QVERIFY(page.complete);
    }

    void thoseThatEndedLastComeFirst()
    {
        TasksFound found;
        for (int i = 0; i < 3; ++i) {
            found.ended.push_back(task(idOf("e", i), TaskPlace::Ended));
            found.ended.back().ended = WallTime(std::chrono::milliseconds(i));
        }
        found.line.push_back({task("revoked", TaskPlace::Ended), {}, false});
        found.all = false;
        const TaskList page = taskPage(std::move(found), {}, 10);
        std::vector<std::string> ids;
        for (const TaskInfo &one : page.items)
            ids.push_back(one.id);
        QCOMPARE(ids, (std::vector<std::string>{"e2", "e1", "e0", "revoked"}));
        QVERIFY(!page.nextCursor && !page.complete);
    }
};

QTEST_GUILESS_MAIN(TaskPagesTest)
#include "task_pages_test.moc"
