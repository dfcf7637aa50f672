// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/blocking_pool.h"
#include "core/base/dial.h"
#include "core/base/logging.h"
#include "core/base/resolver.h"
#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/base/trust.h"
#include "core/console/snapshot_feed.h"
#include "core/console/stack_actions.h"
#include "core/console/stack_questions.h"
#include "core/server/stack_watch.h"
#include "tests/fakes/flask_keys.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTemporaryDir>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

/// A watch of a real redis-server, by a deployment's file, and its samples as they come.
namespace portolan {

inline stack::WatchFile watchFile(const std::string &text)
{
    auto reading = stack::parseWatchFile(text, "shop.toml", stack::ReadFor::Console);
    if (!reading.mistakes.empty())
        throw std::runtime_error(stack::errorOf(reading.mistakes).message);
    return std::move(reading.file);
}

/// The file of a stack with this Redis, signed in to as `shop`, whose password is in the variable WORD. `more`: lines
/// before the tables.
inline stack::WatchFile shopFile(const RedisServerFixture &redis, const std::string &more = {})
{
    return watchFile("name = \"shop\"\n" + more + "\n[redis]\nurl = \"redis://shop@127.0.0.1:" +
                     std::to_string(redis.port()) + "/0\"\npassword = \"env:WORD\"\n");
}

class WatchedStack final
{
public:
    explicit WatchedStack(stack::WatchFile file, std::string word = "word", const std::string &folder = {})
        : m_word(std::move(word))
    {
        server::StackWatch::Parts parts{m_clock, m_logger, m_runtime.at(0), m_files, m_direct, m_trust, {}, {}};
        parts.secrets.environment = [this](const std::string &name) -> std::optional<std::string> {
            const std::lock_guard lock(m_mutex);
            return name == "WORD" && !m_word.empty() ? std::optional(m_word) : std::nullopt;
        };
        parts.folder = folder.empty() ? m_folder.filePath("shop").toStdString() : folder;
        auto started = server::StackWatch::start(std::move(file), std::move(parts));
        if (!started)
            throw std::runtime_error(started.error().message);
        m_watch = std::move(*started);
        m_subscription = services().snapshots.subscribe([this](const std::shared_ptr<const Snapshot> &sample) {
            const std::lock_guard lock(m_mutex);
            m_latest = sample;
            m_came.notify_all();
        });
    }
    ~WatchedStack()
    {
        m_subscription.reset();
        m_watch->stop();
        m_runtime.stop();
    }

    console::StackServices services() const { return m_watch->services(); }
    void setWord(const std::string &word)
    {
        const std::lock_guard lock(m_mutex);
        m_word = word;
    }
    /// The first sample from now on that is so; null: none is within `most`.
    std::shared_ptr<const Snapshot> wait(const std::function<bool(const Snapshot &)> &wanted,
                                         std::chrono::seconds most = std::chrono::seconds(30))
    {
        std::unique_lock lock(m_mutex);
        const bool came = m_came.wait_for(lock, most, [&] { return m_latest && wanted(*m_latest); });
        return came ? m_latest : nullptr;
    }
    /// Once everything of Redis was heard of.
    std::shared_ptr<const Snapshot> waitForAll()
    {
        return wait([](const Snapshot &sample) {
            return sample.clients.total && !sample.families.families.empty() && sample.queue.waiting == 3u &&
                   sample.queue.complete.value_or(false);
        });
    }
    template <class Q> Result<typename Q::Answer> ask(Q question)
    {
        return runSync<Result<typename Q::Answer>>(m_runtime.at(0), [&] {
            return console::answerTo(services(), {0, Role::Admin}, std::move(question));
        });
    }
    Result<ActionOutcome> perform(Action action)
    {
        return runSync<Result<ActionOutcome>>(m_runtime.at(0), [&] {
            return console::performAction(services(), std::move(action), {{0, Role::Admin}, "for the test"});
        });
    }
    Result<ActionPreview> preview(Action action)
    {
        return runSync<Result<ActionPreview>>(m_runtime.at(0),
                                              [&] { return console::previewAction(services(), std::move(action)); });
    }
    Executor executor() { return m_runtime.at(0); }

private:
    QTemporaryDir m_folder;
    SystemClock m_clock;
    Logger m_logger{m_clock, {.write = [](std::string_view) {}}};
    Runtime m_runtime{1};
    BlockingPool m_files{"test-files", 1, 16};
    const std::shared_ptr<Dialer> m_direct = std::make_shared<DirectDialer>(std::make_shared<Resolver>());
    const std::shared_ptr<TlsClients> m_trust = std::make_shared<TlsClients>();
    std::mutex m_mutex;
    std::condition_variable m_came;
    std::string m_word;
    std::shared_ptr<const Snapshot> m_latest;
    std::unique_ptr<server::StackWatch> m_watch;
    std::shared_ptr<void> m_subscription;
};

inline const SourceFigures *sourceOf(const Snapshot &snapshot, std::string_view name)
{
    for (const SourceFigures &source : snapshot.sources)
        if (source.name == name)
            return &source;
    return nullptr;
}

} // namespace portolan
