// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/prometheus_server.h"

#include "core/base/json.h"
#include "core/net/coded.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace portolan::stack {

/// An instant vector, and the evaluation's error.
struct PrometheusSeries
{
    std::map<std::string, std::string> metric;
    boost::json::array value; ///< [1435781451.781, "1.5"]
};
BOOST_DESCRIBE_STRUCT(PrometheusSeries, (), (metric, value))

struct PrometheusData
{
    std::vector<PrometheusSeries> result;
};
BOOST_DESCRIBE_STRUCT(PrometheusData, (), (result))

struct PrometheusAnswer
{
    std::string status;
    std::optional<PrometheusData> data;
};
BOOST_DESCRIBE_STRUCT(PrometheusAnswer, (), (status, data))

namespace {

using telemetry::PrometheusSample;

constexpr std::size_t mostBytes = 4 * 1024 * 1024;
constexpr std::size_t mostSamples = 5'000;

Error malformed(std::string_view why)
{
    return net::coded(ErrorKind::Protocol, "metrics-malformed",
                      "The answer is none of a Prometheus server: " + std::string(why) + ".",
                      "Check that the address is that of a Prometheus server.");
}

/// RFC 3986, all but the unreserved.
std::string escaped(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            result += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        result.append({'%', digits[byte >> 4U], digits[byte & 15U]});
    }
    return result;
}

std::optional<double> valueOf(const boost::json::value &value)
{
    if (const auto *number = value.if_double())
        return *number;
    if (const auto *number = value.if_int64())
        return double(*number);
    const auto *text = value.if_string();
    if (!text)
        return std::nullopt;
    if (*text == "NaN")
        return std::numeric_limits<double>::quiet_NaN();
    if (*text == "+Inf")
        return std::numeric_limits<double>::infinity();
    if (*text == "-Inf")
        return -std::numeric_limits<double>::infinity();
    double number = 0;
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (failed != std::errc() || end != text->data() + text->size())
        return std::nullopt;
    return number;
}

/// A selector with one more matcher, of names; one that names a metric itself may have no other.
std::string selectorWith(std::string_view match, const std::string &names)
{
    const auto brace = match.find('{');
    const auto end = match.rfind('}');
    if (brace == match.npos || end == match.npos || match.find_first_not_of(' ') != brace)
        return std::string(match);
    std::string_view inside = match.substr(brace, end - brace);
    while (inside.ends_with(' '))
        inside.remove_suffix(1);
    std::string selector(inside);
    if (!inside.ends_with('{') && !inside.ends_with(','))
        selector += ',';
    return selector.append("__name__=~\"").append(names).append("\"}");
}

std::string targetOf(const net::HttpUrl &url, std::string_view path, std::string_view query)
{
    std::string base = url.target.substr(0, url.target.find('?'));
    while (base.ends_with('/'))
        base.pop_back();
    return base.append(path).append("?").append(query);
}

std::string secondsText(double seconds)
{
    char text[64];
    const auto written = std::to_chars(text, text + sizeof text, seconds, std::chars_format::fixed, 3);
    return {text, written.ptr};
}

awaitable<Result<std::string>> query(const std::shared_ptr<net::HttpClient> &client, const PageRequest &request,
                                     std::string target, SteadyTime until)
{
    net::HttpRequest asked;
    asked.target = std::move(target);
    asked.headers = request.headers;
    asked.deadline = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    asked.most = mostBytes;
    auto answer = co_await client->send(std::move(asked));
    if (!answer)
        co_return aboutThat(answer.error(), request.url.origin.display(), answer.error().told);
    if (answer->status / 100 != 2)
        co_return statusError(request.url, answer->status);
    co_return std::move(answer->body);
}

/// When the server read each series of requests: `timestamp()` of a vector, which leaves the names out.
struct ReadTimes
{
    double now = 0;
    std::map<std::map<std::string, std::string>, double> of; ///< by labels
};

