// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/subscriber.h"

#include "core/redis/lifecycle.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <set>

namespace portolan::redis {

namespace {

/// How long a silent connection is trusted before a PING must be answered within the same time.
constexpr std::chrono::seconds quietTime{5};

/// A channel or a pattern.
struct Topic
{
    bool pattern = false;
    std::string name;
    auto operator<=>(const Topic &) const = default;
};

/// A command whose answer has not come. Answers come in the order of the commands, messages between them.
struct Ask
{
    std::set<Topic> topics; ///< not yet acknowledged; none: a PING
    bool on = true;         ///< subscribes, not the reverse
};

struct SubscriberLink : Link
{
    using Link::Link;
    std::set<Topic> subscribed;    ///< asked for
    std::set<Topic> awaited;       ///< of these the acknowledgement has not come
    std::map<Topic, bool> refused; ///< of these it never will; whether the command is unknown there
    std::deque<Ask> asks;
    std::string outgoing, writing;
    bool isWriting = false, ready = false;
    bool heard = false; ///< since the last look
    bool asked = false; ///< a PING is out
};

} // namespace

/// What is wanted (m_wanted) is written from any thread under the mutex; the connection's thread brings what Redis
/// knows (SubscriberLink::subscribed) in line with it, at first and after every change, with at most one SUBSCRIBE or
/// UNSUBSCRIBE each. Redis refuses such a command as a whole when the user lacks the right to one of its channels: then
/// each is asked for by itself, and what is refused alone is noted.
class Subscriber::Impl final : public Lifecycle<Subscriber::Impl, SubscriberLink>
{
public:
    struct Subscription
    {
        explicit Subscription(Handler wanted) : handler(std::move(wanted)) {}
        const Handler handler;
        std::atomic<bool> ended{false};
    };

    Impl(Executor executor, Endpoint endpoint, ClientOptions options)
        : Lifecycle(executor, std::move(endpoint), std::move(options)), m_quiet(executor)
    {}

    std::shared_ptr<void> subscribe(Topic topic, Handler handler);

    std::atomic<std::uint64_t> connections{0};

    std::vector<Refused> refused() const { return locked(m_refused); }
    std::optional<Error> problem() const { return locked(m_problem); }

private:
    friend class Lifecycle<Subscriber::Impl, SubscriberLink>;
    using Link = SubscriberLink;

    void stopping() {}
    const std::vector<const Script *> &scripts() const { return m_scripts; }
    void failed(const Error &why);
    void opened();
    bool received(Link &link, std::string &problem);
    void broke(Link &link, const std::string &problem);
    void ended(std::shared_ptr<Link> link);

    template <class T> T locked(const T &value) const
    {
        const std::lock_guard lock(m_mutex);
        return value;
    }
    using Subscriptions = std::vector<std::shared_ptr<Subscription>>;

    void unsubscribe(const Topic &topic, const std::shared_ptr<Subscription> &subscription);
    void scheduleSync();
    void sync();
    void ask(Link &link, bool on, bool pattern, std::set<Topic> topics);
    void answered(Link &link, const Topic &topic);
    void refusedBy(const std::shared_ptr<Link> &link, const Reply &error);
    void noteRefused(const Link &link);
    void write(const std::shared_ptr<Link> &link);
    void take(const std::shared_ptr<Link> &link, const Reply &message);
    void dispatch(const Topic &topic, std::string_view channel, std::string_view payload);
    void checkReady(Link &link);
    void watch(std::shared_ptr<Link> link);

    const std::vector<const Script *> m_scripts; ///< none
    // Under the mutex.
    std::map<Topic, Subscriptions> m_wanted;
    std::vector<Refused> m_refused;
    std::optional<Error> m_problem;
    bool m_syncScheduled = false;

    // The subscriber's thread.
    Timer m_quiet;
};

void Subscriber::Impl::failed(const Error &why)
{
    const std::lock_guard lock(m_mutex);
    m_problem = why;
}

void Subscriber::Impl::opened()
{
    {
        const std::lock_guard lock(m_mutex);
        m_problem.reset();
    }
    sync();
    watch(m_link);
}

void Subscriber::Impl::broke(Link &, const std::string &)
{
    auto ready = State::Ready;
    m_state.compare_exchange_strong(ready, State::Connecting, std::memory_order_acq_rel);
}

void Subscriber::Impl::ended(std::shared_ptr<Link>) { m_quiet.cancel(); }

std::shared_ptr<void> Subscriber::Impl::subscribe(Topic topic, Handler handler)
{
    auto subscription = std::make_shared<Subscription>(std::move(handler));
    {
        const std::lock_guard lock(m_mutex);
        m_wanted[topic].push_back(subscription);
        scheduleSync();
    }
    void *const token = subscription.get();
    return std::shared_ptr<void>(token, [weak = weak_from_this(), topic = std::move(topic), subscription](void *) {
        subscription->ended.store(true, std::memory_order_release);
        if (const auto self = weak.lock())
            self->unsubscribe(topic, subscription);
    });
}

void Subscriber::Impl::unsubscribe(const Topic &topic, const std::shared_ptr<Subscription> &subscription)
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_wanted.find(topic);
    if (found == m_wanted.end())
        return;
    std::erase(found->second, subscription);
    if (found->second.empty())
        m_wanted.erase(found);
    scheduleSync();
}

