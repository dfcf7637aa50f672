// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ending_signals.h"

#include "core/base/ending_signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

namespace portolan::app {

namespace {

/// As the signal ends a program that does not listen to it.
[[noreturn]] void endBy(int signal)
{
    std::signal(signal, SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
    std::raise(signal);
    std::_Exit(128 + signal);
}

} // namespace

EndingSignals::EndingSignals()
{
    const sigset_t ending = endingSignals();
    pthread_sigmask(SIG_BLOCK, &ending, nullptr);
    m_descriptor = ::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
}

EndingSignals::~EndingSignals()
{
    m_notifier.reset();
    if (m_descriptor >= 0)
        ::close(m_descriptor);
}

void EndingSignals::openFor(const std::function<void()> &work)
{
    const sigset_t ending = endingSignals();
    pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
    work();
    pthread_sigmask(SIG_BLOCK, &ending, nullptr);
}

void EndingSignals::listen(std::function<void()> ended)
{
    if (m_descriptor < 0)
        return;
    m_notifier = std::make_unique<QSocketNotifier>(m_descriptor, QSocketNotifier::Read);
    QObject::connect(m_notifier.get(), &QSocketNotifier::activated, m_notifier.get(), [this, ended = std::move(ended)] {
        signalfd_siginfo which{};
        if (::read(m_descriptor, &which, sizeof which) != sizeof which)
            return;
        m_notifier->setEnabled(false);
        // In a thread of its own: this one may hang in what ends the program.
        std::thread([first = static_cast<int>(which.ssi_signo)] { endBy(awaitImpatience(first)); }).detach();
        ended();
    });
}

} // namespace portolan::app
