// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/hidden_typing.h"

#include "core/base/given_text.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <utility>

namespace portolan::commands {

namespace {

constexpr std::size_t longestLine = 4096; ///< as a terminal's own lines

Error cannotHide()
{
    return failure(ErrorKind::Unavailable, "This terminal shows what is typed, and cannot be told not to.",
                   "Pipe the password in.");
}

} // namespace

HeldSignals::HeldSignals()
{
    sigemptyset(&m_held);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE})
        sigaddset(&m_held, signal);
    pthread_sigmask(SIG_BLOCK, &m_held, &m_before);
}

HeldSignals::~HeldSignals() { pthread_sigmask(SIG_SETMASK, &m_before, nullptr); }

void HeldSignals::letThrough() const
{
    pthread_sigmask(SIG_SETMASK, &m_before, nullptr);
    pthread_sigmask(SIG_BLOCK, &m_held, nullptr);
}

bool HiddenTyping::isPossible() { return isatty(STDIN_FILENO) == 1; }

HiddenTyping::~HiddenTyping() { show(); }

bool HiddenTyping::hide()
{
    if (m_hidden)
        return true;
    if (tcgetattr(STDIN_FILENO, &m_before) != 0)
        return false;
    termios hidden = m_before;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    hidden.c_lflag |= ICANON | ISIG | ECHONL; // lines, Ctrl+C, and the end of a line is seen
    m_hidden = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
    return m_hidden;
}

void HiddenTyping::show()
{
    if (m_hidden) // with what was typed and not read: a shell would show it
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &m_before);
    m_hidden = false;
}

Result<Secret> HiddenTyping::ask(const std::string &prompt)
{
    const int signals = ::signalfd(-1, &m_signals.held(), SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return cannotHide();
    std::string line;
    line.reserve(longestLine); // never moved, so that no part of it is left behind
    auto answer = readLine(prompt, signals, line);
    wipe(line);
    ::close(signals);
    return answer;
}

Result<Secret> HiddenTyping::readLine(const std::string &prompt, int signals, std::string &line)
{
    for (bool asked = false;;) {
        if (!hide())
            return cannotHide();
        if (!std::exchange(asked, true))
            std::cerr << prompt << std::flush;
        std::array<pollfd, 2> ready{pollfd{signals, POLLIN, 0}, pollfd{STDIN_FILENO, POLLIN, 0}};
        if (::poll(ready.data(), ready.size(), -1) < 0) {
            if (errno == EINTR)
                continue;
            return cannotHide();
        }
        if (ready[0].revents != 0) {
            show();
            std::cerr << std::endl;
            m_signals.letThrough();
            asked = false; // it was stopped, and goes on
            wipe(line);
            continue;
        }
        std::array<char, 256> typed{};
        const auto size = ::read(STDIN_FILENO, typed.data(), std::min(typed.size(), longestLine - line.size()));
        if (size < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (size > 0)
            line.append(typed.data(), static_cast<std::size_t>(size));
        explicit_bzero(typed.data(), typed.size());
        if (size <= 0 && line.empty()) {
            std::cerr << std::endl;
            return failure(ErrorKind::Invalid, "No password was typed.");
        }
        if (size <= 0 || line.ends_with('\n') || line.size() == longestLine)
            return Secret(withoutLineEnd(line));
    }
}

} // namespace portolan::commands
