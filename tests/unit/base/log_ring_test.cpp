// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/log_ring.h"
#include "core/base/logging.h"
#include "core/base/system_clock.h"

#include <QTest>
#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

using namespace portolan;

namespace {

LogLine line(std::size_t number, LogLine::Level level = LogLine::Level::Info)
{
    return {WallTime{} + std::chrono::seconds(number), level, "line " + std::to_string(number)};
}

std::string plain(const Result<LogPage> &page)
{
    if (!page)
        return page.error().message;
    std::string all;
    for (const LogLine &one : page->items)
        all.append(all.empty() ? "" : ", ").append(one.message);
    return all;
}

} // namespace

class LogRingTest final : public QObject
{
    Q_OBJECT
private slots:
    void tellsTheNewestFirst()
    {
        LogRing ring;
        QCOMPARE(plain(ring.page({})), std::string());
        for (std::size_t i = 1; i <= 5; ++i)
            ring.add(line(i, i % 2 ? LogLine::Level::Info : LogLine::Level::Error));
        LogQuery query{.limit = 2};
        const auto first = ring.page(query);
        QCOMPARE(plain(first), std::string("line 5, line 4"));
        ring.add(line(6)); // which moves nothing of the pages after
        query.cursor = first->nextCursor.value();
        const auto second = ring.page(query);
        QCOMPARE(plain(second), std::string("line 3, line 2"));
        query.cursor = second->nextCursor.value();
        const auto last = ring.page(query);
        QCOMPARE(plain(last), std::string("line 1"));
        QVERIFY(!last->nextCursor);
        const auto errors = ring.page({.level = LogLine::Level::Warning, .limit = 2});
        QCOMPARE(plain(errors), std::string("line 4, line 2"));
        QVERIFY(!errors->nextCursor); // of what is asked for there is no more
    }

    void keepsTheLastOnes()
    {
        LogRing ring;
        for (std::size_t i = 1; i <= LogRing::most + 3; ++i)
            ring.add(line(i));
        LogQuery query{.limit = 500};
        std::size_t count = 0;
        std::string oldest;
        do {
            const auto page = ring.page(query);
            count += page->items.size();
            oldest = page->items.back().message;
            query.cursor = page->nextCursor.value_or("");
        } while (!query.cursor.empty());
        QCOMPARE(count, LogRing::most);
        QCOMPARE(oldest, std::string("line 4"));
        query.cursor = "2"; // a line that is gone
        QCOMPARE(plain(ring.page(query)), std::string());
    }

    void cutsWhatIsLong()
    {
        LogRing ring;
        std::string text(LogRing::longest - 1, 'x');
        ring.add({{}, LogLine::Level::Info, text + "é and more"});
        QCOMPARE(ring.page({})->items.front().message, text + "…");
    }

    void refuses_data()
    {
        QTest::addColumn<unsigned>("limit");
        QTest::addColumn<QString>("cursor");
        QTest::newRow("none") << 0u << "";
        QTest::newRow("too many") << 501u << "";
        QTest::newRow("no number") << 1u << "x";
        QTest::newRow("of no line") << 1u << "4";
        QTest::newRow("more than a number") << 1u << "1x";
        QTest::newRow("no number holds it") << 1u << "99999999999999999999";
    }
    void refuses()
    {
        QFETCH(unsigned, limit);
        QFETCH(QString, cursor);
        LogRing ring;
        ring.add(line(1));
        ring.add(line(2));
        const auto page = ring.page({.limit = limit, .cursor = cursor.toStdString()});
        QVERIFY(page.has_error());
        QCOMPARE(page.error().kind, ErrorKind::Invalid);
    }

    /// Whoever took the earlier time is kept earlier, also where another thread comes between.
    void timesFollowEachOther()
    {
        class Counting final : public Clock
        {
        public:
            WallTime wall() const override
            {
                const WallTime now{std::chrono::microseconds(++m_calls)};
                std::this_thread::yield(); // the other one's turn
                return now;
            }
            SteadyTime steady() const override { return {}; }

        private:
            mutable std::atomic<int> m_calls{0};
        };
        const Counting clock;
        Logger logger(clock, {.write = [](std::string_view) {}});
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&logger] {
                for (std::size_t line = 0; line < LogRing::most / 4; ++line)
                    logger.info("a line");
            });
        for (std::thread &thread : threads)
            thread.join();
        std::vector<LogLine> all;
        LogQuery query{.limit = 500};
        do {
            const auto page = logger.recent().page(query).value();
            all.insert(all.end(), page.items.begin(), page.items.end());
            query.cursor = page.nextCursor.value_or("");
        } while (!query.cursor.empty());
        QCOMPARE(all.size(), LogRing::most);
        QVERIFY(std::ranges::is_sorted(all, std::greater(), &LogLine::time));
    }

    /// What a logger keeps is what it writes: masked, and nothing below its level.
    void keepsNoSecrets()
    {
        const SystemClock clock;
        Logger logger(clock, {.write = [](std::string_view) {}});
        logger.debug("not written");
        logger.warn("redis://:sesame@host is away", {{"password", "sesame"}, {"tries", 3}, {"why", "it sleeps"}});
        const auto page = logger.recent().page({});
        QCOMPARE(plain(page), std::string("redis://***@host is away password=*** tries=3 why=\"it sleeps\""));
        QVERIFY(page->items.front().level == LogLine::Level::Warning);
    }
};

QTEST_GUILESS_MAIN(LogRingTest)
#include "log_ring_test.moc"
