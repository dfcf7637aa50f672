// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/realtime.h"

#include "core/base/json.h"
#include "core/base/json_numbers.h"
#include "core/base/time_format.h"
#include "core/base/utf8.h"
#include "core/http/message.h"
#include "core/http/public_words.h"
#include "core/http/websocket.h"

#include <boost/json/serialize.hpp>

#include <vector>

namespace portolan::portal {
namespace {

/// What a client may say; exactly one member is meant.
struct ClientMessage
{
    std::vector<std::string> subscribe;
    std::vector<std::string> unsubscribe;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(ClientMessage, (), (subscribe, unsubscribe))

std::shared_ptr<const std::string> shared(boost::json::object message)
{
    return std::make_shared<const std::string>(jsonText(std::move(message)));
}

} // namespace

/// Lives on its socket's executor.
struct Realtime::Connection
{
    std::shared_ptr<http::WebSocket> socket;
    Principal principal;
    std::map<std::string, std::shared_ptr<void>> topics;

    void error(std::string_view title) { socket->send(shared({{"type", "error"}, {"title", title}})); }
};

Realtime::Realtime(const Clock &clock, http::StillAllowed alive, RealtimeOptions options)
    : m_clock(clock), m_alive(std::move(alive)), m_options(options)
{}

Realtime::~Realtime() = default;

void Realtime::addTopic(std::string name, TopicSource &source) { m_sources.emplace(std::move(name), &source); }

awaitable<void> Realtime::serve(http::Request &request, std::shared_ptr<http::WebSocket> socket)
{
    auto connection = std::make_shared<Connection>(Connection{std::move(socket), request.principal, {}});
    const auto watch = http::watchSocket(connection->socket, request.admission, m_alive, m_options.sessionCheck);
    for (;;) {
        auto message = co_await connection->socket->receive();
        if (!message)
            break;
        handle(*connection, *message);
    }
    connection->topics.clear();
}

void Realtime::handle(Connection &connection, std::string_view text)
{
    const auto message = readJson<ClientMessage>(text, JsonMode::Strict);
    if (!message) {
        connection.error(message.error().message);
        return;
    }
    if (message->subscribe.empty() && message->unsubscribe.empty()) {
        connection.error("Say {\"subscribe\": [topic, …]} or {\"unsubscribe\": [topic, …]}.");
        return;
    }
    bool heeded = !message->unsubscribe.empty();
    for (const auto &topic : message->unsubscribe)
        connection.topics.erase(topic);
    for (const auto &topic : message->subscribe)
        heeded = subscribe(connection, topic) || heeded;
    if (!heeded)
        return;
    boost::json::array topics;
    for (const auto &[topic, token] : connection.topics)
        topics.emplace_back(topic);
    connection.socket->send(shared({{"type", "subscribed"}, {"topics", std::move(topics)}}));
}

bool Realtime::subscribe(Connection &connection, const std::string &topic)
{
    if (connection.topics.contains(topic))
        return true;
    if (connection.topics.size() >= m_options.maxTopics) {
        connection.error("At most " + std::to_string(m_options.maxTopics) + " topics on one connection.");
        return false;
    }
    const auto colon = topic.find(':');
    const auto argument = colon == std::string::npos ? std::string_view() : std::string_view(topic).substr(colon + 1);
    const auto source = m_sources.find(std::string_view(topic).substr(0, colon));
    if (source == m_sources.end()) {
        connection.error("There is no topic '" + std::string(cutText(topic, 64)) + "'.");
        return false;
    }
    const auto send = [socket = std::weak_ptr(connection.socket), topic, this](std::string data) {
        const auto open = socket.lock();
        if (!open)
            return;
        // `data` is JSON already: it goes in as it is instead of being parsed and written again.
        auto text = R"({"type":"event","topic":)" + boost::json::serialize(boost::json::string_view(topic)) +
                    R"(,"time":")" + formatTime(m_clock.wall()) + R"(","data":)" + data + "}";
        open->send(std::make_shared<const std::string>(std::move(text)));
    };
    auto token = source->second->subscribe(connection.principal, argument, connection.socket->executor(), send);
    if (token)
        connection.topics.emplace(topic, std::move(*token));
    else
        connection.error(http::wordsFor(connection.principal.role, token.error()));
    return token.has_value();
}

} // namespace portolan::portal
