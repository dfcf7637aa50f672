// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSocketNotifier>
#include <functional>
#include <memory>

namespace portolan::app {

/// SIGINT and SIGTERM as a call on the GUI thread. Another one ends the process (awaitImpatience()): whoever asks again
/// does not want to wait. A terminal's Ctrl+C so stops the portal as closing the window does.
/// Made before any thread, so that all inherit that they are blocked.
class EndingSignals final
{
public:
    EndingSignals();
    ~EndingSignals();
    EndingSignals(const EndingSignals &) = delete;
    EndingSignals &operator=(const EndingSignals &) = delete;

    /// Once there is a QApplication.
    void listen(std::function<void()> ended);

    /// Runs it with the signals as they were: a program that is started in it can be ended by them.
    static void openFor(const std::function<void()> &work);

private:
    int m_descriptor = -1; ///< of signalfd
    std::unique_ptr<QSocketNotifier> m_notifier;
};

} // namespace portolan::app