/// Under m_mutex.
void Subscriber::Impl::scheduleSync()
{
    if (m_started && !std::exchange(m_syncScheduled, true))
        asio::post(m_executor, [self = shared_from_this()] { self->sync(); });
}

void Subscriber::Impl::sync()
{
    std::set<Topic> wanted;
    {
        const std::lock_guard lock(m_mutex);
        m_syncScheduled = false;
        for (const auto &[topic, subscriptions] : m_wanted)
            wanted.insert(wanted.end(), topic);
    }
    if (!m_link)
        return;
    Link &link = *m_link;
    const auto without = [](const std::set<Topic> &from, const std::set<Topic> &others, bool pattern) {
        std::set<Topic> topics;
        for (const auto &topic : from) {
            if (topic.pattern == pattern && !others.contains(topic))
                topics.insert(topics.end(), topic);
        }
        return topics;
    };
    for (const bool on : {false, true}) {
        for (const bool pattern : {false, true})
            ask(link, on, pattern,
                on ? without(wanted, link.subscribed, pattern) : without(link.subscribed, wanted, pattern));
    }
    for (const auto &topic : wanted) {
        if (!link.subscribed.contains(topic))
            link.awaited.insert(topic);
    }
    const auto unwanted = [&](const Topic &topic) { return !wanted.contains(topic); };
    std::erase_if(link.awaited, unwanted);
    std::erase_if(link.refused, [&](const auto &refused) { return unwanted(refused.first); });
    noteRefused(link);
    link.subscribed = std::move(wanted);
    write(m_link);
    checkReady(link);
}

void Subscriber::Impl::ask(Link &link, bool on, bool pattern, std::set<Topic> topics)
{
    if (topics.empty())
        return;
    Command command;
    command.begin(1 + topics.size());
    command.argument(on ? (pattern ? "PSUBSCRIBE" : "SUBSCRIBE") : (pattern ? "PUNSUBSCRIBE" : "UNSUBSCRIBE"));
    for (const auto &topic : topics)
        command.argument(topic.name);
    link.outgoing += command.bytes();
    link.asks.push_back({std::move(topics), on});
}

/// One topic of the command at the front.
void Subscriber::Impl::answered(Link &link, const Topic &topic)
{
    if (link.asks.empty())
        return;
    link.asks.front().topics.erase(topic);
    if (link.asks.front().topics.empty())
        link.asks.pop_front();
}

/// The command at the front, as a whole.
void Subscriber::Impl::refusedBy(const std::shared_ptr<Link> &link, const Reply &error)
{
    if (link->asks.empty())
        return;
    const Ask refused = std::move(link->asks.front());
    link->asks.pop_front();
    if (refused.topics.empty())
        link->asked = false; // no PING here; but it has answered
    if (!refused.on)
        return;
    for (const Topic &topic : refused.topics) {
        if (!link->subscribed.contains(topic))
            continue; // nobody wants it any more
        if (refused.topics.size() > 1) {
            ask(*link, true, topic.pattern, {topic});
        } else {
            link->awaited.erase(topic);
            link->refused[topic] = error.errorCode() != "NOPERM";
        }
    }
    noteRefused(*link);
    write(link);
    checkReady(*link);
}

void Subscriber::Impl::noteRefused(const Link &link)
{
    const std::lock_guard lock(m_mutex);
    m_refused.clear();
    for (const auto &[topic, unknown] : link.refused)
        m_refused.push_back({topic.name, topic.pattern, unknown});
}

void Subscriber::Impl::write(const std::shared_ptr<Link> &link)
{
    if (link->isWriting || link->outgoing.empty())
        return;
    link->writing = std::exchange(link->outgoing, {});
    link->isWriting = true;
    link->wire.stream().writeAll(asio::buffer(link->writing),
                                 [self = shared_from_this(), link](const error_code &failed, std::size_t) {
                                     link->isWriting = false;
                                     if (failed)
                                         link->wire.close();
                                     else
                                         self->write(link);
                                 });
}

