// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/monitor/instances/roll.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// An instance that answers the same number of requests in every share, so that sums are known.
namespace portolan::monitor::instances {

class InstanceInTest final
{
public:
    /// `took`: how long each of its `answers` answers lasted.
    InstanceInTest(redis::Endpoint endpoint, std::string name, std::uint32_t answers, std::chrono::milliseconds took,
                   std::chrono::milliseconds interval = std::chrono::milliseconds(500),
                   std::function<std::chrono::milliseconds(std::uint64_t, std::uint64_t)> pace = {})
        : m_client(m_runtime.at(0), endpoint),
          m_subscriber(m_runtime.at(0), endpoint, subscribing()),
          roll(m_runtime.at(0), m_client, m_subscriber, m_clock,
               {std::move(name), "1.2.0", endpoint.database, interval, interval * 4 / 5, std::move(pace)},
               [answers, took](Identity who) { return shareOf(std::move(who), answers, took); }),
          m_answers(answers),
          m_took(took)
    {
        roll.onChange([this](const Change &change) {
            const std::lock_guard lock(m_mutex);
            m_changes.push_back(change);
        });
        m_client.start();
        m_subscriber.start();
        roll.start();
    }
    ~InstanceInTest()
    {
        roll.stop();
        m_subscriber.stop();
        m_client.stop();
        m_runtime.stop();
    }

    /// What became of one other instance since forgetChanges(), as words.
    std::string changes(const std::string &of) const
    {
        const std::lock_guard lock(m_mutex);
        std::string words;
        for (const Change &change : m_changes)
            if (change.instance == of)
                words.append(words.empty() ? "" : " ").append(word(change.kind));
        return words;
    }
    void forgetChanges()
    {
        const std::lock_guard lock(m_mutex);
        m_changes.clear();
    }
    Together together() const { return roll.together(shareOf({"own", "1.2.0", 0, 1, {}}, m_answers, m_took)); }
    Merged merged() const { return together().merged; }
    /// How the other one stands; gone where nothing is known of it.
    Presence presenceOf(const std::string &name) const
    {
        for (const Member &member : roll.members())
            if (member.who.name == name)
                return member.presence;
        return Presence::Gone;
    }

    static const char *word(Change::Kind kind)
    {
        return std::array{"joined", "restarted", "hangs", "back", "gone", "stopped", "twice"}[std::size_t(kind)];
    }

private:
    static redis::ClientOptions subscribing()
    {
        redis::ClientOptions options;
        options.name = redis::eventsName;
        return options;
    }
    static Share shareOf(Identity who, std::uint32_t answers, std::chrono::milliseconds took)
    {
        Share share;
        share.who = std::move(who);
        share.connections.connections = 2;
        auto &traffic = share.traffic;
        traffic.answered = answers;
        traffic.covered = telemetry::TrafficSlices::span;
        traffic.routes = {{"GET", "/api/tasks", false}};
        const auto bucket = std::uint16_t(telemetry::latency::bucketOf(took));
        traffic.slices = {{std::chrono::milliseconds(0), {{0, {}, {{bucket, answers}}}}}};
        return share;
    }

    const SystemClock m_clock;
    Runtime m_runtime{1};
    redis::Client m_client;
    redis::Subscriber m_subscriber;
    mutable std::mutex m_mutex;
    std::vector<Change> m_changes;

public:
    Roll roll;

private:
    const std::uint32_t m_answers;
    const std::chrono::milliseconds m_took;
};

} // namespace portolan::monitor::instances
