// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/cluster_nodes.h"

#include "core/base/runtime.h"
#include "core/redis/errors.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <future>
#include <map>
#include <mutex>
#include <utility>

namespace portolan::redis {

namespace {

using Clients = std::map<std::string, std::shared_ptr<Client>>; ///< by the id of their node

bool isThere(const ClusterNode &node, const Endpoint &endpoint)
{
    return node.endpoint.host == endpoint.host && node.endpoint.port == endpoint.port;
}

/// One that has failed for good: its slots are another's.
bool isGone(const ClusterNode &node) { return node.health == NodeHealth::Failed && node.slotCount == 0; }

Error refused(const Reply &reply, const Endpoint &endpoint)
{
    Error error = aboutThat(errorOf(reply), endpoint.display(), plainText(reply));
    if (reply.errorCode() == "NOPERM") {
        error.mend = "ACL SETUSER " + (endpoint.user.empty() ? "default" : endpoint.user) +
                     " +cluster|shards +cluster|slots +cluster|myid";
        error.hint = "Run `" + error.mend + "` in each node.";
    }
    return error;
}

} // namespace

struct ClusterNodes::Impl : std::enable_shared_from_this<Impl>
{
    Impl(Executor on, Client &toContact, Endpoint made, ClientOptions with, Timing times)
        : executor(on),
          contact(toContact),
          endpoint(std::move(made)),
          options(std::move(with)),
          timing(times),
          timer(on)
    {
        options.locate = {};
        options.explain = {};
        options.primaryOnly = false; // a node changes its role as the cluster decides
        options.allowCluster = true;
    }

    static awaitable<void> run(std::shared_ptr<Impl> self);
    awaitable<void> refresh();
    awaitable<Result<void>> ask(std::shared_ptr<Client> client, bool isContact);
    void apply(std::vector<ClusterNode> told, std::optional<std::string> contactIs);
    std::shared_ptr<Client> clientFor(const ClusterNode &node) const;
    void note(std::optional<Error> why);
    std::uint64_t moved() const;
    /// And is to be asked again soon: what is refused is not, only as often as it is asked anyway.
    bool failed() const
    {
        const std::lock_guard lock(mutex);
        return problem ? isAway(*problem) || problem->kind == ErrorKind::Timeout : !toldAt;
    }
    std::shared_ptr<Client> contactClient() const { return {std::shared_ptr<Client>(), &contact}; }
    Clients others() const
    {
        const std::lock_guard lock(mutex);
        return clients;
    }
    void stop();

    const Executor executor;
    Client &contact;
    const Endpoint endpoint;
    ClientOptions options;
    const Timing timing;

    // The executor's thread.
    Timer timer;
    bool stopping = false;
    bool onlySlots = false; ///< SHARDS is refused, or unknown before Redis 7
    std::uint64_t movedBefore = 0;
    std::optional<SteadyTime> asked;

    std::promise<void> over;
    std::shared_future<void> end{over.get_future().share()};

