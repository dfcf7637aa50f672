// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/task_pages.h"

#include <QTest>
#include <algorithm>
#include <deque>
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

std::string idOf(const char *kind, int number) { return kind + std::to_string(number); }

/// A deployment's tasks, read as a portal reads them.
struct Line
{
    std::deque<std::string> waiting; ///< next to run first
    std::set<std::string> reserved;
    std::vector<TaskInfo> ended; ///< latest started first
    std::size_t cutAt = 500;     ///< so many are answered at most
    int looks = 0;

    /// As readLine() in task_board.cpp.
    TaskList page(const std::string &after, std::uint32_t limit)
    {
        TaskCursor cursor = parseTaskCursor(after).value();
        TasksFound found;
        TaskCursor at = cursor;
        Window window = firstWindow(at, limit);
        for (looks = 1;; ++looks) {
            std::vector<std::string> ids;
            for (std::uint64_t i = window.from; i < waiting.size() && ids.size() < std::min(window.count, cutAt); ++i)
                ids.push_back(waiting[i]);
            const bool more = window.from + ids.size() < waiting.size();
            const bool cut = more && ids.size() < window.count;
            const auto next = nextInLine(at, window, ids, cut);
            if (!next && !cut && looks < 8) {
                window = windowAhead(window);
                continue;
            }
            if (next && (*next < window.from + ids.size() || !more)) {
                for (std::uint64_t i = *next; i < window.from + ids.size() && found.line.size() <= limit; ++i)
                    found.line.push_back({task(waiting[i], TaskPlace::Waiting), i, reserved.contains(waiting[i])});
                found.moreInLine = more;
                break;
            }
            goOnWithout(at, next, cut);
            window = firstWindow(at, limit);
        }
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
        cursor.held[2] = markOf("a");
        cursor.held[4] = 0;
        cursor.waitingAt = 12'345;
        cursor.waiting = ~std::uint64_t{0};
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
        Line line;
        for (int i = 0; i < waiting; ++i)
            line.waiting.push_back(idOf("w", i));
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
            for (int i = 0; i < taken && !line.waiting.empty(); ++i)
                line.waiting.pop_front();
            for (int i = 0; i < come; ++i)
                line.waiting.push_back(idOf("n", pages * 10 + i));
        } while (!cursor.empty());
        for (const auto &id : line.waiting)
            QVERIFY2(id.front() == 'n' || told[id] == 1, id.c_str());
        for (const auto &[id, times] : told)
            QVERIFY2(times == 1, id.c_str());
        for (int i = 0; i < 20; ++i)
            QVERIFY(told[idOf("r", i)] == 1 && told[idOf("e", i)] == 1);
    }

    void largeMessagesAreWalkedThroughToo()
    {
        Line line;
        line.cutAt = 3;
        for (int i = 0; i < 40; ++i)
            line.waiting.push_back(idOf("w", i));
        std::set<std::string> told;
        std::string cursor;
        int pages = 0;
        do {
            const TaskList page = line.page(cursor, 10);
            for (const TaskInfo &one : page.items)
                QVERIFY(told.insert(one.id).second);
            cursor = page.nextCursor.value_or("");
        } while (!cursor.empty() && ++pages < 100);
        QCOMPARE(told.size(), std::size_t{40});
    }

    void looksAheadOnlyWhereItMust()
    {
        Line line;
        for (int i = 0; i < 3000; ++i)
            line.waiting.push_back(idOf("w", i));
        std::string cursor;
        for (int i = 0; i < 20; ++i) {
            cursor = line.page(cursor, 100).nextCursor.value();
            QCOMPARE(line.looks, 1);
        }
        line.waiting.erase(line.waiting.begin(), line.waiting.begin() + 1900);
        QCOMPARE(line.page(cursor, 1).items.at(0).id, std::string("w2000"));
        QVERIFY(line.looks > 1 && line.looks <= 8);
    }

    void tellsAgainRatherThanLeavesOut()
    {
        Line line;
        for (int i = 0; i < 20'000; ++i)
            line.waiting.push_back(idOf("w", i));
        std::string cursor;
        for (int i = 0; i < 30; ++i)
            cursor = line.page(cursor, 400).nextCursor.value();
        line.waiting.erase(line.waiting.begin(), line.waiting.begin() + 8000); // some 4,000 of those told are left
        QCOMPARE(line.page(cursor, 10).items.front().id, std::string("w8000"));
    }

    void whatAWorkerHoldsIsToldThere()
    {
        Line line;
        line.waiting = {"a", "b", "c"};
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
        found.line.push_back({task("revoked", TaskPlace::Ended), 0, false});
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
