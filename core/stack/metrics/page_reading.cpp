// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/page_reading.h"

#include "core/net/coded.h"

#include <array>
#include <charconv>
#include <utility>

namespace portolan::stack {

namespace {

using telemetry::PrometheusReader;
using telemetry::PrometheusSample;

/// What a page becomes while it comes.
struct Reading
{
    explicit Reading(std::shared_ptr<const SeriesMaps> of)
        : maps(std::move(of)),
          reader([this](std::string_view name) { return wants(*maps, name); },
                 [this](PrometheusSample sample) { page.samples.push_back(std::move(sample)); })
    {}
    const std::shared_ptr<const SeriesMaps> maps;
    MetricsPage page;
    PrometheusReader reader;
    std::optional<Error> error;

    bool take(std::string_view piece)
    {
        page.bytes += piece.size();
        if (const auto taken = reader.feed(piece); !taken)
            error = taken.error();
        return !error;
    }
};

template <class Number> bool readNumber(std::string_view text, Number &number)
{
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failed == std::errc() && end == text.data() + text.size();
}

} // namespace

std::optional<double> dateOf(const net::Headers &headers)
{
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto text = net::header(headers, "Date"); // "Sun, 06 Nov 1994 08:49:37 GMT"
    if (text.size() != 29 || !text.ends_with(" GMT"))
        return std::nullopt;
    unsigned day = 0, hour = 0, minute = 0, second = 0;
    int year = 0;
    const auto *const month = std::ranges::find(months, text.substr(8, 3));
    if (month == months.end() || !readNumber(text.substr(5, 2), day) || !readNumber(text.substr(12, 4), year) ||
        !readNumber(text.substr(17, 2), hour) || !readNumber(text.substr(20, 2), minute) ||
        !readNumber(text.substr(23, 2), second))
        return std::nullopt;
    const std::chrono::year_month_day date(
        std::chrono::year(year), std::chrono::month(unsigned(month - months.begin()) + 1), std::chrono::day(day));
    if (!date.ok() || hour > 23 || minute > 59 || second > 60)
        return std::nullopt;
    const auto days = std::chrono::sys_days(date).time_since_epoch().count();
    return double(days) * 86'400 + hour * 3600.0 + minute * 60.0 + second;
}

Error statusError(const net::HttpUrl &url, unsigned status)
{
    const std::string code = std::to_string(status);
    const std::string where = url.origin.display();
    if (status == 401 || status == 403)
        return aboutThat(net::coded(ErrorKind::Unauthenticated, "metrics-refused",
                                    where + " does not let us read its metrics (" + code + ").",
                                    "Name the token, or the user and the password, it asks for."),
                         where, code);
    return aboutThat(net::coded(ErrorKind::Protocol, "metrics-status",
                                where + " answers " + code + " where its metrics should be.",
                                "Check that the address is that of the metrics page."),
                     where, code);
}

awaitable<Result<MetricsPage>> readPage(PageRequest request)
{
    const auto reading = std::make_shared<Reading>(request.maps);
    const auto client = std::make_shared<net::HttpClient>(request.executor, request.dialer, request.tls,
                                                          request.url.origin, net::HttpLimits{});
    net::HttpRequest asked;
    asked.target = request.url.target;
    asked.headers = request.headers;
    asked.headers.push_back({"Accept", "text/plain;version=0.0.4"});
    asked.deadline = request.deadline;
    asked.most = std::size_t{1} << 40; // the reader's bound comes first, and says which it is
    asked.redirects = 3;
    std::function<bool(std::string_view)> piece = [reading](std::string_view bytes) { return reading->take(bytes); };
    const auto answer = co_await client->read(std::move(asked), std::move(piece));
    client->close();
    if (reading->error)
        co_return aboutThat(*reading->error, request.url.origin.display());
    if (!answer)
        co_return aboutThat(answer.error(), request.url.origin.display(), answer.error().told);
    if (answer->status / 100 != 2)
        co_return statusError(request.url, answer->status);
    if (const auto ended = reading->reader.end(); !ended)
        co_return aboutThat(ended.error(), request.url.origin.display());
    reading->page.far = dateOf(answer->headers);
    co_return std::move(reading->page);
}

} // namespace portolan::stack