    mutable std::mutex mutex; ///< of what follows
    bool started = false;
    bool stopped = false;
    std::vector<ClusterNode> nodes;
    Clients clients; ///< of all primaries but the contact
    std::string contactId;
    std::optional<SteadyTime> toldAt;
    std::optional<Error> problem;
};

awaitable<void> ClusterNodes::Impl::run(std::shared_ptr<Impl> self)
{
    while (!self->stopping) {
        const auto now = std::chrono::steady_clock::now();
        const std::uint64_t moved = self->moved();
        if (self->failed() || moved != self->movedBefore || !self->asked || now - *self->asked >= self->timing.every) {
            self->movedBefore = moved;
            self->asked = now;
            co_await self->refresh();
        }
        if (self->stopping)
            break;
        error_code cancelled;
        self->timer.expires_after(self->timing.look);
        co_await self->timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
    self->over.set_value();
}

std::uint64_t ClusterNodes::Impl::moved() const
{
    std::uint64_t sum = contact.counters().moved;
    for (const auto &[id, client] : others())
        sum += client->counters().moved;
    return sum;
}

awaitable<void> ClusterNodes::Impl::refresh()
{
    std::vector<std::shared_ptr<Client>> candidates{contactClient()};
    for (const auto &[id, client] : others())
        candidates.push_back(client);
    std::optional<Error> why = contact.problem();
    for (const auto &client : candidates) {
        if (stopping)
            co_return;
        if (client->state() != Client::State::Ready)
            continue;
        const auto told = co_await ask(client, client.get() == &contact);
        if (told)
            co_return note(std::nullopt);
        why = told.error();
    }
    note(why ? why : away(endpoint, "still connecting", false));
}

void ClusterNodes::Impl::note(std::optional<Error> why)
{
    const std::lock_guard lock(mutex);
    problem = std::move(why);
    if (!problem)
        toldAt = std::chrono::steady_clock::now();
}

awaitable<Result<void>> ClusterNodes::Impl::ask(std::shared_ptr<Client> client, bool isContact)
{
    Endpoint there = endpoint;
    const Endpoint asking = client->endpoint();
    there.host = asking.host;
    there.port = asking.port;
    const bool shards = !onlySlots;
    Command questions("CLUSTER", "MYID");
    questions.add("CLUSTER", shards ? "SHARDS" : "SLOTS");
    const auto replies = co_await client->pipeline(std::move(questions));
    if (!replies)
        co_return replies.error();
    const Reply &answer = (*replies)[1];
    if (answer.isError() && shards && errorOf(answer).kind != ErrorKind::Timeout) {
        onlySlots = true;
        co_return co_await ask(client, isContact);
    }
    if (answer.isError()) {
        onlySlots = false; // perhaps it is the right to either that will be given
        co_return refused(answer, there);
    }
    auto told = shards ? readShards(answer, there) : readSlots(answer, there);
    if (!told)
        co_return told.error();
    std::optional<std::string> contactIs;
    if (isContact) {
        contactIs = (*replies)[0].isError() ? std::string() : (*replies)[0].text;
        for (const auto &node : *told)
            if (contactIs->empty() && isThere(node, there))
                contactIs = node.id;
    }
    apply(std::move(*told), std::move(contactIs));
    co_return Result<void>();
}

std::shared_ptr<Client> ClusterNodes::Impl::clientFor(const ClusterNode &node) const
{
    const Clients have = others();
    if (const auto found = have.find(node.id); found != have.end()) {
        // Where it is connected to, `otherName` and all: what it was made with.
        if (isThere(node, found->second->endpoint()))
            return found->second;
    }
    Endpoint there = node.endpoint;
    there.user = endpoint.user;
    there.password = endpoint.password;
    const auto client = std::make_shared<Client>(executor, there, options);
    client->start();
    return client;
}

void ClusterNodes::Impl::apply(std::vector<ClusterNode> told, std::optional<std::string> contactIs)
{
    std::string contactWas;
    {
        const std::lock_guard lock(mutex);
        contactWas = contactId;
    }
    const std::string us = contactIs.value_or(contactWas);
    Clients wanted;
    for (const auto &node : told)
        if (node.role == NodeRole::Primary && node.id != us && !isGone(node))
            wanted.emplace(node.id, clientFor(node));
    Clients before;
    {
        const std::lock_guard lock(mutex);
        nodes = std::move(told);
        contactId = us;
        before = std::exchange(clients, wanted);
    }
    for (const auto &[id, client] : before)
        if (const auto kept = wanted.find(id); kept == wanted.end() || kept->second != client)
            client->stop(); // on its own thread: at once
}

void ClusterNodes::Impl::stop()
{
    {
        const std::lock_guard lock(mutex);
        if (!started || std::exchange(stopped, true))
            return;
    }
    asio::post(executor, [self = shared_from_this()] {
        self->stopping = true;
        self->timer.cancel();
    });
    while (end.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout &&
           !executor.context().stopped()) {
    }
    for (const auto &[id, client] : others())
        client->stop();
}

ClusterNodes::ClusterNodes(Executor executor, Client &contact, Endpoint endpoint, ClientOptions options)
    : ClusterNodes(executor, contact, std::move(endpoint), std::move(options), Timing{})
{}

ClusterNodes::ClusterNodes(Executor executor, Client &contact, Endpoint endpoint, ClientOptions options, Timing timing)
    : m_impl(std::make_shared<Impl>(executor, contact, std::move(endpoint), std::move(options), timing))
{}

ClusterNodes::~ClusterNodes() { stop(); }

void ClusterNodes::start()
{
    {
        const std::lock_guard lock(m_impl->mutex);
        if (m_impl->stopped || std::exchange(m_impl->started, true))
            return;
    }
    spawn(m_impl->executor, [impl = m_impl] { return Impl::run(impl); });
}

void ClusterNodes::stop() { m_impl->stop(); }

std::vector<ClusterNode> ClusterNodes::nodes() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->nodes;
}

std::vector<ClusterNodes::Member> ClusterNodes::primaries() const
{
    std::vector<Member> members;
    const std::lock_guard lock(m_impl->mutex);
    for (const auto &node : m_impl->nodes) {
        const auto other = m_impl->clients.find(node.id);
        if (other != m_impl->clients.end())
            members.push_back({node, other->second});
        else if (node.role == NodeRole::Primary && node.id == m_impl->contactId)
            members.push_back({node, m_impl->contactClient()});
    }
    return members;
}

std::optional<SteadyTime> ClusterNodes::toldAt() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->toldAt;
}

std::optional<Error> ClusterNodes::problem() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->problem;
}

} // namespace portolan::redis
