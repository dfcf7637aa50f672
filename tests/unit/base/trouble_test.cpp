// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/result.h"
#include "core/base/logging.h"
#include "core/base/trouble.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <mutex>

using namespace portolan;
using namespace std::chrono_literals;

namespace {

struct Lines
{
    explicit Lines(const Clock &clock)
        : logger(clock, {.write = [this](std::string_view line) {
                     const std::lock_guard lock(mutex);
                     lines.emplace_back(line);
                 }})
    {}
    std::vector<std::string> take()
    {
        logger.flush();
        const std::lock_guard lock(mutex);
        return std::exchange(lines, {});
    }
    std::mutex mutex;
    std::vector<std::string> lines;
    Logger logger;
};

Error refused(const char *code, const char *message)
{
    Error error = failure(ErrorKind::Unavailable, message, "Do something about it.");
    error.code = code;
    return error;
}

} // namespace

class TroubleTest final : public QObject
{
    Q_OBJECT

private slots:
    void isToldOnceAndTakenBackOnce()
    {
        ManualClock clock;
        Lines log(clock);
        Trouble trouble(&log.logger, clock, "tasks cannot be taken");
        trouble.worked();
        QVERIFY(log.take().empty());
        for (int i = 0; i < 1000; ++i)
            trouble.failed(refused("a", "Redis refuses it."));
        auto lines = log.take();
        QCOMPARE(lines.size(), std::size_t(1));
        QVERIFY(lines[0].find("tasks cannot be taken") != std::string::npos);
        QVERIFY(lines[0].find("Redis refuses it. Do something about it.") != std::string::npos);
        QVERIFY(trouble.current().has_value());
        trouble.worked();
        trouble.worked();
        lines = log.take();
        QCOMPARE(lines.size(), std::size_t(1));
        QVERIFY(lines[0].find("over") != std::string::npos && lines[0].find("1000") != std::string::npos);
        QVERIFY(!trouble.current());
    }

    void isToldAgainForAnotherReasonAndNowAndThen()
    {
        ManualClock clock;
        Lines log(clock);
        Trouble trouble(&log.logger, clock, "it does not work", nullptr, 10min);
        trouble.failed(refused("a", "one"));
        trouble.failed(refused("a", "the same in other words"));
        trouble.failed(refused("b", "two"));
        QCOMPARE(log.take().size(), std::size_t(2));
        clock.advance(9min);
        trouble.failed(refused("b", "two"));
        QCOMPARE(log.take().size(), std::size_t(0));
        clock.advance(1min);
        trouble.failed(refused("b", "two"));
        QCOMPARE(log.take().size(), std::size_t(1));
        Trouble silent(nullptr, clock, "nobody hears it");
        silent.failed(refused("a", "one"));
        QCOMPARE(silent.current()->message, std::string("one"));
    }

    /// The same silence looks different from one attempt to the next.
    void isToldOnceHoweverNoAnswerComes()
    {
        ManualClock clock;
        Lines log(clock);
        Trouble trouble(&log.logger, clock, "it does not work");
        const Error late{ErrorKind::Timeout, "redis-timeout", "Not in time.", "", {}, 1s};
        const Error broken{ErrorKind::Timeout, "redis-lost", "It broke.", "", {}, 1s};
        for (int i = 0; i < 10; ++i)
            for (const Error &error : {late, refused("redis-away", "It is away."), broken})
                trouble.failed(error);
        QCOMPARE(log.take().size(), std::size_t(1));
        trouble.failed(refused("redis-rights", "It refuses."));
        trouble.failed(late);
        QCOMPARE(log.take().size(), std::size_t(2));
        trouble.worked();
        QCOMPARE(log.take().size(), std::size_t(1));
    }

    /// What keeps many loops from working at once is told by one that knows all of it.
    void leavesToOthersWhatTheyTell()
    {
        ManualClock clock;
        Lines log(clock);
        Trouble trouble(&log.logger, clock, "tasks cannot be taken",
                        [](const Error &why) { return why.code == "told"; });
        const Error told = refused("told", "It refuses.");
        const Error full = refused("full", "It is full.");
        trouble.failed(told);
        QCOMPARE(trouble.current()->code, std::string("told"));
        trouble.worked();
        QCOMPARE(log.take().size(), std::size_t(0));
        trouble.failed(told);
        trouble.failed(full);
        trouble.failed(full);
        QCOMPARE(log.take().size(), std::size_t(1));
        trouble.failed(told); // what was warned of is also said to be over
        QCOMPARE(log.take().size(), std::size_t(0));
        trouble.worked();
        QCOMPARE(log.take().size(), std::size_t(1));
    }
};

QTEST_GUILESS_MAIN(TroubleTest)
#include "trouble_test.moc"
