// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/post_to.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <QApplication>
#include <QMetaEnum>
#include <QObject>
#include <QString>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace portolan::ui {

/// How long the GUI thread has been ready to run and had to wait for a processor, since it began. Linux counts it for
/// each thread: https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
class RunDelay final
{
public:
    /// Of the calling thread; may be read from any.
    RunDelay()
        : m_file(::open(("/proc/self/task/" + std::to_string(::syscall(SYS_gettid)) + "/schedstat").c_str(),
                        O_RDONLY | O_CLOEXEC))
    {}
    ~RunDelay() { ::close(m_file); }
    RunDelay(const RunDelay &) = delete;
    RunDelay &operator=(const RunDelay &) = delete;

    std::chrono::nanoseconds now() const
    {
        char text[96] = {}; // time on a processor, time waiting for one, number of times it got one
        unsigned long long ran = 0, waited = 0;
        if (::pread(m_file, text, sizeof text - 1, 0) <= 0 || std::sscanf(text, "%llu %llu", &ran, &waited) != 2)
            qFatal("the kernel does not say how long a thread waits for a processor");
        return std::chrono::nanoseconds(waited);
    }

private:
    int m_file;
};

/// The longest span in which the event loop of the GUI thread did not turn, as somebody who presses a key would feel
/// it: a thread posts an event every few milliseconds and looks how long it took to be delivered.
///
/// A machine with two processors and other work makes any thread wait, whatever it does. So the time in which the GUI
/// thread was ready and had no processor is taken off: what remains is what it computed itself, and what it was blocked
/// by - a lock, a file, a socket - which is just what it must not be. Both are told. (QTest's own waiting sleeps for up
/// to 10 ms between two turns, and is in it.) Of the deliveries on the way the slowest is kept, measured the same way,
/// so that a failure names its cause.
class Watchdog final
{
public:
    struct Report
    {
        double stall = 0;    ///< ms, as above
        double withWait = 0; ///< ms, of any event, waiting for a processor included
        double slowest = 0;  ///< ms, of one delivery
        QString slowestName; ///< receiver and type of event
        QString words() const
        {
            return QString("longest stall %1 ms (with waiting for a processor %2 ms), slowest event %3 ms: %4")
                .arg(stall, 0, 'f', 1)
                .arg(withWait, 0, 'f', 1)
                .arg(slowest, 0, 'f', 1)
                .arg(slowestName);
        }
    };

    Watchdog() : m_thread([this] { ping(); }) {}
    ~Watchdog()
    {
        m_ending = true;
        m_thread.join();
    }

    void begin() { m_report = {}; }
    const Report &report() const { return m_report; }

    /// Around every delivery, on the GUI thread.
    template <class Deliver> bool watch(QObject *receiver, QEvent *event, Deliver deliver)
    {
        if (m_depth++ > 0) {
            const bool result = deliver();
            --m_depth;
            return result;
        }
        const QString name = QString("%1 gets %2")
                                 .arg(receiver->metaObject()->className(),
                                      QMetaEnum::fromType<QEvent::Type>().valueToKey(event->type()));
        const Span span(m_delay);
        const bool result = deliver();
        --m_depth;
        if (const double took = span.stall(); took > m_report.slowest) {
            m_report.slowest = took;
            m_report.slowestName = name;
        }
        return result;
    }

private:
    using Clock = std::chrono::steady_clock;
    using Milliseconds = std::chrono::duration<double, std::milli>;
    static constexpr std::chrono::milliseconds interval{4};

    struct Span
    {
        explicit Span(const RunDelay &d) : delay(d), begin(Clock::now()), waited(d.now()) {}
        double whole() const { return Milliseconds(Clock::now() - begin).count(); }
        double stall() const { return whole() - Milliseconds(delay.now() - waited).count(); }
        const RunDelay &delay;
        Clock::time_point begin;
        std::chrono::nanoseconds waited;
    };

    void ping()
    {
        while (!m_ending) {
            std::this_thread::sleep_for(interval); // the rate of measuring
            if (m_underWay.exchange(true))
                continue;
            postTo(&m_receiver, [this, span = Span(m_delay)] {
                m_report.withWait = std::max(m_report.withWait, span.whole());
                m_report.stall = std::max(m_report.stall, span.stall());
                m_underWay = false;
            });
        }
    }

    const RunDelay m_delay; ///< of the GUI thread
    QObject m_receiver;
    Report m_report; ///< on the GUI thread
    int m_depth = 0;
    std::atomic<bool> m_underWay{false};
    std::atomic<bool> m_ending{false};
    std::thread m_thread;
};

/// The console's application with a watchdog.
class WatchedApplication final : public QApplication
{
public:
    using QApplication::QApplication;
    bool notify(QObject *receiver, QEvent *event) override
    {
        if (!m_watchdog)
            return QApplication::notify(receiver, event);
        return m_watchdog->watch(receiver, event, [&] { return QApplication::notify(receiver, event); });
    }
    void setWatchdog(Watchdog *watchdog) { m_watchdog = watchdog; }

private:
    Watchdog *m_watchdog = nullptr;
};

} // namespace portolan::ui