bool Subscriber::Impl::received(Link &link, std::string &)
{
    link.heard = true;
    const auto held = m_link;
    Reply message;
    ReplyReader::Next next = ReplyReader::Next::NeedMore;
    // A handler may stop us.
    while (m_link == held && (next = link.wire.next(message)) == ReplyReader::Next::Reply)
        take(held, message);
    return next != ReplyReader::Next::Malformed;
}

/// [message, channel, payload] · [pmessage, pattern, channel, payload] · [(p)subscribe, name, count]. PING is answered
/// by [pong, ""] while subscribed to anything and by +PONG otherwise.
void Subscriber::Impl::take(const std::shared_ptr<Link> &link, const Reply &message)
{
    const auto &parts = message.elements;
    if (message.type == Reply::Type::Error)
        return refusedBy(link, message);
    if (message.type == Reply::Type::Status || (!parts.empty() && parts[0].text == "pong")) {
        link->asked = false;
        if (!link->asks.empty() && link->asks.front().topics.empty())
            link->asks.pop_front();
        return;
    }
    if (parts.size() == 3 && parts[0].text == "message")
        return dispatch({false, parts[1].text}, parts[1].text, parts[2].text);
    if (parts.size() == 4 && parts[0].text == "pmessage")
        return dispatch({true, parts[1].text}, parts[2].text, parts[3].text);
    if (parts.size() != 3)
        return;
    const bool pattern = parts[0].text.starts_with('p');
    const Topic topic{pattern, parts[1].text};
    answered(*link, topic);
    if (!parts[0].text.ends_with("unsubscribe")) {
        link->awaited.erase(topic);
        if (link->refused.erase(topic) != 0)
            noteRefused(*link);
        checkReady(*link);
    }
}

void Subscriber::Impl::dispatch(const Topic &topic, std::string_view channel, std::string_view payload)
{
    Subscriptions subscriptions; // a copy: handlers may subscribe and unsubscribe
    {
        const std::lock_guard lock(m_mutex);
        const auto found = m_wanted.find(topic);
        if (found == m_wanted.end())
            return;
        subscriptions = found->second;
    }
    for (const auto &subscription : subscriptions) {
        if (state() != State::Stopped && !subscription->ended.load(std::memory_order_acquire))
            subscription->handler(channel, payload);
    }
}

void Subscriber::Impl::checkReady(Link &link)
{
    if (link.ready || !link.awaited.empty())
        return;
    link.ready = true;
    auto connecting = State::Connecting;
    if (m_state.compare_exchange_strong(connecting, State::Ready, std::memory_order_acq_rel))
        connections.fetch_add(1, std::memory_order_release);
}

/// A subscriber has nothing to say by itself, so a connection that died silently would look like a quiet one.
void Subscriber::Impl::watch(std::shared_ptr<Link> link)
{
    m_quiet.expires_after(quietTime);
    m_quiet.async_wait([self = shared_from_this(), link](const error_code &cancelled) {
        if (cancelled || self->m_link != link)
            return;
        if (!link->heard && link->asked)
            return link->wire.close();
        if (!link->heard) {
            link->asked = true;
            link->outgoing += Command("PING").bytes();
            link->asks.push_back({});
            self->write(link);
        }
        link->heard = false;
        if (!link->refused.empty()) { // perhaps the right was given meanwhile
            for (const auto &[topic, unknown] : link->refused)
                link->subscribed.erase(topic);
            self->sync();
        }
        self->watch(link);
    });
}

Subscriber::Subscriber(Executor executor, Endpoint endpoint, ClientOptions options)
    : m_impl(std::make_shared<Impl>(executor, std::move(endpoint), std::move(options)))
{}

Subscriber::~Subscriber() { stop(); }

void Subscriber::start() { m_impl->start(); }
void Subscriber::stop() { m_impl->stop(); }
Client::State Subscriber::state() const { return m_impl->state(); }
std::vector<Subscriber::Refused> Subscriber::refused() const { return m_impl->refused(); }
std::optional<Error> Subscriber::problem() const { return m_impl->problem(); }
std::uint64_t Subscriber::connections() const { return m_impl->connections.load(std::memory_order_acquire); }

std::shared_ptr<void> Subscriber::subscribe(std::string channel, Handler handler)
{
    return m_impl->subscribe({false, std::move(channel)}, std::move(handler));
}

std::shared_ptr<void> Subscriber::subscribePattern(std::string pattern, Handler handler)
{
    return m_impl->subscribe({true, std::move(pattern)}, std::move(handler));
}

} // namespace portolan::redis