Result<std::optional<ReadTimes>> readTimes(const std::string &body)
{
    const auto answer = readJson<PrometheusAnswer>(body, JsonMode::Lenient);
    if (!answer || answer->status != "success" || !answer->data)
        return malformed("it says no success");
    if (answer->data->result.empty()) // there is no such series now
        return std::optional<ReadTimes>();
    ReadTimes times;
    for (const PrometheusSeries &series : answer->data->result) {
        const auto now = series.value.size() == 2 ? valueOf(series.value[0]) : std::nullopt;
        const auto read = series.value.size() == 2 ? valueOf(series.value[1]) : std::nullopt;
        if (!now || !read || !std::isfinite(*now) || !std::isfinite(*read))
            return malformed("it has no time");
        times.now = *now;
        times.of.emplace(series.metric, *read);
    }
    return std::optional(std::move(times));
}

/// Two queries of the same time: when its series were read, and what they were.
awaitable<Result<MetricsPage>> readQueried(PageRequest request, std::string match)
{
    const SteadyTime until = std::chrono::steady_clock::now() + request.deadline;
    const auto client = std::make_shared<net::HttpClient>(request.executor, request.dialer, request.tls,
                                                          request.url.origin, net::HttpLimits{});
    std::string names;
    for (const SeriesMap &map : *request.maps)
        names.append(names.empty() ? "" : "|").append(map.requestsName());
    std::string target =
        targetOf(request.url, "/api/v1/query", "query=" + escaped("timestamp(" + selectorWith(match, names) + ")"));
    const auto first = co_await query(client, request, std::move(target), until);
    if (!first)
        co_return first.error();
    const auto times = readTimes(*first);
    if (!times)
        co_return times.error();
    MetricsPage none;
    none.server = true;
    if (!*times)
        co_return none;
    target = targetOf(request.url, "/api/v1/query",
                      "query=" + escaped(selectorOf(match, *request.maps)) + "&time=" + secondsText((*times)->now));
    const auto second = co_await query(client, request, std::move(target), until);
    client->close();
    if (!second)
        co_return second.error();
    auto read = readQueryAnswer(*second, *request.maps);
    if (!read)
        co_return read.error();
    for (PrometheusSample &sample : read->samples) {
        std::map<std::string, std::string> labels;
        for (const auto &label : sample.labels)
            labels.emplace(label.name, label.value);
        const auto found = (*times)->of.find(labels);
        if (found != (*times)->of.end())
            sample.time = found->second;
    }
    read->far = (*times)->now;
    co_return std::move(*read);
}

} // namespace

std::string selectorOf(std::string_view match, const SeriesMaps &maps)
{
    std::string names;
    for (const SeriesMap &map : maps)
        names.append(names.empty() ? "" : "|").append(map.pattern());
    return selectorWith(match, names);
}

Result<MetricsPage> readQueryAnswer(const std::string &body, const SeriesMaps &maps)
{
    const auto answer = readJson<PrometheusAnswer>(body, JsonMode::Lenient);
    if (!answer)
        return malformed("it is no JSON of theirs");
    if (answer->status != "success" || !answer->data)
        return malformed("it says no success");
    MetricsPage page;
    page.server = true;
    page.bytes = body.size();
    for (const PrometheusSeries &series : answer->data->result) {
        PrometheusSample sample;
        for (const auto &[name, value] : series.metric) {
            if (name == "__name__")
                sample.name = value;
            else
                sample.labels.push_back({name, value});
        }
        if (!wants(maps, sample.name))
            continue;
        if (page.samples.size() >= mostSamples)
            return net::coded(ErrorKind::TooLarge, "metrics-too-large", "The server has more than 5000 such series.",
                              "Select fewer with match.");
        const auto value = series.value.size() == 2 ? valueOf(series.value[1]) : std::nullopt;
        if (!value)
            return malformed("a series has no value");
        sample.value = *value;
        page.samples.push_back(std::move(sample));
    }
    return page;
}

awaitable<Result<MetricsPage>> readServer(PageRequest request, std::string match, ServerWay way)
{
    if (way == ServerWay::Query)
        co_return co_await readQueried(std::move(request), std::move(match));
    const std::string selector = selectorOf(match, *request.maps);
    request.url.target = targetOf(request.url, "/federate", "match%5B%5D=" + escaped(selector));
    auto page = co_await readPage(std::move(request));
    if (page)
        page->server = true;
    co_return page;
}

bool mayBeQueried(const Error &error) { return error.told == "403" || error.told == "404" || error.told == "405"; }

} // namespace portolan::stack
