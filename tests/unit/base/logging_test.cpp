// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"
#include "core/base/logging.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <latch>
#include <mutex>
#include <thread>

using namespace portolan;

namespace {

/// Keeps lines, from the logger's thread.
class Lines final
{
public:
    LogOptions options(LogFormat format, LogLevel level = LogLevel::Info)
    {
        return {format, level, 64, [this](std::string_view line) {
                    const std::lock_guard lock(m_mutex);
                    m_lines.emplace_back(line);
                }};
    }
    std::vector<std::string> take()
    {
        const std::lock_guard lock(m_mutex);
        return std::exchange(m_lines, {});
    }

private:
    std::mutex m_mutex;
    std::vector<std::string> m_lines;
};

} // namespace

class LoggingTest final : public QObject
{
    Q_OBJECT
private slots:
    void writesJsonLines();
    void writesTextLines();
    void masksSecrets();
    void staysValidWhateverItIsGiven();
    void skipsWhatIsBelowItsLevel();
    void dropsAndCountsInsteadOfWaiting();
    void losesNothingFromManyThreads();
};

void LoggingTest::writesJsonLines()
{
    ManualClock clock;
    Lines lines;
    Logger logger(clock, lines.options(LogFormat::Json));
    logger.log(LogLevel::Info, "started", {{"port", 8080}, {"share", 0.5}, {"tls", false}, {"tier", "small"}}, "r-1");
    QVERIFY(logger.flush());
    QCOMPARE(lines.take(),
             std::vector<std::string>{R"({"time":"2026-01-01T00:00:00.000Z","level":"info","message":"started",)"
                                      R"("request_id":"r-1","port":8080,"share":0.5,"tls":false,"tier":"small"})"});
}

void LoggingTest::writesTextLines()
{
    ManualClock clock;
    Lines lines;
    Logger logger(clock, lines.options(LogFormat::Text));
    logger.warn("redis is away", {{"endpoint", "unix:/tmp/r"}, {"why", "no such file"}, {"left", 3u}});
    logger.flush();
    QCOMPARE(lines.take(), std::vector<std::string>{"2026-01-01T00:00:00.000Z warning redis is away "
                                                    "endpoint=unix:/tmp/r why=\"no such file\" left=3"});
}

void LoggingTest::masksSecrets()
{
    ManualClock clock;
    for (const auto format : {LogFormat::Json, LogFormat::Text}) {
        Lines lines;
        Logger logger(clock, lines.options(format));
        logger.error("no redis at redis://app:hunter2@host", {{"password", "hunter2"},
                                                              {"sid", "hunter2"},
                                                              {"Authorization", "Bearer hunter2"},
                                                              {"url", "http://u:hunter2@h/?token=hunter2"},
                                                              {"api_key", 42}});
        logger.flush();
        const auto line = lines.take().at(0);
        QVERIFY2(line.find("hunter2") == std::string::npos && line.find("42") == std::string::npos, line.c_str());
        QVERIFY(line.find("redis://***@host") != std::string::npos);
    }
}

void LoggingTest::staysValidWhateverItIsGiven()
{
    ManualClock clock;
    Lines lines;
    Logger logger(clock, lines.options(LogFormat::Json));
    std::string bytes;
    for (int i = 0; i < 256; ++i)
        bytes += char(i);
    logger.info(bytes, {{bytes, bytes}, {"long", std::string(100'000, 'x')}, {"nan", 0.0 / 0.0 * 1.0}});
    logger.info("ends in a broken sequence \xe2\x82", {{"a", "\xed\xa0\x80"}, {"b", "\xf4\x90\x80\x80"}, {"ok", "€"}});
    logger.flush();
    const auto all = lines.take();
    QCOMPARE(all.size(), std::size_t(2));
    for (const auto &line : all) {
        QVERIFY(parseJson(line).has_value());
        QVERIFY(line.find('\n') == std::string::npos && line.size() < 16'000);
    }
    QVERIFY(all[1].find("\"ok\":\"€\"") != std::string::npos);
}

void LoggingTest::skipsWhatIsBelowItsLevel()
{
    ManualClock clock;
    Lines lines;
    Logger logger(clock, lines.options(LogFormat::Text, LogLevel::Warning));
    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    QVERIFY(!logger.enabled(LogLevel::Info) && logger.enabled(LogLevel::Error));
    logger.flush();
    QCOMPARE(lines.take().size(), std::size_t(1));
}

void LoggingTest::dropsAndCountsInsteadOfWaiting()
{
    ManualClock clock;
    std::latch blocked(1);
    std::latch release(1);
    std::vector<std::string> written;
    {
        Logger logger(clock, {LogFormat::Json, LogLevel::Info, 8, [&](std::string_view line) {
                                  if (written.empty()) {
                                      blocked.count_down();
                                      release.wait();
                                  }
                                  written.emplace_back(line);
                              }});
        logger.info("first");
        blocked.wait();
        for (int i = 0; i < 100; ++i)
            logger.info("more"); // returns, although nobody reads
        QCOMPARE(logger.dropped(), std::uint64_t(92));
        QVERIFY(!logger.flush(std::chrono::milliseconds(1)));
        release.count_down();
        QVERIFY(logger.flush());
    }
    QCOMPARE(written.size(), std::size_t(10)); // first, the remark, the eight that had room
    QVERIFY(written[1].find("log lines dropped") != std::string::npos);
    QVERIFY(written[1].find("\"count\":92") != std::string::npos);
}

void LoggingTest::losesNothingFromManyThreads()
{
    ManualClock clock;
    std::atomic<int> lines{0};
    Logger logger(clock, {LogFormat::Json, LogLevel::Info, 4096, [&](std::string_view) { ++lines; }});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i)
                logger.info("line", {{"i", i}});
        });
    for (auto &thread : threads)
        thread.join();
    QVERIFY(logger.flush());
    QCOMPARE(lines.load(), 2000);
    QCOMPARE(logger.dropped(), std::uint64_t(0));
}

QTEST_GUILESS_MAIN(LoggingTest)
#include "logging_test.moc"
