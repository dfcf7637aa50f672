// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/visitors.h"

#include "core/base/json.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <curl/curl.h>
#include <pthread.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <stop_token>
#include <thread>

namespace portolan::showcase {
namespace {

constexpr std::array symbols{"AAPL", "MSFT", "GOOG", "AMZN", "NVDA", "TSLA"};
constexpr std::chrono::milliseconds shortestPause{200};
constexpr std::chrono::milliseconds longestPause{800};
constexpr long requestDeadline = 5; ///< s
constexpr std::size_t largestAnswer = 1024 * 1024;

std::size_t append(char *data, std::size_t size, std::size_t count, void *target)
{
    auto &body = *static_cast<std::string *>(target);
    if (body.size() + size * count > largestAnswer)
        return 0;
    body.append(data, size * count);
    return size * count;
}

int givenUp(void *stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
{
    return static_cast<const std::stop_token *>(stop)->stop_requested() ? 1 : 0;
}

} // namespace

class Visitors::Impl
{
public:
    Impl(std::string url, std::vector<Secret> sessions) : m_url(std::move(url)), m_sessions(std::move(sessions))
    {
        if (!m_sessions.empty()) {
            m_thread = std::jthread([this](const std::stop_token &stop) {
                pthread_setname_np(pthread_self(), "visitors");
                visit(stop);
            });
        }
    }

private:
    void visit(const std::stop_token &stop)
    {
        m_stop = stop;
        m_curl.reset(curl_easy_init());
        for (unsigned turn = 0; pause(); ++turn) {
            const Secret &who = m_sessions[pick(m_sessions.size())];
            if (turn % 120 == 20)
                analyse(who);
            else if (turn % 12 == 5)
                request(who, "/api/quotes?symbols=" + std::string(symbols[pick(symbols.size())]));
            else
                request(who, turn % 2 == 0 ? "/auth/csrf" : "/static/portal.js");
        }
    }

    void analyse(const Secret &who)
    {
        boost::system::error_code bad;
        const auto answer = boost::json::parse(request(who, "/auth/csrf"), bad);
        const auto *members = bad ? nullptr : answer.if_object();
        const auto *token = members ? members->if_contains("csrf_token") : nullptr;
        if (!token || !token->is_string())
            return;
        const std::string header = "X-CSRF-Token: " + std::string(token->get_string());
        request(who, "/start-analysis", R"({"symbol":")" + std::string(symbols[pick(symbols.size())]) + R"("})",
                header);
    }

    /// The answer's body; empty when there is none. Whatever the portal says is for its own figures to show.
    std::string request(const Secret &who, const std::string &path, const std::string &body = {},
                        const std::string &header = {})
    {
        CURL *curl = m_curl.get();
        curl_easy_reset(curl); // the connection stays
        std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
            curl_slist_append(nullptr, "Content-Type: application/json"), curl_slist_free_all);
        if (!header.empty())
            curl_slist_append(headers.get(), header.c_str());
        const std::string url = m_url + path;
        const std::string cookie = "sid=" + std::string(who.reveal());
        std::string answer;
        curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
        curl_easy_setopt(curl, CURLOPT_COOKIE, cookie.c_str());
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, requestDeadline);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, givenUp);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &m_stop);
        if (!body.empty()) {
            curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
            curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body.c_str());
        }
        return curl_easy_perform(curl) == CURLE_OK ? answer : std::string();
    }

    bool pause() ///< false: it is over
    {
        std::unique_lock lock(m_mutex);
        const auto length = shortestPause + std::chrono::milliseconds(pick((longestPause - shortestPause).count()));
        m_wake.wait_for(lock, m_stop, length, [] { return false; });
        return !m_stop.stop_requested();
    }

    std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(m_random); }

    const std::string m_url;
    const std::vector<Secret> m_sessions;
    std::minstd_rand m_random;
    std::stop_token m_stop;
    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> m_curl{nullptr, curl_easy_cleanup};
    std::mutex m_mutex;
    std::condition_variable_any m_wake;
    std::jthread m_thread; ///< last: joined first
};

Visitors::Visitors(std::string url, std::vector<Secret> sessions)
    : m_impl(std::make_unique<Impl>(std::move(url), std::move(sessions)))
{}

Visitors::~Visitors() = default;

} // namespace portolan::showcase
