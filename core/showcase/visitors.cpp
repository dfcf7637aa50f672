// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/visitors.h"

#include "core/base/asio.h"
#include "core/base/url_text.h"
#include "core/showcase/exchanges.h"

#include <boost/asio/ip/address_v4.hpp>

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

namespace portolan::showcase {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds longestSleep{60'000};
constexpr unsigned firstMembers = 11; ///< members are at 127.0.0.11 and up
constexpr auto strangers = "127.0.0.10";

/// Where outcomes of other threads wait for the visitors'.
struct Inbox
{
    std::mutex mutex;
    std::vector<std::pair<Errand, Outcome>> told;
    Exchanges *exchanges = nullptr; ///< to wake; null: the visitors are gone
};

} // namespace

class Visitors::Impl
{
public:
    Impl(Options options, const Clock &clock)
        : m_options(std::move(options)),
          m_clock(clock),
          m_own(hasOwnAddresses(m_options.url)),
          m_rota(m_options.habits, {m_options.sessions.size(), m_own, bool(m_options.queue)}, clock, m_options.seed)
    {
        m_inbox->exchanges = &m_exchanges;
        m_thread = std::jthread([this](const std::stop_token &stop) {
            pthread_setname_np(pthread_self(), "visitors");
            run(stop);
        });
    }
    ~Impl()
    {
        m_thread.request_stop();
        m_exchanges.wake();
        m_thread.join();
        const std::lock_guard lock(m_inbox->mutex);
        m_inbox->exchanges = nullptr;
    }
    Impl(const Impl &) = delete;
    Impl &operator=(const Impl &) = delete;

private:
    void run(const std::stop_token &stop)
    {
        while (!stop.stop_requested()) {
            while (auto errand = m_rota.take())
                begin(std::move(*errand));
            for (auto &answer : m_exchanges.wait(pause())) {
                const auto found = m_underWay.find(answer.id);
                if (found == m_underWay.end())
                    continue;
                m_rota.done(found->second, answer.outcome);
                m_underWay.erase(found);
            }
            takeTold();
        }
    }

    milliseconds pause() const
    {
        const auto next = m_rota.next();
        if (!next)
            return longestSleep;
        const auto left = std::chrono::ceil<milliseconds>(*next - m_clock.steady());
        return std::clamp(left, milliseconds(0), longestSleep);
    }

    void begin(Errand errand)
    {
        if (errand.kind == StepKind::Task || errand.kind == StepKind::Keep) {
            m_options.queue(errand, [inbox = m_inbox, errand](Outcome outcome) {
                const std::lock_guard lock(inbox->mutex);
                if (!inbox->exchanges)
                    return;
                inbox->told.emplace_back(errand, std::move(outcome));
                inbox->exchanges->wake();
            });
            return;
        }
        Exchanges::Request request;
        request.id = errand.serial;
        request.url = m_options.url + errand.target;
        if (errand.kind == StepKind::Post)
            request.body = errand.body;
        if (errand.member)
            request.session = m_options.sessions[*errand.member];
        request.token = errand.token;
        if (m_own && errand.who == Who::Stranger)
            request.from = strangers;
        else if (m_own && errand.member)
            request.from = "127.0.0." + std::to_string(firstMembers + *errand.member % 200);
        m_exchanges.start(std::move(request));
        m_underWay.emplace(errand.serial, std::move(errand));
    }

    void takeTold()
    {
        std::vector<std::pair<Errand, Outcome>> told;
        {
            const std::lock_guard lock(m_inbox->mutex);
            told.swap(m_inbox->told);
        }
        for (const auto &[errand, outcome] : told)
            m_rota.done(errand, outcome);
    }

    const Options m_options;
    const Clock &m_clock;
    const bool m_own;
    Rota m_rota;
    Exchanges m_exchanges;
    const std::shared_ptr<Inbox> m_inbox = std::make_shared<Inbox>();
    std::map<std::uint64_t, Errand> m_underWay; ///< requests, by serial
    std::jthread m_thread;
};

Visitors::Visitors(Options options, const Clock &clock) : m_impl(std::make_unique<Impl>(std::move(options), clock)) {}

Visitors::~Visitors() = default;

bool hasOwnAddresses(std::string_view url)
{
    const std::string_view end = hostAndPort(url);
    error_code none;
    const auto host = asio::ip::make_address_v4(end.substr(0, end.find(':')), none);
    return !none && (host.is_loopback() || host.is_unspecified());
}

} // namespace portolan::showcase
