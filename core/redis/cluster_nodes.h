// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/redis/client.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Redis Cluster, for whoever watches one: which nodes there are. Nothing here finds the node of a key.
/// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
namespace portolan::redis {

enum class NodeRole : std::uint8_t { Primary, Replica };
enum class NodeHealth : std::uint8_t {
    Unknown, ///< not told (CLUSTER SLOTS, before Redis 7)
    Online,
    Loading, ///< a replica that takes over its primary's data
    Failed,  ///< as the node sees it that was asked
};

struct ClusterNode
{
    std::string id;    ///< 40 digits; it stays when address and role change
    Endpoint endpoint; ///< as the cluster announces it, with the sign-in and the trust of where the cluster was asked
    NodeRole role = NodeRole::Primary;
    NodeHealth health = NodeHealth::Unknown;
    std::string primary;         ///< of a replica: the id of whom it follows
    std::uint32_t slotCount = 0; ///< of its shard, out of 16384; of a replica its primary's
    bool operator==(const ClusterNode &) const = default;
};

/// What CLUSTER SHARDS (Redis 7) and CLUSTER SLOTS answer: primaries first, each order as it was told. `asked`: the
/// node that answered, whose host it is where none is announced; without a database, as a cluster has but one. A host
/// that is a bare address may have the certificate of `asked` (Endpoint::otherName). SLOTS knows no node without slots.
/// Protocol: no such answer, or one of more than 1000 nodes.
/// https://redis.io/docs/latest/commands/cluster-shards/ https://redis.io/docs/latest/commands/cluster-slots/
Result<std::vector<ClusterNode>> readShards(const Reply &reply, const Endpoint &asked);
Result<std::vector<ClusterNode>> readSlots(const Reply &reply, const Endpoint &asked);

/// The nodes of a cluster, kept up to date, and a Client for each of its primaries: one connection to each node, the
/// contact's own among them. Asked anew every 30 s, and within a second of a MOVED that any of these clients is told,
/// of the contact or, where that is away, of any node that is connected. Public calls from any thread.
///
///     options.allowCluster = true;
///     Client contact(executor, endpoint, options);     // to any node
///     if (contact.isCluster()) {
///         ClusterNodes nodes(executor, contact, endpoint, options);
///         nodes.start();
///         for (const auto &member : nodes.primaries()) … member.client->run(…) …
///     }
class ClusterNodes final
{
public:
    struct Timing
    {
        std::chrono::milliseconds every{30'000};
        std::chrono::milliseconds look{1000}; ///< for MOVED, and again where nobody answered
    };

    /// `contact` outlives it, and is started and stopped by its owner. `executor`, `endpoint` and `options` are those
    /// it was made with: the other nodes are connected to in the same way, with the same user, password and trust, by
    /// the same name. `options.locate` and `primaryOnly` are left out. The files of a TLS trust have been read for the
    /// contact: `options.trust` must not be null then.
    ClusterNodes(Executor executor, Client &contact, Endpoint endpoint, ClientOptions options);
    ClusterNodes(Executor executor, Client &contact, Endpoint endpoint, ClientOptions options, Timing timing);
    ~ClusterNodes(); ///< stop()
    ClusterNodes(const ClusterNodes &) = delete;
    ClusterNodes &operator=(const ClusterNodes &) = delete;

    void start();
    void stop(); ///< disconnects all but the contact; blocks until done, not on the executor's thread

    /// As they were last told; empty before the first answer.
    std::vector<ClusterNode> nodes() const;

    struct Member
    {
        ClusterNode node;
        /// Never null. The contact's own is good for as long as the contact is; one of a node that is gone is stopped.
        std::shared_ptr<Client> client;
    };
    std::vector<Member> primaries() const;

    /// When they were last told, by the machine's steady clock.
    std::optional<SteadyTime> toldAt() const;
    /// Why they could not be asked, the last time; nothing where they could. "redis-rights" where CLUSTER is refused,
    /// with the ACL line that allows it in `mend`.
    std::optional<Error> problem() const;

private:
    struct Impl;
    const std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::redis
