// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/ssh_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace portolan::net {

namespace {

constexpr std::size_t longestLine = 8192;
constexpr std::size_t mostRest = 256 * 1024; ///< of what is read after its end: others may hold its pipe
constexpr std::chrono::milliseconds lookEvery{50};
constexpr int reapWithin = 500; ///< milliseconds; a killed process is gone in one

} // namespace

Result<std::shared_ptr<SshProcess>> SshProcess::start(Executor executor, const std::vector<std::string> &arguments,
                                                      std::vector<std::string> environment, OnLine onLine, OnEnd onEnd)
{
    ChildSettings settings;
    settings.environment = std::move(environment);
    settings.folder = "/";
    settings.ownSession = true;
    auto child = ChildProcess::start(arguments, settings);
    if (!child)
        return child.error();
    std::shared_ptr<SshProcess> process(
        new SshProcess(executor, std::move(*child), std::move(onLine), std::move(onEnd)));
    process->begin();
    return process;
}

SshProcess::SshProcess(Executor executor, ChildProcess child, OnLine onLine, OnEnd onEnd)
    : m_child(std::move(child)),
      m_onLine(std::move(onLine)),
      m_onEnd(std::move(onEnd)),
      m_output(executor),
      m_end(executor),
      m_look(executor),
      m_kill(executor)
{}

SshProcess::~SshProcess()
{
    m_child.signalGroup(SIGKILL);
    pollfd end{m_child.ended(), POLLIN, 0};
    if (m_child.running())
        ::poll(&end, 1, reapWithin);
    m_child.running();
}

void SshProcess::begin()
{
    const auto open = [](Descriptor &into, int fd) {
        const int copy = fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
        error_code failed;
        if (copy >= 0)
            into.assign(copy, failed);
        if (failed)
            ::close(copy);
    };
    open(m_output, m_child.output());
    open(m_end, m_child.ended());
    readOutput();
    watchEnd();
}

void SshProcess::stop(std::chrono::milliseconds grace)
{
    if (m_over)
        return;
    m_child.signalGroup(SIGTERM);
    m_kill.expires_after(grace);
    m_kill.async_wait([weak = weak_from_this()](error_code cancelled) {
        const auto self = weak.lock();
        if (self && !cancelled && !self->m_over)
            self->m_child.signalGroup(SIGKILL);
    });
}

void SshProcess::readOutput()
{
    if (!m_output.is_open())
        return;
    m_output.async_wait(Descriptor::wait_read, [weak = weak_from_this()](error_code failed) {
        const auto self = weak.lock();
        if (!self || failed || self->m_over)
            return;
        if (self->take())
            self->readOutput();
    });
}

bool SshProcess::take()
{
    std::array<char, 16384> part;
    ssize_t size = 0;
    do {
        size = ::read(m_output.native_handle(), part.data(), part.size());
    } while (size < 0 && errno == EINTR);
    if (size <= 0)
        return size < 0 && errno == EAGAIN;
    m_partial.append(part.data(), std::size_t(size));
    std::size_t from = 0;
    for (auto end = m_partial.find('\n'); end != std::string::npos; end = m_partial.find('\n', from)) {
        if (m_onLine)
            m_onLine(std::string_view(m_partial).substr(from, end - from));
        from = end + 1;
    }
    m_partial.erase(0, from);
    if (m_partial.size() > longestLine)
        m_partial.clear();
    return true;
}

void SshProcess::watchEnd()
{
    const auto look = [weak = weak_from_this()](error_code failed) {
        const auto self = weak.lock();
        if (!self || failed || self->m_over)
            return;
        if (self->m_child.hasEnded())
            self->ended();
        else
            self->watchEnd();
    };
    if (m_end.is_open()) {
        m_end.async_wait(Descriptor::wait_read, look);
        return;
    }
    m_look.expires_after(lookEvery);
    m_look.async_wait(look);
}

void SshProcess::ended()
{
    m_child.signalGroup(SIGKILL); // what it left behind: the ssh of a jump host
    for (std::size_t round = 0; m_output.is_open() && round < mostRest / 16384; ++round) {
        pollfd ready{m_output.native_handle(), POLLIN, 0};
        if (::poll(&ready, 1, 0) != 1 || !take())
            break;
    }
    m_over = true;
    m_child.running();
    m_kill.cancel();
    error_code ignored;
    m_output.close(ignored);
    const OnEnd onEnd = std::move(m_onEnd);
    m_onLine = nullptr;
    if (onEnd)
        onEnd(m_child.ending());
}

} // namespace portolan::net
