// SPDX-License-Identifier: GPL-3.0-or-later
// What a cluster answers to the question for its nodes.

#include "core/base/asio.h"
#include "core/redis/cluster_nodes.h"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace portolan::redis {

namespace {

constexpr std::size_t mostNodes = 1000;
constexpr std::size_t longestText = 255;
constexpr std::int64_t allSlots = 16384;

Error noSuchAnswer(std::string what)
{
    return failure(
        ErrorKind::Protocol,
        "What Redis answers to the question for the nodes of its cluster makes no sense: " + std::move(what) + ".");
}

/// Of a list of names and values, one behind the other.
const Reply *field(const Reply &list, std::string_view name)
{
    for (std::size_t i = 0; i + 1 < list.elements.size(); i += 2)
        if (list.elements[i].text == name)
            return &list.elements[i + 1];
    return nullptr;
}

std::string textOf(const Reply *value)
{
    return value && value->type == Reply::Type::String && value->text.size() <= longestText ? value->text
                                                                                            : std::string();
}

/// A server that does not know its own name answers nothing, an empty one or "?".
bool isHost(const std::string &host) { return !host.empty() && host != "?"; }

bool isAddress(const std::string &host)
{
    error_code failed;
    asio::ip::make_address(host, failed);
    return !failed;
}

/// Nothing: there is no such port.
std::optional<Endpoint> endpointAt(std::string host, std::int64_t port, const Endpoint &asked)
{
    if (port < 1 || port > 65535)
        return std::nullopt;
    Endpoint endpoint = asked;
    if (endpoint.transport == Endpoint::Transport::Unix) {
        endpoint.transport = Endpoint::Transport::Tcp;
        endpoint.path.clear();
    }
    const bool named = endpoint.transport == Endpoint::Transport::Tls && !isAddress(endpoint.host);
    if (!isHost(host))
        host = endpoint.host;
    else if (named && isAddress(host) && endpoint.trust.serverName.empty())
        endpoint.otherName = endpoint.host;
    endpoint.host = std::move(host);
    endpoint.port = static_cast<std::uint16_t>(port);
    endpoint.database = 0;
    return endpoint;
}

std::int64_t between(const Reply &first, const Reply &last)
{
    const std::int64_t from = first.integer;
    const std::int64_t to = last.integer;
    return from >= 0 && to >= from && to < allSlots ? to - from + 1 : 0;
}

std::uint32_t slotsOf(const Reply &shard)
{
    std::int64_t count = 0;
    if (const Reply *ranges = field(shard, "slots"))
        for (std::size_t i = 0; i + 1 < ranges->elements.size(); i += 2)
            count += between(ranges->elements[i], ranges->elements[i + 1]);
    return static_cast<std::uint32_t>(std::min(count, allSlots));
}

NodeHealth healthOf(std::string_view text)
{
    if (text == "online")
        return NodeHealth::Online;
    if (text == "loading")
        return NodeHealth::Loading;
    return text == "fail" || text == "failed" ? NodeHealth::Failed : NodeHealth::Unknown;
}

std::optional<ClusterNode> shardNode(const Reply &told, const Endpoint &asked)
{
    ClusterNode node;
    node.id = textOf(field(told, "id"));
    const Reply *port = field(told, asked.transport == Endpoint::Transport::Tls ? "tls-port" : "port");
    if (!port) // of one that has no other
        port = field(told, "port");
    std::string host = textOf(field(told, "endpoint"));
    if (!isHost(host))
        host = textOf(field(told, "ip"));
    const auto endpoint = endpointAt(std::move(host), port ? port->integer : 0, asked);
    if (node.id.empty() || !endpoint)
        return std::nullopt;
    node.endpoint = *endpoint;
    node.role = textOf(field(told, "role")) == "master" ? NodeRole::Primary : NodeRole::Replica;
    node.health = healthOf(textOf(field(told, "health")));
    return node;
}

/// Of an element of SLOTS: address, port, id, and in Redis 7 what else it is called by.
std::optional<ClusterNode> slotNode(const Reply &told, const Endpoint &asked)
{
    if (told.elements.size() < 3)
        return std::nullopt;
    ClusterNode node;
    node.id = textOf(&told.elements[2]);
    const auto endpoint = endpointAt(textOf(&told.elements[0]), told.elements[1].integer, asked);
    if (node.id.empty() || !endpoint)
        return std::nullopt;
    node.endpoint = *endpoint;
    return node;
}

Result<std::vector<ClusterNode>> sorted(std::vector<ClusterNode> nodes)
{
    if (nodes.empty())
        return noSuchAnswer("there is no node in it");
    if (nodes.size() > mostNodes)
        return noSuchAnswer("there are more than " + std::to_string(mostNodes) + " nodes in it");
    std::stable_partition(nodes.begin(), nodes.end(),
                          [](const ClusterNode &node) { return node.role == NodeRole::Primary; });
    return nodes;
}

} // namespace

Result<std::vector<ClusterNode>> readShards(const Reply &reply, const Endpoint &asked)
{
    std::vector<ClusterNode> nodes;
    for (const Reply &shard : reply.elements) {
        const Reply *members = field(shard, "nodes");
        if (!members)
            return noSuchAnswer("a shard has no nodes");
        const std::uint32_t covered = slotsOf(shard);
        const std::size_t from = nodes.size();
        std::string primary;
        for (const Reply &member : members->elements) {
            auto node = shardNode(member, asked);
            if (!node)
                return noSuchAnswer("a node has no id or no port");
            node->slotCount = covered;
            // After a failover the old primary, which has failed, is still told as one.
            if (node->role == NodeRole::Primary && (primary.empty() || node->health != NodeHealth::Failed))
                primary = node->id;
            nodes.push_back(std::move(*node));
            if (nodes.size() > mostNodes)
                return sorted(std::move(nodes));
        }
        for (std::size_t i = from; i < nodes.size(); ++i)
            if (nodes[i].role == NodeRole::Replica)
                nodes[i].primary = primary;
    }
    return sorted(std::move(nodes));
}

Result<std::vector<ClusterNode>> readSlots(const Reply &reply, const Endpoint &asked)
{
    std::vector<ClusterNode> nodes;
    std::map<std::string, std::size_t> known;
    for (const Reply &range : reply.elements) {
        if (range.elements.size() < 3)
            return noSuchAnswer("a range of slots has no node");
        const std::int64_t covered = between(range.elements[0], range.elements[1]);
        std::string primary;
        for (std::size_t i = 2; i < range.elements.size(); ++i) {
            auto node = slotNode(range.elements[i], asked);
            if (!node)
                return noSuchAnswer("a node has no id or no port");
            if (i == 2)
                primary = node->id;
            else
                node->primary = primary;
            node->role = i == 2 ? NodeRole::Primary : NodeRole::Replica;
            const auto [at, isNew] = known.emplace(node->id, nodes.size());
            if (isNew)
                nodes.push_back(std::move(*node));
            nodes[at->second].slotCount =
                static_cast<std::uint32_t>(std::min(nodes[at->second].slotCount + covered, allSlots));
            if (nodes.size() > mostNodes)
                return sorted(std::move(nodes));
        }
    }
    return sorted(std::move(nodes));
}

} // namespace portolan::redis
