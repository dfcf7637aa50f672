// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/resolver.h"

#include "core/base/masking.h"
#include "core/base/system_clock.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <netdb.h>
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace portolan {

namespace {

constexpr std::size_t mostKept = 1024;
constexpr std::size_t mostAddresses = 16; ///< of one name
constexpr std::size_t longestName = 253;  ///< RFC 1035, section 2.3.4

Error nameError(ErrorKind kind, const char *code, std::string message, std::string hint, std::string told = {})
{
    return Error{kind, code, std::move(message), std::move(hint), {}, std::chrono::seconds{0}, {}, {}, std::move(told)};
}

Error failed(const std::string &host, int code)
{
    const std::string name = "'" + quotable(host) + "'";
    if (code == EAI_NONAME || code == EAI_NODATA)
        return nameError(
            ErrorKind::Unavailable, "name-unknown", "There is no host of the name " + name + ".",
            "Check how it is spelled, and whether it is known on this machine only through a VPN or tunnel.",
            ::gai_strerror(code));
    const std::string reason = code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code);
    return nameError(ErrorKind::Unavailable, "name-failed",
                     "The name " + name + " cannot be looked up now (" + reason + ").",
                     "Check this machine's network and its name servers (/etc/resolv.conf).", reason);
}

std::optional<asio::ip::address> addressOf(const sockaddr *socket)
{
    if (socket->sa_family == AF_INET) {
        asio::ip::address_v4::bytes_type bytes;
        std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in *>(socket)->sin_addr, bytes.size());
        return asio::ip::address_v4(bytes);
    }
    if (socket->sa_family != AF_INET6)
        return std::nullopt;
    const auto *six = reinterpret_cast<const sockaddr_in6 *>(socket);
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &six->sin6_addr, bytes.size());
    return asio::ip::address_v6(bytes, six->sin6_scope_id);
}

Result<Resolver::Addresses> systemLookUp(const std::string &host)
{
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo *list = nullptr;
    if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0)
        return failed(host, code);
    Resolver::Addresses addresses;
    for (const addrinfo *one = list; one && addresses.size() < mostAddresses; one = one->ai_next) {
        const auto address = addressOf(one->ai_addr);
        if (address && std::ranges::find(addresses, *address) == addresses.end())
            addresses.push_back(*address);
    }
    ::freeaddrinfo(list);
    if (addresses.empty())
        return failed(host, EAI_NONAME);
    return addresses;
}

/// One coroutine that waits. Its timer is touched on its executor's thread only; what it is told, under the mutex.
struct Waiter
{
    explicit Waiter(Executor executor_, SteadyTime deadline) : executor(executor_), timer(executor_, deadline) {}
    Executor executor;
    Timer timer;
    std::optional<Result<Resolver::Addresses>> answer;
};

} // namespace

/// Shared with the threads, which may be at a look-up when the Resolver is gone.
struct Resolver::State : std::enable_shared_from_this<Resolver::State>
{
    explicit State(Options options_) : options(std::move(options_))
    {
        if (!options.lookUp)
            options.lookUp = systemLookUp;
        if (!options.clock)
            options.clock = &system;
    }

    struct Kept
    {
        Result<Addresses> answer;
        SteadyTime until;
    };

    std::optional<Result<Addresses>> join(const std::string &host, const std::shared_ptr<Waiter> &waiter);
    void leave(const std::string &host, const std::shared_ptr<Waiter> &waiter);
    bool start(const std::string &host);
    void work(std::string host);
    std::optional<std::string> answered(const std::string &host, Result<Addresses> answer);
    void keep(const std::string &host, const Result<Addresses> &answer);

    Options options;
    SystemClock system;
    std::mutex mutex;
    bool ended = false;
    unsigned running = 0;            ///< threads, each at a look-up
    std::deque<std::string> waiting; ///< for a thread
    /// Names that are looked up or wait for it, with who asks. Empty: nobody does any longer.
    std::map<std::string, std::vector<std::shared_ptr<Waiter>>> asked;
    std::map<std::string, Kept> kept;
};

/// The answer, where there is one already, or none can be had.
std::optional<Result<Resolver::Addresses>> Resolver::State::join(const std::string &host,
                                                                 const std::shared_ptr<Waiter> &waiter)
{
    const std::lock_guard lock(mutex);
    if (ended)
        return failure(ErrorKind::Cancelled, "Names are looked up no longer.");
    if (const auto found = kept.find(host); found != kept.end() && options.clock->steady() < found->second.until)
        return found->second.answer;
    if (const auto found = asked.find(host); found != asked.end()) {
        found->second.push_back(waiter);
        return std::nullopt;
    }
    if (running >= options.threads && waiting.size() >= options.waiting)
        return nameError(ErrorKind::Unavailable, "name-busy", "Too many host names are being looked up.",
                         "Check this machine's name servers (/etc/resolv.conf): they hardly answer.");
    if (running >= options.threads)
        waiting.push_back(host);
    else if (!start(host))
        return nameError(ErrorKind::Unavailable, "name-busy", "This machine has no thread left to look up a host name.",
                         "It has reached a bound of its own (ulimit -u, pids.max).");
    asked[host].push_back(waiter);
    return std::nullopt;
}

