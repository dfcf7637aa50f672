// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/exchanges.h"

#include <curl/curl.h>

#include <algorithm>
#include <new>
#include <utility>

namespace portolan::showcase {
namespace {

constexpr long mostConnections = 16;

std::size_t append(char *data, std::size_t size, std::size_t count, void *target)
{
    auto &body = *static_cast<std::string *>(target);
    body.append(data, std::min(size * count, Exchanges::largestBody - body.size()));
    return size * count; // the rest is read all the same: the connection stays
}

template <class T, void (*release)(T *)> struct Release
{
    void operator()(T *what) const { release(what); }
};
using Easy = std::unique_ptr<CURL, Release<CURL, curl_easy_cleanup>>;
using Headers = std::unique_ptr<curl_slist, Release<curl_slist, curl_slist_free_all>>;

void add(Headers &headers, const std::string &line)
{
    if (auto *longer = curl_slist_append(headers.get(), line.c_str())) {
        (void)headers.release();
        headers.reset(longer);
    }
}

} // namespace

struct Exchanges::Transfer
{
    Transfer() : easy(curl_easy_init()) {}

    Easy easy;
    Headers headers;
    Request request;
    std::string answer;
    bool underWay = false;
};

struct Exchanges::Impl
{
    Impl() : multi(curl_multi_init())
    {
        if (!multi)
            throw std::bad_alloc();
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, mostConnections);
    }
    ~Impl()
    {
        for (const auto &transfer : transfers)
            if (transfer->underWay)
                curl_multi_remove_handle(multi, transfer->easy.get());
        transfers.clear();
        curl_multi_cleanup(multi);
    }
    Impl(const Impl &) = delete;
    Impl &operator=(const Impl &) = delete;

    Transfer &idle();
    static void prepare(Transfer &transfer);
    Answer finish(Transfer &transfer, CURLcode result);

    CURLM *const multi;
    std::vector<std::unique_ptr<Transfer>> transfers; ///< as many as there ever were at once
    std::vector<Answer> unsent;                       ///< requests that could not even be begun
};

Exchanges::Transfer &Exchanges::Impl::idle()
{
    const auto found = std::ranges::find(transfers, false, [](const auto &transfer) { return transfer->underWay; });
    if (found != transfers.end())
        return **found;
    return *transfers.emplace_back(std::make_unique<Transfer>());
}

void Exchanges::Impl::prepare(Transfer &transfer)
{
    CURL *curl = transfer.easy.get();
    const Request &request = transfer.request;
    curl_easy_reset(curl);
    transfer.answer.clear();
    transfer.headers.reset();
    if (request.body)
        add(transfer.headers, "Content-Type: application/json");
    if (!request.token.empty())
        add(transfer.headers, "X-CSRF-Token: " + request.token);
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    if (!request.session.empty()) {
        std::string cookie = std::string("sid=").append(request.session.reveal());
        curl_easy_setopt(curl, CURLOPT_COOKIE, cookie.c_str()); // copied
        wipe(cookie);
    }
    if (!request.from.empty())
        curl_easy_setopt(curl, CURLOPT_INTERFACE, ("host!" + request.from).c_str());
    if (request.body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, long(request.body->size()));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body->c_str());
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer.headers.get());
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, long(deadline.count()));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer.answer);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, &transfer);
}

Exchanges::Answer Exchanges::Impl::finish(Transfer &transfer, CURLcode result)
{
    CURL *curl = transfer.easy.get();
    Answer answer;
    answer.id = transfer.request.id;
    if (result == CURLE_OK) {
        long status = 0;
        curl_off_t retryAfter = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retryAfter);
        answer.outcome.status = int(status);
        if (retryAfter > 0)
            answer.outcome.retryAfter = std::chrono::seconds(retryAfter);
        answer.outcome.body = std::move(transfer.answer);
    }
    curl_multi_remove_handle(multi, curl);
    transfer.underWay = false;
    transfer.request = {};
    return answer;
}

Exchanges::Exchanges() : m_impl(std::make_unique<Impl>()) {}

Exchanges::~Exchanges() = default;

void Exchanges::start(Request request)
{
    Transfer &transfer = m_impl->idle();
    transfer.request = std::move(request);
    if (transfer.easy) {
        Impl::prepare(transfer);
        transfer.underWay = curl_multi_add_handle(m_impl->multi, transfer.easy.get()) == CURLM_OK;
    }
    if (!transfer.underWay)
        m_impl->unsent.push_back({transfer.request.id});
}

std::vector<Exchanges::Answer> Exchanges::wait(std::chrono::milliseconds atMost)
{
    std::vector<Answer> answers = std::exchange(m_impl->unsent, {});
    const auto work = [&] {
        int running = 0;
        curl_multi_perform(m_impl->multi, &running);
        int left = 0;
        while (const CURLMsg *message = curl_multi_info_read(m_impl->multi, &left)) {
            const CURLcode result = message->data.result;
            char *transfer = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            answers.push_back(m_impl->finish(*reinterpret_cast<Transfer *>(transfer), result));
        }
    };
    work(); // starts what was added
    if (answers.empty()) {
        curl_multi_poll(m_impl->multi, nullptr, 0, int(std::max<std::int64_t>(0, atMost.count())), nullptr);
        work();
    }
    return answers;
}

void Exchanges::wake() { curl_multi_wakeup(m_impl->multi); }

} // namespace portolan::showcase
