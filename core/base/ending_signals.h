// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <csignal>

namespace portolan {

/// What asks a program to end: SIGTERM, and SIGINT of a terminal's Ctrl+C.
inline sigset_t endingSignals()
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    return ending;
}

/// Within this, the same signal again is the same wish: a supervisor signals the process and its group, a key is
/// pressed twice by mistake.
constexpr std::chrono::milliseconds sameWish{1000};

/// Waits until whoever sent `first` just now does not want to wait any longer, and answers the signal that says so:
/// another one, or the same after `window`. The ending signals are blocked in every thread.
inline int awaitImpatience(int first, std::chrono::milliseconds window = sameWish)
{
    const auto until = std::chrono::steady_clock::now() + window;
    const sigset_t ending = endingSignals();
    for (;;) {
        int again = 0;
        if (sigwait(&ending, &again) == 0 && (again != first || std::chrono::steady_clock::now() >= until))
            return again;
    }
}

} // namespace portolan
