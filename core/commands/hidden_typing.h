// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/secret.h"

#include <termios.h>

#include <csignal>
#include <string>

namespace portolan::commands {

/// Holds back what ends or stops a program from its terminal (Ctrl+C, Ctrl+Z, a window that is closed, kill) on this
/// thread and those it makes meanwhile. With it around the making of threads these never take such a signal, and the
/// thread that asks for a password can put the terminal right first.
class HeldSignals final
{
public:
    HeldSignals();
    ~HeldSignals();
    HeldSignals(const HeldSignals &) = delete;
    HeldSignals &operator=(const HeldSignals &) = delete;

    const sigset_t &held() const { return m_held; }
    void letThrough() const; ///< what came: mostly it ends the program here; otherwise goes on holding

private:
    sigset_t m_held{};
    sigset_t m_before{};
};

/// Asks for passwords on the terminal that is standard input, with prompts on standard error and without showing what
/// is typed. The terminal is as it was when this goes, when a signal ends the program, and while it is stopped.
/// No other thread may take those signals (HeldSignals).
class HiddenTyping final
{
public:
    static bool isPossible(); ///< standard input is a terminal

    HiddenTyping() = default;
    ~HiddenTyping();
    HiddenTyping(const HiddenTyping &) = delete;
    HiddenTyping &operator=(const HiddenTyping &) = delete;

    /// One line, without its end. Invalid: Ctrl+D on an empty line. Unavailable: the terminal cannot hide it.
    Result<Secret> ask(const std::string &prompt);

private:
    bool hide();
    void show();
    Result<Secret> readLine(const std::string &prompt, int signals, std::string &line);

    HeldSignals m_signals;
    termios m_before{};
    bool m_hidden = false;
};

} // namespace portolan::commands
