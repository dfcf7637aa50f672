// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/given_text.h"
#include "core/base/json.h"
#include "core/base/masking.h"
#include "core/base/system_clock.h"
#include "core/commands/commands.h"
#include "core/commands/local_get.h"
#include "core/commands/report.h"
#include "core/commands/status_text.h"
#include "core/server/environment.h"

#include <curl/curl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>

namespace portolan::commands {
namespace {

constexpr std::chrono::seconds deadline{5};
constexpr std::size_t largestAnswer = 64 * 1024 * 1024;

std::size_t append(char *data, std::size_t size, std::size_t count, void *target)
{
    auto &body = *static_cast<std::string *>(target);
    if (body.size() + size * count > largestAnswer)
        return 0;
    body.append(data, size * count);
    return size * count;
}

Result<std::string> getFromUrl(const std::string &url, const Secret &token)
{
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
    const std::string authorization = "Authorization: Bearer " + std::string(token.reveal());
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
        curl_slist_append(nullptr, authorization.c_str()), curl_slist_free_all);
    std::string place = url;
    while (place.ends_with('/'))
        place.pop_back();
    const std::string address = place + "/api/admin/snapshot";
    const std::string base = quotable(place);
    std::string body;
    curl_easy_setopt(curl.get(), CURLOPT_URL, address.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, static_cast<long>(deadline.count()));
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
    const auto outcome = curl_easy_perform(curl.get());
    if (outcome != CURLE_OK)
        return failure(ErrorKind::Unavailable,
                       "No portal answers at " + base + ": " + curl_easy_strerror(outcome) + ".",
                       "Is the address right, and does it serve?");
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status == 401 || status == 403)
        return failure(ErrorKind::Unauthenticated,
                       token.empty() ? base + " wants a token, and PORTAL_TOKEN is not set."
                                     : base + " refuses the token in PORTAL_TOKEN.",
                       "Set PORTAL_TOKEN to what `portoland token add NAME --role operator` prints there.");
    if (status != 200)
        return failure(ErrorKind::Protocol, base + " answered " + std::to_string(status) + ".");
    return body;
}

Result<std::string> fetch(const Settings &settings, const std::string &url)
{
    if (url.empty())
        return getFromLocalSocket(server::controlSocketPath(settings).string(), "/api/admin/snapshot", deadline);
    return getFromUrl(url, settings.secret("portal.token"));
}

StatusStyle style()
{
    StatusStyle style;
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        style.width = size.ws_col;
    else if (!isatty(STDOUT_FILENO))
        style.width = 1000; // into a file or a pipe: nothing is cut off
    style.colour = isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
    return style;
}

} // namespace

int status(const SettingSources &sources, const StatusRequest &request)
{
    const auto settings = Settings::load(sources);
    if (!settings)
        return report(settings.error());
    const bool redraw = request.watch && !request.json && isatty(STDOUT_FILENO);
    const SystemClock clock;
    auto next = clock.steady();
    for (;;) {
        const auto text = fetch(*settings, request.url);
        const auto snapshot = text ? readJson<Snapshot>(*text, JsonMode::Lenient) : Result<Snapshot>(text.error());
        if (redraw)
            std::cout << "\x1b[H\x1b[2J"; // the cursor home, then clear: no scrolling, nothing flickers
        if (!request.heading.empty() && !request.json)
            std::cout << visible(request.heading) << std::endl;
        if (!snapshot) {
            if (!request.watch)
                return report(snapshot.error()) == 2 ? 2 : 1;
            std::cerr << "portoland: " << snapshot.error().message << std::endl;
        } else if (request.json) {
            std::cout << *text << std::endl;
        } else {
            std::cout << statusText(*snapshot, style()) << std::flush;
        }
        if (const int failed = outputWritten(); failed || !request.watch)
            return failed;
        next += std::chrono::seconds(1);
        std::this_thread::sleep_until(next);
    }
}

} // namespace portolan::commands