void Resolver::State::leave(const std::string &host, const std::shared_ptr<Waiter> &waiter)
{
    const std::lock_guard lock(mutex);
    if (const auto found = asked.find(host); found != asked.end())
        std::erase(found->second, waiter);
}

/// Under the mutex. A thread lasts as long as there are names: look-ups are rare, and may hang.
bool Resolver::State::start(const std::string &host)
{
    try {
        std::thread([self = shared_from_this(), host] {
            pthread_setname_np(pthread_self(), "resolver");
            self->work(host);
        }).detach();
    } catch (const std::system_error &) {
        return false;
    }
    ++running;
    return true;
}

void Resolver::State::work(std::string host)
{
    for (std::optional<std::string> next = std::move(host); next;) {
        auto answer = options.lookUp(*next);
        next = answered(*next, std::move(answer));
    }
}

/// Tells who waits, and answers the next name for this thread, if there is one.
std::optional<std::string> Resolver::State::answered(const std::string &host, Result<Addresses> answer)
{
    const std::lock_guard lock(mutex);
    if (ended)
        return std::nullopt;
    keep(host, answer);
    for (const auto &waiter : asked[host]) {
        waiter->answer = answer;
        asio::post(waiter->executor, [waiter] { waiter->timer.cancel(); });
    }
    asked.erase(host);
    while (!waiting.empty()) {
        std::string next = std::move(waiting.front());
        waiting.pop_front();
        if (!asked[next].empty())
            return next;
        asked.erase(next); // whoever asked has gone
    }
    --running;
    return std::nullopt;
}

/// Under the mutex.
void Resolver::State::keep(const std::string &host, const Result<Addresses> &answer)
{
    const SteadyTime now = options.clock->steady();
    std::erase_if(kept, [&](const auto &one) { return one.second.until <= now; });
    if (kept.size() < mostKept)
        kept.insert_or_assign(host, Kept{answer, now + (answer ? options.keepFound : options.keepFailed)});
}

Resolver::Resolver() : Resolver(Options{}) {}

Resolver::Resolver(Options options) : m_state(std::make_shared<State>(std::move(options))) {}

Resolver::~Resolver()
{
    const std::lock_guard lock(m_state->mutex);
    m_state->ended = true;
    for (const auto &[host, waiters] : m_state->asked)
        for (const auto &waiter : waiters) {
            waiter->answer = failure(ErrorKind::Cancelled, "Names are looked up no longer.");
            asio::post(waiter->executor, [waiter] { waiter->timer.cancel(); });
        }
    m_state->asked.clear();
}

awaitable<Result<Resolver::Addresses>> Resolver::resolve(std::string host, SteadyTime deadline)
{
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    error_code noAddress;
    if (const auto address = asio::ip::make_address(host, noAddress); !noAddress)
        co_return Addresses{address};
    if (host.empty() || host.size() > longestName + 1 || host.find('\0') != host.npos)
        co_return nameError(ErrorKind::Invalid, "name-invalid", "'" + quotable(host) + "' is no host name.",
                            "Write a name or an address.");
    // The frame alone owns the place in the list: when it is destroyed unfinished, nobody posts to its executor again.
    struct Place
    {
        std::shared_ptr<State> state;
        std::string host;
        std::shared_ptr<Waiter> waiter;
        ~Place() { state->leave(host, waiter); }
    };
    const auto executor = co_await asio::this_coro::executor;
    const Place place{m_state, host, std::make_shared<Waiter>(executor, deadline)};
    const auto &waiter = place.waiter;
    if (auto answer = place.state->join(host, waiter))
        co_return std::move(*answer);
    error_code cancelled;
    co_await waiter->timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
    const std::lock_guard lock(place.state->mutex);
    if (waiter->answer)
        co_return *waiter->answer;
    co_return nameError(ErrorKind::Timeout, "name-timeout", "The name '" + quotable(host) + "' was not found in time.",
                        "Check this machine's name servers (/etc/resolv.conf), or write the address itself.",
                        ::gai_strerror(EAI_AGAIN));
}

} // namespace portolan
