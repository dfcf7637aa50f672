// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ending_signals.h"

#include <QTest>
#include <chrono>
#include <csignal>

using namespace portolan;
using namespace std::chrono_literals;

class EndingSignalsTest final : public QObject
{
    Q_OBJECT

private slots:
    void tellsTheSameWishFromImpatience_data()
    {
        QTest::addColumn<int>("first");
        QTest::addColumn<std::chrono::milliseconds>("window");
        QTest::addColumn<QList<int>>("then"); // of several that wait, the lower number is taken first
        QTest::addColumn<int>("impatient");
        QTest::newRow("another at once") << SIGTERM << 3600'000ms << QList{SIGINT} << SIGINT;
        QTest::newRow("the same at once, then another") << SIGINT << 3600'000ms << QList{SIGINT, SIGTERM} << SIGTERM;
        QTest::newRow("the same later") << SIGTERM << 0ms << QList{SIGTERM} << SIGTERM;
        QTest::newRow("Ctrl+C later") << SIGINT << 0ms << QList{SIGINT} << SIGINT;
    }
    void tellsTheSameWishFromImpatience()
    {
        QFETCH(int, first);
        QFETCH(std::chrono::milliseconds, window);
        QFETCH(QList<int>, then);
        const sigset_t ending = endingSignals();
        pthread_sigmask(SIG_BLOCK, &ending, nullptr);
        for (const int signal : then)
            std::raise(signal);
        QTEST(awaitImpatience(first, window), "impatient");
    }
};

QTEST_GUILESS_MAIN(EndingSignalsTest)
#include "ending_signals_test.moc"
