// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/watch_text.h"

namespace portolan::connect {

namespace {

constexpr std::size_t longestName = 48;

std::string tomlText(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string made = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            made.append(1, '\\').append(1, c);
        else if ((unsigned char)(c) < 0x20 || c == 0x7F)
            made.append("\\u00").append(1, digits[(unsigned char)(c) >> 4]).append(1, digits[c & 15]);
        else
            made += c;
    }
    return made + '"';
}

class Writer final
{
public:
    void table(std::string_view name) { m_text.append(m_text.empty() ? "" : "\n").append(name).append("\n"); }
    /// Nothing where there is no value.
    void text(std::string_view key, std::string_view value)
    {
        if (!value.empty())
            plain(key, tomlText(value));
    }
    void plain(std::string_view key, std::string_view value)
    {
        m_text.append(key).append(" = ").append(value).append("\n");
    }
    void list(std::string_view key, const std::vector<std::string> &items)
    {
        std::string all;
        for (const auto &item : items)
            all.append(all.empty() ? "" : ", ").append(item);
        plain(key, '[' + all + ']');
    }
    std::string take() { return std::move(m_text); }

private:
    std::string m_text;
};

void writeRedis(Writer &writer, const WatchedStack &stack)
{
    const RedisAddress &redis = *stack.redis;
    writer.table("[redis]");
    writer.text("url", redis.url());
    writer.text("password", stack.redisPassword);
    const TrustSpec &trust = redis.endpoint.trust;
    writer.text(trust.roots == Roots::Pin ? "pin" : "ca", trust.value);
    writer.text("server_name", trust.serverName);
    writer.text("certificate", trust.clientCertificate);
    writer.text("key", trust.clientKey);
    if (!redis.sentinel)
        return;
    writer.table("[redis.sentinel]");
    std::vector<std::string> names;
    for (const auto &[host, port] : redis.sentinel->names)
        names.push_back(tomlText((host.find(':') == host.npos ? host : '[' + host + ']') + ':' + std::to_string(port)));
    writer.list("names", names);
    writer.text("master", redis.sentinel->master);
}

void writeCelery(Writer &writer, const WatchedStack &stack)
{
    writer.table("[celery]");
    if (stack.results) {
        writer.text("result_url", stack.results->url());
        writer.text("result_password", stack.resultsPassword);
        writer.text("result_ca", stack.results->endpoint.trust.value);
    }
    writer.text("prefix", stack.celery->prefix);
    writer.text("result_prefix", stack.celery->resultPrefix);
    writer.text("separator", stack.celery->separator);
    std::vector<std::string> steps;
    for (const auto step : stack.celery->steps)
        steps.push_back(std::to_string(step));
    if (!steps.empty())
        writer.list("steps", steps);
    if (const auto seconds = stack.celery->visibilitySeconds; seconds > 0)
        writer.text("visibility_timeout", std::to_string(seconds) + 's');
}

} // namespace

std::string watchText(const WatchedStack &stack)
{
    Writer writer;
    writer.text("name", stack.name);
    if (stack.production)
        writer.plain("production", "true");
    if (stack.redis)
        writeRedis(writer, stack);
    if (stack.redis && stack.celery)
        writeCelery(writer, stack);
    if (!stack.databaseUrl.empty()) {
        writer.table("[postgresql]");
        writer.text("url", stack.databaseUrl);
        writer.text("password", stack.databasePassword);
    }
    for (const auto &metrics : stack.metrics) {
        writer.table("[[metrics]]");
        writer.text("url", metrics.url);
        writer.text("map", metrics.map);
    }
    for (const auto &probe : stack.probes) {
        writer.table("[[probe]]");
        writer.text("url", probe);
    }
    return writer.take();
}

std::string deploymentName(std::string_view text)
{
    std::string made;
    for (const char c : text) {
        const char small = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
        const bool fits = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9');
        if (fits && made.size() < longestName)
            made += small;
        else if (!made.empty() && made.back() != '-' && made.size() < longestName)
            made += '-';
    }
    while (made.ends_with('-'))
        made.pop_back();
    return made.empty() ? "stack" : made;
}

} // namespace portolan::connect
