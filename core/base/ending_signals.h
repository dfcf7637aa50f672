#pragma once

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

} // namespace portolan
